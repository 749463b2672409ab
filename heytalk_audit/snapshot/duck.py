"""DuckDB, embedded: the default engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.contract import Column
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.disk.working import private_folder, remove_folder
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.budget import refused_option
from heytalk_audit.snapshot.derived import BATCH, Source, compute_once
from heytalk_audit.snapshot.frames import frame
from heytalk_audit.snapshot.locked import locked
from heytalk_audit.snapshot.quoting import literal, name
from heytalk_audit.snapshot.traps import QUERY, TRAPS
from heytalk_audit.snapshot.values import NONE, WrongValues, readable

_TYPES = {
    "string": "VARCHAR",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DECIMAL(18, 2)",
    "array": "VARCHAR[]",
}


def _held(table: str, schema: ibis.Schema, backend: Any) -> ibis.Table:
    # Ibis would ask the engine for the types, which are those of the expression
    held: ibis.Table = ops.DatabaseTable(name=table, schema=schema, source=backend).to_expr()
    return held


def _self_test(backend: Any) -> None:
    """Refuse an engine that computes anything otherwise than rules expect, as every verdict depends on it."""
    wrong = [trap for trap, right in zip(TRAPS, backend.con.execute(QUERY).fetchall()[0], strict=True) if right is not True]
    if wrong:
        raise InputError("engine duckdb", f"gets {', '.join(wrong)} wrong", "install the locked version")


class Duck:
    """DuckDB in memory, with its zone set so that times and due days come out right.

    Options: memory_limit, threads, and temp_directory, the folder within which it makes a private one to spill (default: the system's).
    It is opened when it is first used, locked, and from then on reaches these folders and those that were allowed before, and no other.
    """

    dialect = url = "duckdb"

    def __init__(self, options: dict[str, Any] | None = None, folders: Iterable[Path] = ()):
        self._options = options or {}
        if refused := refused_option("duckdb", self._options):
            where, _, todo = refused.partition("; ")
            raise InputError("engine.options", where, todo)
        self._folders = [folder.resolve() for folder in folders]
        self._compiled: dict[ops.Node, str] = {}

    def allow(self, *folders: Path) -> None:
        """See `Engine`."""
        resolved = [folder.resolve() for folder in folders]
        if "backend" not in self.__dict__:
            self._folders += resolved
            return
        reached = [*self._folders, self._spill.resolve()]
        if not all(any(folder.is_relative_to(allowed) for allowed in reached) for folder in resolved):
            raise ValueError("the connection is locked: allow a folder before it is first used")

    def own_folder(self) -> Path:
        """See `Engine`."""
        return private_folder(self, str(self._spill))

    @cached_property
    def _spill(self) -> Path:
        return private_folder(self, self._options.get("temp_directory"))

    @cached_property
    def backend(self) -> Any:
        """Ibis's connection. Raises InputError for options that the engine refuses, and for an engine that computes otherwise."""
        options = self._options | {"temp_directory": str(self._spill)}
        try:
            backend = locked(self._folders, options, begin=ibis.duckdb.from_connection)
        except duckdb.Error as error:
            refuse_failure(error)
            raise InputError("engine.options", f"duckdb refuses them ({type(error).__name__})", "mend or drop them") from error
        _self_test(backend)
        return backend

    def close(self) -> None:
        """Give back its memory, and its folder to spill. Nothing of it can be used any more."""
        if "backend" in self.__dict__:
            self.backend.disconnect()
        remove_folder(self._spill)

    def open(self, table: str, files: list[Path], columns: list[tuple[Column, bool]], wrong: WrongValues = NONE) -> ibis.Table:
        """See `Engine`."""
        values = {c.name: self._cast(c, filled, c.name in wrong.places) for c, filled in columns}
        values |= {wrong.mark(c): wrong.condition(c, name(c), values[c]) for c in values if wrong.with_marks and c in wrong.places}
        selected = ", ".join(f"{value} AS {name(c)}" for c, value in values.items())
        paths = ", ".join(literal(f) for f in files)
        source = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        self.backend.raw_sql(f"CREATE OR REPLACE VIEW {name(table)} AS SELECT {selected} FROM {source}")
        return self.backend.table(table)

    @staticmethod
    def _cast(column: Column, filled: bool, some_are_wrong: bool) -> str:
        value = name(column.name) if filled else "NULL"
        if column.kind == "timestamp":
            value = f"CAST(CAST({value} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP)"
        if some_are_wrong:
            value = readable(column, value)
        if column.kind == "timestamp":
            return value
        return f"CAST({value} AS {_TYPES[column.kind]})"

    def put(self, table: str, data: pa.Table) -> ibis.Table:
        """See `Engine`."""
        con = self.backend.con
        con.register("arrow_data", data)
        con.execute(f"CREATE OR REPLACE TABLE {name(table)} AS SELECT * FROM arrow_data")
        con.unregister("arrow_data")
        return self.backend.table(table)

    def sql(self, expression: ibis.Table) -> str:
        """See `Engine`."""
        node = expression.op()
        if node not in self._compiled:
            self._compiled[node] = str(self.backend.compile(expression, pretty=True))
        return self._compiled[node]

    def keep(self, table: str, expression: ibis.Table) -> tuple[ibis.Table, str, int]:
        """See `Engine`."""
        sql = self.sql(expression)
        counted = self.backend.con.execute(f"CREATE OR REPLACE TABLE {name(table)} AS {sql}").fetchone()
        return _held(table, expression.schema(), self.backend), sql, int(counted[0])

    def share(self, table: str, sql: str, file: Path) -> None:
        """See `Engine`. The file is Parquet, in the run's private folder."""
        compute_once(file, lambda beside: self._copy(sql, beside))
        self.backend.raw_sql(f"CREATE OR REPLACE VIEW {name(table)} AS SELECT * FROM read_parquet({literal(file)})")

    def _copy(self, sql: str, file: Path) -> None:
        self.backend.raw_sql(f"COPY ({sql}) TO {literal(file)} (FORMAT parquet, COMPRESSION lz4_raw)")

    def derive(self, table: str, sources: Sequence[Source], schema: pa.Schema, file: Path) -> ibis.Table:
        """See `Engine`."""
        compute_once(file, lambda beside: self._stream(sources, schema, beside))
        self.backend.raw_sql(f"CREATE OR REPLACE VIEW {name(table)} AS SELECT * FROM read_parquet({literal(file)})")
        return self.backend.table(table)

    def _stream(self, sources: Sequence[Source], schema: pa.Schema, file: Path) -> None:
        with pq.ParquetWriter(file, schema, compression="lz4") as writer:
            for rows, function in sources:
                for batch in self.batches(rows, BATCH):
                    writer.write_table(function(batch))

    def query(self, sql: str) -> pa.Table:
        """See `Engine`."""
        return self.backend.con.sql(sql).to_arrow_table()

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """See `Engine`."""
        return frame(self.query(self.sql(expression)).cast(expression.schema().to_pyarrow()))

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """See `Engine`."""
        # a cursor of its own, as the connection may run another query between two batches
        yield from self.backend.con.cursor().sql(self.sql(expression)).to_arrow_reader(size)
