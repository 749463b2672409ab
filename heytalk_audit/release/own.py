"""What a report says of itself, whatever the data: the text of the package, of its notebooks, and of what people state to an audit.

A report made from an empty snapshot has these words and no other. To make one for each run would take as long as the run, and would still
miss the words that only some rows bring out (a reason, a rating); so the words are taken from where they come from. Nobody can stop an
audit by calling themselves what it says anyway.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import xlsxwriter

from heytalk_audit.canonical import PACKAGE
from heytalk_audit.release.forms import Form, shapes_in
from heytalk_audit.snapshot.locked import locked

#: Rooms that speak of people: names that the demo makes, and words that detectors look for.
_OF_PEOPLE = ("demo", "detect")
#: Also the parts of a compound name.
_LETTERS = re.compile(r"[^\W\d_]+")
_TEXTS = (".py", ".yaml", ".csv", ".json", ".j2", ".css", ".js", ".ipynb", ".lock")
#: What SQL is made of beyond the words of rules.
_SQL = """
    SELECT keyword_name FROM duckdb_keywords() UNION SELECT function_name FROM duckdb_functions()
    UNION SELECT type_name FROM duckdb_types()
"""


@dataclass(frozen=True)
class Own:
    """The words, in lower case, and the shapes that are the audit's own."""

    words: frozenset[str]
    shapes: frozenset[tuple[Form, str]]

    def with_texts(self, texts: Iterable[str]) -> Own:
        """These and what stands in texts: parameters, registers, the policy's text."""
        words, shapes = _read(texts)
        return Own(self.words | words, self.shapes | shapes)


@cache
def own() -> Own:
    """What stands in the package and its notebooks."""
    folders = (PACKAGE, PACKAGE.parent / "notebooks")
    files = (file for folder in folders for file in sorted(folder.rglob("*")) if file.suffix in _TEXTS and _is_own(file))
    texts = [file.read_text("utf-8", "replace") for file in (*files, *PACKAGE.parent.glob("*.lock"))]
    with locked((), begin=lambda connection: connection) as con:
        sql = [row[0] for row in con.execute(_SQL).fetchall()]
    names = (file.relative_to(PACKAGE.parent).as_posix() for file in PACKAGE.rglob("*"))
    return Own(*_read([*texts, *sql, *names, *_empty_workbook()]))


def _empty_workbook() -> Iterator[str]:
    """What every workbook has: one with all that those of exports and for owners use."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        sheet.write_datetime(
            0, 0, dt.datetime(2000, 1, 1), book.add_format({"bold": True, "bottom": 1, "valign": "top", "num_format": "d"})
        )
        sheet.data_validation(0, 0, 0, 0, {"validate": "list", "source": ["yes"]})
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, 1, 1)
        look = {"quote_prefix": True, "text_wrap": True, "locked": False, "bg_color": "#FFFFFF"}
        sheet.write_string(1, 0, "yes")
        sheet.write_blank(0, 1, None, book.add_format(look))
        sheet.protect("", {"format_columns": True, "format_rows": True})
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&L&A&R&P / &N")
    with zipfile.ZipFile(content) as archive:
        yield from (archive.read(member).decode("utf-8") for member in archive.namelist())
        yield from archive.namelist()


def _is_own(file: Path) -> bool:
    inside = file.relative_to(PACKAGE).parts if file.is_relative_to(PACKAGE) else ()
    return not (inside and inside[0] in _OF_PEOPLE) and "__pycache__" not in file.parts


def _read(texts: Iterable[str]) -> tuple[frozenset[str], frozenset[tuple[Form, str]]]:
    words: set[str] = set()
    shapes: set[tuple[Form, str]] = set()
    for text in texts:
        words.update(word.lower() for word in set(_LETTERS.findall(text)))
        for piece in {*text.splitlines(), *text.split()}:
            shapes.update(shapes_in(piece))
    return frozenset(words), frozenset(shapes)
