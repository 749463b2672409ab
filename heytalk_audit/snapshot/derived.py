"""What several chapters need and one computes: kept in the run's private folder, so that texts are read once and not in each kernel."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")


def once(work: Path | None, name: str, make: Callable[[], Made]) -> Made:
    """What `make` makes, or what another process of the same run has made of it; whoever comes second waits.

    Without a folder it is made here. The folder is the run's own, and nobody else may write there: what it holds is trusted.
    """
    if work is None:
        return make()
    kept = work / f"{name}.shared"
    with (work / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            return pickle.loads(kept.read_bytes())
        made = make()
        beside = kept.with_suffix(".part")
        beside.write_bytes(pickle.dumps(made))
        os.replace(beside, kept)
        return made
