"""Frameworks: every rule bears on ids that are listed, each id has a title of our own, and what is exported and shown is in the results."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from rule_results import rule_result

from heytalk_audit.exports import frameworks as exported
from heytalk_audit.policy import load_policy
from heytalk_audit.report.framework_page import by_framework, frameworks_page
from heytalk_audit.report.page import sanitised

FRAMEWORKS = load_policy().frameworks
#: How the ids of each framework are written.
FORMS = {
    "ico": r"[a-z]+(-[a-z]+)*",
    "nist": r"(ID|GV|CT|CM|PR)\.[A-Z]{2}-P\d{1,2}",
    "iso27701": r"[67]\.\d{1,2}(\.\d{1,2})?",
    "china": r"PIPL-\d{1,2}",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_ids_of_a_framework_keep_its_form_and_have_short_titles(name):
    framework = FRAMEWORKS[name]
    assert list(FRAMEWORKS) == list(FORMS) and framework.name and framework.edition
    assert len(framework.ids) >= 10 and len(set(framework.ids.values())) == len(framework.ids)
    for id, title in framework.ids.items():
        assert re.fullmatch(FORMS[name], id), id
        assert 1 <= len(title.split()) <= 16 and title[0].isupper() and not title.endswith("."), title


def test_every_part_of_the_nist_core_that_the_audit_names_is_there():
    assert {id[:2] for id in FRAMEWORKS["nist"].ids} == {"CT", "ID", "GV", "CM", "PR"}
    assert "1 May 2025" in FRAMEWORKS["china"].edition


def test_a_mapping_is_at_most_a_handful():
    """A rule that bears on everything bears on nothing."""
    for rule, words in load_policy().rules.items():
        assert all(len(set(ids)) == len(ids) <= 3 for ids in words["frameworks"].values()), rule


def entry(framework: str, id: str) -> dict[str, str]:
    return {"framework": framework, "name": FRAMEWORKS[framework].name, "id": id, "title": FRAMEWORKS[framework].ids[id]}


LEDGER = {"in_scope": 10, "pass": 8, "violation": 2, "review": 0, "unknown": 0, "exempt": 0, "excluded": 0}
RESULTS = [
    rule_result(
        id="RET-07",
        family="RET",
        verdict="FAIL",
        ledger=LEDGER,
        rate=0.2,
        frameworks=[entry("nist", "CT.DM-P8"), entry("nist", "CT.DM-P5")],
    ),
    rule_result(
        id="RET-01",
        family="RET",
        title="=1+1",
        verdict="NOT_EVALUATED",
        law=["GDPR 17"],
        frameworks=[entry("ico", "rights"), entry("nist", "CT.DM-P5")],
    ),
]


def test_the_page_has_every_id_and_the_rules_that_bear_on_it():
    audit = SimpleNamespace(title="Audit <b>", as_of="2025-03-31T12:00:00Z")
    html = sanitised(frameworks_page(FRAMEWORKS, RESULTS, audit).html)
    assert all(f">{id}</span>" in html for framework in FRAMEWORKS.values() for id in framework.ids)
    row = re.search(r"<tr><th[^>]*><span[^>]*>CT\.DM-P5</span>.*?</tr>", html)[0]
    assert re.findall(r'<td class="n">(\d+)</td>', row) == ["1", "0", "0", "1"]
    assert 'href="retention.html#RET-07"' in row and 'href="retention.html#RET-01"' in row
    assert "No rule of this audit bears on it." in html and "to be confirmed by counsel" in html and "<b>" not in html
    assert "Rules tested something for 2 of" in html


def test_a_rule_names_its_ids_by_framework():
    text = re.sub("<[^>]+>", "", by_framework(RESULTS[1]).html)
    assert text == "ICO accountability framework rights; NIST Privacy Framework CT.DM-P5"
    assert 'href="frameworks.html#nist"' in by_framework(RESULTS[1]).html


def test_the_table_has_a_row_for_each_id_and_rule_by_framework(tmp_path: Path):
    exported.write(SimpleNamespace(rules=RESULTS, evidence="e" * 64), tmp_path)
    rows = list(csv.DictReader((tmp_path / "frameworks.csv").read_text("utf-8-sig").splitlines()))
    assert [(r["id"], r["rule"], r["tested"], r["violation"]) for r in rows] == [
        ("CT.DM-P5", "RET-01", "", ""),
        ("CT.DM-P5", "RET-07", "10", "2"),
        ("CT.DM-P8", "RET-07", "10", "2"),
        ("rights", "RET-01", "", ""),
    ]
    assert rows[0]["rule_title"] == "'=1+1" and {r["standing"] for r in rows} == {"to be confirmed by counsel"}
    assert list(rows[0]) == exported.COLUMNS and {r["evidence_sha256"] for r in rows} == {"e" * 64}
