"""One person: every rule for one person."""

from __future__ import annotations

from context import Bench, Goal, Section


def measure(bench: Bench) -> Section:
    """No command evaluates rules for one person yet, so that there is nothing to measure."""
    text = "Not measured: no command evaluates the rules for one person."
    return Section(["## One person", text], [Goal(f"one person, every rule, {bench.users:,} people: under 10 s", "", None)])
