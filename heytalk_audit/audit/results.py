"""Evaluations as results: what the report, results.json and the exceptions files say. Only aggregates and pseudonyms leave here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.breakdown import breakdown
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.counts import ReasonRows, RowCounts
from heytalk_audit.audit.decisions import Decisions
from heytalk_audit.audit.evaluate import Evaluation
from heytalk_audit.audit.faults import Fault
from heytalk_audit.audit.rule_result import (
    ClauseCited,
    DecidedRows,
    EntryStanding,
    FaultPlace,
    Ledger,
    NumberRead,
    OverTimeResult,
    Point,
    ReasonCount,
    RuleResult,
    SampleResult,
    SampleReview,
    Subjects,
)
from heytalk_audit.audit.sampling import pseudonyms, refuse_strangers, review_of, stated
from heytalk_audit.detect.chance import interval
from heytalk_audit.policy import Number, Reason
from heytalk_audit.policy.method import LEFT_OUT, Method, method_of
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Outcome, Severity

#: Critical rules of these families are never rated down: children, secrets, disclosure.
NEVER_LOWER = ("MIN", "SEC", "SHA")
#: A finding is frequent above this rate, and rare below the other with fewer rows than a few.
FREQUENT, RARE, FEW = 0.05, 0.001, 5


def summarise(
    evaluation: Evaluation,
    audit: Audit,
    pads: ir.Table,
    labels: pd.DataFrame | None = None,
    entries: Sequence[EntryStanding] = (),
    accepted: int = 0,
    repeated: bool = False,
    decisions: Decisions = Decisions(),
) -> RuleResult:
    """A rule's result: everything the report says of it. `pads` as of `pseudonym.key_pads`; `labels` of `sampling.read_labels`.

    `entries` are those of the register of accepted exceptions for this rule, and `accepted` says how many of its rows they cover.
    `repeated` says that it fails, and failed in the previous audit.
    """
    return RuleResult.model_validate(
        {
            **_of_rule(evaluation.rule, audit),
            **_of_rows(evaluation, repeated, audit),
            "verdict": evaluation.verdict,
            "reason": evaluation.reason,
            "blocked_by": evaluation.blocked_by,
            "limited_by": evaluation.limited_by,
            "fault": _fault(evaluation.fault),
            "accepted": accepted,
            "entries": tuple(entries),
            "decided": _decided(evaluation, decisions),
            "decisions": decisions.standings,
            "repeated": repeated,
            "figures": [{"label": label, "value": value} for label, value in evaluation.figures.items()],
            "samples": _samples(evaluation, audit.snapshot.engine, pads, labels),
            "numbers": [number_read(number) for number in evaluation.view.read.values()] if evaluation.view else [],
            "tables": evaluation.tables,
            "assumptions": tuple(dict.fromkeys(name for names in evaluation.assumptions.values() for name in names)),
            "assumed": sum(line.rows for line in _violations(evaluation.counts) if line.reason in evaluation.assumptions),
            "sql": evaluation.sql,
        }
    )


def _of_rule(rule: Rule, audit: Audit) -> dict[str, Any]:
    """What a result says of the rule itself, whatever the data."""
    words, method = audit.policy.rules.get(rule.id, {}), _method(rule, audit)
    return {
        "id": rule.id,
        "title": words.get("title", rule.promise),
        "family": rule.family,
        "severity": rule.severity,
        "basis": "evidence" if rule.family == "DQ" else rule.basis,
        "clauses": [_clause(audit, id) for id in rule.clauses],
        "promise": rule.promise,
        "method": " ".join(filter(None, (method.tested, LEFT_OUT if rule.leaves_out_tests else "", method.exempt))),
        "steps": [asdict(step) for step in method.steps],
        "law": _list(words.get("law")),
        "dpv": _list(words.get("dpv")),
        "frameworks": _frameworks(words.get("frameworks") or {}, audit),
        "source": rule.source,
        **{name: words.get(name, "") for name in ("limits", "effect", "recommendation")},
    }


def _frameworks(ids: Mapping[str, Iterable[str]], audit: Audit) -> list[dict[str, str]]:
    """The ids of each framework that a rule bears on, with their titles; those that the policy's frameworks do not list are left out."""
    listing = audit.policy.frameworks
    listed = [(key, listing[key], id) for key, own in ids.items() if key in listing for id in own if id in listing[key].ids]
    return [{"framework": key, "name": framework.name, "id": id, "title": framework.ids[id]} for key, framework, id in listed]


def _of_rows(evaluation: Evaluation, repeated: bool, audit: Audit) -> dict[str, Any]:
    """What a result counts."""
    rule, counts, ledger = evaluation.rule, evaluation.counts, evaluation.ledger
    tested = ledger["in_scope"] - ledger[Outcome.EXCLUDED]
    return {
        "ledger": Ledger.model_validate(ledger),
        "rate": ledger[Outcome.VIOLATION] / tested if tested else None,
        "finding_severity": rate_finding(rule, ledger, repeated),
        "subjects": _subjects(counts),
        "reasons": _reasons(evaluation, _method(rule, audit), audit.policy.reasons),
        "ageing": counts.ageing,
        "due": {"first": counts.due[0], "last": counts.due[1]} if counts.due else None,
        "breakdowns": {name: breakdown(name, counts.breakdowns.get(name, {})) for name in evaluation.by if counts.rows},
        "over_time": _over_time(evaluation),
    }


def _method(rule: Rule, audit: Audit) -> Method:
    """How the rule tested, in words, with the numbers of this audit."""
    return method_of(rule.id, audit.policy, audit.settings)


def rate_finding(rule: Rule, ledger: dict[str, int], repeated: bool = False) -> Severity | None:
    """The rule's severity moved by rate and count: one down when rare, one up when frequent or repeated; null without violations."""
    count, tested = ledger[Outcome.VIOLATION], ledger["in_scope"] - ledger[Outcome.EXCLUDED]
    if not count:
        return None
    if count / tested > FREQUENT or repeated:
        return rule.severity.moved(-1)
    fixed = rule.severity == Severity.CRITICAL and rule.family in NEVER_LOWER
    return rule.severity.moved(1) if count < FEW and count / tested < RARE and not fixed else rule.severity


def _decided(evaluation: Evaluation, decisions: Decisions) -> DecidedRows | None:
    """The rows for review by what was decided of them; null where the rule was not evaluated."""
    if not evaluation.verdict.is_tested:
        return None
    decided = decisions.decided
    return DecidedRows(breach=decided.breach, no_breach=decided.no_breach, open=evaluation.ledger[Outcome.REVIEW] - decided.rows)


def _fault(fault: Fault | None) -> FaultPlace | None:
    return None if fault is None else FaultPlace(type=fault.type, file=fault.file, line=fault.line)


def _samples(evaluation: Evaluation, engine: Engine, pads: ir.Table, labels: pd.DataFrame | None) -> tuple[SampleResult, ...]:
    """What was drawn for people to read, and what they made of it."""
    of_rule = None if labels is None else labels[labels["rule"] == evaluation.rule.id]
    samples = [(sample, pseudonyms(sample, pads, engine)) for sample in evaluation.samples]
    if of_rule is not None:
        refuse_strangers([record for _, drawn in samples for record in drawn], of_rule)
    return tuple(
        SampleResult(of=sample.of, frame_size=sample.frame_size, drawn=len(drawn), records=tuple(drawn), review=_review(drawn, of_rule))
        for sample, drawn in samples
    )


def _review(drawn: list[str], labels: pd.DataFrame | None) -> SampleReview | None:
    review = None if labels is None else review_of(drawn, labels)
    if review is None or review.decided == 0:
        return None
    low, high = interval(review.yes, review.decided)
    return SampleReview(
        yes=review.yes,
        no=review.no,
        undecided=review.undecided,
        agreement=review.agreement,
        kappa=review.kappa,
        low=low,
        high=high,
        stated=stated(review.yes, review.decided),
    )


def _list(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _subjects(counts: RowCounts) -> Subjects:
    people = {str(outcome): counts.people.get(outcome, 0) for outcome in OPEN_OUTCOMES}
    return Subjects(by_region=dict(sorted(counts.by_region.items())), by_age=dict(sorted(counts.by_age.items())), **people)


def _reasons(evaluation: Evaluation, method: Method, words: Mapping[str, Reason]) -> tuple[ReasonCount, ...]:
    """The reasons of the rows, each as the rule's method says it; one that comes from outside the rule as it is said of every rule."""
    lines = []
    for c in evaluation.counts.reasons:
        reason = words.get(str(c.reason), Reason(""))
        says = method.when(c.outcome, c.reason) or reason.says
        what_next = reason.next if c.outcome in (Outcome.REVIEW, Outcome.UNKNOWN) else None
        line = ReasonCount(outcome=c.outcome, reason=c.reason, rows=c.rows, people=c.people, says=says, next=what_next)
        lines.append(line.model_copy(update={"assumptions": evaluation.assumptions.get(str(c.reason), ())}))
    return tuple(sorted(lines, key=lambda line: (line.outcome.rank, -(line.rows or 0), str(line.reason))))


def _violations(counts: RowCounts) -> list[ReasonRows]:
    return [line for line in counts.reasons if line.outcome == Outcome.VIOLATION]


def _over_time(evaluation: Evaluation) -> OverTimeResult | None:
    """Per panel and month: how many rows passed, how many did not and how, and the people beside them."""
    monthly = evaluation.over_time
    if monthly is None:
        return None
    points: dict[tuple[str, str], dict[str, int]] = {}
    for series, counts in (("pass", monthly.population), ("people", monthly.beside)):
        for panel, month, n in counts:
            points.setdefault((panel, month), dict.fromkeys(("pass", *map(str, OPEN_OUTCOMES), "people"), 0))[series] += n
    for (panel, month, outcome), n in evaluation.counts.months.items():
        if outcome in OPEN_OUTCOMES:
            points[panel, month][outcome] += n
            points[panel, month]["pass"] -= n
    lines = [{"panel": panel, "month": month, **of_month} for (panel, month), of_month in sorted(points.items())]
    return OverTimeResult(words=monthly.drawn.words, points=tuple(Point.model_validate(line) for line in lines))


def number_read(number: Number) -> NumberRead:
    """A number of the policy, or a setting, as results have it."""
    value = json.loads(json.dumps(number.value, default=str))
    return NumberRead(name=number.name, value=value, unit=number.unit, clause=number.clause, origin=number.origin, means=number.means)


def _clause(audit: Audit, id: str) -> ClauseCited:
    clause = audit.policy.clauses[id]
    return ClauseCited(id=clause.id, section=clause.section, line=clause.line, anchor=clause.anchor, paraphrase=clause.paraphrase)
