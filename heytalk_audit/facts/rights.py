"""Rights: the requests of people, and when they were answered."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import TablePart, Tally, fact
from heytalk_audit.expressions.calendar import days_between, sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.rights_terms import with_deadline


@fact(
    "rights",
    title="Requests",
    limits=(
        "A request that nobody registered is not seen.",
        "Holidays count only where the settings list them for the region, so a delay of few days may be none.",
    ),
)
def rights(rights_requests: ir.Table, users: ir.Table, policy: View) -> Tally:
    """The requests that were received or answered in the audit's period, or were still open in it, by kind, outcome, region of law and
    answer. An answer is in time up to and with the last day that the law of the region allows, and late after it. A request without an
    answer is open up to that day, and overdue after it. Withdrawn requests need no answer. Days are counted from receipt to answer."""
    r = with_deadline(rights_requests, users, policy)
    start, end = policy.period
    answered, received = policy.date(r.answered_at), policy.date(r.received_at)
    r = r.filter(sure(received < end) & policy.by_now(r.received_at) & (r.answered_at.isnull() | sure(answered >= start)))
    r = r.mutate(answer=answer(r, policy), days=days_between(received, policy.date(r.answered_at)))
    days = {"median_days": _.days.quantile(0.5), "days_of_90_percent": _.days.quantile(0.9), "worst_days": _.days.max()}
    return Tally(r, [TablePart(r, ("kind", "outcome", "law_region", "answer"), {"requests": _.count()}, days)], counts="requests")


def answer(r: ir.Table, policy: View) -> ir.StringValue:
    """What came of each request (`r` as of `with_deadline`): the first that holds."""
    answered = r.answered_at.notnull()
    return ibis.cases(
        (sure(r.outcome == "withdrawn"), "withdrawn"),
        (answered & r.last_day.isnull(), "answered, no last day"),
        (answered & sure(policy.date(r.answered_at) <= r.last_day), "in time"),
        (answered, "late"),
        (~sure(r.outcome == "open"), "answer not dated"),
        (r.last_day.isnull(), "open, no last day"),
        (sure(policy.today <= r.last_day), "open"),
        else_="overdue",
    )
