"""After a refusal: what is still sent to a device, and what no longer works on it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import earliest, latest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.permission_terms import DENIED, FOREVER, GRANTED, permission_codes, permission_states
from heytalk_audit.rules.terms import delivered, has, join, lookup, nothing

#: Actions that refuse a permission.
REFUSALS = ("denied", "revoked")
#: What a person's devices are counted as: seen by then, said yes or no since they were installed, allow push messages, and allow them
#: if clocks differ by the skew one way or the other.
COUNTS = ("seen", "answered", "granted", "earlier", "later")


def spans(states: ir.Table, policy: View) -> dict[str, ir.Table]:
    """When a device counts as what, from `start` until before `until`, by the names in COUNTS.

    `states` has a row without a state for each device that never said yes or no.
    """
    s = states
    no, end = s.state >= DENIED, ibis.literal(FOREVER, type="timestamp(6)")
    off_until = ibis.ifelse(no & sure(s.start < s.installed_at), earliest(s.until, s.installed_at), s.until)
    yes = s.filter(s.state == GRANTED)
    whole = s.group_by(["user_id", "device", "first_seen_at"]).agg(start=s.first_seen_at.min())
    return {
        "seen": whole.mutate(until=end),
        "answered": s.filter(s.state.notnull()).mutate(until=off_until),
        "granted": yes,
        "earlier": yes.mutate(start=policy.after(yes.start, "skew_seconds"), until=policy.after(yes.until, "skew_seconds")),
        "later": yes.mutate(start=policy.before(yes.start, "skew_seconds"), until=policy.before(yes.until, "skew_seconds")),
    }


def push_states(devices: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """Each person's devices, browsers left out, with the states of their permission to push, or one row without any."""
    d = devices.filter(~blank(devices.user_id), ~blank(devices.device_id), ~sure(devices.platform == "web"))
    d = d.group_by(["user_id", "device_id"]).agg(first_seen_at=d.first_seen_at.min(), installed_at=d.installed_at.max())
    states = permission_states(events, policy)
    states = states.filter(states.requested == "push")
    s = d.left_join(states, d.device_id == states.device)
    s = s.select("user_id", "first_seen_at", "installed_at", "start", "until", "state", device="device_id")
    return s.filter(s.first_seen_at.notnull())


def steps(name: str, span: ir.Table) -> list[ir.Table]:
    """A count's changes: one more where a span begins, one fewer where it ends, none of the other counts: user_id, start, COUNTS."""
    begin = latest(span.start, span.first_seen_at)
    # engines name the precision of a shifted instant differently
    span = span.select("user_id", begin=begin.cast("timestamp(6)"), until=span.until.cast("timestamp(6)"))
    span = span.filter(span.begin < span.until)
    return [
        span.select("user_id", start=at, **{n: ibis.literal(change if n == name else 0, type="int64") for n in COUNTS})
        for at, change in (("begin", 1), ("until", -1))
    ]


def reachable(devices: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """How many devices of a person count as what, from `start` until before `until`: one row per person and span, none overlapping.

    Each device adds one where it begins to count and takes one where it ends, so that neither devices nor messages multiply.
    """
    by_name = spans(push_states(devices, events, policy), policy)
    t = ibis.union(*[step for name, span in by_name.items() for step in steps(name, span)])
    t = t.group_by(["user_id", "start"]).agg(**{n: t[n].sum() for n in COUNTS})
    person = ibis.window(group_by="user_id", order_by="start")
    so_far = ibis.cumulative_window(group_by="user_id", order_by="start")
    return t.select(
        "start",
        person="user_id",
        until=t.start.lead().over(person).fill_null(ibis.literal(FOREVER, type="timestamp(6)")),
        **{n: t[n].sum().over(so_far) for n in COUNTS},
    )


def pushed(outbound_messages: ir.Table, policy: View) -> ir.Table:
    """The push messages of the period that were not held back."""
    m = outbound_messages.filter(sure(outbound_messages.channel == "push"), ~sure(outbound_messages.status == "suppressed"))
    m = m.filter(policy.in_period_or_undated(m.sent_at))
    return m.select("message_id", "user_id", "sent_at", **delivered(m, "category"))


def with_reach(messages: ir.Table, reach: ir.Table) -> ir.Table:
    """Messages with COUNTS of their person's devices at the time of sending; zero where there are none."""
    m, r = messages, reach
    joined = m.left_join(r, [m.user_id == r.person, r.start <= m.sent_at, m.sent_at < r.until])
    return joined.select(*m.columns, **{n: joined[n].fill_null(0) for n in COUNTS})


@rule("PRM-04", severity="medium", clauses=["CL-131", "CL-170"])
def push_while_off(outbound_messages: ir.Table, permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """Push messages go only to people with a device that allows them."""
    population = pushed(outbound_messages, policy)
    rows = with_reach(population, reachable(devices, permission_events, policy))
    return Check(rows, not_allowed(rows), by=("category",), population=population)


def not_allowed(messages: ir.Table) -> list[Condition]:
    """Messages (as of `with_reach`) to people none of whose devices allows them."""
    m = messages
    return [
        unknown("clock_missing", m.sent_at.isnull()),
        passes(m.granted > 0),
        unknown("no_permission_record", (m.seen == 0) | (m.answered < m.seen)),
        review("clock_skew", (m.earlier > 0) | (m.later > 0)),
        violation("permission_off", m.seen > 0),
    ]


def blocks(events: ir.Table, policy: View) -> ir.Table:
    """One row per device on which a feature was blocked: `blocked` (at all), `unrelated` (one whose own permission was not refused,
    while another was), `without_info` (while device information was refused)."""
    b = events.filter(events.action == "feature_blocked", ~blank(events.device_id), events.event_at.notnull())
    b = join(b.select("device_id", "event_at", "permission"), permission_codes(events, policy), "permission")
    b = b.select("device_id", "event_at", code=b.requested).distinct()
    s = permission_states(events, policy)
    no = s.filter(s.state >= DENIED)
    pairs = b.left_join(no, [b.device_id == no.device, no.start <= b.event_at, b.event_at < no.until])
    pairs = pairs.select("device_id", "event_at", "code", "requested")
    # of one blocking: whether its own permission was refused, and what else was
    each = pairs.group_by(["device_id", "event_at", "code"]).agg(
        own=sure(pairs.requested == pairs.code).any(),
        other=sure(pairs.requested != pairs.code).any(),
        without_info=sure(pairs.requested == "device_info").any(),
    )
    return has(each, "device_id", blocked=each.device_id.notnull(), unrelated=each.other & ~each.own, without_info=each.without_info)


@rule("PRM-08", severity="medium", clauses=["CL-164", "CL-175"])
def refusal_blocks_others(permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """Refusing a permission disables no function that does not need it."""
    answering = with_answers(permission_events, devices, policy)
    refused = answering.filter(answering.refused)
    rows = ibis.union(refused.mutate(record="devices:" + refused.device_id), refused_nowhere(permission_events, refused))
    figures, row = blocked_features(answering), {"devices": "device_id"}
    return Check(rows, blocked_for_refusing(rows), record=rows.record, by=("platform",), figures=figures, stands_for=row)


def blocked_for_refusing(devices: ir.Table) -> list[Condition]:
    """Devices that refused a permission, and lost what does not need it."""
    return [
        unknown("device_missing", blank(devices.device_id)),
        review("service_refused", sure(devices.platform == "android") & devices.without_info),
        review("blocked_after_refusal", devices.unrelated),
    ]


def refused_nowhere(events: ir.Table, devices: ir.Table) -> ir.Table:
    """The refusals on the log that name no device, with the columns of `devices` and the record of the event."""
    e = events.filter(blank(events.device_id), events.action.isin(REFUSALS))
    empty = {name: nothing(devices[name]) for name in devices.columns}
    return e.select(**empty, record="permission_events:" + e.event_id)


def with_answers(events: ir.Table, devices: ir.Table, policy: View) -> ir.Table:
    """One row per device on the permission log: `refused` and `granted` (anything), user_id, platform, and what `blocks` says of it."""
    e = events.filter(~blank(events.device_id))
    d = e.group_by("device_id").agg(refused=sure(e.action.isin(REFUSALS)).any(), granted=sure(e.action == "granted").any())
    owners = devices.filter(devices.device_id.notnull())
    d = join(d, lookup(owners, "device_id", user_id=owners.user_id, platform=owners.platform), "device_id")
    return join(d, blocks(events, policy), "device_id")


def blocked_features(devices: ir.Table) -> dict[str, ir.Scalar]:
    """How many devices that refused something had a blocked feature, beside those that granted everything."""
    yes = ~devices.refused & devices.granted
    return {
        "Devices that refused a permission": devices.refused.sum().fill_null(0),
        "Of these, with a blocked feature": (devices.refused & devices.blocked).sum().fill_null(0),
        "Devices that granted all they were asked": yes.sum().fill_null(0),
        "Of these, also with a blocked feature": (yes & devices.blocked).sum().fill_null(0),
    }
