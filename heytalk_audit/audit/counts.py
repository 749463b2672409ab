"""What leaves the engine of a rule's classified rows: their numbers, by everything that a report splits them by, in one query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from heytalk_audit.audit.check import OverTime
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.vocabulary import Outcome

#: Buckets of days past the due day: the first whose limit is not exceeded.
AGEING = ((7, "0-7"), (30, "8-30"), (90, "31-90"), (365, "91-365"), (10**9, ">365"))
#: The numbers of a report that count those concerned: people with a violation or a row for review.
_CONCERNED = f"outcome IN ('{Outcome.VIOLATION}', '{Outcome.REVIEW}') AND subject IS NOT NULL"


@dataclass(frozen=True)
class ReasonRows:
    """The rows of one outcome and reason, and the people whom they are about."""

    outcome: Outcome
    reason: str | None
    rows: int
    people: int


@dataclass(frozen=True)
class RowCounts:
    """The classified rows of a rule, counted.

    `people` by outcome; `by_region` and `by_age` the people concerned; `ageing` violations by bucket of days over; `breakdowns` per name
    the rows by value and outcome; `months` the rows by panel, month and outcome, where the rule is drawn over time; `due` the first and the
    last due day of the violations, as text, null where none has one.
    """

    reasons: tuple[ReasonRows, ...] = ()
    people: dict[str, int] = field(default_factory=dict)
    by_region: dict[str, int] = field(default_factory=dict)
    by_age: dict[str, int] = field(default_factory=dict)
    ageing: dict[str, int] = field(default_factory=dict)
    breakdowns: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)
    months: dict[tuple[str, str, str], int] = field(default_factory=dict)
    due: tuple[str, str] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(line.rows for line in self.reasons)

    def outcome(self, outcome: Outcome) -> int:
        """How many rows have an outcome."""
        return sum(line.rows for line in self.reasons if line.outcome == outcome)


def count(engine: Engine, table: str, breakdowns: Sequence[str], over_time: OverTime | None) -> RowCounts:
    """Count the classified rows in a table of the engine."""
    splits = [*_splits(table), *(_split(f"by_{name}", table, f"by_{name}") for name in breakdowns)]
    if over_time is not None:
        splits.append(_split("month", table, f"by_{over_time.panel}", f"by_{over_time.month}"))
    rows = engine.query("\nUNION ALL ".join(splits)).to_pylist()
    return _counts([tuple(row.values()) for row in rows], breakdowns)


def _splits(table: str) -> Iterator[str]:
    """The splits that every rule has, as SQL: split, outcome, value, month, rows, people. Each reads rows that the engine holds."""
    head = "SELECT 'reason' AS split, outcome, reason AS value, CAST(NULL AS STRING) AS month, count(*) AS n"
    yield f"{head}, count(DISTINCT subject) AS people FROM {table} GROUP BY outcome, reason"
    yield f"SELECT 'people', outcome, NULL, NULL, count(*), count(DISTINCT subject) FROM {table} GROUP BY outcome"
    for column in ("region", "age"):
        concerned = f"SELECT '{column}', NULL, {column}, NULL, count(*), count(DISTINCT subject) FROM {table} WHERE {_CONCERNED}"
        yield f"{concerned} GROUP BY {column}"
    buckets = " ".join(f"WHEN days_over <= {limit} THEN '{label}'" for limit, label in AGEING)
    late = f"outcome = '{Outcome.VIOLATION}' AND due_on IS NOT NULL AND days_over IS NOT NULL"
    days = "CAST(min(due_on) AS STRING), CAST(max(due_on) AS STRING)"
    yield f"SELECT 'due', NULL, {days}, count(*), 0 FROM {table} WHERE outcome = '{Outcome.VIOLATION}' AND due_on IS NOT NULL"
    yield f"SELECT 'ageing', NULL, CASE {buckets} END, NULL, count(*), 0 FROM {table} WHERE {late} GROUP BY 3"


def _split(split: str, table: str, column: str, month: str = "NULL") -> str:
    by = ["outcome", column, *([month] if month != "NULL" else [])]
    return f"SELECT '{split}', outcome, {column}, {month}, count(*), 0 FROM {table} GROUP BY {', '.join(by)}"


def _counts(rows: list[tuple[str, str, str, str, int, int]], breakdowns: Sequence[str]) -> RowCounts:
    of_split: dict[str, list[tuple[str, str, str, int, int]]] = {}
    for split, outcome, value, month, n, people in rows:
        of_split.setdefault(split, []).append((outcome, value, month, n, people))
    ageing = {value: n for _, value, _, n, _ in of_split.get("ageing", ())}
    return RowCounts(
        tuple(ReasonRows(Outcome(outcome), reason, n, people) for outcome, reason, _, n, people in of_split.get("reason", ())),
        {outcome: people for outcome, _, _, _, people in of_split.get("people", ())},
        {value: people for _, value, _, _, people in of_split.get("region", ())},
        {value: people for _, value, _, _, people in of_split.get("age", ())},
        {label: ageing.get(label, 0) for _, label in AGEING} if ageing else {},
        {b: {(value, outcome): n for outcome, value, _, n, _ in of_split.get(f"by_{b}", ())} for b in breakdowns},
        {(panel, month, outcome): n for outcome, panel, month, n, _ in of_split.get("month", ())},
        next(((first, last) for _, first, last, n, _ in of_split.get("due", ()) if n), None),
    )
