"""DuckDB, embedded: the default engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from heytalk_audit.contract import Column
from heytalk_audit.errors import InputError
from heytalk_audit.expressions.calendar import plus_days, plus_months
from heytalk_audit.snapshot.derived import compute_once
from heytalk_audit.snapshot.frames import frame
from heytalk_audit.snapshot.quoting import literal, name

_TYPES = {
    "string": "VARCHAR",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DECIMAL(18, 2)",
    "array": "VARCHAR[]",
}


class Duck:
    """DuckDB in memory, with its zone and optimiser set so that times and due days come out right."""

    dialect = "duckdb"

    def __init__(self, options: dict[str, Any] | None = None):
        self.backend = ibis.duckdb.connect(**(options or {}))
        self.backend.raw_sql("SET TimeZone = 'UTC'")
        # this optimiser silently merges two intervals of different units on one column into one
        self.backend.raw_sql("SET disabled_optimizers = 'common_subexpressions'")
        self._self_test()

    def _self_test(self) -> None:
        """Refuse an engine whose calendar is wrong, as every due day depends on it."""
        day = ibis.memtable({"day": [dt.date(2024, 8, 31)]}).day
        due = self.backend.to_pyarrow(ibis.greatest(plus_months(day, 6), plus_days(day, 180)).name("due")).to_pylist()
        local = self.backend.con.execute("SELECT TIMESTAMP '2024-08-31 18:00' AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Shanghai'")
        if due != [dt.date(2025, 2, 28)] or local.fetchall()[0][0].day != 1:
            raise InputError("engine duckdb", "counts months or zones wrongly", "install the locked version")

    def open(self, table: str, files: list[Path], columns: list[tuple[Column, bool]]) -> ibis.Table:
        """See `Engine`."""
        selected = ", ".join(f"{self._cast(c, filled)} AS {name(c.name)}" for c, filled in columns)
        paths = ", ".join(literal(f) for f in files)
        source = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        self.backend.raw_sql(f"CREATE OR REPLACE VIEW {name(table)} AS SELECT {selected} FROM {source}")
        return self.backend.table(table)

    @staticmethod
    def _cast(column: Column, filled: bool) -> str:
        value = name(column.name) if filled else "NULL"
        if column.kind == "timestamp":
            return f"CAST(CAST({value} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP)"
        return f"CAST({value} AS {_TYPES[column.kind]})"

    def put(self, table: str, data: pa.Table) -> ibis.Table:
        """See `Engine`."""
        return self.backend.create_table(table, data, overwrite=True, temp=True)

    def sql(self, expression: ibis.Table) -> str:
        """See `Engine`."""
        return str(self.backend.compile(expression, pretty=True))

    def keep(self, table: str, expression: ibis.Table) -> tuple[ibis.Table, str, int]:
        """See `Engine`."""
        sql = self.sql(expression)
        counted = self.backend.con.execute(f"CREATE OR REPLACE TEMP TABLE {name(table)} AS {sql}").fetchone()
        return self.backend.table(table, database="temp.main"), sql, int(counted[0])

    def share(self, table: str, expression: ibis.Table, file: Path) -> str:
        """See `Engine`. The file is Parquet, in the run's private folder."""
        sql = self.sql(expression)
        compute_once(file, lambda beside: self._copy(sql, beside))
        self.backend.raw_sql(f"CREATE OR REPLACE TEMP VIEW {name(table)} AS SELECT * FROM read_parquet({literal(file)})")
        return sql

    def _copy(self, sql: str, file: Path) -> None:
        self.backend.raw_sql(f"COPY ({sql}) TO {literal(file)} (FORMAT parquet, COMPRESSION lz4_raw)")

    def query(self, sql: str) -> pa.Table:
        """See `Engine`."""
        return self.backend.con.sql(sql).to_arrow_table()

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """See `Engine`."""
        return frame(self.backend.to_pyarrow(expression))

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """See `Engine`."""
        # a cursor of its own, as the connection may run another query between two batches
        yield from self.backend.con.cursor().sql(str(ibis.to_sql(expression, dialect=self.dialect))).to_arrow_reader(size)

    def map_batches(
        self, expression: ibis.Table, function: Callable[[pa.RecordBatch], pa.Table], schema: pa.Schema, size: int
    ) -> Iterator[pa.RecordBatch]:
        """See `Engine`."""
        for batch in self.batches(expression, size):
            yield from function(batch).cast(schema).to_batches()
