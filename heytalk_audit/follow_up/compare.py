"""The rules of two runs compared: their verdicts, what may have changed them, and their rows.

An entry of the register of accepted exceptions changes no outcome: where only what it covers has changed, that is the cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from heytalk_audit.audit.document import ChangeCount, RuleFollowUp
from heytalk_audit.audit.rule_result import Ledger
from heytalk_audit.evidence.row_files import RowReader
from heytalk_audit.follow_up.causes import candidates
from heytalk_audit.follow_up.changes import Changes, changes_in, changes_of, differ, have_rows
from heytalk_audit.follow_up.counterfactual import Lab, can_be_told_apart, waterfall
from heytalk_audit.follow_up.earlier import RuleRows, Run
from heytalk_audit.vocabulary import Verdict


@dataclass(frozen=True)
class Compared:
    """A rule in two runs: its verdicts then and now, what may have changed it, and how many rows did; none where two keys were used."""

    rule: str
    verdicts: tuple[Verdict | None, Verdict | None]
    candidates: tuple[str, ...] = ()
    counts: tuple[ChangeCount, ...] = ()

    @property
    def document(self) -> RuleFollowUp:
        """The rule as results.json has it."""
        before, now = self.verdicts
        return RuleFollowUp(before=before, now=now, candidates=self.candidates, counts=self.counts)


@dataclass(frozen=True)
class Comparison:
    """The rules of two runs, and their rows."""

    rules: tuple[Compared, ...]
    changes: Changes


def compare_runs(old: Run, new: Run, now: Iterable[RuleRows], lab: Lab | None, reader: RowReader, folder: Path) -> Comparison:
    """Two runs of the same key. `now` are the later one's rows, rule by rule; changes are written to the folder.

    Without a lab no step between the runs is evaluated.
    """
    compared, files = [], []
    for rows in now:
        rule, before = rows.rule, old.rows_of(rows.rule)
        why = candidates_of(rule, old, new)
        compared.append(Compared(rule, verdicts_of(rule, old, new), why))
        if have_rows(before, rows):
            files.append(folder / f"{rule}.parquet")
            reader.copy(_changes_of(before, rows, why, lab, reader), files[-1])
    return counted(compared, changes_in(reader, files))


def counted(rules: Iterable[Compared], changes: Changes) -> Comparison:
    """Rules with the counts of their changes."""
    counts = changes.counts()
    return Comparison(tuple(replace(compared, counts=counts.get(compared.rule, ())) for compared in rules), changes)


def _changes_of(before: RuleRows, now: RuleRows, why: tuple[str, ...], lab: Lab | None, reader: RowReader) -> str:
    """The query of a rule's changes. A lab is used only where a row is not as it was, and has several candidates."""
    if before.exceptions is None or now.exceptions is None:
        return changes_of(before, now, [])
    if lab is not None and not (can_be_told_apart(now.rule, why) and differ(reader, before.exceptions, now.exceptions)):
        lab = None
    return changes_of(before, now, waterfall(now.rule, why, before.exceptions, now.exceptions, lab))


def compare_verdicts(rules: Iterable[str], old: Run, new: Run, reader: RowReader) -> Comparison:
    """Two runs whose rows cannot be told apart: their verdicts alone."""
    return Comparison(tuple(Compared(rule, verdicts_of(rule, old, new)) for rule in rules), changes_in(reader, []))


def candidates_of(rule: str, old: Run, new: Run) -> tuple[str, ...]:
    """What may have changed a rule's rows; nothing where one of the runs did not test it."""
    return candidates(rule, old, new) if old.tests(rule) and new.tests(rule) else ()


def verdicts_of(rule: str, old: Run, new: Run) -> tuple[Verdict | None, Verdict | None]:
    """A rule's verdicts then and now; null where a run left it out."""
    return old.verdict(rule), new.verdict(rule)


def same_key(old: Run, new: Run, key: bytes | None) -> bool | None:
    """Whether two runs call the same row by the same pseudonym; null where that can't be known without the key: see `has_key_of`."""
    return old.audit.has_key_of(new.audit, key)


def ledger_in(run: Run, rule: str) -> Ledger | None:
    """What a run counted; null where it did not test the rule."""
    return run.rules[rule].ledger if run.tests(rule) else None
