"""The background: believable accounts that keep every promise, and some test accounts."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from heytalk_audit.demo.traffic import SparseDays, add_traffic
from heytalk_audit.demo.world import VERSIONS, World

PLACES = {
    "EEA": (("NL", "Utrecht"), ("DE", "Leipzig"), ("ES", "Sevilla"), ("PL", "Gdynia")),
    "UK": (("GB", "Leeds"), ("GB", "Cardiff")),
    "TR": (("TR", "Izmir"), ("TR", "Bursa")),
    "US-CA": (("US", "Fresno"),),
    "CN": (("CN", "Chengdu"),),
    "OTHER": (("BR", "Recife"), ("EG", "Alexandria")),
}
FIRST = (
    "Ada", "Bora", "Can", "Deniz", "Elif", "Femi", "Gita", "Hugo", "Ines", "Jun", "Kofi", "Lena", "Mei",
    "Nadia", "Omar", "Pia", "Quinn", "Rosa", "Sami", "Tariq", "Uma", "Vera", "Wei", "Yusuf", "Zoe",
)  # fmt: skip
LAST = (
    "Aydin", "Bakker", "Costa", "Demir", "Eriksen", "Fischer", "Garcia", "Huang", "Ivanov", "Jansen",
    "Kaya", "Lopez", "Meyer", "Novak", "Okafor", "Park", "Rossi", "Silva", "Tanaka", "Usta",
)  # fmt: skip
HOBBIES = ("chess", "cooking", "running", "karaoke", "poetry", "climbing")
#: Special values that people may enter: field, category, value. The last one states nothing.
INTIMATE = (
    ("religion", "pd:ReligiousBelief", "alevi"),
    ("orientation", "pd:SexualPreference", "bisexual"),
    ("health", "pd:MedicalHealth", "type 1 diabetes"),
    ("ethnicity", "pd:EthnicOrigin", "Sorbian"),
    ("politics", "pd:PoliticalAffiliation", "Prefer not to say"),
)
TICKETS = (
    "I can't log in since yesterday.",
    "Uygulama ses odasında kapanıyor.",
    "我的订阅没有续费成功。",
    "لا أستطيع تغيير صورتي.",
    "¿Cómo puedo cambiar mi correo?",
)
POSTS = (
    "Anyone up for karaoke tonight?",
    "Bu akşam ses odasında buluşalım mı?",
    "今天的直播很好听，谢谢大家。",
    "شكرا على الهدية، نلتقي غدا في الغرفة",
    "Hoy cantamos a las nueve, ¿te vienes?",
    "My order 8814 2239 0017 came two days late.",
    "Version 12.4.1 is out, finally.",
)
#: Name, category, country, transfer tool, and the fields agreed on where the policy lists none.
VENDORS = {
    "rong_cloud": ("Rong Cloud", "messaging", "CN", "SCC", None),
    "agora": ("Agora", "voice", "CN", "SCC", None),
    "facebook": ("Facebook", "advertising", "US", "SCC", ["user_id", "ad_id", "event_name"]),
    "google": ("Google", "login", "US", "SCC", ["user_id", "ad_id", "event_name"]),
    "adjust": ("Adjust", "attribution", "DE", None, None),
    "admost": ("Admost", "advertising", "TR", None, ["user_id", "ad_id", "event_name"]),
}


def add_background(world: World, users: int, rng: np.random.Generator) -> None:
    """Add `users` accounts and what they do, and the rows that belong to no account."""
    _company(world)
    sparse = SparseDays(world)
    active, testers = list[str](), list[dict[str, Any]]()
    for index, chance in enumerate(_chances(users, rng)):
        user = _person(world, index, chance, sparse)
        if user["is_test"]:
            testers.append(user)
        else:
            active.append(user["key"])
        world.forget_phones()
    add_traffic(world, active, sparse, rng)
    for index, user in enumerate(testers):
        _tester(world, user, index, sparse)
    sparse.write_down(world)


def _chances(users: int, rng: np.random.Generator) -> Iterator[list[float]]:
    """Fourteen numbers between 0 and 1 for each account."""
    for start in range(0, users, 10_000):
        yield from rng.random((min(10_000, users - start), 14)).tolist()


def _person(w: World, index: int, chance: list[float], sparse: SparseDays) -> dict[str, Any]:
    region = list(PLACES)[int(chance[0] ** 1.5 * len(PLACES))]
    country, city = PLACES[region][int(chance[1] * len(PLACES[region]))]
    first, last = FIRST[int(chance[2] * len(FIRST))], LAST[int(chance[3] * len(LAST))]
    created = w.ago(20 + chance[5] * 1500).replace(microsecond=0)
    tester = index % 200 == 17
    young = chance[12] < 0.04 and region != "TR" and not tester
    born = created.date() - dt.timedelta(days=(5850 if young else 6600) + int(chance[4] * (700 if young else 15000)))
    seen = w.ago(chance[6] * 18)
    before = len(w.rows["consents"])
    shown = ("friends", "private", "private" if young else "public")
    key = w.user(
        created_at=created,
        last_contact_at=seen,
        last_interactive_at=seen,
        display_name=f"{first} {last}",
        email=f"{first}.{last}.{index}@mail.heytalk".lower(),
        phone=f"+99{index:09d}" if chance[7] < 0.6 else None,
        gender="fmx"[min(int(chance[8] * 2.1), 2)],
        birth_date=born,
        country=country,
        city=city,
        law_region=region,
        profile_visibility=shown[int(chance[9] * 3)],
        credential_format="argon2id" if chance[10] < 0.8 or tester else "sso",
        is_test=tester,
    )
    accepted = [c["consent_id"] for c in w.rows["consents"][before - len(w.rows["consents"]) :]] if tester else []
    user = {"accepted": accepted, "key": key, "created": created, "is_test": tester, "index": index, "region": region, "young": young}
    if not tester:
        _life(w, user, chance, sparse)
    return user


def _life(w: World, user: dict[str, Any], chance: list[float], sparse: SparseDays) -> None:
    """Rows of an account in use; none of them is a finding."""
    u, created, index = user["key"], user["created"], user["index"]
    later = created + dt.timedelta(hours=1)
    w.add("profile_attributes", user_id=u, created_at=later, value=HOBBIES[index % len(HOBBIES)], visibility="friends")
    device = _device(w, user, chance[13])
    w.add("permission_events", device_id=device, event_at=later, permission=("camera", "microphone", "album", "push")[index % 4])
    if chance[11] < 0.5 and not user["young"]:
        _subscriber(w, user, later)
    if chance[12] > 0.92:
        _special_value(w, user, later)
    if index % 7 == 3 and not user["young"]:
        _advertised(w, user, later)
    _contents(w, user, device, later)
    if created > w.ago(300):
        sparse.add_event(w, later, user_id=u, device_id=device, event_type="open", ip="198.51.100.7")
    _purchases_and_requests(w, user, later)


def _contents(w: World, user: dict[str, Any], device: str, later: dt.datetime) -> None:
    """Up to two posts, photos or chats; photos with consent and with the device's permission."""
    u, index = user["key"], user["index"]
    kinds = [("post", "photo", "chat")[(index + n) % 3] for n in range(index % 3)]
    if "photo" in kinds:
        w.agree(u, "media", later)
    for n, kind in enumerate(kinds):
        text = None if kind == "photo" else POSTS[(index + n) % len(POSTS)]
        capture = _captured(w, device, later, index) if kind == "photo" else {}
        w.add("content_items", user_id=u, created_at=max(later, w.ago(30 + 100 * n)), kind=kind, text=text, **capture)


def _purchases_and_requests(w: World, user: dict[str, Any], later: dt.datetime) -> None:
    """What only some accounts have: purchases, tickets, linked accounts, requests, disclosures, looks of staff."""
    u, created, index = user["key"], user["created"], user["index"]
    if index % 11 == 0:
        w.add("subscriptions", user_id=u, start_at=max(created, w.ago(300)))
        w.add("transactions", user_id=u, purchased_at=max(created, w.ago(300)), amount=f"{5 + index % 20}.99")
    if index % 13 == 0:
        opened = max(later, w.ago(90))
        text, topic = TICKETS[index % len(TICKETS)], ("account", "account", "account_leak")[index // 13 % 3]
        acted = {"first_action_at": opened, "last_agent_at": opened, "closed_at": opened}
        w.add("support_tickets", user_id=u, topic=topic, opened_at=opened, text=text, **acted)
    if index % 17 == 0:
        w.add("social_accounts", user_id=u, linked_at=later)
        received = max(later, w.ago(60))
        w.add("rights_requests", user_id=u, received_at=received, answered_at=received + dt.timedelta(days=9), law_region=user["region"])
    if index % 19 == 0:
        w.add("disclosures", user_id=u)
        w.add("staff_access_log", staff_id=f"staff-{index % 5}", user_id=u, purpose_ref="ticket")


def _captured(w: World, device: str, at: dt.datetime, index: int) -> dict[str, Any]:
    """The source of a picture, with the permission of the device for it."""
    source = ("camera", "album")[index // 3 % 2]
    w.add("permission_events", device_id=device, event_at=at, permission=source)
    return {"device_id": device, "capture_source": source, "selection_method": "user_selected" if source == "album" else None}


def _device(w: World, user: dict[str, Any], chance: float) -> str:
    """A device. An advertising id is stored where its owner agreed, or lives in a region where no consent is needed."""
    platform, purpose = (("android", "personalised_ads"), ("ios", "personalised_ads"), ("web", "cookies"))[user["index"] % 3]
    needs_consent = user["region"] in ("EEA", "UK", "TR", "CN") and not user["young"]
    stored = chance < 0.3 and not user["young"]
    if needs_consent and chance < 0.4:
        action = "grant" if stored else "refuse"
        w.add("consents", user_id=user["key"], purpose=purpose, action=action, event_at=user["created"])
    nothing = "00000000-0000-0000-0000-000000000000" if platform == "ios" else None
    values = {"ad_id": f"38400000-8cf0-41bd-b23e-{user['index']:012x}" if stored else nothing}
    if platform == "ios":
        values["att_status"] = "authorized" if stored else "denied"
    at = user["created"]
    return w.add("devices", user_id=user["key"], platform=platform, first_seen_at=at, installed_at=at, **values)


def _subscriber(w: World, user: dict[str, Any], at: dt.datetime) -> None:
    """Marketing with consent, which some have withdrawn since."""
    channel = ("email", "push", "sms")[user["index"] // 3 % 3]
    w.agree(user["key"], f"marketing_{channel}", at)
    sent = max(at + dt.timedelta(days=1), w.ago(6 + user["index"] * 7 % 80))
    w.add("outbound_messages", user_id=user["key"], category="marketing", channel=channel, campaign_id="spring", sent_at=sent)
    if user["index"] % 9 == 0:
        w.add("consents", user_id=user["key"], purpose=f"marketing_{channel}", action="withdraw", event_at=w.ago(4))


def _advertised(w: World, user: dict[str, Any], at: dt.datetime) -> None:
    """Advertising with consent, under a digest that is new each time and is of nothing stored."""
    w.agree(user["key"], "personalised_ads", at)
    ad = {"kind": "advertising", "purpose": "advertising", "fields": ["event_name"], "identifier_form": "keyed_hash"}
    for n, vendor in enumerate(("admost", "google")):
        sent = max(at + dt.timedelta(hours=1), w.ago(5 + user["index"] % 40 + 30 * n))
        sample = hashlib.sha256(w.id("salt").encode()).hexdigest()
        w.add("disclosures", user_id=user["key"], vendor_id=vendor, payload_sample=sample, sent_at=sent, **ad)


def _special_value(w: World, user: dict[str, Any], at: dt.datetime) -> None:
    """A special value, stored with explicit consent, and public only with consent to that as well."""
    name, category, value = INTIMATE[user["index"] % len(INTIMATE)]
    visibility = ("private", "friends", "public")[user["index"] // 5 % 3]
    w.agree(user["key"], "sensitive_data", at)
    if visibility == "public":
        w.agree(user["key"], "sensitive_publication", at)
    w.add("profile_attributes", user_id=user["key"], name=name, category=category, value=value, visibility=visibility, created_at=at)


def _tester(w: World, user: dict[str, Any], index: int, sparse: SparseDays) -> None:
    """A test account's findings: every rule counts its rows and excludes them."""
    u = user["key"]
    event = sparse.add_event(w, w.ago(1 + index % 300), user_id=u)
    consents = [("consents", c, ("DQ-03", "DQ-04", "RET-09", "CON-04", "COL-10")) for c in user["accepted"]]
    account = ("DQ-03", "DQ-04", "DQ-08", "RET-05", "CON-03", "CON-07", "MIN-01", "MIN-02", "COL-03", "COL-04", "RGT-07", "SEC-01")
    events = [("traffic_events", event, ("DQ-03", "DQ-04", "RET-07", "COL-10"))] if event else []
    for table, key, rules in (("users", u, account), *events, *consents):
        for rule in rules:
            w.find(rule, table, key, "excluded", "test_account")


def _company(w: World) -> None:
    """Vendors, policy versions and staff."""
    for key, (name, category, country, tool, fields) in VENDORS.items():
        row = {"vendor_id": key, "name": name, "category": category, "country": country, "transfer_tool": tool, "declared_fields": fields}
        w.add("vendors", **row, vetted_at=w.ago(300).date(), contract_signed_at=w.ago(290).date())
    for version, days, material in VERSIONS:
        w.add("policy_versions", policy_version=version, effective_at=w.ago(days), material=material)
    for n in range(5):
        day = w.ago(800 - n).date()
        w.add("staff", staff_id=f"staff-{n}", started_at=day, last_training_at=w.ago(50 + n).date())
