"""Advertising: what is sent to it in clear, without a choice, without permission to track, from private content."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, trim
from heytalk_audit.policy.declared import key
from heytalk_audit.policy.view import View
from heytalk_audit.rules.advertising_terms import advertised, choices, is_zeros, sampled, with_choice
from heytalk_audit.rules.declared_terms import is_one_of, order_test, recipients
from heytalk_audit.rules.terms import has, join, lookup, only_if

_BYTE = "(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
#: Values that say by their form whom they are of: an e-mail address, a telephone number, a network address.
CLEAR = (r"^[^@]+@[^@]+\.[^@]+\z", r"^\+[1-9][0-9]{6,14}\z", rf"^({_BYTE}\.){{3}}{_BYTE}\z")
UUID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z"
#: Where advertising needs a grant, and where an objection must be honoured.
OPT_IN, OPT_OUT = ("EEA", "UK", "TR", "CN"), ("US-CA", "OTHER")
PRIVATE_KINDS = ("chat", "voice", "room", "transcript")


def what_samples_hold(disclosures: ir.Table, users: ir.Table) -> ir.Table:
    """One row per sample: `sampled` (it holds anything), `clear`, `uuid` (zeros are none), `beside_zeros` (anything but zeros)."""
    t = sampled(disclosures)
    accounts = users.filter(~blank(users.user_id))
    accounts = accounts.select(token=accounts.user_id, account=ibis.literal(True))
    t = join(t, lookup(accounts, "token", account=accounts.account), "token")
    clear = t.account
    for form in CLEAR:
        clear = clear | t.token.re_search(form)
    zeros = is_zeros(t.token)
    return has(t, "payload_sample", sampled=t.token.notnull(), clear=clear, uuid=t.token.re_search(UUID) & ~zeros, beside_zeros=~zeros)


def declared_for_ad_ids(vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor id: is it a recipient that device identifiers are declared for."""
    wanted = {key(name) for name in policy.setting("ad_id_declared_for")}
    codes = [code for code in policy.declared.vendors if key(code) in wanted]
    v = recipients(vendors, policy)
    return v.select("vendor_id", takes_ad_ids=sure(v.recipient.isin(codes)))


@rule("SHA-03", severity="critical", clauses=["CL-102", "CL-103", "CL-107", "CL-139"])
def clear_identifier_to_advertisers(disclosures: ir.Table, users: ir.Table, vendors: ir.Table, policy: View) -> Check:
    """Advertisers get no value that says in clear whose it is.

    Disclosures for advertising, totals left out. An identifier sent in clear is a violation, whatever was sampled; so is a sample with
    an e-mail address, a telephone number, a network address or an account's id in it, or one that is the person's display name. A
    device's advertising id in clear is a violation too, save for the recipients that the settings say it is declared for: there a
    person decides, as they do on any value of the form of such an id under another name. Advertising ids made of zeros identify
    nobody, and pass. A disclosure that does not say in which form it identifies is unknown.
    """
    d = join(advertised(disclosures), what_samples_hold(disclosures, users), "payload_sample")
    d = join(d, lookup(users, "user_id", person_name=only_if(~blank(users.display_name), trim(users.display_name))))
    d = join(d, declared_for_ad_ids(vendors, policy), "vendor_id")
    ad_id = sure(d.identifier_form == "ad_id")
    return Check(
        d,
        [
            unknown("identifier_form_missing", blank(d.identifier_form)),
            passes(ad_id & d.sampled & ~d.beside_zeros),
            violation("plain_identifier", sure(d.identifier_form == "plain")),
            violation("clear_value", d.clear | sure(trim(d.payload_sample) == d.person_name)),
            violation("raw_ad_id", ad_id & ~d.takes_ad_ids),
            review("ad_id_declared", ad_id),
            review("uuid_value", d.uuid),
        ],
        by=("vendor_id", "identifier_form"),
    )


def with_choices(rows: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """`rows` with what their people had chosen when data was sent, and by then if clocks differ by the skew."""
    chosen = choices(consents, "personalised_ads")
    rows = with_choice(rows, "then", rows.sent_at, chosen)
    rows = with_choice(rows, "earlier", policy.before(rows.sent_at, "skew_seconds"), chosen)
    return with_choice(rows, "later", policy.after(rows.sent_at, "skew_seconds"), chosen)


def last_day(rows: ir.Table, name: str, policy: View) -> ir.DateValue:
    """The day by which an objection that stood at an instant must be acted on."""
    return policy.working_day(policy.date(rows[f"{name}_objected_at"]), "opt_out_business_days")


def unopposed(rows: ir.Table, name: str, policy: View) -> ir.BooleanValue:
    """Whether nobody objected by an instant, or the time to act on it was not over; a browser's signal counts at once."""
    in_time = ~rows[f"{name}_signalled"] & sure(policy.date(rows[f"{name}_at"]) <= last_day(rows, name, policy))
    return rows[f"{name}_objected_at"].isnull() | in_time


@rule("SHA-05", severity="critical", clauses=["CL-060", "CL-097", "CL-098", "CL-100", "CL-109"])
def advertising_against_choice(disclosures: ir.Table, users: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Nobody's data goes to advertisers without the choice that the law of their region asks for.

    Disclosures for advertising, totals left out. In the EEA, the United Kingdom, Turkey and China the latest choice by then must be a
    grant. In California and elsewhere an objection must be acted on within some working days, a browser's signal at once; a later
    grant ends it. Of choices at one instant a refusal wins. What is right only if clocks differ by some minutes is for a person to
    decide, as is a person without a region who has not agreed. A person who is not among the accounts is unknown.
    """
    known = lookup(users, "user_id", known=~blank(users.user_id), law_region=users.law_region)
    d = with_choices(join(advertised(disclosures), known), consents, policy)
    d = d.mutate(opt_in=sure(d.law_region.isin(OPT_IN)), opt_out=sure(d.law_region.isin(OPT_OUT)))
    ok = {n: d.opt_out.ifelse(unopposed(d, n, policy), d[f"{n}_granted"]) for n in ("then", "earlier", "later")}
    due = only_if(d.opt_out & ~d.then_signalled, last_day(d, "then", policy))
    return Check(
        d,
        [
            unknown("user_unknown", ~d.known),
            unknown("clock_missing", d.sent_at.isnull()),
            passes(sure(ok["then"])),
            review("region_unknown", ~d.opt_in & ~d.opt_out),
            *order_test(ok["then"], ok["earlier"], ok["later"], due),
            violation("opt_out", d.opt_out, due),
            violation("refused", d.then_chosen),
            violation("no_grant", ~d.then_chosen),
        ],
        by=("vendor_id", "law_region"),
        until=policy.date(d.sent_at),
    )


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
    """One row per key with what its devices say together: `<name>_found`, `<name>_reason`, `<name>_differ`."""
    d = devices.filter(~blank(devices[key]))
    d = d.group_by(key).agg(reason=d.reason.min(), least=d.outcome.min(), most=d.outcome.max())
    return d.select(key, **{f"{name}_found": d.reason.notnull(), f"{name}_reason": d.reason, f"{name}_differ": d.least != d.most})


def of_people(devices: ir.Table) -> ir.Table:
    """Each person's devices that hold an advertising id: those with one that is not zeros, where there are such."""
    d = devices.filter(devices.stored)
    d = join(d, has(d, "user_id", any_real=d.real))
    return d.filter(d.real | ~d.any_real)


@rule("SHA-06", severity="high", clauses=["CL-053", "CL-176"])
def ad_id_without_permission(disclosures: ir.Table, devices: ir.Table) -> Check:
    """An advertising id is shared only where its device allows tracking.

    Every disclosure of a person's advertising id, judged by the device that it names, or else by the person's devices that hold such an
    id. An Apple device must have authorised tracking, an Android device must not limit it; ids made of zeros identify nobody, and pass.
    The setting is the one at the audit's instant. A device that is not there, has no id or does not say its setting, and several
    devices that say different things, make it unknown.
    """
    d = disclosures.filter(sure(disclosures.identifier_form == "ad_id"), ~blank(disclosures.user_id))
    known = tracking(devices)
    d = join(d, together(known, "named", "device_id"), "device_id")
    d = join(d, together(of_people(known), "own", "user_id"))
    named = ~blank(d.device_id)
    missing = (~named & ~d.own_found).ifelse(0, named.ifelse(d.named_reason, d.own_reason))
    d = d.mutate(reason=missing.fill_null(-1), differ=named.ifelse(d.named_differ, d.own_differ), lost=named & ~d.named_found)
    conditions = {"unknown": unknown, "violation": violation}
    return Check(
        d,
        [
            unknown("device_unknown", d.lost),
            unknown("device_ambiguous", sure(d.differ)),
            *[conditions[outcome](reason, sure(d.reason == n)) for n, (reason, outcome) in enumerate(TRACKING.items())],
        ],
        by=("vendor_id",),
    )


def private_fields(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per list of fields: is one of them of private words or voices."""
    names = disclosures.select("fields").distinct()
    names = names.mutate(name=names.fields.unnest())
    return has(names, "fields", private=is_one_of(names.name, policy.declared.lists["private_fields"]))


def content_named(disclosures: ir.Table, content: ir.Table) -> ir.Table:
    """One row per list of content ids: `named` (it names any), and what is said of the content found."""
    ids = disclosures.select("content_ids").distinct()
    ids = ids.mutate(content_id=ids.content_ids.unnest())
    ids = ids.filter(~blank(ids.content_id))
    c = content.semi_join(ids, "content_id")
    c = lookup(
        c,
        "content_id",
        found=c.content_id.notnull(),
        secret=sure(c.kind.isin(PRIVATE_KINDS)),
        hidden=~blank(c.visibility) & sure(c.visibility != "public"),
        unsaid=blank(c.visibility),
        deleted_at=c.deleted_at,
    )
    ids = join(ids, c, "content_id")
    return ids.group_by("content_ids").agg(
        named=ids.content_id.notnull().any(),
        lost=(~ids.found).any(),
        first_deleted=ids.deleted_at.min(),
        **{flag: ids[flag].any() for flag in ("secret", "hidden", "unsaid")},
    )


@rule("SHA-11", severity="critical", clauses=["CL-102"])
def private_content_to_advertisers(disclosures: ir.Table, content_items: ir.Table, policy: View) -> Check:
    """Advertisers get nothing out of chats, voices or content that is not public.

    Disclosures for advertising that name content, or fields of private words and voices. Such a field is a violation, as is content of
    a chat, a voice message, a room or a transcript, content deleted by the time of sending, and content that is not public. Content
    that is not among the items delivered, or that does not say who may see it, is unknown. Visibility is the one at the audit's
    instant.
    """
    d = disclosures.filter(disclosures.kind == "advertising")
    d = join(join(d, private_fields(d, policy), "fields"), content_named(d, content_items), "content_ids")
    d = d.filter(d.private | d.named)
    return Check(
        d,
        [
            violation("private_field", d.private),
            violation("private_content", d.secret),
            violation("content_deleted", sure(d.first_deleted <= d.sent_at)),
            violation("content_not_public", d.hidden),
            unknown("content_not_found", d.lost),
            unknown("visibility_missing", d.unsaid),
            unknown("clock_missing", d.sent_at.isnull()),
        ],
        by=("vendor_id",),
    )
