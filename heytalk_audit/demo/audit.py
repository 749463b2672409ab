"""What `make audit` does: build the demo, audit it, and hold the findings against what was planted."""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console

from heytalk_audit.audit import pseudonym
from heytalk_audit.cli import print_seconds, print_verdicts
from heytalk_audit.demo import write_demo
from heytalk_audit.notebook import DEMO_KEY
from heytalk_audit.run import Outcome, run

#: The evidence rules whose findings are planted; the others find a demo as it should be.
PLANTED = ("DQ-03", "DQ-04", "DQ-08", "RET", "CON", "SEN", "MIN", "COL", "VIS", "MOD", "SHA", "RGT", "PRM", "SEC")


def differences(folder: Path, demo: Path, key: bytes) -> list[str]:
    """Findings that were not planted, and planted rows of the rules that ran that were not found, as lines without any id."""
    with (demo / "truth.csv").open(encoding="utf-8", newline="") as handle:
        truth = [t for t in csv.DictReader(handle) if (folder / "exceptions" / f"{t['rule']}.parquet").exists()]
    planted = Counter((t["rule"], pseudonym(key, t["record"]), t["outcome"], t["reason"]) for t in truth)
    found: Counter = Counter()
    for file in sorted((folder / "exceptions").glob("*.parquet")):
        if file.stem.startswith(PLANTED):
            rows = pq.read_table(file).to_pylist()
            found.update((file.stem, r["record"], r["outcome"], r["reason"]) for r in rows)
    missed, extra = planted - found, found - planted
    lines = [
        f"planted, not found: {n} x {r} {o} {why}" for (r, o, why), n in Counter((k[0], k[2], k[3]) for k in missed.elements()).items()
    ]
    return lines + [
        f"found, not planted: {n} x {r} {o} {why}" for (r, o, why), n in Counter((k[0], k[2], k[3]) for k in extra.elements()).items()
    ]


def judge(outcome: Outcome, different: list[str]) -> list[str]:
    """Why the demo's audit did not come out as it must; empty when it did."""
    faults = list(different)
    if outcome.status != 1:
        faults.append(f"the audit's exit status is {outcome.status}; planted violations make it 1")
    return faults + [f"{r['id']} crashed" for r in outcome.rules if r["verdict"] == "ERROR"]


def main() -> int:
    """Build, audit, compare; 0 when the audit found what was planted, and nothing else."""
    console = Console(highlight=False)
    root = Path(__file__).resolve().parents[2]
    os.chdir(root)
    os.environ["HEYTALK_AUDIT_KEY"] = DEMO_KEY
    with console.status("Writing the demo snapshot: 20,000 accounts"):
        write_demo(Path("data/demo"))
    outcome = run(Path("params/quarterly.yaml"), [], Path("reports/demo"))
    print_verdicts(outcome.rules)
    print_seconds(outcome.seconds)
    faults = judge(outcome, differences(outcome.folder, Path("data/demo"), DEMO_KEY.encode()))
    for fault in faults:
        console.print(f"[bold]differs[/]: {fault}")
    if not faults:
        console.print("The audit found every planted row and no other. Its own exit status is 1, as violations are planted.")
    console.print("reports/demo/index.html")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
