"""The evidence tables: what the delivery states of itself beside what was counted. The rules of the evidence chapter read them.

`delivered_tables` (one row per delivered table), `delivered_columns` (one per column that the contract has of these), `column_inventory`
(one per delivered column, also of those that the contract does not have), `delivery` (one row), `policy_clauses` (one per clause, where
the published text is at hand) and `calendar` (the days before the audit).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from heytalk_audit import contract
from heytalk_audit.errors import InputError
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.policy import Policy
from heytalk_audit.snapshot.delivery import Delivery, instant
from heytalk_audit.snapshot.own_names import plain_name
from heytalk_audit.snapshot.profile import MISSING, WRONG, WRONG_VALUES

#: Key column of each evidence table.
KEYS = {
    "delivered_tables": "table_name",
    "delivered_columns": "column_name",
    "column_inventory": "column_name",
    "delivery": "snapshot_id",
    "policy_clauses": "clause_id",
    "calendar": "day",
    "detections": "record",
    "column_contents": "column_name",
}
TOTALS = ("rows", "distinct_users", "min_ts", "max_ts", "control_sum")
_TS, _STR, _BOOL, _INT = pa.timestamp("us"), pa.string(), pa.bool_(), pa.int64()


def evidence(
    delivery: Delivery,
    profile: dict[str, Any],
    policy: Policy,
    clock: Clock,
    drift: list[dict[str, str]] | None,
    previous: dict[str, list[str]] | None = None,
    unknown: Mapping[str, Any] | None = None,
) -> dict[str, pa.Table]:
    """The evidence tables by name; `policy_clauses` is absent when there is no text to compare (`drift` is null).

    `previous` are the columns that were delivered to an earlier audit, by table; `unknown` is what the contract does not know, by file.
    """
    tables = {
        "delivered_tables": _tables(delivery, profile),
        "delivered_columns": _columns(profile, unknown or {}),
        "column_inventory": _inventory(profile, unknown or {}, previous),
        "delivery": _delivery(delivery),
        "calendar": _calendar(clock, policy.periods["traffic_calendar"].value),
    }
    if drift is not None:
        statuses = {"clause_id": _STR, "status": _STR}
        tables["policy_clauses"] = _table(statuses, [{k: d[k] for k in statuses} for d in drift])
    return tables


def _table(columns: dict[str, pa.DataType], rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))


def _tables(delivery: Delivery, profile: dict[str, Any]) -> pa.Table:
    flags = ["described", "digest_differs", "source_given", "source_differs", *(f"{t}_differs" for t in TOTALS)]
    columns = {"table_name": _STR, "rows": _INT, "min_ts": _TS, "max_ts": _TS}
    columns |= {"window_start": _TS, "window_end": _TS, "filtered": _BOOL, "complete": _BOOL, "cut": _BOOL} | {f: _BOOL for f in flags}
    created = first_created(profile)
    return _table(columns, [_compare(delivery, name, counted, created) for name, counted in profile.items()])


def first_created(profile: Mapping[str, Any]) -> dt.datetime | None:
    """When the first account was made, null where none tells."""
    return moment(profile.get("users", {}).get("first_created"))


def _compare(delivery: Delivery, name: str, counted: dict[str, Any], created: dt.datetime | None) -> dict[str, Any]:
    """The row of one table: what was counted, what the descriptor states of it, and where the two differ."""
    stated, source = delivery.resource(name), delivery.source_totals(name)
    wrong = {f"{t}_differs": t in stated and _total_differs(name, t, stated[t], counted[t]) for t in TOTALS}
    return {
        "table_name": name,
        "rows": counted["rows"],
        "min_ts": moment(counted["min_ts"]),
        "max_ts": moment(counted["max_ts"]),
        "window_start": moment(stated.get("window_start")),
        "window_end": moment(stated.get("window_end")),
        "filtered": is_filtered(stated),
        "complete": stated.get("complete") is True,
        "cut": contract.load()[name].kept_as == "state" and not _reaches_all(stated, created),
        "described": bool(stated),
        "digest_differs": any(k in stated and stated[k] != counted[k] for k in ("hash", "bytes")),
        "source_given": "rows" in source,
        "source_differs": any(t in source and _total_differs(name, t, source[t], counted[t]) for t in TOTALS),
    } | wrong


def is_filtered(stated: Mapping[str, Any]) -> bool:
    """Whether the descriptor's entry of a table names a filter."""
    return bool(str(stated.get("filter") or "").strip())


def _reaches_all(stated: Mapping[str, Any], created: dt.datetime | None) -> bool:
    """Whether a table is said to hold every row there ever was: it says so, or its window begins before the first account."""
    start = moment(stated.get("window_start"))
    return stated.get("complete") is True or (start is not None and created is not None and start <= created)


def _total_differs(table: str, total: str, stated: Any, counted: Any) -> bool:
    """As `differs`; a table without a column of people has none, which a count of 0 says as well."""
    no_people = total == "distinct_users" and "user_id" not in contract.load()[table]
    return not (no_people and counted is None and stated == 0 and not isinstance(stated, bool)) and differs(total, stated, counted)


def differs(total: str, stated: Any, counted: Any) -> bool:
    """Whether a stated total contradicts the counted one. Instants are compared as instants, sums as numbers, counts exactly."""
    if total in ("min_ts", "max_ts"):
        return moment(stated) != moment(counted) or (stated is None) != (counted is None)
    if total == "control_sum":
        return decimal_of(stated) != decimal_of(counted)
    return bool(stated != counted) or isinstance(stated, bool)


def decimal_of(value: Any) -> Decimal | None:
    """A number from a number or its text; what is neither becomes NaN, which equals nothing."""
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")


def moment(value: Any) -> dt.datetime | None:
    """An instant from its text; null where there is none, or where it can't be read."""
    try:
        return instant(value, "")
    except InputError:
        return None


def _columns(profile: dict[str, Any], unknown: Mapping[str, Any]) -> pa.Table:
    """One row per column of the contract's, and how it breaks the contract; a column that may be absent, and is, has none.

    And one per file that the contract does not know.
    """
    flags = ["missing", "optional_missing", "wrong_type", "wrong_value", "null_not_allowed", "unknown_value", "null_word", "unknown_file"]
    columns = {"column_name": _STR, "table_name": _STR} | {f: _BOOL for f in flags}
    rows = []
    for name, counted in profile.items():
        for column in contract.load()[name].columns:
            state = counted["columns"][column.name]
            absent = state["status"] == MISSING
            if absent and column.may_be_absent:
                continue
            wrong = [state["status"] == WRONG, state["status"] == WRONG_VALUES, state["nulls"] > 0, state["unknown"] > 0]
            words = counted["inventory"].get(column.name, {}).get("null_words", 0)
            flagged = [absent and column.required, absent, *wrong, words > 0, False]
            rows.append({"column_name": f"{name}.{column.name}", "table_name": name} | dict(zip(flags, flagged, strict=True)))
    files = [{"column_name": name, "table_name": name} | {flag: flag == "unknown_file" for flag in flags} for name in unknown]
    return _table(columns, rows + files)


def columns_of(profile: Mapping[str, Any], unknown: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns that were delivered of each table, also those that the contract does not have, and of tables that it does not have."""
    of_contract = {
        table: [*(c for c, state in counted["columns"].items() if state["status"] != MISSING), *counted["others"]]
        for table, counted in profile.items()
    }
    return of_contract | {read["table"]: list(read["inventory"]) for read in unknown.values() if read}


def _inventory(profile: dict[str, Any], unknown: Mapping[str, Any], previous: dict[str, list[str]] | None) -> pa.Table:
    inventories = {table: counted["inventory"] for table, counted in profile.items()}
    inventories |= {read["table"]: read["inventory"] for read in unknown.values() if read}
    before = {f"{table}.{name}" for table, names in (previous or {}).items() for name in names}
    rows = []
    for table, delivered in columns_of(profile, unknown).items():
        for name in delivered:
            held = inventories[table][name]
            is_new = previous is not None and plain_name(f"{table}.{name}") not in before
            row = {"column_name": f"{table}.{name}", "table_name": table, "name": name, "is_new": is_new}
            rows.append(row | {"kind": held["kind"], "filled": held["values"] > 0, "long": held["long"]})
    columns = {"column_name": _STR, "table_name": _STR, "name": _STR, "is_new": _BOOL}
    return _table(columns | {"kind": _STR, "filled": _BOOL, "long": _BOOL}, rows)


def _delivery(delivery: Delivery) -> pa.Table:
    descriptor = delivery.descriptor
    row = {
        "snapshot_id": str(descriptor.get("snapshot_id") or ""),
        "as_of": delivery.as_of,
        "extracted_at": moment(descriptor.get("extracted_at")),
    }
    return _table({"snapshot_id": _STR, "as_of": _TS, "extracted_at": _TS}, [row])


def _calendar(clock: Clock, days: int) -> pa.Table:
    dates = [clock.today - dt.timedelta(days=n) for n in range(days, 0, -1)]
    return _table({"day": pa.date32(), "month": _STR}, [{"day": d, "month": f"{d:%Y-%m}"} for d in dates])


def coverage(delivery: Delivery, table: str, reaches_back_to: dt.datetime | None, created: dt.datetime | None = None) -> str | None:
    """Why the descriptor's window or filter of a table leaves out rows that a rule must see; null where it leaves out none.

    Of a table that is kept as a state the rule must see every row since the first account was `created`; of a log those of its look-back;
    of any other those of the audit's instant.
    """
    stated, kept_as = delivery.resource(table), contract.load()[table].kept_as if table in contract.load() else ""
    start, end, complete = moment(stated.get("window_start")), moment(stated.get("window_end")), stated.get("complete") is True
    if is_filtered(stated):
        return f"{table} is filtered"
    if end is not None and end < delivery.as_of:
        return f"{table} ends before the audit's instant"
    if kept_as == "state" and not _reaches_all(stated, created):
        return f"{table} is not said to be complete"
    if kept_as == "log" and not complete and start is None:
        return f"{table} does not say when it begins"
    if kept_as == "log" and not complete and start is not None and reaches_back_to is not None and start > reaches_back_to:
        return f"{table} begins after the rule's look-back"
    return None


def failures(tables: pa.Table) -> dict[str, str]:
    """Tables whose totals are not those that were stated, and why, from the evidence table `delivered_tables`."""
    differing = [name for name in tables.column_names if name.endswith("differs")]
    failed = {row["table_name"]: [f"DQ-01 {name.replace('_', ' ')}" for name in differing if row[name]] for row in tables.to_pylist()}
    return {table: "; ".join(sorted(set(why))) for table, why in failed.items() if why}
