"""Terms about accounts past their time: which are due, what is held or shown of them, what came back."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, review, violation
from heytalk_audit.audit.holds import Part
from heytalk_audit.audit.people import test_accounts, without_tests
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import full_years, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.residue import open_bans, parts_of
from heytalk_audit.rules.terms import (
    CLASSES,
    alive,
    any_flag,
    any_of,
    attribute_classes,
    content_classes,
    deletion_unclear,
    filled,
    has,
    identifiers_left,
    join,
    only_if,
    with_deletion,
    with_gone,
    with_identifiers,
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


def purge_missed(u: ir.Table, rest: Mapping[str, ir.BooleanValue], chat: ir.BooleanValue, policy: View) -> list[Condition]:
    """Data left after a recorded purge, or never purged, in the account or elsewhere (`rest`, `chat` as of `with_residue`); a purge that
    came late in the audit's period; one that left no record; data left when the period is over that began with the request."""
    over, due, held = policy.over(u.gone, "account_window"), policy.due(u.gone, "account_window"), u.named
    unpurged, elsewhere = over & u.purged_at.isnull(), any_flag(list(rest.values()))
    from_request = policy.over(u.requested_at, "account_window") & (held | elsewhere)
    return [
        violation("residue_after_purge", over & held & u.purged_at.notnull(), due),
        violation("overdue", over & held, due),
        violation("overdue_elsewhere", unpurged & elsewhere, due),
        violation("late_purge", ~held & purged_late(u, policy), due, closing_at=policy.date(u.purged_at)),
        review("peer_messages_kept", unpurged & chat, due),
        review("unrecorded_purge", unpurged & ~held, due),
        review("overdue_from_request", from_request, policy.due(u.requested_at, "account_window")),
    ]


def purged_late(u: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an account was purged in the audit's period, and after its due day."""
    return policy.in_period(u.purged_at) & sure(policy.date(u.purged_at) > policy.due(u.gone, "account_window"))


def parts_overdue(u: ir.Table, rest: Mapping[str, ir.BooleanValue], chat: ir.BooleanValue, policy: View) -> tuple[Part, ...]:
    """What a hold must cover of an account that RET-01 complains of: the account, by its identifiers where it has any; else the tables in
    which data remains, or the messages, where that is what it complains of."""
    named, elsewhere, late = u.named, any_flag(list(rest.values())), purged_late(u, policy)
    unpurged = policy.over(u.gone, "account_window") & u.purged_at.isnull()
    by_rest = ~named & ~late & elsewhere
    by_chat = ~named & ~late & ~elsewhere & chat & unpurged
    account = Part("users", identifiers_left(u), ~by_rest & ~by_chat)
    return (account, *parts_of(rest, by_rest), Part("content_items", when=by_chat))


def in_excess(u: ir.Table, policy: View) -> tuple[list[Condition], tuple[Part, ...]]:
    """What is wrong with the classes of data that are held of an account (`u` as of `with_classes`, and `ad_id`), and what a hold must
    cover of them."""
    allowed = policy.setting("window_allow_list")
    excess = {name: u[name] for name in CLASSES if name not in (allowed or ())}
    listed = [violation(f"excess_{name}", flag) for name, flag in excess.items()]
    chats = [] if "chat" in (allowed or ()) else [review("excess_chat", u.chats)]
    parts = [Part(CLASSES[name], when=flag) for name, flag in excess.items()]
    parts += [Part("content_items", when=u.chats & ~any_of(listed))]
    return [*([review("no_allow_list", any_of(listed))] if allowed is None else listed), *chats], tuple(parts)


def with_shown(users: ir.Table, attributes: ir.Table, content: ir.Table, policy: View) -> ir.Table:
    """Users with what is not deleted and still shown of them: `a_` attributes and `c_` items that are `public`, that `friends` see, or,
    of items, that friends or a room see (`shared`). Messages and templates are not counted."""
    a, c = attributes, content
    shown = alive(a, policy) & filled(a.value, policy)
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
    """Deleted accounts under a ban, with `banned_at` and `named`, whose period is over, or of which it can't be told whether it is."""
    u, bans = with_deletion(users, policy), open_bans(exceptions, policy)
    u = join(u, bans.group_by("user_id").agg(banned_at=bans.started_at.min()))
    u = u.filter(u.is_gone, (u.status == "banned") | u.banned_at.notnull())
    return with_identifiers(u.filter(any_of(deletion_unclear(u, policy)) | policy.over(u.gone, "account_window")), policy)


def parts_kept(u: ir.Table) -> tuple[Part, ...]:
    """What a hold must cover of an account, each where something of it is kept (`u` as of `with_classes`)."""
    return (
        Part("profile_attributes", when=u.sensitive | u.profile),
        Part("content_items", when=u.media | u.posts),
        Part("users", when=u.named),
    )


def with_group_size(u: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Some users with what they can be told apart by (`group_country`, `group_city`, `group_gender`, null where blank; `age`; `year` and
    `month` of registration), and `size`: how many rows, test accounts apart, have all of it in common; `described`: whether there is
    anything of it, registration apart."""
    born = policy.date(u.created_at)
    u = u.mutate(**{f"group_{n}": only_if(~blank(u[n]), u[n]) for n in ("country", "city", "gender")})
    u = u.mutate(age=full_years(u.birth_date, policy.today), year=born.year(), month=born.month())
    alike = ibis.window(group_by=[u.group_country, u.group_city, u.group_gender, u.age, u.year, u.month])
    testers = test_accounts(users)
    counted = u.left_join(testers, u.user_id == testers.tester)
    facts = [u[f"group_{n}"].notnull() for n in ("country", "city", "gender")] + [u.birth_date.notnull()]
    return counted.mutate(described=any_flag(facts), size=counted.tester.isnull().cast("int64").sum().over(alike)).drop("tester")


def restored_accounts(users: ir.Table, policy: View) -> ir.Table:
    """Accounts restored at some time: `back`, the local day of it; `start` of the period: the deletion (`by_deletion`) or the request."""
    u = users.filter(users.restored_at.notnull())
    by_deletion = sure(u.deleted_at <= u.restored_at)
    requested = only_if(sure(u.deletion_requested_at <= u.restored_at), u.deletion_requested_at)
    return u.mutate(start=by_deletion.ifelse(u.deleted_at, requested), by_deletion=by_deletion, back=policy.date(u.restored_at))


def with_ticket(restored: ir.Table, tickets: ir.Table, policy: View) -> ir.Table:
    """Restored accounts with `ticket`: whether their person wrote to support shortly before; and `unnamed_ticket`: whether somebody did
    whom the ticket does not name."""
    near = tickets.inner_join(restored.select("user_id", restored=restored.restored_at).distinct(), "user_id")
    near = near.filter(shortly_before(near, policy)).select("user_id", restored_at="restored").distinct()
    restored = join(restored, near.mutate(ticket=ibis.literal(True)), ["user_id", "restored_at"])
    unnamed = tickets.filter(blank(tickets.user_id)).select("opened_at")
    times = restored.select(restored=restored.restored_at).distinct().cross_join(unnamed)
    times = times.filter(shortly_before(times, policy)).select(restored_at="restored").distinct()
    return join(restored, times.mutate(unnamed_ticket=ibis.literal(True)), "restored_at")


def shortly_before(near: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether a ticket was opened in the days before an account was restored."""
    recent = policy.plus_days(policy.date(near.opened_at), "restore_ticket") >= policy.date(near.restored)
    return (near.opened_at <= near.restored) & recent


def with_traffic(
    u: ir.Table, rest: Mapping[str, ir.BooleanValue], present: Present
) -> tuple[ir.Table, dict[str, ir.BooleanValue], ir.BooleanValue]:
    """Users with what remains of them by table (as of `with_residue`), rows of traffic included, where these are delivered; and whether
    anything does."""
    tables = dict.fromkeys((*rest, *(["traffic_events"] if "traffic_events" in present else [])))
    if "traffic_events" in tables and "traffic_events" not in rest:
        t = present["traffic_events"].semi_join(u.select("user_id").distinct(), "user_id")
        u = join(u, has(t, "user_id", rest_traffic_events=t.user_id.notnull()))
    rest = {name: u[f"rest_{name}"] for name in tables}
    return u, rest, any_flag(list(rest.values()))


def with_stamps(u: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Users as of `with_contact` with `stamped`: whether their last contact is one of those that very many people had in one second."""
    clocks = ("last_contact_at", "last_interactive_at")
    for clock in clocks:
        u = u.mutate(second=u[clock].epoch_seconds().floor().cast("int64"))
        u = join(u, crowded_seconds(users, clock, policy), "second").drop("second")
    return u.mutate(stamped=any_flag([u[f"crowded_{clock}"] & sure(u.contact_at == u[clock]) for clock in clocks]))


def crowded_seconds(users: ir.Table, clock: str, policy: View) -> ir.Table:
    """The seconds that very many people share in a clock, in number and as a part of all who have a value there; tests left out."""
    dated = without_tests(users.filter(users[clock].notnull()), users)
    dated = dated.mutate(second=dated[clock].epoch_seconds().floor().cast("int64"))
    seconds = dated.group_by("second").agg(people=dated.user_id.nunique())
    # divided, not multiplied: a quotient that equals the share is rounded to the same number as the share is
    seconds = seconds.cross_join(dated.aggregate(every=dated.user_id.nunique()))
    often = (seconds.people >= policy.setting("bulk_users")) & (seconds.people / seconds.every > policy.setting("bulk_time_share"))
    return seconds.filter(often).select("second", **{f"crowded_{clock}": ibis.literal(True)})


def due_or_purged(users: ir.Table, policy: View) -> ir.Table:
    """Accounts that were purged in the audit's period, or fell due in it and were not."""
    u, (start, end) = with_gone(users, policy), policy.period
    due = policy.due(u.gone, "account_window")
    fell_due = u.purged_at.isnull() & policy.over(u.gone, "account_window") & sure((due >= start) & (due < end))
    return u.filter(policy.in_period(u.purged_at) | fell_due)


def with_purge_records(u: ir.Table, purge_log: ir.Table, policy: View) -> ir.Table:
    """Accounts with what the purge log has of them: anything (`logged`), a purge of the account (`named`) on the `same_day`, and one of
    more than no row (`some_rows`)."""
    log = purge_log.mutate(purge_day=policy.date(purge_log.purged_at))
    named = log.table_name == "users"
    facts = {"logged": log.user_id.notnull(), "named": named, "some_rows": named & ~sure(log.rows == 0)}
    u = join(u.mutate(purge_day=policy.date(u.purged_at)), has(log, "user_id", **facts))
    same = log.filter(named).select("user_id", "purge_day").distinct().mutate(same_day=True)
    return join(u, same, ["user_id", "purge_day"])
