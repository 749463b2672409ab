"""Verdicts as JUnit XML for CI: an area is a suite, a rule a case.

Only PASS and ACCEPTED are cases without a mark. FAIL is a failure and ERROR an error; REVIEW, NOT_EVALUATED and NO_POPULATION are
skipped with their reason: no CI counts a skipped case as passed. Whether they stop a build is the exit status of `run`. Every time is
nought, and the timestamp is the instant audited: what depends on the machine is in no copy.
"""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.exports.recorded import Recorded, by_area, ledger_line, xml_text
from heytalk_audit.vocabulary import Verdict

MARK = {
    Verdict.FAIL: "failure",
    Verdict.ERROR: "error",
    Verdict.REVIEW: "skipped",
    Verdict.NOT_EVALUATED: "skipped",
    Verdict.NO_POPULATION: "skipped",
}
NO_TIME = {"time": "0"}
PASSED = (Verdict.PASS, Verdict.ACCEPTED)


def write(run: Recorded, folder: Path) -> None:
    """One file."""
    root = ET.Element("testsuites", {"name": xml_text(run.audit.title), **_counts(run.rules), **NO_TIME})
    stamp = run.as_of.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for title, rules in by_area(run.rules).items():
        suite = ET.SubElement(root, "testsuite", {"name": title, "timestamp": stamp, **_counts(rules), **NO_TIME})
        properties = ET.SubElement(suite, "properties")
        facts = {"evidence_sha256": run.evidence, "audit": run.audit.id, "as_of": run.audit.as_of}
        for name, value in facts.items():
            ET.SubElement(properties, "property", {"name": name, "value": xml_text(value)})
        for rule in rules:
            _case(suite, title, rule)
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    (folder / "junit.xml").write_bytes(content + b"\n")


def _counts(rules: Sequence[RuleResult]) -> dict[str, str]:
    marks = [MARK.get(rule.verdict) for rule in rules]
    counted = {"failures": marks.count("failure"), "errors": marks.count("error"), "skipped": marks.count("skipped")}
    return {"tests": str(len(rules))} | {name: str(n) for name, n in counted.items()}


def _case(suite: ET.Element, area: str, rule: RuleResult) -> None:
    name = {"classname": area.replace(" ", "-").lower(), "name": xml_text(f"{rule.id} {rule.title}"), **NO_TIME}
    case = ET.SubElement(suite, "testcase", name)
    if rule.verdict not in PASSED:
        # a verdict that this table does not name is never a silent pass
        message = xml_text(f"{rule.verdict}: {rule.reason or ledger_line(rule)}")
        mark = ET.SubElement(case, MARK.get(rule.verdict, "error"), {"message": message})
        if mark.tag != "skipped":
            mark.set("type", str(rule.verdict))
            mark.text = xml_text(f"{ledger_line(rule)}. {rule.recommendation}")
    ET.SubElement(case, "system-out").text = xml_text(f"{rule.severity}; {ledger_line(rule)}")
