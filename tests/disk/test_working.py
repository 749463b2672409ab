"""Private working folders: nobody else enters them, and they go however their owner ends; what is not provably one of them stays."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heytalk_audit.disk import working
from heytalk_audit.disk.working import private_folder, sweep, working_folder

#: A process that owns a working folder with a file, and one beside a target, and then waits.
OWNER = """
import sys, time
from pathlib import Path
from heytalk_audit.disk.working import working_folder
with working_folder() as here, working_folder(Path(sys.argv[1]), "target") as elsewhere:
    for folder in (here, elsewhere):
        (folder / "rows").mkdir()
        (folder / "rows" / "users.parquet").write_text("rows")
    print(working._GUARDIAN._process.pid if (working := sys.modules["heytalk_audit.disk.working"]) else 0, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of the test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def owner(temporary, tmp_path):
    """A process that owns folders there and in `beside`, and the process that guards them."""
    (tmp_path / "beside").mkdir()
    command = [sys.executable, "-c", OWNER, str(tmp_path / "beside")]
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(temporary)}, stdout=subprocess.PIPE, text=True)
    yield process, int(process.stdout.readline())
    process.kill()
    process.communicate()


def wait_for(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def left(*folders: Path) -> list[str]:
    return [name for folder in folders for name in os.listdir(folder)]


def test_a_folder_is_private_and_goes_with_its_block(temporary):
    with working_folder() as folder:
        assert folder.parent == temporary and stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()] == [0o600]
        with working_folder(folder) as within:
            assert within.parent == folder and list(within.iterdir()) == []
        assert not within.exists()
    assert left(temporary) == []


def test_one_elsewhere_is_named_among_the_temporary_files_and_both_go(temporary, tmp_path):
    with pytest.raises(KeyError), working_folder(tmp_path) as folder:
        assert folder.parent == tmp_path and left(temporary) == [folder.name.removeprefix(".")]
        raise KeyError
    assert left(tmp_path) == ["tmp"] and left(temporary) == []


def test_a_folder_goes_with_its_owner_and_a_fork_leaves_it_alone(temporary):
    class Owner:
        pass

    owner = Owner()
    folder = private_folder(owner)
    pid = os.fork()
    if pid == 0:
        del owner
        os._exit(0 if folder.exists() else 1)
    assert os.waitpid(pid, 0)[1] == 0 and folder.exists()
    del owner
    assert left(temporary) == []


def test_what_a_killed_owner_leaves_its_guardian_removes(owner, temporary, tmp_path):
    process, _ = owner
    assert len(left(temporary, tmp_path / "beside")) == 3
    process.kill()
    wait_for(lambda: not left(temporary, tmp_path / "beside"))


def test_a_guardian_ends_with_its_owner_and_by_nothing_before(owner):
    process, guardian = owner
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(guardian, signum)
    time.sleep(0.1)
    assert working._start_of(guardian) is not None
    process.kill()
    wait_for(lambda: working._start_of(guardian) is None)


@pytest.mark.parametrize("look", ["temporary files", "beside"])
def test_what_both_leave_the_next_command_removes(look, owner, temporary, tmp_path):
    process, guardian = owner
    os.kill(guardian, signal.SIGKILL)
    assert sweep() == sweep(tmp_path / "beside") == 0 and len(left(temporary, tmp_path / "beside")) == 3
    process.kill()
    process.wait()
    if look == "beside":
        assert sweep(tmp_path / "beside") == 1 and left(tmp_path / "beside") == []
    else:
        assert sweep() == 2 and left(temporary, tmp_path / "beside") == []


def abandoned(place: Path, *, name: str = "", marked: bool = True, mode: int = 0o700) -> Path:
    """A folder like those of an owner that is gone; no process is as old as the system."""
    folder = place / (name or "heytalk-audit-1-1-abcdefgh")
    folder.mkdir(mode=mode)
    (folder / "rows").write_text("rows")
    if marked:
        (folder / working.MARK).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ({}, False),
        ({"name": "heytalk-audit-results"}, True),
        ({"name": "heytalk-audit-1-1-abcdefgh.old"}, True),
        ({"name": "heytalk-audit-_4e78lb8"}, True),
        ({"marked": False}, True),
        ({"mode": 0o755}, True),
    ],
)
def test_only_what_is_provably_an_abandoned_working_folder_goes(change, stays, temporary):
    folder = abandoned(temporary, **change)
    assert sweep() == (not stays) and folder.exists() == stays


def test_a_folder_that_is_in_use_or_somebody_elses_stays(temporary, monkeypatch):
    mine = abandoned(temporary, name=f"heytalk-audit-{os.getpid()}-{working._start_of(os.getpid())}-abcdefgh")
    assert sweep() == 0 and mine.exists()
    folder = abandoned(temporary)
    with monkeypatch.context() as changed:
        changed.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert sweep() == 0 and folder.exists()
    # another container shows none of its processes, but the mark is locked
    with (folder / working.MARK).open() as mark:
        working.fcntl.flock(mark, working.fcntl.LOCK_EX)
        assert sweep() == 0 and folder.exists()
    assert sweep() == 1 and not folder.exists()


def test_no_link_is_followed(temporary, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "thesis.txt").write_text("years of work")
    (temporary / "heytalk-audit-1-1-abcdefgh").symlink_to(abandoned(tmp_path, name="heytalk-audit-1-1-elsewher"))
    folder = abandoned(temporary, name="heytalk-audit-1-1-bbbbbbbb")
    (folder / "link").symlink_to(kept)
    # and a mark leads nowhere but to the folder that it belongs to
    (folder / working.MARK).write_text(f'{{"elsewhere": "{kept}"}}')
    assert sweep() == 1 and not folder.exists()
    assert (kept / "thesis.txt").exists() and (tmp_path / "heytalk-audit-1-1-elsewher" / "rows").exists()


def test_a_move_that_was_cut_short_is_undone(temporary, tmp_path):
    folder = abandoned(tmp_path, name=".heytalk-audit-1-1-abcdefgh")
    (folder / working.MARK).write_text('{"target": "report"}')
    (folder / "before").mkdir()
    (folder / "before" / "index.html").write_text("the report")
    assert sweep(tmp_path) == 1 and not folder.exists()
    assert (tmp_path / "report" / "index.html").read_text() == "the report"
