"""The demo: a believable snapshot with planted violations, and beside it what an ideal audit finds of it.

Nothing here knows the rules' code: each story writes down what it plants. Same arguments, same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit import contract
from heytalk_audit.demo.people import add_background
from heytalk_audit.demo.plants import NOT_PLANTABLE, plant
from heytalk_audit.demo.world import World, months_later
from heytalk_audit.errors import InputError

__all__ = ["NOT_PLANTABLE", "write_demo"]

#: Digest of the published policy text that the snapshot says was in force.
POLICY_TEXT = "22dd65c3b03b86a10c5a74f9337370d5d4666f4cb00ccc9bf2271d6a49e047f4"
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
    folder = Path(folder)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / "truth.csv").exists()):
        raise InputError(f"demo {folder.name}", "is there already and is no demo", "name another folder")
    moment = dt.datetime.fromisoformat(as_of).astimezone(dt.UTC)
    world = World(moment)
    add_background(world, users, np.random.Generator(np.random.PCG64(seed)))
    plant(world)
    _no_period(world)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".demo-") as staged:
        staging = Path(staged) / "demo"
        staging.mkdir()
        _write(staging, world, f"demo-{users}-{seed}")
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)


def _no_period(world: World) -> None:
    """Write down the tables that have rows older than a year and no stated period."""
    for table in NO_PERIOD:
        clocks = contract.load()[table].of_kind("timestamp")
        times = [row[c] for row in world.rows[table] for c in clocks if row.get(c) is not None]
        if times and months_later(min(times).date(), 12) < world.today:
            world.find("RET-16", "delivered_tables", table, "review", "no_stated_period")


def _write(folder: Path, world: World, id: str) -> None:
    """Write the tables, the descriptor and the truth."""
    resources, totals = [], []
    for name, table in contract.load().items():
        rows = world.rows.get(name, [])
        data = _arrow(table, rows, world.extra.get(name, []))
        pq.write_table(data, folder / f"{name}.parquet", compression="zstd", write_statistics=True, row_group_size=100_000)
        total = _totals(table, rows)
        totals.append({"name": name} | total)
        resources.append(_resource(folder / f"{name}.parquet", name, world) | total)
    document = _descriptor(world, id) | {"resources": resources, "source_totals": totals}
    (folder / "datapackage.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    (folder / "truth.csv").write_text(_truth(world), "utf-8")


def _descriptor(world: World, id: str) -> dict[str, Any]:
    return {
        "snapshot_id": id,
        "name": id,
        "as_of": _iso(world.now),
        "extracted_at": _iso(world.now + dt.timedelta(hours=2)),
        "producer": "demo generator",
        "source_system": "synthetic",
        "policy_sha256": POLICY_TEXT,
    }


def _truth(world: World) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["rule", "table", "record", "outcome", "reason"])
    writer.writerows(sorted(world.truth))
    return lines.getvalue()


def _arrow(table: contract.Table, rows: list[dict[str, Any]], extra: list[str]) -> pa.Table:
    unknown = {c for row in rows[:1] + rows[-1:] for c in row} - {c.name for c in table.columns} - set(extra)
    if unknown:
        raise KeyError(f"{table.name} has no column {sorted(unknown)}")
    arrays = []
    delivered = [c for c in table.columns if not c.may_be_absent]
    for column in delivered:
        values = [row.get(column.name) for row in rows]
        if column.kind == "number":
            values = [None if v is None else Decimal(v) for v in values]
        arrays.append(pa.array(values, contract.ARROW[column.kind]))
    arrays += [pa.array([row.get(name) for row in rows], pa.string()) for name in extra]
    return pa.table(arrays, names=[*(c.name for c in delivered), *extra])


def _totals(table: contract.Table, rows: list[dict[str, Any]]) -> dict[str, Any]:
    times = [t for c in table.of_kind("timestamp") for row in rows if (t := row.get(c)) is not None]
    amount = sum((Decimal(row["amount"]) for row in rows if row.get("amount")), Decimal(0)) if table.name == "transactions" else None
    return {
        "rows": len(rows),
        "distinct_users": len({row.get("user_id") for row in rows} - {None, ""}) if "user_id" in table else None,
        "min_ts": _iso(min(times)) if times else None,
        "max_ts": _iso(max(times)) if times else None,
        "control_sum": None if amount is None else str(amount),
    }


def _resource(file: Path, name: str, world: World) -> dict[str, Any]:
    raw = file.read_bytes()
    return {
        "name": name,
        "path": file.name,
        "format": "parquet",
        "bytes": len(raw),
        "hash": "sha256:" + hashlib.sha256(raw).hexdigest(),
        "window_start": "2000-01-01T00:00:00Z",
        "window_end": _iso(world.now),
        "filter": None,
        "extraction_query_sha256": hashlib.sha256(f"SELECT * FROM {name}".encode()).hexdigest(),
    }


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
