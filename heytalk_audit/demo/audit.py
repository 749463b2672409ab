"""What `make audit` does: build the demo, audit it, and compare the findings with what was planted."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console

from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.canonical import PACKAGE
from heytalk_audit.console import print_seconds, print_verdicts
from heytalk_audit.demo import write_demo
from heytalk_audit.evidence.folder import EXCEPTIONS, exceptions_file
from heytalk_audit.params import engagement_key
from heytalk_audit.running.run import Finished, run
from heytalk_audit.vocabulary import Verdict

#: Of the rules about the delivery itself, those whose findings are planted; the others find a demo as it should be.
PLANTED_DELIVERY = ("DQ-03", "DQ-04", "DQ-08")
#: Rule, pseudonym of the record, outcome, reason.
FindingKey = tuple[str, str | None, str, str]


def differences(folder: Path, demo: Path, key: bytes) -> list[str]:
    """Findings that were not planted, and planted rows of the rules that ran that were not found, as lines without any id."""
    with (demo / "truth.csv").open(encoding="utf-8", newline="") as handle:
        truth = [t for t in csv.DictReader(handle) if exceptions_file(folder, t["rule"]).exists()]
    planted: Counter[FindingKey] = Counter((t["rule"], pseudonym(key, t["record"]), t["outcome"], t["reason"]) for t in truth)
    reported: Counter[FindingKey] = Counter()
    for file in sorted((folder / EXCEPTIONS).glob("*.parquet")):
        if not file.stem.startswith("DQ-") or file.stem in PLANTED_DELIVERY:
            rows = pq.read_table(file).to_pylist()
            reported.update((file.stem, r["record"], r["outcome"], r["reason"]) for r in rows)
    return _lines("planted, not found", planted - reported) + _lines("found, not planted", reported - planted)


def _lines(what: str, rows: Counter[FindingKey]) -> list[str]:
    counts = Counter((rule, outcome, reason) for rule, _, outcome, reason in rows.elements())
    return [f"{what}: {n} x {rule} {outcome} {reason}" for (rule, outcome, reason), n in counts.items()]


def faults_of(finished: Finished, differing: list[str]) -> list[str]:
    """Why the demo's audit did not come out as it must; empty when it did."""
    faults = list(differing)
    if finished.status != 1:
        faults.append(f"the audit's exit status is {finished.status}; planted violations make it 1")
    return faults + [f"{rule.id} crashed: {rule.reason}" for rule in finished.rules if rule.verdict == Verdict.ERROR]


def main() -> int:
    """Build, audit, compare; 0 when the audit found what was planted, and nothing else."""
    console, root = Console(highlight=False), PACKAGE.parent
    demo, report = root / "data" / "demo", root / "reports" / "demo"
    key = engagement_key("HEYTALK_AUDIT_KEY")
    with console.status("Writing the demo snapshot: 20,000 accounts"):
        write_demo(demo)
    finished = run(root / "params" / "quarterly.yaml", [], report)
    print_verdicts(finished.rules)
    print_seconds(finished.seconds)
    faults = faults_of(finished, differences(finished.folder, demo, key))
    for fault in faults:
        console.print(f"[bold]differs[/]: {fault}")
    if not faults:
        console.print("The audit found every planted row and no other. Its own exit status is 1, as violations are planted.")
    console.print("reports/demo/index.html")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
