"""Results of rules for tests that speak of reports: complete, with nothing in them but what the test states."""

from __future__ import annotations

from typing import Any

from heytalk_audit.audit.rule_result import RuleResult

OUTCOMES = ("pass", "violation", "review", "unknown", "exempt", "excluded")
EMPTY: dict[str, Any] = {
    "id": "X-1",
    "title": "A rule",
    "family": "X",
    "severity": "high",
    "basis": "policy",
    "verdict": "PASS",
    "reason": None,
    "ledger": dict.fromkeys(("in_scope", *OUTCOMES), 0),
    "accepted": 0,
    "entries": (),
    "subjects": dict.fromkeys(("violation", "review", "unknown", "exempt"), 0) | {"by_region": {}, "by_age": {}},
    "reasons": (),
    "ageing": {},
    "breakdowns": {},
    "over_time": None,
    "figures": (),
    "samples": (),
    "numbers": (),
    "clauses": (),
    "tables": ("users",),
    "promise": "A promise.",
    "method": "",
    "law": (),
    "dpv": (),
    "limits": "",
    "effect": "",
    "recommendation": "",
    "rate": None,
    "finding_severity": None,
    "repeated": False,
    "assumptions": (),
    "source": "",
    "sql": "",
}


def rule_result(**stated: Any) -> RuleResult:
    """A result that has what is stated, as the documents of results write it, and is empty otherwise."""
    return RuleResult.model_validate(EMPTY | stated)
