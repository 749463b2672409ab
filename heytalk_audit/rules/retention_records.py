"""Retention of records: traffic, consent, support, holds, residue, copies, payment details."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import hold
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.addresses import has_email
from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.residue import payout_faults
from heytalk_audit.rules.retention_records_terms import (
    back_dated,
    hold_over,
    marketing_sent,
    purged_people,
    purges_of_consents,
    residue_in,
    searched,
    still_there,
    with_circumstances,
    with_events,
    with_reliance,
    withdrawals,
)
from heytalk_audit.rules.terms import any_flag, join, lookup

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
    """Traffic data is kept no longer than one year."""
    t = traffic_events
    named = {column: ~blank(t[column]) for column in ("user_id", "device_id", "ip")}
    telling = has_email(t.url, policy.declared["file_endings"].words)
    over, due, linked = policy.over(t.event_at, "traffic"), policy.due(t.event_at, "traffic"), any_flag(list(named.values()))
    conditions = [
        passes(~linked & ~telling),
        unknown("clock_future", policy.future(t.event_at)),
        violation("over_one_year", over & linked, due),
        review("identifying_url", over, due),
    ]
    exempt = hold(retention_exceptions, "traffic_events", named | {"url": telling})
    return Check(t, conditions, exempt=exempt, by=("event_type",))


@rule("RET-08", severity="low", clauses=["CL-187"])
def traffic_missing(calendar: ir.Table, traffic_events: ir.Table, policy: View) -> Check:
    """Traffic data is complete for the year for which it is kept."""
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


@rule("RET-09", severity="medium", clauses=["CL-188"])
def consent_record_kept(consents: ir.Table, users: ir.Table, retention_exceptions: ir.Table, policy: View, present: Present) -> Check:
    """A record of consent or of accepted terms is kept no longer than five years."""
    c = with_reliance(consents, users, present, policy)
    over = policy.over(c.event_at, "consent_records")
    return Check(
        c,
        [
            unknown("clock_future", policy.future(c.event_at)),
            unknown("user_missing", over & c.follows.isnull() & ~c.known),
            violation("over_five_years", policy.over(c.end, "consent_records"), policy.due(c.end, "consent_records")),
            review("over_from_record", over, policy.due(c.event_at, "consent_records")),
        ],
        exempt=hold(retention_exceptions, "consents"),
        by=("purpose",),
    )


@rule("RET-10", severity="high", clauses=["CL-188"])
def consent_record_lost(consents: ir.Table, users: ir.Table, outbound_messages: ir.Table, purge_log: ir.Table, policy: View) -> Check:
    """A record of consent is kept for as long as the company may have to prove the consent."""
    sent = marketing_sent(outbound_messages, consents, users, policy)
    rows = ibis.union(sent, withdrawals(consents, users, policy), purges_of_consents(purge_log, users, policy))
    conditions = [
        unknown("clock_future", rows.future),
        unknown("record_age_unknown", rows.stranger),
        violation("purged_within_five_years", rows.early),
        review("no_consent_record", rows.lost),
        review("withdrawal_without_grant", rows.orphan),
    ]
    return Check(rows, conditions, record=rows.record, by=("source",))


@rule("RET-11", severity="high", clauses=["CL-035", "CL-191", "CL-192"])
def support_kept_over_six_years(support_tickets: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """Correspondence with support is deleted after six years without a follow-up."""
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


@rule("RET-12", severity="high", clauses=["CL-189"])
def hold_invalid(retention_exceptions: ir.Table, users: ir.Table, policy: View) -> Check:
    """Data is kept beyond its period only for a dispute, a legal duty or fraud, and only until that is resolved."""
    x = with_circumstances(retention_exceptions, users, policy)
    conditions = [
        unknown("clock_future", policy.future(x.started_at, x.reviewed_at)),
        unknown("clock_contradiction", sure(x.ended_at < x.started_at)),
        violation("no_owner", x.open & blank(x.owner)),
        violation("no_reason", x.open & blank(x.reason_code) & blank(x.reference)),
        violation("no_scope", x.open & ~x.tokens.re_search("[^;]")),
        violation("back_dated", back_dated(x, policy), x.due),
        violation("review_overdue", x.open & policy.over(x["last"], "hold_review_months"), policy.due(x["last"], "hold_review_months")),
        review("scope_all", x.open & x.wide),
        review("mass_hold", x.open & x.massed),
    ]
    return Check(x, conditions, by=("type",))


@rule("RET-15", severity="critical", clauses=["CL-159", "CL-183"])
def residue_after_purge(
    users: ir.Table,
    profile_attributes: ir.Table,
    outbound_messages: ir.Table,
    purge_log: ir.Table,
    retention_exceptions: ir.Table,
    policy: View,
    present: Present,
) -> Check:
    """A purge removes the person's data from every table."""
    required = {"users": users, "profile_attributes": profile_attributes, "outbound_messages": outbound_messages}
    tables = searched(required, present, policy)
    pairs = residue_in(tables, purged_people(users, purge_log, policy), users, retention_exceptions, policy)
    exempt, record = hold_over(retention_exceptions, pairs, tables, policy), pairs.table_name + ":" + pairs.user_id
    return Check(pairs, still_there(pairs), exempt=exempt, record=record, by=("table_name",), stands_for={"users": "user_id"})


@rule("RET-16", severity="medium", clauses=["CL-026", "CL-027", "CL-158", "CL-178"])
def no_stated_period(delivered_tables: ir.Table, policy: View) -> Check:
    """Data without a stated period is kept only for as long as it is needed."""
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
    """A copy of an item is deleted together with the item."""
    items = content_items
    facts = {"source_deleted_at": items.deleted_at, "source_user": items.user_id}
    parents = lookup(items, "content_id", **facts, delivered=items.content_id.notnull())
    c = join(items.filter(~blank(items.parent_id)), parents.rename(parent_id="content_id"), "parent_id")
    late = policy.passed(c.source_deleted_at, "withdrawal_hours")
    due = policy.date(policy.after(c.source_deleted_at, "withdrawal_hours"))
    conditions = [
        unknown("clock_future", policy.future(c.created_at, c.deleted_at)),
        passes(c.deleted_at.notnull()),
        review("parent_missing", ~c.delivered),
        review("copy_of_somebody_else", late & ~sure(c.user_id == c.source_user), due),
        violation("copy_outlives_source", late, due),
    ]
    return Check(c, conditions, exempt=hold(retention_exceptions, "content_items"), by=("visibility",))


@rule("RET-20", severity="medium", clauses=["CL-030"])
def payout_details_kept(promotion_entries: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """A winner's payment details are kept only for as long as the payment needs them."""
    p = promotion_entries
    p = p.filter(p.won_at.notnull() | p.paid_at.notnull() | p.payout_details_held)
    return Check(
        p,
        [
            passes(~p.payout_details_held),
            *payout_faults(p, policy),
        ],
        exempt=hold(retention_exceptions, "promotion_entries", {"payout_details_held": p.payout_details_held}),
    )
