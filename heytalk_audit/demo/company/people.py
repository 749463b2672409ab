"""The people of the company: they sign up, accept the policy, and stay, or delete their account and are purged six months later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from heytalk_audit.demo.company.history import DAY, HOUR, Company
from heytalk_audit.demo.company.purges import purge_day, purge_findings, purged
from heytalk_audit.demo.people import FIRST, LAST, PLACES
from heytalk_audit.demo.world import months_later

#: Days before the end of the history on which the first and the last account were made.
FOUNDED, NEWEST = 1640, 12
#: Random numbers per account.
NUMBERS = 12
#: One account in so many is a test, is banned, was restored by its owner, is anonymised in place of erased.
TESTER, BANNED, RESTORED, ANONYMISED = 200, 97, 211, 5
#: The share of accounts that are deleted in the history, and of those registered at sixteen or seventeen.
LEAVING, YOUNG = 0.12, 0.04


@dataclass(frozen=True)
class Person:
    """An account, the time for which it was in use, and random numbers of its own from 0 to 1."""

    key: str
    index: int
    region: str
    created: dt.datetime
    stopped: dt.datetime
    is_young: bool
    is_banned: bool
    chance: list[float]

    def at(self, share: float) -> dt.datetime:
        """The instant at that share of the time for which the account was in use, an hour after its beginning at the earliest."""
        first = self.created + HOUR
        return first + (self.stopped - 2 * HOUR - first) * share

    def after(self, at: dt.datetime, hours: float = 1) -> dt.datetime:
        """So many hours after an instant, or just before the account fell out of use."""
        return min(at + hours * HOUR, self.stopped - HOUR)


def sign_ups(users: int, w: Company) -> Iterator[dt.datetime]:
    """When each account was made, the oldest first; the later, the more."""
    for index in range(users):
        yield w.ago(NEWEST + (FOUNDED - NEWEST) * (1 - (index + 0.5) / users) ** 1.5).replace(microsecond=0)


def chances(users: int, rng: np.random.Generator) -> Iterator[list[float]]:
    """The random numbers of each account."""
    for start in range(0, users, 10_000):
        yield from rng.random((min(10_000, users - start), NUMBERS)).tolist()


def person(w: Company, index: int, created: dt.datetime, chance: list[float]) -> Person | None:
    """The account of that number; null for a test account."""
    if index % TESTER == 17:
        tester(w, index, created)
        return None
    region = list(PLACES)[int(chance[0] ** 1.5 * len(PLACES))]
    is_young = chance[10] < YOUNG and region != "TR"
    born = created.date() - dt.timedelta(days=(5850 if is_young else 6600) + int(chance[4] * (700 if is_young else 15_000)))
    values = {"law_region": region, "birth_date": born, "profile_visibility": shown(chance[9], is_young)} | named(index, region, chance)
    leaves = chance[11] < LEAVING and created < w.ago(75) and index % BANNED != 5
    if leaves:
        return leaver(w, index, created, chance, values)
    return member(w, index, created, chance, values)


def shown(chance: float, is_young: bool) -> str:
    """Who sees the profile: never everybody, if its owner is young."""
    return ("friends", "private", "private" if is_young else "public")[int(chance * 3)]


def named(index: int, region: str, chance: list[float]) -> dict[str, Any]:
    """Name, address, place and credential."""
    country, city = PLACES[region][int(chance[1] * len(PLACES[region]))]
    first, last = FIRST[int(chance[2] * len(FIRST))], LAST[int(chance[3] * len(LAST))]
    return {
        "display_name": f"{first} {last}",
        "email": f"{first}.{last}.{index}@mail.heytalk".lower(),
        "phone": f"+99{index:09d}" if chance[7] < 0.6 else None,
        "gender": "fmx"[min(int(chance[8] * 2.1), 2)],
        "country": country,
        "city": city,
        "credential_format": "argon2id" if chance[5] < 0.8 else "sso",
    }


def member(w: Company, index: int, created: dt.datetime, chance: list[float], values: dict[str, Any]) -> Person:
    """An account that is in use to the end of the history; a few are banned, or were deleted and restored by their owner."""
    seen = max(w.ago(chance[6] * 18), created + 2 * HOUR)
    banned_at = created + (w.end - created) * 0.7 if index % BANNED == 5 else None
    more: dict[str, Any] = {"status": w.by_now(banned_at, "banned", "active")}
    if index % RESTORED == 30:
        gone = created + (w.end - created) * chance[5]
        back = gone + 15 * HOUR
        more |= {"deleted_at": gone, "restored_at": back, "restored_by": w.by_now(back, "user", None)}
        more["status"] = w.by_now(gone, w.by_now(back, "active", "deleted"), "active")
    key = account(w, seen, created_at=created, last_contact_at=seen, last_interactive_at=seen, **values | more)
    if banned_at:
        w.add("retention_exceptions", user_id=key, type="ban", reason_code="fraud", scope="devices", owner="safety", started_at=banned_at)
    is_young = months_later(values["birth_date"], 216) > created.date()
    return Person(key, index, values["law_region"], created, banned_at or w.end, is_young, banned_at is not None, chance)


def leaver(w: Company, index: int, created: dt.datetime, chance: list[float], values: dict[str, Any]) -> Person:
    """An account whose owner deletes it in the app, and which is purged, or anonymised, six months later."""
    gone = (created + 40 * DAY + (w.ago(2) - created - 40 * DAY) * chance[5]).replace(microsecond=0)
    key = deletes(w, created, gone, index % ANONYMISED == 0, **values)
    is_young = months_later(values["birth_date"], 216) > created.date()
    return Person(key, index, values["law_region"], created, gone - 3 * HOUR, is_young, False, chance)


def deletes(w: Company, created: dt.datetime, gone: dt.datetime, anonymises: bool = False, **values: Any) -> str:
    """An account that is deleted at `gone`, with all that becomes of it until its purge; returns its key."""
    purged_at = purge_day(w, gone)
    seen = gone - 4 * HOUR
    row: dict[str, Any] = {"created_at": created, "last_contact_at": seen, "last_interactive_at": seen, **values}
    row |= {"deletion_requested_at": gone - 2 * HOUR, "deleted_at": gone, "purged_at": purged_at}
    end = "anonymised" if anonymises else "purged"
    row["status"] = w.by_now(purged_at, end, w.by_now(gone, "deleted", "active"))
    row["profile_visibility"] = w.by_now(gone, "hidden", values.get("profile_visibility", "private"))
    if w.has_come(purged_at):
        row |= purged()
    key = account(w, seen, **row)
    w.departs(key, gone, purged_at)
    purge_findings(w, key, gone)
    if purged_at:
        method = "anonymise" if anonymises else "delete"
        for table in ("users", "disclosures", "traffic_events"):
            w.add("purge_log", user_id=key, table_name=table, method=method, purged_at=purged_at)
    return key


def account(w: Company, used: dt.datetime, **values: Any) -> str:
    """An account that was last `used` at an instant, whose owner accepts each version of the policy and answers about analytics.

    Returns its key.
    """
    born = dt.date(1962, 3, 1) + w.serial * 37 % 13_000 * DAY
    defaults = {"gender": "f", "birth_date": born, "display_name": "Robin Aydin", "geo_source": "ip"}
    key = w.put("users", **defaults | values)
    created = values["created_at"]
    w.agree(key, "policy_acceptance", created - dt.timedelta(seconds=5 + w.serial * 7 % 600))
    for since, _, is_material in reversed(w.versions):
        again = since + 2 * DAY + dt.timedelta(seconds=w.serial * 7 % 86_400)
        if is_material and created < again < used:
            w.agree(key, "policy_acceptance", again)
    answered = created + dt.timedelta(seconds=30 + w.serial * 11 % 900)
    w.add("consents", user_id=key, purpose="analytics", action="refuse" if w.serial % 7 == 0 else "grant", event_at=answered)
    return key


def tester(w: Company, index: int, created: dt.datetime) -> None:
    """A test account: rules count its rows and leave them out."""
    seen = w.ago(index % 9)
    names = {"display_name": f"Test {index}", "email": f"test.{index}@mail.heytalk", "country": "NL", "city": "Utrecht"}
    before = len(w.rows["consents"])
    key = account(w, seen, created_at=created, last_contact_at=seen, last_interactive_at=seen, is_test=True, **names)
    if not w.has_come(created):
        return
    for rule in ("RET-05", "CON-03", "CON-07", "MIN-01", "MIN-02", "COL-03", "COL-04", "RGT-07", "SEC-01"):
        w.find(rule, "users", key, "excluded", "test_account")
    stored = len(w.rows["consents"]) - before
    for row in w.rows["consents"][-stored:]:
        for rule in ("RET-09", "COL-10") + (("CON-04",) if row["action"] == "grant" else ()):
            w.find(rule, "consents", row["consent_id"], "excluded", "test_account")
