"""What tables still hold of people who should be gone."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, unknown, violation
from heytalk_audit.audit.holds import Part, excuse, hold, is_open, with_holds
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import IDENTIFIERS, any_flag, filled, has, join, offending


def open_bans(exceptions: ir.Table, policy: View) -> ir.Table:
    """The entries that ban somebody now."""
    x = exceptions
    return x.filter(x.type == "ban", policy.by_now(x.started_at), is_open(x, policy))


def banned_people(users: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """One row per person who is banned, by the account or by an entry: `user_id` and `banned`."""
    people = one_row_each(users, policy)
    ids = ibis.union(people.filter(people.status == "banned").select("user_id"), open_bans(exceptions, policy).select("user_id"))
    return ids.distinct().mutate(banned=ibis.literal(True))


def payout_faults(p: ir.Table, policy: View) -> list[Condition]:
    """What is wrong with payment details that are held: they can't be dated, or are kept too long."""
    unpaid = p.paid_at.isnull() & policy.over(p.won_at, "prize_unclaimed")
    return [
        unknown("clock_missing", p.won_at.isnull() & p.paid_at.isnull()),
        unknown("clock_future", policy.future(p.won_at, p.paid_at)),
        violation("paid_over_tax_period", policy.over(p.paid_at, "record_months"), policy.due(p.paid_at, "record_months")),
        violation("unpaid_over_12m", unpaid, policy.due(p.won_at, "prize_unclaimed")),
    ]


def kept_for_tax(entries: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """Promotion entries with `rightful`: whether they hold payment details that may be kept, by their age or by a hold."""
    no_date, ahead, paid, unpaid = payout_faults(entries, policy)
    due = ibis.cases((sure(paid.when), paid.due), (sure(unpaid.when), unpaid.due), else_=ibis.null("date"))
    p = entries.mutate(doubtful=sure(no_date.when) | sure(ahead.when), entry_due=due)
    p = with_holds(p, "user_id", "entry_due", hold(exceptions, "promotion_entries", {"payout_details_held": p.payout_details_held}), policy)
    excused = excuse(p.entry_due, p.hold_closes, p.hold_opened, policy.today).notnull()
    return p.mutate(rightful=sure(p.payout_details_held) & ~p.doubtful & (p.entry_due.isnull() | excused))


def residue(name: str, table: ir.Table, users: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """One row per person with what a table still holds: `remains` data of theirs, `chat` messages in other people's chats, devices that
    keep a banned person out (`blocked`), and which identifiers."""
    if name == "promotion_entries":
        table = kept_for_tax(table, exceptions, policy)
    if name == "devices":
        table = join(table, banned_people(users, exceptions, policy))
    never = table.user_id.isnull() & table.user_id.notnull()
    flags = {f"has_{n}": never for n in IDENTIFIERS} | {"remains": table.user_id.notnull(), "chat": never, "blocked": never}
    match name:
        case "users":
            named = offending(table, policy)
            flags |= {f"has_{n}": flag for n, flag in named.items()} | {"remains": any_flag(list(named.values()))}
        case "profile_attributes":
            flags["remains"] = filled(table.value, policy)
        case "content_items":
            flags |= {"remains": table.kind != "chat", "chat": table.kind == "chat"}
        case "promotion_entries":
            flags["remains"] = ~table.rightful
        case "devices":
            flags |= {"remains": ~table.banned, "blocked": table.banned}
    return has(table, "user_id", **flags)


def with_residue(
    people: ir.Table, tables: Mapping[str, ir.Table], users: ir.Table, exceptions: ir.Table, policy: View
) -> tuple[ir.Table, dict[str, ir.BooleanValue], ir.BooleanValue]:
    """People with what the tables hold of them beside their account: the rows, by table whether something remains, and whether there are
    chat messages."""
    ids = people.select("user_id").distinct()
    for name, table in tables.items():
        held = residue(name, table.semi_join(ids, "user_id"), users, exceptions, policy)
        remains, chat = (policy.depending(flag, "residue_tables") for flag in (held.remains, held.chat))
        people = join(people, held.select("user_id", **{f"rest_{name}": remains, f"chat_{name}": chat}))
    return people, {name: people[f"rest_{name}"] for name in tables}, any_flag([people[f"chat_{name}"] for name in tables])


def beside_users(present: Present, policy: View) -> dict[str, ir.Table]:
    """The delivered tables other than users in which residue is looked for."""
    return {name: present[name] for name in policy.setting("residue_tables") if name != "users" and name in present}


def parts_of(rest: Mapping[str, ir.BooleanValue], when: ir.BooleanValue) -> list[Part]:
    """What a hold must cover: each table in which something remains."""
    return [Part(name, when=when & flag) for name, flag in rest.items()]
