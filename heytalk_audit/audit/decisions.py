"""What decisions do to a rule: which of its rows for review each closes, and how each stands.

A decision never changes a row: it stays for review, in the ledger and in the exceptions. What valid decisions close is counted beside
the ledger, as breaches or none. A decision that has lapsed closes nothing, and is itself a finding.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import Evaluation
from heytalk_audit.audit.limits import Decided
from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.audit.rule_result import DecisionStanding
from heytalk_audit.audit.sampling import labelled, pseudonyms, review_of, stated
from heytalk_audit.canonical import canonical
from heytalk_audit.expressions.calendar import add_months, sure
from heytalk_audit.policy import Number
from heytalk_audit.registers.decisions import Decision
from heytalk_audit.registers.persons import same_person
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.vocabulary import Outcome, Severity

BREACH, NO_BREACH = "breach", "no_breach"
VALID, NOT_TESTED = "valid", "not_tested"
#: How a decision stands: the first that holds, in this order. All but the last and `not_tested` are findings.
STATES = ("self_confirmed", "too_old", NOT_TESTED, "unused", "changed", "over_max", "too_broad", VALID)
FINDINGS = tuple(state for state in STATES if state not in (NOT_TESTED, VALID))


@dataclass(frozen=True)
class DecisionBounds:
    """How long a decision holds, and how many rows one may close by their reason: a share of those tested, or so many."""

    today: dt.date
    months: int
    share: float
    rows: int

    @classmethod
    def of(cls, audit: Audit) -> DecisionBounds:
        """The bounds that an audit's settings give."""
        settings = audit.settings
        return cls(audit.clock.today, settings["decision_months"], settings["decision_share"], settings["decision_rows"])


@dataclass(frozen=True)
class Decisions:
    """What people decided of one rule's rows for review.

    `standings` has each entry of the register, `valid` are those that close rows, `labels` the records that two reviewers have read, with
    what they decided; `decided` counts the rows, each once. `read` says in words what the reading of both samples shows.
    """

    standings: tuple[DecisionStanding, ...] = ()
    valid: tuple[Decision, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    decided: Decided = field(default_factory=Decided)
    read: str | None = None

    def marked(self, rows: ir.Table) -> ir.Table:
        """Rows that do not pass, by pseudonym, with a column more: what was decided of each, or null."""
        return rows.mutate(decided=self._of(rows)) if self.valid or self.labels else rows.mutate(decided=ibis.null("string"))

    def _of(self, rows: ir.Table) -> ir.StringValue:
        """Of two decisions on one row the graver counts."""
        tests = {what: [decided_rows_of(entry, rows) for entry in self.valid if entry.decision == what] for what in (BREACH, NO_BREACH)}
        for what in tests:
            records = [record for record, label in self.labels.items() if label == what]
            tests[what] += [(rows.outcome == Outcome.REVIEW.value) & rows.record.isin(records)] if records else []
        cases = [(sure(test), what) for what, listed in tests.items() for test in listed]
        return ibis.cases(*cases, else_=ibis.null("string")) if cases else ibis.null("string")


def basis(source: str, numbers: Mapping[str, Any], reason: str | None) -> str:
    """What a decision rests on: the rule as written, the numbers that it reads, and the reason of the rows."""
    document = canonical({"rule": source, "numbers": dict(numbers), "reason": reason})
    return hashlib.sha256(document).hexdigest()[:16]


def numbers_of(read: Iterable[Number]) -> dict[str, Any]:
    """Numbers that a rule has read, by name, as results write them."""
    return {number.name: json.loads(json.dumps(number.value, default=str)) for number in read}


def decisions_of(
    evaluation: Evaluation,
    register: Iterable[Decision],
    pads: ir.Table,
    engine: Engine,
    bounds: DecisionBounds,
    labels: pd.DataFrame | None = None,
) -> Decisions:
    """How the decisions on a rule stand, and what they and its reviewers' labels close. `pads` as of `key_pads`."""
    mine = [entry for entry in register if entry.rule == evaluation.rule.id]
    by_label, read = _labels(evaluation, pads, engine, labels)
    sampled = any(entry.scope.sample for entry in mine)
    if evaluation.classified is None or not evaluation.verdict.is_tested:
        none = 0 if evaluation.verdict.is_tested else None
        return Decisions(tuple(_standing(entry, _state(entry, evaluation, bounds, none, none), none) for entry in mine))
    if not mine and not by_label:
        return Decisions()
    rows = with_pseudonyms(evaluation.classified, pads)
    matched = _numbers(rows, [_matched(entry, rows, by_label) for entry in mine], engine)
    current = _numbers(rows, [_matched(entry, rows, by_label) & _unchanged(entry, rows, evaluation) for entry in mine], engine)
    states = [_state(entry, evaluation, bounds, n, now) for entry, n, now in zip(mine, matched, current, strict=True)]
    standings = tuple(_standing(*line) for line in zip(mine, states, matched, strict=True))
    valid = tuple(entry for entry, state in zip(mine, states, strict=True) if state == VALID)
    counts = by_label if read or (sampled and any(entry.scope.sample for entry in valid)) else {}
    closing = Decisions(standings, tuple(entry for entry in valid if not entry.scope.sample), counts, read=read)
    marked = closing.marked(rows)
    breach, none = _numbers(marked, [sure(marked.decided == BREACH), sure(marked.decided == NO_BREACH)], engine)
    return Decisions(standings, closing.valid, counts, Decided(breach, none), read)


def decided_rows_of(entry: Decision, rows: ir.Table) -> ir.BooleanValue:
    """The rows for review that a decision is on."""
    chosen = rows.outcome == Outcome.REVIEW.value
    if entry.scope.record is not None:
        chosen = chosen & sure(rows.record == entry.scope.record)
    if entry.scope.reason is not None:
        chosen = chosen & sure(rows.reason == entry.scope.reason)
    for name, value in (entry.scope.by or {}).items():
        column = name if name in ("region", "age") else f"by_{name}"
        chosen = chosen & (sure(rows[column] == value) if column in rows.columns else ibis.literal(False))
    return chosen


def _matched(entry: Decision, rows: ir.Table, labels: Mapping[str, str]) -> ir.BooleanValue:
    if entry.scope.sample is None:
        return decided_rows_of(entry, rows)
    return (rows.outcome == Outcome.REVIEW.value) & (rows.record.isin(list(labels)) if labels else ibis.literal(False))


def _unchanged(entry: Decision, rows: ir.Table, evaluation: Evaluation) -> ir.BooleanValue:
    """Rows whose rule, numbers and reason are those of the day on which it was decided."""
    if entry.valid_for is None:
        return ibis.literal(True)
    source, numbers = evaluation.rule.source, numbers_of(evaluation.view.read.values() if evaluation.view else ())
    if entry.scope.sample:
        return ibis.literal(entry.valid_for == basis(source, numbers, None))
    reasons = {line.reason for line in evaluation.counts.reasons if line.outcome == Outcome.REVIEW and line.reason}
    same = [reason for reason in reasons if basis(source, numbers, reason) == entry.valid_for]
    return sure(rows.reason.isin(same)) if same else ibis.literal(False)


def _numbers(rows: ir.Table, tests: Sequence[ir.BooleanValue], engine: Engine) -> list[int]:
    if not tests:
        return []
    counted = engine.rows(rows.agg(**{f"test_{i}": test.cast("int64").sum() for i, test in enumerate(tests)})).iloc[0]
    return [int(n) for n in counted.fillna(0)]


def _state(entry: Decision, evaluation: Evaluation, bounds: DecisionBounds, matched: int | None, current: int | None) -> str:
    """How a decision stands. `matched`: the rows that it is on (null: its rule was not evaluated); `current`: those unchanged since."""
    ledger = evaluation.ledger
    most = max(bounds.share * (ledger["in_scope"] - ledger[Outcome.EXCLUDED]), bounds.rows)
    by_reason = entry.scope.reason is not None
    holds = {
        "self_confirmed": same_person(entry.decided_by, entry.confirmed_by),
        "too_old": bounds.today > add_months(entry.decided_on, bounds.months),
        NOT_TESTED: matched is None,
        "unused": matched == 0,
        "changed": current != matched,
        "over_max": (matched or 0) > entry.max_rows,
        "too_broad": by_reason and ((matched or 0) > most or evaluation.rule.severity == Severity.CRITICAL),
        VALID: True,
    }
    return next(name for name in STATES if holds[name])


def _standing(entry: Decision, state: str, matched: int | None) -> DecisionStanding:
    document = entry.model_dump(mode="json", exclude={"valid_for"})
    document["scope"] = {name: value for name, value in document["scope"].items() if value is not None}
    return DecisionStanding(**document, state=state, matched=matched, closed=matched if state == VALID else 0)


def _labels(evaluation: Evaluation, pads: ir.Table, engine: Engine, labels: pd.DataFrame | None) -> tuple[dict[str, str], str | None]:
    """The drawn rows for review on which two reviewers agree; and in words what the samples show, where both were read to the end."""
    of_rule = None if labels is None else labels[labels["rule"] == evaluation.rule.id]
    if of_rule is None or of_rule.empty or not evaluation.samples:
        return {}, None
    drawn = {sample.of: pseudonyms(sample, pads, engine) for sample in evaluation.samples}
    reviews = {of: review_of(records, of_rule) for of, records in drawn.items()}
    agreed = labelled(drawn["candidates"], of_rule)
    decided = {record: BREACH if label == "yes" else NO_BREACH for record, label in agreed.items()}
    candidates = reviews["candidates"]
    if any(review.undecided or not review.sampled for review in reviews.values()):
        return decided, None
    n = evaluation.ledger[Outcome.REVIEW]
    return decided, f"{n:,} candidates, {candidates.decided} read, precision {stated(candidates.yes, candidates.decided)}"
