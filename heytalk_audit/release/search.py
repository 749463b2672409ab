"""Which of the output's candidates stand in the snapshot: asked of the engine. Python sees files and columns, and no value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from heytalk_audit import contract
from heytalk_audit.release.candidates import TABLE
from heytalk_audit.release.forms import LONGEST_ID, SHORTEST_ID, SHORTEST_NAME, SQL_PATTERNS, Form, sql_form
from heytalk_audit.snapshot.quoting import literal, name

_TEXT = "VARCHAR"
_WHOLE_NUMBERS = ("BIGINT", "UBIGINT", "HUGEINT", "INTEGER", "UINTEGER")


@dataclass(frozen=True)
class Source:
    """A table of the snapshot: its name and the Parquet files that the audit reads."""

    table: str
    files: tuple[str, ...]

    @property
    def sql(self) -> str:
        """Its rows as a relation."""
        return f"read_parquet([{', '.join(literal(file) for file in self.files)}], union_by_name = true, hive_partitioning = false)"


@dataclass(frozen=True, order=True)
class Hit:
    """A file of the output, and the column in which something stands that stands in the file too."""

    file: str
    column: str


def sources_of(profile: Mapping[str, Any], unknown: Mapping[str, Any] | None = None) -> list[Source]:
    """The tables that a profile describes, and those that the contract does not know."""
    described = [*profile.items(), *((of["table"], of) for of in (unknown or {}).values() if of)]
    return [Source(table, tuple(of["files"])) for table, of in described]


@dataclass(frozen=True)
class _Column:
    """A column that may hold text or whole numbers: as a message may name it, its values as SQL, and where they are looked for."""

    shown: str
    value: str
    forms: frozenset[Form]


def hits_of(con: duckdb.DuckDBPyConnection, sources: Iterable[Source], forms: Collection[Form]) -> list[Hit]:
    """Every hit, sorted. `forms` are those of which there are candidates."""
    hits: set[Hit] = set()
    for source in sources:
        columns, strange = _columns(con, source)
        for form in forms:
            hits.update(_hits(con, form, _values_of([column for column in columns if form in column.forms], source.sql)))
            if strange and form in SQL_PATTERNS:
                names = f"(SELECT unnest([{', '.join(map(literal, strange))}]) AS value)"
                hits.update(_hits(con, form, f"SELECT {literal('a column that is named so')} AS shown, value FROM {names}"))
    return sorted(hits)


def _values_of(columns: Sequence[_Column], rows: str) -> str:
    """The values of some columns under each other, with the column, by one look at the rows."""
    if not columns:
        return ""
    pairs = ", ".join(f"{{'shown': {literal(column.shown)}, 'value': {column.value}}}" for column in columns)
    return f"SELECT pair.shown, unnest(pair.value) AS value FROM (SELECT unnest([{pairs}]) AS pair FROM {rows})"


def _hits(con: duckdb.DuckDBPyConnection, form: Form, values: str) -> Iterator[Hit]:
    """The files that hold a candidate of a form that is among the values."""
    if values:
        candidates = f"(SELECT value, file FROM {TABLE} WHERE form = '{form}')"
        among = f"SELECT DISTINCT value, shown FROM ({_brought(form, values)}) SEMI JOIN {candidates} USING (value)"
        rows = con.execute(f"SELECT DISTINCT file, shown FROM {candidates} JOIN ({among}) USING (value)").fetchall()
        yield from (Hit(*row) for row in rows)


def _brought(form: Form, values: str) -> str:
    """Of values what may be of a form, in that form. What has a shape may be a part of a value; the rest is compared whole."""
    if form in SQL_PATTERNS:
        extracted = f"unnest(regexp_extract_all(value, {literal(SQL_PATTERNS[form])}))"
        parts = f"SELECT shown, {extracted} AS value FROM ({values}) WHERE length(value) > 5"
        return f"SELECT shown, {sql_form(form, 'value')} AS value FROM ({parts}) WHERE length(value) > 5"
    if form == Form.IDENTIFIER:
        return (
            f"SELECT shown, {sql_form(form, 'value')} AS value FROM ({values}) WHERE length(value) BETWEEN {SHORTEST_ID} AND {LONGEST_ID}"
        )
    brought = f"SELECT shown, {sql_form(form, 'value')} AS value FROM ({values}) WHERE length(value) >= {SHORTEST_NAME}"
    return f"SELECT shown, value FROM ({brought}) WHERE contains(value, ' ')"


def _columns(con: duckdb.DuckDBPyConnection, source: Source) -> tuple[list[_Column], list[str]]:
    """The columns of a table that may hold what is looked for, and the names of those that the contract does not know."""
    columns, strange = [], []
    for number, (column, stored, *_) in enumerate(con.execute(f"DESCRIBE FROM {source.sql}").fetchall(), 1):
        of_contract = _of_contract(source.table, column)
        shown = f"{source.table}.{column}" if of_contract else f"column {number} of {_shown_table(source.table)}"
        value = name(column) if stored == f"{_TEXT}[]" else f"[CAST({name(column)} AS VARCHAR)]"
        if forms := _forms(stored, source.table, of_contract):
            columns.append(_Column(shown, value, forms))
        if of_contract is None:
            strange.append(column)
    return columns, strange


def _forms(stored: str, table: str, column: contract.Column | None) -> frozenset[Form]:
    """What a column may hold: addresses and numbers anywhere, names where none may be shown, and identifiers among identifiers."""
    if stored in _WHOLE_NUMBERS:
        return frozenset({Form.PHONE}) if column is None else frozenset()
    if stored != _TEXT and not stored.endswith("]") and not stored.startswith(("STRUCT", "MAP", "JSON")):
        return frozenset()
    if column is None or not column.reportable:
        return frozenset(SQL_PATTERNS) | {Form.NAME} | ({Form.IDENTIFIER} if _holds_ids(table, column) else set())
    # keys that may be shown, as a vendor's, look as they like
    return frozenset({Form.EMAIL, Form.IP}) if _is_key(table, column) else frozenset(SQL_PATTERNS)


def _of_contract(table: str, column: str) -> contract.Column | None:
    tables = contract.load()
    return tables[table][column] if table in tables and column in tables[table] else None


def _holds_ids(table: str, column: contract.Column | None) -> bool:
    """Whether a column names rows or people."""
    return column is not None and (_is_key(table, column) or column.category == "pd:Identifier")


def _is_key(table: str, column: contract.Column) -> bool:
    return column.foreign or column.name == contract.load()[table].key


def _shown_table(table: str) -> str:
    """A table as a message may name it: the delivery's own names may be values themselves."""
    return table if table in contract.load() else "a table that the contract does not know"
