"""Consent: what people have said for each purpose, and what they said in the audit's period."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import PEOPLE, TablePart, Tally, fact
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import (
    EXPIRED,
    NOT_EXPLICIT,
    OPTED_OUT,
    REFUSED,
    VALID,
    VERSION_BLANK,
    WITHDRAWN,
    in_force,
    states,
)

#: What each state of consent is called.
STATES = {
    VALID: "granted",
    VERSION_BLANK: "granted, version unknown",
    NOT_EXPLICIT: "granted, not explicit",
    EXPIRED: "expired",
    REFUSED: "refused",
    OPTED_OUT: "opted out",
    WITHDRAWN: "withdrawn",
}
#: What each action of a person is called.
EVENTS = {"grant": "grant", "withdraw": "withdrawal", "refuse": "refusal", "opt_out": "opt-out"}


def state_in_words(state: ir.IntegerValue) -> ir.StringValue:
    """A state of consent, in words; no record where there is none."""
    return ibis.cases(*[(state == number, words) for number, words in STATES.items()], else_="no record")


@fact(
    "consent",
    title="Consent",
    limits=(
        "People without any record of a purpose are not counted for it.",
        "Consent given outside the app, and not recorded, is not seen.",
    ),
)
def consent(consents: ir.Table, policy: View) -> Tally:
    """The people with a record of consent, by purpose and by the state in force: that of the latest event, a refusal or withdrawal before
    a grant at the same instant. Then the events of the audit's period, by purpose, event, method and version of the policy; a grant that
    ended by itself in the period is an expiry."""
    c = consents.filter(policy.by_now(consents.event_at))
    held = states(consents, policy)
    now = in_force(held)
    now = now.select("for_purpose", user_id="person", state=state_in_words(now.state)).rename(purpose="for_purpose")
    events = events_of_the_period(c, held, policy)
    by = ("purpose", "event", "method", "policy_version")
    counts = {"events": _.count(), "people": PEOPLE}
    in_period = TablePart(events, by, counts, name="in the period", title="Events in the audit's period")
    return Tally(c, [TablePart(now, ("purpose", "state"), name="in force", title="People by the state in force"), in_period])


def events_of_the_period(consents: ir.Table, held: ir.Table, policy: View) -> ir.Table:
    """What people said in the period, and the grants that ended by themselves in it: user_id, purpose, event, method, policy_version."""
    c = consents.filter(policy.in_period(consents.event_at))
    event = ibis.cases(*[(c.action == action, name) for action, name in EVENTS.items()], else_=ibis.null("string"))
    spoken = c.select("user_id", "purpose", "method", "policy_version", event=event)
    e = held.filter(held.state == EXPIRED, policy.in_period(held.start))
    none = ibis.null("string")
    ended = e.select(user_id="person", purpose="for_purpose", event=ibis.literal("expiry"), method=none, policy_version=none)
    return ibis.union(spoken, ended.select(spoken.columns))
