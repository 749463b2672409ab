"""The rows of one table on their way to its file: the newest as they were added, those before them in columns, full row groups written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heytalk_audit import contract

Row = dict[str, Any]
#: Rows of a row group of the file.
GROUP = 100_000
#: Columns that the demo's company does not export.
WITHOUT = ("marketing_push", "marketing_email", "marketing_sms")
#: Rows that become columns together, and those that stay at hand as they were added: stories look back at what they just added.
BLOCK, AT_HAND = 4_096, 64


class Rows:
    """A table that grows at its end. Of the rows behind it only the newest can be read: `rows[-1]`, `rows[-9:]`.

    What the descriptor says of all rows is summed up on the way, so that memory does not grow with them.
    """

    def __init__(self, table: contract.Table, file: Path) -> None:
        self.table, self.file = table, file
        self.columns = {c.name: contract.ARROW[c.kind] for c in table.columns if c.name not in WITHOUT}
        self.times = [name for name in table.of_kind("timestamp") if name in self.columns]
        self.earliest: dt.datetime | None = None
        self.latest: dt.datetime | None = None
        self.amount = Decimal(0)
        self._count = 0
        self._newest: list[Row] = []
        self._waiting: list[pa.RecordBatch] = []
        self._writer: pq.ParquetWriter | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        first = place.start if isinstance(place, slice) else place
        if not isinstance(first, int) or not -AT_HAND <= first < 0:
            raise IndexError(f"only the newest {AT_HAND} rows of {self.table.name} can be read, counted from the end")
        return self._newest[place]

    def column(self, name: str) -> None:
        """Deliver a text column that is not in the contract. It must be named before rows have become columns."""
        if self._count > len(self._newest):
            raise ValueError(f"{self.table.name} already has rows without {name}")
        self.columns[name] = pa.string()

    def append(self, row: Row) -> None:
        """Add a row."""
        self._newest.append(row)
        self._count += 1
        if len(self._newest) >= BLOCK + AT_HAND:
            self._settle(BLOCK)

    def extend(self, columns: Mapping[str, Sequence[Any] | pa.Array]) -> None:
        """Add rows as columns of one length; they can't be read back."""
        self._settle(len(self._newest))
        self._count += len(next(iter(columns.values())))
        self._take(columns)

    def close(self) -> dict[str, Any]:
        """Write what is left, and return what the descriptor says of the rows."""
        self._settle(len(self._newest))
        if self._waiting or self._writer is None:
            self._write(pa.Table.from_batches(self._waiting, self._schema()))
        assert self._writer is not None
        self._writer.close()
        self._waiting.clear()
        return {
            "rows": self._count,
            "distinct_users": self._distinct_users() if "user_id" in self.table else None,
            "min_ts": iso(self.earliest),
            "max_ts": iso(self.latest),
            "control_sum": str(self.amount) if self.table.name == "transactions" else None,
        }

    def _settle(self, count: int) -> None:
        """Make the oldest `count` of the newest rows columns."""
        rows, self._newest = self._newest[:count], self._newest[count:]
        names = {name for row in rows for name in row}
        if rows:
            self._take({name: [row.get(name) for row in rows] for name in names})

    def _take(self, columns: Mapping[str, Sequence[Any] | pa.Array]) -> None:
        """Sum up rows, and write row groups that are full."""
        if unknown := columns.keys() - self.columns.keys():
            raise KeyError(f"{self.table.name} delivers no column {sorted(unknown)}")
        count = len(next(iter(columns.values())))
        arrays = {name: _array(columns.get(name), kind, count) for name, kind in self.columns.items()}
        for name in self.times:
            self._note_times(arrays[name])
        if self.table.name == "transactions":
            self.amount += pc.sum(arrays["amount"]).as_py() or 0
        self._waiting.append(pa.record_batch(list(arrays.values()), schema=self._schema()))
        while sum(batch.num_rows for batch in self._waiting) >= GROUP:
            table = pa.Table.from_batches(self._waiting)
            self._write(table.slice(0, GROUP))
            self._waiting = table.slice(GROUP).to_batches()

    def _note_times(self, times: pa.Array) -> None:
        bounds = pc.min_max(times).as_py()
        if bounds["min"] is not None:
            self.earliest = min(self.earliest or bounds["min"], bounds["min"])
            self.latest = max(self.latest or bounds["max"], bounds["max"])

    def _schema(self) -> pa.Schema:
        return pa.schema(list(self.columns.items()))

    def _write(self, group: pa.Table) -> None:
        """Write a row group. Its chunks are joined first: where they end would show in the file's pages."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.file, group.schema, compression="zstd", write_statistics=True)
        self._writer.write_table(group.combine_chunks(), row_group_size=GROUP)

    def _distinct_users(self) -> int:
        users = pq.read_table(self.file, columns=["user_id"])["user_id"]
        blank = pc.any(pc.equal(users, "")).as_py() or False
        return int(pc.count_distinct(users, mode="only_valid").as_py()) - blank


def _array(values: Sequence[Any] | pa.Array | None, kind: pa.DataType, count: int) -> pa.Array:
    """Values as Arrow stores them; nulls where no row has the column."""
    if values is None:
        return pa.nulls(count, kind)
    if isinstance(values, pa.Array):
        return values.cast(kind)
    if pa.types.is_decimal(kind):
        values = [None if v is None else Decimal(v) for v in values]
    return pa.array(values, kind)


def iso(moment: dt.datetime | None) -> str | None:
    """An instant as the descriptor has it."""
    return None if moment is None else moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
