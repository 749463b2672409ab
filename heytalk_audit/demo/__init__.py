"""The demo: a believable snapshot, and beside it what an ideal audit finds of it. Two stories are told in it.

`every` plants each reason of each rule in turn; `company` is one company over three quarters, in which most rules pass. Nothing here knows
the rules' code: each story writes down what it plants. Same arguments, same bytes.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from heytalk_audit.demo.company.files import is_company, write_last_quarter, write_quarters
from heytalk_audit.demo.company.history import QUARTERS
from heytalk_audit.demo.people import add_background
from heytalk_audit.demo.plants import NOT_PLANTABLE, plant
from heytalk_audit.demo.snapshot_files import empty_tables, finish, is_snapshot
from heytalk_audit.demo.world import World
from heytalk_audit.disk.placing import exchange, move_new, staging
from heytalk_audit.errors import InputError

__all__ = ["AS_OF", "NOT_PLANTABLE", "QUARTERS", "write_company", "write_demo"]

#: The instant of the demo's snapshot, or of its last one.
AS_OF = "2025-03-31T12:00:00Z"


def write_demo(folder: Path, users: int = 20_000, seed: int = 7, as_of: str = AS_OF) -> None:
    """Write the snapshot of `users` accounts (planted ones come on top), its descriptor and `truth.csv` into `folder`.

    `truth.csv` has rule, table, record (`<table>:<primary key>`), outcome and reason of every row whose outcome is not pass. An
    existing folder must be empty, or an earlier demo, which is replaced. Raises InputError.
    """

    def write(new: Path) -> None:
        world = World(_instant(as_of), empty_tables(new))
        add_background(world, users, np.random.Generator(np.random.PCG64(seed)))
        plant(world)
        finish(new, world, f"demo-{users}-{seed}")

    _put(Path(folder), write)


def write_company(folder: Path, users: int = 20_000, seed: int = 7, as_of: str = AS_OF, quarters: int = 1) -> None:
    """Write the company of `users` accounts (those of its stories come on top) as of the end of its last quarter.

    With one quarter the folder is a snapshot as of `write_demo`; with two or three it has a snapshot per quarter (2024-Q4, 2025-Q1),
    `params/` with a parameters file and registers for each, and `story.md`. `truth.csv` is what a run with default settings and without
    registers finds. An existing folder must be empty, or an earlier demo, which is replaced. Raises InputError.
    """
    end = _instant(as_of)

    def write(new: Path) -> None:
        if quarters == 1:
            write_last_quarter(new, users, seed, end)
        else:
            write_quarters(new, users, seed, end, quarters)

    _put(Path(folder), write)


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _put(folder: Path, write: Callable[[Path], None]) -> None:
    """Put what is written in the place of nothing, or of an earlier demo."""
    where = f"demo {folder.name}"
    is_there = os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir()))
    if is_there and not (is_snapshot(folder) or is_company(folder)):
        raise InputError(where, "is there already and is no demo as it was written", "name another folder, or move it away")
    with staging(folder, where) as staged:
        new = staged / "demo"
        new.mkdir()
        write(new)
        if is_there:
            exchange(new, folder)
        else:
            move_new(new, folder, where)
