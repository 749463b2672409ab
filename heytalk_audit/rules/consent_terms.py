"""Consent as a state: what a person had said for a purpose at an instant.

The events of a person and purpose at one instant are one state, the strongest of them: a refusal in any form before a grant. A grant that
has expired counts no longer; an earlier one since the last refusal may. States are half-open intervals, so that a point lies in at most
one and a join to them never multiplies rows.
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
NO_RECORD, EXPIRED, NOT_EXPLICIT, VERSION_BLANK, VALID, REFUSED, OPTED_OUT, WITHDRAWN = range(8)
REASONS = {
    WITHDRAWN: "withdrawn",
    OPTED_OUT: "opted_out",
    REFUSED: "refused",
    EXPIRED: "expired",
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


def is_granted(state: ir.IntegerValue) -> ir.BooleanValue:
    """Whether a state is a grant that has not expired, whether or not it counts."""
    return state.isin([NOT_EXPLICIT, VERSION_BLANK, VALID])


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

    Of these purposes, or of all. What lies after the audit's instant is left out, so that nothing is ever decided by it.
    """
    c = consents.filter(policy.by_now(consents.event_at), consents.user_id.notnull())
    columns = {"state": state_of(c).cast("int8")} | ({"ends": c.expires_at} if "expires_at" in c.columns else {})
    c = c.select(person="user_id", for_purpose="purpose", start="event_at", **columns)
    held = lasting(c) if "ends" not in c.columns else with_ends(c, policy)
    held = policy.named("consent_states", held)
    return held.filter(held.for_purpose.isin(purposes)) if purposes else held


def lasting(events: ir.Table) -> ir.Table:
    """The states of events none of which ends by itself."""
    c = events.group_by(["person", "for_purpose", "start"]).agg(state=events.state.max())
    return until_the_next(c.mutate(stop=only_if(c.state >= OPTED_OUT, c.start)))


def until_the_next(starts: ir.Table) -> ir.Table:
    """States from their starts alone: each holds until the next one's; `stop` is the start of one that is a withdrawal or an opt-out."""
    person = ibis.window(group_by=["person", "for_purpose"])
    following = ibis.window(group_by=["person", "for_purpose"], order_by="start")
    # both in one pass over each person's events
    return starts.select(
        "person",
        "for_purpose",
        "start",
        "state",
        until=starts.start.lead().over(following).fill_null(ibis.literal(FOREVER, type="timestamp(6)")),
        first_stop=starts.stop.min().over(person),
    )


def with_ends(events: ir.Table, policy: View) -> ir.Table:
    """The states of events some of whose grants end by themselves: those of people and purposes without such a grant, and the others."""
    keys = ["person", "for_purpose"]
    ending = events.filter(events.ends.notnull()).select(keys).distinct()
    c = grants_in_force(events.semi_join(ending, keys))
    starts = ibis.union(c.select(*keys, "start"), c.filter(c.force_ends.notnull()).select(*keys, start="force_ends"))
    starts = starts.filter(policy.by_now(starts.start)).distinct()
    held = until_the_next(with_best_grant(starts, c))
    return ibis.union(
        lasting(events.anti_join(ending, keys)), held.select("person", "for_purpose", "start", "state", "until", "first_stop")
    )


def grants_in_force(events: ir.Table) -> ir.Table:
    """Events with `last`, of a grant: the refusal that ends it (at its own instant, if not later), and `force_ends`: when it ends by itself
    before that; null where it does not."""
    keys = ["person", "for_purpose"]
    refused = events.filter(events.state >= REFUSED).select(*keys, last="start")
    granted = events.filter(events.state < REFUSED).select(*keys, "start").distinct().inner_join(refused, keys, rname="refused_{name}")
    ended = granted.filter(granted["last"] >= granted.start).group_by([*keys, "start"]).agg(last=lambda t: t["last"].min())
    c = events.left_join(ended, [*keys, "start"], rname="ended_{name}").select(*events.columns, "last")
    c = c.mutate(last=c["last"].fill_null(ibis.literal(FOREVER, type="timestamp(6)")))
    return c.mutate(force_ends=only_if((c.state < REFUSED) & (c.ends > c.start) & (c.ends < c["last"]), c.ends))


def with_best_grant(starts: ir.Table, events: ir.Table) -> ir.Table:
    """Instants at which a state begins, with the `state`: the refusal of that instant, else the latest grant in force, else expired."""
    keys = ["person", "for_purpose", "start"]
    grant = events.filter(events.state < REFUSED, events["last"] > events.start)
    grant = grant.select("person", "for_purpose", "state", "last", "ends", granted_at="start")
    at = starts.inner_join(grant, ["person", "for_purpose"])
    at = at.filter(at.granted_at <= at.start, at.start < at["last"], at.ends.isnull() | (at.start < at.ends))
    newest = at.group_by(keys).agg(newest=at.granted_at.max())
    at = at.inner_join(newest, keys, rname="newest_{name}").filter(lambda t: t.granted_at == t.newest)
    best = at.group_by(keys).agg(granted=at.state.max())
    refused = events.filter(events.state >= REFUSED).group_by(keys).agg(refused=lambda t: t.state.max())
    s = starts.left_join(refused, keys, rname="refused_{name}").select(*keys, "refused")
    s = s.left_join(best, keys, rname="best_{name}").select(*keys, "refused", "granted")
    state = ibis.coalesce(s.refused, s.granted, ibis.literal(EXPIRED, type="int8"))
    return s.select(*keys, state=state, stop=only_if(s.refused >= OPTED_OUT, s.start))


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


def expiries(consents: ir.Table, policy: View) -> ir.Table:
    """Per person and purpose `expired_at`: the latest end of their grants since the last refusal; no row where none ends."""
    if "expires_at" not in consents.columns:
        consents = consents.mutate(expires_at=ibis.null("timestamp(6)"))
    keys = ["user_id", "purpose"]
    c = consents.filter(policy.by_now(consents.event_at), consents.user_id.notnull())
    last = c.filter(refuses(c)).group_by(keys).agg(refused=lambda t: t.event_at.max())
    g = c.filter(c.action == "grant", c.expires_at.notnull()).left_join(last, keys, rname="last_{name}")
    g = g.filter(g.refused.isnull() | (g.event_at > g.refused))
    return g.group_by(keys).agg(expired_at=g.expires_at.max())


def acceptances(consents: ir.Table, policy: View) -> ir.Table:
    """The acceptances of the policy up to the audit's instant."""
    return consents.filter(consents.purpose == "policy_acceptance", consents.action == "grant", policy.by_now(consents.event_at))
