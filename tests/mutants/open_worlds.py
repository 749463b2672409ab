"""Worlds of cases whose snapshots, profiles and shared tables are written once, for all mutants: none of them is what is changed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any


@cache
def main_world(worlds: Any) -> int:
    """The number of the first case of the world of most cases."""
    cases = worlds.cases()
    most = Counter(case.world for case in cases).most_common(1)[0][0]
    return next(case.number for case in cases if case.world == most)


def rules_in_worlds(worlds: Any) -> list[tuple[int, str, bool]]:
    """Each world, by the number of its first case, and each rule of its cases; those of the world of most cases come first.

    And whether the world is like one before it, to the rule: one of the same settings. Then the rows alone differ.
    """
    main, first, settings, pairs = main_world(worlds), {}, set(), {}
    for case in sorted(worlds.cases(), key=lambda c: c.world != worlds.cases()[main].world):
        world = first.setdefault(case.world, case.number)
        kind = (case.rule, tuple(sorted(case.settings)))
        pairs.setdefault((world, case.rule), kind in settings)
        settings.add(kind)
    return [(world, rule, alike) for (world, rule), alike in pairs.items()]


class OpenWorlds:
    """Opens worlds, one at a time, in a working folder that has what was derived from the same world before."""

    def __init__(self, worlds: Any, kept: Path):
        from heytalk_audit.snapshot.engines import connect

        self._opened, self._kept = worlds.open_snapshot, kept
        worlds.open_snapshot = self._open_again
        # one thread: seconds of the processor are then those of the work, and small rows gain nothing by more
        self.worlds = worlds.Worlds(connect("duckdb", {"threads": 1}), kept)
        # before it is first used, as it takes no further folder then: those of all worlds are made in this one
        self.worlds.engine.allow(Path(os.environ["MUTANT_TEMP"]))
        self._cases = {case.number: case for case in worlds.cases()}

    def audit(self, first: int) -> Any:
        """The audit of the world whose first case has this number."""
        if (self._kept / f"{first}.work").exists():
            return self.worlds._open(self._cases[first].world)
        with (self._kept / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self.worlds._open(self._cases[first].world)

    def _open_again(self, folder: Path, engine: Any) -> Any:
        work = Path(tempfile.mkdtemp(prefix="work-", dir=os.environ["MUTANT_TEMP"]))
        before = folder.with_name(folder.name + ".work")
        if before.exists():
            shutil.copytree(before, work, dirs_exist_ok=True)
            return self._opened(folder, engine, work)
        snapshot = self._opened(folder, engine, work)
        beside = before.with_name(f"{before.name}.{os.getpid()}")
        shutil.copytree(work, beside)
        with contextlib.suppress(OSError):
            beside.rename(before)
        return snapshot
