"""Verdicts as JUnit XML for CI: an area is a suite, a rule a case.

Only PASS and ACCEPTED are cases without a mark. FAIL is a failure and ERROR an error; REVIEW, NOT_EVALUATED and NO_POPULATION are
skipped with their reason: no CI counts a skipped case as passed. Whether they stop a build is the exit status of `run`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from heytalk_audit.exports.recorded import Recorded, areas, line, said

MARK = {"FAIL": "failure", "ERROR": "error", "REVIEW": "skipped", "NOT_EVALUATED": "skipped", "NO_POPULATION": "skipped"}
PASSED = ("PASS", "ACCEPTED")


def write(run: Recorded) -> dict[str, bytes]:
    """One file."""
    root = ET.Element("testsuites", name=clean(run.audit["title"]), **_counts(run.rules))
    for title, rules in areas(run.rules).items():
        suite = ET.SubElement(root, "testsuite", name=title, **_counts(rules))
        properties = ET.SubElement(suite, "properties")
        facts = {"evidence_sha256": run.evidence, "audit": run.audit["id"], "as_of": run.audit["as_of"]}
        for name, value in facts.items():
            ET.SubElement(properties, "property", name=name, value=clean(value))
        for rule in rules:
            _case(suite, title, rule)
    ET.indent(root)
    return {"junit.xml": ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"}


def _counts(rules: list[dict]) -> dict[str, str]:
    marks = [MARK.get(r["verdict"]) for r in rules]
    counted = {"failures": marks.count("failure"), "errors": marks.count("error"), "skipped": marks.count("skipped")}
    return {"tests": str(len(rules))} | {name: str(n) for name, n in counted.items()}


def _case(suite: ET.Element, area: str, rule: dict) -> None:
    case = ET.SubElement(suite, "testcase", classname=area.replace(" ", "-").lower(), name=clean(f"{rule['id']} {rule['title']}"))
    text = f"{rule['verdict']}: {rule['reason']}" if rule["reason"] else f"{rule['verdict']}: {said(rule)}"
    if rule["verdict"] not in PASSED:
        # a verdict that this table does not know is never a silent pass
        mark = ET.SubElement(case, MARK.get(rule["verdict"], "error"), message=clean(text))
        if mark.tag != "skipped":
            mark.set("type", rule["verdict"])
            mark.text = clean(f"{said(rule)}. {rule['recommendation']}")
    ET.SubElement(case, "system-out").text = clean(f"{rule['severity']}; {said(rule)}")


def clean(text: object) -> str:
    """Text that XML 1.0 can hold, on one line."""
    return "".join(c if c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000" else " " for c in line(text))
