"""Files for those who answer for findings: a workbook per owner with what the audit found, and the cells that they answer in.

What comes back is read by `handover.responses`. Text is written as text: no cell is a formula or a link, whatever it holds.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.disk.placing import keep_private, move_new, refuse_present, staging
from heytalk_audit.errors import InputError, visible
from heytalk_audit.evidence.folder import stated_in
from heytalk_audit.exports.excel import RESPONSES, TEXT_ALONE
from heytalk_audit.exports.recorded import Recorded, line, read_recorded
from heytalk_audit.registers.findings import Finding, read_findings
from heytalk_audit.release.copies import refuse_leaks_in_copy
from heytalk_audit.report import words
from heytalk_audit.vocabulary import Outcome

SHEET = "Findings"
#: The columns: what the audit says, each with its width, and what the owner answers, with what may stand there.
FIXED = {
    "Key": 26,
    "Finding": 40,
    "What was found": 44,
    "Records": 10,
    "Why it matters": 40,
    "What to do": 44,
    "Rated": 10,
    "Due": 12,
}
ANSWERS: dict[str, list[str] | None] = {"Response": RESPONSES, "In your words": None, "Status": ["open", "closed"]}
HELP = (
    "Answer in the last three columns of the sheet Findings, and send this file back.",
    "Response: agree, partly or disagree. Say why in your words where you do not agree, or agree in part.",
    "Status: closed, once it is corrected. The next audit tests it again, and only that test closes a finding.",
    "If the due day cannot be kept, say in your words which day you propose.",
)
_WORDS_WIDTH, _LONGEST = 50, 32_000


@dataclass(frozen=True)
class Written:
    """The folder and its files, and the keys of findings that nobody answers for yet."""

    folder: Path
    files: list[str]
    without_owner: list[str]


def write_owner_files(run: Path, register: Path, folder: Path) -> Written:
    """A workbook for each owner in a register of findings of this run, all or none. Raises InputError."""
    where = f"--out {folder.name}"
    refuse_present(folder, where)
    recorded = read_recorded(run)
    if recorded.withheld:
        raise InputError(f"owners {run.name}", "is a version for readers outside", "name the run for internal use")
    entries = read_findings(register, [rule.id for rule in recorded.rules])
    by_owner: dict[str, list[Finding]] = {}
    for entry in entries:
        by_owner.setdefault(entry.owner or "", []).append(entry)
    without = [entry.key for entry in by_owner.pop("", [])]
    if not by_owner:
        raise InputError(f"findings {register.name}", "names no owner", "fill in owner, of one finding at least")
    with staging(folder, where) as work:
        staged = work / "new"
        staged.mkdir()
        for number, (owner, own) in enumerate(sorted(by_owner.items()), 1):
            _write(staged / f"{number:02}-{_plain(owner)}.xlsx", recorded, owner, own)
        files = sorted(staged.iterdir())
        texts = [visible(value) for entry in entries for value in entry.model_dump(mode="json").values() if value]
        stated = [*stated_in(recorded.folder), *texts, *(file.name for file in files)]
        refuse_leaks_in_copy(staged, files, folder, recorded.folder, stated)
        keep_private(staged)
        move_new(staged, folder, where)
    return Written(folder, [file.name for file in files], without)


def _plain(owner: str) -> str:
    """A name as part of a file's name: letters and digits of ASCII."""
    plain = unicodedata.normalize("NFKD", owner).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "owner"


def _write(file: Path, run: Recorded, owner: str, entries: Sequence[Finding]) -> None:
    with xlsxwriter.Workbook(file, dict(TEXT_ALONE)) as book:
        book.set_properties({"title": line(run.audit.title), "created": run.as_of.replace(tzinfo=None)})
        _sheet(book, run, entries)
        _cover(book, run, owner)


def _cover(book: Workbook, run: Recorded, owner: str) -> None:
    sheet = book.add_worksheet("About")
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    bold, plain = book.add_format({"bold": True, "valign": "top"}), _text(book)
    facts = {"For": owner, "Audit": run.audit.title, "State as of": run.audit.as_of, "Evidence SHA-256": run.evidence}
    lines = [*facts.items(), *(("What to do" if n == 0 else "", text) for n, text in enumerate(HELP))]
    for n, (name, value) in enumerate(lines):
        sheet.write_string(n, 0, name, bold)
        sheet.write_string(n, 1, line(value)[:_LONGEST], plain)


def _text(book: Workbook, **more: Any) -> Any:
    """The look of a cell that is text, and stays text where somebody edits it."""
    return book.add_format({"quote_prefix": True, "text_wrap": True, "valign": "top", **more})


def _sheet(book: Workbook, run: Recorded, entries: Sequence[Finding]) -> None:
    sheet = book.add_worksheet(SHEET)
    bold, fixed, answer = book.add_format({"bold": True, "bottom": 1}), _text(book), _text(book, locked=False, bg_color="#FFF8DC")
    day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
    titles = [*FIXED, *ANSWERS]
    for n, title in enumerate(titles):
        sheet.write_string(0, n, title, bold)
        sheet.set_column(n, n, FIXED.get(title, _WORDS_WIDTH if ANSWERS.get(title) is None else 12))
    for n, entry in enumerate(entries, 1):
        _row(sheet, n, [*_cells_of(run, entry), entry.response, entry.text, entry.status], (fixed, answer, day))
    _choices(sheet, len(entries))
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    # without a password: it guards against a slip, not against anybody
    sheet.protect("", {"format_columns": True, "format_rows": True})


def _row(sheet: Worksheet, n: int, row: Sequence[Any], looks: tuple[Any, Any, Any]) -> None:
    fixed, answer, day = looks
    for column, value in enumerate(row):
        look = fixed if column < len(FIXED) else answer
        if isinstance(value, dt.date):
            sheet.write_datetime(n, column, dt.datetime.combine(value, dt.time()), day)
        elif isinstance(value, int):
            sheet.write_number(n, column, value, look)
        elif value is None:
            sheet.write_blank(n, column, None, look)
        else:
            sheet.write_string(n, column, visible(value)[:_LONGEST], look)


def _choices(sheet: Worksheet, last: int) -> None:
    for n, choices in enumerate(ANSWERS.values(), len(FIXED)):
        if choices:
            sheet.data_validation(1, n, last, n, {"validate": "list", "source": choices})


def _cells_of(run: Recorded, entry: Finding) -> list[Any]:
    """What the audit says of a finding, under `FIXED`."""
    result = next((rule for rule in run.rules if rule.id == entry.rule), None)
    if result is None:
        return [entry.key, entry.title, "This audit did not test the rule.", None, None, None, None, entry.due]
    own = next((r for r in result.reasons if r.reason == entry.reason and r.outcome == Outcome.VIOLATION), None)
    finding = f"{own.says} {words.condition(result)}".strip() if own else "This audit found no violation for this reason."
    rated = str(result.finding_severity or result.severity)
    title = entry.title or result.title
    return [entry.key, title, finding, shown(own.rows) if own else 0, result.effect, result.recommendation, rated, entry.due]
