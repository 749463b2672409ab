"""A snapshot of any size, made by SQL: mostly rows that keep every promise, and some that break one.

    python benchmarks/generate.py FOLDER [--users N] [--violating PART] [--log-rows N] [--seed N]

The same arguments give the same bytes, with the same DuckDB. Nobody's data is in it. Tables are made slice by slice, each as a stream,
so that memory does not grow with the number of people; from 250,000 people on each large table is a folder of files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import duckdb
from rich.console import Console
from rich.progress import track

from heytalk_audit import contract
from heytalk_audit.snapshot.seal import seal_folder

WORLD = Path(__file__).parent / "world"
AS_OF, EXTRACTED_AT = "2025-03-31T12:00:00Z", "2025-03-31T14:00:00Z"
#: People per file. A number that the tables' step through a slice (1,000,003) has no divisor in common with.
SLICE = 250_000
#: Tables that do not grow with the number of people: one file is enough.
CONSTANT = ("vendors", "policy_versions", "staff")


@dataclass(frozen=True)
class Size:
    """What is made: so many people, so many rows of the log for each, and the part of the log that is kept for too long."""

    users: int
    log_rows: int = 50
    violating: float = 0.01
    seed: int = 7

    @property
    def slices(self) -> list[tuple[int, int]]:
        """First and last (excluded) person of each file."""
        return [(first, min(first + SLICE, self.users)) for first in range(0, self.users, SLICE)]


def select(table: str, size: Size, first: int, last: int) -> str:
    """The SQL of one table's rows for a slice of people."""
    values = {"first": first, "last": last, "log_rows": size.log_rows, "violating": size.violating, "seed": size.seed}
    return Template((WORLD / f"{table}.sql").read_text("utf-8")).substitute(values)


def write_world(folder: Path, size: Size, console: Console) -> None:
    """Write the snapshot with its descriptor into `folder`, replacing what an earlier call wrote there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    base = duckdb.connect(config={"threads": 1, "memory_limit": "1GB"})
    base.execute("SET GLOBAL TimeZone = 'UTC'")
    base.execute(Template((WORLD / "macros.sql").read_text("utf-8")).substitute(seed=size.seed))
    jobs = [(table, number) for table in contract.load() for number in range(1 if table in CONSTANT else len(size.slices))]

    def make(job: tuple[str, int]) -> None:
        write_slice(base.cursor(), folder, size, *job)

    # a range is read by one thread: so many files are made at once as there are processors
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in track(pool.map(make, jobs), "Tables", len(jobs), console=console):
            pass
    with console.status("Digests and totals"):
        describe(folder, size)


def write_slice(con: duckdb.DuckDBPyConnection, folder: Path, size: Size, table: str, number: int) -> None:
    """Write one file of a table: `<table>.parquet`, or one of the folder `<table>` where there are several."""
    several = table not in CONSTANT and len(size.slices) > 1
    path = folder / table / f"part-{number:04d}.parquet" if several else folder / f"{table}.parquet"
    path.parent.mkdir(exist_ok=True)
    options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 1000"
    con.execute(f"COPY ({select(table, size, *size.slices[number])}) TO '{path}' ({options})")


def describe(folder: Path, size: Size) -> None:
    """The descriptor: what the source states (windows, totals) beside what is counted of the files."""
    name = f"bench-{size.users}-{size.log_rows}-{size.violating}-{size.seed}"
    document: dict[str, Any] = {"snapshot_id": name, "name": name, "as_of": AS_OF, "extracted_at": EXTRACTED_AT}
    document |= {"producer": "benchmark generator", "source_system": "synthetic"}
    document["resources"] = [
        {
            "name": table,
            "window_start": "2000-01-01T00:00:00Z",
            "window_end": AS_OF,
            "filter": None,
            "extraction_query_sha256": query_digest(table),
        }
        for table in contract.load()
    ]
    file = folder / "datapackage.json"
    file.write_text(json.dumps(document), "utf-8")
    seal_folder(folder)
    sealed = json.loads(file.read_text("utf-8"))
    totals = ("name", "rows", "distinct_users", "min_ts", "max_ts", "control_sum")
    sealed["source_totals"] = [{key: resource[key] for key in totals} for resource in sealed["resources"]]
    file.write_text(json.dumps(sealed, indent=1, sort_keys=True) + "\n", "utf-8")


def query_digest(table: str) -> str:
    """The digest of the SQL that makes a table."""
    return hashlib.sha256((WORLD / f"{table}.sql").read_bytes()).hexdigest()


def main() -> None:
    """Generate as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--log-rows", type=int, default=50, help="rows of the access log for each person")
    parser.add_argument("--violating", type=float, default=0.01, help="part of the log that is kept for too long")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    console, begun = Console(highlight=False), time.perf_counter()
    write_world(args.folder, Size(args.users, args.log_rows, args.violating, args.seed), console)
    console.print(f"{args.users:,} people in {time.perf_counter() - begun:.0f} s: {args.folder}")


if __name__ == "__main__":
    main()
