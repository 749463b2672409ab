"""Legal holds, disputes and statutory duties: which rows of `retention_exceptions` excuse a row, and until when.

A hold excuses the data that it names, from before the data fell due. One that has ended moves the due day to some days after
its end. One that is open must have been reviewed. Valid here is what RET-12 does not complain of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.strings import blank, tokens
from heytalk_audit.policy.view import View

TYPES = ("legal_hold", "dispute", "statutory", "fraud")


@dataclass(frozen=True)
class Part:
    """Data that a hold must cover: a table, or each of the columns of it that offend.

    `columns` maps a column's name to whether it offends in this row; `when` says whether the part plays a role in this row.
    """

    table: str
    columns: dict[str, Any] = field(default_factory=dict)
    when: Any = True


@dataclass(frozen=True)
class Hold:
    """What excuses a row: holds in `exceptions` that cover every part of it, each by one entry of their own.

    `since` is the day by which a hold must have begun (default: the due day of the condition that decided).
    """

    exceptions: ir.Table
    parts: tuple[Part, ...]
    since: ir.DateValue | None = None


def hold(exceptions: ir.Table, table: str, columns: dict[str, Any] | None = None, since: Any = None) -> Hold:
    """The usual hold: over one table, or over those of its columns that offend."""
    return Hold(exceptions, (Part(table, columns or {}),), since)


def is_open(holds: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an entry has not ended by the audit's instant."""
    return ~policy.by_now(holds.ended_at)


def reviewed(holds: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an entry began, or was reviewed since, within the review period."""
    return ~policy.over(last_review(holds, policy), "hold_review_months")


def last_review(holds: ir.Table, policy: View) -> ir.TimestampValue:
    """When an entry was last looked at: its start, or its review where that lies before the audit."""
    return latest(holds.started_at, policy.by_now(holds.reviewed_at).ifelse(holds.reviewed_at, ibis.null("timestamp(6)")))


def valid_holds(exceptions: ir.Table, policy: View) -> ir.Table:
    """The entries that can excuse anything, one row each: user_id, scope, started, closing (null while open), reviewed."""
    open_ = is_open(exceptions, policy)
    entries = exceptions.filter(
        exceptions.type.isin(TYPES),
        ~blank(exceptions.owner),
        ~(blank(exceptions.reason_code) & blank(exceptions.reference)),
        policy.by_now(exceptions.started_at),
        ~sure(exceptions.ended_at < exceptions.started_at),
    ).select(
        hold_user=exceptions.user_id,
        scope=tokens(exceptions.scope),
        started=policy.date(exceptions.started_at),
        closing=open_.ifelse(ibis.null("date"), policy.plus_days(policy.date(exceptions.ended_at), "hold_days")),
        reviewed=reviewed(exceptions, policy),
    )
    return policy.named("valid_holds", entries)


def covers(scope: ir.StringValue, parts: tuple[Part, ...]) -> ir.BooleanValue:
    """Whether a normalised scope names everything, or every part that plays a role, by its table or by each offending column."""
    every: ir.BooleanValue = ibis.literal(True)
    some: ir.BooleanValue = ibis.literal(False)
    for part in parts:
        named = scope.contains(f";{part.table};")
        if part.columns:
            named = named | _columns_named(scope, part)
        every = every & (~_bool(part.when) | named)
        some = some | _bool(part.when)
    return scope.contains(";*;") | (every & some)


def _columns_named(scope: ir.StringValue, part: Part) -> ir.BooleanValue:
    all_named: ir.BooleanValue = ibis.literal(True)
    offends: ir.BooleanValue = ibis.literal(False)
    for column, offending in part.columns.items():
        all_named = all_named & (~_bool(offending) | scope.contains(f";{part.table}.{column};"))
        offends = offends | _bool(offending)
    return all_named & offends


def _bool(value: Any) -> ir.BooleanValue:
    return ibis.literal(value) if isinstance(value, bool) else value


def flags(hold: Hold) -> dict[str, ir.BooleanValue]:
    """What of each row offends, as the columns that `held` asks for."""
    values = [v for part in hold.parts for v in (part.when, *part.columns.values())]
    return {f"hold_flag_{i}": _bool(v) for i, v in enumerate(values)}


def with_holds(rows: ir.Table, user: str, since: str, hold: Hold, policy: View) -> ir.Table:
    """`held`, for rows that the hold's own expressions are bound to."""
    return held(rows.mutate(**flags(hold)), user, since, hold, policy)


def held(rows: ir.Table, user: str, since: str, hold: Hold, policy: View) -> ir.Table:
    """`rows` with `hold_closes` (the last day that an ended hold excuses) and `hold_opened` (the first day of an open one).

    Columns of `rows` named `user` and `since` (a date) are the person and the day by which a hold must have begun; those of
    `flags` say what offends. What a hold does to a row depends on these, on nothing else: it is computed once for each such
    combination, so that rows never multiply.
    """
    names = list(flags(hold))
    combination = [user, since, *names]
    parts = _rebind(hold.parts, iter(names))
    cases = rows.filter(rows[user].notnull(), rows[since].notnull()).select(combination).distinct()
    entries = valid_holds(hold.exceptions, policy)
    covering = cases.inner_join(entries, cases[user] == entries.hold_user)
    covering = covering.filter(covers(covering.scope, _on(covering, parts)))
    in_time = covering.closing.notnull() & (covering.started <= covering[since])
    state = covering.group_by(combination).agg(
        hold_closes=covering.closing.max(where=in_time),
        hold_opened=covering.started.min(where=covering.closing.isnull() & covering.reviewed),
    )
    joined = rows.left_join(state, combination, rname="held_{name}")
    return joined.select([c for c in joined.columns if not c.startswith(("held_", "hold_flag_"))])


def excuse(since: ir.DateValue, closes: ir.DateValue, opened: ir.DateValue, closing_at: ir.DateValue) -> ir.StringValue:
    """`hold_open`, `hold_closing` or null: what the holds of a row (as of `held`) make of a breach that holds had to precede by `since`.

    `closing_at` is the day that must not lie after an ended hold's last.
    """
    return ibis.cases(
        (sure(opened <= latest(since, closes)), "hold_open"), (sure(closing_at <= closes), "hold_closing"), else_=ibis.null("string")
    )


def _rebind(parts: tuple[Part, ...], names: Iterator[str]) -> list[tuple[str, str, dict[str, str]]]:
    return [(p.table, next(names), {c: next(names) for c in p.columns}) for p in parts]


def _on(table: ir.Table, parts: list[tuple[str, str, dict[str, str]]]) -> tuple[Part, ...]:
    return tuple(Part(name, {c: table[f] for c, f in columns.items()}, table[when]) for name, when, columns in parts)
