"""Every rule's outcome for every row of its population, kept as files: what a person's outcomes are read from.

The rules are evaluated as a run evaluates them, over the whole population, and all rows are written, those that pass among them. So a
person's outcomes are those of the population's run by construction, also where a condition looks at other people. The files hold
pseudonyms, codes and days alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit.audit.evaluate import all_rows
from heytalk_audit.audit.exceptions import EXCEPTIONS, pseudonymous, write_rows
from heytalk_audit.canonical import canonical, read_json
from heytalk_audit.disk.failures import failures_named
from heytalk_audit.evidence.row_files import RowReader, rows_in
from heytalk_audit.policy import Policy
from heytalk_audit.rules import RULES
from heytalk_audit.running.session import Session
from heytalk_audit.snapshot.quoting import literal

_SUMMARY = "rules.json"


@dataclass(frozen=True)
class RowOutcome:
    """The outcome of one row of a rule's population: `table` is the audited one, `record` the row's pseudonym, `reason` a code."""

    id: str
    table: str
    record: str | None = None
    outcome: str | None = None
    reason: str | None = None
    due_on: str | None = None

    def reads(self, policy: Policy) -> str:
        """Its reason in words; empty where the row passes."""
        if self.reason is None:
            return ""
        words = policy.reasons.get(self.reason)
        return words.says if words else self.reason


@dataclass(frozen=True)
class Judgement:
    """Outcomes on disk: `rules` has per rule the audited table, whether its rows have people, and why it was not evaluated, if it was
    not."""

    folder: Path
    rules: Mapping[str, Mapping[str, Any]]

    def file(self, rule: str) -> Path:
        """The file of a rule's rows."""
        return self.folder / f"{rule}.parquet"

    def of_person(self, reader: RowReader, subject: str) -> list[RowOutcome]:
        """Each row of a person in the population of a rule, by rule and record."""
        each = [self._query(rule, about["table"], subject) for rule, about in self.rules.items() if about["has_people"]]
        if not each:
            return []
        return [RowOutcome(**row) for row in reader.rows(f"{' UNION ALL '.join(each)} ORDER BY id, record, outcome, reason")]

    def _query(self, rule: str, table: str, subject: str) -> str:
        columns = f'{literal(rule)} AS id, {literal(table)} AS "table", record, outcome, reason, CAST(due_on AS VARCHAR) AS due_on'
        return f"SELECT {columns} FROM {rows_in(self.file(rule))} WHERE subject = {literal(subject)}"

    def without_people(self) -> list[RowOutcome]:
        """The rules whose rows are about no person, one entry each, without an outcome."""
        return [RowOutcome(rule, about["table"]) for rule, about in self.rules.items() if not about["has_people"] and not about["missing"]]

    def not_evaluated(self) -> dict[str, str]:
        """The rules that were not evaluated, and why."""
        return {rule: about["missing"] for rule, about in self.rules.items() if about["missing"]}


def judge_all(
    session: Session, folder: Path, progress: Callable[[str], None] | None = None, only: Sequence[str] | None = None
) -> Judgement:
    """Evaluate every rule of an audit, or `only` these, and leave the outcomes of all rows in a folder."""
    folder.mkdir(mode=0o700)
    rules, chosen = {}, session.rules if only is None else only
    for number, rule in enumerate(chosen, 1):
        if progress:
            progress(f"Evaluating {rule}, {number} of {len(chosen)}")
        with failures_named():
            rows = all_rows(RULES[rule], session.audit)
            batches = pseudonymous(rows.classified, session.audit.snapshot.engine, session.key_pads) if rows.classified is not None else ()
            write_rows(batches, {folder / f"{rule}.parquet": EXCEPTIONS})
        rules[rule] = {"table": RULES[rule].tables[0], "has_people": rows.has_people, "missing": rows.missing}
    (folder / _SUMMARY).write_bytes(canonical(rules))
    return Judgement(folder, rules)


def read_judgement(folder: Path) -> Judgement:
    """The outcomes that `judge` left in a folder. Raises InputError."""
    return Judgement(folder, read_json(folder / _SUMMARY, f"case {folder.parent.name}: {folder.name}/{_SUMMARY}"))
