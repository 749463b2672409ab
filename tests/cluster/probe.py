"""Asks one engine of a cluster for what only a cluster has: workers of their own, and batches in several windows. A process of its own.

python probe.py ENGINE OUT [KEY=VALUE ...]
"""

import json
import os
import sys
from pathlib import Path

import pyarrow as pa

from heytalk_audit.snapshot import spark
from heytalk_audit.snapshot.engines import connect

ROWS = 50_000


def where(batch: pa.RecordBatch) -> pa.Table:
    """Where a worker has the package from, and its process."""
    import heytalk_audit.detect.terms as terms

    # a file of the package's data is read there
    words = len(terms.files("heytalk_audit.detect").joinpath("requests.csv").read_text("utf-8"))
    return pa.table({"file": [terms.__file__], "process": [os.getpid()], "rows": [batch.num_rows], "words": [words]})


def main(url: str, out: str, *options: str) -> None:
    """Write what was seen as JSON."""
    engine = connect(url, dict(option.split("=", 1) for option in options))
    numbers = pa.array([(i * 7919) % ROWS for i in range(ROWS)], pa.int64())
    table = engine.put("numbers", pa.table({"n": numbers, "text": pa.array([f"{n:07} " + "é" * 50 for n in numbers.to_pylist()])}))
    schema = pa.schema([("file", pa.string()), ("process", pa.int64()), ("rows", pa.int64()), ("words", pa.int64())])
    # its rows on both workers
    spread = engine.keep("spread", table.order_by("n"))[0]
    workers = engine.query(engine.sql(engine.derive("workers", [(spread, where)], schema, Path(out)))).to_pylist()
    spark.WINDOW = 100_000
    batches = list(engine.batches(table.order_by(table.n.desc()), 7000))
    seen = {
        "workers": workers,
        "sizes": [batch.num_rows for batch in batches],
        "in order": pa.chunked_array([batch.column("n") for batch in batches]).to_pylist() == list(reversed(range(ROWS))),
        "texts": all(text.startswith(f"{n:07}") for b in batches for n, text in zip(*map(pa.Array.to_pylist, b.columns), strict=True)),
        "none": list(engine.batches(table.filter(table.n < 0), 7000)),
        "kept": [row["tableName"] for row in map(dict, ({"tableName": t.name} for t in engine.session.catalog.listTables())) if "cells" in row["tableName"]],
    }
    Path(out).write_text(json.dumps(seen), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
