"""Clauses: attestations read strictly and never counted as tests, and every clause's state from the rules that should test it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from commands import heytalk_audit, params, refused

from heytalk_audit.audit import clauses
from heytalk_audit.audit.document import ClauseStanding, read_results
from heytalk_audit.canonical import yaml_text
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import results_of
from heytalk_audit.policy import load_policy
from heytalk_audit.registers import attestations
from heytalk_audit.report import policy_pages, words
from heytalk_audit.rules import RULES
from heytalk_audit.vocabulary import Verdict

TODAY = dt.date(2025, 3, 31)
POLICY = load_policy()
GOOD = {
    "clause": "CL-006",
    "who": "Ada Example",
    "role": "counsel",
    "what": "A data protection officer is appointed.",
    "date": "2025-01-31",
    "evidence": {"name": "letter.pdf", "sha256": "a" * 64},
    "expires": "2025-12-31",
}


def written(folder: Path, *rows: dict) -> Path:
    path = folder / "attestations.yaml"
    path.write_text(yaml_text({"attestations": list(rows)}), "utf-8")
    return path


def read(folder: Path, *rows: dict) -> list:
    return attestations.read_attestations(written(folder, *rows), POLICY, TODAY)


@pytest.mark.parametrize(
    ("expires", "state"), [("2025-03-31", "ATTESTED"), ("2025-03-30", "EXPIRED"), ("2025-04-01", "ATTESTED"), (None, "OPEN")]
)
def test_a_statement_holds_up_to_and_with_its_last_day(tmp_path, expires, state):
    rows = read(tmp_path, GOOD | {"expires": expires}) if expires else read(tmp_path)
    standing = attestations.attestation_standings(rows, POLICY, TODAY)
    assert standing["CL-006"]["state"] == state
    assert len(standing) == 26 and Counter(s["state"] for c, s in standing.items() if c != "CL-006") == {"OPEN": 25}


def test_the_current_row_speaks_for_a_clause_whose_older_ones_ran_out(tmp_path):
    older = GOOD | {"who": "Old Example", "date": "2024-01-01", "expires": "2024-12-31"}
    assert attestations.attestation_standings(read(tmp_path, GOOD, older), POLICY, TODAY)["CL-006"]["who"] == "Ada Example"


UNUSABLE = {
    "unknown clause": ({"clause": "CL-600"}, "did you mean 'CL-"),
    "clause that data tests": ({"clause": "CL-001"}, "is of class D"),
    "clause without a promise": ({"clause": "CL-039"}, "is of class N"),
    "unknown key": ({"expire": "2025-12-31"}, "did you mean 'expires'"),
    "unknown key of evidence": ({"evidence": {"name": "x", "sha": "a" * 64, "sha256": "a" * 64}}, "did you mean 'sha256'"),
    "date after the audit": ({"date": "2025-04-01"}, "lies after the audit's day"),
    "expiry before the date": ({"expires": "2025-01-30"}, "lies before its date"),
    "no digest": ({"evidence": {"name": "x", "sha256": "a" * 63}}, "is no SHA-256"),
    "digest of other letters": ({"evidence": {"name": "x", "sha256": "g" * 64}}, "is no SHA-256"),
    "digest as a number": ({"evidence": {"name": "x", "sha256": int("1" * 64)}}, "is no SHA-256"),
    "blank name": ({"who": "  "}, "who"),
    "no statement": ({"what": None}, "what"),
    "date as a number": ({"date": 20250131}, "is no date"),
    "an instant": ({"date": dt.datetime(2025, 1, 31, 12)}, "is no date"),
    "terminal codes": ({"clause": "\x1b[31mCL-006"}, "unknown clause"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_refused_in_one_line(name, tmp_path):
    change, hint = UNUSABLE[name]
    with pytest.raises(InputError, match=re.escape(hint)) as error:
        read(tmp_path, GOOD | change)
    assert str(error.value).isprintable() and re.match(r".+: .+; .+", str(error.value))


def test_two_current_rows_of_a_clause_are_refused(tmp_path):
    with pytest.raises(InputError, match="CL-006: has two current rows"):
        read(tmp_path, GOOD, GOOD | {"who": "Bob Example"})


@pytest.mark.parametrize("text", ["[" * 5000, "- just a list", "a: [", "", "attestations: 3", "\x00"])
def test_a_file_of_something_else_is_refused(text, tmp_path):
    (tmp_path / "file.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"file\.yaml"):
        attestations.read_attestations(tmp_path / "file.yaml", POLICY, TODAY)


def test_a_bad_file_stops_the_run_before_it_begins(tmp_path, demo):
    bad = written(tmp_path, GOOD | {"clause": "CL-001"})
    given = params(tmp_path, demo, attestations=str(bad))
    refused(heytalk_audit("run", given, "--out", tmp_path / "out"), tmp_path / "out", "CL-001")


def test_hostile_words_are_text_on_the_page_and_the_digest_is_evidence(tmp_path, demo):
    script = "<script>document.title='run'</script>"
    file = written(tmp_path, GOOD | {"who": script, "what": f'"><img src=x onerror=alert(1)>\u202e{script}'})
    out = tmp_path / "out"
    given = params(tmp_path, demo, attestations=str(file), chapters=["evidence"], rules=["DQ-03"])
    assert heytalk_audit("run", given, "--out", out).returncode == 1
    page = (out / "clauses.html").read_text("utf-8")
    assert "&lt;script&gt;document.title" in page and page.count("<script>") == 1 and "\u202e" not in page and "<img src=x" not in page
    said = json.loads((out / "evidence.json").read_text("utf-8"))["predicate"]["buildDefinition"]
    used = {m["name"]: m["digest"].get("sha256") for m in said["resolvedDependencies"]}
    assert used["attestations"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert str(tmp_path) not in json.dumps(said)
    found = {c["id"]: c for c in json.loads((out / "results.json").read_text("utf-8"))["clauses"]}
    assert found["CL-006"]["attestation"]["who"] == script and found["CL-006"]["attestation"]["state"] == "ATTESTED"
    assert found["CL-006"]["attestation"]["evidence_sha256"] == "a" * 64
    # of two rules, one ran: CL-020 may fail, and may not pass; nothing else was tested
    assert {c["state"] for c in found.values() if c["class"] == "D" and not c["rules"]} == {"NOT_TESTED"}
    assert "Not tested in this run" in page


def test_the_shipped_example_has_attested_expired_and_open_clauses():
    rows = attestations.read_attestations(Path(__file__).parents[2] / "params" / "attestations.yaml", POLICY, TODAY)
    states = Counter(s["state"] for s in attestations.attestation_standings(rows, POLICY, TODAY).values())
    assert set(states) == {"ATTESTED", "EXPIRED", "OPEN"} and states["EXPIRED"] == 1


# how clauses stand ---------------------------------------------------------------------------------


def ran(id: str, verdict: str, *cited: str, basis: str = "policy") -> SimpleNamespace:
    """As much of a rule's result as clauses depend on."""
    return SimpleNamespace(id=id, verdict=Verdict(verdict), basis=basis, clauses=[SimpleNamespace(id=c) for c in cited])


def standings(*results: SimpleNamespace) -> dict[str, ClauseStanding]:
    audit = SimpleNamespace(policy=POLICY, clock=SimpleNamespace(today=TODAY))
    return {c.id: c for c in clauses.results(audit, list(results), RULES)}


def test_a_clause_is_kept_only_if_every_rule_of_it_ran_and_passed():
    # CL-179: RET-01; RET-04
    assert standings(ran("RET-01", "PASS"), ran("RET-04", "PASS"))["CL-179"].state == "KEPT"
    assert standings(ran("RET-01", "PASS"))["CL-179"].state == "NOT_TESTED"
    assert standings(ran("RET-01", "PASS"))["CL-179"].not_run == ("RET-04",)
    assert standings()["CL-179"].state == "NOT_TESTED"


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        ("REVIEW", "UNDECIDED"),
        ("ERROR", "NOT_TESTED"),
        ("NOT_EVALUATED", "NOT_TESTED"),
        ("NO_POPULATION", "NOT_TESTED"),
        ("PASS", "KEPT"),
    ],
)
def test_a_clause_stands_as_its_worst_rule(verdict, state):
    assert standings(ran("RET-01", "PASS"), ran("RET-04", verdict))["CL-179"].state == state


@pytest.mark.parametrize("verdict", ["FAIL", "ACCEPTED"])
def test_a_rule_that_touches_a_clause_breaks_it_in_part(verdict):
    """CL-020 is tested by DQ-03 or COL-04, and COL-01 touches nearly every clause on what is collected."""
    touched = next(c for c in POLICY.clauses.values() if c.kind == "D" and set(c.rules) - set(c.primary) >= {"COL-01"} and c.primary)
    assert standings(ran("COL-01", verdict))[touched.id].state == "PARTLY"
    assert standings(ran("COL-01", "REVIEW"), ran(touched.primary[0], verdict))[touched.id].state == "BROKEN"
    assert standings(ran("COL-01", verdict), ran(touched.primary[0], verdict))[touched.id].state == "BROKEN"


def test_every_primary_rule_is_one_of_its_clauses_rules():
    for clause in POLICY.clauses.values():
        assert set(clause.primary) & RULES.keys() <= set().union(*clauses.named(clause, RULES)), clause.id


def test_the_laws_reading_moves_no_clause():
    found = standings(ran("SEN-02", "PASS"), ran("SEN-04", "PASS"), ran("SEN-01", "PASS"), ran("SEN-01L", "FAIL", "CL-024", basis="law"))
    assert found["CL-024"].state == "KEPT"


def test_an_attested_clause_stands_as_its_rules_where_it_has_any():
    assert standings(ran("DQ-06", "PASS", "CL-003"))["CL-003"].state == "KEPT"
    assert standings(ran("DQ-06", "FAIL", "CL-003"))["CL-003"].state == "BROKEN"
    assert standings()["CL-003"].state == "NOT_TESTED"
    assert standings()["CL-002"].state == "OPEN"


def test_a_sentence_that_promises_nothing_is_never_broken():
    assert {c.state for c in standings(*[ran(id, "FAIL") for id in RULES]).values() if c.kind == "N"} == {"NO_COMMITMENT"}


def test_rules_and_clauses_name_each_other():
    """The policy's data says which rules should test a clause; each rule says which clauses it serves. Of the families that are there."""
    families = {r.family for r in RULES.values()}
    asked = {c.id: [{r for r in ids if r.split("-")[0] in families} for ids in clauses.named(c, RULES)] for c in POLICY.clauses.values()}
    # the law's reading of a rule, and rules that the policy's data names for no clause, cite the clauses nearest to them
    free = {r.id for r in RULES.values() if r.basis == "law"} | (set(RULES) - set().union(*[single for single, _ in asked.values()]))
    differ = []
    for id, (single, spread) in asked.items():
        cites = {r.id for r in RULES.values() if id in r.clauses}
        if not single <= cites or not cites - free <= single | spread:
            differ.append((id, sorted(single | spread), sorted(cites)))
    assert differ == []


def test_every_word_of_a_shorthand_is_spelled_out():
    ids = [*RULES, "PRM-01", "PRM-05", "SEC-07"]
    assert clauses.named(POLICY.clauses["CL-057"], ids) == ({"CON-06"}, {f"PRM-0{n}" for n in range(1, 6)})
    assert "SEC-07" in clauses.named(POLICY.clauses["CL-007"], ids)[1]
    assert clauses.named(POLICY.clauses["CL-018"], ids)[1] == set(ids)
    assert clauses.named(POLICY.clauses["CL-039"], ids) == (set(), set())


# the pages -----------------------------------------------------------------------------------------


def test_the_totals_add_up_on_the_page(audited):
    stands = read_results(results_of(audited)).clauses
    sums = {kind: sum(policy_pages.tally(stands, kind).values()) for kind in "DAN"}
    assert sums == {"D": 162, "A": 26, "N": 6}
    assert {c.state for c in stands} <= set(words.CLAUSES) and set(clauses.STANDINGS) <= set(words.CLAUSES)
    assert sum(sum(policy_pages.grouped(policy_pages.tally(stands, kind)).values()) for kind in "DAN") == 194
    page = (audited / "clauses.html").read_text("utf-8")
    assert all(f">{c.id}<" in page for c in stands)
    # what a chart would show stands in the table
    assert "base64," not in page


def test_the_documents_findings_stand_with_the_verdicts_of_rules_on_their_clauses(audited):
    page = (audited / "document.html").read_text("utf-8")
    for finding in POLICY.findings:
        assert f">{finding['id']}<" in page
    assert [page.index(f'id="severity-{s}"') for s in ("critical", "high", "medium", "low")] == sorted(
        page.index(f'id="severity-{s}"') for s in ("critical", "high", "medium", "low")
    )
    row = page[page.index(">POL-04<") : page.index(">POL-05<")]
    assert "CL-180" in row and 'href="retention.html#RET-01"' in row


def test_every_clause_that_data_can_test_has_a_rule():
    cited = {clause for rule in RULES.values() for clause in rule.clauses}
    testable = {c.id for c in POLICY.clauses.values() if c.kind == "D"}
    assert len(testable) == 162 and not testable - cited


def test_every_link_of_the_report_leads_somewhere(audited):
    ids = {p.name: set(re.findall(r'id="([^"]+)"', p.read_text("utf-8"))) for p in audited.glob("*.html")}
    for page in audited.glob("*.html"):
        for file, anchor in re.findall(r'href="([a-z-]*(?:\.html)?)#([^"]+)"', page.read_text("utf-8")):
            assert anchor in ids[file or page.name], (page.name, file, anchor)
