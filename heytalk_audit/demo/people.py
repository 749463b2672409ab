"""The background: believable accounts that keep every promise, and some test accounts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from heytalk_audit.demo.world import World

PLACES = {
    "EEA": (("NL", "Utrecht"), ("DE", "Leipzig"), ("ES", "Sevilla"), ("PL", "Gdynia")),
    "UK": (("GB", "Leeds"), ("GB", "Cardiff")),
    "TR": (("TR", "Izmir"), ("TR", "Bursa")),
    "US-CA": (("US", "Fresno"),),
    "CN": (("CN", "Chengdu"),),
    "OTHER": (("BR", "Recife"), ("EG", "Alexandria")),
}
FIRST = [
    "Ada",
    "Bora",
    "Can",
    "Deniz",
    "Elif",
    "Femi",
    "Gita",
    "Hugo",
    "Ines",
    "Jun",
    "Kofi",
    "Lena",
    "Mei",
    "Nadia",
    "Omar",
    "Pia",
    "Quinn",
    "Rosa",
    "Sami",
    "Tariq",
    "Uma",
    "Vera",
    "Wei",
    "Yusuf",
    "Zoe",
]
LAST = [
    "Aydin",
    "Bakker",
    "Costa",
    "Demir",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Huang",
    "Ivanov",
    "Jansen",
    "Kaya",
    "Lopez",
    "Meyer",
    "Novak",
    "Okafor",
    "Park",
    "Rossi",
    "Silva",
    "Tanaka",
    "Usta",
]
HOBBIES = ("chess", "cooking", "running", "karaoke", "poetry", "climbing")
TICKETS = (
    "I can't log in since yesterday.",
    "Uygulama ses odasında kapanıyor.",
    "我的订阅没有续费成功。",
    "لا أستطيع تغيير صورتي.",
    "¿Cómo puedo cambiar mi correo?",
)
VENDORS = {
    "rong_cloud": ("Rong Cloud", "messaging", "CN"),
    "agora": ("Agora", "voice", "CN"),
    "facebook": ("Facebook", "advertising", "US"),
    "google": ("Google", "login", "US"),
    "adjust": ("Adjust", "attribution", "DE"),
    "admost": ("Admost", "advertising", "TR"),
}
#: Traffic rows per account: enough for every day to be busy.
EVENTS = 12


def settle(world: World, users: int, rng: np.random.Generator) -> None:
    """Add `users` accounts and what they do, and the rows that belong to no account."""
    _company(world)
    share = rng.random((users, 14))
    people = [_person(world, i, share[i]) for i in range(users)]
    active = [u for u in people if not u["is_test"]]
    _traffic(world, active, rng)
    for index, user in enumerate(u for u in people if u["is_test"]):
        _tester(world, user, index)
    _missing_days(world)


def _person(w: World, index: int, chance: np.ndarray) -> dict[str, Any]:
    region = list(PLACES)[int(chance[0] ** 1.5 * len(PLACES))]
    country, city = PLACES[region][int(chance[1] * len(PLACES[region]))]
    first, last = FIRST[int(chance[2] * len(FIRST))], LAST[int(chance[3] * len(LAST))]
    born = dt.date(1965, 1, 1) + dt.timedelta(days=int(chance[4] * 15000))
    created = w.ago(20 + int(chance[5] * 1500))
    seen = w.ago(chance[6] * 18)
    tester = index % 200 == 17
    key = w.add(
        "users",
        created_at=created,
        last_contact_at=seen,
        last_interactive_at=seen,
        display_name=f"{first} {last}",
        email=f"{first}.{last}.{index}@mail.example".lower(),
        phone=f"+99{index:09d}" if chance[7] < 0.6 else None,
        gender="fmx"[min(int(chance[8] * 2.1), 2)],
        birth_date=born,
        country=country,
        city=city,
        law_region=region,
        profile_visibility=("public", "friends", "private")[int(chance[9] * 3)],
        credential_format="argon2id" if chance[10] < 0.8 else "sso",
        is_test=tester,
    )
    user = {"key": key, "created": created, "is_test": tester, "index": index, "region": region}
    if not tester:
        _life(w, user, chance)
    return user


def _life(w: World, user: dict[str, Any], chance: np.ndarray) -> None:
    """What an account leaves behind, all of it in order."""
    u, created, index = user["key"], user["created"], user["index"]
    later = created + dt.timedelta(hours=1)
    w.add("consents", user_id=u, purpose="policy_acceptance", event_at=created)
    w.add("profile_attributes", user_id=u, created_at=later, value=HOBBIES[index % len(HOBBIES)], visibility="friends")
    device = w.add("devices", user_id=u, platform=("android", "ios", "web")[index % 3], first_seen_at=created, installed_at=created)
    w.add("permission_events", device_id=device, event_at=later, permission=("camera", "microphone", "album", "push")[index % 4])
    if chance[11] < 0.5:
        w.add("consents", user_id=u, purpose="marketing_email", event_at=later)
        w.add("outbound_messages", user_id=u, category="marketing", campaign_id="spring")
    for n in range(index % 3):
        w.add("content_items", user_id=u, created_at=max(later, w.ago(30 + 100 * n)), kind=("post", "photo", "chat")[(index + n) % 3])
    if index % 11 == 0:
        w.add("subscriptions", user_id=u, start_at=max(created, w.ago(300)))
        w.add("transactions", user_id=u, purchased_at=max(created, w.ago(300)), amount=f"{5 + index % 20}.99")
    if index % 13 == 0:
        opened = max(later, w.ago(90))
        text = TICKETS[index % len(TICKETS)]
        w.add("support_tickets", user_id=u, opened_at=opened, first_action_at=opened, last_agent_at=opened, closed_at=opened, text=text)
    if index % 17 == 0:
        w.add("social_accounts", user_id=u, linked_at=later)
        received = max(later, w.ago(60))
        w.add("rights_requests", user_id=u, received_at=received, answered_at=received + dt.timedelta(days=9), law_region=user["region"])
    if index % 19 == 0:
        w.add("disclosures", user_id=u)
        w.add("staff_access_log", staff_id=f"staff-{index % 5}", user_id=u, purpose_ref="ticket")


def _tester(w: World, user: dict[str, Any], index: int) -> None:
    """A test account: counted everywhere, tested nowhere."""
    u = user["key"]
    consent = w.add("consents", user_id=u, purpose="policy_acceptance", event_at=user["created"])
    event = w.add("traffic_events", user_id=u, event_at=w.ago(1 + index % 300))
    for table, key, rules in (
        ("users", u, ("DQ-03", "DQ-04", "DQ-08", "RET-05")),
        ("consents", consent, ("DQ-03", "DQ-04", "RET-09")),
        ("traffic_events", event, ("DQ-03", "DQ-04", "RET-07")),
    ):
        for rule in rules:
            w.find(rule, table, key, "excluded", "test_account")


def _traffic(w: World, active: list[dict[str, Any]], rng: np.random.Generator) -> None:
    """Events spread evenly over the days of the year, at hours of their own."""
    total = len(active) * EVENTS
    hours = rng.random(total)
    kinds = ("open", "api", "page", "click", "call")
    midnight = dt.datetime.combine(w.today, dt.time(), dt.UTC)
    for n in range(total):
        user = active[n % len(active)]
        at = midnight - dt.timedelta(days=1 + (n * 7) % 365) + dt.timedelta(seconds=int(hours[n] * 86_399))
        w.add("traffic_events", user_id=user["key"], event_at=at, event_type=kinds[n % 5], ip=f"198.51.{n % 250}.{n % 241}")


def _missing_days(w: World) -> None:
    """Three days without any event, and three with a single one."""
    gone = {w.today - dt.timedelta(days=n): n % 2 == 0 for n in (100, 102, 104, 201, 203, 205)}
    kept, left = [], set()
    for row in w.rows["traffic_events"]:
        day = row["event_at"].date()
        if day not in gone or row["event_at"].hour < 0:
            kept.append(row)
        elif not gone[day] and day not in left:
            left.add(day)
            kept.append(row)
    dropped = {r["event_id"] for r in w.rows["traffic_events"]} - {r["event_id"] for r in kept}
    w.rows["traffic_events"] = kept
    w.truth = [t for t in w.truth if t[1] != "traffic_events" or t[2].partition(":")[2] not in dropped]
    for day, empty in gone.items():
        w.find("RET-08", "calendar", day.isoformat(), "review", "no_traffic" if empty else "low_volume")


def _company(w: World) -> None:
    """Vendors, policy versions and staff."""
    for key, (name, category, country) in VENDORS.items():
        w.add("vendors", vendor_id=key, name=name, category=category, country=country, vetted_at=w.ago(300).date())
    for version, days in (("1", 1800), ("2", 900)):
        w.add("policy_versions", policy_version=version, effective_at=w.ago(days))
    for n in range(5):
        day = w.ago(800 - n).date()
        w.add("staff", staff_id=f"staff-{n}", started_at=day, last_training_at=w.ago(50 + n).date())
