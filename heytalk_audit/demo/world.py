"""The demo's own notions of time and rows. Nothing here knows a rule: what an ideal audit finds is written down where rows are made."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


def months_later(day: dt.date, months: int) -> dt.date:
    """The same day number so many months later, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass
class World:
    """Rows per table, and the findings that an ideal audit makes of them.

    `now` is the snapshot's instant (UTC).
    """

    now: dt.datetime
    rows: dict[str, list[Row]] = field(default_factory=dict)
    truth: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    serial: int = 0

    @property
    def today(self) -> dt.date:
        """The snapshot's date."""
        return self.now.date()

    def overdue(self, months: int, by: int = 0) -> dt.datetime:
        """Noon of the latest day whose period of `months` was over yesterday (or `by` days earlier still)."""
        day = months_later(self.today, -months) + dt.timedelta(days=3)
        while months_later(day, months) >= self.today:
            day -= dt.timedelta(days=1)
        return self.noon(day - dt.timedelta(days=by))

    def in_time(self, months: int) -> dt.datetime:
        """Noon of the day after: its period ends today at the earliest, so nothing is over."""
        return self.overdue(months) + dt.timedelta(days=1)

    def noon(self, day: dt.date) -> dt.datetime:
        """An instant on that day that lies before the snapshot's if the day does."""
        return dt.datetime.combine(day, dt.time(0, 30), dt.UTC)

    def ago(self, days: float = 0, hours: float = 0) -> dt.datetime:
        """An instant so long before the snapshot's."""
        return self.now - dt.timedelta(days=days, hours=hours)

    @property
    def ahead(self) -> dt.datetime:
        """After the snapshot's instant, within the tolerance of clocks."""
        return self.now + dt.timedelta(seconds=200)

    def id(self, kind: str) -> str:
        """An id that nothing else has."""
        self.serial += 1
        return f"{kind}-{self.serial:07d}"

    def add(self, table: str, **values: Any) -> str:
        """A row with the defaults of its table; returns its key."""
        row = self.default(table) | values
        self.rows.setdefault(table, []).append(row)
        return row[KEYS[table]]

    def default(self, table: str) -> Row:
        """What a row of the table holds where a story does not say."""
        return {KEYS[table]: self.id(PREFIX[table])} | {k: v(self) if callable(v) else v for k, v in DEFAULTS[table].items()}

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
        "created_at": lambda w: w.ago(700),
        "last_contact_at": lambda w: w.ago(3),
        "last_interactive_at": lambda w: w.ago(3),
        "profile_visibility": "hidden",
        "law_region": "EEA",
        "geo_source": "ip",
        "is_test": False,
    },
    "subscriptions": {"kind": "paid", "status": "active", "start_at": lambda w: w.ago(200)},
    "consents": {
        "purpose": "analytics",
        "action": "grant",
        "event_at": lambda w: w.ago(100),
        "explicit": True,
        "method": "in_app",
        "policy_version": "2",
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
    "content_items": {"kind": "post", "visibility": "private", "created_at": lambda w: w.ago(120), "moderation_decision": "approved"},
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
    "transactions": {"store": "app_store", "purchased_at": lambda w: w.ago(200)},
    "promotion_entries": {"payout_details_held": False},
    "social_accounts": {"provider": "google", "fields_received": ["openid"], "linked_at": lambda w: w.ago(200)},
    "policy_versions": {"sha256": "0" * 64, "material": True, "language": "en"},
    "staff": {"role": "support"},
    "staff_access_log": {"table_name": "support_tickets", "accessed_at": lambda w: w.ago(9)},
}
