"""When a request must be answered: the last day by the law of its region, and what moves it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import days_between, latest, plus_days_of, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import join, lookup, only_if

#: Regions by what their law says of deadlines: a month that a question about the identity stops; days that nothing stops.
MONTHS, CALIFORNIA, TURKEY, CHINA, ELSEWHERE = ("EEA", "UK"), "US-CA", "TR", "CN", "OTHER"
#: Regions whose holidays last for a week or more.
LONG_HOLIDAYS = (CHINA, TURKEY)
#: Outcomes of a request that was carried out, at least in part.
ACCEPTED = ("done", "partial")


def with_region(requests: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Requests with the law that they are under in `law_region`: their own, or else the person's."""
    u = one_row_each(users, policy)
    r = join(requests, lookup(u, "user_id", home=u.law_region))
    own, home = only_if(~blank(r.law_region), r.law_region), only_if(~blank(r.home), r.home)
    return r.mutate(law_region=ibis.coalesce(own, home)).drop("home")


def has_region(requests: ir.Table) -> ir.BooleanValue:
    """Whether the law is one that the contract names."""
    return sure(requests.law_region.isin(contract.load()["rights_requests"]["law_region"].values))


def pause(requests: ir.Table, start: ir.DateValue, policy: View) -> ir.IntegerValue:
    """The days that the person was asked to prove who they are, if they were asked soon enough; else none."""
    asked_on = policy.date(requests.identity_asked_at)
    soon = sure(asked_on >= start) & sure(asked_on <= policy.plus_days(start, "identity_prompt_days"))
    ended = ibis.coalesce(policy.date(requests.identity_ok_at), policy.date(requests.answered_at), policy.today)
    waited = days_between(asked_on, ended)
    return (soon & (waited > 0)).ifelse(waited, 0).fill_null(0)


def with_deadline(requests: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Requests as of `with_region`, with `last_day` that the law allows, `strict_day` that only a stricter reading asks for,
    `extension_late`: the person heard of an extension after the first deadline had passed, so that it counts for nothing, and
    `latest_day`: until when holidays that the settings do not list may have moved the last day.

    Days are null where there are none, as where the law sets no day, or the region is unknown.
    """
    r = with_region(requests, users, policy)
    start = policy.date(r.received_at)
    r = r.mutate(paused=pause(r, start, policy), extended_on=policy.date(r.extended_at))
    first, longer, strict = first_day(r, start, policy), longer_day(r, start, policy), strict_day(r, start, policy)
    r = r.mutate(first_day=policy.roll(first, r.law_region), longer_day=longer, strict_day=strict)
    r = r.mutate(longer_day=policy.roll(r.longer_day, r.law_region))
    extended = sure(r.extended_on <= r.first_day)
    r = r.mutate(
        last_day=(extended & r.longer_day.notnull()).ifelse(r.longer_day, r.first_day),
        extension_late=r.longer_day.notnull() & sure(r.extended_on > r.first_day),
    )
    r = r.mutate(latest_day=latest_day(r, policy))
    return r.select([c for c in r.columns if c not in ("paused", "extended_on", "first_day", "longer_day")])


def latest_day(requests: ir.Table, policy: View) -> ir.DateValue:
    """The last day and those that holidays may add to it, where the settings list none for the region; else null.

    An extension that was told on such a day may have been told in time, and then the longer deadline holds.
    """
    r = requests
    long = r.law_region.isin(LONG_HOLIDAYS)

    def moved(day: ir.DateValue) -> ir.DateValue:
        return long.ifelse(policy.plus_days(day, "long_holidays_days"), policy.plus_days(day, "unlisted_holidays_days"))

    perhaps = r.extension_late & sure(r.extended_on <= moved(r.first_day))
    return only_if(~policy.lists_holidays(r.law_region), moved(perhaps.ifelse(latest(r.longer_day, r.last_day), r.last_day)))


def first_day(requests: ir.Table, start: ir.DateValue, policy: View) -> ir.DateValue:
    """The last day for an answer without an extension, days off not yet skipped."""
    region = requests.law_region
    return ibis.cases(
        (region.isin(MONTHS), plus_days_of(policy.due_date(start, "rights_month"), requests.paused)),
        (region == CALIFORNIA, policy.plus_days(start, "ccpa_days")),
        (region == TURKEY, policy.plus_days(start, "kvkk_days")),
        (region == CHINA, policy.plus_days(start, "pipl_days")),
        else_=ibis.null("date"),
    )


def longer_day(requests: ir.Table, start: ir.DateValue, policy: View) -> ir.DateValue:
    """The last day for an answer with an extension, days off not yet skipped; null where the law knows none."""
    region = requests.law_region
    return ibis.cases(
        (region.isin(MONTHS), plus_days_of(policy.due_date(start, "rights_extended"), requests.paused)),
        (region == CALIFORNIA, policy.plus_days(start, "ccpa_extended")),
        else_=ibis.null("date"),
    )


def strict_day(requests: ir.Table, start: ir.DateValue, policy: View) -> ir.DateValue:
    """The last day for an answer under a stricter reading of the law; null where there is none."""
    region = requests.law_region
    return ibis.cases(
        (region == CHINA, policy.working_day(start, "pipl_working_days", region)),
        (region == ELSEWHERE, policy.roll(policy.plus_days(start, "other_days"), region)),
        else_=ibis.null("date"),
    )
