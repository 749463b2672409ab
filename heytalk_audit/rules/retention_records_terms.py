"""Terms about records past their time: what each rests on, and what is left of a purged person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, review, unknown, violation
from heytalk_audit.audit.holds import Hold, Part, covers, hold, is_open, last_review, with_holds
from heytalk_audit.audit.people import one_row_each, without_tests
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import earliest, latest, sure
from heytalk_audit.expressions.strings import blank, lower, tokens, trim
from heytalk_audit.policy.view import View
from heytalk_audit.rules.residue import residue
from heytalk_audit.rules.terms import (
    IDENTIFIERS,
    any_of,
    deletion_unclear,
    identifiers_left,
    join,
    leaving,
    lookup,
    only_if,
    with_identifiers,
)


def with_events(calendar: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """The days of a calendar with `n`, how many events each has."""
    day = policy.date(events.event_at)
    daily = events.group_by(day=day).agg(n=events.count())
    c = calendar.left_join(daily, "day", rname="other_{name}").drop("other_day")
    return c.mutate(n=c.n.fill_null(0))


def with_reliance(consents: ir.Table, users: ir.Table, present: Present, policy: View) -> ir.Table:
    """Records of consent with `follows` (the next event of that person and purpose), `known` (whether the person is in users, or was purged
    by the log) and `end` (of the reliance on it: the next event, or the account's purge, by users or else by the log)."""
    times = consents.filter(policy.by_now(consents.event_at)).select("user_id", "purpose", "event_at").distinct()
    follows = times.event_at.lead().over(ibis.window(group_by=[times.user_id, times.purpose], order_by=times.event_at))
    c = join(consents, times.mutate(follows=follows), ["user_id", "purpose", "event_at"])
    people = one_row_each(users, policy)
    c = join(c, lookup(people, "user_id", purged_at=people.purged_at, known=people.user_id.notnull()))
    if "purge_log" in present:
        logged = purges_of_accounts(present["purge_log"], policy)
        c = join(c, logged.group_by("user_id").agg(logged=logged.purged_at.min()))
        c = c.mutate(purged_at=ibis.coalesce(c.purged_at, c.logged), known=c.known | c.logged.notnull())
    purge = only_if(policy.by_now(c.purged_at), latest(c.purged_at, c.event_at))
    return c.mutate(end=earliest(c.follows, purge))


def purges_of_accounts(purge_log: ir.Table, policy: View) -> ir.Table:
    """What the purge log has of purges of accounts, up to the audit's instant."""
    return purge_log.filter(purge_log.table_name == "users", policy.by_now(purge_log.purged_at))


def in_one_shape(table: ir.Table, source: str, key: ir.StringValue, **flags: ir.BooleanValue) -> ir.Table:
    """Rows of one source in the shape of all: user_id, `source`, `record`, and flags of what is the matter, false where not named."""
    none = {"lost": False, "future": False, "stranger": False, "early": False, "orphan": False}
    return table.select(table.user_id, source=ibis.literal(source), record=f"{source}:" + key, **(none | flags))


def marketing_sent(messages: ir.Table, consents: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Marketing sent within the period; without a record of consent to that channel it is `lost`, where records as old as the person's
    account are kept for it, else it can't be told (`stranger`)."""
    m = messages.filter(messages.category == "marketing", messages.status != "suppressed")
    m = m.filter(policy.by_now(m.sent_at), ~policy.over(m.sent_at, "consent_records"))
    recorded = consents.select(user_id=consents.user_id, purpose=consents.purpose).distinct().mutate(recorded=True)
    people = one_row_each(users, policy)
    m = join(m.mutate(purpose="marketing_" + m.channel), lookup(people, "user_id", born=people.created_at))
    m = join(join(m, recorded, ["user_id", "purpose"]), oldest_records(consents), "purpose")
    older = sure(m.born < m.oldest) & ~m.recorded
    return in_one_shape(m, "outbound_messages", m.message_id, lost=~m.recorded & ~older, stranger=older)


def oldest_records(consents: ir.Table) -> ir.Table:
    """One row per purpose with `oldest`: its oldest record of consent."""
    return consents.group_by("purpose").agg(oldest=consents.event_at.min())


def withdrawals(consents: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Withdrawals within the period. One before which nothing was granted is an `orphan`, where records as old as the person's account are
    kept for its purpose, else it can't be told (`stranger`)."""
    w = consents.filter(consents.action == "withdraw", policy.by_now(consents.event_at), ~policy.over(consents.event_at, "consent_records"))
    g = consents.filter(consents.action == "grant").group_by("user_id", "purpose").agg(first=lambda t: t.event_at.min())
    people = one_row_each(users, policy)
    w = join(join(w, g, ["user_id", "purpose"]), lookup(people, "user_id", born=people.created_at))
    w = join(w, oldest_records(consents), "purpose")
    missing, older = ~sure(w["first"] <= w.event_at), sure(w.born < w.oldest)
    return in_one_shape(w, "consents", w.consent_id, orphan=missing & ~older, stranger=missing & older)


def purges_of_consents(purge_log: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Purges of records of consent that nobody asked for: dated in the `future`, too `early` (the account is younger than the period), or
    of an age that can't be told (`stranger`). A purge of no row is none of these."""
    people = one_row_each(users, policy)
    p = join(purge_log.filter(purge_log.table_name == "consents"), lookup(people, "user_id", born=people.created_at))
    purged = ~sure(p.rows == 0) & ~sure(p.trigger == "request")
    early = sure(policy.date(p.purged_at) <= policy.due(p.born, "consent_records"))
    flags = {"future": policy.future(p.purged_at), "stranger": ~early, "early": early}
    return in_one_shape(p, "purge_log", p.purge_id, **{name: purged & flag for name, flag in flags.items()})


def overdue_people(users: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """One row per person whose data fell due: `due`, moved by a hold that has ended, and `has_<identifier>`, what of it is still there."""
    u = leaving(users, policy)
    clear = ~any_of([*deletion_unclear(u, policy), unknown("clock_future", policy.future(u.requested_at))])
    u = with_identifiers(u.filter(clear & policy.over(u.gone, "account_window")), policy)
    u = u.filter(u.named).mutate(fell_due=policy.due(u.gone, "account_window"))
    u = with_holds(u, "user_id", "fell_due", hold(exceptions, "users", identifiers_left(u)), policy)
    return lookup(u, "user_id", due=latest(u.fell_due, u.hold_closes), **{f"has_{n}": u[f"has_{n}"] for n in IDENTIFIERS})


def back_dated(x: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an entry covers what is still there of its person, and began after that fell due (`x` with `overdue_people` joined to it)."""
    covered = covers(x.tokens, (Part("users", {n: x[f"has_{n}"] for n in IDENTIFIERS}),))
    return covered & sure(policy.date(x.started_at) > x.due)


def with_circumstances(exceptions: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Entries, bans apart, with `open`, `tokens` of the scope, the `last` review, what fell due of their person (as of `overdue_people`),
    and whether they are `wide` or `massed`."""
    x = join(exceptions.filter(exceptions.type != "ban"), overdue_people(users, exceptions, policy))
    x = x.mutate(open=is_open(x, policy), tokens=tokens(x.scope), last=last_review(x, policy))
    return with_matter(with_width(x, policy), users, policy)


def with_matter(x: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Entries with `massed`: whether the matter that each names is that of very many people's open entries, in number and as a part of
    all people; tests left out."""
    matter = trim(lower(blank(x.reference).ifelse(x.reason_code, x.reference)))
    x = x.mutate(matter=only_if(~blank(matter), matter))
    held = without_tests(x.filter(x.open, x.matter.notnull(), ~blank(x.user_id)), users)
    many = held.group_by("matter").agg(people=held.user_id.nunique())
    people = without_tests(users, users)
    many = many.cross_join(people.aggregate(every=people.user_id.nunique()))
    # divided, not multiplied: a quotient that equals the share is rounded to the same number as the share is
    often = (many.people >= policy.value("hold_group")) & (many.people / many.every > policy.value("hold_group_share"))
    return join(x, many.filter(often).select("matter", massed=ibis.literal(True)), "matter")


def with_width(x: ir.Table, policy: View) -> ir.Table:
    """Entries with `wide`: whether a scope (`tokens`) covers everything, or names very many tables one by one."""
    scopes = x.select("tokens").distinct()
    names = scopes.mutate(name=scopes.tokens.split(";").unnest())
    names = names.mutate(name=trim(names.name.re_replace(r"\.[\s\S]*", "")))
    counted = names.filter(~blank(names.name)).group_by("tokens").agg(tables=lambda t: t.name.nunique())
    wide = counted.filter(counted.tables >= policy.value("scope_wide_tables")).select("tokens", many=ibis.literal(True))
    x = join(x, wide, "tokens")
    return x.mutate(wide=sure(x.tokens.contains(";*;")) | x.many)


def purged_people(users: ir.Table, purge_log: ir.Table, policy: View) -> ir.Table:
    """One row per person purged by the account or by the purge log: the `first` of these purges, whether the account's lies `ahead`, and
    whether the account was created after that (`reused`)."""
    people = one_row_each(users, policy)
    gone = people.filter(people.purged_at.notnull() | (people.status == "purged"))
    logged = purges_of_accounts(purge_log, policy)
    gone = ibis.union(gone.select("user_id", "purged_at"), logged.select("user_id", "purged_at"))
    gone = gone.group_by("user_id").agg(first=gone.purged_at.min())
    gone = join(gone, lookup(people, "user_id", born=people.created_at, ahead=policy.future(people.purged_at)))
    return gone.mutate(reused=sure(gone.born > gone["first"]))


def searched(required: Mapping[str, ir.Table], present: Present, policy: View) -> dict[str, ir.Table]:
    """The tables in which residue is looked for, by name: those required, and of the others what was delivered; in the setting's order. Of
    the users there is one row each."""
    names = [name for name in policy.setting("residue_tables") if name in required or name in present]
    tables = {name: required[name] if name in required else present[name] for name in names}
    return {name: one_row_each(table, policy) if name == "users" else table for name, table in tables.items()}


def residue_in(tables: Mapping[str, ir.Table], gone: ir.Table, users: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """Each of the people with each of the tables (`table_name`), if any, and what that still holds of them, as of `residue`."""
    if not tables:
        tables, gone = {"users": one_row_each(users, policy)}, gone.limit(0)
    pairs = [
        join(gone, residue(name, table, users, exceptions, policy)).mutate(table_name=ibis.literal(name)) for name, table in tables.items()
    ]
    return ibis.union(*pairs)


def still_there(pairs: ir.Table) -> list[Condition]:
    """What a purged person's data in a table amounts to (`pairs` as of `residue_in`)."""
    return [
        unknown("clock_future", pairs.ahead),
        unknown("user_id_reused", pairs.reused),
        violation("residue", pairs.remains),
        review("peer_messages", pairs.chat),
        review("ban_block_list", pairs.blocked),
    ]


def hold_over(exceptions: ir.Table, pairs: ir.Table, names: Iterable[str], policy: View) -> Hold:
    """The hold that excuses a pair: over its table, or over the identifiers left in users, from before the purge on."""
    identifiers = {n: pairs[f"has_{n}"] for n in IDENTIFIERS}
    parts = [Part(n, identifiers if n == "users" else {}, pairs.table_name == n) for n in names]
    return Hold(exceptions, tuple(parts), ibis.coalesce(policy.date(pairs["first"]), policy.today))
