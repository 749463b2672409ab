"""People whom the stories are about: adults with an account of their own, made some time before the end of the history."""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.company.history import DAY, HOUR, Company
from heytalk_audit.demo.company.people import account, deletes
from heytalk_audit.demo.people import FIRST, LAST


def resident(w: Company, days: float, **values: Any) -> str:
    """An account made so many days before the end of the history, and in use since; returns its key."""
    created, seen = about(w, days), about(w, 1 + w.serial % 6)
    return account(w, seen, created_at=created, last_contact_at=seen, last_interactive_at=seen, **named(w) | values)


def former(w: Company, days: float, gone: dt.datetime, **values: Any) -> str:
    """Such an account that is deleted at `gone`, and purged like any other; returns its key."""
    return deletes(w, about(w, days), gone, **named(w) | values)


def about(w: Company, days: float) -> dt.datetime:
    """An instant about so many days before the end of the history that few share."""
    return w.ago(days) - dt.timedelta(seconds=w.serial * 7919 % 50_000)


def named(w: Company) -> dict[str, Any]:
    """Name, address and place of a person in the EEA."""
    first, last = FIRST[w.serial % len(FIRST)], LAST[w.serial // 3 % len(LAST)]
    place = {"country": "NL", "city": "Utrecht", "law_region": "EEA", "profile_visibility": "friends"}
    return {"display_name": f"{first} {last}", "email": f"{first}.{last}.r{w.serial}@mail.heytalk".lower(), **place}


def life_of(w: Company, person: str, days: float) -> str:
    """A phone, a photo, a post and a hobby of the weeks after the account was made so many days ago; returns the device."""
    at = w.ago(days) + DAY
    device = w.add("devices", user_id=person, platform="android", first_seen_at=at, installed_at=at, limit_ad_tracking=True)
    w.add("permission_events", device_id=device, permission="camera", event_at=at)
    w.agree(person, "media", at)
    w.add("profile_attributes", user_id=person, created_at=at, value="karaoke", visibility="friends")
    photo = {"kind": "photo", "capture_source": "camera", "device_id": device, "visibility": "friends"}
    url = "https://cdn.heytalk.example/m/r?sig=8f1c&expires=1743400000"
    w.add("content_items", user_id=person, created_at=at + 9 * DAY, url=url, **photo)
    w.add("content_items", user_id=person, created_at=at + 12 * DAY + HOUR, text="Anyone up for karaoke tonight?", visibility="public")
    return device
