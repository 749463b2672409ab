"""When a request must be answered: the last day by the law of its region, and what moves it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.expressions.calendar import days_between, plus_days_of, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import join, lookup, only_if

#: Regions by what their law says of deadlines: a month that a question about the identity stops; days that nothing stops.
MONTHS, CALIFORNIA, TURKEY, CHINA, ELSEWHERE = ("EEA", "UK"), "US-CA", "TR", "CN", "OTHER"
#: Outcomes of a request that was carried out, at least in part.
ACCEPTED = ("done", "partial")


def with_region(requests: ir.Table, users: ir.Table) -> ir.Table:
    """Requests with the law that they are under in `law_region`, their own or else the person's, and `known`: is there such a user?"""
    people = lookup(users, "user_id", home=users.law_region, known=~blank(users.user_id))
    r = join(requests, people)
    own, home = only_if(~blank(r.law_region), r.law_region), only_if(~blank(r.home), r.home)
    return r.mutate(law_region=ibis.coalesce(own, home)).drop("home")


def has_region(requests: ir.Table) -> ir.BooleanValue:
    """Whether the law is one that the contract names."""
    return sure(requests.law_region.isin(contract.load()["rights_requests"]["law_region"].values))


def pause(requests: ir.Table, start: ir.DateValue, policy: View) -> ir.IntegerValue:
    """The days that the person was asked to prove who they are, if they were asked soon enough; else none."""
    asked = policy.date(requests.identity_asked_at)
    soon = sure(asked >= start) & sure(asked <= policy.plus_days(start, "identity_prompt_days"))
    ended = ibis.coalesce(policy.date(requests.identity_ok_at), policy.date(requests.answered_at), policy.today)
    waited = days_between(asked, ended)
    return (soon & (waited > 0)).ifelse(waited, 0).fill_null(0)


def with_deadline(requests: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Requests as of `with_region`, with `last_day` that the law allows, `strict_day` that only a stricter reading asks for, and
    `told_late`: an extension was told after the first deadline had passed, and so counts for nothing.

    Days are null where there are none, as where the law sets no day, or the region is unknown.
    """
    r = with_region(requests, users)
    start = policy.date(r.received_at)
    r = r.mutate(paused=pause(r, start, policy), extended_on=policy.date(r.extended_at))
    in_months = r.law_region.isin(MONTHS)
    first = ibis.cases(
        (in_months, plus_days_of(policy.due_date(start, "rights_month"), r.paused)),
        (r.law_region == CALIFORNIA, policy.plus_days(start, "ccpa_days")),
        (r.law_region == TURKEY, policy.plus_days(start, "kvkk_days")),
        (r.law_region == CHINA, policy.plus_days(start, "pipl_days")),
        else_=ibis.null("date"),
    )
    longer = ibis.cases(
        (in_months, plus_days_of(policy.due_date(start, "rights_extended"), r.paused)),
        (r.law_region == CALIFORNIA, policy.plus_days(start, "ccpa_extended")),
        else_=ibis.null("date"),
    )
    strict = ibis.cases(
        (r.law_region == CHINA, policy.working_day(start, "pipl_working_days")),
        (r.law_region == ELSEWHERE, policy.roll(policy.plus_days(start, "other_days"))),
        else_=ibis.null("date"),
    )
    r = r.mutate(first_day=policy.roll(first), longer_day=longer, strict_day=strict)
    extended = r.longer_day.notnull() & sure(r.extended_on <= r.first_day)
    r = r.mutate(
        last_day=extended.ifelse(policy.roll(r.longer_day), r.first_day),
        told_late=r.longer_day.notnull() & sure(r.extended_on > r.first_day),
    )
    return r.select([c for c in r.columns if c not in ("paused", "extended_on", "first_day", "longer_day")])
