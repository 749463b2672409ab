"""The background's traffic: events on every day of a year but a few, as an audit must notice that a day is missing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from heytalk_audit.demo.defaults import PREFIX
from heytalk_audit.demo.rows import GROUP
from heytalk_audit.demo.world import World

#: Traffic rows per account: enough for every day to have some.
EVENTS = 12
KINDS = ("open", "api", "page", "click", "call")
#: So many days before the snapshot's lie days without any event, and days with a single one.
EMPTY, SINGLE = (100, 102, 104), (201, 203, 205)


class SparseDays:
    """Days whose events are left out, though each uses up an id, as it would if it had been purged; some keep their first."""

    def __init__(self, world: World) -> None:
        self.today = world.today
        self.unused = set(SINGLE)

    def add_event(self, world: World, at: dt.datetime, **values: Any) -> str | None:
        """A traffic event and its key, or None if it is left out."""
        if self.keeps((self.today - at.date()).days):
            return world.put("traffic_events", event_at=at, **values)
        world.id(PREFIX["traffic_events"])
        return None

    def keeps(self, days: int) -> bool:
        """Whether the next event of so many days ago is kept."""
        if days in self.unused:
            self.unused.remove(days)
            return True
        return days not in EMPTY and days not in SINGLE

    def write_down(self, world: World) -> None:
        """Write down what an ideal audit finds of these days."""
        for days, reason in [(days, "no_traffic") for days in EMPTY] + [(days, "low_volume") for days in SINGLE]:
            day = self.today - dt.timedelta(days=days)
            world.find("RET-08", "calendar", day.isoformat(), "review", reason)


def add_traffic(w: World, users: list[str], sparse: SparseDays, rng: np.random.Generator) -> None:
    """Events spread evenly over the days of the year, at hours of their own, as columns."""
    midnight = int(dt.datetime.combine(w.today, dt.time(), dt.UTC).timestamp())
    total = len(users) * EVENTS
    for start in range(0, total, GROUP):
        numbers = np.arange(start, min(start + GROUP, total))
        days = 1 + (numbers * 7) % 365
        seconds = midnight - days * 86_400 + (rng.random(len(numbers)) * 86_399).astype(np.int64)
        kept = [place for place, day in enumerate(days.tolist()) if sparse.keeps(day)]
        w.rows["traffic_events"].extend(_events(numbers[kept].tolist(), seconds[kept], users, w.serial + 1 - start))
        w.serial += len(numbers)


def _events(numbers: list[int], seconds: np.ndarray, users: list[str], first_id: int) -> dict[str, Any]:
    return {
        "event_id": [f"{PREFIX['traffic_events']}-{first_id + n:07d}" for n in numbers],
        "user_id": [users[n % len(users)] for n in numbers],
        "event_at": pa.array(seconds * 1_000_000).cast(pa.timestamp("us", tz="UTC")),
        "event_type": [KINDS[n % 5] for n in numbers],
        "ip": [f"198.51.{n % 250}.{n % 241}" for n in numbers],
    }
