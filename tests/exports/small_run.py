"""A recorded run for tests of exports: complete, made of results that a test states, and of no audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rule_results import EMPTY, rule_result

from heytalk_audit.audit.document import AuditDescription, FindingStanding
from heytalk_audit.audit.rating import areas
from heytalk_audit.exports.recorded import Recorded
from heytalk_audit.rules import RULES

EVIDENCE = "ab" * 32
AUDIT: dict[str, Any] = {
    "id": "2025-Q1",
    "title": "Quarterly audit, first quarter",
    "as_of": "2025-03-31T12:00:00Z",
    "audit_tz": "UTC",
    "period": {"from": "2025-01-01", "to": "2025-03-31"},
    "snapshot": {"id": "s-1", "sha256": "cd" * 32, "extracted_at": None, "producer": "Data", "source_system": None},
    "policy": {
        "name": "heytalk",
        "title": "Privacy policy",
        "version": "1",
        "sha256": "ef" * 32,
        "text_sha256": "01" * 32,
        "text_compared": False,
        "periods": {},
    },
    "tool": {"name": "heytalk-audit", "version": "0", "code_sha256": "23" * 32},
    "key_check": "0" * 32,
    "audience": "internal",
    "columns": {},
    "settings": {},
    "settings_changed": {},
}


def failing(id: str, **more: Any) -> Any:
    """A rule that fails in three of thirty rows."""
    ledger = EMPTY["ledger"] | {"in_scope": 30, "violation": 3, "pass": 27}
    stated = {"id": id, "family": id.partition("-")[0], "severity": RULES[id].severity, "verdict": "FAIL", "rate": 0.1, "ledger": ledger}
    return rule_result(**stated | {"recommendation": "Erase them.", "effect": "People are known."} | more)


def standing(rule: str, **more: Any) -> FindingStanding:
    """An entry of the register of findings."""
    entry = {"key": f"{rule}:x", "rule": rule, "owner": "Ana Okoro", "due": "2025-05-01", "response": "agree", "text": "It is on its way."}
    rest = {"status": "open", "state": "open", "rows": 3, "first_seen": None, "age_days": None, "days_overdue": None, "times": 1}
    return FindingStanding.model_validate(entry | rest | more)


def recorded(rules: list[Any], standings: list[FindingStanding] = [], folder: Path = Path(), **audit: Any) -> Recorded:  # noqa: B006
    """A run with these results."""
    described = AuditDescription.model_validate(AUDIT | audit)
    return Recorded(folder, EVIDENCE, {}, described, rules, areas=areas(rules, RULES), standings=standings)
