"""The company at one instant of its history: the whole history is told each time, and what lies after the instant is left out.

So the snapshots of several quarters show the same people under the same ids. A story may ask what is true by now, but it must add the same
rows whenever it is told: ids are counted through all of them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from heytalk_audit.demo.rows import Row
from heytalk_audit.demo.world import World, months_later

DAY, HOUR, MINUTE = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(minutes=1)
#: How many quarters the history shows.
QUARTERS = 3
#: The column that says since when a row is stored. A row of another table says so itself, by `since`.
BORN = {
    "users": "created_at",
    "subscriptions": "start_at",
    "consents": "event_at",
    "profile_attributes": "created_at",
    "outbound_messages": "sent_at",
    "retention_exceptions": "started_at",
    "content_items": "created_at",
    "traffic_events": "event_at",
    "devices": "first_seen_at",
    "permission_events": "event_at",
    "support_tickets": "opened_at",
    "rights_requests": "received_at",
    "disclosures": "sent_at",
    "purge_log": "purged_at",
    "transactions": "purchased_at",
    "social_accounts": "linked_at",
    "policy_versions": "effective_at",
    "staff": "started_at",
    "staff_access_log": "accessed_at",
}
#: Times that may lie ahead of a snapshot.
AHEAD = ("end_at", "expires_at", "contract_end")
#: What is erased a few hours after an account's deletion, and what with its purge.
AT_DELETION = ("profile_attributes", "outbound_messages", "content_items", "devices", "social_accounts", "promotion_entries")
AT_PURGE = ("disclosures", "traffic_events")
#: How long after a deletion the first of these are still there.
WIPED_AFTER = 20 * HOUR
#: `until` of a row that outlives its person.
FOREVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def instants(end: dt.datetime) -> tuple[dt.datetime, ...]:
    """The instants of the history's snapshots, the earliest first: the last, and the same hour three and six months before."""
    days = [months_later(end.date(), -3 * before) for before in reversed(range(QUARTERS))]
    return tuple(dt.datetime.combine(day, end.time(), end.tzinfo) for day in days)


def quarter_name(at: dt.datetime) -> str:
    """The calendar quarter in which an instant lies, as 2025-Q1."""
    return f"{at.year}-Q{(at.month + 2) // 3}"


@dataclass
class Company(World):
    """Rows that are stored at `now`, an instant of a history that ends at `end`; days are counted back from its end.

    `departures` are when accounts were deleted and purged (null: not yet), `wiped` when devices went with their owner's account.
    """

    end: dt.datetime = field(kw_only=True)
    departures: dict[str, tuple[dt.datetime, dt.datetime | None]] = field(default_factory=dict)
    wiped: dict[str, dt.datetime] = field(default_factory=dict)

    def ago(self, days: float = 0, hours: float = 0) -> dt.datetime:
        """An instant so long before the end of the history."""
        return self.end - dt.timedelta(days=days, hours=hours)

    def has_come(self, at: dt.datetime | None) -> bool:
        """Whether that instant is not after the snapshot's."""
        return at is not None and at <= self.now

    def by_now(self, at: dt.datetime | None, then: Any, before: Any) -> Any:
        """What holds since an instant, or what held before it."""
        return then if self.has_come(at) else before

    def in_quarter(self, at: dt.datetime) -> bool:
        """Whether an instant lies in the quarter that ends with the snapshot."""
        return self.quarter <= at <= self.now

    def departs(self, user: str, deleted_at: dt.datetime, purged_at: dt.datetime | None) -> None:
        """Note when an account is deleted and purged, before any of its rows but its own is added."""
        self.departures[user] = deleted_at, purged_at

    def add(self, table: str, **values: Any) -> str:
        """A row, as of the world; a device goes with its owner's account, unless it says `until` when."""
        if table == "devices" and "until" not in values and values["user_id"] in self.departures:
            values["until"] = self.departures[values["user_id"]][0] + WIPED_AFTER
        if table == "devices" and "until" in values:
            # the permissions of the device are added after it, and go with it
            values["device_id"] = values.get("device_id") or self.id("dv")
            self.wiped[values["device_id"]] = values["until"]
        return super().add(table, **values)

    def _enter(self, table: str, row: Row) -> None:
        row = dict(row)
        since = row.pop("since", None) or row[BORN[table]]
        until = row.pop("until", None) or self._erased_at(table, row)
        is_ahead = since > self.now if isinstance(since, dt.datetime) else since > self.today
        if not is_ahead and (until is None or until > self.now):
            super()._enter(table, {name: self._known_now(name, value, row) for name, value in row.items()})

    def _erased_at(self, table: str, row: Row) -> dt.datetime | None:
        """When a row goes with its device, or with its person's account."""
        if row.get("device_id") in self.wiped:
            return self.wiped[row["device_id"]]
        departure = self.departures.get(row.get("user_id") or "")
        if departure is None:
            return None
        return departure[0] + WIPED_AFTER if table in AT_DELETION else departure[1] if table in AT_PURGE else None

    def _known_now(self, name: str, value: Any, row: Row) -> Any:
        """A row's value as it stood: nothing is known of what is to come, and a last contact was an earlier one."""
        if not isinstance(value, dt.date) or name in AHEAD:
            return value
        if not (value > self.now if isinstance(value, dt.datetime) else value > self.today):
            return value
        if name in ("last_contact_at", "last_interactive_at"):
            return max(row["created_at"], value - (self.end - self.now))
        return None
