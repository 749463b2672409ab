"""The command line as its users call it: another process, another folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import warm
import yaml
from conftest import KEY

ROOT = Path(__file__).resolve().parents[1]


def heytalk_audit(
    *arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None, cold: bool = False, stdin: str | None = None
) -> subprocess.CompletedProcess:
    """Run a command; its output is text. It is a fork of a process that has imported the project, or a start from nothing: where it is
    to be `cold`, or reads what is written to `stdin`."""
    argv = [str(argument) for argument in arguments]
    given = {k: v for k, v in os.environ.items() if k != "HEYTALK_AUDIT_KEY"} | {"HEYTALK_AUDIT_KEY": KEY} | (env or {})
    if cold or stdin is not None or sys.platform != "linux":
        command = [sys.executable, "-m", "heytalk_audit.cli", *argv]
        return subprocess.run(command, env=given, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=warm.TIMEOUT, check=False)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        status = _server().run(argv, given, cwd, out, err)
        return subprocess.CompletedProcess(argv, status, out.read_text("utf-8"), err.read_text("utf-8"))


@cache
def _server() -> warm.Server:
    return warm.Server()


def params(folder: Path, snapshot: Path, **more: object) -> Path:
    """A parameters file for a snapshot."""
    folder.mkdir(parents=True, exist_ok=True)
    # facts take as long as several chapters: a run of some rules alone goes without, unless it asks for them
    partial = {"facts": []} if {"chapters", "rules"} & set(more) else {}
    document = {"audit": {"id": "test", "title": "A test"}, "snapshot": os.path.relpath(snapshot, folder)} | partial | more
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def run(snapshot: Path, out: Path, *arguments: object, env: dict[str, str] | None = None, **more: object) -> subprocess.CompletedProcess:
    """`heytalk-audit run` on a snapshot."""
    given = params(out.parent / f"{out.name}-params", snapshot, **more)
    return heytalk_audit("run", given, "--out", out, *arguments, env=env)


def environment(temporary: Path) -> dict[str, str]:
    """The environment of a command with a folder for temporary files of its own."""
    temporary.mkdir(exist_ok=True)
    return os.environ | {"HEYTALK_AUDIT_KEY": KEY, "TMPDIR": str(temporary)}


def begun(snapshot: Path, folder: Path, **more: object) -> subprocess.Popen:
    """A run whose kernels are at work, with its temporary files in the folder `tmp`."""
    given = params(folder / "params", snapshot, **{"chapters": ["retention", "consent", "sharing", "rights"]} | more)
    command = [sys.executable, "-m", "heytalk_audit.cli", "run", str(given), "--out", str(folder / "out")]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=environment(folder / "tmp"), preexec_fn=_in_the_foreground, **streams)
    wait_for(lambda: len(list((folder / "tmp").glob("*/results/*.json"))) > 1 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def _in_the_foreground() -> None:
    """A shell ignores this signal for what it starts in the background, as the tests may be, and a command then lets it pass."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait until something is so; fails where it is not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def refused(done, out: Path, hint: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert hint in lines[0]
    assert re.match(r"error: .+: .+; .+", lines[0])
    assert not out.exists()
