"""The best hand-written DuckDB SQL for rules of every shape, in `by_hand/`: an independent reading of what each rule says.

Each gives the rows that do not pass: record, subject, outcome, reason, then its due day and what findings are broken down by, where the
rule has them. A last comment counts the population. They read the audit's own views, on its own connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.expressions.calendar import add_months, last_start_overdue
from heytalk_audit.policy.declared import Codes

FOLDER = Path(__file__).parent / "by_hand"
RULES = tuple(sorted(path.stem for path in FOLDER.glob("*-*.sql")))
#: Tables of people that must name somebody in each row.
NAMED = (
    *("subscriptions", "consents", "profile_attributes", "outbound_messages", "retention_exceptions", "content_items", "devices"),
    *("transactions", "promotion_entries", "social_accounts"),
)


@dataclass(frozen=True)
class ByHand:
    """A rule by hand: the rows that do not pass, and the population's size, each as SQL."""

    rows: str
    population: str


def by_hand(rule: str, audit: Audit) -> ByHand:
    """The hand-written SQL of a rule, with the audit's numbers in it."""
    text = Template((FOLDER / f"{rule}.sql").read_text("utf-8")).substitute(numbers(audit) | _lists(audit) | _tables(audit))
    rows, _, population = text.partition("-- population:")
    return ByHand(rows, population)


def prepare(audit: Audit) -> None:
    """Make the macros that the hand-written queries share."""
    text = Template((FOLDER / "macros.sql").read_text("utf-8")).substitute(numbers(audit))
    connection(audit).execute(text)


def connection(audit: Audit) -> Any:
    """The audit's own DuckDB connection: both ways run on it, with the same settings."""
    return audit.snapshot.engine.backend.con


def counted(audit: Audit, table: str) -> Counter[str]:
    """How many rows of a table with outcomes have each."""
    return Counter(dict(connection(audit).execute(f"SELECT outcome, count(*) FROM {table} GROUP BY ALL").fetchall()))


def numbers(audit: Audit) -> dict[str, str]:
    today, periods = audit.clock.today, audit.policy.periods
    days = {
        "today": today,
        "period_start": add_months(today, -3),
        "inactive_limit": last_start_overdue(today, periods["inactivity"].value),
        "traffic_limit": last_start_overdue(today, periods["traffic"].value),
        "review_limit": last_start_overdue(today, audit.policy.settings["hold_review_months"].value),
    }
    return {"as_of": f"TIMESTAMP '{audit.snapshot.as_of}'"} | {name: f"DATE '{day}'" for name, day in days.items()}


def _lists(audit: Audit) -> dict[str, str]:
    declared = audit.policy.declared
    vendors = Codes(None, {v.code: v.aliases for v in declared.vendors.values()}).by_key()
    return {
        "microphone": ", ".join(f"'{key}'" for key in declared["permissions"].by_key()["microphone"]),
        "vendor_keys": ", ".join(f"('{code}', '{key}')" for code, keys in vendors.items() for key in keys),
        "refusal_reasons": str(list(declared["refusal_reasons"].keys())),
    }


def _tables(audit: Audit) -> dict[str, str]:
    """What a person would write once for each table: queries of every table's rows, and sums of their counts."""
    tables = {name: contract.load()[name] for name in contract.load() if name in audit.snapshot.tables}
    named = [tables[name] for name in NAMED if name in tables and "user_id" in tables[name]]
    timed = [table for table in tables.values() if table.of_kind("timestamp")]
    return {
        "rows": "".join(
            f"SELECT '{t.name}' AS table_name, {t.key} AS key, user_id, false AS allowed FROM {t.name} UNION ALL\n    " for t in named
        ),
        "row_counts": "".join(f"(SELECT count(*) FROM {t.name}) + " for t in named),
        "all_keys": _union(tables.values(), _keys),
        "all_counts": " + ".join(f"(SELECT count(*) FROM {name})" for name in tables),
        "all_times": _union(timed, lambda table: _times(table, audit)),
        "timed_counts": " + ".join(f"(SELECT count(*) FROM {t.name})" for t in timed),
    }


def _union(tables: Any, select: Callable[[contract.Table], str]) -> str:
    return "\nUNION ALL\n".join(select(table) for table in tables)


def _person(table: contract.Table) -> str:
    return "user_id" if "user_id" in table else "NULL::VARCHAR AS user_id"


def _keys(table: contract.Table) -> str:
    key = table.key
    twice = f"SELECT {key}, true AS repeated FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
    columns = f"'{table.name}' AS table_name, {key} AS key, {_person(table)}, repeated"
    return f"SELECT {columns} FROM {table.name} LEFT JOIN ({twice}) USING ({key})"


def _times(table: contract.Table, audit: Audit) -> str:
    clocks = table.of_kind("timestamp")
    ours = [c for c in clocks if not table[c].may_lie_ahead]
    pairs = [(c, "created_at") for c in ("updated_at", "deleted_at") if c in clocks and "created_at" in clocks]
    least, greatest = f"least({', '.join(clocks)})", f"greatest({', '.join(clocks)})"
    ahead = f"coalesce(greatest({', '.join(ours)}) > TIMESTAMP '{audit.snapshot.as_of}' + INTERVAL 300 SECOND, false)" if ours else "false"
    order = " OR ".join(f"coalesce({late} + INTERVAL 300 SECOND < {early}, false)" for late, early in pairs) or "false"
    sentinel = f"coalesce({least} < TIMESTAMP '1971-01-01' OR {greatest} >= TIMESTAMP '9000-01-01', false)"
    return (
        f"SELECT '{table.name}:' || {table.key} AS record, {_person(table)}, '{table.name}' AS table_name, "
        f"{sentinel} AS sentinel, {ahead} AS ahead, {order} AS contradiction FROM {table.name}"
    )
