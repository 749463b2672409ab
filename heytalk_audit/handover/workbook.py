"""The cells of a workbook that came back: a reader of the one sheet that is asked for, as strict as it can be.

A workbook is a zip of XML files. It comes from elsewhere: how much it may hold is bounded, and a document type, which could name other
files or multiply itself, is refused. No library that is at hand reads workbooks (see docs/decisions/0015-workbooks-that-come-back.md).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from heytalk_audit.errors import InputError

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
#: Bytes of one file within, and cells of a sheet, at most.
MOST_BYTES, MOST_CELLS = 20_000_000, 200_000
#: What comes of a file that is no workbook, or one that is locked by a password (RuntimeError, as zipfile has it).
_NO_BOOK = (OSError, zipfile.BadZipFile, zlib.error, ElementTree.ParseError, ValueError, LookupError, RuntimeError)
_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: its text, or its number as it is written; a formula is named, whatever it gave."""

    text: str
    is_number: bool = False
    is_formula: bool = False


class _Unreadable(ValueError):
    """A workbook that cannot be read, and why."""


def read_sheet(path: Path, sheet: str) -> dict[int, dict[str, Cell]]:
    """The cells of a sheet that hold anything, by row and by the letters of their column. Raises InputError."""
    where = f"workbook {path.name}"
    try:
        with zipfile.ZipFile(path) as book:
            strings = _shared(book)
            cells = list(_cells(_part(book, _place(book, sheet)), strings))
    except FileNotFoundError as error:
        raise InputError(where, "no such file", "name a workbook that came back") from error
    except _Unreadable as error:
        raise InputError(where, str(error), "name a workbook that owners wrote, as it came back") from error
    except (
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        ElementTree.ParseError,
        ValueError,
        KeyError,
        IndexError,
        NotImplementedError,
    ) as error:
        raise InputError(where, "cannot be read as a workbook", "save it as .xlsx, without a password") from error
    except RuntimeError as error:  # a zip that is locked by a password
        raise InputError(where, "cannot be read as a workbook", "save it as .xlsx, without a password") from error
    rows: dict[int, dict[str, Cell]] = {}
    for column, row, cell in cells:
        rows.setdefault(row, {})[column] = cell
    return rows


def _part(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """A file within, as XML."""
    with book.open(name) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise _Unreadable(f"holds more than {MOST_BYTES:,} bytes in one part")
    text = content.decode("utf-8-sig")
    if "<!DOCTYPE" in text or "\0" in text:
        raise _Unreadable("declares a document type")
    return ElementTree.fromstring(text.encode())


def _place(book: zipfile.ZipFile, sheet: str) -> str:
    """The file of a sheet."""
    links = {link.get("Id"): link.get("Target", "") for link in _part(book, "xl/_rels/workbook.xml.rels")}
    for entry in _part(book, "xl/workbook.xml").iter(f"{_MAIN}sheet"):
        if entry.get("name") == sheet:
            target = links[entry.get(_RELATION)]
            return posixpath.normpath(posixpath.join("xl", target)) if not target.startswith("/") else target.lstrip("/")
    raise _Unreadable(f"has no sheet {sheet}")


def _shared(book: zipfile.ZipFile) -> list[str]:
    """The texts that cells share by number."""
    name = "xl/sharedStrings.xml"
    return [_text(entry) for entry in _part(book, name)] if name in book.namelist() else []


def _text(element: ElementTree.Element) -> str:
    """A text, whatever parts of it look otherwise; how its characters are pronounced is left out."""
    runs = [element, *element.findall(f"{_MAIN}r")]
    return "".join(part.text or "" for run in runs for part in run.findall(f"{_MAIN}t"))


def _cells(sheet: ElementTree.Element, strings: list[str]) -> Iterator[tuple[str, int, Cell]]:
    for count, cell in enumerate(sheet.iter(f"{_MAIN}c")):
        if count == MOST_CELLS:
            raise _Unreadable(f"has more than {MOST_CELLS:,} cells")
        place = _CELL.fullmatch(cell.get("r", ""))
        if place is None:
            raise _Unreadable("has a cell without its place")
        read = _cell(cell, strings)
        if read.text or read.is_formula:
            yield place[1], int(place[2]), read


def _cell(cell: ElementTree.Element, strings: list[str]) -> Cell:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v") or ""
    is_formula = cell.find(f"{_MAIN}f") is not None
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return Cell("" if inline is None else _text(inline), is_formula=is_formula)
    if kind == "s":
        return Cell(strings[int(value)] if value else "", is_formula=is_formula)
    return Cell(value, kind == "n", is_formula)
