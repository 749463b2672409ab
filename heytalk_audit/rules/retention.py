"""Retention of accounts: deletion, purge, inactivity, bans, restores."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, Excuse, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import Hold, Part, hold, is_open
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import (
    CLASSES,
    alive,
    any_of,
    attribute_classes,
    contact_unclear,
    content_classes,
    deletion_unclear,
    full_years,
    has,
    identifiable,
    join,
    leaving,
    lookup,
    offending,
    only_if,
    real_ad_id,
    with_contact,
    with_deletion,
)


def roll_forward(users: ir.Table, policy: View) -> dict[str, ir.Scalar]:
    """Deleted accounts that await their purge: at the period's start, those that came and went, and at its end."""
    start, end = policy.period
    gone, purged = policy.date(users.gone), policy.date(users.purged_at)
    at_start, at_end = (sure(gone < day) & ~sure(purged < day) for day in (start, end))
    return {
        "Awaiting purge at the start": at_start.sum(),
        "Deleted in the period": sure((gone >= start) & (gone < end)).sum(),
        "Purged in the period": sure((gone < end) & (purged >= start) & (purged < end)).sum(),
        "Awaiting purge at the end": at_end.sum(),
    }


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


def with_classes(users: ir.Table, attributes: ir.Table, content: ir.Table, policy: View) -> ir.Table:
    """Users with the classes of data that are held of them: `sensitive` and `profile` attributes, `media` and `posts`."""
    return join(join(users, attribute_classes(attributes, policy)), content_classes(content, policy))


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


def banned_and_due(users: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """Deleted accounts under a ban, with `banned_at`, whose period is over, or of which it can't be told whether it is."""
    u, x = with_deletion(users, policy), exceptions
    bans = x.filter(x.type == "ban", policy.by_now(x.started_at), is_open(x, policy))
    u = join(u, bans.group_by("user_id").agg(banned_at=bans.started_at.min()))
    u = u.filter(u.is_gone, (u.status == "banned") | u.banned_at.notnull())
    return u.filter(any_of(deletion_unclear(u, policy)) | policy.over(u.gone, "account_window"))


def parts_kept(u: ir.Table) -> tuple[Part, ...]:
    """What a hold must cover of an account, each where something of it is kept (`u` as of `with_classes`)."""
    return (
        Part("profile_attributes", when=u.sensitive | u.profile),
        Part("content_items", when=u.media | u.posts),
        Part("users", when=identifiable(u)),
    )


@rule("RET-13", severity="medium", clauses=["CL-124", "CL-190"])
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
        violation("identifiers_kept", identifiable(u), due),
        review("ban_over_3y", policy.over(u.banned_at, "ban"), policy.due(u.banned_at, "ban"), held=False),
    ]
    return Check(u, conditions, exempt=Hold(retention_exceptions, parts_kept(u)))


def with_group_size(u: ir.Table, policy: View) -> ir.Table:
    """Users with what they can be told apart by (`group_country`, `group_city`, `group_gender`, null where blank; `age`; `year` and `month`
    of registration), and `size`: how many rows, test accounts apart, have all of it in common."""
    born = policy.date(u.created_at)
    u = u.mutate(**{f"group_{n}": only_if(~blank(u[n]), u[n]) for n in ("country", "city", "gender")})
    u = u.mutate(age=full_years(u.birth_date, policy.today), year=born.year(), month=born.month())
    alike = ibis.window(group_by=[u.group_country, u.group_city, u.group_gender, u.age, u.year, u.month])
    return u.mutate(size=(~u.is_test).cast("int64").sum().over(alike))


@rule("RET-14", severity="critical", clauses=["CL-183", "CL-193", "CL-194"])
def anonymised_still_identifying(users: ir.Table, policy: View) -> Check:
    """Anonymised information no longer points to a person.

    Rows marked anonymised. A direct identifier is a violation, and so is a combination of country, city, gender, age and
    month of registration that occurs once; one shared by fewer than k rows is for a person to decide. Rows without any of
    these, registration apart, are not counted as small groups.
    """
    u = with_group_size(users.filter(users.status == "anonymised"), policy)
    described = u.group_country.notnull() | u.group_city.notnull() | u.group_gender.notnull() | u.birth_date.notnull()
    return Check(
        u,
        [
            unknown("clock_future", policy.future(u.created_at)),
            violation("direct_identifier", identifiable(u)),
            violation("singled_out", described & sure(u["size"] == 1)),
            review("small_group", described & sure(u["size"] < policy.setting("k_anonymity"))),
        ],
    )


def restored_accounts(users: ir.Table, policy: View) -> ir.Table:
    """Accounts restored at some time: `back`, the local day of it; `start` of the period: the deletion (`by_deletion`) or the request."""
    u = users.filter(users.restored_at.notnull())
    by_deletion = sure(u.deleted_at <= u.restored_at)
    requested = only_if(sure(u.deletion_requested_at <= u.restored_at), u.deletion_requested_at)
    return u.mutate(start=by_deletion.ifelse(u.deleted_at, requested), by_deletion=by_deletion, back=policy.date(u.restored_at))


def with_ticket(restored: ir.Table, tickets: ir.Table, policy: View) -> ir.Table:
    """Restored accounts with `ticket`: whether their person wrote to support shortly before."""
    near = tickets.inner_join(lookup(restored, "user_id", restored=restored.restored_at), "user_id")
    recent = policy.plus_days(policy.date(near.opened_at), "restore_ticket") >= policy.date(near.restored)
    return join(restored, has(near, "user_id", ticket=(near.opened_at <= near.restored) & recent))


@rule("RET-17", severity="medium", clauses=[])
def restored_account(users: ir.Table, support_tickets: ir.Table, policy: View) -> Check:
    """A deleted account comes back only through its owner, and only before its purge is due.

    Accounts restored at some time. Restored after the purge, after the due day of the deletion, or by staff without a ticket
    shortly before is a violation; after the due day of the request, or by a system, it is for a person to decide.
    """
    u = with_ticket(restored_accounts(users, policy), support_tickets, policy)
    due = policy.due(u.start, "account_window")
    late = sure(u.back > due)
    conditions = [
        unknown("clock_future", policy.future(u.restored_at)),
        unknown("clock_missing", u.start.isnull()),
        unknown("actor_missing", u.restored_by.isnull()),
        violation("restored_after_purge", sure(u.purged_at <= u.restored_at), due),
        violation("restored_after_due", late & u.by_deletion, due),
        violation("staff_no_ticket", sure(u.restored_by == "staff") & ~u.ticket, due),
        review("restored_after_request_due", late & ~u.by_deletion, due),
        review("system_restore", sure(u.restored_by == "system"), due),
    ]
    return Check(u, conditions, by=("restored_by",))


@rule("RET-18", severity="high", clauses=["CL-183"])
def purge_unrecorded(users: ir.Table, purge_log: ir.Table, policy: View) -> Check:
    """Every purge leaves a record.

    Accounts purged in the audit's period. No entry in the purge log is a violation; entries for other tables only, or another
    day, are for a person to decide. The figures are the roll-forward of deleted accounts over the period.
    """
    u = users.filter(policy.in_period(users.purged_at)).mutate(purge_day=policy.date(users.purged_at))
    log = purge_log.mutate(purge_day=policy.date(purge_log.purged_at))
    u = join(u, has(log, "user_id", logged=log.user_id.notnull(), named=log.table_name == "users"))
    same = log.filter(log.table_name == "users").select("user_id", "purge_day").distinct().mutate(same_day=True)
    u = join(u, same, ["user_id", "purge_day"])
    return Check(
        u,
        [
            violation("no_purge_log", ~u.logged),
            review("users_not_in_purge_log", ~u.named),
            review("purge_dates_differ", ~u.same_day),
        ],
        figures=roll_forward(with_deletion(users, policy), policy),
    )
