"""Retention: holds, which excuse what is kept longer."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, review, rule, unknown, violation
from heytalk_audit.audit.holds import Part, covers, hold, is_open, last_review, with_holds
from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.strings import blank, tokens
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import (
    IDENTIFIERS,
    any_of,
    deletion_unclear,
    identifiable,
    join,
    leaving,
    lookup,
    offending,
)


def overdue_people(users: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """One row per person whose data fell due: `due`, moved by a hold that has ended, and `has_<identifier>`, what of it is still there."""
    u = leaving(users, policy)
    clear = ~any_of([*deletion_unclear(u, policy), unknown("clock_future", policy.future(u.requested_at))])
    u = u.filter(clear & policy.over(u.gone, "account_window") & identifiable(u))
    flags = offending(u)
    due = policy.due(u.gone, "account_window")
    u = u.mutate(fell_due=due, **{f"has_{n}": flag for n, flag in flags.items()})
    u = with_holds(u, "user_id", "fell_due", hold(exceptions, "users", flags), policy)
    return lookup(u, "user_id", due=latest(u.fell_due, u.hold_closes), **{f"has_{n}": u[f"has_{n}"] for n in flags})


def back_dated(x: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an entry covers what is still there of its person, and began after that fell due (`x` with `overdue_people` joined to it)."""
    covered = covers(x.tokens, (Part("users", {n: x[f"has_{n}"] for n in IDENTIFIERS}),))
    return covered & sure(policy.date(x.started_at) > x.due)


@rule("RET-12", severity="high", clauses=["CL-189"])
def hold_invalid(retention_exceptions: ir.Table, users: ir.Table, policy: View) -> Check:
    """Data is kept beyond its period only for a dispute, a legal duty or fraud, and only until that is resolved.

    Every entry that would excuse data, bans apart. While open it names an owner, a reason and what it covers, and is reviewed; open or
    ended, it began before the data that it covers fell due. An entry over everything is for a person to decide.
    """
    overdue = overdue_people(users, retention_exceptions, policy)
    x = join(retention_exceptions.filter(retention_exceptions.type != "ban"), overdue)
    x = x.mutate(open=is_open(x, policy), tokens=tokens(x.scope), last=last_review(x, policy))
    conditions = [
        unknown("clock_future", policy.future(x.started_at, x.reviewed_at)),
        unknown("clock_contradiction", sure(x.ended_at < x.started_at)),
        violation("no_owner", x.open & blank(x.owner)),
        violation("no_reason", x.open & blank(x.reason_code) & blank(x.reference)),
        violation("no_scope", x.open & ~x.tokens.re_search("[^;]")),
        violation("back_dated", back_dated(x, policy), x.due),
        violation("review_overdue", x.open & policy.over(x["last"], "hold_review"), policy.due(x["last"], "hold_review")),
        review("scope_all", x.open & x.tokens.contains(";*;")),
    ]
    return Check(x, conditions, by=("type",))
