"""Decisions on rows for review in the report: what they close, which have lapsed, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.decisions import FINDINGS, NOT_TESTED, VALID
from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.rule_result import DecisionStanding, RuleResult
from heytalk_audit.report import links
from heytalk_audit.report.html import Fragment, bullets, definitions, join, paragraph, table, tag, words_of
from heytalk_audit.report.outcomes import in_words
from heytalk_audit.vocabulary import Audience, Outcome

#: What each state of a decision means; those that are findings come first.
STATES = {
    "self_confirmed": "the same person decided and confirmed it: it closes nothing",
    "too_old": "it was made more than twelve months before the audit's day: it closes nothing",
    "unused": "no row for review is in its scope: remove it, or correct its scope",
    "changed": "the rule, its numbers or the reason of the rows have changed since it was made: it closes nothing",
    "over_max": "there are more rows than it was made for: it closes none of them",
    "too_broad": "it closes more rows by their reason than one decision may, or rows of a critical rule: it closes nothing",
    NOT_TESTED: "its rule was not evaluated in this audit: whether it closes anything was not tested",
    VALID: "it closes the rows in its scope",
}
_HEADS = ["Decision", "State", "For", "Decided", "Rows", "Closed", "At most", "On", "By", "Confirmed by", "Ground", "Evidence"]
_NUMBERS = ["Rows", "Closed", "At most"]


def decided_rows(result: RuleResult, audience: str = Audience.INTERNAL) -> list[Fragment]:
    """What people decided of one rule's rows for review; nothing where it has none, and nobody decided anything."""
    decided = result.decided
    if not result.decisions and (decided is None or not (decided.breach or decided.no_breach)):
        return []
    if decided is None or decided.open is None:
        text = "How many of its rows for review were decided is suppressed."
    else:
        text = (
            f"Of its {shown(result.ledger.review)} rows for review {decided.breach} were decided to be a breach and {decided.no_breach} "
            f"to be none; {decided.open} are open. A decision does not change the outcome of a row."
        )
    lines = [_line(entry, audience) for entry in result.decisions]
    listed = [table(_HEADS, lines, f"Decisions on {result.id}", numeric=_NUMBERS)] if lines else []
    return [tag("h4", "Decisions"), paragraph(text), *listed]


def decisions_page(results: Sequence[RuleResult], standings: Sequence[DecisionStanding]) -> Fragment:
    """What is open and by which reason, with what is needed to decide; and which decisions are themselves findings."""
    rows = [line for result in results for line in _open(result)]
    unsound = [entry for entry in standings if entry.state in FINDINGS]
    meanings = {state: meaning for state, meaning in STATES.items() if any(entry.state == state for entry in standings)}
    return join(
        tag("h2", "Decisions on rows for review", id="decisions"),
        paragraph(_soundness(standings)),
        definitions((words_of(state), meaning) for state, meaning in meanings.items()),
        bullets(join(tag("strong", e.id), f" ({words_of(e.state).lower()}), for ", links.to_rule(e.rule, nowrap=True)) for e in unsound),
        table(["Rule", "Reason", "What to do next", "Rows", "Decide by"], rows, "Rows left for review, by reason", numeric=["Rows"])
        if rows
        else paragraph("No row is open."),
        paragraph(
            "The command heytalk-audit decide writes the open rows as a register to fill in. A second person confirms each decision. For a "
            "critical rule each record is named."
        ),
    )


def _open(result: RuleResult) -> list[list[Any]]:
    if result.decided is None or result.decided.open == 0:
        return []
    how = "record by record" if result.severity == "critical" else "reason if the rows are few, otherwise record by record"
    lines = [line for line in result.reasons if line.outcome == Outcome.REVIEW]
    return [[links.to_rule(result.id, nowrap=True), in_words(line), line.next, shown(line.rows), how] for line in lines]


def _soundness(standings: Sequence[DecisionStanding]) -> str:
    if not standings:
        return "This audit has no register of decisions, or one without entries."
    valid, unsound = (sum(entry.state in states for entry in standings) for states in ((VALID,), FINDINGS))
    return f"The register has {len(standings):,} decisions: {valid:,} valid, {unsound:,} lapsed or unused."


def _line(entry: DecisionStanding, audience: str) -> list[Any]:
    numbers = [entry.matched, entry.closed, entry.max_rows]
    evidence = f"{entry.evidence}, SHA-256 {(entry.evidence_sha256 or '')[:16]}" if entry.evidence else None
    people = [entry.decided_on, entry.decided_by, entry.confirmed_by, entry.ground, evidence]
    return [entry.id, words_of(entry.state), _scope(entry.scope, audience), entry.decision, *numbers, *people]


def _scope(scope: Mapping[str, Any], audience: str) -> str:
    if "record" in scope:
        return f"record {scope['record']}" if audience == Audience.INTERNAL and scope["record"] else "one record"
    if "reason" in scope:
        values = ", ".join(f"{name} {value}" for name, value in (scope.get("by") or {}).items())
        return f"{scope['reason']}{f' where {values}' if values else ''}"
    return "the rows that two reviewers have read"
