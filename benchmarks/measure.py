"""Measurements: two ways in turns, with the interval of the median; and what a command takes with all of its processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import comb
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Taken:
    """What something took: seconds by the clock, and of the processor (user and system)."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Pairs:
    """Two ways, measured in turns."""

    ours: tuple[Taken, ...]
    theirs: tuple[Taken, ...]

    def ratios(self, what: str) -> list[float]:
        """Ours by theirs, pair by pair, sorted; `what` is `wall` or `cpu`."""
        return sorted(getattr(a, what) / max(getattr(b, what), 1e-6) for a, b in zip(self.ours, self.theirs, strict=True))

    def median(self, what: str) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios(what))

    def text(self, what: str = "cpu") -> str:
        """The median of the ratios, and its interval."""
        low, high = interval(self.ratios(what))
        return f"{self.median(what):.2f} ({low:.2f} to {high:.2f})"


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """The narrowest interval between two of the sorted values that holds the true median at this level; all of them where none does."""
    n, best = len(values), 0
    for cut in range(n // 2):
        outside = 2 * sum(comb(n, k) for k in range(cut + 1)) / 2**n
        if 1 - outside >= level:
            best = cut
    return values[best], values[n - 1 - best]


def timed(run: Callable[[], object]) -> Taken:
    """What a call takes in this process, its threads included."""
    begun, used = time.perf_counter(), time.process_time()
    run()
    return Taken(time.perf_counter() - begun, time.process_time() - used)


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], pairs: int) -> Pairs:
    """Both ways so many times in turns; a first time reads the files into the system's cache and is not kept."""
    timed(ours), timed(theirs)
    kept: dict[Callable[[], object], list[Taken]] = {ours: [], theirs: []}
    for n in range(pairs):
        for way in (ours, theirs) if n % 2 == 0 else (theirs, ours):
            kept[way].append(timed(way))
    return Pairs(tuple(kept[ours]), tuple(kept[theirs]))


@dataclass
class Watched:
    """What a command took with all of its processes; `peak` is the greatest sum of their memory, in MB."""

    wall: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    status: int = 0
    output: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """In short, for progress."""
        return f"{self.wall:.1f} s, {self.cpu:.1f} s of the processor, {self.peak:,.0f} MB"


def watch(command: Sequence[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> Watched:
    """Run a command to its end, sampling the memory of its whole tree of processes (shared pages counted once)."""
    begun, watched = time.perf_counter(), Watched()
    process = subprocess.Popen(
        command, env=os.environ | (environment or {}), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    reader = threading.Thread(target=lambda: setattr(watched, "output", process.stdout.read()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        watched.peak = max(watched.peak, memory_of_tree(process.pid))
        time.sleep(0.05)
    reader.join()
    # a process that its own parent waited for is counted with the parent
    watched.wall, watched.cpu, watched.status = (
        time.perf_counter() - begun,
        usage.ru_utime + usage.ru_stime,
        os.waitstatus_to_exitcode(status),
    )
    process.returncode = watched.status
    return watched


def memory_of_tree(pid: int) -> float:
    """The proportional memory of a process and all below it, in MB; 0 where it is gone."""
    try:
        root = psutil.Process(pid)
        return sum(_memory(process) for process in (root, *root.children(recursive=True))) / 1e6
    except psutil.Error:
        return 0.0


def _memory(process: psutil.Process) -> int:
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        # no such file on this system: resident memory, in which shared pages are counted for each process
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
