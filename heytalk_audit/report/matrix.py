"""Results rule by rule, in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report.html import Fragment, Sorted, badge, join, percent, severity_badge, table, tag
from heytalk_audit.vocabulary import Outcome

_NUMBERS = ["Tested", "Violation", "Rate", "Review", "Unknown", "Exempt", "Excluded", "Accepted"]
_HEADS = ["Rule", "Verdict", "Rated", *_NUMBERS]


def results_by_rule(results: Iterable[RuleResult], pages: Mapping[str, str]) -> Fragment:
    """The table of all results, with its heading."""
    return join(tag("h2", "Results by rule", id="results"), results_matrix(results, pages))


def results_matrix(results: Iterable[RuleResult], pages: Mapping[str, str] | None = None) -> Fragment:
    """Rule by rule: population, outcomes, rate, verdict. `pages` maps a family to the page that its sections stand on."""
    lines = [_line(result, (pages or {}).get(result.family, "")) for result in results]
    return table(_HEADS, lines, "Results by rule", tools=True, numeric=_NUMBERS, roomy=["Rule"], sticky=True)


def _line(result: RuleResult, page: str) -> list[Any]:
    ledger = result.ledger
    basis = tag("small", " by law") if result.basis == "law" else ""
    rated = result.finding_severity or result.severity
    return [
        join(tag("a", result.id, href=f"{page}#{result.id}", cls="nowrap"), f" {result.title}", basis),
        badge(result.verdict),
        Sorted(severity_badge(rated), rated.rank),
        shown(ledger.tested),
        shown(ledger.violation),
        Sorted(percent(result.rate), result.rate) if result.rate is not None else None,
        *(shown(ledger[o]) for o in (Outcome.REVIEW, Outcome.UNKNOWN, Outcome.EXEMPT, Outcome.EXCLUDED)),
        shown(result.accepted),
    ]
