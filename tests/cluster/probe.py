"""Asks one engine of a cluster for what only a cluster has: workers of their own, and batches that come in several windows.

python probe.py ENGINE OUT [KEY=VALUE ...]
"""

import json
import os
import sys
from importlib.resources import files
from pathlib import Path

import pyarrow as pa

from heytalk_audit.snapshot import spark
from heytalk_audit.snapshot.engines import connect

ROWS = 50_000
SEEN = pa.schema([("file", pa.string()), ("process", pa.int64()), ("rows", pa.int64()), ("words", pa.int64())])


def words() -> int:
    """The length of a file of the package's data."""
    return len((files("heytalk_audit.detect") / "requests.csv").read_text("utf-8"))


def seen_from(batch: pa.RecordBatch) -> pa.Table:
    """Where a worker has the package from, and which process it is."""
    import heytalk_audit

    return pa.table({"file": [heytalk_audit.__file__], "process": [os.getpid()], "rows": [batch.num_rows], "words": [words()]})


def main(url: str, out: str, *options: str) -> None:
    """Write what was seen as JSON."""
    engine = connect(url, dict(option.split("=", 1) for option in options))
    numbers = [(i * 7919) % ROWS for i in range(ROWS)]
    table = engine.put("numbers", pa.table({"n": numbers, "text": [f"{n:07} {n * n}" for n in numbers]}))
    engine.keep("spread", table.order_by("n"))
    workers = engine.derive("workers", [(engine.backend.table("spread"), seen_from)], SEEN, Path(out))
    fetched: list[tuple[int, int]] = []
    windows = spark._windows
    spark._windows, spark.WINDOW = lambda sizes: (fetched.append(w) or w for w in windows(sizes)), 50_000
    batches = list(engine.batches(table.order_by(table.n.desc()), 7000))
    rows = pa.Table.from_batches(batches).to_pylist()
    answer = {
        "process": os.getpid(),
        "words": words(),
        "rows": ROWS,
        "workers": engine.query(engine.sql(workers)).to_pylist(),
        "windows": len(fetched),
        "sizes": [batch.num_rows for batch in batches],
        "in order": [row["n"] for row in rows] == list(reversed(range(ROWS))),
        "texts": all(row["text"] == f"{row['n']:07} {row['n'] ** 2}" for row in rows),
        "without rows": list(engine.batches(table.filter(table.n < 0), 7000)),
        "left behind": [name for name in engine.query("SHOW TABLES")["tableName"].to_pylist() if name.startswith("cells")],
    }
    Path(out).write_text(json.dumps(answer) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
