"""The one idea: a rule is a population and a few predicates, and a row's outcome is a total function of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.holds import Hold, flags, held
from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy import Number
from heytalk_audit.policy.view import View
from heytalk_audit.vocabulary import Outcome, Severity

#: Arguments of a rule that are not tables of the snapshot.
SPECIAL = ("policy", "present")

_PASS, _EXCLUDED, _UNDETERMINED = -1, -2, -3


@dataclass(frozen=True)
class Condition:
    """If `when` holds, and none before it, the row's outcome is this, for this reason.

    `due` is the day it fell due; `held` whether a hold may excuse it; `closing_at` the day that must not lie after an ended
    hold's last (default: today).
    """

    outcome: Outcome
    reason: str | None
    when: ir.BooleanValue
    due: ir.DateValue | None = None
    held: bool = True
    closing_at: ir.DateValue | None = None


def passes(when: ir.BooleanValue) -> Condition:
    """Rows that keep the promise whatever comes after."""
    return Condition(Outcome.PASS, None, when)


def unknown(reason: str, when: ir.BooleanValue) -> Condition:
    """Rows in which a value that the verdict needs is missing or contradicts another."""
    return Condition(Outcome.UNKNOWN, reason, when)


def violation(reason: str, when: ir.BooleanValue, due: ir.DateValue | None = None, **how: Any) -> Condition:
    """Rows that break the promise under the reading most lenient to the company."""
    return Condition(Outcome.VIOLATION, reason, when, due, **how)


def review(reason: str, when: ir.BooleanValue, due: ir.DateValue | None = None, **how: Any) -> Condition:
    """Rows that break it under a stricter reading only: a person decides."""
    return Condition(Outcome.REVIEW, reason, when, due, **how)


@cache
def _column_names() -> set[str]:
    return {column.name for table in contract.load().values() for column in table.columns}


@dataclass(frozen=True)
class Excuse:
    """What excuses a violation or review, other than a hold: a reason and a predicate."""

    reason: str
    when: ir.BooleanValue


@dataclass(frozen=True)
class OverTime:
    """What the report draws month by month: the population of a check, and people beside it.

    Both are small tables of counts, test accounts left out: `panel`, `month`, `n`. What does not pass is counted from the check's own
    rows, by the columns `panel` and `month` of its `by`, so that the drawing adds up to the ledger. `words` are for what is
    counted: `rows`, those that `pass` and that are a `violation`, `people` in short and `who` they are.
    """

    population: ir.Table
    beside: ir.Table
    panel: str
    month: str
    words: dict[str, str]


@dataclass(frozen=True)
class Check:
    """The population `rows`, and the ordered conditions on it; a row that meets none passes.

    `rows` has one row per row of the population. Its person stands in `user_id` where there is such a column. `record` names the
    row (default: the audited table and its primary key). `by` names columns that findings are broken down by; `figures` are
    scalars that the report shows beside the ledger; `over_time` is what it draws month by month. `population` has as many rows as
    `rows`, where these are dear to count: before its joins, so that a join that repeats rows is noticed. `until` is the day on which a
    row was set right: days past its due day are counted up to it, and to the audit's day where it is null.
    """

    rows: ir.Table
    conditions: Sequence[Condition]
    exempt: Hold | Excuse | None = None
    record: ir.StringValue | None = None
    by: Sequence[str] = ()
    figures: Mapping[str, ir.Scalar] = field(default_factory=dict)
    over_time: OverTime | None = None
    population: ir.Table | None = None
    until: ir.DateValue | None = None

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The columns of `by` without those of the contract that were not delivered: no verdict rests on a breakdown."""
        return tuple(name for name in self.by if name in self.rows.columns or name not in _column_names())

    @property
    def has_people(self) -> bool:
        """Whether its rows name the person whom each is about: then test accounts are left out of the population."""
        return "user_id" in self.rows.columns


@dataclass(frozen=True)
class Rule:
    """A rule as written: `build` makes its check from the tables that its arguments name, the audited one first.

    `judged` says that people read a random sample of its rows for review, and of all rows.
    """

    id: str
    severity: Severity
    clauses: tuple[str, ...]
    basis: str
    build: Callable[..., Check]
    judged: bool = False

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The names of the function's arguments."""
        return tuple(inspect.signature(self.build).parameters)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables it reads, the audited one first."""
        return tuple(a for a in self.arguments if a not in SPECIAL)

    @property
    def tables_with_people(self) -> tuple[str, ...]:
        """The tables it reads, the audited one first; where this is about people, their test accounts are read among the users."""
        people = ("users",) if self.is_about_people and "users" not in self.tables else ()
        return (*self.tables[:1], *people, *self.tables[1:])

    @property
    def is_about_people(self) -> bool:
        """Whether its audited table names a person in each row, by the contract."""
        table = contract.load().get(self.tables[0])
        return table is not None and "user_id" in table

    @property
    def family(self) -> str:
        """The first part of its id, as RET."""
        return self.id.split("-")[0]

    @cached_property
    def text(self) -> tuple[str, str]:
        """The promise (first line of the docstring) and the method (the rest)."""
        first, _, rest = inspect.cleandoc(self.build.__doc__ or "").partition("\n")
        return first.strip(), rest.strip()

    @cached_property
    def source(self) -> str:
        """Its source, as the report shows it."""
        return inspect.getsource(self.build)


RULES: dict[str, Rule] = {}


def rule(id: str, *, severity: str, clauses: list[str], basis: str = "policy", judged: bool = False):
    """Register a function as a rule: its arguments are the tables it needs, its docstring the report's text."""

    def register(build: Callable[..., Check]) -> Callable[..., Check]:
        if id in RULES and RULES[id].build.__qualname__ != build.__qualname__:
            raise ValueError(f"{id} is defined twice")
        RULES[id] = Rule(id, Severity(severity), tuple(clauses), basis, build, judged)
        return build

    return register


def classify(check: Check, record: ir.StringValue, testers: ir.Table | None, keep_pass: bool = False) -> ir.Table:
    """The rows that do not pass, with all that their outcome and reason depend on, and nothing else of them.

    `condition` is the index of the first condition that holds, or a negative code. Test accounts (`testers`: one column `tester`)
    come before every condition. A predicate that is null decides as unknown.
    """
    rows = check.rows
    subject = ibis.null("string")
    if "user_id" in rows.columns:
        subject = blank(rows.user_id).ifelse(ibis.null("string"), rows.user_id)
    index = ibis.cases(
        *[(_may_be_null(check.conditions), _UNDETERMINED)],
        *[(c.when, _PASS if c.outcome == Outcome.PASS else i) for i, c in enumerate(check.conditions)],
        else_=_PASS,
    )
    by = {f"by_{name}": rows[name].cast("string") for name in check.breakdowns}
    # keys compare exactly: a blank one names nobody, yet test accounts and holds may bear it
    person = rows.user_id if "user_id" in rows.columns else ibis.null("string")
    rows = rows.select(
        record=record, subject=subject, condition=index.cast("int32"), person=person, **_days(check), **_excuses(check), **by
    )
    if testers is not None:
        rows = rows.left_join(testers, rows.person == testers.tester)
        excluded = rows.tester.notnull().ifelse(_EXCLUDED, rows.condition).cast("int32")
        rows = rows.mutate(condition=excluded).drop("tester")
    return rows if keep_pass else rows.filter(rows.condition != _PASS)


def not_excluded(rows: ir.Table) -> ir.BooleanValue:
    """Which classified rows are not those of test accounts."""
    return rows.condition != _EXCLUDED


def _excuses(check: Check) -> dict[str, ir.BooleanValue]:
    if isinstance(check.exempt, Excuse):
        return {"excused": sure(check.exempt.when)}
    return flags(check.exempt) if check.exempt is not None else {}


def _days(check: Check) -> dict[str, ir.Value]:
    days: dict[str, ir.Value] = {}
    for i, c in enumerate(check.conditions):
        days |= {f"due_{i}": c.due} if c.due is not None else {}
        days |= {f"closing_at_{i}": c.closing_at} if c.closing_at is not None else {}
    if check.until is not None:
        days["until"] = check.until
    if isinstance(check.exempt, Hold) and check.exempt.since is not None:
        days["since_all"] = check.exempt.since
    return days


def _may_be_null(conditions: Sequence[Condition]) -> ir.BooleanValue:
    result: ir.BooleanValue = ibis.literal(False)
    for c in conditions:
        if not _never_null(c.when.op()):
            result = result | _positive(c.when.op()).isnull()
    return result


def _positive(op: ops.Node) -> ir.BooleanValue:
    # `NOT x IS NULL` is read as `NOT (x IS NULL)`, and `x IN (...) IS NULL` by some engines not at all: ask of x itself
    if isinstance(op, ops.InValues):
        return op.value.to_expr()
    return _positive(op.arg) if isinstance(op, ops.Not) else op.to_expr()


def _never_null(op: ops.Node) -> bool:
    if isinstance(op, ops.Coalesce):
        return any(_never_null(arg) for arg in op.arg)
    if isinstance(op, ops.Literal):
        return op.value is not None
    if isinstance(op, ops.And | ops.Or | ops.Not):
        return all(_never_null(child) for child in op.__children__)
    return isinstance(op, ops.IsNull | ops.NotNull)


def exceptions(check: Check, rows: ir.Table, view: View) -> ir.Table:
    """Classified rows with their outcome: record, subject, outcome, reason, due_on, until, and the columns of `by`."""
    rows = rows.mutate(due_plain=_pick(rows, check, "due"), closing_at=_pick(rows, check, "closing_at"))
    excused = ibis.null("string")
    due_on = rows.due_plain
    if isinstance(check.exempt, Excuse):
        allowed = rows.condition.isin(_chosen(check, lambda c: c.held))
        excused = (allowed & rows.excused).ifelse(check.exempt.reason, ibis.null("string"))
    elif check.exempt is not None:
        rows, excused, due_on = _hold(rows, check, view)
    plain = _label(rows, check, "outcome", {_EXCLUDED: Outcome.EXCLUDED, _UNDETERMINED: Outcome.UNKNOWN, _PASS: Outcome.PASS})
    reason = _label(rows, check, "reason", {_EXCLUDED: "test_account", _UNDETERMINED: "undetermined"})
    return rows.select(
        "record",
        "subject",
        outcome=excused.notnull().ifelse(Outcome.EXEMPT.value, plain),
        reason=ibis.coalesce(excused, reason),
        due_on=due_on,
        until=ibis.null("date") if check.until is None else rows.until,
        **{name: rows[name] for name in rows.columns if name.startswith("by_")},
    )


def _chosen(check: Check, test: Callable[[Condition], bool]) -> list[int]:
    return [i for i, c in enumerate(check.conditions) if c.outcome in (Outcome.VIOLATION, Outcome.REVIEW) and test(c)]


def _pick(rows: ir.Table, check: Check, what: str) -> ir.DateValue:
    """The `due` or `closing_at` of the condition that decided."""
    branches = [(rows.condition == i, rows[f"{what}_{i}"]) for i in _chosen(check, lambda c: getattr(c, what) is not None)]
    return ibis.cases(*branches, else_=ibis.null("date")) if branches else ibis.null("date")


def _label(rows: ir.Table, check: Check, what: str, special: dict[int, str]) -> ir.StringValue:
    names = {i: getattr(c, what) for i, c in enumerate(check.conditions) if c.outcome != Outcome.PASS} | special
    return ibis.cases(*[(rows.condition == i, str(name)) for i, name in names.items()], else_=ibis.null("string"))


def _hold(rows: ir.Table, check: Check, view: View) -> tuple[ir.Table, ir.StringValue, ir.DateValue]:
    """Rows with what their holds say; `hold_open`, `hold_closing` or null; and the due day, moved by a hold that has ended."""
    since = rows.since_all if check.exempt.since is not None else rows.due_plain
    allowed = rows.condition.isin(_chosen(check, lambda c: c.held))
    rows = rows.mutate(hold_since=allowed.ifelse(ibis.coalesce(since, view.today), ibis.null("date")))
    rows = held(rows, "person", "hold_since", check.exempt, view)
    moved = latest(rows.hold_since, rows.hold_closes)
    held_open = sure(rows.hold_opened <= moved)
    closing = sure(ibis.coalesce(rows.closing_at, view.today) <= rows.hold_closes)
    excused = ibis.cases((held_open, "hold_open"), (closing, "hold_closing"), else_=ibis.null("string"))
    due_on = latest(rows.due_plain, rows.due_plain.notnull().ifelse(rows.hold_closes, ibis.null("date")))
    return rows, excused, due_on


def rests_on(check: Check, view: View, reason: str) -> list[Number]:
    """The policy's numbers that the condition of this reason is computed from."""
    return next((view.rests_on(c.when) for c in check.conditions if c.reason == reason), [])
