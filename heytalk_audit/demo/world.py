"""The rows of the demo's tables, their defaults and its times. No rule is imported: stories write down what an ideal audit finds."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
LIVING = ("active", "suspended", "banned")
#: Versions of the policy: name, days since it took effect, whether it changed what people agreed to.
VERSIONS = (("1", 5500, True), ("2", 900, True), ("3", 200, False), ("4", 20, True))


def months_later(day: dt.date, months: int) -> dt.date:
    """The same day number so many months later, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def version_at(world: World, at: dt.datetime) -> str:
    """The policy's version in force at an instant; before the first, the first."""
    return next((version for version, days, _ in reversed(VERSIONS) if world.ago(days) <= at), VERSIONS[0][0])


@dataclass
class World:
    """Rows per table, and the findings that an ideal audit makes of them.

    `now` is the snapshot's instant (UTC); `phones` the latest of each person, and those that were `allowed` push messages.
    """

    now: dt.datetime
    rows: dict[str, list[Row]] = field(default_factory=dict)
    truth: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    serial: int = 0
    extra: dict[str, list[str]] = field(default_factory=dict)
    phones: dict[str, Row] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=set)

    @property
    def today(self) -> dt.date:
        """The snapshot's date."""
        return self.now.date()

    def overdue(self, months: int, by: int = 0) -> dt.datetime:
        """An instant (see `noon`) of the latest day whose period of `months` is over today, or of `by` days before it."""
        day = months_later(self.today, -months) + dt.timedelta(days=3)
        while months_later(day, months) >= self.today:
            day -= dt.timedelta(days=1)
        return self.noon(day - dt.timedelta(days=by))

    def in_time(self, months: int) -> dt.datetime:
        """The day after `overdue`: its period ends today at the earliest, so it is not over."""
        return self.overdue(months) + dt.timedelta(days=1)

    def noon(self, day: dt.date) -> dt.datetime:
        """Half past midnight of that day: early enough to lie before the snapshot's instant if the day is the snapshot's."""
        return dt.datetime.combine(day, dt.time(0, 30), dt.UTC)

    def ago(self, days: float = 0, hours: float = 0) -> dt.datetime:
        """An instant so long before the snapshot's."""
        return self.now - dt.timedelta(days=days, hours=hours)

    def about(self, days: float) -> dt.datetime:
        """An instant so many days, and up to an hour more, before the snapshot's: two calls seldom give the same second."""
        return self.ago(days) - dt.timedelta(seconds=self.serial * 7 % 3600)

    @property
    def quarter(self) -> dt.datetime:
        """The first instant of the quarter that ends today."""
        return dt.datetime.combine(months_later(self.today, -3), dt.time(), dt.UTC)

    @property
    def ahead(self) -> dt.datetime:
        """After the snapshot's instant, within the tolerance of clocks."""
        return self.now + dt.timedelta(seconds=200)

    def id(self, kind: str) -> str:
        """An id that nothing else has."""
        self.serial += 1
        return f"{kind}-{self.serial:07d}"

    def add(self, table: str, **values: Any) -> str:
        """A row with the defaults of its table, and the permission that a phone or a push message needs; returns its key."""
        key = self.put(table, **values)
        row = self.rows[table][-1]
        if table == "devices" and row["platform"] == "android":
            self.put("permission_events", device_id=key, permission="device_info", event_at=row["first_seen_at"])
        if table == "devices" and row["platform"] != "web":
            self.phones[row["user_id"]] = row
        if table == "outbound_messages" and row["channel"] == "push" and row["status"] != "suppressed":
            self._allow_push(row)
        return key

    def _allow_push(self, message: Row) -> None:
        """The person's phone, or a new one, allows push messages by the sending."""
        phone = self.phones.get(message["user_id"])
        if phone is None or phone["first_seen_at"] > message["sent_at"]:
            seen = message["sent_at"] - dt.timedelta(days=1)
            self.put("devices", user_id=message["user_id"], platform="ios", first_seen_at=seen)
            phone = self.phones[message["user_id"]] = self.rows["devices"][-1]
        if phone["device_id"] not in self.allowed:
            self.allowed.add(phone["device_id"])
            self.put("permission_events", device_id=phone["device_id"], permission="push", event_at=phone["first_seen_at"])

    def put(self, table: str, **values: Any) -> str:
        """A row with the defaults of its table and nothing beside it; returns its key."""
        rest = {k: v(self) if callable(v) else v for k, v in DEFAULTS[table].items() if k not in values}
        row = {KEYS[table]: self.id(PREFIX[table])} | rest | values
        if table == "consents":
            row.setdefault("policy_version", version_at(self, row["event_at"]))
        if table == "content_items":
            # shown to whom it was meant for, and approved as it was published
            row.setdefault("effective_visibility", row["visibility"])
            row.setdefault("moderated_at", row["created_at"] if row["moderation_decision"] == "approved" else None)
        self.rows.setdefault(table, []).append(row)
        return str(row[KEYS[table]])

    def user(self, accepts: bool = True, setting: bool = True, **values: Any) -> str:
        """An account; returns its key. One in use has a birth date, a gender and a name; by default it `accepts` each version of the
        policy and has answered the `setting` for analytics.
        """
        if values.get("status", "active") not in LIVING:
            return self.add("users", **values)
        born = dt.date(1950, 1, 1) + dt.timedelta(days=self.serial * 7 % 9000)
        registered = {"birth_date": born, "gender": "fmx"[self.serial % 3]}
        if not any(values.get(c) for c in ("deleted_at", "deletion_requested_at", "purged_at")):
            registered["display_name"] = "Robin Aydin"
        key = self.add("users", **registered | values)
        self._registration(self.rows["users"][-1])
        if accepts:
            self.accept(self.rows["users"][-1])
        if setting and not values.get("is_test"):
            refused_at = max(self.rows["users"][-1]["created_at"], self.about(400))
            self.add("consents", user_id=key, purpose="analytics", action="refuse", event_at=min(refused_at, self.now))
        return key

    def _registration(self, user: Row) -> None:
        """Write down the first field that registration requires and the account lacks."""
        for column, reason in (("display_name", "missing_name"), ("gender", "missing_gender"), ("birth_date", "missing_birth_date")):
            if not str(user.get(column) or "").strip() and not user["is_test"]:
                self.find("COL-04", "users", user["user_id"], "violation", reason)
                return

    def column(self, table: str, name: str) -> bool:
        """Deliver a text column that is not in the contract. Returns whether the table did not have it yet."""
        names = self.extra.setdefault(table, [])
        if name in names:
            return False
        names.append(name)
        return True

    def accept(self, user: Row) -> None:
        """Acceptance of the policy shortly before the account is made, and of each version that changed it while it was in use."""
        first = user["created_at"] - dt.timedelta(seconds=self.serial * 7 % 600)
        key = self.agree(user["user_id"], "policy_acceptance", first)
        if months_later(first.date(), 60) < self.today:
            self.find("RET-09", "consents", key, "review", "over_from_record")
        gone = None if user.get("restored_at") else user.get("deleted_at")
        used = min(user["last_interactive_at"] or first, gone or self.now)
        for _, days, material in VERSIONS:
            again = self.ago(days - 2) + dt.timedelta(seconds=self.serial * 7 % 86_400)
            if material and first < again < used:
                self.agree(user["user_id"], "policy_acceptance", again)

    def agree(self, user: str, purpose: str, at: dt.datetime, **values: Any) -> str:
        """A person's explicit consent; returns the key of its row."""
        return self.add("consents", user_id=user, purpose=purpose, event_at=at, **values)

    def find(self, rule: str, table: str, key: str, outcome: str, reason: str) -> None:
        """Write down what an ideal audit finds."""
        self.truth.append((rule, table, f"{table}:{key}", outcome, reason))


KEYS = {
    "users": "user_id",
    "subscriptions": "subscription_id",
    "consents": "consent_id",
    "profile_attributes": "attribute_id",
    "outbound_messages": "message_id",
    "retention_exceptions": "exception_id",
    "content_items": "content_id",
    "traffic_events": "event_id",
    "devices": "device_id",
    "permission_events": "event_id",
    "support_tickets": "ticket_id",
    "rights_requests": "request_id",
    "disclosures": "disclosure_id",
    "vendors": "vendor_id",
    "purge_log": "purge_id",
    "transactions": "receipt_id",
    "promotion_entries": "entry_id",
    "social_accounts": "link_id",
    "policy_versions": "policy_version",
    "staff": "staff_id",
    "staff_access_log": "access_id",
}
PREFIX = {table: "".join(word[0] for word in table.split("_")) + table[1] for table in KEYS} | {"users": "u"}
DEFAULTS: dict[str, Row] = {
    "users": {
        "status": "active",
        # nobody signs up in the same second as somebody else
        "created_at": lambda w: w.ago(700) - dt.timedelta(seconds=w.serial % 86_400),
        "last_contact_at": lambda w: w.ago(3),
        "last_interactive_at": lambda w: w.ago(3),
        "profile_visibility": "hidden",
        "law_region": "EEA",
        "geo_source": "ip",
        "credential_format": "argon2id",
        "is_test": False,
    },
    "subscriptions": {"kind": "paid", "status": "active", "start_at": lambda w: w.ago(200)},
    "consents": {
        "purpose": "analytics",
        "action": "grant",
        "event_at": lambda w: w.ago(100),
        "explicit": True,
        "method": "in_app",
    },
    "profile_attributes": {
        "name": "bio",
        "category": "pd:Interest",
        "value": "chess",
        "source": "user",
        "visibility": "private",
        "created_at": lambda w: w.ago(300),
    },
    "outbound_messages": {"channel": "email", "category": "service", "status": "delivered", "sent_at": lambda w: w.ago(20)},
    "retention_exceptions": {
        "type": "legal_hold",
        "reason_code": "litigation",
        "reference": "M-2024-17",
        "scope": "users",
        "owner": "legal",
        "started_at": lambda w: w.ago(150),
    },
    "content_items": {
        "kind": "post",
        "visibility": "private",
        "capture_source": "none",
        "created_at": lambda w: w.ago(120),
        "moderation_decision": "approved",
    },
    "traffic_events": {"event_type": "api", "event_at": lambda w: w.ago(10), "ip": "203.0.113.9"},
    "devices": {"platform": "android", "first_seen_at": lambda w: w.ago(200)},
    "permission_events": {"permission": "camera", "action": "granted", "event_at": lambda w: w.ago(90)},
    "support_tickets": {"topic": "account", "opened_at": lambda w: w.ago(60), "text": "Please help me with my account."},
    "rights_requests": {
        "kind": "access",
        "channel": "app",
        "received_at": lambda w: w.ago(40),
        "answered_at": lambda w: w.ago(30),
        "outcome": "done",
        "third_party_content": False,
        "id_document_held": False,
    },
    "disclosures": {
        "kind": "processor",
        "purpose": "realtime_messaging",
        "fields": ["user_id"],
        "identifier_form": "plain",
        "sent_at": lambda w: w.ago(15),
        "vendor_id": "rong_cloud",
    },
    "vendors": {"role": "processor"},
    "purge_log": {"table_name": "users", "method": "delete", "rows": 1, "purged_at": lambda w: w.ago(30), "trigger": "schedule"},
    "transactions": {
        "receipt_id": lambda w: f"4600{w.serial:08d}",
        "store": "app_store",
        "purchased_at": lambda w: w.ago(200),
    },
    "promotion_entries": {"payout_details_held": False},
    "social_accounts": {"provider": "google", "fields_received": ["openid"], "linked_at": lambda w: w.ago(200)},
    "policy_versions": {"sha256": "0" * 64, "material": True, "language": "en"},
    "staff": {"role": "support"},
    "staff_access_log": {
        "staff_id": "staff-0",
        "table_name": "support_tickets",
        "purpose_ref": "T-2093",
        "accessed_at": lambda w: w.ago(9),
    },
}
