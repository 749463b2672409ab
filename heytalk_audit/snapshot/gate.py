"""The evidence tables: what the delivery states of itself beside what was counted. The rules of the evidence chapter read them.

`delivered_tables` (one row per delivered table), `delivered_columns` (one per column that the contract has of these), `column_inventory`
(one per delivered column, also of those that the contract does not have), `delivery` (one row), `policy_clauses` (one per clause, where
the published text is at hand) and `calendar` (the days before the audit).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from heytalk_audit import contract
from heytalk_audit.errors import InputError
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.policy import Policy
from heytalk_audit.snapshot.delivery import Delivery, instant
from heytalk_audit.snapshot.profile import MISSING, WRONG

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
) -> dict[str, pa.Table]:
    """The evidence tables by name; `policy_clauses` is absent when there is no text to compare (`drift` is null).

    `previous` are the columns that were delivered to an earlier audit, by table.
    """
    tables = {
        "delivered_tables": _tables(delivery, profile),
        "delivered_columns": _columns(profile),
        "column_inventory": _inventory(profile, previous),
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
    columns |= {"window_start": _TS, "window_end": _TS, "filtered": _BOOL} | {f: _BOOL for f in flags}
    return _table(columns, [_compare(delivery, name, counted) for name, counted in profile.items()])


def _compare(delivery: Delivery, name: str, counted: dict[str, Any]) -> dict[str, Any]:
    """The row of one table: what was counted, what the descriptor states of it, and where the two differ."""
    stated, source = delivery.resource(name), delivery.source_totals(name)
    wrong = {f"{t}_differs": t in stated and differs(t, stated[t], counted[t]) for t in TOTALS}
    return {
        "table_name": name,
        "rows": counted["rows"],
        "min_ts": moment(counted["min_ts"]),
        "max_ts": moment(counted["max_ts"]),
        "window_start": moment(stated.get("window_start")),
        "window_end": moment(stated.get("window_end")),
        "filtered": bool(str(stated.get("filter") or "").strip()),
        "described": bool(stated),
        "digest_differs": any(k in stated and stated[k] != counted[k] for k in ("hash", "bytes")),
        "source_given": "rows" in source,
        "source_differs": any(t in source and differs(t, source[t], counted[t]) for t in TOTALS),
    } | wrong


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


def _columns(profile: dict[str, Any]) -> pa.Table:
    """One row per column of the contract's, and how it breaks the contract; a column that may be absent, and is, has none."""
    flags = ["missing", "optional_missing", "wrong_type", "null_not_allowed", "unknown_value"]
    columns = {"column_name": _STR, "table_name": _STR} | {f: _BOOL for f in flags}
    rows = []
    for name, counted in profile.items():
        for column in contract.load()[name].columns:
            state = counted["columns"][column.name]
            absent = state["status"] == MISSING
            if absent and column.may_be_absent:
                continue
            flagged = [absent and column.required, absent, state["status"] == WRONG, state["nulls"] > 0, state["unknown"] > 0]
            rows.append({"column_name": f"{name}.{column.name}", "table_name": name} | dict(zip(flags, flagged, strict=True)))
    return _table(columns, rows)


def columns_of(profile: dict[str, Any]) -> dict[str, list[str]]:
    """The columns that were delivered of each table, also those that the contract does not have."""
    return {
        table: [*(c for c, state in counted["columns"].items() if state["status"] != MISSING), *counted["others"]]
        for table, counted in profile.items()
    }


def _inventory(profile: dict[str, Any], previous: dict[str, list[str]] | None) -> pa.Table:
    rows = []
    for table, delivered in columns_of(profile).items():
        for name in delivered:
            is_new = previous is not None and name not in previous.get(table, [])
            rows.append({"column_name": f"{table}.{name}", "table_name": table, "name": name, "is_new": is_new})
    return _table({"column_name": _STR, "table_name": _STR, "name": _STR, "is_new": _BOOL}, rows)


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


#: Tables in which a person's state rests on every event, however old: what they said, bought, permitted, asked, or are held for.
STATES = ("consents", "subscriptions", "permission_events", "retention_exceptions", "purge_log", "rights_requests")
#: Tables that grow with time, of which a delivery may hold the youngest part.
LOGS = (
    "outbound_messages",
    "content_items",
    "profile_attributes",
    "traffic_events",
    "support_tickets",
    "disclosures",
    "transactions",
    "promotion_entries",
    "staff_access_log",
)


def coverage(delivery: Delivery, table: str, look_back: dt.datetime, first_account: dt.datetime | None) -> str | None:
    """Why a table, as its descriptor states it, leaves out rows that a rule must see; null where it leaves out none.

    `look_back` is how far back the rule looks into a log; into a table of states it looks back to the first account.
    """
    stated = delivery.resource(table)
    start, end = moment(stated.get("window_start")), moment(stated.get("window_end"))
    if str(stated.get("filter") or "").strip():
        return f"{table} is filtered"
    if end is not None and end < delivery.as_of:
        return f"{table} ends before the audit's instant"
    if stated.get("complete") is True or table not in (*STATES, *LOGS):
        return None
    if start is None:
        return f"{table} states neither that it is complete nor where it begins"
    if table in LOGS:
        return f"{table} begins after the rule's look-back" if start > look_back else None
    return f"{table} begins after the first account" if first_account is not None and start > first_account else None


def failures(tables: pa.Table) -> dict[str, str]:
    """Tables whose totals are not those that were stated, and why, from the evidence table `delivered_tables`."""
    differing = [name for name in tables.column_names if name.endswith("differs")]
    failed = {row["table_name"]: [f"DQ-01 {name.replace('_', ' ')}" for name in differing if row[name]] for row in tables.to_pylist()}
    return {table: "; ".join(sorted(set(why))) for table, why in failed.items() if why}
