"""Permissions: whether the app used a device's camera, microphone, album, identifiers and windows only while it was allowed to."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, key
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.advertising_terms import is_zeros
from heytalk_audit.rules.declared_terms import is_one_of
from heytalk_audit.rules.permission_terms import coded, need, permission_codes, with_device, with_need
from heytalk_audit.rules.terms import any_flag, delivered, join, lookup


def captured(content: ir.Table, devices: ir.Table, policy: View) -> ir.Table:
    """Content of the period with what its device is; what came from a browser is left out."""
    c = content.filter(policy.in_period_or_undated(content.created_at))
    c = c.select("content_id", "user_id", "device_id", "created_at", **delivered(c, "kind", "selection_method"))
    c = with_device(c, devices, policy)
    return c.filter(~c.web)


@rule("PRM-01", severity="medium", clauses=["CL-023", "CL-057", "CL-163", "CL-171", "CL-172"])
def camera_without_permission(content_items: ir.Table, permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """The camera is used only while its permission is on."""
    c = content_items.filter(content_items.capture_source == "camera")
    population = captured(c, devices, policy)
    c = with_need(population, "camera", "created_at", permission_events, policy)
    return Check(
        c,
        need(c, "created_at"),
        by=("kind",),
        population=population,
    )


@rule("PRM-02", severity="high", clauses=["CL-168"])
def microphone_without_permission(content_items: ir.Table, permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """People are recorded only while the microphone's permission is on."""
    c = content_items
    c = c.filter(sure(c.capture_source == "mic") | (sure(c.kind == "voice") & blank(c.capture_source)))
    population = captured(c, devices, policy)
    c = with_need(population, "microphone", "created_at", permission_events, policy)
    return Check(
        c,
        need(c, "created_at"),
        by=("kind",),
        population=population,
    )


@rule("PRM-03", severity="high", clauses=["CL-023", "CL-056", "CL-165", "CL-166", "CL-167"])
def album_without_permission(content_items: ir.Table, permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """Pictures are taken from the album only if the person selected them and the album permission is on."""
    c = content_items.filter(content_items.capture_source == "album")
    population = captured(c, devices, policy)
    c = with_need(population, "album", "created_at", permission_events, policy)
    return Check(
        c,
        [
            violation("auto_selected", sure(c.selection_method == "auto")),
            unknown("selection_missing", blank(c.selection_method)),
            *need(c, "created_at"),
        ],
        by=("kind", "selection_method"),
        population=population,
    )


@rule("PRM-05", severity="high", clauses=["CL-014", "CL-043", "CL-053", "CL-174", "CL-176"])
def identifier_without_permission(devices: ir.Table, permission_events: ir.Table, policy: View) -> Check:
    """A device's identifiers are read only with its owner's permission."""
    phones = phones_of(devices)
    d = with_need(phones, "device_info", "first_seen_at", permission_events, policy)
    tracked = (d.platform == "ios") & ~blank(d.ad_id) & ~is_zeros(d.ad_id)
    return Check(
        d,
        [
            unknown("att_status_missing", tracked & blank(d.att_status)),
            violation("idfa_without_authorisation", tracked & ~sure(d.att_status == "authorized")),
            *need(d, "first_seen_at", reinstall=False, among=sure(d.platform == "android")),
        ],
        by=("platform",),
        population=phones,
    )


def phones_of(devices: ir.Table) -> ir.Table:
    """The devices on an Apple system or Android."""
    d = devices.select("device_id", "user_id", "platform", "ad_id", "att_status", "first_seen_at")
    return d.filter(d.platform.isin(["ios", "android"]))


@rule("PRM-06", severity="low", clauses=["CL-173"])
def floating_window_without_permission(permission_events: ir.Table, traffic_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """A floating window opens only while its permission is on."""
    e = with_device(floating_windows(traffic_events, policy), devices, policy)
    opened = e.filter(~e.web, ~sure(e.device_platform == "ios"))
    e = with_need(opened, "floating_window", "event_at", permission_events, policy)
    return Check(
        e,
        need(e, "event_at"),
        record="traffic_events:" + e.event_id,
        population=opened,
    )


#: How the type of a window's event goes on where it says that the window came up; that it closed needs no permission.
OPENED = r"(?:open|opened|start|started|show|shown|enter|entered)\z"


def floating_windows(events: ir.Table, policy: View) -> ir.Table:
    """The logged events whose type names a floating window: each name of a type is looked at once, as events are very many."""
    wanted = Codes(None, {name: () for name in policy.setting("floating_window_events")})
    types = events.select("event_type").distinct()
    names = is_one_of(types.event_type, wanted) | is_one_of(key(types.event_type).re_replace(OPENED, ""), wanted)
    types = policy.named("event_types", types.mutate(is_floating_window=names))
    e = events.select("event_id", "user_id", "device_id", "event_type", "event_at")
    return e.semi_join(types.filter(types.is_floating_window), "event_type")


@rule("PRM-07", severity="high", clauses=["CL-071", "CL-162"])
def permission_not_listed(permission_events: ir.Table, devices: ir.Table, policy: View) -> Check:
    """The app asks for no permission that the policy does not list."""
    e = with_owner(permission_events, devices, policy)
    listed = sure(e.requested.isin(list(policy.declared["permissions"].codes)))
    return Check(
        e,
        [
            unknown("permission_missing", blank(e.permission)),
            review("third_party_permission", ~listed & is_of(e.requested, "third_party", policy)),
            review("ordinary_permission", ~listed & is_of(e.requested, "ordinary", policy)),
            violation("permission_not_listed", ~listed),
        ],
        by=("permission",),
    )


def with_owner(events: ir.Table, devices: ir.Table, policy: View) -> ir.Table:
    """The events of the log with the code of their permission in `requested`, and whose device it is."""
    owners = devices.filter(devices.device_id.notnull())
    e = join(events.select("event_id", "device_id", "permission"), lookup(owners, "device_id", user_id=owners.user_id), "device_id")
    return join(e, permission_codes(events, policy), "permission")


def is_of(permission: ir.StringValue, group: str, policy: View) -> ir.BooleanValue:
    """Whether the key of a permission is one of a declared group, or begins or ends as some of it do; false where it is null."""
    names, beginnings, endings = (policy.declared[f"{group}_{part}"].keys() for part in ("permissions", "beginnings", "endings"))
    alike = [*[permission.startswith(word) for word in beginnings], *[permission.endswith(word) for word in endings]]
    return any_flag([sure(flag) for flag in (permission.isin(names), *alike)])


@rule("PRM-09", severity="medium", clauses=["CL-177"])
def connected_before_agreement(
    traffic_events: ir.Table, consents: ir.Table, permission_events: ir.Table, devices: ir.Table, policy: View
) -> Check:
    """The app connects to the server only after people agreed."""
    apps = with_agreement(connected(devices, traffic_events), traffic_events, consents, permission_events, policy)
    return Check(apps, no_agreement_yet(apps, policy), record="devices:" + apps.device_id, by=("platform",))


def no_agreement_yet(apps: ir.Table, policy: View) -> list[Condition]:
    """Apps that had `connected` before they were `agreed` to."""
    in_time = sure(apps.agreed <= apps.connected)
    return [
        unknown("user_missing", ~apps.used_by_somebody & ~in_time),
        review("clock_skew", ~in_time & sure(apps.agreed <= policy.after(apps.connected, "skew_seconds"))),
        violation("before_agreement", ~in_time & apps.agreed.notnull()),
        violation("never_agreed", ~in_time),
    ]


def connected(devices: ir.Table, traffic_events: ir.Table) -> ir.Table:
    """Devices with an installed app, and `connected`, its first request since the installation; those without any are left out."""
    d = devices.filter(~blank(devices.device_id), ~sure(devices.platform == "web"))
    d = d.select("device_id", "user_id", "platform", "installed_at")
    e = traffic_events.filter(~blank(traffic_events.device_id)).select("device_id", "event_at")
    e = e.inner_join(lookup(d, "device_id", installed=d.installed_at), "device_id")
    e = e.filter(e.installed.isnull() | (e.event_at >= e.installed)).group_by("device_id").agg(connected=e.event_at.min())
    d = join(d, e, "device_id")
    return d.filter(d.connected.notnull())


def users_by_then(apps: ir.Table, events: ir.Table) -> ir.Table:
    """Whose agreement counts for the first request of each app (as of `connected`): device_id, user_id.

    That is the person whom the request names, or else those whom the device, or its events until then, name.
    """
    e = events.filter(~blank(events.user_id)).select("device_id", "user_id", "event_at")
    e = e.inner_join(apps.select("device_id", "connected").distinct(), "device_id").filter(lambda t: t.event_at <= t.connected)
    own = e.filter(e.event_at == e.connected).select("device_id", "user_id")
    others = ibis.union(e.select("device_id", "user_id"), apps.filter(~blank(apps.user_id)).select("device_id", "user_id"))
    return ibis.union(own, others.anti_join(own.view(), "device_id")).distinct()


def with_agreement(apps: ir.Table, requests: ir.Table, consents: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """Apps with `agreed`: when their user first accepted the policy or the device first granted the network permission; and whether they
    were `used_by_somebody` who is known."""
    c = consents.filter(consents.purpose == "policy_acceptance", consents.action == "grant", ~blank(consents.user_id))
    people = join(users_by_then(apps, requests), c.group_by("user_id").agg(accepted=c.event_at.min()))
    people = people.group_by("device_id").agg(accepted=people.accepted.min(), used_by_somebody=people.user_id.notnull().any())
    e = coded(events, policy)
    e = e.filter(e.requested == "network", e.action == "granted", ~blank(e.device_id))
    d = join(join(apps, people, "device_id"), e.group_by("device_id").agg(allowed=e.event_at.min()), "device_id")
    return d.mutate(agreed=ibis.ifelse(sure(d.accepted < d.allowed), d.accepted, d.allowed.fill_null(d.accepted)))
