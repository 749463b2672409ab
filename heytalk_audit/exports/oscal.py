"""Verdicts as OSCAL assessment results, and the plan that they refer to: plain JSON, read back by compliance-trestle in a test.

The plan is a stub: it names each rule as a control, and its promise as the objective that a finding's target refers to.

OSCAL knows two states of a finding. PASS is satisfied, FAIL is not-satisfied; every other verdict is an observation with its verdict
as a property, and no finding: what was not evaluated, or is for a person to decide, is never flattened into either.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.canonical import canonical
from heytalk_audit.evidence.folder import STATEMENT
from heytalk_audit.exports.recorded import LEDGER, Recorded, ledger_line, line
from heytalk_audit.vocabulary import Verdict

VERSION = "1.1.3"
RESULTS, PLAN = "oscal-assessment-results.json", "oscal-assessment-plan.json"
NAMESPACE = "https://heytalk-audit.invalid/ns/oscal"
STATE = {Verdict.PASS: "satisfied", Verdict.FAIL: "not-satisfied"}


def write(run: Recorded, folder: Path) -> None:
    """Two files."""
    (folder / RESULTS).write_bytes(canonical({"assessment-results": assessment_results(run)}))
    (folder / PLAN).write_bytes(canonical({"assessment-plan": assessment_plan(run)}))


def assessment_results(run: Recorded) -> dict[str, Any]:
    """The document, as OSCAL names its parts."""
    return {
        "uuid": run.id("document"),
        "metadata": _metadata(run, run.audit.title),
        "import-ap": {"href": PLAN},
        "results": [_result(run)],
        "back-matter": {"resources": _resources(run)},
    }


def assessment_plan(run: Recorded) -> dict[str, Any]:
    """The plan: what the audit looked for, rule by rule. There is no system security plan, and it says so."""
    no_system = run.id("no system security plan")
    about = "The audit tests a snapshot of data against a policy; no system security plan was given to it."
    return {
        "uuid": run.id("plan"),
        "metadata": _metadata(run, f"{run.audit.title}: assessment plan"),
        "import-ssp": {"href": f"#{no_system}", "remarks": about},
        "local-definitions": {"objectives-and-methods": [_objective(rule) for rule in run.rules]},
        "reviewed-controls": _reviewed(run),
        "back-matter": {"resources": [{"uuid": no_system, "title": "No system security plan", "description": about}, _parameters(run)]},
    }


def objective_of(rule: RuleResult) -> str:
    """The id of what a rule looks for: the plan defines it, and findings refer to it."""
    return f"{rule.id}_obj"


def _objective(rule: RuleResult) -> dict[str, Any]:
    part = {"id": objective_of(rule), "name": "assessment-objective", "title": _text(rule.title), "prose": _text(rule.promise)}
    return {"control-id": rule.id, "description": _text(rule.promise), "parts": [part]}


def _reviewed(run: Recorded) -> dict[str, Any]:
    return {
        "control-selections": [{"include-controls": [{"control-id": rule.id} for rule in run.rules]}],
        "control-objective-selections": [{"include-objectives": [{"objective-id": objective_of(rule)} for rule in run.rules]}],
    }


def _metadata(run: Recorded, title: str) -> dict[str, Any]:
    return {
        "title": _text(title),
        "last-modified": _instant(run),
        "version": _text(run.audit.id),
        "oscal-version": VERSION,
        "props": [_prop("evidence-sha256", run.evidence), _prop("snapshot-sha256", run.audit.snapshot.sha256)],
    }


def _parameters(run: Recorded) -> dict[str, Any]:
    return {
        "uuid": run.id("parameters"),
        "title": "Parameters",
        "description": "The parameters of the audit. Its rules are the controls; RULES.md and the report describe each.",
        "rlinks": [{"href": "inputs/parameters.yaml"}],
    }


def _resources(run: Recorded) -> list[dict[str, Any]]:
    evidence = {
        "uuid": run.id("evidence"),
        "title": "Evidence",
        "description": "The statement over every file of the run and everything that went in.",
        "rlinks": [{"href": STATEMENT, "hashes": [{"algorithm": "SHA-256", "value": run.evidence}]}],
    }
    return [_parameters(run), evidence]


def _result(run: Recorded) -> dict[str, Any]:
    findings = [_finding(run, rule) for rule in run.rules if rule.verdict in STATE]
    result = {
        "uuid": run.id("result"),
        "title": _text(run.audit.title),
        "description": f"Report of procedures performed (no assurance), policy {_text(run.audit.policy.title)}, "
        f"snapshot {_text(run.audit.snapshot.id)}.",
        "start": _instant(run),
        "end": _instant(run),
        "reviewed-controls": _reviewed(run),
        "observations": [_observation(run, rule) for rule in run.rules],
    }
    return result | ({"findings": findings} if findings else {})


def _observation(run: Recorded, rule: RuleResult) -> dict[str, Any]:
    return {
        "uuid": run.id("observation", rule.id),
        "title": _text(f"{rule.id} {rule.title}"),
        "description": _text(f"{rule.promise} {rule.verdict}: {ledger_line(rule)}."),
        "props": [_prop(name, value) for name, value in _facts(run, rule).items() if value is not None],
        "methods": ["TEST"],
        "collected": _instant(run),
        "relevant-evidence": [
            {"href": f"#{run.id('evidence')}", "description": f"The run's evidence, SHA-256 {run.evidence}."},
        ],
    }


def _facts(run: Recorded, rule: RuleResult) -> dict[str, Any]:
    """The properties of an observation; numbers only of a rule that was evaluated."""
    facts: dict[str, Any] = {"rule": rule.id, "verdict": rule.verdict, "severity": rule.severity, "basis": rule.basis}
    facts |= {"finding-severity": rule.finding_severity, "reason": rule.reason, "rate": rule.rate}
    if rule.verdict.is_tested:
        facts |= {f"rows-{name.replace('_', '-')}": shown(rule.ledger[name]) for name in LEDGER}
        facts |= {f"people-{outcome}": n for outcome, n in run.people(rule).items()}
    return facts


def _finding(run: Recorded, rule: RuleResult) -> dict[str, Any]:
    return {
        "uuid": run.id("finding", rule.id),
        "title": _text(f"{rule.id} {rule.title}"),
        "description": _text(rule.promise),
        "target": {"type": "objective-id", "target-id": objective_of(rule), "status": {"state": STATE[rule.verdict]}},
        "related-observations": [{"observation-uuid": run.id("observation", rule.id)}],
    }


def _instant(run: Recorded) -> str:
    return run.as_of.isoformat()


def _text(value: Any) -> str:
    """Text on one line; OSCAL allows none that is empty."""
    return line(value) or "-"


def _prop(name: str, value: Any) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _text(value)}
