"""After a refusal: what is still sent to a device, and what no longer works on it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import earliest, latest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.permission_terms import DENIED, FOREVER, GRANTED, permission_codes, permission_states
from heytalk_audit.rules.terms import has, join, lookup


def spans(states: ir.Table, policy: View) -> dict[str, ir.Table]:
    """When a device counts as what, from `start` until before `until`: `seen`, `known` (it said yes or no since it was installed),
    `granted`, and `earlier` and `later`: granted if clocks differ by the skew. `states` has a row per device where it said nothing."""
    s = states
    no, end = s.state >= DENIED, ibis.literal(FOREVER, type="timestamp(6)")
    off_until = ibis.ifelse(no & sure(s.start < s.installed_at), earliest(s.until, s.installed_at), s.until)
    yes = s.filter(s.state == GRANTED)
    whole = s.group_by(["user_id", "device", "first_seen_at"]).agg(start=s.first_seen_at.min())
    return {
        "seen": whole.mutate(until=end),
        "known": s.filter(s.state.notnull()).mutate(until=off_until),
        "granted": yes,
        "earlier": yes.mutate(start=policy.after(yes.start, "skew_seconds"), until=policy.after(yes.until, "skew_seconds")),
        "later": yes.mutate(start=policy.before(yes.start, "skew_seconds"), until=policy.before(yes.until, "skew_seconds")),
    }


def reachable(devices: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """How many devices of a person count as what, from `start` until before `until`: one row per person and span, none overlapping.

    Each device adds one where it begins to count and takes one where it ends, so that neither devices nor messages multiply.
    """
    d = devices.filter(~blank(devices.user_id), ~blank(devices.device_id), ~sure(devices.platform == "web"))
    d = d.group_by(["user_id", "device_id"]).agg(first_seen_at=d.first_seen_at.min(), installed_at=d.installed_at.max())
    said = permission_states(events, policy, "push")
    s = d.left_join(said, d.device_id == said.device)
    s = s.select("user_id", "first_seen_at", "installed_at", "start", "until", "state", device="device_id")
    found = spans(s.filter(s.first_seen_at.notnull()), policy)
    steps = []
    for name, span in found.items():
        begin = latest(span.start, span.first_seen_at)
        # engines name the precision of a shifted instant differently
        span = span.select("user_id", begin=begin.cast("timestamp(6)"), until=span.until.cast("timestamp(6)"))
        span = span.filter(span.begin < span.until)
        for at, one in (("begin", 1), ("until", -1)):
            steps.append(span.select("user_id", start=at, **{n: ibis.literal(one if n == name else 0, type="int64") for n in found}))
    t = ibis.union(*steps)
    t = t.group_by(["user_id", "start"]).agg(**{n: t[n].sum() for n in found})
    person = ibis.window(group_by="user_id", order_by="start")
    so_far = ibis.cumulative_window(group_by="user_id", order_by="start")
    return t.select(
        "start",
        person="user_id",
        until=t.start.lead().over(person).fill_null(ibis.literal(FOREVER, type="timestamp(6)")),
        **{n: t[n].sum().over(so_far) for n in found},
    )


@rule("PRM-04", severity="medium", clauses=["CL-131", "CL-170"])
def push_while_off(outbound_messages: ir.Table, permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """Push messages go only to people who have a device that allows them.

    Every push message that was not held back. Counted are the person's devices seen by then, browsers left out. One that allows it is
    enough. A person without a device, or with one that never answered since it was last installed, is unknown. Where all have refused,
    a permission that was on shortly before or after is for a person to decide, and anything else a violation.
    """
    m = outbound_messages.filter(sure(outbound_messages.channel == "push"), ~sure(outbound_messages.status == "suppressed"))
    m = m.select("message_id", "user_id", "category", "sent_at")
    r = reachable(devices, permission_events, policy)
    joined = m.left_join(r, [m.user_id == r.person, r.start <= m.sent_at, m.sent_at < r.until])
    counts = {n: joined[n].fill_null(0) for n in ("seen", "known", "granted", "earlier", "later")}
    rows = joined.select(*m.columns, **counts)
    return Check(
        rows,
        [
            unknown("clock_missing", rows.sent_at.isnull()),
            passes(rows.granted > 0),
            unknown("no_permission_record", (rows.seen == 0) | (rows.known < rows.seen)),
            review("clock_skew", (rows.earlier > 0) | (rows.later > 0)),
            violation("permission_off", rows.seen > 0),
        ],
        by=("category",),
        population=m,
    )


def blocks(events: ir.Table, policy: View) -> ir.Table:
    """One row per device on which a feature was blocked: `blocked` (at all), `unrelated` (one whose own permission was not refused,
    while another was), `without_info` (while device information was refused)."""
    named = permission_codes(events, policy)
    b = events.filter(events.action == "feature_blocked", ~blank(events.device_id), events.event_at.notnull())
    b = join(b.select("device_id", "event_at", "permission"), named, "permission")
    b = b.select("device_id", "event_at", code=b.asked).distinct()
    s = permission_states(events, policy)
    no = s.filter(s.state >= DENIED)
    pairs = b.left_join(no, [b.device_id == no.device, no.start <= b.event_at, b.event_at < no.until])
    pairs = pairs.select("device_id", "event_at", "code", "asked")
    # of one blocking: whether its own permission was refused, and what else was
    each = pairs.group_by(["device_id", "event_at", "code"]).agg(
        own=sure(pairs.asked == pairs.code).any(),
        other=sure(pairs.asked != pairs.code).any(),
        without_info=sure(pairs.asked == "device_info").any(),
    )
    return has(each, "device_id", blocked=each.device_id.notnull(), unrelated=each.other & ~each.own, without_info=each.without_info)


@rule("PRM-08", severity="medium", clauses=["CL-164", "CL-175"])
def refusal_blocks_others(permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """Refusing a permission takes away nothing that does not need it.

    Every device that denied or revoked a permission. A feature that was blocked while its own permission was not refused, and another one
    was, is for a person to decide; so is, on Android, any that was blocked while device information was refused, as the policy itself
    announces. Nothing here is a violation by itself: the figures set devices that refused beside those that granted all they were asked,
    and people who refuse may use the app differently.
    """
    e = permission_events.filter(~blank(permission_events.device_id))
    d = e.group_by("device_id").agg(refused=sure(e.action.isin(["denied", "revoked"])).any(), granted=sure(e.action == "granted").any())
    owners = devices.filter(devices.device_id.notnull())
    d = join(d, lookup(owners, "device_id", user_id=owners.user_id, platform=owners.platform), "device_id")
    d = join(d, blocks(e, policy), "device_id")
    rows, yes = d.filter(d.refused), ~d.refused & d.granted
    return Check(
        rows,
        [
            review("service_refused", sure(rows.platform == "android") & rows.without_info),
            review("blocked_after_refusal", rows.unrelated),
        ],
        record="devices:" + rows.device_id,
        by=("platform",),
        figures={
            "Devices that refused a permission": d.refused.sum().fill_null(0),
            "Of these, with a blocked feature": (d.refused & d.blocked).sum().fill_null(0),
            "Devices that granted all they were asked": yes.sum().fill_null(0),
            "Of these, also with a blocked feature": (yes & d.blocked).sum().fill_null(0),
        },
    )
