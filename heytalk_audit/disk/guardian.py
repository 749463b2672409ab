"""A small process that outlives the one which started it, and removes the working folders that it left. It runs apart from the package.

It reads lines: `+` or `-` and a folder as JSON, one that was made or one that is gone. The lines end when the process that writes them
ends, in whatever way, and with it every fork of it: nobody writes to the folders any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from typing import Any

#: The file in a working folder that says whose it is.
MARK = "owner.json"
#: The name, in a folder beside a target, of what was moved out of the target's place.
BEFORE = "before"
#: Signals that end the owner, and not the guardian.
OUTLIVED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds between attempts: what still writes there may need a moment to end.
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def clear(folder: str) -> bool:
    """Remove a working folder, its mark last, and put back what was moved out of its target's place. Returns whether it is gone."""
    for pause in _PAUSES:
        time.sleep(pause)
        with contextlib.suppress(OSError):
            _clear_once(folder)
        if not os.path.lexists(folder):
            return True
    return False


def _clear_once(folder: str) -> None:
    # a link is not followed, should somebody put one in its place
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _restore(folder)
        for name in os.listdir(handle):
            if name != MARK:
                _remove(name, handle)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(MARK, dir_fd=handle)
    finally:
        os.close(handle)
    os.rmdir(folder)


def _remove(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=folder)


def _restore(folder: str) -> None:
    """A move that was cut short between its two steps is undone."""
    target = read_mark(folder).get("target")
    before = os.path.join(folder, BEFORE)
    if isinstance(target, str) and os.path.basename(target) == target and os.path.lexists(before):
        place = os.path.join(os.path.dirname(folder), target)
        if not os.path.lexists(place):
            os.rename(before, place)


def read_mark(folder: str) -> dict[str, Any]:
    """What a working folder's mark says; nothing where it has none, or one that was not finished."""
    try:
        with open(os.open(os.path.join(folder, MARK), os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def guard(lines: Iterable[str]) -> None:
    """Follow the lines to their end, then remove every folder that is still there."""
    folders: dict[str, None] = {}
    for line in lines:
        folder = json.loads(line[1:])
        if line[0] == "+":
            folders[folder] = None
        else:
            folders.pop(folder, None)
    for folder in reversed(folders):
        clear(folder)


if __name__ == "__main__":
    for signum in OUTLIVED:
        signal.signal(signum, signal.SIG_IGN)
    guard(sys.stdin)
