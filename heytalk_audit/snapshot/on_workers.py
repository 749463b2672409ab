"""What runs on Spark's Python workers, and how it gets there.

A worker may have Python packages but not this one: the package travels as an archive, which each worker unpacks. So the functions
that run there are pickled by value, and import nothing of this package themselves.
"""

from __future__ import annotations

import os
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from heytalk_audit.canonical import code_digest, package_files

#: What Spark has a worker do with the batches of a partition.
Work = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
#: What a worker hands back: batches as Arrow streams in cells, each with a number that orders it within the whole.
CELLS = "at BIGINT, data BINARY"
#: Bytes of a cell, before compression: far below what a message of Spark Connect may hold.
CELL = 2 << 20


def ship(session: Any, folder: Path) -> str:
    """Send the package to the workers of a session; the name of the folder that each unpacks it to.

    The archive lies in `folder` as long as the session lives: workers that come later fetch it then.
    """
    name = f"heytalk-audit-{code_digest()[:16]}"
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in package_files():
            archive.writestr(f"heytalk_audit/{file}", content)
    session.addArtifacts(f"{path}#{name}", archive=True)
    return name


def on_batches(function: Callable[[pa.RecordBatch], pa.Table], schema: pa.Schema, size: int, folder: str) -> Work:
    """What a worker makes of its rows: the function's results on `size` rows at a time. `folder` has the package, if it was sent."""
    pickled = _cloudpickle().dumps(function)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        unpickled = _unpickled(pickled, folder)
        for batch in exactly(batches, size):
            yield from unpickled(batch).cast(schema).to_batches()

    return run


def in_cells(size: int) -> Work:
    """What a worker hands back of its rows: cells of at most `size` rows each. It needs no package."""
    _cloudpickle()

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        task = TaskContext.get()
        number = (task.partitionId() if task else 0) << 32
        for batch in exactly(batches, size):
            rows = max(1, batch.num_rows * CELL // max(1, batch.nbytes))
            for first in range(0, batch.num_rows, rows):
                yield pa.RecordBatch.from_pydict({"at": [number], "data": [_stream(batch.slice(first, rows))]})
                number += 1

    return run


def _cloudpickle() -> Any:
    from pyspark import cloudpickle

    pickler: Any = cloudpickle
    pickler.register_pickle_by_value(sys.modules[__name__])
    return pickler


def _unpickled(pickled: bytes, folder: str) -> Any:
    if folder:
        from pyspark import SparkFiles

        home = os.path.join(SparkFiles.getRootDirectory(), folder)
        if home not in sys.path:
            # a worker that served another version before still holds that
            for name in [n for n in sys.modules if n.split(".")[0] == "heytalk_audit"]:
                del sys.modules[name]
            sys.path.insert(0, home)
    return pickle.loads(pickled)


def _stream(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def batches_in(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """The batches that stand in cells, in their order."""
    for cell in table.sort_by("at").column("data"):
        yield from pa.ipc.open_stream(cell.as_buffer())


def exactly(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of `size`, the last with what is left."""
    kept: list[pa.RecordBatch] = []
    for batch in batches:
        while batch.num_rows:
            part = batch.slice(0, size - sum(b.num_rows for b in kept))
            kept.append(part)
            batch = batch.slice(part.num_rows)
            if sum(b.num_rows for b in kept) == size:
                yield pa.concat_batches(kept)
                kept = []
    if kept:
        yield pa.concat_batches(kept)
