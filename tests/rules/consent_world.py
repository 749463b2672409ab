"""Random worlds of few people, whose times lie at the limits that rules count from each other: for the rules of consent and minors."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any
from zoneinfo import ZoneInfo

from heytalk_audit.expressions.calendar import add_months

NOW = dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC)
DAY, MICRO = dt.timedelta(days=1), dt.timedelta(microseconds=1)
MARKETING = ("marketing_push", "marketing_email", "marketing_sms")
PURPOSES = (*MARKETING, *MARKETING, "media", "personalised_ads", "cookies", "policy_acceptance", "policy_acceptance", "analytics", "other")
METHODS = ("in_app", "in_app", "web", "double_optin", "bundled_terms", "default", "import", "staff", "signal_gpc")
VERSIONS = ("v0", "v1", "v2", "v3", "v9", None, "", " \t", "\u00a0", "\u3000", "null")
#: Advertising ids: real ones, zeros, blanks, words that stand for null, and words that only look like them.
AD_IDS = (
    *("ab", "ab", "ab", "00a-0", "0-0", "0", "-", " ", "", "0 0", None),
    *("null", " NULL\u3000", "(null)", "<null>", "None", "NaN", "nil", "\\N", "Nil", "none", "nullx", "N/A"),
)
#: So long ago that only an unlimited look-back reaches it.
LONG_AGO = dt.datetime(2009, 5, 1, tzinfo=dt.UTC)
#: Distances at which a verdict turns; a microsecond on either side is added to them.
STEPS = [dt.timedelta(minutes=5)] * 4 + [dt.timedelta(0)] * 4 + [dt.timedelta(minutes=10), *(dt.timedelta(hours=h) for h in (24, 72, 720))]
TURNS = [sign * step + n * MICRO for step in STEPS for n in (-1, 0, 0, 1) for sign in (-1, 1)]
#: Instants that others lie near: the audit's, a working day's, a Friday's, a Saturday's, 29 February.
ANCHORS = ("2025-03-01T12:00", "2025-01-20T09:00", "2025-02-07T23:59", "2025-02-08T00:00", "2024-02-29T10:00", "2024-12-31T23:59")


class World:
    """One random world: `rows` by table, and the zone and settings that it is audited under."""

    def __init__(self, seed: int, size: int = 900, **settings: Any):
        self.pick, self.settings = random.Random(seed), settings
        self.zone = ZoneInfo(settings.get("audit_tz", "UTC"))
        self.times = [dt.datetime.fromisoformat(t).replace(tzinfo=dt.UTC) for t in ANCHORS]
        self.times += [self.midnight(d) for d in (dt.date(2024, 12, 1), dt.date(2025, 2, 1), dt.date(2025, 3, 1))]
        self.people = [*(f"u{n}" for n in range(40)), "U1", " ", "\u3000"]
        self.written_to = [p for p in self.people if p not in ("u31", "u32", "u33", "u34", "u35", "u36")]
        self.versions = [self.version(n, v) for n, v in enumerate(["v0", "v1", "v2", "v3", " \t"])]
        self.rows = {
            "policy_versions": self.versions,
            "users": [self.user(p) for p in self.people if p not in ("u38", "u39", "\u3000")],
            "consents": [self.consent(n) for n in range(size)],
            "outbound_messages": [self.send(n) for n in range(size)],
            "content_items": [self.item(n) for n in range(size // 4)],
            "devices": [self.device(n) for n in range(size // 4)],
            "subscriptions": [self.subscription(n) for n in range(30)],
            "disclosures": [self.disclosure(n) for n in range(60)],
        }
        self.rows["users"] += [self.twin(u) for u in self.pick.sample(self.rows["users"], 5)]

    def midnight(self, day: dt.date) -> dt.datetime:
        """The instant at which a local day begins."""
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)

    def one(self, *values: Any) -> Any:
        return self.pick.choice(values)

    def sometimes(self, share: float, value: Any) -> Any:
        return value if self.pick.random() < share else None

    def time(self) -> dt.datetime:
        """An instant at or beside a limit that counts from an earlier one."""
        moment = self.pick.choice(self.times) + self.pick.choice(TURNS)
        if self.pick.random() < 0.3:
            self.times.append(moment)
        return moment if moment < NOW + 4 * DAY else NOW

    def old(self) -> dt.datetime:
        """An instant some five years ago: the end of inactivity lies near it."""
        return self.midnight(dt.date(2020, self.one(1, 2, 2, 3), self.one(1, 28, 29))) + self.one(-1, 0, 1) * MICRO

    def birth(self) -> dt.date:
        """A birth date near the age limits of the rules, counted from the days that they count from."""
        day = self.one(NOW, self.pick.choice(self.times)).astimezone(self.zone).date()
        date = add_months(day, -12 * self.one(0, 13, 14, 16, 16, 18, 18, 18, 111)) + self.one(-1, 0, 1) * DAY
        return self.one(date, date, date, dt.date(2007, 2, 28), dt.date(2008, 2, 29), dt.date(2000, 1, 1), dt.date(1990, 6, 15))

    # a row per table ---------------------------------------------------------------------------------

    def version(self, n: int, name: str) -> dict[str, Any]:
        begun = self.time() - self.one(0, 10, 30, 31) * DAY
        return {"policy_version": name, "sha256": "x", "effective_at": begun, "material": n != 1, "language": "en"}

    def user(self, id: str) -> dict[str, Any]:
        return {
            "user_id": id,
            "status": self.one(*["active"] * 6, "suspended", "banned", "deleted", "purged", "anonymised"),
            "created_at": self.one(self.time(), self.time(), self.old()),
            "deletion_requested_at": None,
            "deleted_at": self.sometimes(0.25, self.time()),
            "restored_at": self.sometimes(0.25, self.one(self.time(), self.time(), self.old())),
            "restored_by": self.one("user", "user", "staff", "system", None),
            "purged_at": self.sometimes(0.1, self.time()),
            "last_contact_at": self.sometimes(0.4, self.one(self.time(), self.old())),
            "last_interactive_at": self.sometimes(0.7, self.one(self.time(), self.time(), self.old())),
            "birth_date": self.sometimes(0.9, self.birth()),
            "law_region": self.one("EEA", "EEA", "UK", "TR", "US-CA", "CN", "OTHER", None),
            "profile_visibility": self.one("public", "public", "friends", None),
            "is_test": self.pick.random() < 0.08,
        }

    def twin(self, user: dict[str, Any]) -> dict[str, Any]:
        """Another row with a user's key, created at another time, or when that one was and then of another status."""
        other = self.user(user["user_id"]) | {"created_at": self.one(user["created_at"], self.time(), self.old())}
        if (other["created_at"], other["status"]) == (user["created_at"], user["status"]):
            other["created_at"] += MICRO
        return other

    def consent(self, n: int) -> dict[str, Any]:
        event = {
            "consent_id": f"c{n}",
            "user_id": self.pick.choice(self.people),
            "purpose": self.pick.choice(PURPOSES),
            "action": self.one(*["grant"] * 4, "withdraw", "opt_out", "refuse"),
            "event_at": self.time(),
            "explicit": self.pick.random() < 0.8,
            "method": self.pick.choice(METHODS),
            "policy_version": self.pick.choice(VERSIONS),
            "expires_at": None,
        }
        if event["purpose"] == "policy_acceptance" and self.pick.random() < 0.3:
            event["event_at"] = self.pick.choice(self.versions)["effective_at"] + self.one(-1, 0, 0, 1) * MICRO
        if n and self.pick.random() < 0.4:
            # another answer of the same person for the same purpose: at the same instant, or at a limit that counts from it
            event |= {k: self.event[k] for k in ("user_id", "purpose")}
            event["event_at"] = self.event["event_at"] + self.one(0, 0, 1) * self.pick.choice(TURNS)
        if self.pick.random() < 0.05:
            event["event_at"] = LONG_AGO + self.one(0, 1) * DAY
        if event["action"] == "grant" and self.pick.random() < 0.4:
            ends = event["event_at"] + self.pick.choice(TURNS), self.time(), NOW - 3 * DAY + self.one(-1, 0, 1) * MICRO
            event["expires_at"] = self.pick.choice(ends)
        self.event = event
        return event

    def send(self, n: int) -> dict[str, Any]:
        return {
            "message_id": f"m{n}",
            "user_id": self.pick.choice(self.written_to),
            "channel": self.one("push", "email", "sms"),
            "category": self.one(*["marketing"] * 4, "unknown", "service"),
            "sent_at": self.time(),
            "status": self.one("sent", "delivered", "bounced", "suppressed"),
        }

    def item(self, n: int) -> dict[str, Any]:
        return {
            "content_id": f"i{n}",
            "user_id": self.pick.choice(self.people),
            "parent_id": self.one(None, None, None, " ", "\u3000", "i0"),
            "kind": self.one("photo", "video", "voice"),
            "selection_method": self.one("user_selected", "auto", None),
            "visibility": "private",
            "created_at": self.time(),
        }

    def device(self, n: int) -> dict[str, Any]:
        return {
            "device_id": f"d{n}",
            "user_id": self.pick.choice(self.people),
            "platform": self.one("ios", "android", "web"),
            "ad_id": self.pick.choice(AD_IDS),
            "att_status": self.one("authorized", "denied", None),
            "first_seen_at": self.time(),
        }

    def subscription(self, n: int) -> dict[str, Any]:
        return {
            "subscription_id": f"s{n}",
            "user_id": self.pick.choice(self.people),
            "kind": self.one("paid", "gift"),
            "start_at": self.one(self.time(), NOW - 2500 * DAY),
            "end_at": self.sometimes(0.7, self.one(self.time(), self.old())),
            "status": self.one("active", "expired", "refunded"),
        }

    def disclosure(self, n: int) -> dict[str, Any]:
        return {
            "disclosure_id": f"x{n}",
            "user_id": self.one(None, self.pick.choice(self.written_to), self.pick.choice(self.written_to)),
            "vendor_id": "v",
            "kind": self.one("advertising", "advertising", "sdk"),
            "purpose": "advertising",
            "fields": [],
            "identifier_form": "none",
            "sent_at": self.time(),
        }
