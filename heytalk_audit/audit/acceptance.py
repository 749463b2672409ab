"""What accepted exceptions do to a rule: which of its violations each entry covers, and how each entry stands.

An entry never changes a row: it stays a violation, in the ledger and in the exceptions. What a valid entry covers is counted beside the
ledger, and a rule all of whose violations are covered is ACCEPTED. An entry that is not valid covers nothing, and is itself a finding.
"""

from __future__ import annotations

import datetime as dt
import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.breakdown import is_shown
from heytalk_audit.audit.check import Check, Rule
from heytalk_audit.audit.decisions import BREACH, Decisions
from heytalk_audit.audit.evaluate import Evaluation, outline
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.audit.rule_result import EntryStanding, RuleResult
from heytalk_audit.audit.verdict import judge, sentence
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.expressions.calendar import add_months, sure
from heytalk_audit.registers.accepted import Entry
from heytalk_audit.registers.persons import same_person
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.vocabulary import Outcome, Severity, Verdict

VALID, NOT_YET, NOT_TESTED = "valid", "not_yet", "not_tested"
#: How an entry stands: the first that holds, in this order. All but these three are findings.
STATES = ("too_long", "expired", "back_dated", "self_approved", NOT_YET, NOT_TESTED, "over_cap", "too_broad", "unused", VALID)
FINDINGS = tuple(state for state in STATES if state not in (NOT_YET, NOT_TESTED, VALID))
#: What a segment may name beside its rule's breakdowns: columns that every row has.
ALWAYS = ("reason", "region", "age")


def refuse_unknown_segments(path: Path, entries: Iterable[Entry], audit: Audit, rules: Mapping[str, Rule]) -> None:
    """Raise InputError for a segment that names what its rule does not break findings down by. No row is read."""
    for number, entry in enumerate(entries, 1):
        check = outline(rules[entry.rule], audit) if entry.scope.segment else None
        if check is not None:
            _check_segment(f"accepted {path.name}: accepted.{number}.scope.segment", rules[entry.rule], entry, check)


def _check_segment(where: str, rule: Rule, entry: Entry, check: Check) -> None:
    names, segment = [*ALWAYS, *(name for name in check.breakdowns if is_shown(rule, name))], entry.scope.segment or {}
    for name in segment:
        if name not in names:
            raise InputError(f"{where}.{name[:40]}", f"is no breakdown of {entry.rule}", nearest(name[:40], names))
    reasons = [c.reason for c in check.conditions if c.outcome == Outcome.VIOLATION and c.reason]
    reason = segment.get("reason")
    if reason is not None and reason not in reasons:
        raise InputError(f"{where}.reason {reason[:40]}", f"is no reason of a violation of {entry.rule}", nearest(reason[:40], reasons))


@dataclass(frozen=True)
class Coverage:
    """What the register says of one rule: each entry's standing, those that cover rows, and how many these cover, each counted once."""

    entries: tuple[EntryStanding, ...] = ()
    covering: tuple[Entry, ...] = ()
    rows: int = 0


def coverage_of(
    evaluation: Evaluation, entries: Iterable[Entry], pads: ir.Table, engine: Engine, bounds: Bounds, decisions: Decisions = Decisions()
) -> Coverage:
    """How the entries for a rule stand, and which of its violations they cover; `pads` as of `key_pads`.

    A row for review that was decided to be a breach is covered as a violation is.
    """
    mine = [e for e in entries if e.rule == evaluation.rule.id]
    if not mine:
        return Coverage()
    matched: list[int | None] = [None] * len(mine)
    if evaluation.verdict.is_tested:
        rows = shown_rows(evaluation, pads, decisions)
        matched = [*_numbers(rows, [matches(entry, rows) for entry in mine], engine)] if rows is not None else [0] * len(mine)
    standings = tuple(standing(entry, state(entry, bounds, n, evaluation), n) for entry, n in zip(mine, matched, strict=True))
    covering = tuple(entry for entry, stands in zip(mine, standings, strict=True) if stands.state == VALID)
    rows = shown_rows(evaluation, pads, decisions) if covering else None
    covered = 0 if rows is None else _numbers(rows, [accepted_by(covering, rows).notnull()], engine)[0]
    return Coverage(standings, covering, covered)


def shown_rows(evaluation: Evaluation, pads: ir.Table, decisions: Decisions = Decisions()) -> ir.Table | None:
    """The rows of an evaluation that do not pass, by pseudonym, with what was decided: all that may leave the engine."""
    return None if evaluation.classified is None else decisions.marked(with_pseudonyms(evaluation.classified, pads))


def _numbers(rows: ir.Table, tests: Sequence[ir.BooleanValue], engine: Engine) -> list[int]:
    counted = engine.rows(rows.agg(**{f"test_{i}": test.sum() for i, test in enumerate(tests)})).iloc[0]
    return [int(n) for n in counted.fillna(0)]


def matches(entry: Entry, rows: ir.Table) -> ir.BooleanValue:
    """The violations that an entry is for (`rows` as of `shown_rows`). Rows for review that a person decided to be one count too."""
    chosen = (rows.outcome == Outcome.VIOLATION.value) | sure(rows.decided == BREACH)
    for name, value in (entry.scope.segment or {}).items():
        column = name if name in ALWAYS else f"by_{name}"
        chosen = chosen & (sure(rows[column] == value) if column in rows.columns else ibis.literal(False))
    return chosen if entry.scope.record is None else chosen & sure(rows.record == entry.scope.record)


def accepted_by(covering: Sequence[Entry], rows: ir.Table) -> ir.StringValue:
    """The ids of the entries that cover each row, null where none does."""
    parts = [matches(entry, rows).ifelse(f", {entry.id}", "") for entry in covering]
    ids: ir.StringValue = functools.reduce(operator.add, parts, ibis.literal(""))
    return ids.substr(len(", ")).nullif("")


@dataclass(frozen=True)
class Bounds:
    """What an entry may cover: so many months, and of a whole rule this share of its tested rows."""

    today: dt.date
    months: int
    share: float

    @classmethod
    def of(cls, audit: Audit) -> Bounds:
        """The bounds that an audit's settings give."""
        return cls(audit.clock.today, audit.settings["accepted_months"], audit.settings["accepted_share"])


def state(entry: Entry, bounds: Bounds, matched: int | None, evaluation: Evaluation | None = None) -> str:
    """How an entry stands: the first of `STATES` that holds. `matched`: the violations it is for; null where its rule was not evaluated."""
    holds = {
        "too_long": entry.expiry > add_months(entry.start, bounds.months),
        "expired": bounds.today > entry.expiry,
        "back_dated": entry.register_date > entry.start,
        "self_approved": same_person(entry.owner, entry.approver),
        NOT_YET: bounds.today < entry.start,
        NOT_TESTED: matched is None,
        "over_cap": (matched or 0) > entry.cap,
        "too_broad": evaluation is not None and _too_broad(entry, bounds, evaluation),
        "unused": matched == 0,
        VALID: True,
    }
    return next(name for name in STATES if holds[name])


def _too_broad(entry: Entry, bounds: Bounds, evaluation: Evaluation) -> bool:
    """Whether an entry for a whole rule would accept more than a few rows, or any of a critical rule."""
    ledger = evaluation.ledger
    many = ledger[Outcome.VIOLATION] > bounds.share * (ledger["in_scope"] - ledger[Outcome.EXCLUDED])
    return entry.scope.rule is True and (many or evaluation.rule.severity == Severity.CRITICAL)


def standing(entry: Entry, stands: str, matched: int | None) -> EntryStanding:
    """An entry with its state, the violations that it is for, and those that it covers."""
    document = entry.model_dump(mode="json")
    document["scope"] = {name: value for name, value in document["scope"].items() if value is not None}
    return EntryStanding(**document, state=stands, matched=matched, covered=matched if stands == VALID else 0)


def accept(evaluation: Evaluation, coverage: Coverage, limits: Limits, decisions: Decisions = Decisions()) -> Evaluation:
    """The evaluation with its verdict judged again, with what is accepted and decided. Its rows and ledger stay as they are."""
    if evaluation.verdict not in (Verdict.FAIL, Verdict.REVIEW) or not (coverage.rows or decisions.decided.rows or decisions.read):
        return evaluation
    judged = judge(evaluation.ledger, evaluation.gaps, limits, coverage.rows, decisions.decided)
    # what keeps the rule from a PASS whatever its rows are
    verdict = Verdict.REVIEW if evaluation.notes and judged.verdict == Verdict.PASS else judged.verdict
    reason = sentence(judged, [decisions.read or "", *evaluation.notes])
    return replace(evaluation, verdict=verdict, reason=reason, limited_by=judged.limited_by)


def standings_of(entries: Iterable[Entry], results: Iterable[RuleResult], bounds: Bounds) -> list[EntryStanding]:
    """Every entry with its standing, in the register's order; one whose rule is not part of the audit was not tested."""
    standings = {entry.id: entry for result in results for entry in result.entries}
    return [standings.get(e.id) or standing(e, state(e, bounds, None), None) for e in entries]
