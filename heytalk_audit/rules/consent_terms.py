"""Consent as a state: what a person had said for a purpose at an instant.

The events of a person and purpose at one instant are one state, the strongest of them: a refusal in any form before a grant. States
are half-open intervals, so that a point lies in at most one and a join to them never multiplies rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, passes, review, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import only_if

#: States from weakest to strongest: of events at one instant, the strongest holds.
NO_RECORD, NOT_EXPLICIT, VERSION_BLANK, VALID, REFUSED, OPTED_OUT, WITHDRAWN = range(7)
REASONS = {
    WITHDRAWN: "withdrawn",
    OPTED_OUT: "opted_out",
    REFUSED: "refused",
    NOT_EXPLICIT: "not_explicit",
    NO_RECORD: "no_record",
}
#: The end of a state that nothing has ended.
FOREVER = dt.datetime(9999, 12, 31)
#: Ways of granting that are no act of the person for this purpose alone.
PASSIVE = ("bundled_terms", "default")
#: Actions that refuse.
NEGATIVE = ("withdraw", "opt_out", "refuse")


def is_valid(state: ir.IntegerValue) -> ir.BooleanValue:
    """Whether a state is a grant that counts, its version known or not."""
    return state.isin([VALID, VERSION_BLANK])


def is_negative(state: ir.IntegerValue) -> ir.BooleanValue:
    """Whether a state is a refusal in some form."""
    return state >= REFUSED


def is_stopped(state: ir.IntegerValue) -> ir.BooleanValue:
    """Whether a state is the withdrawal of a consent, or an opt-out; false where it is null."""
    return sure(state >= OPTED_OUT)


def grants(consents: ir.Table) -> ir.BooleanValue:
    """Which events are grants that count: explicit, and by a method that is an act of its own."""
    return (consents.action == "grant") & consents.explicit & ~sure(consents.method.isin(PASSIVE))


def refuses(consents: ir.Table) -> ir.BooleanValue:
    """Which events are refusals in some form; one whose action is not said is none."""
    return sure(consents.action.isin(NEGATIVE))


def state_of(events: ir.Table) -> ir.IntegerValue:
    """The state that an event sets by itself."""
    return ibis.cases(
        (events.action == "withdraw", WITHDRAWN),
        (events.action == "opt_out", OPTED_OUT),
        (events.action == "refuse", REFUSED),
        (sure(grants(events)), blank(events.policy_version).ifelse(VERSION_BLANK, VALID)),
        else_=NOT_EXPLICIT,
    )


def states(consents: ir.Table, policy: View, *purposes: str) -> ir.Table:
    """The state that each person's events set, from `start` until before `until`: person, for_purpose, start, until, state, and
    `first_stop`: when that person first withdrew or opted out of it, null if never.

    Of these purposes, or of all. Events after the audit's instant are left out, so that nothing is ever decided by them.
    """
    c = consents.filter(policy.by_now(consents.event_at), consents.user_id.notnull())
    c = c.select(person="user_id", for_purpose="purpose", start="event_at", state=state_of(c).cast("int8"))
    c = c.group_by(["person", "for_purpose", "start"]).agg(state=c.state.max())
    person = ibis.window(group_by=["person", "for_purpose"])
    following = ibis.window(group_by=["person", "for_purpose"], order_by="start")
    # both in one pass over each person's events
    held = c.mutate(
        until=c.start.lead().over(following).fill_null(ibis.literal(FOREVER, type="timestamp(6)")),
        first_stop=only_if(c.state >= OPTED_OUT, c.start).min().over(person),
    )
    held = policy.named("consent_states", held)
    return held.filter(held.for_purpose.isin(purposes)) if purposes else held


def states_without_versions(consents: ir.Table, policy: View, *purposes: str) -> ir.Table:
    """The same where a grant counts whether or not its version is known, or was delivered."""
    if "policy_version" not in consents.columns:
        consents = consents.mutate(policy_version=ibis.null("string"))
    held = states(consents, policy, *purposes)
    return held.mutate(state=(held.state == VERSION_BLANK).ifelse(VALID, held.state))


def in_force(held: ir.Table) -> ir.Table:
    """Of the states, those that nothing has ended."""
    return held.filter(held.until == ibis.literal(FOREVER, type="timestamp(6)"))


def with_state(
    rows: ir.Table, name: str, at: ir.TimestampValue, held: ir.Table, before: bool = False, keep: Sequence[str] = ()
) -> ir.Table:
    """`rows` with column `name`: the state at an instant (`before`: over the events strictly before it), and `<name>_since`.

    `rows` has `user_id` and `purpose`; `at` is of `rows`; `held` as of `states`, and those of its columns that are named in `keep`
    come along.
    """
    rows = rows.mutate(probe=at)
    s = held.select("person", "for_purpose", "start", "until", *keep, **{name: held.state, f"{name}_since": held.start})
    begun = s.start < rows.probe if before else s.start <= rows.probe
    lasts = rows.probe <= s.until if before else rows.probe < s.until
    joined = rows.left_join(s, [rows.user_id == s.person, rows.purpose == s.for_purpose, begun, lasts])
    kept = [c for c in rows.columns if c != "probe"]
    return joined.select(*kept, *keep, f"{name}_since", **{name: joined[name].fill_null(NO_RECORD)})


def with_test(rows: ir.Table, at: str, held: ir.Table, policy: View, keep: Sequence[str] = ()) -> ir.Table:
    """`rows` with `state` at the instant in column `at`, and `earlier` and `later`: the states if clocks differ by the skew."""
    rows = with_state(rows, "state", rows[at], held, keep=keep)
    rows = with_state(rows, "earlier", policy.before(rows[at], "clock_skew"), held, before=True)
    return with_state(rows, "later", policy.after(rows[at], "clock_skew"), held)


def consented(rows: ir.Table) -> list[Condition]:
    """What passes, and what clocks or a missing version make uncertain (`rows` as of `with_test`)."""
    return [
        passes(sure(rows.state == VALID)),
        review("version_unknown", sure(rows.state == VERSION_BLANK)),
        review("clock_skew", sure(is_valid(rows.earlier)) | sure(is_valid(rows.later))),
    ]


def not_consented(rows: ir.Table) -> list[Condition]:
    """The violations, each with its state as the reason."""
    return [violation(reason, sure(rows.state == state)) for state, reason in REASONS.items()]


def refusals(consents: ir.Table, policy: View) -> ir.Table:
    """Who refuses now, per person and purpose: `negative_since`, the first refusal since the last grant."""
    c = consents.filter(policy.by_now(consents.event_at), consents.user_id.notnull())
    latest = c.group_by(["user_id", "purpose"]).agg(
        last=c.event_at.max(), last_grant=c.event_at.max(where=c.action == "grant"), last_refusal=c.event_at.max(where=refuses(c))
    )
    latest = latest.filter(latest.last_refusal == latest.last)
    c = c.filter(refuses(c)).inner_join(latest, ["user_id", "purpose"], rname="latest_{name}")
    c = c.filter(c.last_grant.isnull() | (c.event_at >= c.last_grant))
    return policy.named("refusals", c.group_by(["user_id", "purpose"]).agg(negative_since=c.event_at.min()))


def acceptances(consents: ir.Table, policy: View) -> ir.Table:
    """The acceptances of the policy up to the audit's instant."""
    return consents.filter(consents.purpose == "policy_acceptance", consents.action == "grant", policy.by_now(consents.event_at))
