"""Spark: on this machine, a cluster behind its master, or behind Spark Connect."""

from __future__ import annotations

import atexit
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from heytalk_audit.contract import Column
from heytalk_audit.disk.working import private_folder
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.derived import BATCH, Source
from heytalk_audit.snapshot.frames import frame as frame_of
from heytalk_audit.snapshot.on_workers import CELLS, batches_in, exactly, in_cells, on_batches, ship
from heytalk_audit.snapshot.spark_session import check_reachable, open_session
from heytalk_audit.snapshot.values import NONE, WrongValues, readable

_TYPES = {
    "string": "STRING",
    "timestamp": "TIMESTAMP_NTZ",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DECIMAL(18, 2)",
    "array": "ARRAY<STRING>",
}
#: Bytes of cells that are fetched from the executors at a time.
WINDOW = 64 << 20


class Spark:
    """A Spark session: local, a cluster's master, or Spark Connect. Only results pass through this process, as Arrow."""

    dialect = "pyspark"

    def __init__(self, url: str, options: dict[str, Any] | None = None):
        self.session = open_session(url, options or {})
        self.backend = ibis.pyspark.connect(self.session)
        self.url = url
        self._package: str | None = None
        self._kept: set[str] = set()
        self._number = itertools.count()
        self._shared: dict[str, Path] = {}
        self._is_one_process = url.partition("[")[0] == "local"
        if url.startswith("sc://"):
            # a server outlives this process, and would keep our rows
            atexit.register(self._release)

    def allow(self, *folders: Path) -> None:
        """See `Engine`. What its executors may read is the cluster's affair."""

    def own_folder(self) -> Path:
        """See `Engine`."""
        return private_folder(self)

    def open(self, table: str, files: list[Path], columns: list[tuple[Column, bool]], wrong: WrongValues = NONE) -> ibis.Table:
        """See `Engine`. The executors read the files: on a cluster these lie on storage that all of them see."""
        frame = self.session.read.option("mergeSchema", "true").parquet(*[str(f.absolute()) for f in files])
        values = {c.name: _cast(c, filled, c.name in wrong.places) for c, filled in columns}
        values |= {wrong.mark(c): wrong.condition(c, f"`{c}`", values[c]) for c in values if wrong.with_marks and c in wrong.places}
        frame = frame.selectExpr(*[f"{value} AS `{c}`" for c, value in values.items()])
        frame.createOrReplaceTempView(table)
        return self.backend.table(table)

    def put(self, table: str, data: pa.Table) -> ibis.Table:
        """See `Engine`. Instants with a zone become those of UTC without."""
        self._frame(data).createOrReplaceTempView(table)
        return self.backend.table(table)

    def _frame(self, data: pa.Table) -> Any:
        from pyspark.sql.pandas.types import from_arrow_schema

        data = data.cast(pa.schema([(f.name, _plain(f.type)) for f in data.schema]))
        return self.session.createDataFrame(data, from_arrow_schema(data.schema, prefer_timestamp_ntz=True))

    def sql(self, expression: ibis.Table) -> str:
        """See `Engine`."""
        return str(ibis.to_sql(expression, dialect=self.dialect))

    def keep(self, table: str, expression: ibis.Table) -> tuple[ibis.Table, str, int]:
        """See `Engine`. The executors keep them."""
        sql = self.sql(expression)
        self._keep(table, self.session.sql(sql))
        return self.backend.table(table), sql, self.session.table(table).count()

    def _keep(self, table: str, frame: Any) -> None:
        self._drop(table)
        if self._is_one_process:
            # no executor is lost without this process: the rows alone are kept, and what made them is not planned again in each query
            frame = _with_columns_of_its_own(frame.localCheckpoint())
        # by the view's name: Connect looks names up again whenever a frame is used, and another view may have one of them by then
        frame.createOrReplaceTempView(table)
        if not self._is_one_process:
            self.session.catalog.cacheTable(table)
        self._kept.add(table)

    def _drop(self, table: str) -> None:
        if table in self._kept:
            if not self._is_one_process:
                self.session.catalog.uncacheTable(table)
            self.session.catalog.dropTempView(table)
            self._kept.remove(table)

    def share(self, table: str, sql: str, file: Path) -> None:
        """See `Engine`. Kept by the executors of this session, as they may not see this machine's files."""
        if self._shared.get(table) != file:
            self._keep(table, self.session.sql(sql))
            self._shared[table] = file

    def derive(self, table: str, sources: Sequence[Source], schema: pa.Schema, file: Path) -> ibis.Table:
        """See `Engine`. The rows are kept by the executors of this session."""
        from pyspark.sql.pandas.types import from_arrow_schema

        if self._shared.get(table) != file:
            frame = self._frame(schema.empty_table())
            for rows, function in sources:
                work = on_batches(function, schema, BATCH, self._package_on_workers())
                frame = frame.unionAll(self.session.sql(self.sql(rows)).mapInArrow(work, from_arrow_schema(schema)))
            self._keep(table, frame)
            self._shared[table] = file
        return self.backend.table(table)

    def query(self, sql: str) -> pa.Table:
        """See `Engine`."""
        return self.session.sql(sql).toArrow()

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """See `Engine`."""
        return frame_of(self.query(self.sql(expression)).cast(expression.schema().to_pyarrow()))

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """See `Engine`. The executors compute and order them all at once; at most about `WINDOW` bytes at a time are fetched."""
        table = f"cells_{next(self._number)}"
        self._keep(table, self.session.sql(self.sql(expression)).mapInArrow(in_cells(size), CELLS))
        try:
            yield from exactly(self._fetched(self.session.table(table)), size)
        finally:
            self._drop(table)

    def _fetched(self, cells: Any) -> Iterator[pa.RecordBatch]:
        sizes = cells.selectExpr("at", "length(data) AS bytes").toArrow().sort_by("at")
        for first, last in _windows(sizes):
            yield from batches_in(cells.where(f"at BETWEEN {first} AND {last}").toArrow())

    def _package_on_workers(self) -> str:
        if self._package is None and not self.url.startswith("local"):
            self._package = ship(self.session, private_folder(self))
        return self._package or ""

    def _release(self) -> None:
        try:
            check_reachable(self.url)
        except InputError:
            # the server has ended, and with it what it kept: to ask it would take minutes
            return
        for table in list(self._kept):
            self._drop(table)
        self.session.stop()


def _cast(column: Column, filled: bool, some_are_wrong: bool) -> str:
    value = f"`{column.name}`" if filled else "NULL"
    if column.kind == "timestamp":
        value = f"CAST({value} AS TIMESTAMP_NTZ)"
    value = readable(column, value, "TIMESTAMP_NTZ") if some_are_wrong else value
    return f"CAST({value} AS {_TYPES[column.kind]})"


def _with_columns_of_its_own(frame: Any) -> Any:
    """The frame, whose columns a query tells from those of the tables that it was computed from."""
    return frame.selectExpr(*[f"`{column}` AS `{column}`" for column in frame.columns])


def _plain(arrow: pa.DataType) -> pa.DataType:
    """A type that Spark has a column for."""
    if pa.types.is_timestamp(arrow):
        return pa.timestamp("us")
    if pa.types.is_dictionary(arrow):
        return arrow.value_type
    return pa.string() if pa.types.is_null(arrow) else arrow


def _windows(sizes: pa.Table) -> Iterator[tuple[int, int]]:
    """The first and the last number of each run of cells that together have about `WINDOW` bytes."""
    first, total = None, 0
    numbers = sizes.column("at").to_pylist()
    for number, bytes_ in zip(numbers, sizes.column("bytes").to_pylist(), strict=True):
        first, total = number if first is None else first, total + bytes_
        if total >= WINDOW or number == numbers[-1]:
            yield first, number
            first, total = None, 0
