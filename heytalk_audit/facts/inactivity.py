"""Inactivity: how long ago people were last in contact."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.fact import TablePart, Tally, fact
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import add_months, days_between, latest, sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import with_contact, with_deletion

#: Bands of whole years since the last contact, each named by its end.
YEARS = (1, 2, 3, 4, 5)
#: A last contact of so many days ago is recent.
RECENT_DAYS = 30
#: The bands, in their order.
RECENT, LONGER, NONE, AHEAD = f"up to {RECENT_DAYS} days", f"more than {YEARS[-1]} years", "none recorded", "after the snapshot"
UP_TO = {years: f"up to {years} year{'s' if years > 1 else ''}" for years in YEARS}
BANDS = (RECENT, *UP_TO.values(), LONGER, NONE, AHEAD)


@fact(
    "inactivity",
    title="Inactivity",
    limits=("Contact is what the service recorded: use of the app without a connection leaves no trace.",),
)
def inactivity(users: ir.Table, subscriptions: ir.Table, policy: View) -> Tally:
    """The accounts that are not deleted, by the time since the last contact with the service and by whether a premium subscription is in
    force. The last contact is the latest of any contact, any interactive use, and the day on which the person took a deletion back. A band
    of years ends with the day of the same number and month; that day still belongs to it."""
    u = with_contact(with_deletion(one_row_each(users, policy), policy), subscriptions, policy)
    u = u.filter(u.live)
    u = u.mutate(last_contact=band(u, policy), premium=u.premium.ifelse("premium", "not premium"))
    return Tally(u, [TablePart(u, ("last_contact", "premium"), order=BANDS)])


def band(u: ir.Table, policy: View) -> ir.StringValue:
    """In which band the last contact lies (`u` as of `with_contact`)."""
    recorded = latest(u.last_contact_at, u.last_interactive_at)
    day, today = policy.date(u.contact_at), policy.clock.today
    bands = [(sure(day >= add_months(today, -12 * years)), label) for years, label in UP_TO.items()]
    return ibis.cases(
        (recorded.isnull() & ~sure(u.contact_at != u.created_at), NONE),
        (policy.future(u.contact_at), AHEAD),
        (sure(days_between(day, policy.today) <= RECENT_DAYS), RECENT),
        *bands,
        else_=LONGER,
    )
