"""How a command ends that nobody could let go on: in one line, with a status of its own."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import duckdb
import pytest
from commands import heytalk_audit, params
from conftest import KEY

from heytalk_audit import cli, ending
from heytalk_audit.errors import AuditFailure, InputError
from heytalk_audit.snapshot.importing.imports import import_snapshot


@pytest.fixture(autouse=True)
def _own_state():
    """What is the process's own, and `main` takes for a command's: the mask of files, and where signals are noted."""
    mask, woken = os.umask(0o22), signal.set_wakeup_fd(-1)
    yield
    os.umask(mask)
    signal.set_wakeup_fd(woken)
    ending.COMMAND.signum = 0


def ended(monkeypatch, command) -> int:
    """The status of a command that is run here."""
    monkeypatch.setattr(cli, "app", command)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


#: A command that is busy in the engine when a signal comes. Now and then the engine goes on all the same: then the watcher ends it.
BUSY = """
import os, signal, threading
import duckdb
from heytalk_audit import cli, ending

def query():
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    duckdb.sql("SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(1000000) b").fetchall()

cli.app = query
cli.main()
"""


def test_a_signal_within_a_query_ends_it_in_one_line():
    done = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 143 and done.stderr.splitlines()[0] == "stopped; nothing was written"


def raising(error: BaseException):
    def command() -> None:
        raise error

    return command


FULL, REFUSED = OSError(errno.ENOSPC, "", "/x/rows.parquet"), OSError(errno.EROFS, "Read-only file system", "/x/report")
GONE = FileNotFoundError(errno.ENOENT, "", "/x/heytalk-audit-1-1-abcdefgh/profile")
ENDS = {
    "unusable": (InputError("where", "what", "todo"), 2, "error: where: what; todo"),
    "refused by the system": (REFUSED, 2, "error: /x/report: read-only file system; name one that this account may use"),
    "failed": (AuditFailure("where", "what", "todo"), 4, "error: where: what; todo"),
    "full": (FULL, 4, "error: disk rows.parquet: is full (no space left on device); make space there"),
    "full, as the engine says": (duckdb.IOException("IO Error: Could not write: No space left on device"), 4, "error: disk: is full"),
    "out of memory": (MemoryError(), 4, "error: memory: there is not enough of it"),
    "spilled too much": (duckdb.OutOfMemoryException("Out of Memory Error: secret"), 4, "error: engine duckdb: has not enough memory"),
    "crashed": (duckdb.InternalException("INTERNAL Error: secret"), 4, "error: engine duckdb: crashed (InternalException)"),
    "interrupted": (RuntimeError("Query interrupted"), 4, "error: engine duckdb: a query was interrupted"),
    "a folder of its own that is gone": (GONE, 4, "error: the audit itself failed: FileNotFoundError"),
    "unforeseen": (KeyError("secret"), 4, "error: the audit itself failed: KeyError"),
}


@pytest.mark.parametrize("name", ENDS)
def test_whatever_ends_a_command_is_one_line_and_a_status_that_is_no_verdict(name, monkeypatch, capsys):
    error, status, line = ENDS[name]
    assert ended(monkeypatch, raising(error)) == status
    printed = capsys.readouterr().err
    assert printed.startswith(line) and printed.count("\n") == 1 and "secret" not in printed


def test_what_was_written_is_said_where_a_signal_comes_too_late(monkeypatch, capsys):
    error = SystemExit(143)
    error.add_note("reports/2025-Q1 was written")
    assert ended(monkeypatch, raising(error)) == 143 and capsys.readouterr().err == "stopped; reports/2025-Q1 was written\n"


def test_a_reader_that_goes_away_changes_no_status(audited):
    """`verify | true` ends as `verify` does, and `rules | true` without a word."""
    verified = heytalk_audit("verify", audited).returncode
    for words, status in ((["verify", audited], verified), (["rules"], 0), (["contract", "--format", "sql"], 0)):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "heytalk_audit.cli", *map(str, words)]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        os.close(writing)
        assert (done.returncode, done.stderr) == (status, ""), words


SESSION = """
import sys, time
from heytalk_audit.running.session import Session
session = Session(sys.argv[1])
session.audit.snapshot.engine.backend
print("open", flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


@pytest.mark.parametrize("end", ["by itself", signal.SIGTERM, signal.SIGKILL], ids=str)
def test_an_open_session_leaves_nothing_behind(end, demo, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-c", SESSION, str(params(tmp_path, demo)), "end" if end == "by itself" else "wait"]
    variables = os.environ | {"TMPDIR": str(temporary), "HEYTALK_AUDIT_KEY": KEY}
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
    assert (process.stdout.readline() == "open\n" and list(temporary.iterdir())) or end == "by itself"
    if end != "by itself":
        process.send_signal(end)
    process.communicate(timeout=60)
    waited = time.monotonic() + 30
    while list(temporary.iterdir()) and time.monotonic() < waited:
        time.sleep(0.02)
    assert list(temporary.iterdir()) == []


def test_a_path_that_the_system_refuses_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["heytalk-audit", "check", str(tmp_path / ("a" * 300))])
    with pytest.raises(SystemExit) as end:
        cli.main()
    line = capsys.readouterr().err
    assert end.value.code == 2 and line.startswith("error: ") and line.count("\n") == 1


def test_an_import_needs_a_folder_with_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (".", ".."):
        with pytest.raises(InputError, match="names no folder of its own"):
            import_snapshot(tmp_path / "m.yaml", type(tmp_path)(place))
