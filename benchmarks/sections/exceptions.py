"""What many exceptions cost beyond the query that finds them: RET-07 where 30 % of the log is too old."""

from __future__ import annotations

from context import Bench, Goal, Section, table

RULE, LOG_ROWS, PART = "RET-07", 11, 0.3
CPU_GOAL, MEMORY_GOAL = 20, 1000


def measure(bench: Bench) -> Section:
    """The query alone and the whole evaluation, each in a process of its own."""
    snapshot = bench.snapshot(bench.users, LOG_ROWS, PART)
    query, asked = bench.in_a_process("query", snapshot, RULE)
    whole, evaluated = bench.in_a_process("whole", snapshot, RULE)
    cpu, memory = whole["cpu"] - query["cpu"], evaluated.peak - asked.peak
    rows = [
        [what, f"{t['wall']:.1f}", f"{t['cpu']:.1f}", f"{w.peak:,.0f}"]
        for what, t, w in (("query", query, asked), ("whole", whole, evaluated))
    ]
    title = f"## {RULE} with {PART:.0%} of the log in exception, {bench.users:,} people, {bench.users * LOG_ROWS:,} log rows"
    what = f"{PART:.0%} of the log in exception, beyond the query: at most {CPU_GOAL} s of the processor and {MEMORY_GOAL / 1000:.0f} GB"
    part = max(cpu / CPU_GOAL, memory / MEMORY_GOAL)
    goal = Goal(what, f"{cpu:.1f} s and {memory / 1000:.1f} GB ({bench.users:,} people)", part)
    return Section([title, "", *table(["what", "clock s", "processor s", "peak MB"], rows)], [goal])
