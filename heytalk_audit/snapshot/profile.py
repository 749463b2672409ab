"""What a delivery holds, counted from its files: totals, and whether each column keeps the contract. The only values that come out of it
are totals and instants."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.contract import Column
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.errors import Faults, InputError
from heytalk_audit.snapshot import csv_tables, inventory, wide_instants
from heytalk_audit.snapshot.delivery import DeliveredPart, Delivery, part_digest
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.folders import folded
from heytalk_audit.snapshot.quoting import literal, name
from heytalk_audit.snapshot.stored_types import fits, unreadable
from heytalk_audit.snapshot.unchanged import identities
from heytalk_audit.snapshot.values import UNREADABLE, may_be_wrong, readable

#: The files of a working folder that keep the profile, and that of what the contract does not know.
FILE, UNKNOWN_FILE = "profile.json", "unknown.json"
#: The status of a column by the contract: only columns that are `ok`, `all null` or have `wrong values` are opened for rules. Of the last
#: some values can't be read as their type, and others can.
OK, EMPTY, MISSING, WRONG, WRONG_VALUES = "ok", "all null", "missing", "wrong type", "wrong values"


def take(delivery: Delivery, work: Path, duck: Duck, progress: Callable[[str], None] = lambda table: None) -> dict[str, Any]:
    """Profile every table of a delivery; CSV files are turned into Parquet under `work` first. Raises InputError, which names all that
    can't be read, once all were tried.

    Returns, per table: files (Parquet), identities of the files delivered, bytes, hash, rows, distinct_users, min_ts, max_ts, control_sum,
    first_created; columns with their status, nulls where none may be, values that are not of the enum or `unreadable` as their type, and
    whether these are `marked` in the files; others, the names of columns that the contract does not have; the inventory of every column,
    see `inventory.taken`; and int96, the columns that old writers stored so. It can be written as JSON.
    """
    tables, faults = {}, Faults()
    for part in delivery.parts.values():
        progress(part.table.name)
        with faults.gathered():
            tables[part.table.name] = _profile(duck, delivery.folder, part, work)
    faults.refuse()
    return tables


def take_unknown(delivery: Delivery, work: Path, duck: Duck) -> dict[str, Any]:
    """Of each file or folder that the contract does not know, by its name: table, files, rows and inventory; empty where it is no table."""
    return {name: _unknown(duck, part, delivery.folder, work) if part else {} for name, part in delivery.unknown.items()}


def _unknown(duck: Duck, part: DeliveredPart, folder: Path, work: Path) -> dict[str, Any]:
    seen = identities(part.files)
    try:
        files = [_text_of(duck, part, folder, work)] if part.format == "csv" else list(part.files)
        source = _parquet(files)
        rows = duck.backend.con.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
        held = inventory.taken(duck, source)
    except (duckdb.Error, InputError) as error:
        refuse_failure(error)
        return {}
    return {"table": part.table.name, "files": [str(f) for f in files], "identities": seen, "rows": rows, "inventory": held}


def _text_of(duck: Duck, part: DeliveredPart, folder: Path, work: Path) -> Path:
    """A CSV file as Parquet, every column as text."""
    target = work / f"unknown-{len(list(work.glob('unknown-*.parquet')))}.parquet"
    with csv_tables.opened(part, folder, work) as form:
        duck.backend.con.execute(f"COPY (SELECT * FROM {form.source}) TO {literal(target)} (FORMAT parquet)")
        csv_tables.refuse_surplus(duck, form)
    return target


def load_or_take_unknown(delivery: Delivery, work: Path, duck: Duck | None = None) -> dict[str, Any]:
    """What is kept under `work` of what the contract does not know, or a new one."""
    return _kept(work / UNKNOWN_FILE, lambda: _taken(take_unknown, delivery, work, duck) if delivery.unknown else {})


def load_or_take(delivery: Delivery, work: Path, duck: Duck | None = None) -> dict[str, Any]:
    """The profile kept under `work`, or a new one; without a connection it is taken by one of its own."""
    return _kept(work / FILE, lambda: _taken(take, delivery, work, duck))


def _taken(take: Callable[[Delivery, Path, Duck], dict[str, Any]], delivery: Delivery, work: Path, duck: Duck | None) -> dict[str, Any]:
    if duck is not None:
        return take(delivery, work, duck)
    with contextlib.closing(Duck(folders=[delivery.folder, work])) as own:
        return take(delivery, work, own)


def _kept(file: Path, take: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file keeps, or what is taken now and kept there."""
    if file.exists():
        return cast(dict[str, Any], json.loads(file.read_text("utf-8")))
    profile = take()
    file.write_text(json.dumps(profile), "utf-8")
    return profile


def _profile(duck: Duck, folder: Path, part: DeliveredPart, work: Path) -> dict[str, Any]:
    seen = identities(part.files)
    hashed, size = part_digest(part, {Path(file): one[-1] for file, one in seen.items()})
    counted = _of_csv(duck, folder, part, work) if part.format == "csv" else _of_parquet(duck, folder, part, work)
    return {"identities": seen, "bytes": size, "hash": hashed, "int96": sorted(part.int96)} | counted


def _of_csv(duck: Duck, folder: Path, part: DeliveredPart, work: Path) -> dict[str, Any]:
    converted = csv_tables.convert(duck, part, folder, work)
    types = {f.name: f.type for f in pq.read_schema(converted.file) if not f.name.startswith(UNREADABLE)}
    return _counted(duck, part, [converted.file], types, converted.unreadable)


def _of_parquet(duck: Duck, folder: Path, part: DeliveredPart, work: Path) -> dict[str, Any]:
    beside = work / f"{part.table.name}.within"
    try:
        if not wide_instants.state_wider(part.files):
            with contextlib.suppress(duckdb.ConversionException):
                return _counted(duck, part, list(part.files), part.types)
        # instants that are too far off for an engine's own type
        return _counted(duck, part, wide_instants.within_microseconds(part.files, beside), part.types)
    except (duckdb.Error, pa.ArrowException) as error:
        refuse_failure(error)
        raise unreadable(folder, part.path) from error


def _counted(
    duck: Duck, part: DeliveredPart, files: list[Path], types: dict[str, pa.DataType | None], marked: dict[str, int] | None = None
) -> dict[str, Any]:
    """What is counted of a table in Parquet files; `marked` are how many values of columns a CSV file's conversion could not read."""
    source = _parquet(files)
    columns = {c.name: _status(duck, source, c, types, marked or {}) for c in part.table.columns}
    usable = [c for c in part.table.columns if columns[c.name]["status"] in (OK, WRONG_VALUES)]
    totals = _totals(duck, source, _facts(part, usable, types))
    for column in part.table.columns:
        columns[column.name] |= _broken(column, columns[column.name], totals)
    held = inventory.taken(duck, source)
    by_contract = {folded(c.name): c.name for c in part.table.columns}
    held = {by_contract.get(folded(c), c): state for c, state in held.items() if not (marked and c.startswith(UNREADABLE))}
    return {
        "files": [str(f) for f in files],
        "rows": totals["rows"],
        "distinct_users": totals["users"],
        "min_ts": iso(totals["min_ts"]),
        "max_ts": iso(totals["max_ts"]),
        "first_created": iso(totals["first_created"]),
        "control_sum": None if totals["sum"] is None else format(totals["sum"].normalize(), "f"),
        "columns": columns,
        "others": sorted(held.keys() - columns.keys()),
        "inventory": held,
    }


def _parquet(files: list[Path]) -> str:
    sources = ", ".join(literal(f) for f in files)
    return f"read_parquet([{sources}], union_by_name = true, hive_partitioning = false)"


def _totals(duck: Duck, source: str, facts: dict[str, str]) -> dict[str, Any]:
    """What each fact's SQL yields over the source, in one query."""
    selected = ", ".join(f"{select} AS {name(key)}" for key, select in facts.items())
    row = duck.backend.con.execute(f"SELECT {selected} FROM {source}").fetchall()[0]
    return dict(zip(facts, row, strict=True))


def _broken(column: Column, state: dict[str, Any], totals: dict[str, Any]) -> dict[str, Any]:
    """How many values of a column are null where none may be, not of its enum, or not of its type; and what this makes of its status."""
    nulls = totals.get(f"{column.name} nulls", 0)
    if state["status"] == EMPTY:
        nulls = totals["rows"] if column.required else 0
    marked = state["status"] == WRONG_VALUES
    wrong = state.get("unreadable", 0) if marked else totals.get(f"{column.name} unreadable", 0)
    counted = {"nulls": nulls - wrong * marked * column.required, "unknown": totals.get(f"{column.name} unknown", 0)}
    return counted | ({"unreadable": wrong, "marked": marked, "status": WRONG_VALUES} if wrong else {})


def _status(duck: Duck, source: str, column: Column, types: dict[str, pa.DataType | None], marked: dict[str, int]) -> dict[str, Any]:
    if column.name not in types:
        return {"status": MISSING}
    stored = types[column.name]
    status = OK if fits(column.kind, stored) else WRONG
    if column.name in marked:
        return {"status": WRONG_VALUES, "unreadable": marked[column.name]} if status == OK else {"status": WRONG}
    if status == WRONG and stored is not None:
        # a writer that was handed nothing but nulls may have written them in any type
        counted = duck.backend.con.execute(f"SELECT count({name(column.name)}) FROM {source}").fetchall()[0]
        status = WRONG if counted[0] else EMPTY
    return {"status": status, "stored": str(stored)}


def _read(column: Column, types: dict[str, pa.DataType | None]) -> str:
    """A column's values as its type, null where they are none."""
    value, stored = name(column.name), types[column.name]
    if column.kind == "timestamp":
        value = f"(CAST({value} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    return readable(column, value) if stored is not None and may_be_wrong(column, stored) else value


def _facts(part: DeliveredPart, usable: list[Column], types: dict[str, pa.DataType | None]) -> dict[str, str]:
    """What is counted of a table, by name, each as an SQL expression."""
    read = {c.name: _read(c, types) for c in usable}
    times = [read[c.name] for c in usable if c.kind == "timestamp"]
    amount = part.table.name == "transactions" and "amount" in read
    facts = {
        "rows": "count(*)",
        "users": "count(DISTINCT user_id) FILTER (user_id <> '')" if "user_id" in read else "NULL",
        "min_ts": f"least({', '.join(f'min({t})' for t in times)})" if times else "NULL",
        "max_ts": f"greatest({', '.join(f'max({t})' for t in times)})" if times else "NULL",
        "first_created": f"min({read['created_at']})" if "created_at" in read else "NULL",
        "sum": f"sum(TRY_CAST(amount AS DECIMAL(38, 6))) FILTER ({read['amount']} IS NOT NULL)" if amount else "NULL",
    }
    for c in usable:
        if read[c.name] != name(c.name):
            facts[f"{c.name} unreadable"] = f"count({name(c.name)}) - count({read[c.name]})"
        if c.required:
            facts[f"{c.name} nulls"] = f"count(*) FILTER ({name(c.name)} IS NULL)"
        if c.values:
            values = ", ".join(literal(v) for v in ("", *c.values))
            facts[f"{c.name} unknown"] = f"count(*) FILTER ({name(c.name)} NOT IN ({values}))"
    return facts


def iso(moment: dt.datetime | None) -> str | None:
    """A naive UTC instant as text with its zone."""
    return None if moment is None else moment.isoformat() + "Z"
