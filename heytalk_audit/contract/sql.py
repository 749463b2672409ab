"""The contract as SQL of six databases: tables, the SELECTs that fill them, and the totals that the source counts for itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache

import sqlglot
from sqlglot import exp

from heytalk_audit import contract
from heytalk_audit.contract import Column, Table, forms
from heytalk_audit.errors import InputError, nearest

#: The columns of a table in SQL, by the contract's kinds, as DuckDB names them.
_TYPES = {
    "string": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DECIMAL(18, 2)",
    "array": "VARCHAR[]",
}
#: How each database writes an instant as text in UTC, with its zone; MySQL does once the session's zone is UTC.
_AS_TEXT = {
    "postgres": "TO_CHAR(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US\"Z\"')",
    "mysql": "DATE_FORMAT(instant, '%Y-%m-%d %H:%i:%s.%fZ')",
    "duckdb": "STRFTIME(instant AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%fZ')",
    "snowflake": "TO_CHAR(CONVERT_TIMEZONE('UTC', instant), 'YYYY-MM-DD HH24:MI:SS.FF6\"Z\"')",
    "bigquery": "FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E6SZ', instant, 'UTC')",
    "spark": "DATE_FORMAT(TO_UTC_TIMESTAMP(instant, CURRENT_TIMEZONE()), \"yyyy-MM-dd HH:mm:ss.SSSSSS'Z'\")",
}
#: What must be said to a database first.
_FIRST = {"mysql": "SET time_zone = '+00:00';\n\n"}
DIALECTS = tuple(_AS_TEXT)
#: What no instant of a delivery is: stands for none where the least of several is looked for.
_NEVER = {"LEAST": "9999-12-31", "GREATEST": "1000-01-01"}
#: Types that a database does not have: MySQL no lists, and no instants after 2038 that keep their zone; Snowflake's lists are of anything.
_INSTEAD = {"mysql": {"VARCHAR[]": "JSON", "TIMESTAMPTZ": "DATETIME(6)"}, "snowflake": {"VARCHAR[]": "ARRAY"}}
TOTALS = ("table", "rows", "distinct_users", "min_ts", "max_ts", "control_sum")


def known_dialect(dialect: str) -> str:
    """The dialect. Raises InputError where it is none of the six."""
    if dialect not in DIALECTS:
        raise InputError(f"--dialect {dialect[:40]}", "is unknown", nearest(dialect[:40], DIALECTS))
    return dialect


def statements(dialect: str, stops: Mapping[str, Collection[str]] | None = None) -> str:
    """Each table: what it is for, its DDL, and the SELECT that fills it. `stops` has the rules that stop without a `table.column`."""
    parts = [_FIRST[dialect]] if dialect in _FIRST else []
    for table in contract.load().values():
        heading = f"-- {table.name}: {_line(table.description)}"
        parts += [heading, ddl(table, dialect), "", select(table, dialect, stops or {}), ""]
    return "\n".join(parts)


def ddl(table: Table, dialect: str) -> str:
    """The table as a CREATE TABLE, a comment beside each column."""
    lines = [(f"{_name(c.name, dialect)} {_type(table, c, dialect)}{_constraint(table, c, dialect)}", _words(c)) for c in table.columns]
    return f"CREATE TABLE {_name(table.name, dialect)} (\n{_lines(lines)}\n);"


def select(table: Table, dialect: str, stops: Mapping[str, Collection[str]] | None = None, columns: Collection[str] = ()) -> str:
    """A SELECT to be filled in: source names on the left, the contract's on the right; `columns` limits it to these and the key."""
    chosen = [c for c in table.columns if not columns or c.name in columns or c.name == table.key]
    lines = [(f"{_cast(c, dialect)} AS {_name(c.name, dialect)}", _words(c) + _stops(table, c, stops or {})) for c in chosen]
    return f"SELECT\n{_lines(lines)}\nFROM {_name(table.name, dialect)};"


def recoded(table: Table, column: Column, dialect: str) -> str:
    """A SELECT that puts the contract's words in place of the source's, to be filled in."""
    name = _name(column.name, dialect)
    whens = " ".join(f"WHEN '?' THEN '{value}'" for value in column.values)
    return _pretty(f"SELECT {_name(table.key, dialect)}, CASE {name} {whens} END AS {name} FROM {_name(table.name, dialect)}", dialect)


def without_value(table: Table, column: Column, dialect: str) -> str:
    """A SELECT of the rows in which a column is null."""
    condition = f"{_name(column.name, dialect)} IS NULL"
    return _pretty(f"SELECT {_name(table.key, dialect)} FROM {_name(table.name, dialect)} WHERE {condition}", dialect)


def _pretty(sql: str, dialect: str) -> str:
    return _parsed(sql, dialect).sql(dialect, pretty=True, identify=True) + ";"


def totals(dialect: str, tables: Iterable[str] | None = None) -> str:
    """The SQL that makes the source's own totals, a row per table; its result, as CSV, is what `seal --totals` reads."""
    chosen = [contract.load()[name] for name in (contract.load() if tables is None else tables)]
    queries = [_parsed(_totals_of(table, dialect), dialect).sql(dialect, pretty=True, identify=True) for table in chosen]
    return _FIRST.get(dialect, "") + "\nUNION ALL\n".join(queries) + "\nORDER BY 1;\n"


def _totals_of(table: Table, dialect: str) -> str:
    """The totals of one table, in the database's own SQL."""
    quoted = [_name(name, dialect) for name in TOTALS]
    user, amount = _name("user_id", dialect), _name("amount", dialect)
    no_sum, no_people = (exp.cast(exp.null(), kind).sql(dialect) for kind in ("DECIMAL(38, 2)", "BIGINT"))
    values = [
        f"'{table.name}'",
        "COUNT(*)",
        f"COUNT(DISTINCT CASE WHEN {user} <> '' THEN {user} END)" if "user_id" in table else no_people,
        _extreme(table, "MIN", "LEAST", dialect),
        _extreme(table, "MAX", "GREATEST", dialect),
        f"SUM({amount})" if table.name == "transactions" else no_sum,
    ]
    selected = ", ".join(f"{value} AS {name}" for value, name in zip(values, quoted, strict=True))
    return f"SELECT {selected} FROM {_name(table.name, dialect)}"


def _extreme(table: Table, of_rows: str, of_columns: str, dialect: str) -> str:
    """The first or last instant of all the table's columns, as text; databases differ in what LEAST makes of null, so none stands in it."""
    columns = table.of_kind("timestamp")
    if not columns:
        return exp.cast(exp.null(), "VARCHAR").sql(dialect)
    each = [f"{of_rows}({_name(column, dialect)})" for column in columns]
    if len(each) == 1:
        return _as_text(each[0], dialect)
    never = _never(_NEVER[of_columns], dialect)
    least = f"NULLIF({of_columns}({', '.join(f'COALESCE({one}, {never})' for one in each)}), {never})"
    return _as_text(least, dialect)


def _never(day: str, dialect: str) -> str:
    if dialect == "mysql":
        return f"CAST('{day} 00:00:00' AS DATETIME)"
    return exp.cast(exp.Literal.string(f"{day} 00:00:00+00:00"), "TIMESTAMPTZ").sql(dialect)


def _as_text(instant: str, dialect: str) -> str:
    return _AS_TEXT[dialect].replace("instant", instant, 1)


def _parsed(sql: str, dialect: str) -> exp.Expression:
    return sqlglot.parse_one(sql, dialect=dialect)


@cache
def _name(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect)


def _type(table: Table, column: Column, dialect: str) -> str:
    kind = _TYPES[column.kind]
    if dialect == "mysql" and column.name == table.key:
        return "VARCHAR(255)"  # a key may not be a text without end
    if kind in _INSTEAD.get(dialect, {}):
        return _INSTEAD[dialect][kind]
    return exp.DataType.build(kind, dialect="duckdb").sql(dialect)


def _constraint(table: Table, column: Column, dialect: str) -> str:
    """Not null, and the key where the database has keys. A list is never null in BigQuery, and can't be said to be."""
    key = {"bigquery": " PRIMARY KEY NOT ENFORCED", "spark": ""}.get(dialect, " PRIMARY KEY")
    may_be_null = not column.required or (dialect == "bigquery" and column.kind == "array")
    return ("" if may_be_null else " NOT NULL") + (key if column.name == table.key else "")


def _cast(column: Column, dialect: str) -> str:
    """A column of the source in the contract's type; lists, and what MySQL can't cast to, stand as they are."""
    name = _name(column.name, dialect)
    if dialect == "mysql" and column.kind == "timestamp":
        return _as_text(name, dialect)
    if dialect == "mysql" or column.kind == "array":
        return name
    return exp.cast(exp.column(column.name, quoted=True), exp.DataType.build(_TYPES[column.kind], dialect="duckdb")).sql(dialect)


def _words(column: Column) -> str:
    words = [forms.kind_in_words(column), forms.may_be_null(column), *([forms.accepted(column)] if column.values else [])]
    return "; ".join([*words, *([column.description] if column.description else [])])


def _stops(table: Table, column: Column, stops: Mapping[str, Collection[str]]) -> str:
    rules = stops.get(f"{table.name}.{column.name}", ())
    return f"; without it stop {', '.join(rules)}" if rules else ""


def _lines(lines: list[tuple[str, str]]) -> str:
    """Lines of a list with a comment beside each."""
    last = len(lines) - 1
    return "\n".join(f"  {sql}{',' if i < last else ''} -- {_line(words)}" for i, (sql, words) in enumerate(lines))


def _line(words: str) -> str:
    """Words as a comment, which ends with its line."""
    return " ".join(words.split())
