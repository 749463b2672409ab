"""Servers of the tests: each ends with the process that started it, also where that one is killed, and leaves no folder behind.

What watches it is this file as a program, in a session of its own: it waits until the other end of its input is gone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: Seconds that a server may take to end.
PATIENCE = 20


@contextlib.contextmanager
def running(folder: Path, command: list[str], user: str | None = None) -> Iterator[None]:
    """A server that runs in a folder of its own, which goes with it; where this process is root, as `user`."""
    watcher = subprocess.Popen([sys.executable, __file__, str(folder), user or "", *command], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        assert watcher.stdin
        watcher.stdin.close()
        watcher.wait(2 * PATIENCE)


def watch(folder: Path, user: str | None, command: list[str]) -> None:
    """Run the server until nobody is there who wants it."""
    who = {"user": user, "group": user, "extra_groups": []} if user and os.getuid() == 0 else {}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **who)
        sys.stdin.buffer.read()
        # PostgreSQL's immediate end; its data is not wanted any more
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3:])
