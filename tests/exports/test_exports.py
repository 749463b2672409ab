"""Exports: each cites the evidence, repeats byte for byte, runs nothing in a spreadsheet, and never makes a pass of what was not tested."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import tempfile
import time
import tracemalloc
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from datetime import date
from importlib import metadata
from pathlib import Path

import checkers
import pyarrow as pa
import pytest
from commands import heytalk_audit
from small_run import failing
from small_run import recorded as recorded_run

from heytalk_audit import exports
from heytalk_audit.audit import disclosure
from heytalk_audit.audit.exceptions import EXCEPTIONS, write_rows
from heytalk_audit.canonical import digest
from heytalk_audit.errors import InputError, visible
from heytalk_audit.evidence.folder import exceptions_file
from heytalk_audit.evidence.materials import LOCK
from heytalk_audit.exports import chromium, environment, excel, junit, oscal, pdf, recorded, sarif, tables
from heytalk_audit.report import paper
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Audience, Verdict

pytestmark = pytest.mark.xdist_group("exports")
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "  =1",
    "\ufeff=1",
    "\u00a0@x",
    "\uff1d1+1",
    "\n-1",
    " \u200b=1",
]
HARMLESS = ["a=b", "1-2", "x@y", "", "'=1"]


def contents(write, run) -> dict[str, bytes]:
    """The files that a format writes: name to content."""
    with tempfile.TemporaryDirectory() as folder:
        write(run, Path(folder))
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


@pytest.fixture(scope="module")
def run(audited):
    return recorded.read_recorded(audited)


def test_each_export_cites_the_evidence_and_repeats(run, audited):
    evidence = digest((audited / "evidence.json").read_bytes())
    written = [(f, contents(write, run)) for f, write in exports.FORMATS.items() if f not in ("pdf", "short", "dsse")]
    time.sleep(2.1)  # a zip file counts time in steps of two seconds
    for name, files in written:
        assert files == contents(exports.FORMATS[name], run), name
        for file, content in files.items():
            assert file in exports.FILES_OF[name]
            inner = zipfile.ZipFile(io.BytesIO(content)) if file.endswith(".xlsx") else None
            text = b"".join(inner.read(n) for n in inner.namelist()) if inner else content
            assert evidence.encode() in text, file
    assert run.evidence == evidence


@pytest.mark.parametrize("value", HOSTILE)
def test_a_spreadsheet_runs_nothing(value):
    assert tables.safe(value) == "'" + visible(value)


def test_a_cell_that_another_locale_splits_runs_nothing():
    assert tables.safe("a;=1") == "a;'=1" and tables.safe("a\n @x") == "a\n '@x" and tables.safe("CL-1; CL-2") == "CL-1; CL-2"


def test_what_is_no_formula_stays_as_it_is():
    assert [tables.safe(value) for value in [*HARMLESS, -3, 0.5, None, date(2025, 1, 1)]] == [*HARMLESS, -3, 0.5, None, date(2025, 1, 1)]


def hostile(run, value):
    rule = next(r for r in run.findings if r.ledger.violation)
    return replace(run, rules=[rule.with_(title=value, recommendation=value)], audit=run.audit.model_copy(update={"title": value}))


@pytest.mark.parametrize("value", [*HOSTILE, 'a"b,c;d\r\n=1', "\x00\x0b\ufffe<&>", "https://x.example"])
def test_hostile_titles_are_text_in_every_format(run, value):
    titled = hostile(run, value)
    rows = list(csv.DictReader(io.StringIO(contents(tables.write, titled)["findings.csv"].decode("utf-8-sig"), newline="")))
    assert [r["title"] for r in rows] == [tables.safe(value)]
    book = zipfile.ZipFile(io.BytesIO(contents(excel.write, titled)["findings.xlsx"]))
    sheets = [book.read(n).decode("utf-8") for n in book.namelist() if n.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 4 and not any("<f>" in sheet or "<hyperlink" in sheet for sheet in sheets)
    ET.fromstring(contents(junit.write, titled)["junit.xml"])
    json.loads(contents(oscal.write, titled)["oscal-assessment-results.json"])


def test_the_tables_hold_every_finding_and_every_row(run):
    written = contents(tables.write, run)
    assert all(content.startswith(b"\xef\xbb\xbf") for content in written.values())
    findings = list(csv.DictReader(io.StringIO(written["findings.csv"].decode("utf-8-sig"), newline="")))
    assert {f["id"] for f in findings} == {r.id for r in run.rules if r.verdict != "PASS" or any(r.ledger[o] for o in OPEN_OUTCOMES)}
    rows = list(csv.DictReader(io.StringIO(written["exceptions.csv"].decode("utf-8-sig"), newline="")))
    for rule in run.rules:
        for outcome in OPEN_OUTCOMES:
            assert sum(r["rule"] == rule.id and r["outcome"] == outcome for r in rows) == rule.ledger[outcome]
    untested = [f for f in findings if f["verdict"] == "NOT_EVALUATED"]
    assert untested and not any(t[name] for t in untested for name in ("in_scope", "violation", "rate", "people_violation"))
    shown = [disclosure.of_rule(r, "regulator") for r in run.rules]
    external = replace(run, audit=run.audit.model_copy(update={"audience": Audience.REGULATOR}), rules=shown)
    assert set(contents(tables.write, external)) == {"findings.csv"}
    assert len(zipfile.ZipFile(io.BytesIO(contents(excel.write, external)["findings.xlsx"])).namelist()) < 20
    findings = list(csv.DictReader(io.StringIO(contents(tables.write, external)["findings.csv"].decode("utf-8-sig"), newline="")))
    assert not {f["people_violation"] for f in findings} & {"1", "2", "3", "4"}


def test_python_holds_a_few_of_the_rows_that_it_writes(run, tmp_path):
    rule = next(rule for rule in run.findings if rule.ledger.violation)
    rows = 200_000
    records = [f"{n:016x}" for n in range(rows)]
    columns = [records, records, ["violation"] * rows, ["late"] * rows, [None] * rows, [None] * rows]
    write_rows(pa.table(columns, schema=EXCEPTIONS).to_batches(), {exceptions_file(tmp_path / "run", rule.id): EXCEPTIONS})
    large = replace(run, folder=tmp_path / "run", rules=[rule])
    del records, columns
    tracemalloc.start()
    tables.write(large, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with (tmp_path / "exceptions.csv").open(newline="") as written:
        assert sum(1 for _ in written) == rows + 1
    # its rows as lists would take 80 MB
    assert (tmp_path / "exceptions.csv").stat().st_size > 20_000_000 > peak, peak


def test_owners_get_columns_and_lists(run):
    book = zipfile.ZipFile(io.BytesIO(contents(excel.write, run)["findings.xlsx"]))
    findings, rows = (ET.fromstring(book.read(f"xl/worksheets/sheet{n}.xml")) for n in (2, 4))
    head = ["".join(cell.itertext()) for cell in next(findings.iter(f"{SHEET}row"))]
    assert head[-5:] == ["Owner", "Due date", "Response", "Response text", "Status"]
    lists = {v.find(f"{SHEET}formula1").text for v in findings.iter(f"{SHEET}dataValidation") if v.get("type") == "list"}
    assert lists == {'"agree,partly,disagree"', '"open,in progress,done: to be tested again"'}
    assert len(list(findings.iter(f"{SHEET}row"))) == len(run.findings) + 1
    assert all(sheet.find(f"{SHEET}autoFilter") is not None for sheet in (findings, rows))
    assert f">{run.audit.as_of}<".encode() in book.read("docProps/core.xml")


def with_verdicts(run):
    """A run with every verdict that there is."""
    return replace(run, rules=[r.with_(verdict=v, reason=f"because {v}") for r, v in zip(run.rules, Verdict, strict=False)])


class NewVerdict(str):
    """A verdict that a later version might have, and that no export names yet."""

    is_tested = True


def test_ci_counts_nothing_as_passed_that_was_not(run):
    every_verdict = with_verdicts(run)
    root = ET.fromstring(contents(junit.write, every_verdict)["junit.xml"])
    marks = {
        case.get("name").split()[0]: [(m.tag, m.get("message")) for m in case if m.tag != "system-out"] for case in root.iter("testcase")
    }
    expected = {"FAIL": "failure", "ERROR": "error", "REVIEW": "skipped", "NOT_EVALUATED": "skipped", "NO_POPULATION": "skipped"}
    for rule in every_verdict.rules:
        mark = expected.get(rule.verdict)
        assert marks[rule.id] == ([(mark, f"{rule.verdict}: because {rule.verdict}")] if mark else [])
    suite = {name: sum(int(s.get(name)) for s in root.iter("testsuite")) for name in ("tests", "failures", "errors", "skipped")}
    assert suite == {"tests": 7, "failures": 1, "errors": 1, "skipped": 3} == {name: int(root.get(name)) for name in suite}
    strange = replace(run, rules=[every_verdict.rules[0].with_(verdict=NewVerdict("NEW"))])
    assert b"<error" in contents(junit.write, strange)["junit.xml"]


def test_oscal_flattens_nothing(run):
    every_verdict = with_verdicts(run)
    (result,) = oscal.assessment_results(every_verdict)["results"]
    states = {f["target"]["target-id"].removesuffix("_obj"): f["target"]["status"]["state"] for f in result["findings"]}
    by_verdict = {rule.verdict: rule.id for rule in every_verdict.rules}
    assert states == {by_verdict["PASS"]: "satisfied", by_verdict["FAIL"]: "not-satisfied"}
    seen = {p["value"] for o in result["observations"] for p in o["props"] if p["name"] == "verdict"}
    assert seen == set(by_verdict)


def test_oscal_objectives_resolve_in_the_plan():
    run = recorded_run([failing("RET-01"), failing("RET-02", verdict="PASS")])
    plan, results = oscal.assessment_plan(run), oscal.assessment_results(run)
    defined = {part["id"] for one in plan["local-definitions"]["objectives-and-methods"] for part in one["parts"]}
    (result,) = results["results"]
    reviewed = result["reviewed-controls"]["control-objective-selections"][0]["include-objectives"]
    assert {f["target"]["target-id"] for f in result["findings"]} == {"RET-01_obj", "RET-02_obj"} == defined
    assert {one["objective-id"] for one in reviewed} == defined
    assert results["import-ap"]["href"] == oscal.PLAN and oscal.PLAN in contents(oscal.write, run)
    resources = {f"#{one['uuid']}" for one in plan["back-matter"]["resources"]}
    assert plan["import-ssp"]["href"] in resources


def test_sarif_flattens_nothing():
    rules = [failing("RET-01", verdict=v, reason=f"because {v}") for v in Verdict]
    log = json.loads(contents(sarif.write, recorded_run(rules))[sarif.FILE])
    (run,) = log["runs"]
    kinds = {r["properties"]["verdict"]: (r["kind"], r["level"], "suppressions" in r) for r in run["results"]}
    assert kinds == {
        "PASS": ("pass", "none", False),
        "FAIL": ("fail", "error", False),
        "ACCEPTED": ("fail", "error", True),
        "REVIEW": ("review", "none", False),
        "NO_POPULATION": ("notApplicable", "none", False),
        "NOT_EVALUATED": ("open", "none", False),
        "ERROR": ("open", "none", False),
    }
    assert log["version"] == "2.1.0" and all(run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert all(r["message"]["text"].startswith(r["properties"]["verdict"]) for r in run["results"])


def test_no_time_of_a_machine_is_in_junit():
    root = ET.fromstring(contents(junit.write, recorded_run([failing("RET-01")]))["junit.xml"])
    assert {one.get("time") for one in root.iter() if one.tag in ("testsuites", "testsuite", "testcase")} == {"0"}
    assert [suite.get("timestamp") for suite in root.iter("testsuite")] == ["2025-03-31T12:00:00"]


def test_a_workbook_is_printed_across_with_its_titles_on_each_sheet():
    withheld = recorded_run([failing("RET-01")], audience="public")
    book = zipfile.ZipFile(io.BytesIO(contents(excel.write, withheld)["findings.xlsx"]))
    for number in (1, 2):
        setup = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml")).find(f"{SHEET}pageSetup")
        assert setup.get("orientation") == "landscape" and setup.get("paperSize") == "9" and setup.get("fitToHeight") == "0"
    assert b"Findings!$1:$1" in book.read("xl/workbook.xml")


def test_oscal_is_read_back_by_its_own_library(run, tmp_path):
    script = (
        "import pathlib, sys; from trestle.oscal.assessment_results import AssessmentResults as A; "
        "print(A.oscal_read(pathlib.Path(sys.argv[1])).oscal_serialize_json())"
    )
    for one in (run, with_verdicts(run)):
        file = tmp_path / "oscal-assessment-results.json"
        oscal.write(one, tmp_path)
        done = checkers.run_script(script, file)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == json.loads(file.read_bytes())


def test_the_environment_is_a_bill_of_materials_by_its_schema(run):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = contents(environment.write, run)["environment.cdx.json"].decode("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["specVersion"] == "1.6" and "timestamp" not in bill["metadata"] and sys.prefix not in text
    by_name = {c["name"]: c for c in bill["components"]}
    duckdb = by_name["duckdb"]
    assert duckdb["version"] == metadata.version("duckdb") and duckdb["purl"] == f"pkg:pypi/duckdb@{duckdb['version']}"
    hashes = {h["content"] for r in duckdb["externalReferences"] for h in r["hashes"]}
    assert hashes and all(f"sha256:{h}" in LOCK.read_text("utf-8") for h in hashes)
    assert sum("licenses" in c for c in by_name.values()) > 0.9 * len(by_name)


def test_exports_are_whole_or_not_there(run, audited, tmp_path):
    shutil.copytree(audited, tmp_path / "run")
    done = heytalk_audit("export", tmp_path / "run", "--format", "csv,junit")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "run.exports"
    assert sorted(p.name for p in folder.iterdir()) == ["exceptions.csv", "findings.csv", "junit.xml"]
    exports.export(tmp_path / "run", ["oscal"], None)
    assert sorted(p.name for p in folder.iterdir()) == ["oscal-assessment-plan.json", "oscal-assessment-results.json"]
    (folder / "mine.txt").write_text("x")
    for formats, out in ([["csv"], None], [["cvs"], tmp_path / "o"], [["csv"], tmp_path / "run" / "o"], [["csv"], tmp_path / "run"]):
        with pytest.raises(InputError):
            exports.export(tmp_path / "run", formats, out)
    (tmp_path / "run" / "results.json").write_text("{}")
    with pytest.raises(InputError, match="not as it was written"):
        exports.export(tmp_path / "run", ["csv"], tmp_path / "o")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run.exports"]


def test_without_chromium_the_pdf_is_refused_or_left_out(audited, tmp_path, monkeypatch):
    monkeypatch.setattr(chromium.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="Chromium"):
        exports.export(audited, ["pdf"], tmp_path / "one")
    assert not (tmp_path / "one").exists()
    _, files, left = exports.export(audited, [], tmp_path / "all")
    assert "report.pdf" not in files and "demo-short.docx" not in files and len(files) == 9
    assert len(left) == 3 and "Chromium" in left[0] and "Chromium" in left[1]


@pytest.mark.browser
def test_the_pdf_has_every_page_and_no_path_of_this_machine(run, monkeypatch):
    from pypdf import PdfReader

    if not any(map(shutil.which, chromium.NAMES)):
        pytest.skip("Chromium is not installed")
    pages = pdf.report_pages(run.folder)
    assert [p.name for p in pages][:4] == ["index.html", "numbers.html", "evidence.html", "retention.html"]
    monkeypatch.setattr(pdf, "report_pages", lambda folder: [p for p in pages if p.name in ("index.html", "evidence.html")])
    content = contents(pdf.write, run)["report.pdf"]
    read = PdfReader(io.BytesIO(content))
    assert run.evidence in read.metadata["/Subject"] and run.evidence in "".join(read.pages[0].extract_text().split())
    tops = [item.title for item in read.outline if not isinstance(item, list)]
    nested = [item.title for item in flat(read.outline)]
    assert tops == [run.audit.title, "Evidence"] and any(title.startswith("DQ-03") for title in nested)
    root = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en" and "/StructTreeRoot" in root
    assert b"file:" not in content and not any("/A" in a.get_object() for p in read.pages for a in p.get("/Annots") or [])
    text = "".join(p.extract_text() for p in read.pages)
    assert "DQ-03" in text and "SELECT" not in text and "Page 1 of" in text
    assert content == contents(pdf.write, run)["report.pdf"]


def flat(outline):
    """Bookmarks, and those below them."""
    return [inner for item in outline for inner in (flat(item) if isinstance(item, list) else [item])]


@pytest.mark.browser
def test_a_digest_is_copied_from_a_pdf_as_it_is():
    from pypdf import PdfReader

    if not any(map(shutil.which, chromium.NAMES)):
        pytest.skip("Chromium is not installed")
    run = replace(recorded_run([]), evidence="ff" * 32)
    printed = chromium.printed(paper.wrapped(f"<p>{run.evidence}</p>", "A title", run.evidence), run, "A title")
    text = "".join(PdfReader(io.BytesIO(printed)).pages[0].extract_text().split())
    assert text.count(run.evidence) == 2  # two letters of some fonts become one


@pytest.mark.browser
def test_a_page_of_a_pack_is_printed_and_not_obeyed(tmp_path):
    from pypdf import PdfReader

    run = recorded_run([])
    if not any(map(shutil.which, chromium.NAMES)):
        pytest.skip("Chromium is not installed")
    (tmp_path / "secret.txt").write_text("what is on this machine", "utf-8")
    secret = (tmp_path / "secret.txt").as_uri()
    hostile = [
        f"<script>document.write('it ran')</script><meta http-equiv=refresh content='0;url={secret}'>",
        f"<iframe src='{secret}'></iframe>",
    ]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "index.html").write_text(f"<title>A page</title>{''.join(hostile)}<p>a plain text</p>", "utf-8")
    printed = chromium.printed(pdf.document(replace(run, folder=tmp_path / "run")), run, "A title")
    text = "".join(p.extract_text() for p in PdfReader(io.BytesIO(printed)).pages)
    assert "a plain text" in text and "it ran" not in text and "this machine" not in text
