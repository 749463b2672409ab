"""Children: the ages of people, and what reached those under age."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import PEOPLE, TablePart, Tally, fact
from heytalk_audit.audit.people import age_band, one_row_each
from heytalk_audit.expressions.calendar import full_years, sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.minors import live_users, reached, too_old

#: Ages that are none.
MISSING, IMPLAUSIBLE = "birth date missing", "birth date implausible"


@fact(
    "children",
    title="Children",
    looks_in=["users.birth_date"],
    limits=(
        "The age is that of the birth date on record, which nobody has verified.",
        "Advertising without a recorded disclosure is not seen.",
    ),
)
def children(users: ir.Table, outbound_messages: ir.Table, disclosures: ir.Table, policy: View) -> Tally:
    """The accounts that are not deleted, by the person's age on the audit's day and on the day of registration. A birth date is implausible
    where it lies after the registration or makes a person older than people become. Then what reached people under age in the audit's
    period: marketing by channel, and disclosures for advertising. The total counts the people who are under age on the audit's day."""
    u = live_users(one_row_each(users, policy), policy)
    u = u.mutate(age_now=age_on(u, policy.today, policy), age_at_registration=age_on(u, u.since, policy))
    plausible = u.filter(~u.age_now.isin([MISSING, IMPLAUSIBLE]))
    minors = plausible.filter(sure(full_years(plausible.birth_date, policy.today) < policy.years("adulthood")))
    by_age = TablePart(u, ("age_now", "age_at_registration"), name="ages", title="People by age")
    counts = {"events": _.count(), "people": PEOPLE}
    events = reaching(plausible, outbound_messages, disclosures, policy)
    reached_by = TablePart(events, ("what", "age_then"), counts, name="reached", title="Marketing and advertising to people under age")
    return Tally(minors, [by_age, reached_by])


def age_on(u: ir.Table, day: ir.DateValue, policy: View) -> ir.StringValue:
    """The band of the age on a day (`u` as of `live_users`), or why there is none."""
    implausible = sure(u.birth_date > u.since) | too_old(u, policy) | sure(u.birth_date > policy.today)
    return ibis.cases((u.birth_date.isnull(), MISSING), (implausible, IMPLAUSIBLE), else_=age_band(u.birth_date, day))


def reaching(people: ir.Table, messages: ir.Table, disclosures: ir.Table, policy: View) -> ir.Table:
    """What reached these people in the period while they were under age: user_id, `what`, and their age then."""
    m = messages.filter(messages.category == "marketing", messages.status != "suppressed")
    d = disclosures.filter(disclosures.kind == "advertising")
    sent = m.select("user_id", "sent_at", what="marketing by " + m.channel)
    shared = d.select("user_id", "sent_at", what=ibis.literal("disclosure for advertising"))
    events = reached(ibis.union(sent, shared), people, policy)
    return events.select("user_id", "what", age_then=age_band(events.born, policy.date(events.sent_at)))
