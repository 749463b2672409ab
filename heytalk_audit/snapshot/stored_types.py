"""The types in which Parquet files store columns, and whether a column of the contract may be stored in one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.contract import Table
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import folders
from heytalk_audit.snapshot.folders import folded


def of_files(folder: Path, files: tuple[Path, ...], table: Table) -> tuple[dict[str, pa.DataType | None], frozenset[str]]:
    """The type of each column, null where parts disagree, and the columns that are INT96 in some part.

    A part in which a column holds nothing agrees with any, as do types that the engines read as one.
    """
    types: dict[str, pa.DataType | None] = {}
    names, int96 = {folded(c.name): c.name for c in table.columns}, set()
    for file in files:
        schema, old = _schema(folder, file)
        _refuse_alike(schema, f"snapshot {folder.name}/{file.relative_to(folder)}")
        for column in schema:
            name = names.setdefault(folded(column.name), column.name)
            stored = pa.timestamp("us", "UTC") if column.name in old else _read_as(column.type)
            int96 |= {name} if column.name in old else set()
            earlier = types.setdefault(name, stored)
            if earlier is not None and pa.types.is_null(earlier):
                types[name] = stored
            elif earlier is not None and earlier != stored and not pa.types.is_null(stored):
                types[name] = None
    return types, frozenset(int96)


def _refuse_alike(schema: pa.Schema, where: str) -> None:
    twice = folders.alike(schema.names)
    if twice:
        raise InputError(where, "column {} has the name of column {}, or differs by case alone".format(*twice), "rename one of them")


def _schema(folder: Path, file: Path) -> tuple[pa.Schema, set[str]]:
    """The types of a Parquet file's columns, and those that it stores as INT96: a time without a flag, by which Spark means UTC."""
    try:
        with pq.ParquetFile(file) as opened:
            stored = [opened.schema.column(index) for index in range(len(opened.schema.names))]
            return opened.schema_arrow, {c.path for c in stored if c.physical_type == "INT96"}
    except (OSError, pa.ArrowException) as error:
        raise unreadable(folder, file) from error


def _read_as(stored: pa.DataType) -> pa.DataType:
    """A type as engines read it: of texts there is one, however they are coded, and of instants one for each unit, whatever their zone."""
    t = pa.types
    if t.is_dictionary(stored):
        return _read_as(stored.value_type)
    if t.is_large_string(stored) or t.is_string_view(stored):
        return pa.string()
    if t.is_timestamp(stored) and stored.tz is not None:
        return pa.timestamp(stored.unit, "UTC")
    if (
        t.is_large_list(stored)
        or t.is_fixed_size_list(stored)
        or t.is_list_view(stored)
        or t.is_large_list_view(stored)
        or t.is_list(stored)
    ):
        return pa.list_(_read_as(stored.value_type))
    return stored


def unreadable(folder: Path, file: Path) -> InputError:
    """The error of a file that is not what its name says, or is cut off."""
    where = f"snapshot {folder.name}/{file.relative_to(folder)}"
    return InputError(where, "cannot be read (truncated, or not what its name says)", "deliver it again")


def fits(kind: str, stored: pa.DataType | None) -> bool:
    """Whether a column of the contract's kind may be delivered in a stored type. Arrow's null type fits any kind."""
    if stored is None:
        return False
    t, stored = pa.types, _read_as(stored)
    is_of_kind: dict[str, bool] = {
        "string": t.is_string(stored),
        "timestamp": t.is_timestamp(stored) and stored.tz is not None,
        "date": t.is_date(stored),
        "boolean": t.is_boolean(stored),
        "integer": t.is_integer(stored),
        "number": t.is_decimal(stored) or t.is_floating(stored) or t.is_integer(stored),
        "array": t.is_list(stored) and fits("string", stored.value_type),
    }
    return bool(t.is_null(stored)) or is_of_kind[kind]
