"""The text of a PDF that Chromium printed, fast: the report has thousands of pages, of which a general reader takes minutes.

Chromium writes the glyphs of each run in hexadecimal digits, with a table from glyphs to letters in each font, and marks where an element
ends. A page on which nothing is read that way, as another program may have written it, is read by pypdf.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pypdf import PageObject, PdfReader

#: A font, glyphs, a place on another line, and the end of an element.
_WRITES = re.compile(rb"/(\w+) [\d.]+ Tf|<([0-9A-F]+)>|(T[dm])\b|(EMC)\b")
_CHARACTERS = re.compile(rb"beginbfchar(.*?)endbfchar", re.DOTALL)
_RANGES = re.compile(rb"beginbfrange(.*?)endbfrange", re.DOTALL)
_CODES = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f]+)>)?")
_PAIRS = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")


def pdf_texts(reader: PdfReader) -> Iterator[str]:
    """The text of each page, an element a line."""
    fonts: dict[int, dict[bytes, str]] = {}
    for sheet in reader.pages:
        contents = sheet.get_contents()
        data = b"" if contents is None else contents.get_data()
        text = _text(data, _letters(sheet, fonts))
        yield text if text.strip() or b"BT" not in data else sheet.extract_text()


def _letters(sheet: PageObject, fonts: dict[int, dict[bytes, str]]) -> dict[bytes, dict[bytes, str]]:
    """For each font of a page what letters its glyphs are; fonts are shared by pages."""
    named = sheet.get("/Resources", {}).get("/Font", {})
    letters = {}
    for name in named:
        reference = named.raw_get(name)
        number = getattr(reference, "idnum", id(reference))
        if number not in fonts:
            table = reference.get_object().get("/ToUnicode")
            fonts[number] = _table(table.get_object().get_data()) if table else {}
        letters[name.lstrip("/").encode()] = fonts[number]
    return letters


def _table(cmap: bytes) -> dict[bytes, str]:
    """Glyph, as four hexadecimal digits, to letters."""
    table = {}
    for part in _CHARACTERS.findall(cmap):
        table.update({glyph.upper(): _decoded(letters) for glyph, letters in _PAIRS.findall(part)})
    for part in _RANGES.findall(cmap):
        for first, last, letters in _CODES.findall(part):
            for step in range(int(last, 16) - int(first, 16) + 1):
                code = b"%0*X" % (len(letters), int(letters or b"20", 16) + step)
                table[b"%0*X" % (len(first), int(first, 16) + step)] = _decoded(code)
    return table


def _decoded(digits: bytes) -> str:
    return bytes.fromhex(digits.decode().zfill(4)).decode("utf-16-be", "replace")


def _text(data: bytes, letters: dict[bytes, dict[bytes, str]]) -> str:
    table: dict[bytes, str] = {}
    written: list[str] = []
    # the next glyph of a line is no other place
    for font, glyphs, place, end in _WRITES.findall(data.replace(b" 0 Td <", b" <")):
        if glyphs:
            if len(glyphs) == 4:
                written.append(table.get(glyphs, ""))
            else:
                written.extend(table.get(glyphs[at : at + 4], "") for at in range(0, len(glyphs), 4))
        elif font:
            table = letters.get(font, {})
        elif place:
            written.append(" ")
        elif end:
            written.append("\n")
    return "".join(written)
