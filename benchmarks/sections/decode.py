"""The whole catalogue beside the least that any audit costs: decoding once every column that some rule reads."""

from __future__ import annotations

from context import Bench, Goal, Section, table

NOW, IN_THE_END = 10, 2.5


def measure(bench: Bench) -> Section:
    """Both, each in a process of its own."""
    snapshot = bench.snapshot(bench.users)
    floor, _ = bench.in_a_process("decode", snapshot)
    rules, _ = bench.in_a_process("rules", snapshot)
    wall, cpu = (sum(taken[i] for taken in rules.values()) for i in (0, 1))
    slowest = sorted(rules.items(), key=lambda item: -item[1][1])
    rows = [["decoding", f"{floor['wall']:.1f}", f"{floor['cpu']:.1f}"], [f"{len(rules)} rules", f"{wall:.1f}", f"{cpu:.1f}"]]
    rows += [[f"of these {id}", f"{taken[0]:.1f}", f"{taken[1]:.1f}"] for id, taken in slowest[:15]]
    ratio = cpu / floor["cpu"]
    title = f"## The catalogue beside decoding, {bench.users:,} people"
    text = f"{floor['columns']} columns. Seconds by the clock and of the processor: {ratio:.0f} times."
    text += " Rules that read texts include the detectors."
    goal = Goal(
        f"the catalogue by the decode floor: at most {NOW} ({IN_THE_END} in the end)", f"{ratio:.0f} ({bench.users:,} people)", ratio / NOW
    )
    return Section([title, text, "", *table(["what", "clock s", "processor s"], rows)], [goal])
