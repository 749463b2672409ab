"""Where a run is put: nothing is replaced but an unsigned run that verifies, and that in one step and only when asked for."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from pathlib import Path

import pytest
import yaml
from commands import heytalk_audit, params, refused, run

from heytalk_audit.disk import placing
from heytalk_audit.errors import InputError
from heytalk_audit.params import Params
from heytalk_audit.running.target import default_folder, prepared_target, refuse_what_is_there

pytestmark = pytest.mark.xdist_group("small")

ONE_RULE = {"chapters": ["retention"], "rules": ["RET-07"]}


@pytest.fixture(scope="module")
def small(shared, demo):
    """The run's folder of an audit of one rule."""

    def make(folder):
        assert run(demo, folder, **ONE_RULE).returncode == 1

    return shared("small", make)


@pytest.fixture
def there(small, tmp_path) -> Path:
    """A copy of it, in a place where another run is to go."""
    return Path(shutil.copytree(small, tmp_path / "out"))


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


def test_a_free_place_and_an_empty_folder_are_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with prepared_target(tmp_path / name, False, tmp_path / "snapshot") as target:
            finished = tmp_path / f"{name}-finished"
            finished.mkdir()
            (finished / "index.html").write_text("report")
            os.chmod(finished / "index.html", 0o644)
            assert target.publish(finished) is None
        assert files(tmp_path / name) == {"index.html": b"report"}
        modes = [stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / name, tmp_path / name / "index.html")]
        assert modes == [0o700, 0o600]


def test_an_earlier_run_goes_when_it_is_asked_for_and_only_then(there):
    with pytest.raises(InputError, match="give --replace"):
        refuse_what_is_there(there, False)
    assert refuse_what_is_there(there, True)
    with prepared_target(there, True, there.parent / "snapshot") as target:
        finished = there.parent / "finished"
        finished.mkdir()
        (finished / "index.html").write_text("report")
        assert target.publish(finished) is None
    assert files(there) == {"index.html": b"report"} and sorted(os.listdir(there.parent)) == ["finished", "out"]


def stray_results(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "results.json").write_text("{}")
    (folder / "thesis.txt").write_text("years of work")


def signed(folder: Path) -> None:
    (folder / "evidence.sig").write_text("a signature")


def linked(folder: Path) -> None:
    folder.rename(folder.with_name("kept"))
    folder.symlink_to("kept")


def dangling(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")


def bagged(folder: Path) -> None:
    folder.rename(folder.with_name("run"))
    folder.mkdir()
    folder.with_name("run").rename(folder / "data")


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("years of work")


REFUSED = {
    "something else with results.json": (stray_results, "is no earlier run"),
    "nothing but a file of ours": (lambda f: [(f / n).unlink() for n in ("evidence.json",)], "is no earlier run"),
    "a file": (a_file, "is no earlier run"),
    "a bag": (bagged, "is no earlier run"),
    "signed": (signed, "was signed"),
    "changed": (lambda f: (f / "index.html").write_text("changed"), "mv "),
    "a file more": (lambda f: (f / "notes.txt").write_text("years of work"), "mv "),
    "a link more": (lambda f: (f / "link").symlink_to("/etc/passwd"), "mv "),
    "a file less": (lambda f: (f / "index.html").unlink(), "mv "),
    "a link": (linked, "is a link"),
    "a dangling link": (dangling, "is a link"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_and_stays_as_it_was(name, there):
    change, hint = REFUSED[name]
    change(there)
    before = files(there.parent)
    for replace in (True, False):
        with pytest.raises(InputError, match=hint), prepared_target(there, replace, there.parent / "snapshot"):
            pytest.fail("it is not refused")
    assert files(there.parent) == before


def test_a_link_above_and_a_place_in_the_snapshot_are_refused(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "reports").symlink_to("kept")
    for folder, hint in ((tmp_path / "reports" / "out", "reports is a link"), (tmp_path / "kept" / "out", "lies in the snapshot")):
        with pytest.raises(InputError, match=hint), prepared_target(folder, True, tmp_path / "kept"):
            pytest.fail("it is not refused")
    assert os.listdir(tmp_path / "kept") == []


def test_what_changes_while_it_is_replaced_is_kept(there, tmp_path, monkeypatch):
    exchange = placing.exchange

    def changed(new: Path, target: Path) -> Path:
        (target / "notes.txt").write_text("years of work")
        return exchange(new, target)

    monkeypatch.setattr("heytalk_audit.running.target.exchange", changed)
    finished = tmp_path / "finished"
    finished.mkdir()
    with prepared_target(there, True, tmp_path / "snapshot") as target:
        assert "was changed while it was replaced" in target.publish(finished)
    (kept,) = tmp_path.glob("out.*.before")
    assert (kept / "notes.txt").read_text() == "years of work" and files(there) == {}


def test_default_folders_tell_audiences_apart(tmp_path):
    def folder(audience: str) -> str:
        given = Params(audit={"id": "2025/Q1"}, snapshot="s", report={"audience": audience})
        return str(default_folder(tmp_path / "params" / "p.yaml", given).relative_to(tmp_path))

    assert [folder(a) for a in ("internal", "public", "regulator")] == [f"reports/2025-Q1{a}" for a in ("", "-public", "-regulator")]


@pytest.mark.skipif(sys.platform != "linux", reason="its umask is set by the command that starts it")
def test_a_run_replaces_another_and_is_private_whatever_the_umask(demo, there, tmp_path):
    given = params(tmp_path / "p", demo, **ONE_RULE | {"rules": ["RET-01"]})
    before = os.umask(0)
    try:
        without = heytalk_audit("run", given, "--out", there)
        done = heytalk_audit("run", given, "--out", there, "--replace", cold=True)
    finally:
        os.umask(before)
    assert without.returncode == 2 and "give --replace" in without.stderr
    assert done.returncode == 1, done.stderr
    assert yaml.safe_load((there / "inputs" / "parameters.yaml").read_text("utf-8"))["rules"] == ["RET-01"]
    modes = {stat.S_IMODE(p.stat().st_mode) for p in there.rglob("*") if p.is_file()}
    assert modes == {0o600} and {stat.S_IMODE(p.stat().st_mode) for p in (there, *there.rglob("*")) if p.is_dir()} == {0o700}
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


#: Commands that write a file or a folder: the words before what they write, and those after it.
WRITERS = {
    "decide": lambda run, demo, p: (["decide", run, "--out"], []),
    "findings": lambda run, demo, p: (["findings", run, "--out"], []),
    "check": lambda run, demo, p: (["check", demo, "--request"], []),
    "diff": lambda run, demo, p: (["diff", run, run, "--json"], []),
    "queue": lambda run, demo, p: (["queue", p], []),
    "demo": lambda run, demo, p: (["demo"], ["--users", "300"]),
    "pack": lambda run, demo, p: (["pack", run], []),
    "export": lambda run, demo, p: (["export", run, "--format", "csv", "--out"], []),
    "key": lambda run, demo, p: (["key", "new"], []),
    "run": lambda run, demo, p: (["run", p, "--replace", "--out"], []),
}


@pytest.mark.parametrize("name", WRITERS)
def test_no_command_writes_over_what_is_not_its_own_or_through_a_link(name, small, demo, tmp_path):
    before, after = WRITERS[name](small, demo, params(tmp_path / "p", demo, **ONE_RULE))
    (tmp_path / "mine").write_text("years of work")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "findings.csv").write_text("years of work")
    (tmp_path / "folder" / "truth.csv").write_text("years of work")
    (tmp_path / "folder" / "results.json").write_text("years of work")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    state = files(tmp_path)
    for target in ("mine", "folder", "dangling", "link"):
        refused(heytalk_audit(*before, tmp_path / target, *after), tmp_path / "nothing", target)
        assert files(tmp_path) == state, target


@pytest.mark.parametrize("words", [["check", "."], ["verify", "."], ["pack", None, "."], ["export", None, "--format", "csv", "--out", "."]])
def test_the_folder_where_a_command_runs_is_named_and_not_replaced(words, small, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    done = heytalk_audit(*[word or small for word in words], cwd=here)
    assert done.returncode == 2 and re.match(r"error: [a-z-]+ here: ", done.stderr), done.stderr
    assert list(here.iterdir()) == []


def test_what_is_ones_own_is_brought_up_to_date(small, demo, tmp_path):
    shutil.copytree(small, tmp_path / "run")
    for formats in ("csv", "csv,junit", "junit"):
        assert heytalk_audit("export", tmp_path / "run", "--format", formats).returncode == 0
    (tmp_path / "run.exports" / "junit.xml").write_text("changed")
    assert heytalk_audit("export", tmp_path / "run", "--format", "csv").returncode == 2
    assert heytalk_audit("export", tmp_path / "run", "--format", "csv", "--replace").returncode == 0
    # what cannot be made again here, as nobody gave the key, is no fault of the formats that are wanted
    (tmp_path / "run.exports" / "evidence.dsse.json").write_text("{}")
    done = heytalk_audit("export", tmp_path / "run", "--format", "csv")
    assert done.returncode == 2 and "evidence.dsse.json is no export of this run; move it away, or give --replace" in done.stderr
    assert os.listdir(tmp_path / "run.exports") and sorted(os.listdir(tmp_path)) == ["run", "run.exports"]
