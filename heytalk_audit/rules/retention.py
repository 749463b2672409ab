"""Retention of accounts: deletion, purge, inactivity, bans, restores."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Excuse, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import Hold, Part, hold
from heytalk_audit.audit.no_value import IDENTITY
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
    has,
    join,
    leaving,
    real_ad_id,
    with_contact,
    with_deletion,
    with_identifiers,
)


@rule("RET-01", severity="critical", clauses=["CL-179", "CL-180", "CL-183"], looks_in=IDENTITY)
def deleted_account_kept(users: ir.Table, retention_exceptions: ir.Table, policy: View, present: Present) -> Check:
    """A deleted account is purged six months after its deletion.

    Every account with a deletion in effect, or asked for. The due day is the local date of the deletion plus the period, clamped to the
    month's end, and belongs to the period. Who is named then, in the account or by data elsewhere, or was purged late in the audit's
    period, is a violation; messages in other people's chats, a purge without a record, and the same counted from the request are for a
    person to decide. Words that stand for nobody name nobody. A deletion without a date is unknown.
    """
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
    """A deleted account is no longer shown.

    Deleted accounts, from the allowance after their deletion on: a public profile, attribute or item is a violation; one that friends or a
    room still see is for a person to decide. An account whose visibility is not delivered and that is not purged is unknown.
    """
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
    """Until its purge, only some data of a deleted account is kept, for security.

    Deleted accounts inside the period. Classes of data beyond the signed list of what security needs are in excess; without such a list,
    and where chat messages alone are beyond it, it is for a person to decide. A hold must cover every table in excess.
    """
    u = with_classes(not_yet_due(users, policy), profile_attributes, content_items, policy)
    u = join(u, has(devices, "user_id", ad_id=real_ad_id(devices)))
    excess, parts = in_excess(u, policy)
    conditions = [*deletion_unclear(u, policy), passes(~policy.passed(u.gone, "withdrawal_hours")), *excess]
    return Check(u, conditions, exempt=Hold(retention_exceptions, parts, policy.today), by=("law_region",))


@rule("RET-04", severity="low", clauses=["CL-179"])
def purged_early(users: ir.Table, purge_log: ir.Table, policy: View) -> Check:
    """A deleted account is kept for the whole period before it is purged.

    Accounts purged in the audit's period. A purge before the due day is a violation where the purge log knows of it, unless
    the person asked for it; without an entry it is for a person to decide.
    """
    u = with_deletion(users, policy)
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
    """An account without contact for five years is purged, unless it is premium.

    Live accounts that are not premium now. Most lenient reading: the period starts again when an entitlement ends, and any contact with the
    server counts; without the restart, counting interactive use only, or where a job set the last contact of many people in one second, it
    is for a person to decide. Without any recorded contact the registration counts instead (imputed).
    """
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
    """An inactive account is kept only on the strength of a premium entitlement.

    Live accounts inactive beyond the period that ever had an entitlement. A current one that is paid or lifetime keeps the promise. None
    now, and the period since the last one over, is a violation; a weaker current one, or the reading that restarts the period, is for a
    person.
    """
    u = with_contact(with_deletion(users, policy), subscriptions, policy)
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


@rule("RET-13", severity="medium", clauses=["CL-124", "CL-190"], looks_in=IDENTITY)
def banned_account_kept(
    users: ir.Table, profile_attributes: ir.Table, content_items: ir.Table, retention_exceptions: ir.Table, policy: View
) -> Check:
    """Of a banned person only what blocks a new registration is kept.

    Deleted accounts under a ban, once their period is over: profile, content, sensitive values and identifiers are more than
    that. A ban that stands for years without an end is for a person to decide.
    """
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


@rule("RET-14", severity="critical", clauses=["CL-183", "CL-193", "CL-194"], looks_in=IDENTITY)
def anonymised_still_identifying(users: ir.Table, retention_exceptions: ir.Table, policy: View, present: Present) -> Check:
    """Anonymised information no longer points to a person.

    Rows marked anonymised. A direct identifier is a violation, as is data elsewhere that still joins to the row, and a combination of
    country, city, gender, age and month of registration that occurs once; messages in other people's chats, and one shared by fewer than k
    rows, are for a person to decide. Rows without any of these, registration apart, are not counted as small groups.
    """
    u = with_group_size(with_identifiers(users.filter(users.status == "anonymised"), policy), users, policy)
    u, rest, chat = with_residue(u, beside_users(present, policy), users, retention_exceptions, policy)
    u, rest, linked = with_traffic(u, rest, present)
    conditions = [
        unknown("clock_future", policy.future(u.created_at)),
        violation("direct_identifier", u.named, held=False),
        violation("linked_rows", linked),
        violation("singled_out", u.described & sure(u["size"] == 1), held=False),
        review("linked_messages", chat),
        review("small_group", u.described & sure(u["size"] < policy.value("k_anonymity")), held=False),
    ]
    parts = (*parts_of(rest, linked), Part("content_items", when=chat & ~linked))
    return Check(u, conditions, exempt=Hold(retention_exceptions, parts, policy.today))


@rule("RET-17", severity="medium", clauses=[])
def restored_account(users: ir.Table, support_tickets: ir.Table, policy: View) -> Check:
    """A deleted account comes back only through its owner, and only before its purge is due.

    Accounts restored at some time. Restored after the purge, after the due day of the deletion, or by staff without a ticket shortly
    before is a violation; on a ticket that names nobody, after the due day of the request, or by a system, it is for a person to decide.
    """
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
    """Every purge leaves a record.

    Accounts purged in the audit's period, or due then. No entry of a purge in the log is a violation; entries for other tables only, of
    another day or of no row, are for a person to decide, and so is a purge that did not happen. The figures are the roll-forward of deleted
    accounts over the period.
    """
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
        figures=roll_forward(with_deletion(users, policy), policy),
    )
