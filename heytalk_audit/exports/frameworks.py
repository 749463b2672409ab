"""The rules by frameworks that compliance officers use, as a table: a row for each id of a framework that a rule bears on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.exports.recorded import Recorded, area_of
from heytalk_audit.exports.tables import write_csv

FILE = "frameworks.csv"
COLUMNS = [
    *("framework", "id", "title", "rule", "rule_title", "area", "severity", "verdict", "tested", "violation", "rate"),
    *("clauses", "law", "standing", "evidence_sha256"),
]
#: What stands beside every row: which rule bears on which id is a reading.
STANDING = "to be confirmed by counsel"


def write(run: Recorded, folder: Path) -> None:
    """One file."""
    write_csv(folder / FILE, COLUMNS, framework_rows(run))


def framework_rows(run: Recorded) -> Iterator[list[Any]]:
    """The rows of COLUMNS: by framework, then by id, then by rule, as the run has them."""
    entries = [(entry, rule) for rule in run.rules for entry in rule.frameworks]
    order = {key: n for n, key in enumerate(dict.fromkeys(entry.framework for entry, _ in entries))}
    for entry, rule in sorted(entries, key=lambda pair: (order[pair[0].framework], pair[0].id, pair[1].id)):
        is_tested = rule.verdict.is_tested
        counts = [shown(rule.ledger.tested), shown(rule.ledger.violation)] if is_tested else [None, None]
        yield [
            *(entry.name, entry.id, entry.title, rule.id, rule.title, area_of(rule), rule.severity, rule.verdict, *counts, rule.rate),
            *("; ".join(clause.id for clause in rule.clauses), "; ".join(rule.law), STANDING, run.evidence),
        ]
