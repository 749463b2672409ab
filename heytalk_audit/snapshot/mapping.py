"""A snapshot from a source with other names of tables and columns: a mapping holds, per table of the contract, one SELECT on the source.

The source is an SQLite or DuckDB file, or a PostgreSQL database (package `psycopg`). Timestamps that carry no zone take the one that the
mapping names; without one they are refused.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import BeforeValidator, Field, ValidationError

from heytalk_audit import contract
from heytalk_audit.canonical import Strict
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.expressions.calendar import known_zone
from heytalk_audit.snapshot import delivery
from heytalk_audit.snapshot.seal import seal_folder

#: Runs a SELECT: the names of its columns, and its rows. Raises ValueError where the source refuses it.
Query = Callable[[str], tuple[list[str], list[tuple[Any, ...]]]]


class Source(Strict):
    """Where the data lives: one of these files or databases. `postgres_env` names the environment variable with the connection string."""

    sqlite: str | None = None
    duckdb: str | None = None
    postgres_env: str | None = None


class Mapping(Strict):
    """A mapping file: the source, what the descriptor is to state, and per table its SELECT. `zone` is an IANA name."""

    source: Source
    as_of: str
    extracted_at: str | None = None
    producer: str | None = None
    source_system: str | None = None
    zone: Annotated[str, BeforeValidator(known_zone)] | None = None
    tables: Annotated[dict[str, str], Field(min_length=1)]


def import_snapshot(path: Path, folder: Path) -> dict[str, int]:
    """Write and seal the snapshot that a mapping describes; returns rows per table. Raises InputError, and then writes no folder."""
    mapping = read_mapping(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"import {folder.name}", "is there already", "name an empty or a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".import-") as staged:
        written = Path(staged) / folder.name
        written.mkdir()
        query = _connect(mapping.source, path.resolve().parent)
        rows = {name: _write_table(query, mapping, name, select, written) for name, select in mapping.tables.items()}
        stated = {k: getattr(mapping, k) for k in ("as_of", "extracted_at", "producer", "source_system")}
        queries = [{"name": n, "extraction_query_sha256": hashlib.sha256(q.encode()).hexdigest()} for n, q in mapping.tables.items()]
        document = {"snapshot_id": folder.name, **stated, "resources": queries}
        (written / delivery.DESCRIPTOR).write_text(json.dumps(document), "utf-8")
        seal_folder(written)
        if folder.exists():
            folder.rmdir()
        shutil.move(written, folder)
    return rows


def read_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file. Raises InputError."""
    try:
        mapping = Mapping.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"mapping {path.name}", "cannot be read as YAML", "compare it with params/mapping-example.yaml") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "file"
        raise InputError(f"mapping {path.name}: {key}", first["msg"], "compare it with params/mapping-example.yaml") from error
    for name in mapping.tables:
        if name not in contract.load():
            raise InputError(f"mapping {path.name}: tables.{name}", "is no table of the contract", nearest(name, contract.load()))
    return mapping


def _connect(source: Source, base: Path) -> Query:
    sources = [value for value in source.model_dump().values() if value]
    if len(sources) != 1:
        raise InputError("mapping source", "names none or several", "give one of sqlite, duckdb, postgres_env")
    if source.postgres_env:
        return _postgres(source.postgres_env)
    file = base / str(source.sqlite or source.duckdb)
    if not file.is_file():
        raise InputError(f"mapping source {file.name}", "no such file", "name the database file, relative to the mapping")
    if source.sqlite:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        return _cursor(connection.cursor(), sqlite3.Error)
    return _cursor(duckdb.connect(str(file), read_only=True), duckdb.Error)


def _postgres(variable: str) -> Query:
    try:
        import psycopg
    except ImportError as error:
        raise InputError("mapping source", "psycopg is not installed", "install the extra postgres") from error
    if not os.environ.get(variable):
        raise InputError(f"mapping source {variable}", "the environment variable is not set", "put the connection string there")
    try:
        connection = psycopg.connect(os.environ[variable], options="-c timezone=UTC -c default_transaction_read_only=on")
    except psycopg.Error as error:
        raise InputError(f"mapping source {variable}", "cannot be connected to", "check the connection string") from error
    return _cursor(connection.cursor(), psycopg.Error)


def _cursor(cursor: Any, failure: type[Exception]) -> Query:
    def query(select: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        try:
            cursor.execute(select)
            return [d[0] for d in cursor.description], cursor.fetchall()
        except failure as error:
            raise ValueError(str(error).splitlines()[0]) from error

    return query


def _write_table(query: Query, mapping: Mapping, name: str, select: str, folder: Path) -> int:
    """Write what the SELECT yields as a table of the contract; returns its rows."""
    where = f"mapping tables.{name}"
    try:
        columns, rows = query(select)
    except ValueError as error:
        raise InputError(where, f"the source refuses the SELECT ({error})", "mend the SELECT") from error
    table = contract.load()[name]
    for column in columns:
        if column not in table:
            raise InputError(where, f"the contract has no column {column}", nearest(column, [c.name for c in table.columns]))
    arrays = [
        _array(f"{where}.{column}", table[column].kind, [row[index] for row in rows], mapping.zone) for index, column in enumerate(columns)
    ]
    pq.write_table(pa.table(arrays, names=columns), folder / f"{name}.parquet")
    return len(rows)


def _array(where: str, kind: str, values: list[Any], zone: str | None) -> pa.Array:
    try:
        converted = [_value(kind, value, zone) for value in values]
    except (ValueError, TypeError, ArithmeticError) as error:
        raise InputError(where, f"a value is no {kind} that can be used ({type(error).__name__})", _HELP[kind]) from error
    return pa.array(converted, contract.ARROW[kind])


#: By kind of column, what to do about a value that can't be converted.
_HELP = dict.fromkeys(contract.ARROW, "convert it in the SELECT") | {
    "timestamp": "give ISO 8601 with its zone, or name the mapping's zone",
    "array": "give a JSON array of strings",
}


def _value(kind: str, value: Any, zone: str | None) -> Any:
    """A value of the source in the contract's type. Raises ValueError, TypeError or ArithmeticError."""
    if value is None:
        return None
    match kind:
        case "timestamp":
            return _instant(value, zone)
        case "date":
            return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
        case "boolean":
            return _boolean(value)
        case "integer":
            return int(value)
        case "number":
            return Decimal(str(value)).quantize(Decimal("0.01"))
        case "array":
            items = json.loads(value) if isinstance(value, str) else list(value)
            return [str(item) for item in items]
    return str(value)


def _instant(value: Any, zone: str | None) -> dt.datetime:
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError("no zone")
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(dt.UTC)


def _boolean(value: Any) -> bool:
    values = {"1": True, "0": False, "true": True, "false": False, "t": True, "f": False}
    if str(value).lower() not in values:
        raise ValueError("no boolean")
    return values[str(value).lower()]
