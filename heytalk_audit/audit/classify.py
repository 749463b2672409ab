"""From a check to labelled rows: which condition decided each row, what a hold does to it, and so its outcome, reason and due day."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.breakdown import OTHER, is_shown, shown_value
from heytalk_audit.audit.check import Check, Condition, Excuse, Rule
from heytalk_audit.audit.holds import Hold, excuse, flags, held
from heytalk_audit.audit.people import NOT_KNOWN
from heytalk_audit.expressions.calendar import days_between, latest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.vocabulary import Outcome

#: What `condition` holds where no condition of the check decided.
_PASS, _EXCLUDED, _UNDETERMINED = -1, -2, -3


def classify(
    check: Check, record: ir.StringValue, testers: ir.Table | None, breakdowns: Sequence[str] = (), keep_pass: bool = False
) -> ir.Table:
    """The rows that do not pass, with all that their outcome and reason depend on, and nothing else of them.

    `condition` is the index of the first condition that holds, or a negative code. Test accounts (`testers`: one column `tester`)
    come before every condition. `breakdowns` are those whose values come along.
    """
    rows = check.rows.mutate(first_condition=first_condition(check.conditions))
    # joined by the raw id: a blank one is counted as nobody, but a test account or a hold may have it
    person = check.rows.user_id if check.has_people else ibis.null("string")
    condition = rows.first_condition
    if testers is not None:
        rows = rows.left_join(testers, rows.user_id == testers.tester)
        condition = rows.tester.notnull().ifelse(_EXCLUDED, rows.first_condition)
    # before anything is computed of a row that nobody will see
    rows = rows if keep_pass else rows.filter(condition != _PASS)
    return rows.select(
        record=record,
        subject=blank(person).ifelse(ibis.null("string"), person) if check.has_people else person,
        condition=condition.cast("int32"),
        person=person,
        **_days(check),
        **_excuses(check),
        **{f"by_{name}": check.rows[name].cast("string") for name in breakdowns},
    )


def first_condition(conditions: Sequence[Condition]) -> ir.IntegerValue:
    """The index of the first condition that holds, or a negative code; a predicate that is null decides as unknown."""
    return ibis.cases(
        (_may_be_null(conditions), _UNDETERMINED),
        *[(c.when, _PASS if c.outcome == Outcome.PASS else i) for i, c in enumerate(conditions)],
        else_=_PASS,
    )


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


def tested_records(check: Check, record: ir.StringValue, testers: ir.Table | None) -> ir.Table:
    """The records of a check's whole population but for test accounts, in one column `record`."""
    rows = check.rows
    if testers is not None:
        rows = rows.anti_join(testers, rows.user_id == testers.tester)
    return rows.select(record=record)


def labelled_rows(rule: Rule, check: Check, rows: ir.Table, people: ir.Table, view: View) -> ir.Table:
    """Classified rows as all counts and files read them: record, subject, outcome, reason, due_on, days_over, region, age, by_<name>.

    `days_over` is null unless the row is late; a breakdown's values are those that a report may show. `people` has one row per person:
    user_id, region, age.
    """
    rows = rows.mutate(due_plain=_pick(rows, check, "due"), closing_at=_pick(rows, check, "closing_at"))
    excused = ibis.null("string")
    due_on = rows.due_plain
    if isinstance(check.exempt, Excuse):
        allowed = rows.condition.isin(_chosen(check, lambda c: c.held))
        excused = (allowed & rows.excused).ifelse(check.exempt.reason, ibis.null("string"))
    elif check.exempt is not None:
        rows, excused, due_on = _hold(rows, check, check.exempt, view)
    plain = _label(rows, check, "outcome", {_EXCLUDED: Outcome.EXCLUDED, _UNDETERMINED: Outcome.UNKNOWN, _PASS: Outcome.PASS})
    reason = _label(rows, check, "reason", {_EXCLUDED: "test_account", _UNDETERMINED: "undetermined"})
    until = view.today if check.until is None else ibis.coalesce(rows.until, view.today)
    rows = rows.select(
        "record",
        "subject",
        outcome=excused.notnull().ifelse(Outcome.EXEMPT.value, plain),
        reason=ibis.coalesce(excused, reason),
        # a date and an interval are a date to Ibis, and an instant to an engine: said in two steps, the cast is not left out
        due_on=due_on.cast("timestamp(6)").cast("date"),
        late=days_between(due_on, until),
        **{f"by_{name}": shown_value(rule, name, rows[f"by_{name}"]) for name in shown_breakdowns(rule, check)},
    )
    return _with_person(rows, people)


def _with_person(rows: ir.Table, people: ir.Table) -> ir.Table:
    joined = rows.left_join(people, rows.subject == people.user_id)
    days_over = (joined.late > 0).ifelse(joined.late, ibis.null("int64")).cast("int32")
    own = {"days_over": days_over, "region": _region(joined.region), "age": joined.age.fill_null(NOT_KNOWN)}
    return joined.select(*[c for c in rows.columns if c != "late"], **own)


def _region(region: ir.StringValue) -> ir.StringValue:
    """A region as a report may show it: what is none of the contract's may be anything."""
    regions = contract.load()["users"]["law_region"].values
    return ibis.cases((region.isnull(), ibis.literal(NOT_KNOWN)), (~region.isin(regions), ibis.literal(OTHER)), else_=region)


def shown_breakdowns(rule: Rule, check: Check) -> list[str]:
    """The breakdowns of a check whose values a report may show."""
    return [name for name in check.breakdowns if is_shown(rule, name)]


def _chosen(check: Check, test: Callable[[Condition], bool]) -> list[int]:
    return [i for i, c in enumerate(check.conditions) if c.outcome in (Outcome.VIOLATION, Outcome.REVIEW) and test(c)]


def _pick(rows: ir.Table, check: Check, what: str) -> ir.DateValue:
    """The `due` or `closing_at` of the condition that decided."""
    branches = [(rows.condition == i, rows[f"{what}_{i}"]) for i in _chosen(check, lambda c: getattr(c, what) is not None)]
    return ibis.cases(*branches, else_=ibis.null("date")) if branches else ibis.null("date")


def _label(rows: ir.Table, check: Check, what: str, special: dict[int, str]) -> ir.StringValue:
    """The `outcome` or `reason` of the condition that decided; `special` are those of the negative codes."""
    names = {i: getattr(c, what) for i, c in enumerate(check.conditions) if c.outcome != Outcome.PASS} | special
    return ibis.cases(*[(rows.condition == i, str(name)) for i, name in names.items()], else_=ibis.null("string"))


def _hold(rows: ir.Table, check: Check, hold: Hold, view: View) -> tuple[ir.Table, ir.StringValue, ir.DateValue]:
    """Rows with what their holds say; `hold_open`, `hold_closing` or null; and the due day, moved by a hold that has ended."""
    since = rows.since_all if hold.since is not None else rows.due_plain
    allowed = rows.condition.isin(_chosen(check, lambda c: c.held))
    rows = rows.mutate(hold_since=allowed.ifelse(ibis.coalesce(since, view.today), ibis.null("date")))
    rows = held(rows, "person", "hold_since", hold, view)
    excused = excuse(rows.hold_since, rows.hold_closes, rows.hold_opened, ibis.coalesce(rows.closing_at, view.today))
    due_on = latest(rows.due_plain, rows.due_plain.notnull().ifelse(rows.hold_closes, ibis.null("date")))
    return rows, excused, due_on
