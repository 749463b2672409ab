"""Spark: on this machine, a cluster behind its master, or behind Spark Connect."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from heytalk_audit.contract import ARROW, Column
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.derived import Source
from heytalk_audit.snapshot.frames import frame as frame_of

_TYPES = {
    "string": "STRING",
    "timestamp": "TIMESTAMP_NTZ",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DECIMAL(18, 2)",
    "array": "ARRAY<STRING>",
}


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
        self._shared: dict[str, Path] = {}

    def open(self, table: str, files: list[Path], columns: list[tuple[Column, bool]]) -> ibis.Table:
        """See `Engine`."""
        frame = self.session.read.option("mergeSchema", "true").parquet(*[str(f) for f in files])
        values = [(c, f"`{c.name}`" if filled else "NULL") for c, filled in columns]
        frame = frame.selectExpr(*[f"CAST({value} AS {_TYPES[c.kind]}) AS `{c.name}`" for c, value in values])
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

    def share(self, table: str, sql: str, file: Path) -> None:
        """See `Engine`. Kept by the executors of this session, as they may not see this machine's files."""
        if self._shared.get(table) != file:
            self.session.sql(sql).cache().createOrReplaceTempView(table)
            self._shared[table] = file

    def derive(self, table: str, sources: Sequence[Source], schema: pa.Schema, file: Path) -> ibis.Table:
        """See `Engine`. The rows are kept by the executors of this session."""
        if self._shared.get(table) != file:
            fields = ", ".join(f"`{f.name}` {_spark_type(f.type)}" for f in schema)
            frames = [self.session.sql(self.sql(rows)).mapInArrow(_batch_by_batch(function), fields) for rows, function in sources]
            frame = functools.reduce(lambda one, other: one.unionAll(other), frames, self.session.createDataFrame([], fields))
            frame.cache().createOrReplaceTempView(table)
            self._shared[table] = file
        return self.backend.table(table)

    def query(self, sql: str) -> pa.Table:
        """See `Engine`."""
        return self.session.sql(sql).toArrow()

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """See `Engine`."""
        return frame_of(self.backend.to_pyarrow(expression))

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """See `Engine`. Of Spark's partitions one at a time is fetched."""
        frame = self.session.sql(str(ibis.to_sql(expression, dialect=self.dialect)))
        names = frame.columns
        rows = iter(frame.toLocalIterator())
        while part := list(itertools.islice(rows, size)):
            yield pa.RecordBatch.from_pylist([dict(zip(names, row, strict=True)) for row in part])


def _batch_by_batch(function: Callable[[pa.RecordBatch], pa.Table]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from function(batch).to_batches()

    return run


def _spark_type(arrow: pa.DataType) -> str:
    kinds = {ARROW[k]: t for k, t in _TYPES.items()} | {pa.timestamp("us"): "TIMESTAMP_NTZ", pa.float64(): "DOUBLE"}
    return kinds[arrow]
