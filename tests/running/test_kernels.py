"""The process that kernels are forked from: a fork of the run's own, or one that starts from nothing."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from heytalk_audit.errors import AuditFailure
from heytalk_audit.running import kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[1])


@pytest.mark.parametrize("start", [kernels._started, kernels._forked])
def test_it_starts_kernels_and_ends_them(start, tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "_forked", start)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    folder = tmp_path / "work"
    folder.mkdir()
    server = kernels.Server()
    kernel = server.start(["-f", str(folder / "kernel.json")], dict(os.environ), str(folder))
    assert kernel.poll() is None and parent_of(kernel.pid) != os.getpid()
    server.stop()
    assert kernel.poll() == 0
    with pytest.raises(AuditFailure, match="stopped"):
        server.start([], {}, str(folder))
    server.close()


def test_a_process_with_threads_is_not_forked(monkeypatch):
    chosen = []
    for name in ("_started", "_forked"):
        monkeypatch.setattr(kernels, name, lambda name=name: (chosen.append(name), None, None))
    for threads in (1, 2):
        monkeypatch.setattr(threading, "active_count", lambda threads=threads: threads)
        kernels.Server()
    assert chosen == ["_forked", "_started"]
