"""Advertising and what people chose: nothing without the choice that the law asks for, no advertising id without permission to track."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.advertising_terms import advertised, is_zeros, with_choices
from heytalk_audit.rules.declared_terms import order_test
from heytalk_audit.rules.terms import has, join, lookup, only_if

#: Where advertising needs a grant, and where an objection must be honoured.
OPT_IN, OPT_OUT = ("EEA", "UK", "TR", "CN"), ("US-CA", "OTHER")


def last_day(rows: ir.Table, name: str, policy: View) -> ir.DateValue:
    """The day by which an objection that stood at an instant must be acted on."""
    return policy.working_day(policy.date(rows[f"{name}_objected_at"]), "opt_out_business_days", rows.law_region)


def unopposed(rows: ir.Table, name: str, policy: View) -> ir.BooleanValue:
    """Whether nobody objected by an instant, or the time to act on it was not over; a browser's signal counts at once."""
    in_time = ~rows[f"{name}_signalled"] & sure(policy.date(rows[f"{name}_at"]) <= last_day(rows, name, policy))
    return rows[f"{name}_objected_at"].isnull() | in_time


@rule("SHA-05", severity="critical", clauses=["CL-060", "CL-097", "CL-098", "CL-100", "CL-109"])
def advertising_against_choice(disclosures: ir.Table, users: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Data goes to advertising partners only with the choice that the law of the person's region requires."""
    u = one_row_each(users, policy)
    people = lookup(u, "user_id", has_account=~blank(u.user_id), law_region=u.law_region)
    d = join(advertised(disclosures, policy), people)
    d = with_law(with_choices(d, "sent_at", "personalised_ads", consents, policy, signals=True))
    return Check(d, against_choice(d, policy), by=("vendor_id", "law_region"), until=policy.date(d.sent_at))


def with_law(disclosures: ir.Table) -> ir.Table:
    """Disclosures with `opt_in` and `opt_out`: which of the two the law of the person's region asks for."""
    region = disclosures.law_region
    return disclosures.mutate(opt_in=sure(region.isin(OPT_IN)), opt_out=sure(region.isin(OPT_OUT)))


def against_choice(disclosures: ir.Table, policy: View) -> list[Condition]:
    """Disclosures (as of `with_law`) against what their person had chosen, as the law of the region asks for it."""
    d = disclosures
    ok = {n: d.opt_out.ifelse(unopposed(d, n, policy), d[f"{n}_granted"]) for n in ("then", "earlier", "later")}
    due = only_if(d.opt_out & ~d.then_signalled, last_day(d, "then", policy))
    return [
        unknown("user_unknown", ~d.has_account),
        unknown("clock_missing", d.sent_at.isnull()),
        passes(sure(ok["then"])),
        review("region_unknown", ~d.opt_in & ~d.opt_out),
        *order_test(ok["then"], ok["earlier"], ok["later"], due),
        review("holidays_not_given", d.opt_out & perhaps_in_time(d, due, policy), due),
        violation("opt_out", d.opt_out, due),
        violation("expired", d.then_expired),
        violation("refused", d.then_chosen),
        violation("no_grant", ~d.then_chosen),
    ]


def perhaps_in_time(disclosures: ir.Table, due: ir.DateValue, policy: View) -> ir.BooleanValue:
    """Whether holidays that the settings do not list may have moved the day by which an objection must be acted on; a browser's signal
    waits for none."""
    may_be = sure(policy.date(disclosures.sent_at) <= policy.plus_days(due, "unlisted_holidays_days"))
    return ~policy.lists_holidays(disclosures.law_region) & may_be


#: What makes sharing a device's advertising id wrong or unclear, the first named first.
TRACKING = {
    "ad_id_missing": "unknown",
    "platform_contradiction": "unknown",
    "att_status_missing": "unknown",
    "att_not_authorized": "violation",
    "lat_missing": "unknown",
    "ad_tracking_limited": "violation",
}


def tracking(devices: ir.Table) -> ir.Table:
    """Devices with `stored` and `real` (it holds an advertising id, one that is not zeros), `reason` (its number) and `outcome`."""
    stored, zeros = ~blank(devices.ad_id), is_zeros(devices.ad_id)
    ios, android = sure(devices.platform == "ios"), sure(devices.platform == "android")
    holds = (
        ~stored,
        sure(devices.platform == "web"),
        ios & blank(devices.att_status),
        ios & sure(devices.att_status != "authorized"),
        android & devices.limit_ad_tracking.isnull(),
        android & sure(devices.limit_ad_tracking),
    )
    reason = ibis.cases((zeros, -1), *[(when, n) for n, when in enumerate(holds)], else_=-1)
    d = devices.mutate(stored=stored, real=stored & ~zeros, reason=reason.cast("int8"))
    wrong = [n for n, outcome in enumerate(TRACKING.values()) if outcome == "violation"]
    return d.mutate(outcome=ibis.cases((d.reason == -1, 0), (d.reason.isin(wrong), 1), else_=2).cast("int8"))


def together(devices: ir.Table, name: str, key: str) -> ir.Table:
    """One row per key with what its devices say together: `<name>_exists`, `<name>_reason`, `<name>_differ`."""
    d = devices.filter(~blank(devices[key]))
    d = d.group_by(key).agg(reason=d.reason.min(), least=d.outcome.min(), most=d.outcome.max())
    return d.select(key, **{f"{name}_exists": d.reason.notnull(), f"{name}_reason": d.reason, f"{name}_differ": d.least != d.most})


def of_people(devices: ir.Table) -> ir.Table:
    """Each person's devices that hold an advertising id: those with one that is not zeros, where there are such."""
    d = devices.filter(devices.stored)
    d = join(d, has(d, "user_id", any_real=d.real))
    return d.filter(d.real | ~d.any_real)


@rule("SHA-06", severity="high", clauses=["CL-053", "CL-176"])
def ad_id_without_permission(disclosures: ir.Table, devices: ir.Table, policy: View) -> Check:
    """An advertising id is shared only where its device allows tracking."""
    d = disclosures.filter(sure(disclosures.identifier_form == "ad_id"), ~blank(disclosures.user_id))
    d = with_tracking(d.filter(policy.in_period_or_undated(d.sent_at)), tracking(devices))
    return Check(d, tracked_without_permission(d), by=("vendor_id",))


def with_tracking(disclosures: ir.Table, devices: ir.Table) -> ir.Table:
    """Disclosures with what their device says, or else their person's devices (as of `tracking`): `reason` (its number, or -1),
    `differ` (the devices say different things) and `lost` (the device is not there)."""
    d = join(disclosures, together(devices, "named", "device_id"), "device_id")
    d = join(d, together(of_people(devices), "own", "user_id"))
    named = ~blank(d.device_id)
    reason = (~named & ~d.own_exists).ifelse(0, named.ifelse(d.named_reason, d.own_reason))
    return d.mutate(reason=reason.fill_null(-1), differ=named.ifelse(d.named_differ, d.own_differ), lost=named & ~d.named_exists)


def tracked_without_permission(disclosures: ir.Table) -> list[Condition]:
    """Disclosures (as of `with_tracking`) of an advertising id whose device does not allow tracking."""
    conditions = {"unknown": unknown, "violation": violation}
    return [
        unknown("device_unknown", disclosures.lost),
        unknown("device_ambiguous", sure(disclosures.differ)),
        *[conditions[outcome](reason, sure(disclosures.reason == n)) for n, (reason, outcome) in enumerate(TRACKING.items())],
    ]
