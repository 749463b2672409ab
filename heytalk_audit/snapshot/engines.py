"""Where expressions run: DuckDB embedded (the default), or Spark. All that differs between them is here, but for conversions of zones."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

import ibis
import pandas as pd
import pyarrow as pa

from heytalk_audit.contract import ARROW, Column
from heytalk_audit.errors import InputError
from heytalk_audit.expressions.calendar import plus_days, plus_months

_SPARK_TYPES = {
    "string": "STRING",
    "timestamp": "TIMESTAMP_NTZ",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DECIMAL(18, 2)",
    "array": "ARRAY<STRING>",
}
_DUCK_TYPES = {
    "string": "VARCHAR",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DECIMAL(18, 2)",
    "array": "VARCHAR[]",
}


def literal(text: object) -> str:
    """Text as an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def name(text: str) -> str:
    """Text as an SQL name."""
    return '"' + text.replace('"', '""') + '"'


class Engine(Protocol):
    """What an audit needs of an engine. `dialect` is Ibis's name of the SQL that it speaks."""

    dialect: str

    def open(self, table: str, files: list[Path], columns: list[tuple[Column, bool]]) -> ibis.Table:
        """A view over Parquet files with the contract's columns and types; `columns` says of each whether it holds anything."""

    def put(self, table: str, data: pa.Table) -> ibis.Table:
        """A small table of the audit's own."""

    def sql(self, expression: ibis.Table) -> str:
        """The SQL that an expression becomes."""

    def keep(self, table: str, expression: ibis.Table) -> tuple[ibis.Table, str, int]:
        """The rows of an expression, computed once and kept until the next of that name; the SQL that computed them; and their number."""

    def rows_of(self, sql: str, schema: ibis.Schema) -> pd.DataFrame:
        """The rows of a query in these types; dates as `datetime.date`."""

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """The rows of an expression; dates as `datetime.date`."""

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, `size` at a time, so that no more of them are in memory than that."""


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
        return f"CAST({value} AS {_DUCK_TYPES[column.kind]})"

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

    def rows_of(self, sql: str, schema: ibis.Schema) -> pd.DataFrame:
        """See `Engine`."""
        return _frame(self.backend.con.sql(sql).to_arrow_table().cast(schema.to_pyarrow()))

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """See `Engine`."""
        return _frame(self.backend.to_pyarrow(expression))

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """See `Engine`."""
        # a cursor of its own, as the connection may run another query between two batches
        yield from self.backend.con.cursor().sql(str(ibis.to_sql(expression, dialect=self.dialect))).to_arrow_reader(size)


class Spark:
    """A Spark session: local, a cluster's master, or Spark Connect."""

    dialect = "pyspark"

    def __init__(self, url: str, options: dict[str, Any] | None = None):
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise InputError(f"engine {url}", "pyspark is not installed", "make setup EXTRAS=spark") from error
        builder = SparkSession.builder.appName("heytalk-audit")
        builder = builder.remote(url) if url.startswith("sc://") else builder.master(url)
        settings = {
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "false",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.execution.arrow.pyspark.enabled": "true",
        } | {str(k): str(v) for k, v in (options or {}).items()}
        for key, value in settings.items():
            builder = builder.config(key, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR") if not url.startswith("sc://") else None
        self.backend = ibis.pyspark.connect(self.session)
        self._kept: dict[str, Any] = {}

    def open(self, table: str, files: list[Path], columns: list[tuple[Column, bool]]) -> ibis.Table:
        """See `Engine`."""
        frame = self.session.read.option("mergeSchema", "true").parquet(*[str(f) for f in files])
        values = [(c, f"`{c.name}`" if filled else "NULL") for c, filled in columns]
        frame = frame.selectExpr(*[f"CAST({value} AS {_SPARK_TYPES[c.kind]}) AS `{c.name}`" for c, value in values])
        frame.createOrReplaceTempView(table)
        return self.backend.table(table)

    def put(self, table: str, data: pa.Table) -> ibis.Table:
        """See `Engine`."""
        fields = ", ".join(f"`{f.name}` {_spark_type(f.type)}" for f in data.schema)
        rows = [tuple(row.values()) for row in data.to_pylist()]
        self.session.createDataFrame(rows, fields).createOrReplaceTempView(table)
        return self.backend.table(table)

    def sql(self, expression: ibis.Table) -> str:
        """See `Engine`."""
        return str(ibis.to_sql(expression, dialect=self.dialect))

    def keep(self, table: str, expression: ibis.Table) -> tuple[ibis.Table, str, int]:
        """See `Engine`."""
        sql = self.sql(expression)
        if table in self._kept:
            self._kept[table].unpersist()
        self._kept[table] = self.session.sql(sql).cache()
        self._kept[table].createOrReplaceTempView(table)
        return self.backend.table(table), sql, self._kept[table].count()

    def rows_of(self, sql: str, schema: ibis.Schema) -> pd.DataFrame:
        """See `Engine`."""
        return self.rows(self.backend.sql(sql).cast(schema))

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """See `Engine`."""
        return _frame(self.backend.to_pyarrow(expression))

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """See `Engine`. Of Spark's partitions one at a time is fetched."""
        frame = self.session.sql(str(ibis.to_sql(expression, dialect=self.dialect)))
        names = frame.columns
        rows = iter(frame.toLocalIterator())
        while part := list(itertools.islice(rows, size)):
            yield pa.RecordBatch.from_pylist([dict(zip(names, row, strict=True)) for row in part])


def _frame(table: pa.Table) -> pd.DataFrame:
    return cast(pd.DataFrame, table.to_pandas(date_as_object=True))


def _spark_type(arrow: pa.DataType) -> str:
    kinds = {ARROW[k]: t for k, t in _SPARK_TYPES.items()} | {pa.timestamp("us"): "TIMESTAMP_NTZ", pa.float64(): "DOUBLE"}
    return kinds[arrow]


def check_url(url: str) -> None:
    """Refuse the name of an engine that does not exist, with an InputError."""
    if url != "duckdb" and not url.startswith(("local", "spark://", "sc://")):
        raise InputError(f"engine {url[:60]}", "is unknown", "write duckdb, local[2], spark://host:port or sc://host:port")


def connect(url: str = "duckdb", options: dict[str, Any] | None = None) -> Engine:
    """The engine of that name: duckdb, or a Spark address (local[2], spark://..., sc://...). Raises InputError."""
    check_url(url)
    if url != "duckdb":
        return Spark(url, options)
    try:
        return Duck(options)
    except InputError:
        raise
    except Exception as error:
        raise InputError("engine.options", f"duckdb refuses them ({type(error).__name__})", "mend or drop them") from error
