"""Whole audits, as `heytalk-audit run` has them: wall, processor, and the memory of all processes together."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from context import HERE, Bench, Goal, Section, table
from measure import Watched, watch

from heytalk_audit.demo import write_demo
from heytalk_audit.params import DEMO_KEY

PARAMS = HERE.parent / "params" / "quarterly.yaml"
#: Up to so many people the demo is audited, above it a generated world with as many log rows per person as the demo has.
DEMO, LOG_ROWS = 20_000, 11
#: Seconds by the clock that an audit may take, and its peak of memory in MB where that has a goal.
GOALS = {300: (15, None), 20_000: (25, None), 1_000_000: (90, None), 10_000_000: (None, 6000)}
MEMORY_LIMIT = {10_000_000: "4GB"}


def measure(bench: Bench) -> Section:
    """An audit of each size; one that breaks says so."""
    return audited(bench, bench.runs, "## Whole audits")


def audited(bench: Bench, sizes: Sequence[int], heading: str) -> Section:
    """Audits of these sizes, as a section of that heading."""
    rows, goals = [], []
    for users in sizes:
        snapshot, watched = audit(bench, users)
        rows.append([f"{users:,}", snapshot.name, f"{watched.wall:.1f}", f"{watched.cpu:.1f}", f"{watched.peak:,.0f}", watched.status])
        bench.console.print(f"{users:,} people: {watched.text}, exit status {watched.status}")
        goals += judged(users, watched)
    heads = ["people", "snapshot", "clock s", "processor s", "peak MB, all processes", "exit status"]
    lines = [heading, "An exit status of 1 is that of violations, which every snapshot has.", "", *table(heads, rows)]
    return Section(lines, goals)


def judged(users: int, watched: Watched) -> list[Goal]:
    """The goals for an audit of that size."""
    seconds, memory = GOALS.get(users, (None, None))
    broken = "" if watched.status in (0, 1, 3) else f", broke with exit status {watched.status}"
    goals = []
    if seconds:
        part = float("inf") if broken else watched.wall / seconds
        goals.append(Goal(f"an audit of {users:,} people: at most {seconds} s", f"{watched.wall:.1f} s{broken}", part))
    if memory:
        part = float("inf") if broken else watched.peak / memory
        what = f"an audit of {users:,} people within {MEMORY_LIMIT[users]}: completes, all processes under {memory / 1000:.0f} GB"
        goals.append(Goal(what, f"{watched.peak / 1000:.1f} GB{broken}", part))
    return goals


def audit(bench: Bench, users: int) -> tuple[Path, Watched]:
    """Audit a snapshot of that size from the command line."""
    snapshot = demo(bench, users) if users <= DEMO else bench.snapshot(users, 50 if users in MEMORY_LIMIT else LOG_ROWS)
    params, out = bench.data / "params" / f"{users}.yaml", bench.data / "reports" / str(users)
    params.parent.mkdir(parents=True, exist_ok=True)
    document = yaml.safe_load(PARAMS.read_text("utf-8")) | {"snapshot": str(snapshot), "attestations": None, "accepted": None}
    if users in MEMORY_LIMIT:
        document["engine"] = {"url": "duckdb", "options": {"memory_limit": MEMORY_LIMIT[users]}}
    params.write_text(yaml.safe_dump(document), "utf-8")
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "heytalk_audit.cli", "run", str(params), "--out", str(out)]
    watched = watch(command, {"HEYTALK_AUDIT_KEY": DEMO_KEY, "PYTHONPATH": str(HERE.parent)})
    (bench.data / "reports" / f"{users}.log").write_text(watched.output, "utf-8")
    return snapshot, watched


def demo(bench: Bench, users: int) -> Path:
    """The demo of that size, made if it is not there."""
    folder = bench.data / f"demo-{users}"
    if not (folder / "truth.csv").exists():
        write_demo(folder, users)
    return folder
