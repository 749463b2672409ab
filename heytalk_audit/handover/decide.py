"""The open rows for review of a run as a register of decisions to fill in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heytalk_audit.audit.decisions import VALID, basis
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.canonical import yaml_text
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import exceptions_file
from heytalk_audit.evidence.row_files import RowReader, opened_reader, rows_in
from heytalk_audit.follow_up.earlier import Run, verified_run
from heytalk_audit.snapshot.quoting import literal
from heytalk_audit.vocabulary import Audience, Outcome, Severity

#: So many records of a rule and reason are written one by one; of the others only the number.
MOST_RECORDS = 500
_HEAD = """# Decisions on rows for review. Fill in decision (breach or no_breach), ground, decided_by and decided_on; another person
# confirms, in confirmed_by. Leave out what is not decided yet. `evidence` may name a document beside this file. What `valid_for` says
# changes with the rule, its numbers and the reason: then the decision lapses.
"""


def open_register(folder: Path) -> str:
    """The register as YAML. Raises InputError for a run that was changed, or that is for readers outside and names no record."""
    run = verified_run(folder, f"decide {folder.name}")
    if run.audit.audience != Audience.INTERNAL:
        raise InputError(f"decide {folder.name}", "is for readers outside and names no record", "name the internal run")
    bounds = (run.audit.settings["decision_share"], run.audit.settings["decision_rows"])
    with opened_reader(run.folder) as reader:
        parts = [part for result in run.rules.values() if result.verdict.is_tested for part in _of_rule(run, result, bounds, reader)]
    return _HEAD + ("decisions:\n" + "".join(parts) if parts else "decisions: []\n")


def _of_rule(run: Run, result: RuleResult, bounds: tuple[float, int], reader: RowReader) -> Iterator[str]:
    decided = {entry.scope.get("record") or entry.scope.get("reason") for entry in result.decisions if entry.state == VALID}
    numbers = {number.name: number.value for number in result.numbers}
    most = max(bounds[0] * (result.ledger.tested or 0), bounds[1])
    for line in result.reasons:
        if line.outcome != Outcome.REVIEW or line.reason is None or line.reason in decided:
            continue
        valid_for = basis(result.source, numbers, line.reason)
        if result.severity != Severity.CRITICAL and (line.rows or 0) <= most and not decided:
            yield _entry(f"{result.id}-{line.reason}"[:40], result, {"reason": line.reason}, line.rows or 1, valid_for)
            continue
        records = [r for r in _records(run, result.id, line.reason, reader) if r not in decided]
        for record in records[:MOST_RECORDS]:
            yield _entry(f"{result.id}-{record}"[:40], result, {"record": record}, 1, valid_for)
        if len(records) > MOST_RECORDS:
            yield f"# {result.id} {line.reason}: {len(records) - MOST_RECORDS:,} more records\n"


def _records(run: Run, rule: str, reason: str, reader: RowReader) -> list[str]:
    where = f"outcome = {literal(Outcome.REVIEW)} AND reason = {literal(reason)}"
    query = f"SELECT DISTINCT record FROM {rows_in(exceptions_file(run.folder, rule))} WHERE {where} ORDER BY record"
    return [str(row["record"]) for row in reader.rows(query)]


def _entry(id: str, result: RuleResult, scope: dict[str, Any], rows: int, valid_for: str) -> str:
    entry: dict[str, Any] = {
        "id": id,
        "rule": result.id,
        "scope": scope,
        "decision": None,
        "ground": None,
        "decided_by": None,
        "confirmed_by": None,
    }
    entry |= {"decided_on": None, "evidence": None, "max_rows": rows, "valid_for": valid_for}
    return yaml_text([entry], sort_keys=False, width=140)
