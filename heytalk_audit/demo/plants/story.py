"""The register of stories, and the rows that several stories begin with."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from heytalk_audit.demo.world import Row, World, months_later

SECOND, MINUTE, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
#: How much the clocks of two systems may differ.
SKEW = 5 * MINUTE
Story = Callable[[World], None]
#: The stories of each module, in the order in which they are planted.
STORIES: dict[str, list[Story]] = defaultdict(list)


def story(write: Story) -> Story:
    """Register a story."""
    STORIES[write.__module__].append(write)
    return write


def deleted(w: World, **values: Any) -> str:
    """An account deleted a month ago, with nothing left but its row."""
    usual: Row = {"status": "deleted", "deleted_at": w.ago(30), "deletion_requested_at": None}
    return w.user(**usual | values)


def unclear(w: World, user: str, reason: str, rules: tuple[str, ...] = ("RET-01", "RET-02", "RET-03")) -> None:
    """Write down that every rule that counts from this account's deletion finds it unknown: the deletion can't be dated."""
    for rule in rules:
        w.find(rule, "users", user, "unknown", reason)
    since = {"clock_missing": "deleted_at_missing", "status_contradiction": "status_contradiction"}
    if reason in since:
        w.find("COL-11", "users", user, "unknown", since[reason])


def months(start: dt.datetime, count: int) -> dt.date:
    """The due day of a period that begins on the day of `start`."""
    return months_later(start.date(), count)


def ad_id(w: World) -> str:
    """An advertising id that no other device has."""
    return f"00000000-0000-4000-8000-{w.id('9')[-7:]:0>12}"


def tracked(w: World, user: str, id: str) -> str:
    """A device whose advertising id was stored when its owner said yes."""
    w.agree(user, "personalised_ads", w.about(201))
    return w.add("devices", user_id=user, ad_id=id)


def consent_event(w: World, user: str, purpose: str, action: str, at: dt.datetime, **values: Any) -> str:
    """A row of consents: a person's answer for one purpose."""
    return w.add("consents", user_id=user, purpose=purpose, action=action, event_at=at, **values)


def send(w: World, user: str, at: dt.datetime, channel: str = "email", **values: Any) -> str:
    """A marketing message."""
    return w.add("outbound_messages", **{"user_id": user, "sent_at": at, "channel": channel, "category": "marketing"} | values)


def letters(number: int) -> str:
    """A number in letters, for names of places: digits in them are a finding."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def created(w: World) -> dt.datetime:
    """When the account that was added last was created."""
    instant: dt.datetime = w.rows["users"][-1]["created_at"]
    return instant
