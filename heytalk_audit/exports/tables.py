"""Findings and exception rows as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.errors import visible
from heytalk_audit.evidence.folder import exceptions_file
from heytalk_audit.evidence.row_files import gravest_first, opened_reader
from heytalk_audit.exports.recorded import LEDGER, Recorded, area_of
from heytalk_audit.vocabulary import OPEN_OUTCOMES

FINDINGS = [
    *("id", "title", "area", "severity", "finding_severity", "verdict", "basis"),
    *(*LEDGER, "accepted", "decided_breach", "decided_no_breach", "decided_open", "rate"),
    *(f"people_{outcome}" for outcome in OPEN_OUTCOMES),
    *("clauses", "reasons", "reason", "recommendation", "evidence_sha256"),
]
EXCEPTIONS = ["rule", "record", "subject", "outcome", "reason", "due_on", "days_over", "evidence_sha256"]
#: What begins a formula in one spreadsheet or another, also in the wide forms of East Asian input.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
#: The same within a text, after what another locale takes for the end of a cell.
_WITHIN = re.compile(rf"(?<=\S)([;|\t\r\n]\s*)(?=[{re.escape(_FORMULA)}])")


def write(run: Recorded, folder: Path) -> None:
    """Two files: a row per finding, and a row per exception row (none where the run withholds them)."""
    write_csv(folder / "findings.csv", FINDINGS, finding_rows(run))
    if not run.withheld:
        write_csv(folder / "exceptions.csv", EXCEPTIONS, ([*row, run.evidence] for row in exception_rows(run)))


def finding_rows(run: Recorded) -> Iterator[list[Any]]:
    """The rows of FINDINGS."""
    for rule in run.findings:
        yield [
            *(rule.id, rule.title, area_of(rule), rule.severity, rule.finding_severity, rule.verdict, rule.basis),
            *_numbers(run, rule),
            "; ".join(clause.id for clause in rule.clauses),
            "; ".join(f"{x.outcome}/{x.reason}: {shown(x.rows)}" for x in rule.reasons if x.outcome in OPEN_OUTCOMES),
            *(rule.reason, rule.recommendation, run.evidence),
        ]


def _numbers(run: Recorded, rule: RuleResult) -> list[Any]:
    """The ledger, the rows accepted, the rate and the people. A rule that was not evaluated has none: a nought would look like a result."""
    if not rule.verdict.is_tested:
        return [*[None for _ in LEDGER], None, None, None, None, rule.rate, *[None for _ in OPEN_OUTCOMES]]
    decided = rule.decided
    parts = [shown(n) for n in (decided.breach, decided.no_breach, decided.open)] if decided else [shown(None)] * 3
    return [*(shown(rule.ledger[name]) for name in LEDGER), shown(rule.accepted), *parts, rule.rate, *run.people(rule).values()]


def exception_rows(run: Recorded) -> Iterator[list[Any]]:
    """The rows of EXCEPTIONS but for the digest, rule by rule, the gravest first."""
    columns = EXCEPTIONS[1:-1]
    with opened_reader(run.folder) as reader:
        for rule in run.findings:
            for row in reader.each(gravest_first(exceptions_file(run.folder, rule.id), columns)):
                yield [rule.id, *(row[name] for name in columns)]


def safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, and of which every character can be seen; numbers stay numbers.

    What begins like a formula gets an apostrophe before it.
    """
    if not isinstance(value, str) or not value:
        return value
    value = _WITHIN.sub(r"\1'", value)
    bare = value.lstrip().lstrip("\ufeff\u200b\u200c\u200d\u2060").lstrip()
    return visible(f"'{value}" if value[0] in "\t\r\n" or bare[:1] in tuple(_FORMULA) else value)


def write_csv(path: Path, head: list[str], rows: Iterable[list[Any]]) -> None:
    """A table that spreadsheets open as it is: in UTF-8, each cell safe."""
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
        writer.writerow(head)
        writer.writerows([safe(cell) for cell in row] for row in rows)
