"""Parts of the report that need no browser: every output is there, the words are those of a report, small numbers are hidden."""

from __future__ import annotations

import nbformat
import pytest
from rule_results import rule_result

from heytalk_audit.audit.rating import CRITERIA, areas, rating
from heytalk_audit.audit.results import rate_finding
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report import page, pages
from heytalk_audit.report.html import percent, show, tag
from heytalk_audit.rules import RULES
from heytalk_audit.running.run import status
from heytalk_audit.vocabulary import Outcome, Severity


def test_every_output_of_every_cell_is_on_the_page():
    outputs = [
        nbformat.v4.new_output("stream", text="one stream"),
        nbformat.v4.new_output("execute_result", {"text/plain": "two result"}, execution_count=1),
        nbformat.v4.new_output("display_data", {"text/html": "<p>three html</p>", "text/plain": "object at 0x1"}),
        nbformat.v4.new_output("error", ename="ValueError", evalue="secret", traceback=["secret"]),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=outputs), nbformat.v4.new_markdown_cell("## Words")])
    html = page.render(page.normalise(notebook), "T", [])
    for text in ("one stream", "two result", "three html", "ValueError", "Words"):
        assert text in html
    assert "secret" not in html and "0x1" not in html


def noted(text: str, *tags: str) -> nbformat.NotebookNode:
    outputs = [nbformat.v4.new_output("display_data", {"text/html": f"<p>{text}</p>"})]
    return nbformat.v4.new_code_cell("1", outputs=outputs, metadata={"tags": list(tags)})


def test_each_output_is_on_exactly_one_of_the_notebooks_pages():
    cells = [noted("first"), noted("second", "page-clauses"), noted("third", "parameters"), noted("fourth", "page-document")]
    parts = page.split(page.normalise(nbformat.v4.new_notebook(cells=cells)), ["index", "clauses", "document"])
    pages_html = {name: page.render(part, name, []) for name, part in parts.items()}
    texts = ("first", "second", "third", "fourth")
    pages_of = {text: [name for name, html in pages_html.items() if f"<p>{text}</p>" in html] for text in texts}
    assert pages_of == {"first": ["index"], "second": ["clauses"], "third": ["index"], "fourth": ["document"]}


def test_a_cell_for_a_page_that_there_is_not_is_refused():
    notebook = page.normalise(nbformat.v4.new_notebook(cells=[noted("lost", "page-clause")]))
    with pytest.raises(ValueError, match="asks for the page clause"):
        page.split(notebook, ["index", "clauses"])


@pytest.mark.parametrize("kind", ["application/javascript", "application/vnd.jupyter.widget-view+json"])
def test_what_can_run_is_refused(kind):
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("display_data", {kind: "x"})])
    with pytest.raises(ValueError, match="may not carry"):
        page.normalise(nbformat.v4.new_notebook(cells=[cell]))


def test_values_as_a_reader_expects_them():
    assert show(True).html == "Yes" and show(1234567).html == "1,234,567"
    assert tag("p", "<b>", title='"').html == '<p title="&quot;">&lt;b&gt;</p>'
    shares = {0.0: "0 %", 0.000001: "< 0.001 %", 0.00016: "0.0160 %", 0.146: "14.6 %", 0.5: "50.0 %", 0.99996: "> 99.9 %", 1.0: "100 %"}
    assert {share: percent(share).replace("\u00a0", " ") for share in shares} == shares


def ledger(violation: int, tested: int) -> dict[str, int]:
    return {"violation": violation, "in_scope": tested, "excluded": 0}


def test_a_finding_is_rated_by_rate_and_count():
    rule = RULES["RET-07"]
    assert rate_finding(rule, ledger(0, 100)) is None
    assert rate_finding(rule, ledger(4, 10_000)) == "medium"
    assert rate_finding(rule, ledger(5, 10_000)) == "high"
    assert rate_finding(rule, ledger(4, 4000)) == "high"
    assert rate_finding(rule, ledger(5, 100)) == "high"
    assert rate_finding(rule, ledger(6, 100)) == "critical"


def rows(in_scope: int = 0, passed: int = 0, **outcomes: int) -> dict[str, int]:
    return dict.fromkeys(map(str, Outcome), 0) | {"in_scope": in_scope, "pass": passed} | outcomes


def result(verdict: str, severity: str = "high", rate: float | None = None, **more: object) -> RuleResult:
    return rule_result(verdict=verdict, severity=severity, rate=rate, **more)


def test_an_area_is_rated_by_its_gravest_rules():
    assert rating([result("FAIL", "critical", 0.01)]) == "Very limited"
    assert rating([result("FAIL", "critical", 0.009)]) == "Limited"
    assert rating([result("FAIL", "high", 0.001)]) == "Limited"
    assert rating([result("FAIL", "high", 0.0009), result("PASS")]) == "Reasonable"
    assert rating([result("NOT_EVALUATED"), result("PASS")]) == "No rating"
    assert rating([result("PASS"), result("FAIL", "low", 1.0)]) == "High"
    assert rating([result("FAIL", "high", 0.0009)], repeated=["X-1"]) == "Limited"
    assert rating([result("FAIL", "medium", 0.9)], repeated=["X-1"]) == "High"
    assert list(CRITERIA) == ["No rating", "Very limited", "Limited", "Reasonable", "High"]


@pytest.mark.parametrize("broken", ["FAIL", "ACCEPTED"])
def test_what_is_accepted_weighs_as_what_is_not(broken):
    assert rating([result(broken, "critical", 0.5)]) == "Very limited"
    assert rating([result(broken, "critical", 0.0001)]) == "Limited"
    assert rating([result(broken, "critical", 0.0001, limited_by=("coverage",))]) == "Very limited"
    assert rating([result(broken, "high", 0.0001, limited_by=("exempt_limit",))]) == "Limited"
    assert rating([result(broken, "high", 0.0001, repeated=True)]) == "Limited"
    assert rating([result(broken, "high", 0.0001)]) == "Reasonable"


PASSES = [result("PASS")] * 5
UNTESTED = {
    "not evaluated": result("NOT_EVALUATED", blocked_by=("gate:users",)),
    "crashed": result("ERROR"),
    "of limited evidence": result("REVIEW", limited_by=("unknown_limit",)),
    "of limited evidence, with rows for review": result("REVIEW", ledger=rows(review=3, in_scope=9), limited_by=("coverage",)),
    "excused under a wider limit": result("PASS", ledger=rows(passed=96, exempt=4, in_scope=100)),
    "over an empty table": result("NO_POPULATION", blocked_by=("empty:users",)),
    "of test accounts alone": result("NO_POPULATION", ledger=rows(excluded=7, in_scope=7)),
}


@pytest.mark.parametrize("how", UNTESTED)
def test_what_was_not_tested_counts_against_its_area(how):
    found = UNTESTED[how]
    assert rating([found.with_(severity=Severity.CRITICAL), *PASSES]) == "No rating"
    assert rating([found, *PASSES]) == "Limited"
    assert rating([found, found, *PASSES[:4]]) == "Limited"
    assert rating([found, found, *PASSES[:3]]) == "No rating"
    assert rating([found.with_(severity=Severity.MEDIUM), *PASSES]) == "High"
    assert rating([found.with_(basis="law"), *PASSES]) == "High"


def test_a_rule_that_was_not_chosen_was_not_tested():
    assert rating(PASSES, [RULES["RET-01"]]) == "No rating"
    high = next(rule for rule in RULES.values() if rule.severity == "high" and rule.basis == "policy")
    assert (rating(PASSES, [high]), rating(PASSES, [high] * 2), rating(PASSES, [high] * 3)) == ("Limited", "Limited", "No rating")
    assert rating(PASSES, [rule for rule in RULES.values() if rule.basis == "law" or rule.severity == "medium"]) == "High"


def test_rules_that_found_nothing_in_their_scope():
    nothing = result("NO_POPULATION", "critical")
    assert rating([nothing, result("PASS"), result("PASS")]) == "High"
    assert rating([nothing, result("PASS")]) == "No rating"


def test_what_is_left_for_review():
    review = result("REVIEW", "critical")
    assert rating([review, result("PASS")]) == "Reasonable"
    assert rating([review, review, result("PASS")]) == "Limited"


def test_evidence_without_control_totals_is_limited():
    assert rating([result("REVIEW", id="DQ-01"), *PASSES]) == "Limited"
    assert rating([result("PASS", id="DQ-01"), *PASSES]) == "High"


def test_areas_are_those_that_have_results():
    results = [result("FAIL", "high", 0.5, family="RET"), result("PASS", "low", family="MIN"), result("PASS", family="MIN")]
    nothing = {"at_best": None, "ground": "nothing_found", "deciding": []}
    assert [area.plain() for area in areas(results, {})] == [
        {"name": "retention", "title": "Retention", "verdict": "FAIL", "rating": "Limited"}
        | nothing
        | {"ground": "high_often", "deciding": ["X-1"]},
        {"name": "sensitive-data", "title": "Sensitive data", "verdict": "PASS", "rating": "High"} | nothing,
    ]
    assert [(area.rating, area.at_best) for area in areas(results, RULES)] == [("No rating", "Limited"), ("No rating", "High")]


def test_what_is_accepted_of_the_evidence_makes_it_no_more_reliable():
    results = [result("ACCEPTED", id="DQ-01"), result("PASS", id="DQ-02")]
    assert "Not sufficiently reliable" in pages.evidence_reliability([], results).html


def test_exit_status():
    assert status(["PASS", "ACCEPTED"]) == 0
    assert status(["PASS", "FAIL", "ERROR"]) == 1
    assert status(["PASS", "REVIEW"]) == 3
    assert status(["PASS", "REVIEW"], ["REVIEW"]) == 0
    assert status(["FAIL"], ["REVIEW"]) == 1


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("retention.html#RET-01", True),
        ("#limits", True),
        ("../2025-Q1.sign-off/cover.html", True),
        ("../2025%20Q1/data/index.html#limits", True),
        ("../../etc/passwd", False),
        ("../x/../../y.html", False),
        ("..//host/x.html", False),
        ("https://x.example", False),
        ("javascript:alert(1)", False),
    ],
)
def test_a_link_leads_to_the_report_or_to_a_folder_beside_it(link, kept):
    assert ("href" in page.sanitised(tag("a", "x", href=link).html)) == kept


def test_the_report_and_the_statement_of_sign_off_lead_to_each_other(audited):
    from heytalk_audit.evidence.results import results_in
    from heytalk_audit.report.cover import sign_off_place

    audit = results_in(audited, "run").audit
    index = (audited / "index.html").read_text("utf-8")
    assert f'href="{sign_off_place(audit)}"' in index and 'id="sign-off"' in index
    assert (
        sign_off_place(audit.model_copy(update={"id": "Q1 <x>/..", "audience": "public"}))
        == "../Q1%20%3Cx%3E%2F..-public.sign-off/cover.html"
    )
    statement = pages.sign_off_statement(
        audit, {}, {}, [{"overrides": [], "evidence_sha256": "0"} | dict.fromkeys(SIGNED)], "../run/index.html"
    )
    assert 'href="../run/index.html#limits"' in page.sanitised(statement.html)


SIGNED = ("role", "name", "date", "replayed", "note", "public_key")
