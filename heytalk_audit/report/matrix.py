"""Results rule by rule, in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report.html import Fragment, badge, join, percent, table, tag
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Outcome

_NUMBERS = ["In scope", "Tested", "Violation", "Review", "Unknown", "Exempt", "Excluded", "Accepted", "Rate"]
_HEADS = ["Rule", "Verdict", *_NUMBERS, "Severity", "Finding", "Basis"]


def results_matrix(results: Iterable[RuleResult], pages: Mapping[str, str] | None = None) -> Fragment:
    """Rule by rule: population, outcomes, rate, verdict. `pages` maps a family to the page that its sections stand on."""
    lines = [_line(result, (pages or {}).get(result.family, "")) for result in results]
    return table(_HEADS, lines, "Results by rule", tools=True, numeric=_NUMBERS, roomy=["Rule"])


def _line(result: RuleResult, page: str) -> list[Any]:
    ledger = result.ledger
    link = tag("a", result.id, href=f"{page}#{result.id}")
    counts = [ledger.in_scope, ledger.tested, *(ledger[o] for o in (*OPEN_OUTCOMES, Outcome.EXCLUDED)), result.accepted]
    rate = f"{percent(result.rate)} of {ledger.tested:,}" if result.rate is not None else None
    return [
        join(link, " ", result.title),
        badge(result.verdict),
        *map(shown, counts),
        rate,
        result.severity,
        result.finding_severity,
        result.basis,
    ]
