"""Terms about records past their time: what each rests on, and what is left of a purged person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import unknown
from heytalk_audit.audit.holds import Hold, Part, covers, hold, with_holds
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import earliest, latest, sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import (
    IDENTIFIERS,
    any_of,
    deletion_unclear,
    has,
    identifiable,
    join,
    leaving,
    lookup,
    offending,
    only_if,
    residue,
)


def with_events(calendar: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """The days of a calendar with `n`, how many events each has."""
    day = policy.date(events.event_at)
    daily = events.group_by(day=day).agg(n=events.count())
    c = calendar.left_join(daily, "day", rname="other_{name}").drop("other_day")
    return c.mutate(n=c.n.fill_null(0))


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


def in_one_shape(table: ir.Table, source: str, key: ir.StringValue, **flags: ir.BooleanValue) -> ir.Table:
    """Rows of one source in the shape of all: user_id, `source`, `record`, and flags of what is the matter, false where not named."""
    none = {"lost": False, "future": False, "stranger": False, "early": False, "orphan": False}
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
    """Purges of records of consent: dated in the `future`, of nobody in users (`stranger`), or too `early` after the registration."""
    p = join(purge_log.filter(purge_log.table_name == "consents"), lookup(users, "user_id", born=users.created_at))
    early = sure(policy.date(p.purged_at) <= policy.due(p.born, "consent_records"))
    return in_one_shape(p, "purge_log", p.purge_id, future=policy.future(p.purged_at), stranger=p.born.isnull(), early=early)


def overdue_people(users: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """One row per person whose data fell due: `due`, moved by a hold that has ended, and `has_<identifier>`, what of it is still there."""
    u = leaving(users, policy)
    clear = ~any_of([*deletion_unclear(u, policy), unknown("clock_future", policy.future(u.requested_at))])
    u = u.filter(clear & policy.over(u.gone, "account_window") & identifiable(u))
    flags = offending(u)
    due = policy.due(u.gone, "account_window")
    u = u.mutate(fell_due=due, **{f"has_{n}": flag for n, flag in flags.items()})
    u = with_holds(u, "user_id", "fell_due", hold(exceptions, "users", flags), policy)
    return lookup(u, "user_id", due=latest(u.fell_due, u.hold_closes), **{f"has_{n}": u[f"has_{n}"] for n in flags})


def back_dated(x: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an entry covers what is still there of its person, and began after that fell due (`x` with `overdue_people` joined to it)."""
    covered = covers(x.tokens, (Part("users", {n: x[f"has_{n}"] for n in IDENTIFIERS}),))
    return covered & sure(policy.date(x.started_at) > x.due)


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
