"""Four rules in Polars, lazy and streaming, beside the same rules whole."""

from __future__ import annotations

import json

import ours
from context import HERE, Bench, Goal, Section, table
from hand import numbers
from measure import watch

from heytalk_audit.rules import RULES
from sections.peers import environment

PACKAGES = ("polars==2.1.0",)


def measure(bench: Bench) -> Section:
    """Polars in an environment of its own, each rule's counts equal to ours."""
    snapshot = bench.snapshot(bench.users)
    python = environment(bench, "polars", PACKAGES)
    audit = ours.opened(snapshot, bench.work(snapshot))
    ours.warm(audit)
    values = numbers(audit)
    days = [values[name].removeprefix("DATE ").strip("'") for name in ("today", "period_start", "traffic_limit")]
    watched = watch(
        [str(python), str(HERE / "peers" / "with_polars.py"), str(snapshot), audit.snapshot.as_of.isoformat(), *days], {"PYTHONPATH": ""}
    )
    if watched.status:
        raise RuntimeError(watched.output[-2000:])
    rows = []
    for rule, theirs in json.loads(watched.output.splitlines()[-1]).items():
        file = bench.work(snapshot) / f"{rule}.parquet"
        evaluation = ours.evaluate_and_write(RULES[rule], audit, file)
        assert ours.outcomes(evaluation)[1] == theirs["counts"], (rule, ours.outcomes(evaluation)[1], theirs["counts"])
        wall, cpu, _, count = ours.seconds_of(RULES[rule], audit, file)
        rows.append([rule, f"{count:,}", f"{wall:.2f}", f"{cpu:.2f}", f"{theirs['wall']:.2f}", f"{theirs['cpu']:.2f}"])
        bench.console.print(*rows[-1], sep="  ")
    ours.close(audit)
    text = "Ours is the whole evaluation with its exceptions file, Polars the counts alone, read from the files."
    heads = ["rule", "rows", "ours, clock s", "ours, processor s", "Polars, clock s", "Polars, processor s"]
    goal = Goal("four rules in Polars: counts equal", f"equal ({bench.users:,} people)", None)
    return Section([f"## Four rules in Polars, {bench.users:,} people", text, "", *table(heads, rows)], [goal])
