"""What `make audit` does: build the demo, audit it, and compare the findings with what was planted."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.canonical import PACKAGE
from heytalk_audit.console import out, print_seconds, print_verdicts
from heytalk_audit.demo import write_demo
from heytalk_audit.ending import ended
from heytalk_audit.evidence.folder import EXCEPTIONS, exceptions_file
from heytalk_audit.evidence.row_files import RowReader, opened_reader, rows_in
from heytalk_audit.params import engagement_key
from heytalk_audit.running.run import Finished, run
from heytalk_audit.snapshot.quoting import literal
from heytalk_audit.vocabulary import Verdict

#: Of the rules about the delivery itself, those whose findings are planted; the others find a demo as it should be.
PLANTED_DELIVERY = ("DQ-03", "DQ-04", "DQ-08", "DQ-09")
#: A row that was planted, as the exceptions have it.
_ROW = ("rule", "record", "outcome", "reason")
#: How many planted rows are held at once.
_BATCH = 20_000


def differences(folder: Path, demo: Path, key: bytes) -> list[str]:
    """Findings that were not planted, and planted rows of the rules that ran that were not found, as lines without any id."""
    files = [f for f in sorted((folder / EXCEPTIONS).glob("*.parquet")) if not f.stem.startswith("DQ-") or f.stem in PLANTED_DELIVERY]
    reported = " UNION ALL ".join(f"SELECT {literal(f.stem)} AS rule, record, outcome, reason FROM {rows_in(f)}" for f in files)
    with opened_reader(folder) as reader:
        reader.put("planted", _planted(folder, demo, key))
        planted = f"SELECT {', '.join(_ROW)} FROM planted"
        return _lines(reader, "planted, not found", planted, reported) + _lines(reader, "found, not planted", reported, planted)


def _planted(folder: Path, demo: Path, key: bytes) -> Iterator[pa.Table]:
    """The planted rows of the rules that ran, in batches."""
    schema = pa.schema([(name, pa.string()) for name in _ROW])
    yield schema.empty_table()
    with (demo / "truth.csv").open(encoding="utf-8", newline="") as handle:
        rows = (row for row in csv.DictReader(handle) if exceptions_file(folder, row["rule"]).exists())
        while batch := list(islice(rows, _BATCH)):
            yield pa.Table.from_pylist([row | {"record": pseudonym(key, row["record"])} for row in batch], schema=schema)


def _lines(reader: RowReader, what: str, some: str, others: str) -> list[str]:
    """A line per rule, outcome and reason of the rows that are more often among some than among the others."""
    left = f"SELECT rule, outcome, reason, count(*) AS n FROM (({some}) EXCEPT ALL ({others})) GROUP BY ALL ORDER BY ALL"
    return [f"{what}: {row['n']} x {row['rule']} {row['outcome']} {row['reason']}" for row in reader.rows(left)]


def faults_of(finished: Finished, differing: list[str]) -> list[str]:
    """Why the demo's audit did not come out as it must; empty when it did."""
    faults = list(differing)
    if finished.status != 1:
        faults.append(f"the audit's exit status is {finished.status}; planted violations make it 1")
    return faults + [f"{rule.id} crashed: {rule.reason}" for rule in finished.rules if rule.verdict == Verdict.ERROR]


def main() -> int:
    """Build, audit, compare; 0 when the audit found what was planted, and nothing else."""
    root = PACKAGE.parent
    demo, report = root / "data" / "demo", root / "reports" / "demo"
    key = engagement_key("HEYTALK_AUDIT_KEY")
    with out.status("Writing the demo snapshot: 20,000 accounts"):
        write_demo(demo)
    finished = run(root / "params" / "quarterly.yaml", [], report, replace=True)
    print_verdicts(finished.rules)
    print_seconds(finished.seconds)
    faults = faults_of(finished, differences(finished.folder, demo, key))
    for fault in faults:
        out.print(f"differs: {fault}")
    if not faults:
        out.print("The audit found every planted row and no other. Its own exit status is 1, as violations are planted.")
    out.print("reports/demo/index.html")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(ended(lambda: sys.exit(main())))
