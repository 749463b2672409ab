"""Retention of accounts: deletion, purge, inactivity, and who is exempt."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, Excuse, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import Hold, Part, hold
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.retention_terms import with_classes
from heytalk_audit.rules.terms import (
    CLASSES,
    alive,
    any_of,
    contact_unclear,
    deletion_unclear,
    has,
    identifiable,
    join,
    leaving,
    offending,
    real_ad_id,
    with_contact,
    with_deletion,
)


def purge_missed(u: ir.Table, policy: View) -> list[Condition]:
    """Data left after a recorded purge, or never purged; a purge that came late in the audit's period; one that left no record."""
    over, due, held = policy.over(u.gone, "account_window"), policy.due(u.gone, "account_window"), identifiable(u)
    purged = policy.date(u.purged_at)
    late = policy.in_period(u.purged_at) & sure(purged > due)
    return [
        violation("residue_after_purge", over & held & u.purged_at.notnull(), due),
        violation("overdue", over & held, due),
        violation("late_purge", ~held & late, due, closing_at=purged),
        review("unrecorded_purge", over & ~held & u.purged_at.isnull(), due),
    ]


@rule("RET-01", severity="critical", clauses=["CL-179", "CL-180", "CL-183"])
def deleted_account_kept(users: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """A deleted account is purged six months after its deletion.

    Every account with a deletion in effect, or asked for. The due day is the local date of the deletion plus the period, clamped to the
    month's end, and belongs to the period. Data left after a recorded purge and a purge that came late in the audit's period are
    violations; counted from the request instead, it is for a person to decide. A deletion without a date is unknown.
    """
    u = leaving(users, policy)
    from_request = policy.over(u.requested_at, "account_window") & identifiable(u)
    conditions = [
        *deletion_unclear(u, policy),
        unknown("clock_future", policy.future(u.requested_at)),
        *purge_missed(u, policy),
        review("overdue_from_request", from_request, policy.due(u.requested_at, "account_window")),
    ]
    return Check(u, conditions, exempt=hold(retention_exceptions, "users", offending(u)), by=("status", "law_region"))


def with_shown(users: ir.Table, attributes: ir.Table, content: ir.Table, policy: View) -> ir.Table:
    """Users with what is not deleted and still shown of them: `a_` attributes and `c_` items that are `public`, that `friends` see, or,
    of items, that friends or a room see (`shared`). Messages and templates are not counted."""
    a, c = attributes, content
    shown = alive(a, policy) & ~blank(a.value)
    users = join(users, has(a, "user_id", a_public=shown & (a.visibility == "public"), a_friends=shown & (a.visibility == "friends")))
    seen, by = alive(c, policy) & ~c.kind.isin(["chat", "template"]), ibis.coalesce(c.effective_visibility, c.visibility)
    return join(users, has(c, "user_id", c_public=seen & (by == "public"), c_shared=seen & by.isin(["friends", "room"])))


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
        passes(~policy.passed(u.gone, "display_allowance")),
        violation("profile_public", sure(u.profile_visibility == "public")),
        violation("attribute_public", u.a_public),
        violation("content_public", u.c_public),
        review("profile_friends", sure(u.profile_visibility == "friends")),
        review("attribute_friends", u.a_friends),
        review("content_shared", u.c_shared),
    ]
    return Check(u, conditions, by=("profile_visibility",))


def not_yet_due(users: ir.Table, policy: View) -> ir.Table:
    """Deleted accounts that await their purge: their period is not over, or it can't be told whether it is."""
    u = with_deletion(users, policy)
    u = u.filter(u.is_gone, u.purged_at.isnull(), ~u.status.isin(["purged", "anonymised"]))
    return u.filter(any_of(deletion_unclear(u, policy)) | ~policy.over(u.gone, "account_window"))


@rule("RET-03", severity="medium", clauses=["CL-181"])
def more_than_some_data_kept(
    users: ir.Table, profile_attributes: ir.Table, content_items: ir.Table, devices: ir.Table, retention_exceptions: ir.Table, policy: View
) -> Check:
    """Until its purge, only some data of a deleted account is kept, for security.

    Deleted accounts inside the period. Classes of data beyond the signed list of what security needs are in excess; without
    such a list it is for a person to decide. A hold must cover every table in excess.
    """
    u = with_classes(not_yet_due(users, policy), profile_attributes, content_items, policy)
    u = join(u, has(devices, "user_id", ad_id=real_ad_id(devices)))
    allowed = policy.setting("window_allow_list")
    excess = {name: u[name] for name in CLASSES if name not in (allowed or ())}
    listed = [violation(f"excess_{name}", flag) for name, flag in excess.items()]
    conditions = [
        *deletion_unclear(u, policy),
        passes(~policy.passed(u.gone, "removal_allowance")),
        *([review("no_allow_list", any_of(listed))] if allowed is None else listed),
    ]
    parts = tuple(Part(CLASSES[name], when=flag) for name, flag in excess.items())
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

    Live accounts that are not premium now. Most lenient reading: the period starts again when an entitlement ends, and any
    contact with the server counts; without the restart, or counting interactive use only, it is for a person to decide.
    Without any recorded contact the registration counts instead (imputed).
    """
    u = with_contact(with_deletion(users, policy), subscriptions, policy)
    u = u.filter(u.live, ~u.premium)
    over, due = policy.over(u.anchor, "inactivity"), policy.due(u.anchor, "inactivity")
    imputed = u.last_contact_at.isnull() & u.last_interactive_at.isnull()
    conditions = [
        *contact_unclear(u, policy),
        violation("inactive_5y_imputed", over & imputed, due),
        violation("inactive_5y", over, due),
        review("premium_reading", policy.over(u.c1, "inactivity"), policy.due(u.c1, "inactivity")),
        review("interactive_reading", policy.over(u.c2, "inactivity"), policy.due(u.c2, "inactivity")),
    ]
    return Check(u, conditions, exempt=hold(retention_exceptions, "users"), by=("status", "law_region"))


@rule("RET-06", severity="medium", clauses=["CL-186"])
def premium_exemption_unfounded(users: ir.Table, subscriptions: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """An inactive account is kept only on the strength of a premium entitlement.

    Live accounts inactive beyond the period that ever had an entitlement. A current one that is paid or lifetime keeps the
    promise. None now, and the period since the last one over, is a violation; a weaker current one, or the reading that
    restarts the period, is for a person.
    """
    u = with_contact(with_deletion(users, policy), subscriptions, policy)
    u = u.filter(u.live, policy.over(u.c1, "inactivity"), u.subscribed)
    due = policy.due(u.c1, "inactivity")
    conditions = [
        *contact_unclear(u, policy),
        passes(u.firm),
        violation("no_entitlement", ~u.premium & policy.over(u.anchor, "inactivity"), policy.due(u.anchor, "inactivity")),
        review("weak_entitlement", u.premium, due),
        review("premium_reading", u.user_id.notnull(), due),
    ]
    return Check(u, conditions, exempt=hold(retention_exceptions, "users"))
