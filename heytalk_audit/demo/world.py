"""The demo's rows as they are added, and its times. No rule is imported: stories write down what an ideal audit finds."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from heytalk_audit.demo.defaults import COMPUTED, CONSTANT, KEYS, PREFIX
from heytalk_audit.demo.rows import Row, Rows

__all__ = ["LIVING", "VERSIONS", "Row", "World", "months_later"]

LIVING = ("active", "suspended", "banned")
#: Versions of the policy: name, days since it took effect, whether it changed what people agreed to.
VERSIONS = (("1", 5500, True), ("2", 900, True), ("3", 200, False), ("4", 20, True))


def months_later(day: dt.date, months: int) -> dt.date:
    """The same day number so many months later, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass
class World:
    """Rows per table, and the findings that an ideal audit makes of them.

    `now` is the snapshot's instant (UTC); `phones` the latest of each person, and those that were `allowed` push messages. Of all rows
    together stories know how many accounts in use have each birth date, the region of each account, and those of the people whose
    data each vendor got.
    """

    now: dt.datetime
    rows: dict[str, Rows]
    truth: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    serial: int = 0
    extra: dict[str, list[str]] = field(default_factory=dict)
    phones: dict[str, Row] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=set)
    birth_dates: Counter[dt.date] = field(default_factory=Counter)
    regions: dict[str, str | None] = field(default_factory=dict)
    recipients: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))

    @cached_property
    def today(self) -> dt.date:
        """The snapshot's date."""
        return self.now.date()

    @cached_property
    def versions(self) -> list[tuple[dt.datetime, str, bool]]:
        """The policy's versions, the newest first: since when, name, whether it changed what people agreed to."""
        return [(self.ago(days), version, material) for version, days, material in reversed(VERSIONS)]

    def version_at(self, at: dt.datetime) -> str:
        """The policy's version in force at an instant; before the first, the first."""
        return next((version for since, version, _ in self.versions if since <= at), VERSIONS[0][0])

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
        row = self._row(table, values)
        key = str(row[KEYS[table]])
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
            phone = self._row("devices", {"user_id": message["user_id"], "platform": "ios", "first_seen_at": seen})
            self.phones[message["user_id"]] = phone
        if phone["device_id"] not in self.allowed:
            self.allowed.add(phone["device_id"])
            self.put("permission_events", device_id=phone["device_id"], permission="push", event_at=phone["first_seen_at"])

    def _spread_contact(self, user: Row) -> None:
        """Put times of contact long ago some minutes earlier, so that no second is that of many: that looks like a job's writing.

        Those at midnight, and near the account's creation, stand at a boundary and stay.
        """
        hour = dt.timedelta(hours=1)
        for clock in ("last_contact_at", "last_interactive_at"):
            at = user.get(clock)
            if at and at < self.ago(365) and at.time() != dt.time() and abs(at - user["created_at"]) > hour:
                user[clock] = at - dt.timedelta(seconds=self.serial * 7 % 1200)

    def put(self, table: str, **values: Any) -> str:
        """A row with the defaults of its table and nothing beside it; returns its key."""
        return str(self._row(table, values)[KEYS[table]])

    def _row(self, table: str, values: Row) -> Row:
        # what is computed may depend on how many ids there were before this row's
        computed = {name: value(self) for name, value in COMPUTED[table] if name not in values}
        row = {KEYS[table]: self.id(PREFIX[table]), **CONSTANT[table], **computed, **values}
        if table == "consents":
            if "policy_version" not in row:
                row["policy_version"] = self.version_at(row["event_at"])
        elif table == "content_items":
            # shown to whom it was meant for, and approved as it was published
            row.setdefault("effective_visibility", row["visibility"])
            row.setdefault("moderated_at", row["created_at"] if row["moderation_decision"] == "approved" else None)
        self._enter(table, row)
        return row

    def _enter(self, table: str, row: Row) -> None:
        """Deliver a row, and note what stories know of all rows together."""
        if table == "users":
            self._spread_contact(row)
            self._note_account(row)
        elif table == "disclosures" and (row.get("user_id") or row["identifier_form"] != "none"):
            self.recipients[row["vendor_id"]].add(self.regions.get(row.get("user_id") or ""))
        self.rows[table].append(row)

    def _note_account(self, user: Row) -> None:
        """Note its region, and its birth date if it is in use: not deleted, or restored since."""
        self.regions[user["user_id"]] = user.get("law_region")
        gone, back = user.get("deleted_at"), user.get("restored_at")
        lives = user["status"] in LIVING and (gone is None or (back is not None and gone <= back <= self.now))
        if lives and user.get("birth_date") and not user["is_test"]:
            self.birth_dates[user["birth_date"]] += 1
        self._note_purge_missed(user)

    def _note_purge_missed(self, user: Row) -> None:
        """Write down that an account fell due in the quarter and was not purged."""
        gone, back = user.get("deleted_at"), user.get("restored_at")
        if gone is None or user.get("purged_at") or (back is not None and gone <= back <= self.now):
            return
        if self.quarter.date() <= months_later(gone.date(), 6) < self.today:
            self.find("RET-18", "users", user["user_id"], "review", "not_purged")

    def forget_phones(self) -> None:
        """Forget whose phone is which, before the next person: nobody gets a message on the phone of somebody before."""
        self.phones.clear()
        self.allowed.clear()

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
        user = self.rows["users"][-1]
        self._registration(user)
        if accepts:
            self.accept(user)
        if setting and not values.get("is_test"):
            self._answer(user)
        return key

    def _answer(self, user: Row) -> None:
        """The person's answer about analytics, at a time that few share: yes, or no where the account was to end, or is to begin."""
        at = min(max(user["created_at"], self.about(400 + self.serial % 97)), self.now)
        no = user.get("deleted_at") or user.get("deletion_requested_at") or user["created_at"] > at
        self.add("consents", user_id=user["user_id"], purpose="analytics", action="refuse" if no else "grant", event_at=at)

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
        self.rows[table].column(name)
        return True

    def accept(self, user: Row) -> None:
        """Acceptance of the policy shortly before the account is made, and of each version that changed it while it was in use."""
        first = user["created_at"] - dt.timedelta(seconds=self.serial * 7 % 600)
        key = self.agree(user["user_id"], "policy_acceptance", first)
        if months_later(first.date(), 60) < self.today:
            self.find("RET-09", "consents", key, "review", "over_from_record")
        gone = None if user.get("restored_at") else user.get("deleted_at")
        used = min(user["last_interactive_at"] or first, gone or self.now)
        for since, _, material in reversed(self.versions):
            if not material:
                continue
            again = since + dt.timedelta(days=2, seconds=self.serial * 7 % 86_400)
            if first < again < used:
                self.agree(user["user_id"], "policy_acceptance", again)

    def agree(self, user: str, purpose: str, at: dt.datetime, **values: Any) -> str:
        """A person's explicit consent; returns the key of its row."""
        return self.add("consents", user_id=user, purpose=purpose, event_at=at, **values)

    def find(self, rule: str, table: str, key: str, outcome: str, reason: str) -> None:
        """Write down what an ideal audit finds."""
        self.truth.append((rule, table, f"{table}:{key}", outcome, reason))
