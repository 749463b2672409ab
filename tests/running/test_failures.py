"""An audit that fails itself ends with status 4 and one line, and leaves nothing: status 1 is a verdict, and no other end has it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import begun, environment, heytalk_audit, params, refused, wait_for

pytestmark = [
    pytest.mark.xdist_group("small"),
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are ended by the process that they are forks of"),
]

ONE_RULE = {"chapters": ["retention"], "rules": ["RET-07"]}
COMMAND = [sys.executable, "-m", "heytalk_audit.cli"]


def children(pid: int) -> dict[int, str]:
    """The processes that a process has started, and their command."""
    there = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if parent == pid:
            there[int(folder.name)] = command
    return there


def server_of(process: subprocess.Popen) -> int:
    (server,) = [pid for pid, command in children(process.pid).items() if "guardian" not in command]
    return server


def ended(process: subprocess.Popen, tmp_path: Path, status: int, *hints: str) -> None:
    """It ends within seconds, in one line, and nothing is left."""
    begin = time.monotonic()
    _, line = process.communicate(timeout=120)
    assert (process.returncode, line.count("\n")) == (status, 1), line
    assert all(hint in line for hint in hints), line
    assert time.monotonic() - begin < 30  # 5 s on a machine that does nothing else
    nothing_left(tmp_path)


def nothing_left(tmp_path: Path) -> None:
    wait_for(lambda: not list((tmp_path / "tmp").iterdir()), 30)
    assert not (tmp_path / "out").exists() and not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_kernel_that_is_killed_fails_the_audit(demo, tmp_path):
    process = begun(demo, tmp_path)
    os.kill(min(children(server_of(process))), signal.SIGKILL)
    ended(process, tmp_path, 4, "error: notebook ", "its kernel was ended from outside")


def test_the_kernels_server_that_is_killed_fails_the_audit_and_its_kernels_end(demo, tmp_path):
    process = begun(demo, tmp_path)
    server = server_of(process)
    kernels = children(server)
    assert kernels
    os.kill(server, signal.SIGKILL)
    ended(process, tmp_path, 4, "error: ")
    assert not [pid for pid in kernels if "ipykernel" in command_of(pid)]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_a_query_that_is_interrupted_fails_the_audit(demo, tmp_path):
    process = begun(demo, tmp_path)
    kernel = min(children(server_of(process)))
    while process.poll() is None and command_of(kernel):
        os.kill(kernel, signal.SIGINT)
        time.sleep(0.05)
    ended(process, tmp_path, 4, "error: ")


#: Bytes that a file may have: too few for a mark, for a profile, for a page.
LIMITS = (8, *(pytest.param(n, marks=pytest.mark.thorough) for n in (100, 2_000, 10_000, 25_000)), 60_000)


@pytest.mark.parametrize("limit", LIMITS)
def test_a_disk_that_is_full_fails_the_audit(limit, demo, tmp_path):
    given = params(tmp_path / "params", demo, **ONE_RULE)
    done = subprocess.run(
        [*COMMAND, "run", str(given), "--out", str(tmp_path / "out")],
        env=environment(tmp_path / "tmp"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 4 and done.stderr.count("\n") == 1, done.stderr
    assert "error: " in done.stderr
    nothing_left(tmp_path)


@pytest.fixture
def mounted(tmp_path):
    """How to run a command with a file system of so many bytes, or one that can only be read, in a place."""
    with_root = [] if os.geteuid() == 0 else ["-r"]
    try_out = ["unshare", "-m", *with_root, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run(try_out, capture_output=True, check=False).returncode:
        pytest.skip("file systems can't be mounted here (unshare -m)")

    def command(place: Path, options: str, *words: object) -> list[str]:
        place.mkdir(exist_ok=True)
        script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
        return ["unshare", "-m", *with_root, "sh", "-c", script, "sh", options, str(place), *map(str, words)]

    return command


@pytest.mark.parametrize("place", ["reports", "tmp"])
def test_a_small_disk_fails_the_audit(place, mounted, demo, tmp_path):
    given = params(tmp_path / "params", demo, **ONE_RULE)
    words = mounted(tmp_path / place, "size=256k,mode=1777", *COMMAND, "run", given, "--out", tmp_path / "reports" / "out")
    done = subprocess.run(words, env=environment(tmp_path / "tmp"), capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 4 and done.stderr.count("\n") == 1, done.stderr
    assert "is full" in done.stderr
    nothing_left(tmp_path)


def test_a_place_that_can_only_be_read_is_refused_before_the_work(mounted, demo, tmp_path):
    given = params(tmp_path / "params", demo, **ONE_RULE)
    words = mounted(tmp_path / "reports", "ro", *COMMAND, "run", given, "--out", tmp_path / "reports" / "a" / "out")
    done = subprocess.run(words, env=environment(tmp_path / "tmp"), capture_output=True, text=True, timeout=600, check=False)
    refused(done, tmp_path / "reports" / "a", "read-only file system")
    nothing_left(tmp_path)


def test_an_audit_needs_no_network_not_even_its_own_machine(demo, tmp_path):
    """Kernels talk through sockets in a folder: there is no interface, and loopback is down."""
    apart = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a process can't have a network of its own here (unshare -n)")
    given = params(tmp_path / "params", demo, **ONE_RULE)
    words = [*apart, *COMMAND, "run", str(given), "--out", str(tmp_path / "out")]
    done = subprocess.run(words, env=environment(tmp_path / "tmp"), capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1 and done.stderr == "", done.stderr
    assert heytalk_audit("verify", tmp_path / "out").returncode in (0, 3)


def test_a_kernel_listens_on_no_port(demo, tmp_path):
    process = begun(demo, tmp_path)
    (kernel, *_) = children(server_of(process))
    inodes = {os.readlink(f) for f in Path(f"/proc/{kernel}/fd").iterdir() if os.path.lexists(f)}
    ports = [line.split()[9] for name in ("tcp", "tcp6", "udp", "udp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    assert inodes and not {f"socket:[{inode}]" for inode in ports} & inodes
    sockets = list((tmp_path / "tmp").glob("*/*-[1-5]")) + list(Path("/tmp").glob(".heytalk-audit-*/*-[1-5]"))
    assert sockets
    modes = {stat.S_IMODE(p.lstat().st_mode) for p in (tmp_path / "tmp").rglob("*") if p.is_file()}
    assert modes == {0o600}
    # jupyter_client sets the sticky bit of the folder that its connection files are in
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "tmp").rglob("*") if p.is_dir()} == {0o700}
    process.kill()
    process.communicate()
    wait_for(lambda: not list((tmp_path / "tmp").iterdir()), 30)


def test_the_next_command_removes_what_nobody_was_left_to_remove(demo, tmp_path):
    process = begun(demo, tmp_path)
    server = server_of(process)
    everything = [process.pid, server, *children(process.pid), *children(server)]
    for pid in everything:
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not [pid for pid in everything if command_of(pid)])
    assert list((tmp_path / "tmp").iterdir())
    done = subprocess.run([*COMMAND, "rules", "RET-07"], env=environment(tmp_path / "tmp"), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr.startswith("removed what a command that was killed had left: ")
    assert done.stderr.count("\n") == 1
    nothing_left(tmp_path)
    assert not [p for p in Path("/tmp").glob(f".heytalk-audit-{process.pid}-*")]
