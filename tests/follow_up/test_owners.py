"""The register's loop: files for owners go out, their answers come back, and nothing that they wrote runs or is lost."""

from __future__ import annotations

import datetime as dt
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
import yaml
from commands import heytalk_audit
from test_follow_up import AFTER, SECOND, audited, findings_file, snapshot

from heytalk_audit.errors import InputError
from heytalk_audit.handover.owners import ANSWERS, FIXED, SHEET, write_owner_files
from heytalk_audit.handover.responses import read_responses
from heytalk_audit.handover.workbook import MOST_BYTES, read_sheet
from heytalk_audit.registers.findings import suggested_due
from heytalk_audit.vocabulary import Severity

pytestmark = pytest.mark.xdist_group("follow-up")
TRAFFIC, CHILD = "RET-07:over_one_year", "MIN-01:below_policy_age"
TITLES = [*FIXED, *ANSWERS]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Path:
    """A run with two findings."""
    folder = tmp_path_factory.mktemp("owners")
    snapshot(folder / "two", AFTER, SECOND)
    return audited(folder / "two", folder / "run", audit={"id": "Q2"}, settings={"policy_min_age": 16})


def assigned(folder: Path, *more: dict) -> Path:
    entries = [{"key": TRAFFIC, "owner": "Ann", "due": "2025-08-30"}, {"key": CHILD, "owner": "Bo"}]
    findings_file(folder / "f.yaml", *[entry | (more[n] if n < len(more) else {}) for n, entry in enumerate(entries)])
    return folder / "f.yaml"


def answered(path: Path, *rows: dict, titles: list[str] = TITLES) -> Path:
    """A workbook as an owner sends it back: texts are texts, and what begins with an equals sign is a formula."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet(SHEET)
        for column, title in enumerate(titles):
            sheet.write_string(0, column, title)
            for n, row in enumerate(rows, 1):
                if title in row:
                    sheet.write(n, column, row[title])
    return path


TRAFFIC_ROW = {"Key": TRAFFIC, "Due": "2025-08-30", "Response": "agree", "Status": "open"}


def test_a_register_that_is_begun_has_titles_and_days_by_rating_the_gravest_first(found):
    entries = yaml.safe_load(heytalk_audit("findings", found).stdout)["findings"]
    assert [(e["key"], e["owner"], e["due"]) for e in entries] == [(CHILD, None, "2025-07-01"), (TRAFFIC, None, "2025-07-01")]
    assert entries[1]["title"].startswith("Traffic data kept beyond one year. The event is more than 12 months old")


@pytest.mark.parametrize(
    ("severity", "day"), [("critical", "2025-03-31"), ("high", "2025-04-30"), ("medium", "2025-05-30"), ("low", "2025-08-28")]
)
def test_a_due_day_follows_from_the_rating(severity, day):
    assert suggested_due(Severity(severity), dt.date(2025, 3, 1)).isoformat() == day


def test_what_goes_out_comes_back_whole(found, tmp_path):
    register = assigned(tmp_path, {"response": "partly", "text": "=1+1 & <b>", "title": "@SUM(A1)"})
    done = heytalk_audit("owners", found, register, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == ["01-ann.xlsx", "02-bo.xlsx"]
    sheet = read_sheet(files[0], SHEET)
    assert len(sheet) == 2 and not any(cell.is_formula for row in sheet.values() for cell in row.values())
    assert {"@SUM(A1)", "=1+1 & <b>"} <= {cell.text for cell in sheet[2].values()}
    done = heytalk_audit("responses", register, *files, "--out", tmp_path / "next.yaml")
    assert done.returncode == 0 and "2 findings of 2 answered" in done.stdout, done.stderr
    old, new = (yaml.safe_load(path.read_text("utf-8"))["findings"] for path in (register, tmp_path / "next.yaml"))
    assert [{k: v for k, v in entry.items() if v is not None} for entry in new] == [{"status": "open"} | entry for entry in old]


@pytest.mark.parametrize("value", ["=cmd|' /C calc'!A0", "@x", "\t=1", "https://x.example <script>\u202ex\ufffe"])
def test_no_cell_of_a_file_that_goes_out_is_a_formula_or_a_link(found, tmp_path, value):
    register = assigned(tmp_path, {"owner": f"{value}Ann", "response": "partly", "text": value, "title": value})
    write_owner_files(found, register, tmp_path / "out")
    for file in (tmp_path / "out").iterdir():
        assert file.name.isascii() and file.parent == tmp_path / "out"
        with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as book:
            parts = [book.read(name).decode("utf-8") for name in book.namelist() if name.startswith("xl/")]
        assert not any("<f>" in part or "<hyperlink" in part for part in parts)
        for part in parts:
            ET.fromstring(part)


def test_only_findings_with_an_owner_go_out_and_the_others_are_named(found, tmp_path):
    register = assigned(tmp_path, {}, {"owner": None})
    done = heytalk_audit("owners", found, register, "--out", tmp_path / "out")
    assert done.returncode == 0 and f"1 findings have no owner yet: {CHILD}" in done.stdout
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["01-ann.xlsx"]
    with pytest.raises(InputError, match="is there already"):
        write_owner_files(found, register, tmp_path / "out")
    with pytest.raises(InputError, match="names no owner"):
        write_owner_files(found, assigned(tmp_path, {"owner": None}, {"owner": None}), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_answers_stand_beside_their_finding_in_the_next_report(found, tmp_path):
    register = assigned(tmp_path)
    book = answered(tmp_path / "ann.xlsx", TRAFFIC_ROW | {"Response": " Disagree", "In your words": "We keep it.", "Status": "closed"})
    assert heytalk_audit("responses", register, book, "--out", tmp_path / "next.yaml").returncode == 0
    again = audited(found.parent / "two", tmp_path / "again", findings=str(tmp_path / "next.yaml"), audit={"id": "Q3"})
    stated = {f["key"]: f for f in json.loads((again / "results.json").read_text("utf-8"))["findings"]}
    assert [stated[TRAFFIC][name] for name in ("owner", "response", "text", "state")] == ["Ann", "disagree", "We keep it.", "STILL_FAILING"]
    assert stated[CHILD]["response"] is None


WRONG = {
    "a key of another register": ({"Key": "RET-01:overdue"}, "Findings!A2: is no finding of the register"),
    "a response in other words": ({"Response": "maybe"}, "Findings!I2: is none of its choices; choose agree, partly, disagree"),
    "no words where they are needed": ({"Response": "partly"}, "Findings!J2: is empty, and the response is partly; say why"),
    "a status of one's own": ({"Status": "done"}, "Findings!K2: is none of its choices; choose open, closed"),
    "another day": ({"Due": "2026-08-30"}, "Findings!H2: is not the register's due day"),
    "a formula": ({"In your words": "=1+1"}, "Findings!J2: is a formula"),
    "a book": ({"In your words": "x" * 2001}, "Findings!J2: has more than 2,000 characters"),
    "nothing to see": ({"In your words": "\u202e\u202e"}, "Findings!J2: has nothing in it that can be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_cell_is_one_line_and_nothing_is_written(name, found, tmp_path):
    cell, line = WRONG[name]
    book = answered(tmp_path / "ann.xlsx", TRAFFIC_ROW | cell)
    done = heytalk_audit("responses", assigned(tmp_path), book, "--out", tmp_path / "next.yaml")
    assert done.returncode == 2 and not (tmp_path / "next.yaml").exists()
    assert done.stderr.startswith(f"error: ann.xlsx {line}") and done.stderr.count("\n") == 1, done.stderr


def test_each_wrong_cell_of_all_files_is_named(found, tmp_path):
    one = answered(tmp_path / "1.xlsx", TRAFFIC_ROW | {"Response": "x", "Status": "y"}, {"Key": "z"})
    two = answered(tmp_path / "2.xlsx", {"Key": CHILD, "Response": "agree"}, {"Key": CHILD})
    faults = [str(fault) for fault in read_responses(assigned(tmp_path), [one, two]).faults]
    assert [fault.partition(":")[0] for fault in faults] == [
        "1.xlsx Findings!I2",
        "1.xlsx Findings!K2",
        "1.xlsx Findings!A3",
        "2.xlsx Findings!A3",
    ]
    assert "was answered in 2.xlsx as well" in faults[-1]


def test_columns_may_stand_in_another_order_and_days_may_be_days(tmp_path):
    path = tmp_path / "ann.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet(SHEET)
        for column, title in enumerate(reversed(TITLES)):
            sheet.write_string(0, column, title)
        look = book.add_format({"num_format": "dd/mm/yyyy"})
        cells = {title: n for n, title in enumerate(reversed(TITLES))}
        sheet.write_string(1, cells["Key"], TRAFFIC)
        sheet.write_datetime(1, cells["Due"], dt.datetime(2025, 8, 30), look)
        sheet.write_rich_string(1, cells["In your words"], "We ", book.add_format({"bold": True}), "will.")
    answers = read_responses(assigned(tmp_path), [path])
    assert answers.faults == [] and answers.entries[TRAFFIC].text == "We will."


def zipped(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
NO_BOOKS = {
    "no zip": (None, "cannot be read as a workbook"),
    "a zip of something else": ({"x": "y"}, "cannot be read as a workbook"),
    "a document type": ({"xl/_rels/workbook.xml.rels": BOMB}, "declares a document type"),
    "a document type in another encoding": ({"xl/_rels/workbook.xml.rels": BOMB.encode("utf-16-le")}, "declares a document type"),
    "a part without end": ({"xl/_rels/workbook.xml.rels": " " * (MOST_BYTES + 1)}, "holds more than"),
    "no such sheet": ({"xl/_rels/workbook.xml.rels": "<x/>", "xl/workbook.xml": "<x/>"}, "has no sheet Findings"),
}


@pytest.mark.parametrize("name", NO_BOOKS)
def test_what_is_no_workbook_is_refused_in_a_line(name, tmp_path):
    parts, why = NO_BOOKS[name]
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"Key,Response") if parts is None else zipped(path, parts)
    with pytest.raises(InputError, match=why):
        read_sheet(path, SHEET)
    with pytest.raises(InputError, match="no such file"):
        read_sheet(tmp_path / "gone.xlsx", SHEET)


def test_titles_that_were_changed_are_named(tmp_path):
    book = answered(tmp_path / "x.xlsx", TRAFFIC_ROW, titles=["Key", "Due", "Response", "Answer", "Status"])
    with pytest.raises(InputError, match="has no column In your words"):
        read_responses(assigned(tmp_path), [book])
