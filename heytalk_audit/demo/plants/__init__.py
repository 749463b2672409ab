"""Planted rows: each story three times, each with a twin that passes by a day, an hour, a minute or a second.

A story adds its rows and writes down every finding that follows from them, in whatever rule.
"""

from __future__ import annotations

from heytalk_audit.demo.plants import confidences, consent, evidence, marketing, minors, objections, records, retention, rights, sensitive
from heytalk_audit.demo.plants.story import STORIES
from heytalk_audit.demo.world import World

__all__ = ["NOT_PLANTABLE", "plant"]

TIMES = 3
#: The order in which they are told: ids are counted through it.
MODULES = (retention, records, evidence, consent, marketing, sensitive, confidences, minors, rights, objections)

#: Reason codes that a clean delivery can't carry, and why.
NOT_PLANTABLE = {
    ("*", "undetermined"): "a predicate without an answer is a fault of a rule, not of data",
    ("CON-03", "pre_tracking"): "needs the setting acceptance_tracking_start",
    ("RGT-01", "received_missing"): "the contract forbids a null there",
    ("RGT-02", "received_missing"): "the contract forbids a null there",
    ("MIN-01", "below_policy_age"): "needs the setting policy_min_age: the policy names none",
}


def plant(world: World) -> None:
    """Every story, three times."""
    for _ in range(TIMES):
        for module in MODULES:
            for write in STORIES[module.__name__]:
                write(world)
    minors.repeated_dates(world)
