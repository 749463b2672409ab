"""The demo: a believable snapshot with planted violations, and beside it what an ideal audit finds of it.

Nothing here knows the rules' code: each story writes down what it plants. Same arguments, same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from heytalk_audit import contract
from heytalk_audit.canonical import file_sha256
from heytalk_audit.demo.people import add_background
from heytalk_audit.demo.plants import NOT_PLANTABLE, plant
from heytalk_audit.demo.rows import Rows, iso
from heytalk_audit.demo.world import World, months_later
from heytalk_audit.disk.placing import exchange, move_new, staging
from heytalk_audit.errors import InputError

__all__ = ["NOT_PLANTABLE", "write_demo"]

#: Digest of the published policy text that the snapshot says was in force.
POLICY_TEXT = "22dd65c3b03b86a10c5a74f9337370d5d4666f4cb00ccc9bf2271d6a49e047f4"
#: What the demo is called among those who deliver, and its files beside the tables.
PRODUCER, DESCRIPTOR, TRUTH = "demo generator", "datapackage.json", "truth.csv"
#: Tables of personal data for which the policy states no period: rows older than a year are for a person to decide.
NO_PERIOD = (
    "content_items",
    "devices",
    "promotion_entries",
    "social_accounts",
    "permission_events",
    "disclosures",
    "transactions",
    "rights_requests",
)


def write_demo(folder: Path, users: int = 20_000, seed: int = 7, as_of: str = "2025-03-31T12:00:00Z") -> None:
    """Write the snapshot of `users` accounts (planted ones come on top), its descriptor and `truth.csv` into `folder`.

    `truth.csv` has rule, table, record (`<table>:<primary key>`), outcome and reason of every row whose outcome is not pass. An
    existing folder must be empty, or an earlier demo, which is replaced. Raises InputError.
    """
    folder, where = Path(folder), f"demo {Path(folder).name}"
    is_there = os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir()))
    if is_there and not _is_demo(folder):
        raise InputError(where, "is there already and is no demo as it was written", "name another folder, or move it away")
    moment = dt.datetime.fromisoformat(as_of).astimezone(dt.UTC)
    with staging(folder, where) as staged:
        new = staged / "demo"
        new.mkdir()
        world = World(moment, {name: Rows(table, new / f"{name}.parquet") for name, table in contract.load().items()})
        add_background(world, users, np.random.Generator(np.random.PCG64(seed)))
        plant(world)
        _finish(new, world, f"demo-{users}-{seed}")
        if is_there:
            exchange(new, folder)
        else:
            move_new(new, folder, where)


def _is_demo(folder: Path) -> bool:
    """Whether a folder holds a demo's files, these alone, and each table as its descriptor says."""
    names = {DESCRIPTOR, TRUTH, *(f"{table}.parquet" for table in contract.load())}
    if not folder.is_dir() or folder.is_symlink() or {p.name for p in folder.iterdir() if p.is_file() and not p.is_symlink()} != names:
        return False
    if len(names) != len(list(folder.iterdir())):
        return False
    try:
        document = json.loads((folder / DESCRIPTOR).read_text("utf-8"))
        digests = {entry["path"]: entry["hash"] for entry in document["resources"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    tables = names - {DESCRIPTOR, TRUTH}
    return document.get("producer") == PRODUCER and all(digests.get(n) == "sha256:" + file_sha256(folder / n) for n in tables)


def _finish(folder: Path, world: World, id: str) -> None:
    """Finish the tables, and write the descriptor and the truth."""
    resources, totals = [], []
    for name, rows in world.rows.items():
        total = rows.close()
        totals.append({"name": name} | total)
        resources.append(_resource(rows.file, name, world) | total)
        # rows older than a year without a stated period
        if name in NO_PERIOD and rows.earliest and months_later(rows.earliest.date(), 12) < world.today:
            world.find("RET-16", "delivered_tables", name, "review", "no_stated_period")
    document = _descriptor(world, id) | {"resources": resources, "source_totals": totals}
    (folder / DESCRIPTOR).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    (folder / TRUTH).write_text(_truth(world), "utf-8")


def _descriptor(world: World, id: str) -> dict[str, Any]:
    return {
        "snapshot_id": id,
        "name": id,
        "as_of": iso(world.now),
        "extracted_at": iso(world.now + dt.timedelta(hours=2)),
        "producer": PRODUCER,
        "source_system": "synthetic",
        "policy_sha256": POLICY_TEXT,
    }


def _truth(world: World) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["rule", "table", "record", "outcome", "reason"])
    writer.writerows(sorted(world.truth))
    return lines.getvalue()


def _resource(file: Path, name: str, world: World) -> dict[str, Any]:
    return {
        "name": name,
        "path": file.name,
        "format": "parquet",
        "bytes": file.stat().st_size,
        "hash": "sha256:" + file_sha256(file),
        "window_start": "2000-01-01T00:00:00Z",
        "window_end": iso(world.now),
        "filter": None,
        "extraction_query_sha256": hashlib.sha256(f"SELECT * FROM {name}".encode()).hexdigest(),
    }
