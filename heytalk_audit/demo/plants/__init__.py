"""Planted rows: each story three times, each with a twin that passes by a day, an hour, a minute or a second.

A story adds its rows and writes down every finding that follows from them, in whatever rule.
"""

from __future__ import annotations

from heytalk_audit.demo.plants import (
    confidences,
    consent,
    evidence,
    marketing,
    minors,
    permissions,
    records,
    retention,
    security,
    sensitive,
)
from heytalk_audit.demo.plants.story import STORIES
from heytalk_audit.demo.world import World

__all__ = ["NOT_PLANTABLE", "plant"]

TIMES = 3
#: The order in which they are told: ids are counted through it.
MODULES = (retention, records, evidence, consent, marketing, sensitive, confidences, minors, permissions, security)

#: Reason codes that a clean delivery can't carry, and why.
NOT_PLANTABLE = {
    ("*", "undetermined"): "a predicate without an answer is a fault of a rule, not of data",
    ("CON-03", "pre_tracking"): "needs the setting acceptance_tracking_start",
    **{(f"PRM-0{n}", "no_permission_log"): "the log is one table for all" for n in (1, 2, 3, 5, 6)},
    **{(f"PRM-0{n}", "clock_missing"): "the contract wants a time" for n in (1, 2, 3, 4, 5, 6)},
    ("PRM-05", "device_missing"): "a device without a key is no device",
    ("PRM-09", "user_missing"): "the contract wants a user",
    ("SEC-02", "readable"): "needs the setting encrypted_columns",
    ("SEC-02", "named_like_a_secret"): "the contract has no such column",
    ("SEC-03", "clock_missing"): "the contract wants a time",
    ("SEC-03", "role_not_allowed"): "needs the setting role_tables",
    ("SEC-04", "start_missing"): "the contract wants a day",
    ("SEC-06", "visibility_missing"): "the contract wants a visibility",
    ("SEC-07", "clock_missing"): "the contract wants a time",
    ("SEC-08", "not_in_contract"): "the demo delivers the contract's columns",
    ("MIN-01", "below_policy_age"): "needs the setting policy_min_age: the policy names none",
}


def plant(world: World) -> None:
    """Every story, three times."""
    for _ in range(TIMES):
        for module in MODULES:
            for write in STORIES[module.__name__]:
                write(world)
    minors.repeated_dates(world)
    security.columns(world)
