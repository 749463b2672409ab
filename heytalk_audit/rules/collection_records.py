"""Collection that goes on when it should have ended, and data that belongs to nobody."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
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
    """Who removes the app is no longer observed by it.

    Every device whose app was uninstalled. A page, click or call of that device after it, beyond an allowance and before the app was
    installed or opened again, is a violation; within the clocks' tolerance before that it is for a person to decide. A device first seen
    after it was uninstalled is unknown. Events count by their own time, however late they were sent.
    """
    d = devices.filter(devices.uninstalled_at.notnull())
    gone = d.filter(~blank(d.device_id)).select("device_id", "uninstalled_at").distinct()
    e = traffic_events.select("device_id", "event_at", "event_type").inner_join(gone, "device_id")
    e = e.filter(e.event_at > e.uninstalled_at)
    kind = lower(trim(e.event_type))
    used = kind.isin(USE) & (e.event_at > policy.after(e.uninstalled_at, "uninstall_allowance_h"))
    seen = e.group_by(["device_id", "uninstalled_at"]).agg(
        opened=only_if(sure(kind == "open"), e.event_at).min(),
        used=only_if(sure(used), e.event_at).min(),
    )
    d = join(d, seen, ["device_id", "uninstalled_at"])
    d = d.mutate(back=earliest(only_if(sure(d.installed_at > d.uninstalled_at), d.installed_at), d.opened))
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


@rule("COL-10", severity="medium", clauses=["CL-035", "CL-040"])
def data_of_nobody(users: ir.Table, purge_log: ir.Table, present: Present) -> Check:
    """All that is stored of a person belongs to an account.

    Every row of each delivered table that is kept by person. A row must name somebody who stands in users or in the purge log. Requests
    and support of people without an account, statistics that were shared, and events without any identifier may name nobody; so may an
    event of a device that somebody in users owns. Other events without a person are for a person to decide; other rows are violations.
    """
    people = ibis.union(users.select("user_id"), purge_log.select("user_id")).distinct()
    people = people.filter(~blank(people.user_id)).mutate(known=True)
    tables = [name for name in OF_PEOPLE if name in present]
    rows = ibis.union(*[_named(name, present, users) for name in tables])
    rows = join(rows, people)
    nobody = blank(rows.user_id)
    return Check(
        rows,
        [
            passes(rows.known),
            passes(nobody & rows.allowed),
            review("unlinked_event", nobody & (rows.table_name == "traffic_events")),
            violation("no_user", nobody),
            violation("user_unknown", ~nobody),
        ],
        record=rows.table_name + ":" + rows.key,
        by=("table_name",),
        population=ibis.union(*[present[name].select("user_id") for name in tables]),
    )


def _named(name: str, present, users: ir.Table) -> ir.Table:
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


def _events(events: ir.Table, key: dict[str, ir.Value], present, users: ir.Table) -> ir.Table:
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
    users: ir.Table,
    subscriptions: ir.Table,
    consents: ir.Table,
    profile_attributes: ir.Table,
    content_items: ir.Table,
    traffic_events: ir.Table,
    devices: ir.Table,
    transactions: ir.Table,
    social_accounts: ir.Table,
    policy: View,
) -> Check:
    """Nothing new is stored of people who left.

    Every account that was deleted, purged or anonymised, unless it was restored and is in use. A subscription, grant, attribute, content
    item, event, device, payment or linked account of a time beyond an allowance after the deletion is a violation. An account that was
    restored and is gone all the same, or is in use in spite of its deletion, is unknown, as is one without the day.
    """
    u = users
    restored = sure(u.restored_at > u.deleted_at)
    gone = u.status.isin(["deleted", "purged", "anonymised"])
    u = u.filter(gone | u.deleted_at.notnull(), ~(restored & u.status.isin(LIVE))).mutate(restored=restored)
    without_day = only_if(u.status.isin(["purged", "anonymised"]), u.purged_at)
    u = u.mutate(since=ibis.coalesce(u.deleted_at, without_day))
    grants = consents.filter(consents.action == "grant")
    latest = newest(
        u.filter(~blank(u.user_id)).select("user_id").distinct(),
        (subscriptions, subscriptions.start_at),
        (grants, grants.event_at),
        (profile_attributes, profile_attributes.created_at),
        (content_items, content_items.created_at),
        (traffic_events, traffic_events.event_at),
        (devices, devices.first_seen_at),
        (transactions, transactions.purchased_at),
        (social_accounts, social_accounts.linked_at),
    )
    u = join(u, latest)
    return Check(
        u,
        [
            unknown("status_contradiction", u.restored | u.status.isin(["active", "suspended"])),
            unknown("deleted_at_missing", u.since.isnull()),
            violation("new_data", sure(u.newest > policy.after(u.since, "deleted_allowance_h"))),
        ],
        by=("status",),
    )
