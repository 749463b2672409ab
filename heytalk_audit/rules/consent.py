"""Consent where data is used: marketing, media, identifiers."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, OverTime, passes, review, rule, unknown, violation
from heytalk_audit.audit.people import newest_rows, one_row_each, without_tests
from heytalk_audit.expressions.calendar import earliest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import (
    EXPIRED,
    NO_RECORD,
    consented,
    expiries,
    is_granted,
    is_negative,
    is_stopped,
    is_valid,
    not_consented,
    refusals,
    states,
    with_state,
    with_test,
)
from heytalk_audit.rules.terms import (
    any_of,
    contact_unclear,
    deletion_unclear,
    doubt_columns,
    doubts_of,
    join,
    lookup,
    only_if,
    real_ad_id,
    with_contact,
    with_deletion,
)

MARKETING = "marketing_"
OVER_TIME = {
    "rows": "Sends",
    "pass": "with consent in force",
    "violation": "without consent, or after its withdrawal",
    "people": "People who agree",
    "who": "people whose consent to this channel is in force at the end of the month, or of the period",
}


def sends(messages: ir.Table, policy: View, *categories: str) -> ir.Table:
    """What was sent in the audit's period of these categories."""
    return messages.filter(policy.in_period(messages.sent_at), messages.category.isin(categories), messages.status != "suppressed")


def on_channels(messages: ir.Table, policy: View, *categories: str) -> ir.Table:
    """The same; its `purpose` is the channel that it needs consent for."""
    m = sends(messages, policy, *categories)
    return m.mutate(purpose=m.channel)


def month_of(day: ir.DateValue) -> ir.StringValue:
    """The month of a date, as 2025-01."""
    return day.cast("string").substr(0, 7)


def with_month(messages: ir.Table, policy: View) -> ir.Table:
    """Sends with their local `month`. Asked for after the joins, so that it is computed for what remains alone."""
    return messages.mutate(month=month_of(policy.date(messages.sent_at)))


def marketing_states(consents: ir.Table, policy: View) -> ir.Table:
    """The states of consent to marketing, as of `states`, with the channel alone as their purpose: a short key, so that ten million sends
    are joined to it fast."""
    held = states(consents, policy)
    return held.filter(held.for_purpose.startswith(MARKETING)).mutate(for_purpose=held.for_purpose.substr(len(MARKETING)))


def over_time(messages: ir.Table, held: ir.Table, users: ir.Table, policy: View) -> OverTime | None:
    """Sends month by month and channel by channel, beside the people whose consent is in force when the month ends."""
    if not policy.months:
        return None
    m = without_tests(messages, users)
    people = without_tests(held.filter(is_valid(held.state)).mutate(user_id=held.person), users)
    begun, ended = policy.date(people.start), policy.date(people.until)
    counts = {f"n_{month}": ((begun < day) & (ended >= day)).sum() for month, day in policy.months}
    wide = people.group_by(panel="for_purpose").agg(**counts)
    beside = ibis.union(*[wide.select("panel", month=ibis.literal(month), n=wide[f"n_{month}"]) for month, _ in policy.months])
    days = m.group_by("channel", day=policy.date(m.sent_at)).agg(n=m.count())
    population = days.group_by(panel="channel", month=month_of(days.day)).agg(n=days.n.sum())
    return OverTime(population, beside, "channel", "month", OVER_TIME)


@rule("CON-01", severity="critical", clauses=["CL-036", "CL-113", "CL-118", "CL-131", "CL-132", "CL-133"])
def marketing_without_consent(outbound_messages: ir.Table, users: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Nobody receives marketing on a channel without prior explicit consent to it."""
    sent, held = on_channels(outbound_messages, policy, "marketing", "unknown"), marketing_states(consents, policy)
    m = with_month(with_test(sent, "sent_at", held, policy), policy)
    conditions = [
        *consented(m),
        review("category_unknown", sure(m.category == "unknown")),
        *not_consented(m),
    ]
    return Check(m, conditions, by=("channel", "month"), over_time=over_time(sent, held, users, policy), population=sent)


def ever_stopped(consents: ir.Table, policy: View) -> ir.Table:
    """The states of consent to marketing, of those who at some time withdrew it or opted out."""
    held = marketing_states(consents, policy)
    return held.filter(held.first_stop.notnull())


def within_hours(m: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether a send came at most some hours after the withdrawal (`m` as of `with_test`)."""
    return sure(m.sent_at <= policy.after(m.state_since, "withdrawal_queue"))


def within_days(m: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether it came at most some working days after."""
    return sure(policy.date(m.sent_at) <= policy.working_day(policy.date(m.state_since), "withdrawal_days"))


def after_stops(messages: ir.Table, held: ir.Table, policy: View) -> ir.Table:
    """Sends after the first withdrawal or opt-out, as of `with_test`, with `month` and, in words, `delay_after_withdrawal`."""
    m = with_test(messages, "sent_at", held, policy, keep=("first_stop",))
    m = with_month(m.filter(m.first_stop <= m.sent_at), policy)
    soon, in_days = within_hours(m, policy), within_days(m, policy)
    hours, days = (policy.number(name) for name in ("withdrawal_queue", "withdrawal_days"))
    return m.mutate(
        delay_after_withdrawal=ibis.cases((soon, f"{hours} hours at most"), (in_days, f"{days} working days at most"), else_="beyond")
    )


@rule("CON-02", severity="critical", clauses=["CL-131", "CL-132", "CL-133", "CL-134"])
def marketing_after_withdrawal(outbound_messages: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Marketing stops when consent is withdrawn."""
    m, held = on_channels(outbound_messages, policy, "marketing"), ever_stopped(consents, policy)
    sent = with_state(m, "state", m.sent_at, held, keep=("first_stop",))
    sent = sent.filter(sent.first_stop <= sent.sent_at)
    m = after_stops(m, held, policy)
    conditions = [
        passes(~is_stopped(m.state)),
        review("clock_skew", ~is_stopped(m.earlier) | ~is_stopped(m.later)),
        review("bounced", sure(m.status == "bounced")),
        violation("within_24h", within_hours(m, policy)),
        violation("within_3_business_days", within_days(m, policy)),
        violation("beyond", is_stopped(m.state)),
    ]
    return Check(m, conditions, by=("channel", "month", "delay_after_withdrawal"), population=sent)


@rule("CON-05", severity="high", clauses=["CL-055", "CL-056"])
def media_without_consent(content_items: ir.Table, consents: ir.Table, policy: View) -> Check:
    """A photo or video is collected only after its author agreed to it."""
    collected = content_items.filter(content_items.kind.isin(["photo", "video"]), blank(content_items.parent_id))
    collected = collected.mutate(purpose=ibis.literal("media"))
    c = with_test(collected, "created_at", states(consents, policy, "media"), policy)
    picked = c.state.isin([NO_RECORD, EXPIRED]) & sure(c.selection_method == "user_selected")
    picked = policy.depending(picked, "picker_is_consent")
    conditions = [
        unknown("clock_future", policy.future(c.created_at)),
        *consented(c),
        passes(picked) if policy.setting("picker_is_consent") else review("picker_only", picked),
        *not_consented(c),
    ]
    return Check(c, conditions, by=("kind", "selection_method"), population=collected)


def identified_devices(devices: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Devices with a real advertising id, of people whose law asks for a choice or is not known, with the `purpose` of that choice."""
    people = one_row_each(users, policy)
    d = join(devices, lookup(people, "user_id", law_region=people.law_region))
    d = d.filter(real_ad_id(d), d.law_region.isnull() | d.law_region.isin(["EEA", "UK", "TR"]))
    return d.mutate(purpose=(d.platform == "web").ifelse("cookies", "personalised_ads"))


def with_choice_states(devices: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Devices with the states of their choice `now` and `at_first`, when they were first seen, `negative_since` if it is refused, and
    `expired_at`: the last end of the grants since the last refusal."""
    held = states(consents, policy, "cookies", "personalised_ads")
    d = with_state(devices, "now", policy.as_of, held)
    d = with_state(d, "at_first", d.first_seen_at, held)
    d = join(d, expiries(consents, policy), ["user_id", "purpose"])
    return join(d, refusals(consents, policy), ["user_id", "purpose"])


def still_time(d: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an id may still be there after the choice was refused, or has ended (`d` as of `with_choice_states`)."""
    refused = is_negative(d.now) & ~policy.passed(d.negative_since, "withdrawal_hours")
    return refused | ((d.now == EXPIRED) & ~policy.passed(d.expired_at, "withdrawal_hours"))


@rule("CON-08", severity="high", clauses=["CL-054", "CL-097", "CL-101", "CL-147"])
def identifier_before_choice(devices: ir.Table, users: ir.Table, consents: ir.Table, policy: View) -> Check:
    """An advertising or cookie id is stored only for people who chose to allow it."""
    d = with_choice_states(identified_devices(devices, users, policy), consents, policy)
    conditions = [
        unknown("region_missing", d.law_region.isnull()),
        unknown("clock_future", policy.future(d.first_seen_at)),
        passes((is_valid(d.now) & is_valid(d.at_first)) | still_time(d, policy)),
        review("granted_later", is_valid(d.now)),
        violation("present_after_refusal", is_negative(d.now)),
        violation("expired", d.now == EXPIRED),
        violation("not_explicit", is_granted(d.now)),
        review("os_permission_only", sure(d.att_status == "authorized")),
        violation("no_choice", d.now == NO_RECORD),
    ]
    return Check(d, conditions, by=("platform",))


def account_states(users: ir.Table, subscriptions: ir.Table, policy: View) -> ir.Table:
    """One row per person: `in_users`, `barred`, the day on which the purge falls `due`, the times of deletion, and doubts about it as
    columns."""
    u = newest_rows(with_contact(with_deletion(users, policy), subscriptions, policy))
    unclear = any_of(contact_unclear(u, policy))
    due = only_if(u.live & ~u.premium & ~unclear, policy.due(u.anchor, "inactivity"))
    times = {n: u[n] for n in ("deleted_at", "restored_at", "purged_at")}
    barred, doubts = u.status.isin(["suspended", "banned"]), doubt_columns(deletion_unclear(u, policy))
    return lookup(u, "user_id", in_users=u.user_id.notnull(), barred=barred, due=due, **doubts, **times)


def gone_by_sending(m: ir.Table) -> ir.TimestampValue:
    """When the account that a send went to was purged, or deleted and not restored by the time of sending."""
    restored = sure((m.deleted_at <= m.restored_at) & (m.restored_at <= m.sent_at))
    return earliest(m.purged_at, only_if(~restored, m.deleted_at))


@rule("CON-09", severity="high", clauses=[])
def marketing_to_the_gone(outbound_messages: ir.Table, users: ir.Table, subscriptions: ir.Table, policy: View) -> Check:
    """Nobody receives marketing once their account is deleted, purged, suspended or due to be purged."""
    person = account_states(users, subscriptions, policy)
    m = with_month(join(sends(outbound_messages, policy, "marketing"), person), policy)
    gone = gone_by_sending(m)
    conditions = [
        unknown("user_missing", ~m.in_users),
        *doubts_of(m, deletion_unclear(with_deletion(users, policy), policy)),
        violation("after_deletion", sure(m.sent_at > policy.after(gone, "clock_skew"))),
        violation("inactive_due", sure(policy.date(m.sent_at) > m.due)),
        review("clock_skew", sure(m.sent_at > gone)),
        review("suspended", m.barred),
    ]
    return Check(m, conditions, by=("channel", "month"))
