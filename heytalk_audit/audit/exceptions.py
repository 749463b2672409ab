"""Exception rows: every row of a population whose outcome is not pass, by pseudonym, ordered on the engine and streamed into a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.audit.acceptance import accepted_by, shown_rows
from heytalk_audit.audit.evaluate import Evaluation
from heytalk_audit.registers.accepted import Entry
from heytalk_audit.snapshot.engines import Engine

#: The columns of an exceptions file.
EXCEPTIONS = pa.schema(
    [
        ("record", pa.string()),
        ("subject", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("due_on", pa.date32()),
        ("days_over", pa.int32()),
    ]
)
#: The column of the file beside it: which entries of the register cover each row.
ACCEPTED = pa.schema([("accepted", pa.string())])
#: So many rows are held at a time, and make a row group.
GROUP = 1_000_000


def write_exceptions(
    evaluation: Evaluation, engine: Engine, pads: ir.Table, path: Path, covering: Sequence[Entry] = (), beside: Path | None = None
) -> None:
    """Write an exceptions file, ordered by record; the same rows give the same bytes. `pads` as of `pseudonym.key_pads`.

    Where entries of the register cover rows, a second file `beside` it has a row for each: the ids of these entries, or null.
    """
    files = {path: EXCEPTIONS} | ({beside: ACCEPTED} if covering and beside is not None else {})
    _write(_batches(evaluation, engine, pads, covering), files)


def write_no_exceptions(path: Path) -> None:
    """Write an exceptions file without rows."""
    _write(iter(()), {path: EXCEPTIONS})


def _write(batches: Iterator[pa.RecordBatch], files: Mapping[Path, pa.Schema]) -> None:
    """Write the columns of each file's schema into it, group by group."""
    writers = [_writer(path, schema) for path, schema in files.items()]
    try:
        for group in _groups(batches):
            for writer in writers:
                writer.write_table(group.select(writer.schema.names).cast(writer.schema), row_group_size=GROUP)
    finally:
        for writer in writers:
            writer.close()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False, store_schema=False)


def _batches(evaluation: Evaluation, engine: Engine, pads: ir.Table, covering: Sequence[Entry]) -> Iterator[pa.RecordBatch]:
    rows = shown_rows(evaluation, pads)
    if rows is None:
        return
    columns = {name: rows[name] for name in EXCEPTIONS.names}
    columns["accepted"] = accepted_by(covering, rows) if covering else ibis.null("string")
    listed = rows.select(**columns)
    yield from engine.batches(listed.order_by([listed[name].asc() for name in columns]), GROUP)


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of these batches in tables of `GROUP` rows each, the last with what remains."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        while rows > GROUP:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, GROUP).combine_chunks()
            waiting, rows = table.slice(GROUP).to_batches(), rows - GROUP
    # a file without rows has a group of its own
    yield pa.Table.from_batches(waiting, None if waiting else pa.unify_schemas([EXCEPTIONS, ACCEPTED])).combine_chunks()
