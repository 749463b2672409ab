"""The page "In numbers", and what a run leaves of facts in its folder."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import jsonschema
import pytest
from commands import ROOT, heytalk_audit, run

from heytalk_audit.audit.document import read_results
from heytalk_audit.audit.fact_result import FactPart, FactResult
from heytalk_audit.audit.fact_sample import with_sample
from heytalk_audit.audit.rule_result import SampleResult, SampleReview
from heytalk_audit.canonical import package_files
from heytalk_audit.evidence.folder import results_of
from heytalk_audit.policy.chapters import SUBJECTS
from heytalk_audit.report.numbers_page import fact_section

SPECIFIED = {"id", "title", "definition", "total", "columns", "rows", "limits", "blocked_by"}


def blocked(**more):
    return FactResult(
        id="rights", title="Requests", definition="The requests.", total=None, counts="people", excluded=None, columns=(), rows=(),
        parts=(), limits=("Not evaluated: not delivered: rights_requests.",), blocked_by=("absent:rights_requests",), **more,
    )  # fmt: skip


def test_a_blocked_fact_says_what_is_missing_and_shows_no_number():
    html = fact_section(blocked()).html
    assert "Not evaluated." in html and "rights_requests" in html and "<table" not in html
    assert not re.search(r">0\b", html)


def test_what_two_people_made_of_a_sample_is_a_part_of_its_own():
    parts = tuple(FactPart(name=name, title=name, by=("category",), counts=("people",)) for name in ("stored", "texts"))
    whole = blocked().model_copy(
        update={
            "id": "sensitive",
            "total": 9,
            "parts": parts,
            "columns": ("part", "category", "people"),
            "rows": (("stored", "health", 9),),
        }
    )
    review = SampleReview(yes=6, no=5, undecided=0, agreement=1.0, kappa=1.0, low=0.2, high=0.8, stated="6 of 11")
    samples = (SampleResult(of="candidates", frame_size=40, drawn=11, records=(), review=review),)
    read = with_sample(whole, SimpleNamespace(samples=samples))
    assert read.columns == ("part", "category", "sample", "people", "drawn", "right", "wrong", "undecided")
    assert read.rows == (("stored", "health", None, 9, None, None, None, None), ("read", None, "candidates", None, 11, 6, 5, 0))
    assert "What two people made" in fact_section(read).html
    nobody = SimpleNamespace(samples=(samples[0].model_copy(update={"review": None}),))
    assert with_sample(whole, nobody) == whole
    assert with_sample(blocked(), SimpleNamespace(samples=samples)) == blocked()


def test_what_the_data_holds_is_escaped():
    part = FactPart(name="", title="", by=("purpose",), counts=("people",))
    shown = FactResult(
        id="x", title="X", definition="All.", total=1, counts="people", excluded=0, columns=("purpose", "people"),
        rows=(("<script>alert(1)</script>", 7),), parts=(part,), limits=(), blocked_by=(), tables=("users",),
    )  # fmt: skip
    html = fact_section(shown).html
    assert "<script>" not in html and "&lt;script&gt;" in html and "<strong>1</strong> people" in html


def test_a_hidden_row_reads_suppressed_and_nothing_is_drawn():
    part = FactPart(name="", title="", by=("state",), counts=("people",))
    shown = blocked().model_copy(
        update={"id": "people", "total": 12, "excluded": None, "columns": ("state", "people"), "parts": (part,), "suppressed": (0, 1)}
        | {"rows": (("live", None), ("purged", None)), "blocked_by": ()}
    )
    html = fact_section(shown).html
    assert (
        html.count(">suppressed<") == 2 and "<img" not in html and "12</strong> people, without those of test accounts (suppressed)" in html
    )


@pytest.mark.xdist_group("run")
def test_a_run_has_every_fact_in_results_and_on_its_page(audited):
    document = results_of(audited)
    facts = document["facts"]
    assert [fact["id"] for fact in facts] == list(SUBJECTS) and all(set(fact) >= SPECIFIED for fact in facts)
    jsonschema.validate(document, json.loads((ROOT / "docs" / "results.schema.json").read_text("utf-8")))
    page = (audited / "numbers.html").read_text("utf-8")
    index = (audited / "index.html").read_text("utf-8")
    assert 'href="numbers.html"' in index
    for fact in facts:
        assert f'<h2 id="{fact["id"].replace("_", "-")}"' in page and f"<strong>{fact['total']:,}</strong>" in page
        assert all(len(row) == len(fact["columns"]) for row in fact["rows"])
    assert not re.search(r"[\w.]+@(?!\w*\.?example)[\w.]+\.\w+", json.dumps([fact["rows"] for fact in facts]))


@pytest.mark.xdist_group("run")
def test_facts_and_their_page_are_materials(audited):
    names = {
        m["name"]
        for m in json.loads((audited / "evidence.json").read_text("utf-8"))["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    assert {f"fact/{id}" for id in SUBJECTS} | {"notebook/05-in-numbers.ipynb"} <= names
    assert any(name.startswith("facts/") for name, _ in package_files())


def test_results_of_before_are_read_without_facts(audited):
    document = results_of(audited)
    assert read_results({name: part for name, part in document.items() if name != "facts"}).facts == ()


@pytest.mark.xdist_group("run")
def test_a_regulators_run_shows_no_small_number_and_replays(demo, tmp_path):
    registers = {name: str(ROOT / "params" / f"{name}.yaml") for name in ("processing", "incidents")}
    chosen = {"chapters": ["evidence"], "rules": ["DQ-04"], "facts": ["people", "legal_basis", "security"]}
    done = run(demo, tmp_path / "run", report={"audience": "regulator"}, **chosen, **registers)
    assert done.returncode in (0, 1, 3), done.stderr
    facts = read_results(results_of(tmp_path / "run")).facts
    assert [fact.id for fact in facts] == ["people", "legal_basis", "security"]
    for fact in facts:
        counts = {name for part in fact.parts for name in part.counts}
        cells = [cell for row in fact.rows for name, cell in zip(fact.columns, row, strict=True) if name in counts]
        assert fact.total and not any(isinstance(cell, int) and 0 < cell < 5 for cell in cells)
    options = [option for name, path in registers.items() for option in (f"--{name}", path)]
    again = heytalk_audit("replay", tmp_path / "run", "--snapshot", demo, *options)
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_fact_that_does_not_exist_is_refused(demo, tmp_path):
    done = run(demo, tmp_path / "run", facts=["peopel"])
    assert done.returncode == 2 and "people" in done.stderr and not (tmp_path / "run").exists()
