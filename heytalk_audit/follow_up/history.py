"""What a run says of the one before it, and what it carries for the next: counts by state and cause, repeats, history, single rows.

The chain needs the previous run's folder alone: each run carries what its predecessor carried of all earlier ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.audit.document import (
    AuditDescription,
    FollowUpDocument,
    PastAudit,
    PastRule,
    PreviousAudit,
    Repeat,
    RolledForward,
)
from heytalk_audit.audit.rule_result import Count, RuleResult
from heytalk_audit.follow_up.compare import ACCEPTED, Compared, RowChange
from heytalk_audit.follow_up.earlier import CARRIED, CarriedRow, Row, Run
from heytalk_audit.vocabulary import Outcome, Verdict

#: What becomes of a row that an accepted exception covered in the previous run.
ROLLED = {
    "still accepted": "an entry covers it now too",
    "expired or withdrawn": "it is still a violation, and no valid entry covers it any more",
    "no violation any more": "it is open with another outcome",
    "resolved": "it is not open any more",
    "no longer tested": "its rule was not evaluated now",
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
    """The follow-up of one run, of which these are the results; `accepted` are the rows that its register covers, by rule."""

    previous: Run
    results: list[RuleResult]
    compared: tuple[Compared, ...]
    accepted: dict[str, dict[Row, str]]
    as_of: str
    key_fingerprint: str

    @property
    def same_key(self) -> bool:
        """Whether rows can be told apart."""
        return self.previous.audit.key_fingerprint == self.key_fingerprint

    def document(self) -> FollowUpDocument:
        """The follow-up as results.json has it."""
        previous, history = self.previous, audits_before(self.previous)
        return FollowUpDocument(
            previous=PreviousAudit(id=previous.audit.id, as_of=previous.audit.as_of, evidence_sha256=previous.evidence),
            keys="same" if self.same_key else "different",
            rules={compared.rule: compared.document for compared in self.compared},
            repeated=tuple(result.id for result in self.results if result.repeated),
            repeats=tuple(repeats(self.results, history)),
            rolled_forward=tuple(self._rolled_forward()),
            history=tuple(history),
        )

    def _rolled_forward(self) -> list[RolledForward]:
        """What became of the rows that the previous run's register covered, by rule and entry."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for compared in self.compared if self.same_key else ():
            covered = self.previous.accepted(compared.rule)
            for change in compared.rows:
                if change.before == ACCEPTED:
                    counts[compared.rule, covered[change.row], _rolled(change)] += 1
        return [RolledForward(rule=rule, entries=ids, now=now, rows=n) for (rule, ids, now), n in sorted(counts.items())]

    def carried(self) -> list[CarriedRow]:
        """What this run carries of single rows."""
        changes = {compared.rule: compared.rows for compared in self.compared}
        before = self.previous.carried if self.same_key else {}
        tested = {result.id for result in self.results if result.verdict.is_tested}
        rows: list[CarriedRow] = []
        for rule in sorted(changes.keys() | before.keys() | self.accepted.keys()):
            carried = {row.row: row for row in before.get(rule, [])}
            rows += [self._changed(rule, change, carried.get(change.row)) for change in changes.get(rule, ())]
            open_in_either = {change.row for change in changes.get(rule, ())}
            rows += [_kept(row, rule in tested, self.as_of) for key, row in carried.items() if key not in open_in_either]
            if not self.same_key:
                rows += marks(rule, self.accepted.get(rule, {}), self.as_of)
        return rows

    def _changed(self, rule: str, change: RowChange, before: CarriedRow | None) -> CarriedRow:
        """A row that was open in one of the two runs; `before` is what the previous run carried of it."""
        first_in_either = self.previous.audit.as_of if change.before else self.as_of
        record, number = change.row
        return CarriedRow(
            rule=rule,
            record=record,
            number=number,
            state=change.state,
            cause=change.cause,
            before=change.before,
            now=change.before if change.state == "no longer tested" else change.now,
            accepted=self.accepted.get(rule, {}).get(change.row),
            first_seen=before.first_seen if before else first_in_either,
            resolved=self.as_of if change.state == "resolved" else None,
        )


def _rolled(change: RowChange) -> str:
    if change.state == "no longer tested":
        return "no longer tested"
    named = {ACCEPTED: "still accepted", str(Outcome.VIOLATION): "expired or withdrawn", None: "resolved"}
    return named.get(change.now, "no violation any more")


def _kept(row: CarriedRow, tested: bool, as_of: str) -> CarriedRow:
    """A row that neither of the two runs has open: resolved earlier, or of a rule that neither tested."""
    kept = replace(row, cause=None, before=None, accepted=None)
    if row.resolved:
        return replace(kept, state=EARLIER)
    # its rule did not run last time: if it runs now and no longer reports the row, the row is resolved
    return replace(kept, state=EARLIER, now=None, resolved=as_of) if tested else replace(kept, state=NOT_TESTED)


def marks(rule: str, covered: dict[Row, str], as_of: str) -> list[CarriedRow]:
    """Rows that the register covers, where there is no earlier run to compare with."""
    return [
        CarriedRow(
            rule=rule,
            record=record,
            number=number,
            state=None,
            cause=None,
            before=None,
            now=ACCEPTED,
            accepted=ids,
            first_seen=as_of,
            resolved=None,
        )
        for (record, number), ids in covered.items()
    ]


def write_carried(rows: Iterable[CarriedRow], path: Path) -> None:
    """The rows as a file; the same rows give the same bytes."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=CARRIED)
    table = table.sort_by([(name, "ascending") for name in ("rule", "record", "number")])
    pq.write_table(table, path, compression="zstd", write_statistics=False, store_schema=False, row_group_size=1_000_000)
