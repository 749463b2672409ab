"""Retention: what remains after the end, of banned, anonymised, purged and restored accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, review, rule, unknown, violation
from heytalk_audit.audit.holds import Hold, Part, is_open
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.retention_terms import roll_forward, with_classes
from heytalk_audit.rules.terms import (
    IDENTIFIERS,
    any_of,
    deletion_unclear,
    full_years,
    has,
    identifiable,
    join,
    lookup,
    only_if,
    residue,
    with_deletion,
)


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


def purged_people(users: ir.Table, purge_log: ir.Table, policy: View) -> ir.Table:
    """One row per person purged by the account or by the purge log: the `first` purge, and whether the account's lies `ahead`."""
    logged = purge_log.filter(purge_log.table_name == "users", policy.by_now(purge_log.purged_at))
    gone = users.filter(users.purged_at.notnull() | (users.status == "purged"))
    gone = ibis.union(gone.select("user_id", "purged_at"), logged.select("user_id", "purged_at"))
    gone = gone.group_by("user_id").agg(first=gone.purged_at.min())
    return join(gone, has(users, "user_id", ahead=policy.future(users.purged_at)))


def searched(required: Mapping[str, ir.Table], present: Present, policy: View) -> dict[str, ir.Table]:
    """The tables in which residue is looked for, by name: those required, and of the others what was delivered; in the setting's order."""
    names = [name for name in policy.setting("residue_tables") if name in required or name in present]
    return {name: required[name] if name in required else present[name] for name in names}


def residue_in(tables: Mapping[str, ir.Table], people: ir.Table) -> ir.Table:
    """Each of the people with each of the tables (`table_name`), and what that still holds of them, as of `residue`."""
    return ibis.union(*[join(people, residue(name, table)).mutate(table_name=ibis.literal(name)) for name, table in tables.items()])


def hold_over(exceptions: ir.Table, pairs: ir.Table, names: Iterable[str], policy: View) -> Hold:
    """The hold that excuses a pair: over its table, or over the identifiers left in users, from before the purge on."""
    identifiers = {n: pairs[f"has_{n}"] for n in IDENTIFIERS}
    parts = [Part(n, identifiers if n == "users" else {}, pairs.table_name == n) for n in names]
    return Hold(exceptions, tuple(parts), ibis.coalesce(policy.date(pairs["first"]), policy.today))


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
    """A purge removes the person's data from every table.

    Each pair of a purged person (by the account or by the purge log) and a delivered table that should hold nothing of that person any
    more. Where only messages in other people's chats are left, it is for a person to decide. A purge dated after the audit is unknown.
    """
    required = {"users": users, "profile_attributes": profile_attributes, "outbound_messages": outbound_messages}
    tables = searched(required, present, policy)
    pairs = residue_in(tables, purged_people(users, purge_log, policy))
    excuse, record = hold_over(retention_exceptions, pairs, tables, policy), pairs.table_name + ":" + pairs.user_id
    conditions = [unknown("clock_future", pairs.ahead), violation("residue", pairs.remains), review("peer_messages", pairs.chat)]
    return Check(pairs, conditions, exempt=excuse, record=record, by=("table_name",))


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
