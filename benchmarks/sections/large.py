"""An audit of ten million people, 500 million rows of the log, within a limit of memory: to be asked for, as it takes hours."""

from __future__ import annotations

from context import Bench, Section

from sections.runs import MEMORY_LIMIT, audited


def measure(bench: Bench) -> Section:
    """An audit of each size that has a limit; one that breaks says so."""
    return audited(bench, list(MEMORY_LIMIT), "## Ten million people within a limit of memory")
