"""What a run says of the one before it, and what it carries for the next: counts by state and cause, repeats, history, single rows.

The chain needs the previous run's folder alone: each run carries what its predecessor carried of all earlier ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from heytalk_audit.audit.document import (
    AuditDescription,
    FollowUpDocument,
    PastAudit,
    PastRule,
    PreviousAudit,
    Repeat,
    RolledForward,
)
from heytalk_audit.audit.exceptions import write_rows
from heytalk_audit.audit.rule_result import Count, RuleResult
from heytalk_audit.evidence.row_files import CARRIED_COLUMNS, RowReader, word_list
from heytalk_audit.follow_up.changes import ACCEPTED, RESOLVED, UNSETTLED, Changes, carried_rows, open_rows
from heytalk_audit.follow_up.compare import Comparison
from heytalk_audit.follow_up.earlier import Run
from heytalk_audit.snapshot.quoting import literal
from heytalk_audit.vocabulary import Outcome, Verdict

#: What a run carries of single rows for the next one, beyond its exceptions: rows that are open in it or were in one before it.
#: `state`, `cause`, `before` and `now` are those of `changes`, null where there was no run to compare with. `accepted` names the entries of
#: the register that cover a row. `first_seen` and `resolved` are instants of audits; `resolved` is null while a row is open.
CARRIED = CARRIED_COLUMNS
#: What becomes of a row that an accepted exception covered in the previous run.
ROLLED = {
    "still accepted": "an entry covers it now too",
    "expired or withdrawn": "it is still a violation, and no valid entry covers it any more",
    "no violation any more": "it is open with another outcome",
    "resolved": "it is not open any more",
    "left": "its record is no longer what the rule is about, or was not delivered: nothing was mended",
    "not tested": "its rule was not tested now",
}
#: What a row is that was resolved before the previous run, and stays so.
EARLIER = "resolved earlier"
NOT_TESTED = "not tested"


def is_repeated(rule: str, verdict: str, previous: Run | None) -> bool:
    """Whether a rule fails now and failed in the previous run."""
    return verdict == Verdict.FAIL and previous is not None and previous.verdict(rule) == Verdict.FAIL


# earlier audits in short -----------------------------------------------------------------------------


def audits_before(previous: Run) -> list[PastAudit]:
    """All earlier audits, the oldest first: those that the previous run carries, and the previous run itself."""
    older = previous.follow_up.history if previous.follow_up else ()
    return [*older, entry(previous.audit, previous.rules.values())]


def entry(audit: AuditDescription, results: Iterable[RuleResult]) -> PastAudit:
    """An audit in short: per rule its verdict, the ledger, and the violations by reason."""
    return PastAudit(id=audit.id, as_of=audit.as_of, rules={result.id: _in_short(result) for result in results})


def _in_short(result: RuleResult) -> PastRule:
    ledger = result.ledger
    return PastRule(
        verdict=result.verdict,
        in_scope=ledger.in_scope,
        excluded=ledger.excluded,
        violation=ledger.violation,
        review=ledger.review,
        unknown=ledger.unknown,
        exempt=ledger.exempt,
        reasons=violations(result),
    )


def violations(result: RuleResult) -> dict[str, Count]:
    """Violations by reason: with the rule's id these are the keys of findings."""
    return {line.reason: line.rows for line in result.reasons if line.outcome == Outcome.VIOLATION and line.reason is not None}


def violations_then(audit: PastAudit, rule: str, reason: str) -> int:
    """How many violations of a rule an earlier audit had for a reason; none where it did not test it, or hides the number."""
    return audit.rules[rule].reasons.get(reason) or 0 if rule in audit.rules else 0


def repeats(results: Iterable[RuleResult], history: Sequence[PastAudit]) -> list[Repeat]:
    """Findings, by rule and reason, of the audit at hand that the previous one had too: the last of `history`."""
    return [
        repeat
        for result in results
        for reason, rows in violations(result).items()
        if (repeat := _repeat(result.id, reason, rows or 0, history)) is not None
    ]


def _repeat(rule: str, reason: str, rows: int, history: Sequence[PastAudit]) -> Repeat | None:
    before = violations_then(history[-1], rule, reason)
    if not before:
        return None
    with_it = [audit for audit in history if violations_then(audit, rule, reason)]
    return Repeat(
        key=f"{rule}:{reason}", rule=rule, reason=reason, rows=rows, before=before, first_seen=with_it[0].as_of, times=len(with_it)
    )


# the follow-up of one run ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Followed:
    """The follow-up of one run, of which these are the results, beside the previous one.

    `covered` are exceptions files that say which of their rows the register covers, by rule; `same_key` says whether rows can be told
    apart.
    """

    previous: Run
    results: list[RuleResult]
    comparison: Comparison
    covered: Mapping[str, Path]
    as_of: str
    same_key: bool

    def document(self) -> FollowUpDocument:
        """The follow-up as results.json has it."""
        previous, history = self.previous, audits_before(self.previous)
        return FollowUpDocument(
            previous=PreviousAudit(id=previous.audit.id, as_of=previous.audit.as_of, evidence_sha256=previous.evidence),
            keys="same" if self.same_key else "different",
            rules={compared.rule: compared.document for compared in self.comparison.rules},
            repeated=tuple(result.id for result in self.results if result.repeated),
            repeats=tuple(repeats(self.results, history)),
            rolled_forward=tuple(rolled_forward(self.comparison.changes)),
            history=tuple(history),
        )

    def carried(self) -> str:
        """A query of what this run carries of single rows."""
        if not self.same_key:
            return marks(self.covered, self.as_of)
        tested = [result.id for result in self.results if result.verdict.is_tested]
        return carried(self.comparison.changes, self.previous, tested, self.as_of)


def rolled_forward(changes: Changes) -> list[RolledForward]:
    """What became of the rows that the previous run's register covered, by rule and entry."""
    columns = f"rule, entries_before, state, now, count(*) AS rows FROM {changes.relation} WHERE before = {literal(ACCEPTED)}"
    counts: Counter[tuple[str, str, str]] = Counter()
    for line in changes.reader.rows(f"SELECT {columns} GROUP BY ALL"):
        counts[line["rule"], line["entries_before"], _rolled(line["state"], line["now"])] += line["rows"]
    return [RolledForward(rule=rule, entries=ids, now=now, rows=n) for (rule, ids, now), n in sorted(counts.items())]


def _rolled(state: str, now: str | None) -> str:
    if state == NOT_TESTED or state in UNSETTLED:
        return NOT_TESTED if state == NOT_TESTED else "left"
    named = {ACCEPTED: "still accepted", str(Outcome.VIOLATION): "expired or withdrawn", None: "resolved"}
    return named.get(now, "no violation any more")


# single rows -----------------------------------------------------------------------------------------


def carried(changes: Changes, previous: Run, tested: Iterable[str], as_of: str) -> str:
    """A query of the rows for the next run: what is or was open in one of two runs, and what the previous run carries beside that.

    `tested` are the rules that the run of `as_of` evaluated.
    """
    earlier = carried_rows(previous.carried)
    unsettled = f"list_contains({word_list([NOT_TESTED, *UNSETTLED])}, state)"
    return f"""
        SELECT rule, record, number, state, cause, before, CASE WHEN {unsettled} THEN before ELSE now END AS now,
            entries_now AS accepted,
            coalesce(first_seen, CASE WHEN before IS NULL THEN {literal(as_of)} ELSE {literal(previous.audit.as_of)} END) AS first_seen,
            CASE WHEN list_contains({word_list(RESOLVED)}, state) THEN {literal(as_of)} END AS resolved
        FROM {changes.relation} LEFT JOIN (SELECT rule, record, number, first_seen FROM {earlier}) USING (rule, record, number)
        UNION ALL BY NAME {_kept(changes, earlier, tested, as_of)}"""


def _kept(changes: Changes, earlier: str, tested: Iterable[str], as_of: str) -> str:
    """A query of the rows that neither of the two runs has open: resolved earlier, or of a rule that neither tested."""
    # a rule that did not run last time, runs now and no longer reports a row: the row is resolved
    left = f"coalesce(list_contains({word_list(UNSETTLED)}, state), false)"
    now_resolved = f"resolved IS NULL AND list_contains({word_list(tested)}, rule) AND NOT {left}"
    return f"""
        SELECT rule, record, number, NULL AS cause, NULL AS before, NULL AS accepted, first_seen,
            CASE WHEN resolved IS NOT NULL OR {now_resolved} THEN {literal(EARLIER)}
                WHEN {left} THEN state ELSE {literal(NOT_TESTED)} END AS state,
            CASE WHEN NOT ({now_resolved}) THEN now END AS now,
            CASE WHEN {now_resolved} THEN {literal(as_of)} ELSE resolved END AS resolved
        FROM {earlier} ANTI JOIN {changes.relation} USING (rule, record, number)"""


def marks(covered: Mapping[str, Path], as_of: str) -> str:
    """A query of the rows that the register covers, for the next run, where there is no earlier run to compare with."""
    rows = [f"SELECT {literal(rule)} AS rule, * FROM {open_rows(file)} WHERE entries IS NOT NULL" for rule, file in covered.items()]
    if not rows:
        return f"SELECT * FROM {carried_rows(None)}"
    return f"""SELECT rule, record, number, NULL AS state, NULL AS cause, NULL AS before, {literal(ACCEPTED)} AS now,
        entries AS accepted, {literal(as_of)} AS first_seen, NULL AS resolved FROM ({" UNION ALL ".join(rows)})"""


def write_carried(reader: RowReader, query: str, path: Path) -> None:
    """The rows of a query as a file; the same rows give the same bytes."""
    columns = ", ".join(f"CAST({field.name} AS {'INTEGER' if pa.types.is_int32(field.type) else 'VARCHAR'})" for field in CARRIED)
    batches = reader.batches(f"SELECT {columns} FROM ({query}) ORDER BY rule, record, number")
    write_rows((pa.RecordBatch.from_arrays(batch.columns, schema=CARRIED) for batch in batches), {path: CARRIED})
