"""Exception rows: every row of a population whose outcome is not pass, by pseudonym, ordered on the engine and streamed into a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.audit.acceptance import accepted_by
from heytalk_audit.audit.decisions import Decisions
from heytalk_audit.audit.evaluate import Evaluation
from heytalk_audit.audit.pseudonym import with_pseudonyms
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
#: The columns of the file beside it: the same, and which entries of the register cover a row.
ACCEPTED = EXCEPTIONS.append(pa.field("accepted", pa.string()))
#: So many rows are held at a time, and make a row group.
GROUP = 1_000_000


def write_exceptions(
    evaluation: Evaluation,
    engine: Engine,
    pads: ir.Table,
    path: Path,
    covering: Sequence[Entry] = (),
    beside: Path | None = None,
    decisions: Decisions = Decisions(),
) -> None:
    """Write an exceptions file, ordered by record; the same rows give the same bytes. `pads` as of `pseudonym.key_pads`.

    Where entries of the register cover rows, a second file `beside` it has the same rows with the ids of these entries, or null.
    """
    files = {path: EXCEPTIONS} | ({beside: ACCEPTED} if covering and beside is not None else {})
    write_rows(_batches(evaluation, engine, pads, covering, decisions), files)


def write_no_exceptions(path: Path) -> None:
    """Write an exceptions file without rows."""
    write_rows((), {path: EXCEPTIONS})


def write_rows(batches: Iterable[pa.RecordBatch], files: Mapping[Path, pa.Schema]) -> None:
    """Write rows to files, the columns of its schema to each. The same rows give the same bytes, however they come in batches."""
    with ExitStack() as stack:
        writers = [stack.enter_context(_writer(path, schema)) for path, schema in files.items()]
        for group in _groups(batches):
            for writer in writers:
                table = pa.Table.from_batches([batch.select(writer.schema.names) for batch in group], None if group else writer.schema)
                writer.write_table(table.combine_chunks().cast(writer.schema), row_group_size=GROUP)
            group.clear()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False, store_schema=False)


def _batches(
    evaluation: Evaluation, engine: Engine, pads: ir.Table, covering: Sequence[Entry], decisions: Decisions
) -> Iterator[pa.RecordBatch]:
    if evaluation.classified is None:
        return
    if not covering:
        yield from pseudonymous(evaluation.classified, engine, pads)
    else:
        rows = decisions.marked(with_pseudonyms(evaluation.classified, pads))
        listed = rows.select(*EXCEPTIONS.names, accepted=accepted_by(covering, rows))
        yield from engine.batches(_in_order(listed), GROUP)


def pseudonymous(classified: ir.Table, engine: Engine, pads: ir.Table) -> Iterator[pa.RecordBatch]:
    """Classified rows as an exceptions file has them: by pseudonym, in order."""
    # without the rule's own columns the query is the same for every rule, and compiled once
    yield from engine.batches(_in_order(with_pseudonyms(narrowed(classified, EXCEPTIONS.names), pads)), GROUP)


def _in_order(rows: ir.Table) -> ir.Table:
    return rows.order_by([rows[name].asc() for name in rows.columns])


def narrowed(table: ir.Table, names: Sequence[str]) -> ir.Table:
    """A table of an engine as one that has only these columns."""
    node = table.op()
    if not isinstance(node, ops.DatabaseTable):
        return table.select(*names)
    return ops.DatabaseTable(name=node.name, schema=table.select(*names).schema(), source=node.source, namespace=node.namespace).to_expr()


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """The batches of each row group, all but the last of the same size; a file without rows has a group of its own."""
    waiting: list[pa.RecordBatch] = []
    rows, written = 0, False
    for batch in batches:
        while rows + batch.num_rows >= GROUP:
            waiting.append(batch.slice(0, GROUP - rows))
            batch = batch.slice(GROUP - rows)
            yield waiting
            waiting, rows, written = [], 0, True
        if batch.num_rows:
            waiting.append(batch)
            rows += batch.num_rows
    if rows or not written:
        yield waiting
