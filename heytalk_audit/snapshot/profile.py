"""What a delivery holds, counted from its files: totals, and whether each column keeps the contract. The only values that come out of it
are totals and instants."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.contract import Column
from heytalk_audit.snapshot import inventory
from heytalk_audit.snapshot.delivery import DeliveredPart, Delivery, fits, part_digest, unreadable
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.quoting import literal, name

#: The files of a working folder that keep the profile, and that of what the contract does not know.
FILE, UNKNOWN_FILE = "profile.json", "unknown.json"
#: The status of a column by the contract: only columns that are `ok` or `all null` are opened for rules. One in which some values can't
#: be read as its type, and others can, has `wrong values`.
OK, EMPTY, MISSING, WRONG, WRONG_VALUES = "ok", "all null", "missing", "wrong type", "wrong values"

_ZONED = r"(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"


def take(delivery: Delivery, work: Path, duck: Duck, progress: Callable[[str], None] = lambda table: None) -> dict[str, Any]:
    """Profile every table of a delivery; CSV files are turned into Parquet under `work` first.

    Returns, per table: files (Parquet), bytes, hash, rows, distinct_users, min_ts, max_ts, control_sum, first_created; columns with
    their status, nulls where none may be, and values that are not of the enum; others, the names of columns that the contract does
    not have; and the inventory of every column, see `inventory.taken`. It can be written as JSON.
    """
    tables = {}
    for part in delivery.parts.values():
        progress(part.table.name)
        try:
            tables[part.table.name] = _profile(duck, delivery.folder, part, work)
        except duckdb.Error as error:
            raise unreadable(delivery.folder, part.path) from error
    return tables


def take_unknown(delivery: Delivery, work: Path, duck: Duck) -> dict[str, Any]:
    """Of each file or folder that the contract does not know, by its name: table, files, rows and inventory; empty where it is no table."""
    return {name: _unknown(duck, part, work) if part else {} for name, part in delivery.unknown.items()}


def _unknown(duck: Duck, part: DeliveredPart, work: Path) -> dict[str, Any]:
    try:
        files = [_text_of(duck, part, work)] if part.format == "csv" else list(part.files)
        source = _parquet(files)
        rows = duck.backend.con.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
        return {"table": part.table.name, "files": [str(f) for f in files], "rows": rows, "inventory": inventory.taken(duck, source)}
    except duckdb.Error:
        return {}


def _text_of(duck: Duck, part: DeliveredPart, work: Path) -> Path:
    """A CSV file as Parquet, every column as text."""
    target = work / f"unknown-{len(list(work.glob('unknown-*.parquet')))}.parquet"
    duck.backend.con.execute(f"COPY (SELECT * FROM {_csv(part)}) TO {literal(target)} (FORMAT parquet)")
    return target


def load_or_take_unknown(delivery: Delivery, work: Path, duck: Duck | None = None) -> dict[str, Any]:
    """What is kept under `work` of what the contract does not know, or a new one."""
    return _kept(work / UNKNOWN_FILE, lambda: take_unknown(delivery, work, duck or Duck()) if delivery.unknown else {})


def load_or_take(delivery: Delivery, work: Path, duck: Duck | None = None) -> dict[str, Any]:
    """The profile kept under `work`, or a new one; without a connection it is taken by one of its own."""
    return _kept(work / FILE, lambda: take(delivery, work, duck or Duck()))


def _kept(file: Path, take: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file keeps, or what is taken now and kept there."""
    if file.exists():
        return cast(dict[str, Any], json.loads(file.read_text("utf-8")))
    profile = take()
    file.write_text(json.dumps(profile), "utf-8")
    return profile


def _profile(duck: Duck, folder: Path, part: DeliveredPart, work: Path) -> dict[str, Any]:
    hashed, size = part_digest(part)
    failed: dict[str, int] = {}
    files, types = list(part.files), part.types
    names = set(types)
    if part.format == "csv":
        converted, failed, names = _from_csv(duck, part, work)
        files, types = [converted], {f.name: f.type for f in pq.read_schema(converted)}
    source = _parquet(files)
    columns = {c.name: _status(duck, source, c, types, failed) for c in part.table.columns}
    usable = [c for c in part.table.columns if columns[c.name]["status"] == OK]
    totals = _totals(duck, source, _facts(part, usable))
    for column in part.table.columns:
        columns[column.name] |= _broken(column, columns[column.name]["status"], totals)
    return {
        "files": [str(f) for f in files],
        "bytes": size,
        "hash": hashed,
        "rows": totals["rows"],
        "distinct_users": totals["users"],
        "min_ts": iso(totals["min_ts"]),
        "max_ts": iso(totals["max_ts"]),
        "first_created": iso(totals["first_created"]),
        "control_sum": None if totals["sum"] is None else format(totals["sum"].normalize(), "f"),
        "columns": columns,
        "others": sorted(names - set(columns)),
        "inventory": inventory.taken(duck, source),
    }


def _parquet(files: list[Path]) -> str:
    sources = ", ".join(literal(f) for f in files)
    return f"read_parquet([{sources}], union_by_name = true, hive_partitioning = false)"


def _totals(duck: Duck, source: str, facts: dict[str, str]) -> dict[str, Any]:
    """What each fact's SQL yields over the source, in one query."""
    selected = ", ".join(f"{select} AS {name(key)}" for key, select in facts.items())
    row = duck.backend.con.execute(f"SELECT {selected} FROM {source}").fetchall()[0]
    return dict(zip(facts, row, strict=True))


def _broken(column: Column, status: str, totals: dict[str, Any]) -> dict[str, int]:
    """How many values of a column are null where none may be, and how many are not of its enum."""
    nulls = totals.get(f"{column.name} nulls", 0)
    if status == EMPTY:
        nulls = totals["rows"] if column.required else 0
    return {"nulls": nulls, "unknown": totals.get(f"{column.name} unknown", 0)}


def _status(duck: Duck, source: str, column: Column, types: dict[str, pa.DataType | None], failed: dict[str, int]) -> dict[str, Any]:
    if column.name not in types:
        return {"status": MISSING}
    stored = types[column.name]
    if failed.get(column.name):
        return {"status": WRONG_VALUES if _some(duck, source, f"{name(column.name)} IS NOT NULL") else WRONG}
    status = OK if fits(column.kind, stored) else WRONG
    if status == OK and stored is not None and pa.types.is_floating(stored) and _some(duck, source, f"NOT isfinite({name(column.name)})"):
        status = WRONG_VALUES
    if status == WRONG and stored is not None:
        # a writer that was handed nothing but nulls may have written them in any type
        counted = duck.backend.con.execute(f"SELECT count({name(column.name)}) FROM {source}").fetchall()[0]
        status = WRONG if counted[0] else EMPTY
    return {"status": status, "stored": str(stored)}


def _some(duck: Duck, source: str, condition: str) -> bool:
    """Whether the condition holds in some row."""
    return bool(duck.backend.con.execute(f"SELECT coalesce(bool_or({condition}), false) FROM {source}").fetchall()[0][0])


def _facts(part: DeliveredPart, usable: list[Column]) -> dict[str, str]:
    """What is counted of a table, by name, each as an SQL expression."""
    names = {c.name for c in usable}
    times = [f"CAST({name(c.name)} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'" for c in usable if c.kind == "timestamp"]
    facts = {
        "rows": "count(*)",
        "users": "count(DISTINCT user_id) FILTER (user_id <> '')" if "user_id" in names else "NULL",
        "min_ts": f"least({', '.join(f'min({t})' for t in times)})" if times else "NULL",
        "max_ts": f"greatest({', '.join(f'max({t})' for t in times)})" if times else "NULL",
        "first_created": f"min(CAST({name('created_at')} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')" if "created_at" in names else "NULL",
        "sum": "sum(CAST(amount AS DECIMAL(38, 6)))" if part.table.name == "transactions" and "amount" in names else "NULL",
    }
    for c in usable:
        if c.required:
            facts[f"{c.name} nulls"] = f"count(*) FILTER ({name(c.name)} IS NULL)"
        if c.values:
            values = ", ".join(literal(v) for v in ("", *c.values))
            facts[f"{c.name} unknown"] = f"count(*) FILTER ({name(c.name)} NOT IN ({values}))"
    return facts


def _from_csv(duck: Duck, part: DeliveredPart, work: Path) -> tuple[Path, dict[str, int], set[str]]:
    """A CSV file as Parquet in the contract's types; per column, how many values could not be read as its type; and the file's columns.

    An unquoted empty field is null, a quoted one an empty string.
    """
    target = work / f"{part.table.name}.parquet"
    con = duck.backend.con
    con.execute(f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT * FROM {_csv(part)}")
    there = {row[0] for row in con.execute("DESCRIBE delivered").fetchall()}
    parsed = {c.name: _parse(c) for c in part.table.columns if c.name in there}
    if not parsed:
        raise duckdb.InvalidInputException("no column of the contract")
    failures = [f"count({name(c)}) - count({expr})" for c, expr in parsed.items()]
    failed = dict(zip(parsed, con.execute(f"SELECT {', '.join(failures)} FROM delivered").fetchall()[0], strict=True))
    others = {c: name(c) for c in sorted(there - {c.name for c in part.table.columns})}
    selected = ", ".join(f"{expr} AS {name(c)}" for c, expr in (parsed | others).items())
    con.execute(f"COPY (SELECT {selected} FROM delivered) TO {literal(target)} (FORMAT parquet)")
    con.execute("DROP TABLE delivered")
    return target, failed, there


def _csv(part: DeliveredPart) -> str:
    return (
        f"read_csv({literal(part.path)}, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"', "
        "nullstr = '', allow_quoted_nulls = false, strict_mode = true)"
    )


def _parse(column: Column) -> str:
    """The SQL that reads a column of text as the contract's type; null where a value can't be read."""
    text = name(column.name)
    match column.kind:
        case "string":
            return text
        case "timestamp":
            return f"CASE WHEN regexp_matches({text}, '{_ZONED}') THEN try_cast({text} AS TIMESTAMPTZ) END"
        case "array":
            return f"try_cast(try_cast({text} AS JSON) AS VARCHAR[])"
        case "number":
            return f"try_cast({text} AS DECIMAL(18, 2))"
        case "integer":
            return f"try_cast({text} AS BIGINT)"
        case kind:
            return f"try_cast({text} AS {kind})"


def iso(moment: dt.datetime | None) -> str | None:
    """A naive UTC instant as text with its zone."""
    return None if moment is None else moment.isoformat() + "Z"
