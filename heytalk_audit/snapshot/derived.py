"""What several chapters need and one computes: kept in the run's private folder, so that it is computed once and not in each kernel."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import ibis
import pyarrow as pa

Derived = TypeVar("Derived")
#: Rows on an engine, and what makes a table of each batch of them; so many rows are a batch at most.
Source = tuple[ibis.Table, Callable[[pa.RecordBatch], pa.Table]]
BATCH = 200_000


def once(work: Path | None, name: str, compute: Callable[[], Derived]) -> Derived:
    """The result of `compute`, or the one that another process of the same run has kept under that name; the second process waits.

    Without a folder it is computed here. The folder is the run's own and nobody else may write there, so what it holds is trusted.
    """
    if work is None:
        return compute()
    kept = work / f"{name}.shared"
    compute_once(kept, lambda beside: _dump(compute(), beside))
    return cast(Derived, pickle.loads(kept.read_bytes()))


def _dump(result: object, file: Path) -> None:
    file.write_bytes(pickle.dumps(result))


def compute_once(file: Path, write: Callable[[Path], None]) -> None:
    """Have `write` write a file, unless another process of the same run has; the second process waits for the first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(file.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            beside = file.with_name(file.name + ".part")
            write(beside)
            os.replace(beside, file)
