"""A whole audit beside the least that an audit costs: one that starts every kernel and evaluates one small rule.

    python benchmarks/audit.py [SNAPSHOT] [--users N] [--pairs N]

Prints the seconds of both by the clock and of the processor, taken in turns, and where the audit's own time went. The floor is what
kernels, imports and pages cost whatever is audited; the difference is what the rules cost.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console

from heytalk_audit.catalogue import rules_of
from heytalk_audit.demo import write_demo
from heytalk_audit.params import DEMO_KEY
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.running.run import run

PARAMS = Path(__file__).resolve().parents[1] / "params" / "quarterly.yaml"


def measured(snapshot: Path, out: Path, rules: list[str]) -> tuple[float, float, dict[str, float]]:
    """Seconds by the clock and of the processor, kernels included, and the seconds of each step."""

    def used() -> float:
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    begun, before = time.perf_counter(), used()
    finished = run(PARAMS, [f"snapshot={snapshot}", f"rules=[{','.join(rules)}]"], out, console=Console(quiet=True))
    return time.perf_counter() - begun, used() - before, finished.seconds


def main() -> None:
    """Measure both audits in turns, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("snapshot", nargs="?", type=Path)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    os.environ["HEYTALK_AUDIT_KEY"] = DEMO_KEY
    home = Path(tempfile.mkdtemp(prefix="heytalk-audit-bench-"))
    snapshot = (args.snapshot or home / "demo").resolve()
    if args.snapshot is None:
        write_demo(snapshot, args.users)
    # the descriptor's own rule reads no table of the snapshot
    audits: dict[str, list[str]] = {"floor": ["DQ-05"], "audit": []}
    measurements: dict[str, list[tuple[float, float, dict[str, float]]]] = {name: [] for name in audits}
    for _ in range(args.pairs):
        for name, rules in audits.items():
            measurements[name].append(measured(snapshot, home / name, rules))
    count = sum(len(rules_of(chapter)) for chapter in CHAPTERS)
    for name, runs in measurements.items():
        clock, processor = (statistics.median(r[i] for r in runs) for i in (0, 1))
        print(f"{name}: {clock:.1f} s by the clock, {processor:.1f} s of the processor ({1 if audits[name] else count} rules)")
    steps = {step: statistics.median(r[2][step] for r in measurements["audit"]) for step in measurements["audit"][0][2]}
    print("the audit, step by step: " + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in steps.items()))


if __name__ == "__main__":
    main()
