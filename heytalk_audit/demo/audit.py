"""What `make audit` and `make proof` do: build a demo, audit it, and compare the findings with what was planted.

`make audit` has the company, whose last quarter it audits with the company's own registers; `make proof` each reason of each rule in turn.
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.canonical import PACKAGE
from heytalk_audit.console import out, print_seconds, print_verdicts
from heytalk_audit.demo import AS_OF, QUARTERS, write_company, write_demo
from heytalk_audit.demo.company.history import quarter_name
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


def main(story: str) -> int:
    """Build, audit, compare; 0 when the audit found what was planted, and nothing else."""
    root, report = PACKAGE.parent, REPORT[story]
    key = engagement_key("HEYTALK_AUDIT_KEY")
    with out.status("Writing the demo: 20,000 accounts"):
        snapshot, params = PREPARE[story](root)
    finished = run(params, [f"audit.id={report}"], root / "reports" / report, replace=True)
    print_verdicts(finished.rules)
    print_seconds(finished.seconds)
    faults = faults_of(finished, differences(finished.folder, snapshot, key))
    for fault in faults:
        out.print(f"differs: {fault}")
    if not faults:
        out.print("The audit found every planted row and no other. Its own exit status is 1, as violations are planted.")
    out.print(f"reports/{report}/index.html")
    return 1 if faults else 0


def prepare_company(root: Path) -> tuple[Path, Path]:
    """Write three quarters of the company; returns the last snapshot, and the parameters of its audit."""
    folder, name = root / "data" / "demo", quarter_name(dt.datetime.fromisoformat(AS_OF))
    write_company(folder, quarters=QUARTERS)
    return folder / name, folder / "params" / f"{name}.yaml"


def prepare_every(root: Path) -> tuple[Path, Path]:
    """Write the demo of every reason; returns its snapshot, and the parameters of its audit."""
    folder = root / "data" / "proof"
    write_demo(folder)
    return folder, root / "params" / "proof.yaml"


PREPARE = {"company": prepare_company, "every": prepare_every}
#: The folder of each report, and the id of its audit.
REPORT = {"company": "demo", "every": "proof"}


if __name__ == "__main__":
    sys.exit(ended(lambda: sys.exit(main(sys.argv[1]))))
