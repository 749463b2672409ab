"""What owners answered: their workbooks read into a register of findings, all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from heytalk_audit.errors import InputError
from heytalk_audit.follow_up.standings import register_text
from heytalk_audit.handover.owners import ANSWERS, SHEET
from heytalk_audit.handover.workbook import Cell, read_sheet
from heytalk_audit.registers.findings import Finding, read_findings
from heytalk_audit.rules import RULES

#: The columns that are read; the others are for the owner to read.
_KEY, _DUE, _RESPONSE, _WORDS, _STATUS = _READ = ("Key", "Due", *ANSWERS)
#: The longest answer, as the register has it.
_LONGEST = 2000
#: Day 0 of a workbook's calendar, and the first of its days that are told by their numbers alone.
_EPOCH, _FIRST = dt.date(1899, 12, 30), 61


@dataclass
class Answers:
    """The register with what was answered, as far as it could be read: its entries by key, and a line for each cell that could not."""

    entries: dict[str, Finding]
    faults: list[InputError] = field(default_factory=list)
    answered: dict[str, str] = field(default_factory=dict)  # key to the file that answered it


@dataclass(frozen=True)
class _Row:
    """A row of a workbook: where it is, and its cells by the titles over them."""

    file: str
    number: int
    letters: Mapping[str, str]
    cells: Mapping[str, Cell]

    def fault(self, title: str, what: str, todo: str) -> InputError:
        return InputError(f"{self.file} {SHEET}!{self.letters[title]}{self.number}", what, todo)

    def text(self, title: str) -> str:
        return self.cells[title].text.strip() if title in self.cells else ""


def read_responses(register: Path, workbooks: Sequence[Path], rules: Sequence[str] = tuple(RULES)) -> Answers:
    """The register with the answers of all of these workbooks. Raises InputError where a file cannot be read at all."""
    answers = Answers({entry.key: entry for entry in read_findings(register, rules)})
    for workbook in workbooks:
        for row in _rows(workbook):
            _take(row, answers)
    return answers


def responses_text(answers: Answers) -> str:
    """The register with its answers, as YAML."""
    return register_text(answers.entries.values())


def _rows(path: Path) -> list[_Row]:
    """The rows of a workbook below its titles, which may stand in any order. Raises InputError."""
    sheet = read_sheet(path, SHEET)
    letters = {cell.text.strip(): letter for letter, cell in sheet.get(1, {}).items()}
    missing = [title for title in _READ if title not in letters]
    if missing:
        raise InputError(f"{path.name} {SHEET}!1", f"has no column {', '.join(missing)}", "keep the titles in the first row as they were")
    columns = {letters[title]: title for title in _READ}
    rows = {n: {columns[letter]: cell for letter, cell in row.items() if letter in columns} for n, row in sheet.items() if n > 1}
    return [_Row(path.name, n, letters, cells) for n, cells in sorted(rows.items()) if cells]


def _take(row: _Row, answers: Answers) -> None:
    """One row's answer, taken into the register, or its faults."""
    key = row.text(_KEY)
    faults = [row.fault(title, "is a formula", "write what it should say") for title, cell in row.cells.items() if cell.is_formula]
    entry = answers.entries.get(key)
    if entry is None:
        faults.append(row.fault(_KEY, "is no finding of the register", "keep the key as it was"))
    elif key in answers.answered:
        faults.append(row.fault(_KEY, f"was answered in {answers.answered[key]} as well", "keep one answer per finding"))
    elif _day(row) != entry.due:
        faults.append(row.fault(_DUE, "is not the register's due day", "keep it, and say in your words which day you propose"))
    response, status = row.text(_RESPONSE).lower() or None, row.text(_STATUS).lower() or "open"
    faults += _not_of(row, _RESPONSE, response) + _not_of(row, _STATUS, status)
    text = row.text(_WORDS) or None
    if text and len(text) > _LONGEST:
        faults.append(row.fault(_WORDS, f"has more than {_LONGEST:,} characters", "say it more briefly"))
    elif response in ("partly", "disagree") and not text:
        faults.append(row.fault(_WORDS, f"is empty, and the response is {response}", "say why"))
    if entry is not None and not faults:
        _set(row, entry, {"response": response, "text": text, "status": status}, answers)
    answers.faults += faults


def _not_of(row: _Row, title: str, value: str | None) -> list[InputError]:
    choices = ANSWERS[title] or []
    return [] if value is None or value in choices else [row.fault(title, "is none of its choices", f"choose {', '.join(choices)}")]


def _set(row: _Row, entry: Finding, answer: Mapping[str, str | None], answers: Answers) -> None:
    """The entry with its answer, checked as the register itself is."""
    try:
        document = entry.model_dump(mode="json") | dict(answer)
        answers.entries[entry.key] = Finding.model_validate(document, context={"rules": [entry.rule]})
        answers.answered[entry.key] = row.file
    except ValidationError:
        answers.faults.append(row.fault(_WORDS, "has nothing in it that can be read", "write it in words"))


def _day(row: _Row) -> dt.date | None:
    """The due day as the workbook has it: a date, which is a number there, or its text; null where there is none or it is no day."""
    cell = row.cells.get(_DUE)
    if cell is None or cell.is_formula:
        return None
    try:
        if cell.is_number:
            number = int(float(cell.text))
            return _EPOCH + dt.timedelta(days=number) if number >= _FIRST else None
        return dt.date.fromisoformat(cell.text.strip()[:10])
    except (ValueError, OverflowError):
        return None
