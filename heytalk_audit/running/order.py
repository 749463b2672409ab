"""In which order notebooks begin: those that take longest first, by an estimate that needs no clock and is the same on every machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from heytalk_audit.audit.audit import READ_FROM_TEXTS
from heytalk_audit.catalogue import rules_of
from heytalk_audit.detect.places import PLACES
from heytalk_audit.policy.chapters import ReportChapter
from heytalk_audit.rules import RULES

#: What a rule costs whatever it reads, in bytes of Parquet read in the same time: it is compiled, and its section is drawn.
PER_RULE = 30_000_000
#: How much longer than the engine reads a table detectors read its texts; once, for all rules that ask.
DETECTORS = 20


def longest_first(chapters: Iterable[ReportChapter], chosen: Collection[str], profiled: dict[str, Any]) -> list[ReportChapter]:
    """The chapters by what their rules read of a profiled snapshot; `chosen` limits the rules, where it names any."""
    return sorted(chapters, key=lambda chapter: -_cost(rules_of(chapter.name, chosen), profiled))


def _cost(rules: list[str], profiled: dict[str, Any]) -> float:
    read = [table for id in rules for table in RULES[id].tables]
    once = set(READ_FROM_TEXTS).intersection(read)
    texts = {place.table for place in PLACES.values()} if once else set()
    return float(
        PER_RULE * len(rules)
        + sum(profiled[table]["bytes"] for table in read if table in profiled)
        + DETECTORS * sum(profiled[table]["bytes"] for table in texts if table in profiled)
    )
