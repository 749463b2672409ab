"""One person: every rule, over the rows of one person."""

from __future__ import annotations

from context import Bench, Goal, Section, table

GOAL = 10
#: So many of the slowest rules are named.
NAMED = 10


def measure(bench: Bench) -> Section:
    """All rules in a process of its own, where the tables are those of the snapshot, filtered."""
    snapshot = bench.snapshot(bench.users)
    taken, watched = bench.in_a_process("person", snapshot)
    rules = taken["rules"]
    wall = taken["filtering"] + sum(seconds[0] for seconds in rules.values())
    slowest = sorted(rules.items(), key=lambda item: -item[1][0])[:NAMED]
    rows = [
        ["finding the person's rows", f"{taken['filtering']:.2f}"],
        [f"{len(rules)} rules", f"{wall - taken['filtering']:.1f}"],
        *([f"of these {id}", f"{seconds[0]:.2f}"] for id, seconds in slowest),
    ]
    title = f"## One person of {bench.users:,}"
    text = f"No command does this yet: what is measured is the engine's part, with the profile taken before. Peak {watched.peak:,.0f} MB."
    goal = Goal(f"one person, every rule, {bench.users:,} people: under {GOAL} s", f"{wall:.1f} s", wall / GOAL)
    return Section([title, text, "", *table(["what", "clock s"], rows)], [goal])
