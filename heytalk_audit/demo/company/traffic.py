"""The company's traffic: so many events a day of each account in use, kept for a year."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from heytalk_audit.demo.company.history import DAY, Company
from heytalk_audit.demo.company.people import Person
from heytalk_audit.demo.company.purges import is_kept, is_overdue
from heytalk_audit.demo.defaults import PREFIX
from heytalk_audit.demo.traffic import KINDS

#: Days of traffic that the history tells: a year before its first snapshot, and the weeks for which the purge stood still.
DAYS = 620
#: Events of a day: one of so many accounts in use has one, and there are some at least.
ONE_IN, AT_LEAST = 30, 8


def add_traffic(w: Company, people: list[Person], rng: np.random.Generator) -> None:
    """The events of each day, of accounts that were in use on it, as columns; those of purged people and of erased days are left out."""
    created = np.array([p.created.timestamp() for p in people])
    stopped = np.array([p.stopped.timestamp() for p in people])
    erased = np.array([_erased(w, p) for p in people])
    keys = [p.key for p in people]
    for ago in range(DAYS, 0, -1):
        day = w.end.date() - ago * DAY
        start = dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()
        users = np.flatnonzero((created < start) & (stopped > start + 86_400))
        count = max(AT_LEAST, len(users) // ONE_IN)
        chosen = users[(rng.random(count) * len(users)).astype(int)]
        seconds = start + np.sort((rng.random(count) * 86_399).astype(np.int64))
        kept = np.flatnonzero((seconds <= w.now.timestamp()) & (erased[chosen] > w.now.timestamp()))
        first = w.serial + 1
        w.serial += count
        if len(kept) and is_kept(w, day):
            columns = _events(first, kept.tolist(), seconds[kept], [keys[n] for n in chosen[kept].tolist()])
            w.rows["traffic_events"].extend(columns)
            if is_overdue(w, day):
                for event in columns["event_id"]:
                    w.find("RET-07", "traffic_events", event, "violation", "over_one_year")


def _erased(w: Company, p: Person) -> float:
    """When the traffic of a person goes with the account, in seconds."""
    _, purged_at = w.departures.get(p.key, (None, None))
    return purged_at.timestamp() if purged_at else float("inf")


def _events(first: int, kept: list[int], seconds: np.ndarray, users: list[str]) -> dict[str, Any]:
    return {
        "event_id": [f"{PREFIX['traffic_events']}-{first + n:07d}" for n in kept],
        "user_id": users,
        "event_at": pa.array(seconds.astype(np.int64) * 1_000_000).cast(pa.timestamp("us", tz="UTC")),
        "event_type": [KINDS[n % 5] for n in kept],
        "ip": [f"198.51.{(first + n) % 250}.{(first + n) % 241}" for n in kept],
    }
