"""Instants that are too far off for an engine's own type: a count of milliseconds that makes no count of microseconds, as the largest
number that a writer had for "never ends". They are written anew as the first instant that is no value either, so that they are counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: The year 10000 in microseconds: outside what the contract knows, and within what engines read.
_OUTSIDE = 253_402_300_800_000_000
_MOST = {"s": (2**63 - 1) // 10**6, "ms": (2**63 - 1) // 10**3}


def within_microseconds(parts: Sequence[Path], folder: Path) -> list[Path]:
    """The parts with such instants replaced, as files in `folder`; all else stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_narrow(part, folder / f"part-{number:05}.parquet") for number, part in enumerate(parts)]


def state_wider(parts: Sequence[Path]) -> bool:
    """Whether the parts' own statistics tell of such instants: DuckDB takes the largest number for infinity, and Spark ends there."""
    return any(_states_wider(pq.ParquetFile(part)) for part in parts)


def _states_wider(part: pq.ParquetFile) -> bool:
    with part:
        wide, groups = set(_wide(part.schema_arrow)), part.metadata
        chunks = [groups.row_group(g).column(c) for g in range(groups.num_row_groups) for c in range(groups.num_columns) if wide]
        bounds = [
            chunk.statistics for chunk in chunks if chunk.path_in_schema in wide and chunk.statistics and chunk.statistics.has_min_max
        ]
    return any(not -_MOST["ms"] <= limit <= _MOST["ms"] for bound in bounds for limit in (bound.min_raw, bound.max_raw))


def _wide(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_timestamp(field.type) and field.type.unit in _MOST]


def _narrow(part: Path, target: Path) -> Path:
    with pq.ParquetFile(part) as opened:
        schema = opened.schema_arrow
        wide = _wide(schema)
        for name in wide:
            index = schema.get_field_index(name)
            schema = schema.set(index, pa.field(name, pa.timestamp("us", schema.field(name).type.tz)))
        with pq.ParquetWriter(target, schema) as writer:
            for batch in opened.iter_batches():
                columns = [_within(column) if n in wide else column for n, column in zip(batch.schema.names, batch.columns, strict=True)]
                writer.write_batch(pa.record_batch(columns, schema=schema))
    return target


def _within(column: pa.Array) -> pa.Array:
    most, factor = _MOST[column.type.unit], 10**6 if column.type.unit == "s" else 10**3
    counts = column.cast(pa.int64())
    is_within = pc.and_(pc.less_equal(counts, most), pc.greater_equal(counts, -most))
    micros = pc.if_else(is_within, pc.multiply(pc.if_else(is_within, counts, 0), factor), _OUTSIDE)
    return micros.cast(pa.timestamp("us", column.type.tz))
