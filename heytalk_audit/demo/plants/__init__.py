"""Planted rows: each story three times, each with a twin that passes by a day, an hour, a minute or a second.

A story adds its rows and writes down every finding that follows from them, in whatever rule.
"""

from __future__ import annotations

from heytalk_audit.demo.plants import (
    advertising,
    confidences,
    consent,
    evidence,
    marketing,
    minors,
    records,
    retention,
    sensitive,
    sharing,
)
from heytalk_audit.demo.plants.story import STORIES
from heytalk_audit.demo.world import World

__all__ = ["NOT_PLANTABLE", "plant"]

TIMES = 3
#: The order in which they are told: ids are counted through it.
MODULES = (retention, records, evidence, consent, marketing, sensitive, confidences, minors, sharing, advertising)

#: Reason codes that a clean delivery can't carry, and why.
NOT_PLANTABLE = {
    ("*", "undetermined"): "a predicate without an answer is a fault of a rule, not of data",
    ("CON-03", "pre_tracking"): "needs the setting acceptance_tracking_start",
    ("MIN-01", "below_policy_age"): "needs the setting policy_min_age: the policy names none",
    ("SHA-03", "identifier_form_missing"): "the contract knows no disclosure without the form of its identifier",
    ("SHA-05", "clock_missing"): "the contract knows no disclosure without a time",
    ("SHA-11", "clock_missing"): "the contract knows no disclosure without a time",
    ("SHA-11", "visibility_missing"): "the contract knows no content without a visibility",
    ("SHA-02", "fields_missing"): "the contract knows no disclosure without a list of fields",
    ("SHA-09", "share_clock_missing"): "the contract knows no disclosure without a time",
}


def plant(world: World) -> None:
    """Every story, three times."""
    for _ in range(TIMES):
        for module in MODULES:
            for write in STORIES[module.__name__]:
                write(world)
    sharing.seats(world)
    minors.repeated_dates(world)
