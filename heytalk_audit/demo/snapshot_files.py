"""The files of a demo's snapshot: its tables, their descriptor, and beside them what an ideal audit finds."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from heytalk_audit import contract
from heytalk_audit.canonical import file_sha256
from heytalk_audit.demo.rows import Rows, iso
from heytalk_audit.demo.world import World, months_later

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


def empty_tables(folder: Path) -> dict[str, Rows]:
    """Every table of the contract, without rows, on its way to a file in the folder."""
    return {name: Rows(table, folder / f"{name}.parquet") for name, table in contract.load().items()}


def finish(folder: Path, world: World, id: str) -> None:
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


def is_snapshot(folder: Path) -> bool:
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
