"""Retention of accounts: deletion, purge, inactivity, bans, restores."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Excuse, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import Hold, Part, hold
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.residue import beside_users, parts_of, with_residue
from heytalk_audit.rules.retention_terms import (
    banned_and_due,
    due_or_purged,
    in_excess,
    not_yet_due,
    parts_kept,
    parts_overdue,
    purge_missed,
    restored_accounts,
    roll_forward,
    with_classes,
    with_group_size,
    with_purge_records,
    with_shown,
    with_stamps,
    with_ticket,
    with_traffic,
)
from heytalk_audit.rules.terms import (
    contact_unclear,
    deletion_unclear,
    firm_entitlements,
    has,
    join,
    leaving,
    real_ad_id,
    with_contact,
    with_deletion,
    with_gone,
    with_identifiers,
)


@rule("RET-01", severity="critical", clauses=["CL-179", "CL-180", "CL-183"])
def deleted_account_kept(users: ir.Table, retention_exceptions: ir.Table, policy: View, present: Present) -> Check:
    """A deleted account is purged six months after its deletion."""
    u = with_identifiers(leaving(users, policy), policy)
    u, rest, chat = with_residue(u, beside_users(present, policy), users, retention_exceptions, policy)
    conditions = [
        *deletion_unclear(u, policy),
        unknown("clock_future", policy.future(u.requested_at)),
        *purge_missed(u, rest, chat, policy),
    ]
    exempt = Hold(retention_exceptions, parts_overdue(u, rest, chat, policy))
    return Check(u, conditions, exempt=exempt, by=("status", "law_region"))


@rule("RET-02", severity="high", clauses=["CL-022", "CL-182"])
def deleted_account_shown(users: ir.Table, profile_attributes: ir.Table, content_items: ir.Table, policy: View) -> Check:
    """A deleted account is no longer shown."""
    u = with_deletion(users, policy)
    u = with_shown(u.filter(u.is_gone), profile_attributes, content_items, policy)
    conditions = [
        *deletion_unclear(u, policy),
        unknown("visibility_missing", u.profile_visibility.isnull() & u.purged_at.isnull()),
        passes(~policy.passed(u.gone, "hide_hours")),
        violation("profile_public", sure(u.profile_visibility == "public")),
        violation("attribute_public", u.a_public),
        violation("content_public", u.c_public),
        review("profile_friends", sure(u.profile_visibility == "friends")),
        review("attribute_friends", u.a_friends),
        review("content_shared", u.c_shared),
    ]
    return Check(u, conditions, by=("profile_visibility",))


@rule("RET-03", severity="medium", clauses=["CL-181"])
def more_than_some_data_kept(
    users: ir.Table, profile_attributes: ir.Table, content_items: ir.Table, devices: ir.Table, retention_exceptions: ir.Table, policy: View
) -> Check:
    """Until its purge, only some data of a deleted account is kept, for security."""
    u = with_classes(not_yet_due(users, policy), profile_attributes, content_items, policy)
    u = join(u, has(devices, "user_id", ad_id=real_ad_id(devices)))
    excess, parts = in_excess(u, policy)
    conditions = [*deletion_unclear(u, policy), passes(~policy.passed(u.gone, "withdrawal_hours")), *excess]
    return Check(u, conditions, exempt=Hold(retention_exceptions, parts, policy.today), by=("law_region",))


@rule("RET-04", severity="low", clauses=["CL-179"])
def purged_early(users: ir.Table, purge_log: ir.Table, policy: View) -> Check:
    """A deleted account is kept for the whole period before it is purged."""
    u = with_gone(users, policy)
    u = u.filter(u.gone.notnull(), policy.in_period(u.purged_at))
    u = join(u, has(purge_log, "user_id", logged=purge_log.user_id.notnull(), on_request=purge_log.trigger == "request"))
    due = policy.due(u.gone, "account_window")
    early = sure(policy.date(u.purged_at) < due)
    return Check(
        u,
        [
            unknown("clock_contradiction", sure(u.purged_at < u.gone)),
            violation("early_purge", early & u.logged, due),
            review("no_purge_record", early, due),
        ],
        exempt=Excuse("erasure_request", u.on_request),
    )


@rule("RET-05", severity="critical", clauses=["CL-184", "CL-185", "CL-186"])
def inactive_account_kept(users: ir.Table, subscriptions: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """An account without contact for five years is purged, unless it is premium."""
    u = with_stamps(with_contact(with_deletion(users, policy), subscriptions, policy), users, policy)
    u = u.filter(u.live, ~u.premium)
    over, due = policy.over(u.anchor, "inactivity"), policy.due(u.anchor, "inactivity")
    imputed = u.last_contact_at.isnull() & u.last_interactive_at.isnull()
    conditions = [
        *contact_unclear(u, policy),
        violation("inactive_5y_imputed", over & imputed, due),
        violation("inactive_5y", over, due),
        review("premium_reading", policy.over(u.contact_at, "inactivity"), policy.due(u.contact_at, "inactivity")),
        review("interactive_reading", policy.over(u.interactive_at, "inactivity"), policy.due(u.interactive_at, "inactivity")),
        review("stamped_contact", u.stamped & policy.over(u.created_at, "inactivity"), policy.due(u.created_at, "inactivity")),
    ]
    return Check(u, conditions, exempt=hold(retention_exceptions, "users"), by=("status", "law_region"))


@rule("RET-06", severity="medium", clauses=["CL-186"])
def premium_exemption_unfounded(users: ir.Table, subscriptions: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """An inactive account is kept only while a premium entitlement justifies it."""
    u = with_contact(with_deletion(users, policy), subscriptions, policy)
    u = join(u, firm_entitlements(subscriptions, policy))
    u = u.filter(u.live, policy.over(u.contact_at, "inactivity"), u.subscribed)
    due = policy.due(u.contact_at, "inactivity")
    conditions = [
        *contact_unclear(u, policy),
        passes(u.firm),
        violation("no_entitlement", ~u.premium & policy.over(u.anchor, "inactivity"), policy.due(u.anchor, "inactivity")),
        review("weak_entitlement", u.premium, due),
        review("premium_reading", u.user_id.notnull(), due),
    ]
    return Check(u, conditions, exempt=hold(retention_exceptions, "users"))


@rule("RET-13", severity="medium", clauses=["CL-124", "CL-190"])
def banned_account_kept(
    users: ir.Table, profile_attributes: ir.Table, content_items: ir.Table, retention_exceptions: ir.Table, policy: View
) -> Check:
    """Of a banned person, only what is needed to block a new registration is kept."""
    u = with_classes(banned_and_due(users, retention_exceptions, policy), profile_attributes, content_items, policy)
    due = policy.due(u.gone, "account_window")
    conditions = [
        *deletion_unclear(u, policy),
        violation("sensitive_kept", u.sensitive, due),
        violation("profile_kept", u.profile, due),
        violation("content_kept", u.media | u.posts, due),
        violation("identifiers_kept", u.named, due),
        review("ban_over_3y", policy.over(u.banned_at, "ban"), policy.due(u.banned_at, "ban"), held=False),
    ]
    return Check(u, conditions, exempt=Hold(retention_exceptions, parts_kept(u)))


@rule("RET-14", severity="critical", clauses=["CL-183", "CL-193", "CL-194"])
def anonymised_still_identifying(users: ir.Table, retention_exceptions: ir.Table, policy: View, present: Present) -> Check:
    """An anonymised account can no longer be traced to a person."""
    u = with_group_size(with_identifiers(users.filter(users.status == "anonymised"), policy), users, policy)
    u, rest, chat = with_residue(u, beside_users(present, policy), users, retention_exceptions, policy)
    u, rest, linked = with_traffic(u, rest, present)
    conditions = [
        unknown("clock_future", policy.future(u.created_at)),
        violation("direct_identifier", u.named, held=False),
        violation("linked_rows", linked),
        violation("singled_out", u.described & sure(u["size"] == 1), held=False),
        review("linked_messages", chat),
        review("small_group", u.described & sure(u["size"] < policy.setting("k_anonymity")), held=False),
    ]
    parts = (*parts_of(rest, linked), Part("content_items", when=chat & ~linked))
    return Check(u, conditions, exempt=Hold(retention_exceptions, parts, policy.today))


@rule("RET-17", severity="medium", clauses=[])
def restored_account(users: ir.Table, support_tickets: ir.Table, policy: View) -> Check:
    """A deleted account is restored only by its owner, and only before its purge is due."""
    u = with_ticket(restored_accounts(users, policy), support_tickets, policy)
    due, late = policy.due(u.start, "account_window"), sure(u.back > policy.due(u.start, "account_window"))
    conditions = [
        unknown("clock_future", policy.future(u.restored_at)),
        unknown("clock_missing", u.start.isnull()),
        unknown("actor_missing", u.restored_by.isnull()),
        violation("restored_after_purge", sure(u.purged_at <= u.restored_at), due),
        violation("restored_after_due", late & u.by_deletion, due),
        violation("staff_no_ticket", sure(u.restored_by == "staff") & ~u.ticket & ~u.unnamed_ticket, due),
        review("staff_ticket_unnamed", sure(u.restored_by == "staff") & ~u.ticket, due),
        review("restored_after_request_due", late & ~u.by_deletion, due),
        review("system_restore", sure(u.restored_by == "system"), due),
    ]
    return Check(u, conditions, by=("restored_by",))


@rule("RET-18", severity="high", clauses=["CL-183"])
def purge_unrecorded(users: ir.Table, purge_log: ir.Table, policy: View) -> Check:
    """Every purge leaves a record."""
    u = with_purge_records(due_or_purged(users, policy), purge_log, policy)
    return Check(
        u,
        [
            review("not_purged", u.purged_at.isnull()),
            violation("no_purge_log", ~u.logged),
            review("users_not_in_purge_log", ~u.named),
            review("purge_dates_differ", ~u.same_day),
            review("purge_of_nothing", ~u.some_rows),
        ],
        figures=roll_forward(with_gone(users, policy), policy),
    )
