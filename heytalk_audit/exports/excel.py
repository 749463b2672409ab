"""The findings as a workbook for those who own them: what the audit says of them, and columns for who does what by when."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from heytalk_audit.audit import disclosure
from heytalk_audit.errors import visible
from heytalk_audit.exports import frameworks, tables
from heytalk_audit.exports.recorded import Recorded, line
from heytalk_audit.report import words

#: No text is a formula, a link or a number, whatever it holds.
TEXT_ALONE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
#: What an owner may answer.
RESPONSES = ["agree", "partly", "disagree"]
#: What an owner fills in, and what may stand there.
OWNER = {
    "Owner": None,
    "Due date": None,
    "Response": RESPONSES,
    "Response text": None,
    "Status": ["open", "in progress", "done: to be tested again"],
}
#: A sheet holds 1,048,576 rows; what does not fit is in the CSV file.
MOST_ROWS = 1_000_000
_LONGEST = 32_000
_WIDTHS = {"Title": 40, "Recommendation": 60, "Reasons": 40, "Response text": 40, "Record": 20, "Subject": 20}


def write(run: Recorded, folder: Path) -> None:
    """One file: cover, findings, frameworks, exception rows (none where withheld). Text is never a formula or a link."""
    with xlsxwriter.Workbook(folder / "findings.xlsx", {**TEXT_ALONE, "constant_memory": True}) as book:
        # the creation date of a workbook that repeats byte for byte: the instant audited
        book.set_properties({"title": line(run.audit.title), "comments": f"Evidence SHA-256 {run.evidence}", "created": _naive(run)})
        _cover(book, run)
        _findings(book, run)
        _frameworks(book, run)
        if not run.withheld:
            _exceptions(book, run)


def _naive(run: Recorded) -> dt.datetime:
    return run.as_of.replace(tzinfo=None)


def _cover(book: Workbook, run: Recorded) -> None:
    sheet = book.add_worksheet("Cover")
    _on_paper(sheet)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 80)
    bold = book.add_format({"bold": True, "valign": "top"})
    for n, (name, value) in enumerate(_facts(run).items()):
        sheet.write_string(n, 0, name, bold)
        sheet.write_string(n, 1, line(value)[:_LONGEST])


def _facts(run: Recorded) -> dict[str, str]:
    """What the cover says."""
    audit, rows = run.audit, run.open_rows
    listed = f"{min(rows, MOST_ROWS):,} of {rows:,}" + (": the rest is in exceptions.csv" if rows > MOST_ROWS else "")
    return {
        "Audit": audit.id,
        "Title": audit.title,
        "Kind": words.SUBTITLE,
        "State as of": audit.as_of,
        "Policy": f"{audit.policy.title}, version {audit.policy.version}",
        "Snapshot": audit.snapshot.id,
        "Evidence SHA-256": run.evidence,
        "For": disclosure.statement_in_words(audit.audience) or "internal use; contains pseudonyms",
        "Findings": "All rules but those that passed without any open row. The owner fills in the columns from Owner on.",
        "Exception rows": "withheld" if run.withheld else listed,
        "What counts": "The run's folder is the evidence; this file is a copy. A finding is closed by testing it again.",
    }


def _findings(book: Workbook, run: Recorded) -> None:
    head = [name for name in tables.FINDINGS if name != "evidence_sha256"]
    rows = [row[:-1] for row in tables.finding_rows(run)]
    titles = [_title(name) for name in head] + list(OWNER)
    sheet = _sheet(book, "Findings", titles, len(rows))
    for n, row in enumerate(rows, 1):
        _row(sheet, n, row)
    last = max(len(rows), 1)
    date = list(OWNER).index("Due date") + len(head)
    sheet.data_validation(1, date, last, date, {"validate": "date", "criteria": ">=", "value": _naive(run).date()})
    for n, choices in enumerate(OWNER.values(), len(head)):
        if choices:
            sheet.data_validation(1, n, last, n, {"validate": "list", "source": choices})


def _frameworks(book: Workbook, run: Recorded) -> None:
    """Every rule by the ids of frameworks that it bears on."""
    rows = [row[:-1] for row in frameworks.framework_rows(run)]
    sheet = _sheet(book, "Frameworks", [_title(name) for name in frameworks.COLUMNS[:-1]], len(rows))
    for n, row in enumerate(rows, 1):
        _row(sheet, n, row)


def _exceptions(book: Workbook, run: Recorded) -> None:
    titles = [_title(name) for name in tables.EXCEPTIONS[:-1]]
    sheet = _sheet(book, "Exceptions", titles, min(run.open_rows, MOST_ROWS))
    date = book.add_format({"num_format": "yyyy-mm-dd"})
    for n, row in enumerate(islice(tables.exception_rows(run), MOST_ROWS), 1):
        _row(sheet, n, row, date)


def _sheet(book: Workbook, name: str, titles: list[str], rows: int) -> Worksheet:
    """A sheet with its head, which stays in view, and filters over so many rows."""
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "bottom": 1})
    for n, title in enumerate(titles):
        sheet.set_column(n, n, _WIDTHS.get(title, 13))
        sheet.write_string(0, n, title, bold)
    sheet.freeze_panes(1, 1)
    _on_paper(sheet)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, max(rows, 1), len(titles) - 1)
    return sheet


def _on_paper(sheet: Worksheet) -> None:
    """Across A4, all columns on a sheet of paper, with its number and the name of the sheet."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&R&P / &N")


def _row(sheet: Worksheet, n: int, row: list[Any], date: Any = None) -> None:
    for column, value in enumerate(row):
        if value is None:
            continue
        if isinstance(value, str):
            sheet.write_string(n, column, visible(value)[:_LONGEST])
        elif isinstance(value, int | float):
            sheet.write_number(n, column, value)
        else:
            sheet.write_datetime(n, column, value, date)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
