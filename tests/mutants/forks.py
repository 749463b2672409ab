"""Tasks in forked processes, so many at once; what each returns, and the seconds of the processor that it took."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

#: What a task that used up its time returns, before the place where it was.
LATE = "\x18"


@dataclass(frozen=True)
class Done:
    """A task that has ended: its number, what it returned, seconds of the processor, and whether it used up those that it had."""

    number: int
    result: str
    seconds: float
    late: bool


def each(tasks: Sequence[Callable[[], str]], jobs: int) -> Iterator[Done]:
    """What comes of each task, in the order in which they end."""
    waiting, running = list(reversed(list(enumerate(tasks)))), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            number, task = waiting.pop()
            pipe, child = _fork(task)
            running[pipe] = (number, child)
        for pipe in select.select(list(running), [], [])[0]:
            number, child = running.pop(pipe)
            yield _ended(number, pipe, child)


def _fork(task: Callable[[], str]) -> tuple[int, int]:
    """A process that does a task: the pipe that its result comes by, and its number."""
    sys.stdout.flush()
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return read, child
    os.close(read)
    _do(task, write)


def _do(task: Callable[[], str], write: int) -> NoReturn:
    temp = tempfile.mkdtemp(prefix="mutant-")
    os.environ["MUTANT_TEMP"] = temp
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)

    def late(signal_number: int, frame: FrameType | None) -> None:
        place = f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}" if frame else ""
        _leave(temp, write, f"{LATE}at {place}")

    signal.signal(signal.SIGXCPU, late)
    try:
        result = task()
    except BaseException as error:
        result = f"crash: {type(error).__name__}"
    _leave(temp, write, result)


def _leave(temp: str, write: int, result: str) -> NoReturn:
    shutil.rmtree(temp, ignore_errors=True)
    os.write(write, result.encode()[:4000])
    os._exit(0)


def _ended(number: int, pipe: int, child: int) -> Done:
    result = os.read(pipe, 5000).decode("utf-8", "replace")
    os.close(pipe)
    _, status, used = os.wait4(child, 0)
    # a process that ended without a word was killed: it used up its time within a library
    late = result.startswith(LATE) or os.WIFSIGNALED(status)
    return Done(number, result.removeprefix(LATE), used.ru_utime + used.ru_stime, late)
