"""How a command ends that nobody could let go on: in one line, with a status of its own."""

from __future__ import annotations

import os
import signal
import sys
import threading

import duckdb
import pytest

from heytalk_audit import cli
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.imports import import_snapshot


@pytest.fixture(autouse=True)
def _handler():
    """The process's own handler of the signal, which `main` replaces."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_signal_within_a_query_ends_it_in_one_line(monkeypatch, capsys):
    def query() -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        duckdb.sql("SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(1000000) b").fetchall()

    monkeypatch.setattr(cli, "app", query)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 143 and capsys.readouterr().err == "stopped; nothing was written\n"


def test_a_path_that_the_system_refuses_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["heytalk-audit", "check", str(tmp_path / ("a" * 300))])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    line = capsys.readouterr().err
    assert ended.value.code == 2 and line.startswith("error: ") and line.count("\n") == 1


def test_an_import_needs_a_folder_with_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (".", ".."):
        with pytest.raises(InputError, match="names no folder of its own"):
            import_snapshot(tmp_path / "m.yaml", type(tmp_path)(place))
