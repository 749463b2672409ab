"""Disclosures: undeclared recipients, fields and purposes, missing contracts, erasures not passed on, transfers abroad."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from heytalk_audit.demo.people import VENDORS
from heytalk_audit.demo.plants.story import DAY, HOUR, SECOND, SKEW, consent_event, deleted, story
from heytalk_audit.demo.world import World

#: The region of law in which a vendor of the background has its seat.
SEATS = {"CN": "CN", "US": "US-CA", "DE": "EEA", "TR": "TR"}


def vendor(w: World, *findings: tuple[str, str, str], **values: Any) -> str:
    """A vendor of the register, vetted and under contract: Adjust under one of its names, unless `values` say otherwise."""
    usual = {"name": "Adjust GmbH", "category": "attribution", "country": "DE"}
    bound = {"vetted_at": w.ago(300).date(), "contract_signed_at": w.ago(290).date()}
    key = w.add("vendors", **usual | bound | values)
    for rule, outcome, reason in findings:
        w.find(rule, "vendors", key, outcome, reason)
    return key


def share(w: World, vendor_id: str, *findings: tuple[str, str, str], **values: Any) -> str:
    """A disclosure to a vendor; by default of fields and for a purpose that the policy declares for Adjust."""
    usual = {"purpose": "install_attribution", "fields": ["install", "idfa"], "user_id": w.rows["users"][-1]["user_id"]}
    key = w.add("disclosures", vendor_id=vendor_id, **usual | values)
    for rule, outcome, reason in findings:
        w.find(rule, "disclosures", key, outcome, reason)
    return key


def advertise(w: World, vendor_id: str, *findings: tuple[str, str, str], **values: Any) -> str:
    """A disclosure for advertising, about somebody who consented to it."""
    u = w.user()
    w.agree(u, "personalised_ads", w.about(200))
    usual = {"kind": "advertising", "purpose": "advertising", "user_id": u, "identifier_form": "none"}
    return share(w, vendor_id, *findings, **usual | values)


@story
def undeclared_recipients(w: World) -> None:
    w.user()
    page = {"declared_fields": ["page"]}
    for finding, values in (
        (("violation", "undeclared_recipient"), {"name": "Clickwell", "category": "analytics"}),
        (("review", "declared_by_category_only"), {"name": "Northpeak Hosting", "category": "hosting"}),
        (("unknown", "vendor_name_missing"), {"name": "\u3000", "category": "hosting"}),
        (("unknown", "category_missing"), {"name": "Clickwell", "category": None}),
    ):
        share(w, vendor(w, ("SHA-01", *finding), **page, **values), fields=["Page"], purpose="surveys")
    vendor(w, ("SHA-01", "violation", "undeclared_recipient"), name="Adjust Analytics", category="other")
    vendor(w, ("SHA-01", "violation", "undeclared_recipient"), name="声网", aliases=["融云"], category="voice")
    vendor(w, name="AGORA.io", category=None)
    vendor(w, name="声网", aliases=["融云", "Shengwang"], category="voice")
    both = vendor(w, ("SHA-01", "unknown", "vendor_ambiguous"), name="Ads desk", aliases=["Google Ads", "Facebook Ads"])
    share(w, both, ("SHA-02", "unknown", "vendor_unknown"), purpose="surveys")
    vendor(w, name="Google Ads", aliases=["Facebook Ads"])


@story
def unregistered(w: World) -> None:
    u, stranger = w.user(), w.id("v")
    unknown = [(rule, "unknown", "vendor_unknown") for rule in ("SHA-02", "SHA-07")]
    share(w, stranger, *unknown)
    share(w, stranger, unknown[1], kind="legal", legal_ground="crime", reference="C-1", approved_by="legal")
    for rule in ("SHA-01", "SHA-09", "SHA-13"):
        w.find(rule, "vendors", stranger, "unknown", "vendor_not_registered")
    court = w.id("v")
    share(w, court, unknown[1], kind="legal", legal_ground="process", reference="C-2", approved_by="legal", user_id=u)
    w.find("SHA-13", "vendors", court, "unknown", "vendor_not_registered")


@story
def undeclared_fields(w: World) -> None:
    w.user()
    beyond, coarse, empty = (
        ("SHA-02", "violation", "field_not_declared"),
        ("SHA-02", "review", "coarse_category"),
        ("SHA-02", "unknown", "blank_field"),
    )
    rong, agora = {"purpose": "realtime_messaging"}, {"purpose": "voice_calls", "kind": "sdk"}
    share(w, "rong_cloud", **rong, fields=["brand", "SSAID", "os.version", "client_ip", "carrier", "wan_ip"])
    share(w, "rong_cloud", beyond, **rong, fields=["brand", "battery_level"])
    share(w, "agora", **agora, fields=["audio", "rtt", "battery_level", "ip"])
    share(w, "agora", beyond, **agora, fields=["audio", "user_id"])
    share(w, "google", purpose="login", kind="sdk", fields=["OpenID"])
    share(w, "google", beyond, purpose="login", kind="sdk", fields=["OpenID", "ad_id"])
    share(w, "adjust", coarse, fields=["session", "uid"])
    share(w, "adjust", beyond, fields=["session", "uid", "e-mail"])
    share(w, "adjust", fields=["session", "gps_adid"])
    share(w, "adjust", empty, fields=["session", " "])
    share(w, "adjust", beyond, fields=["", "e-mail"])
    share(w, "adjust", fields=[])
    share(w, "adjust", user_id=None, identifier_form="none", fields=["age_band"])
    advertise(w, "google", fields=["Event Name"])
    advertise(w, "google", beyond, fields=["sub"])
    for declared, findings in ((None, [("SHA-02", "unknown", "no_declared_list")]), ([], [beyond]), (["screen"], [])):
        v = vendor(w, name="Meta Platforms, Inc.", category="advertising", declared_fields=declared)
        share(w, v, *findings, fields=["Screen"], purpose="event_manager")


@story
def undeclared_purposes(w: World) -> None:
    w.user()
    share(w, "adjust", purpose="Ad Measurement")
    share(w, "adjust", ("SHA-07", "violation", "purpose_not_recipients"), purpose="advertising")
    share(w, "adjust", ("SHA-07", "violation", "purpose_not_declared"), purpose="resale")
    share(w, "adjust", ("SHA-07", "unknown", "purpose_missing"), purpose=" ")
    ads = ("SHA-07", "violation", "support_data_for_ads")
    v = vendor(w, name="Facebook", category="advertising", declared_fields=["screen", "ticket_topic", "ticket"])
    advertise(w, v, ads, fields=["Ticket Topic"])
    advertise(w, v, ads, fields=["screen"], purpose="customer_support")
    advertise(w, v, fields=["ticket"])


@story
def authorities(w: World) -> None:
    w.user()
    court = vendor(w, name="District court", category="authority", vetted_at=None, contract_signed_at=None)
    sound = {"kind": "legal", "purpose": "legal_compliance", "legal_ground": "Process", "reference": "C-3", "approved_by": "legal"}
    share(w, court, **sound)
    share(w, court, ("SHA-08", "violation", "ground_missing"), **sound | {"legal_ground": " "})
    share(w, court, ("SHA-08", "violation", "ground_not_listed"), **sound | {"legal_ground": "courtesy"})
    share(w, court, ("SHA-08", "review", "reference_missing"), **sound | {"reference": None})
    share(w, court, ("SHA-08", "review", "approver_missing"), **sound | {"approved_by": ""})


@story
def change_of_control(w: World) -> None:
    w.user()
    buyer = vendor(w, name="Blue Fox Holding", category="other", vetted_at=None, contract_signed_at=None)
    sound = {"kind": "corporate", "purpose": "enforce_rights", "reference": "M-7", "approved_by": "board"}
    share(w, buyer, **sound)
    share(w, buyer, ("SHA-12", "violation", "reference_missing"), **sound | {"reference": None})
    share(w, buyer, ("SHA-12", "review", "approver_missing"), **sound | {"approved_by": None})
    share(w, buyer, **sound | {"reference": None, "user_id": None, "identifier_form": "none"})


@story
def vetting_and_contracts(w: World) -> None:
    """Vetted and signed on the day of the first disclosure, or a day later; ended on that of the last, or a day before."""
    w.user()
    day, last = w.ago(20), w.ago(10)

    def used(reason: str | None, outcome: str = "violation", **values: Any) -> None:
        dates = {"vetted_at": day.date(), "contract_signed_at": day.date(), "contract_end": last.date()}
        v = vendor(w, *([("SHA-09", outcome, reason)] if reason else []), **dates | values)
        for at in (day, last):
            share(w, v, sent_at=at)

    used(None)
    used("not_vetted", vetted_at=None)
    used("vetted_late", vetted_at=last.date(), first_vetted_at=day.date() + DAY)
    used(None, vetted_at=last.date(), first_vetted_at=day.date())
    used("vetted_again", "review", vetted_at=day.date() + DAY)
    used("no_contract", contract_signed_at=None)
    used("contract_late", contract_signed_at=last.date(), first_contract_at=day.date() + DAY)
    used(None, contract_signed_at=last.date(), first_contract_at=day.date())
    used("contract_renewed", "review", contract_signed_at=day.date() + DAY)
    used("contract_expired", contract_end=last.date() - DAY)
    used("contract_dates_contradict", "unknown", contract_end=day.date() - DAY)
    used("role_missing", "review", role="")


@story
def erasure_not_passed_on(w: World) -> None:
    """Data of an erased person with recipients who were not notified of the erasure, or that were sent after it."""
    silent = ("SHA-10", "review", "no_record_of_notice")
    rong = {"purpose": "realtime_messaging", "fields": ["user_id"]}
    for days, findings in ((30, []), (31, [silent])):
        u = gone(w, w.ago(days))
        share(w, "rong_cloud", **rong, user_id=u, sent_at=w.ago(days + 40))
        share(w, "rong_cloud", *findings, **rong, user_id=u, sent_at=w.ago(days))
        share(w, "rong_cloud", **rong, kind="legal", legal_ground="crime", reference="C-4", approved_by="legal", user_id=u)
        u = gone(w, w.ago(days))
        share(w, "rong_cloud", **rong, user_id=u, sent_at=w.ago(days + 1), identifier_form="none")
    at = w.ago(40)
    for wait, finding in ((SKEW, ("review", "clock_skew")), (SKEW + SECOND, ("violation", "sent_after_erasure"))):
        share(w, "rong_cloud", ("SHA-10", *finding), **rong, user_id=gone(w, at), sent_at=at + wait)
    named = ("SHA-01", "review", "declared_by_category_only")
    host = vendor(w, named, name="Northpeak Hosting", category="hosting", declared_fields=["user_id"])
    w.find("SHA-13", "vendors", host, "unknown", "region_missing")
    for days, findings in ((30, []), (31, [silent])):
        u = gone(w, w.ago(60))
        share(w, host, *findings, fields=["user_id"], purpose="improve_services", user_id=u, sent_at=w.ago(61))
        share(w, host, fields=["user_id"], purpose="legal_compliance", user_id=u, sent_at=w.ago(60 - days))
    u = deleted(w, status="purged", purged_at=None)
    share(w, "rong_cloud", ("SHA-10", "unknown", "clock_missing"), **rong, user_id=u, sent_at=w.ago(40))


@story
def withdrawal_not_passed_on(w: World) -> None:
    """Advertisers who have data of somebody who has withdrawn consent since."""
    for days, findings in ((30, []), (31, [("SHA-10", "review", "no_record_of_notice")])):
        sample = {"identifier_form": "keyed_hash", "payload_sample": hashlib.sha256(w.id("s").encode()).hexdigest()}
        advertise(w, "admost", *findings, **sample, fields=["ad_id"], sent_at=w.ago(days) - HOUR)
        consent_event(w, w.rows["disclosures"][-1]["user_id"], "personalised_ads", "withdraw", w.ago(days))


def gone(w: World, at: dt.datetime) -> str:
    """A person of whom only the purge log has a row."""
    u = w.id("u")
    w.add("purge_log", user_id=u, purged_at=at)
    return u


@story
def transfers_abroad(w: World) -> None:
    nobody = ("SHA-13", "unknown", "region_missing")
    for country, tool, region, finding in (
        ("NL", None, "EEA", None),
        ("CH", " ", "EEA", ("SHA-13", "review", "transfer_without_tool")),
        ("AU", "SCC", "EEA", ("SHA-13", "review", "transfer_with_tool")),
        ("gb", None, "UK", None),
        ("US", None, "US-CA", None),
        ("HK", None, "CN", ("SHA-13", "review", "transfer_without_tool")),
        (" ", None, "EEA", ("SHA-13", "unknown", "country_missing")),
        ("Germany", None, "EEA", ("SHA-13", "unknown", "country_unreadable")),
        ("NL", None, None, nobody),
        ("BR", None, "OTHER", nobody),
    ):
        w.user(law_region=region)
        share(w, vendor(w, *([finding] if finding else []), country=country, transfer_tool=tool))
    w.user(law_region="OTHER", country="BR")
    share(w, vendor(w, country="br"))
    w.user(law_region=None, country="NL")
    share(w, vendor(w))


def seats(w: World) -> None:
    """Vendors of the background, which get data of people everywhere: what lies outside their region is for a person to decide."""
    for key, (_, _, country, tool, _) in VENDORS.items():
        regions = w.recipients[key]
        if regions - {None, SEATS[country]}:
            w.find("SHA-13", "vendors", key, "review", "transfer_with_tool" if tool else "transfer_without_tool")
        elif None in regions:
            w.find("SHA-13", "vendors", key, "unknown", "region_missing")
