"""Terms about accounts past their time: which are due, what is held or shown of them, what came back."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, review, violation
from heytalk_audit.audit.holds import Part, is_open
from heytalk_audit.expressions.calendar import full_years, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import (
    alive,
    any_of,
    attribute_classes,
    content_classes,
    deletion_unclear,
    has,
    identifiable,
    join,
    lookup,
    only_if,
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


def with_shown(users: ir.Table, attributes: ir.Table, content: ir.Table, policy: View) -> ir.Table:
    """Users with what is not deleted and still shown of them: `a_` attributes and `c_` items that are `public`, that `friends` see, or,
    of items, that friends or a room see (`shared`). Messages and templates are not counted."""
    a, c = attributes, content
    shown = alive(a, policy) & ~blank(a.value)
    users = join(users, has(a, "user_id", a_public=shown & (a.visibility == "public"), a_friends=shown & (a.visibility == "friends")))
    shown, seen_by = alive(c, policy) & ~c.kind.isin(["chat", "template"]), ibis.coalesce(c.effective_visibility, c.visibility)
    return join(users, has(c, "user_id", c_public=shown & (seen_by == "public"), c_shared=shown & seen_by.isin(["friends", "room"])))


def not_yet_due(users: ir.Table, policy: View) -> ir.Table:
    """Deleted accounts that await their purge: their period is not over, or it can't be told whether it is."""
    u = with_deletion(users, policy)
    u = u.filter(u.is_gone, u.purged_at.isnull(), ~u.status.isin(["purged", "anonymised"]))
    return u.filter(any_of(deletion_unclear(u, policy)) | ~policy.over(u.gone, "account_window"))


def with_classes(users: ir.Table, attributes: ir.Table, content: ir.Table, policy: View) -> ir.Table:
    """Users with the classes of data that are held of them: `sensitive` and `profile` attributes, `media` and `posts`."""
    return join(join(users, attribute_classes(attributes, policy)), content_classes(content, policy))


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


def with_group_size(u: ir.Table, policy: View) -> ir.Table:
    """Users with what they can be told apart by (`group_country`, `group_city`, `group_gender`, null where blank; `age`; `year` and `month`
    of registration), and `size`: how many rows, test accounts apart, have all of it in common."""
    born = policy.date(u.created_at)
    u = u.mutate(**{f"group_{n}": only_if(~blank(u[n]), u[n]) for n in ("country", "city", "gender")})
    u = u.mutate(age=full_years(u.birth_date, policy.today), year=born.year(), month=born.month())
    alike = ibis.window(group_by=[u.group_country, u.group_city, u.group_gender, u.age, u.year, u.month])
    return u.mutate(size=(~u.is_test).cast("int64").sum().over(alike))


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
