"""Where expressions run: DuckDB embedded (the default), or Spark. All that differs between them lies behind this, but zone conversions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import ibis
import pandas as pd
import pyarrow as pa

from heytalk_audit.contract import Column
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.derived import Source
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.spark import Spark
from heytalk_audit.snapshot.values import NONE, WrongValues


class Engine(Protocol):
    """What an audit needs of an engine. `url` says where it is, `dialect` is Ibis's name of the SQL that it speaks, `backend` Ibis's
    connection to it."""

    url: str
    dialect: str

    @property
    def backend(self) -> Any: ...

    def allow(self, *folders: Path) -> None:
        """Let it read and write in these folders, of this machine, before it is first used: from then on it reaches no other."""

    def own_folder(self) -> Path:
        """A private folder that goes with the engine, and that it reaches also once it is in use."""

    def open(self, table: str, files: list[Path], columns: list[tuple[Column, bool]], wrong: WrongValues = NONE) -> ibis.Table:
        """A view over Parquet files with the contract's columns and types; `columns` says of each whether it holds anything.

        Values that are `wrong` for their column's type read as null.
        """

    def put(self, table: str, data: pa.Table) -> ibis.Table:
        """A small table of the audit's own."""

    def sql(self, expression: ibis.Table) -> str:
        """The SQL that an expression becomes."""

    def keep(self, table: str, expression: ibis.Table) -> tuple[ibis.Table, str, int]:
        """The rows of an expression, computed once and kept until the next of that name; the SQL that computed them; and their number."""

    def share(self, table: str, sql: str, file: Path) -> None:
        """Make `table` a table of the rows of a query.

        They are computed once for all who name the same file; where the engine can't share files, once for this connection.
        """

    def derive(self, table: str, sources: Sequence[Source], schema: pa.Schema, file: Path) -> ibis.Table:
        """A table of what functions make of batches of rows, computed once for all who name the same file, as in `share`.

        The functions run where the rows are: on Spark, on its executors.
        """

    def query(self, sql: str) -> pa.Table:
        """The result of SQL, for results that are small whatever the data: counts."""

    def rows(self, expression: ibis.Table) -> pd.DataFrame:
        """The rows of an expression, for results that are small whatever the data; dates as `datetime.date`."""

    def batches(self, expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression in its order, at most `size` at a time, so that no more of them are in memory than that."""


def check_url(url: str) -> None:
    """Refuse the name of an engine that does not exist, with an InputError."""
    if url != "duckdb" and not url.startswith(("local", "spark://", "sc://")):
        raise InputError(f"engine {url[:60]}", "is unknown", "write duckdb, local[2], spark://host:port or sc://host:port")


def connect(url: str = "duckdb", options: dict[str, Any] | None = None, folders: Iterable[Path] = ()) -> Engine:
    """The engine of that name: duckdb, or a Spark address (local[2], spark://..., sc://...). Raises InputError.

    DuckDB reaches these folders, and those that a snapshot opened on it needs.
    """
    check_url(url)
    return Duck(options, folders) if url == "duckdb" else Spark(url, options)
