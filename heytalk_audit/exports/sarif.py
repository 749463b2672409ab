"""Verdicts as SARIF 2.1.0 for tools that gather the findings of analysers: a rule of the audit is a rule, and its verdict a result.

Only FAIL and ACCEPTED are results of the kind `fail`, the latter suppressed with its ground outside. REVIEW stays a review, and what was
not evaluated is `open`: nothing that was not tested is a pass. A result names tables, and no row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.canonical import canonical
from heytalk_audit.exports.recorded import Recorded, area_of, ledger_line, line
from heytalk_audit.vocabulary import Severity, Verdict

FILE = "findings.sarif"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
KIND = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.ACCEPTED: "fail",
    Verdict.REVIEW: "review",
    Verdict.NO_POPULATION: "notApplicable",
}
LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def write(run: Recorded, folder: Path) -> None:
    """One file."""
    (folder / FILE).write_bytes(canonical(document(run)))


def document(run: Recorded) -> dict[str, Any]:
    """The log, as SARIF names its parts; it has one run."""
    tool = run.audit.tool
    driver = {"name": line(tool.name), "version": line(tool.version), "rules": [_rule(rule) for rule in run.rules]}
    about = {"evidence-sha256": run.evidence, "as-of": run.audit.as_of, "snapshot": line(run.audit.snapshot.id)}
    audit = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{line(run.audit.id)}/", "guid": run.id("sarif"), "description": {"text": line(run.audit.title)}},
        "results": [_result(run, number, rule) for number, rule in enumerate(run.rules)],
        "properties": about,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [audit]}


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": _text(rule.title)},
        "fullDescription": {"text": _text(rule.promise)},
        "help": {"text": _text(rule.recommendation)},
        "defaultConfiguration": {"level": LEVEL[rule.severity]},
        "properties": {"severity": rule.severity, "basis": rule.basis, "area": area_of(rule), "clauses": [c.id for c in rule.clauses]},
    }


def _result(run: Recorded, number: int, rule: RuleResult) -> dict[str, Any]:
    # a verdict that this table does not name is never a silent pass
    kind = KIND.get(rule.verdict, "open")
    message = f"{rule.verdict}: {rule.reason or rule.promise} ({ledger_line(rule)})"
    result = {
        "ruleId": rule.id,
        "ruleIndex": number,
        "guid": run.id("sarif", rule.id),
        "kind": kind,
        "level": LEVEL[rule.finding_severity or rule.severity] if kind == "fail" else "none",
        "message": {"text": _text(message)},
        "locations": [{"logicalLocations": [{"name": _text(table), "kind": "table"} for table in rule.tables[:1]]}] if rule.tables else [],
        "partialFingerprints": {"rule/v1": rule.id},
        "properties": {"verdict": rule.verdict, "rate": rule.rate},
    }
    accepted = {"kind": "external", "status": "accepted", "justification": "An entry of the register of accepted exceptions covers it."}
    return result | ({"suppressions": [accepted]} if rule.verdict == Verdict.ACCEPTED else {})


def _text(value: object) -> str:
    """Text on one line; SARIF allows none that is empty."""
    return line(value) or "-"
