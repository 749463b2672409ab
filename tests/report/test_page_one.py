"""Page 1: why each area has its rating, what the gravest findings say, and what stands beside them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from rule_results import EMPTY, rule_result

from heytalk_audit.audit.document import AreaRating
from heytalk_audit.audit.rating import areas, rating_with_grounds
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report import grounds
from heytalk_audit.report.key_findings import MOST_IN_FULL, MOST_PRINTED, failed, further_findings
from heytalk_audit.report.sections import rule_section
from heytalk_audit.rules import RULES
from heytalk_audit.vocabulary import Ground, Rating, Verdict


def result(id: str, verdict: str, severity: str, rate: float | None = None, **more: object) -> RuleResult:
    return rule_result(id=id, verdict=verdict, severity=severity, rate=rate, **more)


def people(violation: int) -> dict[str, object]:
    return EMPTY["subjects"] | {"violation": violation}


PASSES = [result(f"RET-{n:02}", "PASS", "high") for n in range(30, 36)]
GROUNDS = {
    Ground.CRITICAL_NOT_TESTED: [result("RET-01", "NOT_EVALUATED", "critical"), *PASSES],
    Ground.TOO_FEW_TESTED: [result(f"RET-{n:02}", "NOT_EVALUATED", "high") for n in range(10, 15)] + PASSES,
    Ground.CRITICAL_OFTEN: [result("RET-01", "FAIL", "critical", 0.2), result("RET-02", "FAIL", "critical", 0.001), *PASSES],
    Ground.CRITICAL_FAILS: [result("RET-01", "FAIL", "critical", 0.001), result("RET-02", "FAIL", "high", 0.5), *PASSES],
    Ground.HIGH_OFTEN: [result("RET-02", "FAIL", "high", 0.5), result("RET-03", "FAIL", "high", 0.0001), *PASSES],
    Ground.CONTROL_TOTALS: [result("DQ-01", "REVIEW", "high"), *PASSES],
    Ground.HIGH_NOT_TESTED: [result("RET-02", "NOT_EVALUATED", "high"), *PASSES],
    Ground.MOSTLY_OPEN: [result(f"RET-{n:02}", "REVIEW", "high") for n in range(10, 18)] + PASSES,
    Ground.HIGH_FAILS: [result("RET-02", "FAIL", "high", 0.0001), *PASSES],
    Ground.SOME_OPEN: [result("RET-02", "REVIEW", "high"), *PASSES],
    Ground.NOTHING_FOUND: PASSES,
}
DECIDING = {
    Ground.CRITICAL_NOT_TESTED: ("RET-01",),
    Ground.CRITICAL_OFTEN: ("RET-01",),
    Ground.CRITICAL_FAILS: ("RET-01",),
    Ground.HIGH_OFTEN: ("RET-02",),
    Ground.CONTROL_TOTALS: ("DQ-01",),
    Ground.HIGH_NOT_TESTED: ("RET-02",),
    Ground.HIGH_FAILS: ("RET-02",),
    Ground.SOME_OPEN: ("RET-02",),
    Ground.NOTHING_FOUND: (),
}


@pytest.mark.parametrize("ground", Ground)
def test_each_ground_decides_and_has_its_sentence(ground):
    decided = rating_with_grounds(GROUNDS[ground])
    assert decided.ground == ground
    assert decided.rules == DECIDING.get(ground, decided.rules)
    area = AreaRating(name="x", title="X", verdict=Verdict.FAIL, rating=decided.rating, ground=ground, deciding=decided.rules)
    sentence = grounds.reason_of_rating(area, {r.id: r for r in GROUNDS[ground]}).html
    assert sentence.endswith(".") and "{" not in sentence and "\u2013" not in sentence
    assert all(rule in sentence for rule in decided.rules[:1])


def test_a_run_of_old_has_no_reason_to_show():
    area = AreaRating(name="x", title="X", verdict=Verdict.FAIL, rating=Rating.LIMITED)
    assert grounds.reason_of_rating(area, {}).html == "\u2013"


def test_an_area_carries_what_decided_it():
    failing = [result("RET-01", "FAIL", "critical", 0.2, family="RET"), result("RET-02", "FAIL", "critical", 0.3, family="RET")]
    (area,) = areas(failing, {"RET-01": RULES["RET-01"], "RET-02": RULES["RET-02"]})
    assert (area.ground, set(area.deciding)) == (Ground.CRITICAL_OFTEN, {"RET-01", "RET-02"})


def test_the_gravest_come_first():
    few = result("RET-01", "FAIL", "high", finding_severity="high", subjects=people(3))
    many = result("RET-02", "FAIL", "high", finding_severity="high", subjects=people(30))
    grave = result("RET-03", "FAIL", "high", finding_severity="critical", subjects=people(1))
    assert [r.id for r in failed([few, many, grave, *PASSES])] == ["RET-03", "RET-02", "RET-01"]


def test_the_page_and_its_style_agree_on_how_many_lines_are_printed():
    from heytalk_audit.report import page

    assert f".sheet tbody tr:nth-child(n + {MOST_PRINTED + 1}) {{ display: none; }}" in page.template("heytalk/page.css")
    assert MOST_IN_FULL == 5


def test_owner_response_and_day_of_the_register_stand_beside_a_further_finding():
    audit = SimpleNamespace(as_of="2025-03-31T12:00:00Z")
    rules = [result(f"RET-{n:02}", "FAIL", "high", 0.2) for n in range(1, 8)]
    entry = SimpleNamespace(rule="RET-06", owner="Ann", due="2025-05-01", response="partly")
    html = further_findings(rules, audit, [entry]).html
    with_entry, without = re.findall(r"<tr><th.*?</tr>", html)[-2:]
    assert all(f">{text}<" in with_entry for text in ("Ann", "partly", "2025-05-01"))
    assert "no owner yet" in without and "<em" in without and "2025-05-30" in without


def test_a_section_is_in_an_auditors_order():
    found = result(
        "RET-01",
        "FAIL",
        "critical",
        0.2,
        ledger={"in_scope": 10, "pass": 8, "violation": 2, "review": 0, "unknown": 0, "exempt": 0, "excluded": 0},
    )
    html = rule_section(found).html
    heads = ["Criteria", "Condition", "Cause", "Effect", "Recommendation", "Response", "Limitations", "How it was checked"]
    places = [html.index(f"<h3>{head}</h3>") for head in heads]
    assert places == sorted(places)
    assert html.index("<details>") > places[-1] and "no owner yet" in html
