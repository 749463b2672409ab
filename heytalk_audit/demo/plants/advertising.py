"""Advertisers: identifiers in clear, digests that can be traced, choices, tracking, private content."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from heytalk_audit.demo.plants.story import DAY, HOUR, MINUTE, SECOND, SKEW, ad_id, consent_event, story
from heytalk_audit.demo.world import World

ZEROS = "00000000-0000-0000-0000-000000000000"


def hashed(value: str, algorithm: str = "sha256") -> str:
    """A value's digest, in hexadecimal digits."""
    return hashlib.new(algorithm, value.encode()).hexdigest()


def salted(w: World) -> str:
    """A digest of nothing that is stored, different each time."""
    return hashed(w.id("salt"))


def willing(w: World, **values: Any) -> str:
    """An account with consent to personalised advertising."""
    user = w.user(**values)
    w.agree(user, "personalised_ads", w.about(201))
    return user


def disclosed(w: World, user: str | None, *findings: tuple[str, str, str], **values: Any) -> str:
    """A disclosure to an advertising network, by default with a digest of nothing stored; returns its key."""
    usual = {
        "kind": "advertising",
        "purpose": "advertising",
        "vendor_id": "admost",
        "fields": ["event_name"],
        "identifier_form": "keyed_hash",
    }
    sample = {} if "payload_sample" in values else {"payload_sample": salted(w)}
    key = w.add("disclosures", user_id=user, **usual | sample | values)
    for rule, outcome, reason in findings:
        w.find(rule, "disclosures", key, outcome, reason)
    return key


def phone(w: World, user: str, **values: Any) -> str:
    """A device whose owner agreed to tracking, and whose system does not limit it."""
    return w.add("devices", user_id=user, **{"ad_id": ad_id(w), "limit_ad_tracking": False} | values)


@story
def values_in_clear(w: World) -> None:
    clear = ("SHA-03", "violation", "clear_value")
    name = f"Noor van Dam {w.serial}"
    u = willing(w, display_name=name)
    disclosed(w, u, ("SHA-03", "violation", "plain_identifier"), identifier_form="plain", payload_sample=None)
    for value in (f"{salted(w)};noor@mail.heytalk", "+31201234567", "198.51.100.255", u, f" {name}\u3000"):
        disclosed(w, u, clear, payload_sample=value, identifier_form="none")
    for value in ("noor@mail", "+0312012345", "198.51.100.256", f"{u}0", name.upper()):
        disclosed(w, u, payload_sample=value, identifier_form="none")
    disclosed(w, None, payload_sample="noor@mail.heytalk", identifier_form="none")
    coded = ("SHA-03", "review", "uuid_value")
    disclosed(w, u, coded, identifier_form="none", payload_sample=ad_id(w))
    disclosed(w, u, identifier_form="none", payload_sample=ZEROS)


@story
def ids_in_clear(w: World) -> None:
    u = willing(w)
    phone(w, u)
    form = {"identifier_form": "ad_id", "payload_sample": ad_id(w)}
    disclosed(w, u, ("SHA-03", "violation", "raw_ad_id"), **form)
    adjust = {"vendor_id": "adjust", "purpose": "ad_measurement", "fields": ["gps_adid"]}
    disclosed(w, u, ("SHA-03", "review", "ad_id_declared"), **form | adjust)
    disclosed(w, u, **form | {"payload_sample": f"{ZEROS} {ZEROS}"})


@story
def traceable_digests(w: World) -> None:
    mail, number = f"Mira.{w.id('m')}@Mail.heytalk", f"+31 20 {w.id('7')[-7:]}"
    u = willing(w, email=mail, phone=number)
    digits = "".join(c for c in number if c in "0123456789")
    device = phone(w, u, ad_id=ad_id(w).replace("-8000-", "-8abc-"))
    tracker = w.rows["devices"][-1]["ad_id"]
    for reason, value, algorithm in (
        ("email", mail, "md5"),
        ("email", mail.lower(), "sha256"),
        ("phone", number, "sha256"),
        ("phone", digits, "md5"),
        ("phone", f"+{digits}", "sha1"),
        ("user_id", u.upper(), "sha1"),
        ("device_id", device, "md5"),
        ("device_id", tracker.upper(), "sha256"),
    ):
        finding = ("SHA-04", "violation", f"{reason}_digest")
        disclosed(w, u, finding, identifier_form="hashed", payload_sample=f"{salted(w)} {hashed(value, algorithm)}")
        disclosed(w, u, identifier_form="hashed", payload_sample=hashed(f"pepper{value}", algorithm))
    disclosed(w, u, ("SHA-04", "unknown", "no_sample"), payload_sample=None)
    disclosed(w, u, identifier_form="none", payload_sample=None)


@story
def stable_pseudonyms(w: World) -> None:
    """One value for one person on two days is stable; on one day, for two people or to two vendors it is not."""
    day = dt.datetime.combine(w.ago(12).date(), dt.time(), dt.UTC)
    stable = ("SHA-04", "violation", "stable_pseudonym")
    for after, findings in ((DAY, [stable]), (DAY - SECOND, [])):
        u, value = willing(w), salted(w)
        for at in (day, day + after):
            disclosed(w, u, *findings, payload_sample=value, sent_at=at)
    u, other, value = willing(w), willing(w), salted(w)
    for user, at in ((u, day), (u, day + DAY), (other, day)):
        disclosed(w, user, payload_sample=value, sent_at=at)
    value = salted(w)
    for vendor, at in (("admost", day), ("google", day + DAY)):
        disclosed(w, u, payload_sample=value, sent_at=at, vendor_id=vendor)


@story
def consent_required(w: World) -> None:
    """Regions where the law requires consent."""
    at = w.ago(15)
    for region, wait, finding in (
        ("EEA", HOUR, None),
        ("UK", -SKEW, ("review", "clock_skew")),
        ("TR", -SKEW - SECOND, ("violation", "no_grant")),
    ):
        u = w.user(law_region=region)
        w.agree(u, "personalised_ads", at - wait)
        disclosed(w, u, *[("SHA-05", *finding)] if finding else [], sent_at=at)
    for no, finding in ((-SECOND, None), (SKEW - SECOND, ("review", "clock_skew")), (SKEW, ("violation", "refused"))):
        u = willing(w, law_region="CN")
        consent_event(w, u, "personalised_ads", "withdraw", at - no)
        disclosed(w, u, *[("SHA-05", *finding)] if finding else [], sent_at=at)
    disclosed(w, willing(w, law_region=None), sent_at=at)
    disclosed(w, w.user(law_region=None), ("SHA-05", "review", "region_unknown"), sent_at=at)
    ghost = w.id("ghost")
    d = disclosed(w, ghost, ("SHA-05", "unknown", "user_unknown"), sent_at=at)
    for rule in ("DQ-03", "COL-10"):
        w.find(rule, "disclosures", d, "violation", "user_unknown")


@story
def grants_that_ended(w: World) -> None:
    """Advertising on a consent that was given for a time."""
    at = w.ago(30)
    for end, finding in ((at - SKEW, ("violation", "expired")), (at, ("review", "clock_skew")), (at + SECOND, None)):
        u = w.user()
        consent_event(w, u, "personalised_ads", "grant", w.ago(60), expires_at=end)
        disclosed(w, u, *[("SHA-05", *finding)] if finding else [], sent_at=at)


@story
def opt_outs(w: World) -> None:
    """Regions where an opt-out counts: within fifteen working days, and a browser's signal at once."""
    no = w.ago(28)
    last = no.date()
    for _ in range(15):
        last += DAY
        while last.weekday() > 4:
            last += DAY
    over = dt.datetime.combine(last + DAY, dt.time(), dt.UTC)
    for at, values, finding in (
        (over - SECOND, {}, None),
        (over + SKEW - SECOND, {}, ("review", "clock_skew")),
        (over + SKEW, {}, ("review", "holidays_not_given")),
        (over + 4 * DAY - SECOND, {}, ("review", "holidays_not_given")),
        (over + 4 * DAY, {}, ("violation", "opt_out")),
        (no + 4 * MINUTE, {"method": "signal_gpc"}, ("review", "clock_skew")),
        (no + SKEW, {"method": "signal_gpc"}, ("violation", "opt_out")),
        (no - SECOND, {"method": "signal_gpc"}, None),
    ):
        for region in ("US-CA", "OTHER"):
            u = w.user(law_region=region)
            consent_event(w, u, "personalised_ads", "opt_out", no, **values)
            if at >= over:
                w.find("RGT-07", "users", u, "violation", "used_after_opt_out")
            elif at > no + SKEW and region == "OTHER":
                w.find("RGT-07", "users", u, "review", "used_soon_after_opt_out")
            disclosed(w, u, *[("SHA-05", *finding)] if finding else [], sent_at=at)
    u = w.user(law_region="US-CA")
    consent_event(w, u, "personalised_ads", "opt_out", no, method="signal_gpc")
    w.agree(u, "personalised_ads", w.about(20))
    disclosed(w, u)


@story
def observed_after_opting_out(w: World) -> None:
    """Attribution of people who opted out of analytics, or whose consent to it has ended."""
    at = w.ago(30)
    for answers, finding in (
        ((("opt_out", at + SKEW + SECOND, None),), None),
        ((("opt_out", at - SKEW + SECOND, None),), ("review", "clock_skew")),
        ((("withdraw", at - SKEW, None),), ("violation", "analytics_opt_out")),
        ((("refuse", w.ago(90), None), ("grant", w.ago(50), None)), None),
        ((("refuse", w.ago(90), None), ("grant", w.ago(50), at - SKEW)), ("review", "analytics_expired")),
        ((("refuse", w.ago(90), None), ("grant", w.ago(50), at + SKEW + SECOND)), None),
    ):
        u = w.user()
        for action, said_at, end in answers:
            consent_event(w, u, "analytics", action, said_at, expires_at=end)
        attributed(w, u, *[("SHA-14", *finding)] if finding else [], sent_at=at)
    ghost = [(rule, "violation", "user_unknown") for rule in ("DQ-03", "COL-10")]
    attributed(w, w.id("ghost"), ("SHA-14", "unknown", "user_unknown"), *ghost, sent_at=at)


def attributed(w: World, user: str, *findings: tuple[str, str, str], **values: Any) -> None:
    """A disclosure of a person's installation, with its findings."""
    declared = {
        "kind": "sdk",
        "vendor_id": "adjust",
        "purpose": "install_attribution",
        "fields": ["install"],
        "identifier_form": "keyed_hash",
    }
    d = w.add("disclosures", user_id=user, **declared | values)
    for rule, outcome, reason in findings:
        w.find(rule, "disclosures", d, outcome, reason)


@story
def tracking(w: World) -> None:
    ios, denied = {"platform": "ios", "att_status": "authorized"}, {"platform": "ios", "att_status": "denied"}
    silent, limited = {"platform": "ios"}, {"limit_ad_tracking": True}
    for devices, finding in (
        (({},), None),
        ((ios,), None),
        ((denied | {"ad_id": ZEROS},), None),
        ((denied, ios | {"ad_id": None}), ("violation", "att_not_authorized")),
        ((limited,), ("violation", "ad_tracking_limited")),
        ((limited, denied), ("violation", "att_not_authorized")),
        ((ios | {"ad_id": None},), ("unknown", "ad_id_missing")),
        ((silent,), ("unknown", "att_status_missing")),
        (({"limit_ad_tracking": None},), ("unknown", "lat_missing")),
        (({"platform": "web"},), ("unknown", "platform_contradiction")),
        ((ios, denied), ("unknown", "device_ambiguous")),
    ):
        u = willing(w)
        w.agree(u, "cookies", w.about(201))
        for values in devices:
            unauthorised(w, phone(w, u, **values), values)
        tracked(w, u, *[("SHA-06", *finding)] if finding else [])
    u = willing(w)
    named = [phone(w, u, **values) for values in (ios, denied)]
    unauthorised(w, named[1], denied)
    tracked(w, u, device_id=named[0])
    tracked(w, u, ("SHA-06", "violation", "att_not_authorized"), device_id=named[1])
    tracked(w, u, ("SHA-06", "unknown", "device_unknown"), device_id=w.id("gone"))


def unauthorised(w: World, device: str, values: dict[str, Any]) -> None:
    """The finding on an iOS advertising id without the authorisation to track, where there is one."""
    if values.get("platform") == "ios" and "ad_id" not in values and values.get("att_status") != "authorized":
        missing = "att_status" not in values
        reason = "att_status_missing" if missing else "idfa_without_authorisation"
        w.find("PRM-05", "devices", device, "unknown" if missing else "violation", reason)


def tracked(w: World, user: str, *findings: tuple[str, str, str], **values: Any) -> str:
    """A disclosure of an advertising id to the vendor that counts installs."""
    usual = {"kind": "sdk", "vendor_id": "adjust", "purpose": "install_attribution", "fields": ["gps_adid"], "identifier_form": "ad_id"}
    return disclosed(w, user, *findings, payload_sample=None, **usual | values)


@story
def private_content_disclosed(w: World) -> None:
    at = w.ago(15)
    private = ("SHA-11", "violation", "private_content")
    for finding, values in (
        (None, {}),
        (None, {"deleted_at": at + SECOND}),
        (("violation", "content_deleted"), {"deleted_at": at}),
        (("violation", "content_not_public"), {"visibility": "friends"}),
        (private[1:], {"kind": "chat", "visibility": "private"}),
    ):
        u = willing(w)
        items = [w.add("content_items", user_id=u, **{"visibility": "public"} | more) for more in ({}, values)]
        disclosed(w, u, *[("SHA-11", *finding)] if finding else [], content_ids=items, sent_at=at)
    u = willing(w)
    disclosed(w, u, ("SHA-11", "unknown", "content_not_found"), content_ids=[w.id("gone")])
    disclosed(w, u, content_ids=[" "])
    field = disclosed(w, u, ("SHA-11", "violation", "private_field"), fields=["Voice Message"])
    w.find("SHA-02", "disclosures", field, "violation", "field_not_declared")
