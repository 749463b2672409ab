"""Verdicts as OSCAL assessment results, written as plain JSON and read back by compliance-trestle in a test.

OSCAL knows two states of a finding. PASS is satisfied, FAIL is not-satisfied; every other verdict is an observation with its verdict
as a property, and no finding: what was not evaluated, or is for a person to decide, is never flattened into either.
"""

from __future__ import annotations

from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.canonical import canonical
from heytalk_audit.exports.recorded import TOLD, Recorded, line, said, tested

VERSION = "1.1.3"
NAMESPACE = "https://heytalk-audit.invalid/ns/oscal"
STATE = {"PASS": "satisfied", "FAIL": "not-satisfied"}


def write(run: Recorded) -> dict[str, bytes]:
    """One file."""
    return {"oscal-assessment-results.json": canonical({"assessment-results": document(run)})}


def document(run: Recorded) -> dict[str, Any]:
    """The assessment results."""
    plan = run.id("plan")
    return {
        "uuid": run.id("document"),
        "metadata": {
            "title": _text(run.audit["title"]),
            "last-modified": _instant(run),
            "version": _text(run.audit["id"]),
            "oscal-version": VERSION,
            "props": [_prop("evidence-sha256", run.evidence), _prop("snapshot-sha256", run.audit["snapshot"]["sha256"])],
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [_result(run)],
        "back-matter": {
            "resources": [
                {
                    "uuid": plan,
                    "title": "Assessment plan",
                    "description": "The parameters of the audit. Its rules are the controls; RULES.md and the report describe each.",
                    "rlinks": [{"href": "inputs/parameters.yaml"}],
                },
                {
                    "uuid": run.id("evidence"),
                    "title": "Evidence",
                    "description": "The statement over every file of the run and everything that went in.",
                    "rlinks": [{"href": "evidence.json", "hashes": [{"algorithm": "SHA-256", "value": run.evidence}]}],
                },
            ]
        },
    }


def _result(run: Recorded) -> dict[str, Any]:
    findings = [_finding(run, r) for r in run.rules if r["verdict"] in STATE]
    found = {
        "uuid": run.id("result"),
        "title": _text(run.audit["title"]),
        "description": f"Report of procedures performed (no assurance), policy {_text(run.audit['policy']['title'])}, "
        f"snapshot {_text(run.audit['snapshot']['id'])}.",
        "start": _instant(run),
        "end": _instant(run),
        "reviewed-controls": {"control-selections": [{"include-controls": [{"control-id": r["id"]} for r in run.rules]}]},
        "observations": [_observation(run, r) for r in run.rules],
    }
    return found | ({"findings": findings} if findings else {})


def _observation(run: Recorded, rule: dict[str, Any]) -> dict[str, Any]:
    props = {"rule": rule["id"], "verdict": rule["verdict"], "severity": rule["severity"], "basis": rule["basis"]}
    props |= {"finding-severity": rule["finding_severity"], "reason": rule["reason"], "rate": rule["rate"]}
    if tested(rule):
        props |= {f"rows-{name.replace('_', '-')}": shown(rule["ledger"][name]) for name in ("in_scope", "pass", *TOLD, "excluded")}
        props |= {f"people-{name}": n for name, n in run.people(rule).items()}
    return {
        "uuid": run.id("observation", rule["id"]),
        "title": _text(f"{rule['id']} {rule['title']}"),
        "description": _text(f"{rule['promise']} {rule['verdict']}: {said(rule)}."),
        "props": [_prop(name, value) for name, value in props.items() if value is not None],
        "methods": ["TEST"],
        "collected": _instant(run),
        "relevant-evidence": [
            {"href": f"#{run.id('evidence')}", "description": f"The run's evidence, SHA-256 {run.evidence}."},
        ],
    }


def _finding(run: Recorded, rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "uuid": run.id("finding", rule["id"]),
        "title": _text(f"{rule['id']} {rule['title']}"),
        "description": _text(rule["promise"]),
        "target": {"type": "objective-id", "target-id": rule["id"], "status": {"state": STATE[rule["verdict"]]}},
        "related-observations": [{"observation-uuid": run.id("observation", rule["id"])}],
    }


def _instant(run: Recorded) -> str:
    return run.as_of.isoformat()


def _text(value: Any) -> str:
    """Text on one line; OSCAL allows none that is empty."""
    return line(value) or "-"


def _prop(name: str, value: Any) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _text(value)}
