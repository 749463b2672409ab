"""Permissions as a state: what a device allowed the app at an instant.

The events of a device and permission at one instant are one state, the strongest of them: a revocation before a denial before a grant.
States are half-open intervals, so that a point lies in at most one and a join to them never multiplies rows.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, review, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, key
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import code_of, order_test
from heytalk_audit.rules.terms import join, lookup

#: States from weakest to strongest: of events at one instant, the strongest holds.
NO_GRANT, GRANTED, DENIED, REVOKED = range(4)
ACTIONS = {"granted": GRANTED, "denied": DENIED, "revoked": REVOKED}
REASONS = {REVOKED: "permission_revoked", DENIED: "permission_denied", NO_GRANT: "no_grant"}
#: The end of a state that nothing has ended.
FOREVER = dt.datetime(9999, 12, 31)


def permission_code(permission: ir.StringValue, policy: View) -> ir.StringValue:
    """The permission that a name is written for; where it is none of the policy's, its key without the system's prefix."""
    return code_of(key(permission).re_replace("^androidpermission", ""), policy.declared["permissions"])


def permission_codes(events: ir.Table, policy: View) -> ir.Table:
    """One row per name of a permission in the log, with `requested`, its code: names are few, and events very many."""
    names = events.select("permission").distinct()
    # kept as a table: an engine tests a code before it makes the names distinct, and so normalises that of every event
    return policy.named("permission_codes", names.mutate(requested=permission_code(names.permission, policy)))


def coded(events: ir.Table, policy: View) -> ir.Table:
    """Events with `requested`, the code of their permission; those without a permission are left out."""
    names = permission_codes(events, policy)
    return events.inner_join(names.filter(~blank(names.permission)), "permission")


def permission_states(events: ir.Table, policy: View) -> ir.Table:
    """The state that each device's events set, from `start` until before `until`: device, requested (the code), start, until, state.

    Of all permissions: a rule about one filters by its code. That a feature was blocked changes no state.
    """
    e = coded(events, policy)
    e = e.filter(~blank(e.device_id), e.event_at.notnull(), e.action.isin(list(ACTIONS)))
    state = ibis.cases(*[(e.action == action, state) for action, state in ACTIONS.items()], else_=NO_GRANT)
    e = e.select("requested", device="device_id", start="event_at", state=state.cast("int8"))
    e = e.group_by(["device", "requested", "start"]).agg(state=e.state.max())
    following = ibis.window(group_by=["device", "requested"], order_by="start")
    states = e.mutate(until=e.start.lead().over(following).fill_null(ibis.literal(FOREVER, type="timestamp(6)")))
    return policy.named("permission_states", states)


def with_permission(rows: ir.Table, name: str, at: ir.TimestampValue, held: ir.Table) -> ir.Table:
    """`rows` with column `name`: the state of their device at an instant, and `<name>_since`; `held` is of one permission."""
    rows = rows.mutate(probe=at)
    s = held.select("device", "start", "until", **{name: held.state, f"{name}_since": held.start})
    joined = rows.left_join(s, [rows.device_id == s.device, s.start <= rows.probe, rows.probe < s.until])
    kept = [c for c in rows.columns if c != "probe"]
    return joined.select(*kept, f"{name}_since", **{name: joined[name].fill_null(NO_GRANT)})


def with_device(rows: ir.Table, devices: ir.Table, policy: View) -> ir.Table:
    """`rows`, which have `device_id`, with what their device is: `web`, `device_platform`, `last_install`."""
    d = devices.filter(devices.device_id.notnull())
    facts = {"device_platform": d.platform, "last_install": d.installed_at, "web": sure(d.platform == "web")}
    return join(rows, policy.named("devices_by_id", lookup(d, "device_id", **facts)), "device_id")


def with_need(rows: ir.Table, permission: str, at: str, events: ir.Table, policy: View) -> ir.Table:
    """What `need` asks of `rows`, which have `device_id`: the state of a permission at the instant in column `at`, and `earlier` and
    `later` if clocks differ by the skew; `log_start`, the first event of the whole log."""
    held = permission_states(events, policy)
    held = held.filter(held.requested == permission)
    rows = with_permission(rows, "state", rows[at], held)
    rows = with_permission(rows, "earlier", policy.before(rows[at], "skew_seconds"), held)
    rows = with_permission(rows, "later", policy.after(rows[at], "skew_seconds"), held)
    return rows.cross_join(events.agg(log_start=events.event_at.min()))


def need(rows: ir.Table, at: str, reinstall: bool = True, among: ir.BooleanValue | None = None) -> list[Condition]:
    """Conditions on rows that need a permission at an instant (`rows` as of `with_need`), or on those `among` them.

    Where no log had begun nothing can be told. A grant that counts from before the last installation is for a person to decide.
    """
    among = ibis.literal(True) if among is None else among
    granted, t = sure(rows.state == GRANTED), rows[at]
    skewed = order_test(granted | ~among, rows.earlier == GRANTED, rows.later == GRANTED)
    return [
        unknown("device_missing", among & blank(rows.device_id)),
        unknown("clock_missing", among & t.isnull()),
        unknown("no_permission_log", among & rows.log_start.isnull()),
        unknown("before_log_start", among & sure(t < rows.log_start)),
        *skewed,
        *[violation(reason, among & sure(rows.state == state)) for state, reason in REASONS.items()],
        *([review("grant_before_reinstall", among & granted & before_install(rows, t))] if reinstall else []),
    ]


def before_install(rows: ir.Table, at: ir.TimestampValue) -> ir.BooleanValue:
    """Whether the state at an instant is from before the last installation of the app (`rows` as of `with_device` and `with_need`)."""
    return sure(rows.state_since < rows.last_install) & sure(rows.last_install <= at)
