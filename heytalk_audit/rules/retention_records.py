"""Retention of records: traffic, consent, support, copies, payment details, and data without a stated period."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import hold
from heytalk_audit.expressions.calendar import earliest, latest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import (
    join,
    lookup,
    only_if,
)

#: Tables of personal data for which the policy states no period.
UNSTATED = (
    "content_items",
    "devices",
    "promotion_entries",
    "social_accounts",
    "permission_events",
    "disclosures",
    "transactions",
    "rights_requests",
)


@rule("RET-07", severity="high", clauses=["CL-042", "CL-049", "CL-187"])
def traffic_kept_over_a_year(traffic_events: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """Traffic data is kept for one year.

    An event without user, device or address identifies nobody, and passes. One dated after the audit is unknown.
    """
    t = traffic_events
    named = {column: ~blank(t[column]) for column in ("user_id", "device_id", "ip")}
    return Check(
        t,
        [
            passes(~(named["user_id"] | named["device_id"] | named["ip"])),
            unknown("clock_future", policy.future(t.event_at)),
            violation("over_one_year", policy.over(t.event_at, "traffic"), policy.due(t.event_at, "traffic")),
        ],
        exempt=hold(retention_exceptions, "traffic_events", named),
        by=("event_type",),
    )


def with_events(calendar: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """The days of a calendar with `n`, how many events each has."""
    day = policy.date(events.event_at)
    daily = events.group_by(day=day).agg(n=events.count())
    c = calendar.left_join(daily, "day", rname="other_{name}").drop("other_day")
    return c.mutate(n=c.n.fill_null(0))


@rule("RET-08", severity="low", clauses=["CL-187"])
def traffic_missing(calendar: ir.Table, traffic_events: ir.Table, policy: View) -> Check:
    """Traffic data is there for the whole year that it is kept.

    Each of the days before the audit: without an event, or with far fewer than on a mean day, it is for a person to decide.
    Test accounts count: what is looked for is lost data, not people.
    """
    c = with_events(calendar, traffic_events, policy)
    mean = c.n.sum().over(ibis.window()) / policy.number("traffic_calendar")
    c = c.mutate(mean=mean)
    return Check(
        c,
        [
            review("no_traffic", c.n == 0),
            review("low_volume", c.n < mean * policy.number("low_traffic")),
        ],
        record="calendar:" + c.day.cast("string"),
        by=("month",),
    )


def with_reliance(consents: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Records of consent with `follows` (the next event of that person and purpose), `in_users` (whether the person is there) and `end`
    (of the reliance on it: the next event, or the account's purge)."""
    times = consents.filter(policy.by_now(consents.event_at)).select("user_id", "purpose", "event_at").distinct()
    follows = times.event_at.lead().over(ibis.window(group_by=[times.user_id, times.purpose], order_by=times.event_at))
    times = times.mutate(follows=follows)
    c = join(consents, times, ["user_id", "purpose", "event_at"])
    c = join(c, lookup(users, "user_id", purged_at=users.purged_at, in_users=users.user_id.notnull()))
    purge = only_if(policy.by_now(c.purged_at), latest(c.purged_at, c.event_at))
    return c.mutate(end=earliest(c.follows, purge))


@rule("RET-09", severity="medium", clauses=["CL-188"])
def consent_record_kept(consents: ir.Table, users: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """A record of consent or of accepted terms is kept for five years.

    Counted from the end of reliance (the next event of that person and purpose, or the account's purge), a record kept longer
    is a violation; counted from the record itself it is for a person to decide. If the end of reliance can't be known,
    because the person is not in the snapshot, it is unknown.
    """
    c = with_reliance(consents, users, policy)
    over = policy.over(c.event_at, "consent_records")
    return Check(
        c,
        [
            unknown("clock_future", policy.future(c.event_at)),
            unknown("user_missing", over & c.follows.isnull() & ~c.in_users),
            violation("over_five_years", policy.over(c.end, "consent_records"), policy.due(c.end, "consent_records")),
            review("over_from_record", over, policy.due(c.event_at, "consent_records")),
        ],
        exempt=hold(retention_exceptions, "consents"),
        by=("purpose",),
    )


def in_one_shape(table: ir.Table, source: str, key: ir.StringValue, **flags: ir.BooleanValue) -> ir.Table:
    """Rows of one source in the shape of all: user_id, `source`, `record`, and flags of what is the matter, false where not named."""
    none = {"lost": False, "future": False, "unlogged": False, "early": False, "orphan": False}
    return table.select(table.user_id, source=ibis.literal(source), record=f"{source}:" + key, **(none | flags))


def marketing_sent(messages: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Marketing sent within the period; it is `lost` where there is no record of consent to that channel."""
    m = messages.filter(messages.category == "marketing", messages.status != "suppressed")
    m = m.filter(policy.by_now(m.sent_at), ~policy.over(m.sent_at, "consent_records"))
    recorded = consents.select(user_id=consents.user_id, purpose=consents.purpose).distinct().mutate(recorded=True)
    m = m.mutate(purpose="marketing_" + m.channel)
    m = m.left_join(recorded, ["user_id", "purpose"], rname="other_{name}")
    return in_one_shape(m, "outbound_messages", m.message_id, lost=m.recorded.isnull())


def withdrawals(consents: ir.Table, policy: View) -> ir.Table:
    """Withdrawals within the period; one is an `orphan` where nothing was granted before it."""
    w = consents.filter(consents.action == "withdraw", policy.by_now(consents.event_at), ~policy.over(consents.event_at, "consent_records"))
    g = consents.filter(consents.action == "grant").group_by("user_id", "purpose").agg(first=lambda t: t.event_at.min())
    w = w.left_join(g, ["user_id", "purpose"], rname="other_{name}")
    return in_one_shape(w, "consents", w.consent_id, orphan=~sure(w["first"] <= w.event_at))


def purges_of_consents(purge_log: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Purges of records of consent: dated in the `future`, of nobody in users (`unlogged`), or too `early` after the registration."""
    p = join(purge_log.filter(purge_log.table_name == "consents"), lookup(users, "user_id", born=users.created_at))
    early = sure(policy.date(p.purged_at) <= policy.due(p.born, "consent_records"))
    return in_one_shape(p, "purge_log", p.purge_id, future=policy.future(p.purged_at), unlogged=p.born.isnull(), early=early)


@rule("RET-10", severity="high", clauses=["CL-188"])
def consent_record_lost(consents: ir.Table, users: ir.Table, outbound_messages: ir.Table, purge_log: ir.Table, policy: View) -> Check:
    """A record of consent is there for as long as it may have to be shown.

    Marketing sent, consents withdrawn and consent records purged, each within the period. A send without any record of
    consent to that channel, or a withdrawal of what was never granted, is for a person to decide. A purge of consent records
    within the period after the person registered is a violation; a person who is not in the snapshot makes it unknown.
    """
    sent = marketing_sent(outbound_messages, consents, policy)
    rows = ibis.union(sent, withdrawals(consents, policy), purges_of_consents(purge_log, users, policy))
    conditions = [
        unknown("clock_future", rows.future),
        unknown("record_age_unknown", rows.unlogged),
        violation("purged_within_five_years", rows.early),
        review("no_consent_record", rows.lost),
        review("withdrawal_without_grant", rows.orphan),
    ]
    return Check(rows, conditions, record=rows.record, by=("source",))


@rule("RET-11", severity="high", clauses=["CL-035", "CL-191", "CL-192"])
def support_kept_over_six_years(support_tickets: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """Correspondence with support is deleted after six years without a follow-up.

    A message of either side, or a reopening, starts the period again. An open ticket has no due day, but one that nobody
    touched for long is for a person to decide. A ticket without text keeps the promise.
    """
    t, clocks = support_tickets, ("opened_at", "last_customer_at", "last_agent_at", "reopened_at")
    t = t.mutate(last=latest(*(t[c] for c in clocks)), open=t.closed_at.isnull() | sure(t.reopened_at >= t.closed_at))
    text = ~blank(t.text)
    kept = ~t.open & policy.over(t["last"], "support") & text
    due = policy.due(t["last"], "support")
    conditions = [
        unknown("clock_future", policy.future(*(t[c] for c in clocks), t.closed_at, t.purged_at)),
        violation("residue_after_purge", kept & t.purged_at.notnull(), due),
        violation("over_six_years", kept, due),
        review("zombie_open", t.open & policy.over(t["last"], "support_untouched") & text, policy.due(t["last"], "support_untouched")),
    ]
    return Check(t, conditions, exempt=hold(retention_exceptions, "support_tickets", {"text": text}))


@rule("RET-16", severity="medium", clauses=["CL-026", "CL-027", "CL-158", "CL-178"])
def no_stated_period(delivered_tables: ir.Table, policy: View) -> Check:
    """Data is kept only for as long as it is needed, also where no period is stated.

    The delivered tables of personal data for which the policy states no period. One that reaches back further than a year is
    for a person to decide.
    """
    t = delivered_tables.filter(delivered_tables.table_name.isin(UNSTATED))
    old = sure(t.rows > 0) & policy.over(t.min_ts, "unstated")
    return Check(
        t,
        [
            review("no_stated_period", old, policy.due(t.min_ts, "unstated")),
        ],
        by=("table_name",),
    )


@rule("RET-19", severity="medium", clauses=[])
def copy_outlives_source(content_items: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """A copy made from an item goes when the item goes.

    Thumbnails, transcripts and other items with a parent. A copy that is still there beyond the allowance after its parent's
    deletion is a violation; a parent that is not delivered is for a person to decide.
    """
    items = content_items
    parents = lookup(items, "content_id", source_deleted_at=items.deleted_at, delivered=items.content_id.notnull())
    c = join(items.filter(~blank(items.parent_id)), parents.rename(parent_id="content_id"), "parent_id")
    due = policy.date(policy.after(c.source_deleted_at, "removal_allowance"))
    conditions = [
        unknown("clock_future", policy.future(c.created_at, c.deleted_at)),
        passes(c.deleted_at.notnull()),
        review("parent_missing", ~c.delivered),
        violation("copy_outlives_source", policy.passed(c.source_deleted_at, "removal_allowance"), due),
    ]
    return Check(c, conditions, exempt=hold(retention_exceptions, "content_items"), by=("visibility",))


@rule("RET-20", severity="medium", clauses=["CL-030"])
def payout_details_kept(promotion_entries: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """A winner's payment details are kept only for as long as the payment needs them.

    Entries won, paid or with details held; without details the promise is kept. Paid longer ago than the tax period, or won
    over a year ago and never paid, is a violation. Details without any date are unknown.
    """
    p = promotion_entries
    p = p.filter(p.won_at.notnull() | p.paid_at.notnull() | p.payout_details_held)
    unpaid = p.paid_at.isnull() & policy.over(p.won_at, "prize_unclaimed")
    return Check(
        p,
        [
            passes(~p.payout_details_held),
            unknown("clock_missing", p.won_at.isnull() & p.paid_at.isnull()),
            unknown("clock_future", policy.future(p.won_at, p.paid_at)),
            violation("paid_over_tax_period", policy.over(p.paid_at, "prize_tax"), policy.due(p.paid_at, "prize_tax")),
            violation("unpaid_over_12m", unpaid, policy.due(p.won_at, "prize_unclaimed")),
        ],
        exempt=hold(retention_exceptions, "promotion_entries", {"payout_details_held": p.payout_details_held}),
    )
