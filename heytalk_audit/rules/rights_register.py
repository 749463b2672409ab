"""Requests that never reached the register."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, review, rule
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import join

#: What one kind of request in a ticket is called where there are more.
SEVERAL = "several"


def asking(detections: ir.Table) -> ir.Table:
    """One row per ticket that reads like a request: `asks`, `finding` (its kind, or several), `confidence` (the surest)."""
    d = detections.filter(detections.what == "request")
    tickets = d.group_by("record").agg(kinds=d.finding.nunique(), one=d.finding.min(), sure=(d.confidence == "high").any())
    return tickets.select(
        "record",
        asks=tickets.record.notnull(),
        finding=(tickets.kinds == 1).ifelse(tickets.one, SEVERAL),
        confidence=tickets.sure.ifelse("high", "medium"),
    )


def registered(tickets: ir.Table, requests: ir.Table, policy: View) -> ir.Table:
    """The tickets, by person and time, near which the register has a request of that person: user_id, opened_at, `registered`."""
    cases = tickets.filter(~blank(tickets.user_id)).select("user_id", "opened_at").distinct()
    near = cases.inner_join(requests.select("user_id", "received_at").distinct(), "user_id")
    opened, received = policy.date(near.opened_at), policy.date(near.received_at)
    near = near.filter(opened <= policy.plus_days(received, "register_before"), received <= policy.plus_days(opened, "register_after"))
    return near.select("user_id", "opened_at").distinct().mutate(registered=ibis.literal(True))


@rule("RGT-08", severity="medium", clauses=["CL-006", "CL-151", "CL-161"], judged=True)
def request_outside_the_register(support_tickets: ir.Table, rights_requests: ir.Table, detections: ir.Table, policy: View) -> Check:
    """Every request to exercise a right is in the register, wherever it was made."""
    t = support_tickets
    t = t.filter(~blank(t.topic) | ~blank(t.text)).select("ticket_id", "user_id", "opened_at", record="support_tickets:" + t.ticket_id)
    t = join(t, asking(detections), "record")
    t = join(t, registered(t.filter(t.asks), rights_requests, policy), ["user_id", "opened_at"])
    return Check(
        t,
        [
            review("request_not_registered", t.asks & ~t.registered),
        ],
        record=t.record,
        by=("finding", "confidence"),
    )
