"""Collection that goes on when it should have ended, and data that belongs to nobody."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import earliest, sure
from heytalk_audit.expressions.strings import blank, lower, trim
from heytalk_audit.policy.view import View
from heytalk_audit.rules.collection_terms import newest
from heytalk_audit.rules.terms import LIVE, has, join, only_if

#: Events that an app sends while somebody uses it.
USE = ("page", "click", "call")
#: Tables whose rows belong to a person.
OF_PEOPLE = (
    "subscriptions",
    "consents",
    "profile_attributes",
    "outbound_messages",
    "retention_exceptions",
    "content_items",
    "traffic_events",
    "devices",
    "support_tickets",
    "rights_requests",
    "disclosures",
    "transactions",
    "promotion_entries",
    "social_accounts",
)


@rule("COL-09", severity="high", clauses=["CL-157"])
def collected_after_uninstalling(devices: ir.Table, traffic_events: ir.Table, policy: View) -> Check:
    """The app collects nothing after it was uninstalled."""
    d = with_use_since(devices.filter(devices.uninstalled_at.notnull()), traffic_events, policy)
    return Check(
        d,
        [
            unknown("dates_contradict", sure(d.first_seen_at > d.uninstalled_at)),
            passes(d.used.isnull() | sure(d.used >= d.back)),
            violation("event_after_uninstall", d.back.isnull() | sure(d.used < policy.before(d.back, "skew_seconds"))),
            review("clock_skew", d.used.notnull()),
        ],
        by=("platform",),
    )


def with_use_since(uninstalled: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """Devices with `used`, the first use after they were uninstalled and the allowance, and `back`: installed or opened again."""
    keys = ["device_id", "uninstalled_at"]
    gone = uninstalled.filter(~blank(uninstalled.device_id)).select(keys).distinct()
    e = events.select("device_id", "event_at", "event_type").inner_join(gone, "device_id")
    e = e.filter(e.event_at > e.uninstalled_at)
    kind = trim(lower(e.event_type))
    used = kind.isin(USE) & (e.event_at > policy.after(e.uninstalled_at, "uninstall_allowance_h"))
    since = e.group_by(keys).agg(opened=only_if(sure(kind == "open"), e.event_at).min(), used=only_if(sure(used), e.event_at).min())
    d = join(uninstalled, since, keys)
    return d.mutate(back=earliest(only_if(sure(d.installed_at > d.uninstalled_at), d.installed_at), d.opened))


@rule("COL-10", severity="medium", clauses=["CL-035", "CL-040"], optional=["purge_log"])
def data_of_nobody(users: ir.Table, purge_log: ir.Table, present: Present) -> Check:
    """All stored personal data belongs to a known account."""
    tables = [name for name in OF_PEOPLE if name in present]
    rows = join(ibis.union(*[_owned_rows(name, present, users) for name in tables]), _people_on_record(users, purge_log))
    return Check(
        rows,
        _belongs_to_somebody(rows),
        record=rows.table_name + ":" + rows.key,
        by=("table_name",),
        population=ibis.union(*[present[name].select("user_id") for name in tables]),
        finds_missing=("user_id",),
    )


def _belongs_to_somebody(rows: ir.Table) -> list[Condition]:
    """Rows must name a person on record, or be allowed to name nobody."""
    nobody = blank(rows.user_id)
    return [
        passes(rows.on_record),
        passes(nobody & rows.allowed),
        review("unlinked_event", nobody & (rows.table_name == "traffic_events")),
        violation("no_user", nobody),
        violation("user_unknown", ~nobody),
    ]


def _people_on_record(users: ir.Table, purge_log: ir.Table) -> ir.Table:
    """One row per person who stands in users or in the purge log: user_id, `on_record`."""
    people = ibis.union(users.select("user_id"), purge_log.select("user_id")).distinct()
    return people.filter(~blank(people.user_id)).mutate(on_record=True)


def _owned_rows(name: str, present: Present, users: ir.Table) -> ir.Table:
    """`user_id`, `key`, `table_name` and `allowed` (may name nobody) of every row of a table."""
    t = present[name]
    key = {"key": t[contract.load()[name].key], "table_name": ibis.literal(name)}
    match name:
        case "support_tickets" | "rights_requests":
            return t.select("user_id", **key, allowed=ibis.literal(True))
        case "disclosures":
            return t.select("user_id", **key, allowed=sure(t.identifier_form == "none"))
        case "traffic_events":
            return _events(t, key, present, users)
    return t.select("user_id", **key, allowed=ibis.literal(False))


def _events(events: ir.Table, key: dict[str, ir.Value], present: Present, users: ir.Table) -> ir.Table:
    """The same for events: those without any identifier, or of a device that somebody in users owns."""
    e = events
    no_identifier = blank(e.device_id) & blank(e.ip)
    e = e.select("user_id", **key, no_identifier=no_identifier, device_id=only_if(blank(e.user_id) & ~blank(e.device_id), e.device_id))
    if "devices" in present:
        d = present["devices"]
        d = d.filter(~blank(d.user_id)).semi_join(users, "user_id")
        e = join(e, has(d, "device_id", owned=d.device_id.notnull()), "device_id")
    else:
        e = e.mutate(owned=ibis.literal(False))
    return e.select("user_id", "key", "table_name", allowed=e.no_identifier | e.owned)


@rule("COL-11", severity="high", clauses=[])
def new_data_on_a_deleted_account(
    users: ir.Table, subscriptions: ir.Table, consents: ir.Table, profile_attributes: ir.Table, content_items: ir.Table,
    traffic_events: ir.Table, devices: ir.Table, transactions: ir.Table, social_accounts: ir.Table, policy: View,
) -> Check:  # fmt: skip
    """No new data is stored on a deleted account."""
    others = (
        (consents.filter(consents.action == "grant"), "event_at"), (profile_attributes, "created_at"), (content_items, "created_at"),
        (devices, "first_seen_at"), (social_accounts, "linked_at"),
    )  # fmt: skip
    renewed = ((subscriptions, "start_at"), (transactions, "purchased_at"))
    left = with_newest(departed(users), [*times("renewed", renewed), uses(traffic_events), *times("newest", others)])
    return Check(left, grown_since(left, policy), by=("status",))


def times(name: str, clocks: tuple[tuple[ir.Table, str], ...]) -> list[ir.Table]:
    """Of each clock (a table, its column) a table of `user_id` and its time, under a name."""
    return [table.select("user_id", **{name: table[clock]}) for table, clock in clocks]


def uses(events: ir.Table) -> ir.Table:
    """Of each logged event `user_id` and its time: `opened` where the app was opened, `newest` otherwise."""
    opened = sure(trim(lower(events.event_type)) == "open")
    return events.select("user_id", opened=only_if(opened, events.event_at), newest=only_if(~opened, events.event_at))


def with_newest(left: ir.Table, clocks: list[ir.Table]) -> ir.Table:
    """Departed accounts with the latest of their times in `clocks`."""
    return join(left, newest(left.filter(~blank(left.user_id)).select("user_id").distinct(), *clocks))


def departed(users: ir.Table) -> ir.Table:
    """Accounts that were deleted, purged or anonymised and are not in use again: with `restored`, and `since` when they are gone."""
    restored = sure(users.restored_at > users.deleted_at)
    gone = users.status.isin(["deleted", "purged", "anonymised"])
    u = users.filter(gone | users.deleted_at.notnull(), ~(restored & users.status.isin(LIVE))).mutate(restored=restored)
    without_day = only_if(u.status.isin(["purged", "anonymised"]), u.purged_at)
    return u.mutate(since=ibis.coalesce(u.deleted_at, without_day))


def grown_since(left: ir.Table, policy: View) -> list[Condition]:
    """Departed accounts of which data was stored since, beyond the allowance; first those whose state contradicts itself."""
    limit = policy.after(left.since, "deleted_allowance_h")
    return [
        unknown("status_contradiction", left.restored | left.status.isin(["active", "suspended"])),
        unknown("deleted_at_missing", left.since.isnull()),
        violation("new_data", sure(left.newest > limit)),
        review("app_opened", sure(left.opened > limit)),
        review("store_renewal", sure(left.renewed > limit)),
    ]
