"""How each rule's time grows with the number of people: at most linearly, with a tenth more allowed."""

from __future__ import annotations

from math import log10

from context import Bench, Goal, Section, table

LIMIT = 11


def measure(bench: Bench) -> Section:
    """Each rule, whole, at each size; a factor is per ten times the people."""
    taken = {}
    for users in sorted(bench.sizes):
        taken[users], _ = bench.in_a_process("rules", bench.snapshot(users), *bench.rules)
        bench.console.print(f"{users:,} people: {sum(t[1] for t in taken[users].values()):.0f} s of the processor")
    sizes = sorted(taken)
    rows, factors = [], []
    for rule in taken[sizes[0]]:
        seconds = [taken[users][rule][1] for users in sizes]
        grown = [(b / max(a, 1e-3)) ** (1 / _tens(x, y)) for a, b, x, y in zip(seconds, seconds[1:], sizes, sizes[1:], strict=False)]
        factors += [(factor, rule) for factor in grown]
        rows.append([rule, *(f"{s:.2f}" for s in seconds), *(f"{f:.1f}" for f in grown)])
    heads = ["rule", *(f"{users:,} people, processor s" for users in sizes), *(f"factor to {users:,}" for users in sizes[1:])]
    worst = max(factors) if factors else None
    measured = f"{worst[0]:.1f} at most ({worst[1]}; {', '.join(f'{n:,}' for n in sizes)} people)" if worst else ""
    goal = Goal(f"growth per ten times the people: at most {LIMIT}, each rule", measured, worst[0] / LIMIT if worst else None)
    return Section(["## Growth", "Whole evaluations in one process, one after another.", "", *table(heads, rows)], [goal])


def _tens(smaller: int, larger: int) -> float:
    return log10(larger / smaller)
