"""Rows of two runs beside each other, in SQL over their files: how each stands to the earlier run, and why.

A row of a rule is known by its record, and by its number among the rows of that record, where the data repeats a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit.audit.document import ChangeCount
from heytalk_audit.evidence.row_files import RowReader, has_rows, is_covering, rows_in, word_list
from heytalk_audit.follow_up.causes import EXCEPTIONS, TESTED
from heytalk_audit.follow_up.earlier import RuleRows
from heytalk_audit.snapshot.quoting import literal
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Outcome

#: How a row stands to the earlier run.
STATES = {
    "new": "open now, and never before",
    "reopened": "open now and in an earlier audit, and resolved in between",
    "persisting": "open then and now, with the same outcome",
    "changed": "open then and now, with another outcome",
    "mended": "open then; its record is still tested by the rule and passes now, or a decision closed it",
    "gone": "open then; its record is no longer in the data, which is complete",
    "left": "open then; its record is still there, but the rule no longer tests it: nothing was corrected",
    "not delivered": "open then; its record is not in the data, which may be incomplete",
    "resolved": "open then and not now; without the data it cannot be said what became of it",
    "not tested": "open then; its rule was not tested now, or found nothing in its scope",
    "newly tested": "open now; its rule was not evaluated then",
}
#: The states of a row that is settled: only these count as resolved.
RESOLVED = ("mended", "gone", "resolved")
#: The states in which a row is neither open nor settled.
UNSETTLED = ("left", "not delivered")
#: What a violation that an entry of the register covers is called.
ACCEPTED = "accepted"
#: A step of the waterfall: the causes that lie between the one before and this one, and the exceptions file that it has.
Step = tuple[tuple[str, ...], Path]
#: What tells a row of a rule from its others, for a join.
BY_ROW = "USING (record, number)"
#: The columns of changes, beside the number of the row. `before` and `now` are an outcome, or accepted, or null where the row is not open;
#: `entries_before` and `entries_now` name the entries of the register that cover it.
_TEXTS = ("rule", "record", "state", "before", "now", "cause", "entries_before", "entries_now")


# relations -------------------------------------------------------------------------------------------


def _no_rows(*texts: str) -> str:
    """A relation of these columns and a number, without rows."""
    return f"(SELECT {', '.join(f'CAST(NULL AS VARCHAR) AS {text}' for text in texts)}, CAST(NULL AS INTEGER) AS number WHERE false)"


def open_rows(file: Path) -> str:
    """The open rows of an exceptions file: record, number, outcome, and which entries of the register cover it, where the file says so.

    Rows of one record are numbered by outcome, covered ones first; those that are not open count as well.
    """
    entries = "accepted" if is_covering(file) else "CAST(NULL AS VARCHAR)"
    number = f"CAST(row_number() OVER (PARTITION BY record ORDER BY outcome, {entries} NULLS LAST) - 1 AS INTEGER)"
    is_open = f"list_contains({word_list(OPEN_OUTCOMES)}, outcome)"
    return f"(SELECT record, {number} AS number, outcome, {entries} AS entries FROM {rows_in(file)} QUALIFY {is_open})"


def carried_rows(file: Path | None, rule: str | None = None) -> str:
    """What a run carries of rows, of one rule or of all; nothing where it has no such file."""
    if file is None:
        return _no_rows("rule", "record", "state", "cause", "before", "now", "accepted", "first_seen", "resolved")
    return f"(SELECT * EXCLUDE file_row_number FROM {rows_in(file)}{f' WHERE rule = {literal(rule)}' if rule else ''})"


def _stands(rows: RuleRows) -> str:
    """The open rows of a rule in one run, with their status: the outcome, or accepted."""
    if rows.exceptions is None:
        return _no_rows("record", "outcome", "entries", "status")
    relation = open_rows(rows.exceptions)
    if rows.carried is not None and not is_covering(rows.exceptions):
        relation = f"""(SELECT record, number, outcome, accepted AS entries
            FROM {relation} LEFT JOIN (SELECT record, number, accepted FROM {carried_rows(rows.carried, rows.rule)}) {BY_ROW})"""
    is_accepted = f"outcome = {literal(Outcome.VIOLATION)} AND entries IS NOT NULL"
    return f"(SELECT *, CASE WHEN {is_accepted} THEN {literal(ACCEPTED)} ELSE outcome END AS status FROM {relation})"


# one rule --------------------------------------------------------------------------------------------


def have_rows(before: RuleRows, now: RuleRows) -> bool:
    """Whether a rule has exception rows in either of two runs."""
    return any(rows.exceptions is not None and has_rows(rows.exceptions) for rows in (before, now))


def differ(reader: RowReader, before: Path, now: Path) -> bool:
    """Whether the open rows of two exceptions files, or their outcomes, are not the same."""
    both = f"{open_rows(before)} b FULL JOIN {open_rows(now)} n {BY_ROW}"
    query = f"SELECT EXISTS (SELECT 1 FROM {both} WHERE b.outcome IS DISTINCT FROM n.outcome) AS differ"
    return bool(reader.rows(query)[0]["differ"])


def changes_of(before: RuleRows, now: RuleRows, steps: Sequence[Step]) -> str:
    """A query of every row of a rule that was open in one of two runs, how it stands, and why.

    `steps` is the waterfall between them, where both tested the rule. `before.carried` is what the earlier run carries.
    """
    resolved = f"(SELECT record, number, resolved FROM {carried_rows(before.carried, before.rule)} WHERE resolved IS NOT NULL) r"
    between = " ".join(f"LEFT JOIN {open_rows(file)} step_{n} {BY_ROW}" for n, (_, file) in enumerate(steps[1:-1], 1))
    return f"""
        SELECT {literal(before.rule)} AS rule, record, number, state, before, now,
            {_cause(steps) if before.exceptions and now.exceptions else literal(TESTED)} AS cause, entries_before, entries_now
        FROM (
            SELECT record, number, {_state(before, now)} AS state, b.status AS before, n.status AS now,
                b.outcome AS outcome_before, n.outcome AS outcome_now, b.entries AS entries_before, n.entries AS entries_now
            FROM {_stands(before)} b FULL JOIN {_stands(now)} n {BY_ROW} LEFT JOIN {resolved} {BY_ROW}
                LEFT JOIN {_fates(now)} f USING (record)
        ) {between}"""


def _fates(now: RuleRows) -> str:
    """What became of records that the earlier run had open, as far as the later one's data could tell."""
    return rows_in(now.fates) if now.fates is not None else _no_rows("record", "fate")


def open_records(reader: RowReader, file: Path) -> list[str]:
    """The records of the open rows of an exceptions file."""
    return [str(row["record"]) for row in reader.rows(f"SELECT DISTINCT record FROM {open_rows(file)} WHERE record IS NOT NULL")]


def _state(before: RuleRows, now: RuleRows) -> str:
    """The state of a row that is in `b`, the earlier run, or `n`, the later one, and in `r` where it was resolved before."""
    if now.exceptions is None:
        return literal("not tested")
    came = literal("new" if before.exceptions is not None else "newly tested")
    return f"""CASE WHEN b.outcome IS NULL AND r.resolved IS NOT NULL THEN 'reopened' WHEN b.outcome IS NULL THEN {came}
        WHEN f.fate = 'mended' THEN f.fate WHEN n.outcome IS NULL THEN coalesce(f.fate, 'resolved')
        WHEN b.status = n.status THEN 'persisting' ELSE 'changed' END"""


def _cause(steps: Sequence[Step]) -> str:
    """The last step that brought a row to where it is; several causes that could not be told apart are named together."""
    at = ["outcome_before", *(f"step_{n}.outcome" for n in range(1, len(steps) - 1)), "outcome_now"]
    moved = [
        f"WHEN {at[n]} IS DISTINCT FROM {at[n - 1]} THEN {literal(' or '.join(steps[n][0]) or 'not known')}"
        for n in range(len(steps) - 1, 0, -1)
    ]
    same = f"WHEN outcome_before IS NOT DISTINCT FROM outcome_now THEN {literal(EXCEPTIONS)}"
    return f"CASE WHEN state = 'persisting' THEN NULL {same} {' '.join(moved)} ELSE 'not known' END"


# all rules -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Changes:
    """Rows of two runs compared, of all rules, as a relation of a reader: the columns that `changes_of` has."""

    reader: RowReader
    relation: str

    def counts(self) -> dict[str, tuple[ChangeCount, ...]]:
        """How many rows of a rule are alike in all but their record, by rule, in the order of states."""
        alike = self.reader.rows(f"SELECT rule, state, cause, before, now, count(*) AS rows FROM {self.relation} GROUP BY ALL")
        by_rule: dict[str, list[ChangeCount]] = {}
        for line in alike:
            by_rule.setdefault(line.pop("rule"), []).append(ChangeCount(**line))
        return {rule: tuple(sorted(counts, key=_order)) for rule, counts in by_rule.items()}

    def moved(self, rule: str) -> Iterator[dict[str, Any]]:
        """The rows of a rule that did not stay as they were: record, state, before, now, cause."""
        where = f"rule = {literal(rule)} AND state <> 'persisting'"
        yield from self.reader.each(f"SELECT record, state, before, now, cause FROM {self.relation} WHERE {where} ORDER BY record, number")


def _order(count: ChangeCount) -> tuple[int, str, str, str]:
    return list(STATES).index(count.state), str(count.cause), str(count.before), str(count.now)


def changes_in(reader: RowReader, files: Sequence[Path]) -> Changes:
    """The changes that were written to files."""
    return Changes(reader, rows_in(*files) if files else _no_rows(*_TEXTS))


def recorded_changes(reader: RowReader, carried: Path | None) -> Changes:
    """The changes that a run has recorded in what it carries."""
    return Changes(reader, f"(SELECT * FROM {carried_rows(carried)} WHERE list_contains({word_list(STATES)}, state))")
