"""HTML of the report's own kind as a Word document, by python-docx: headings, paragraphs, lists and tables. Text is text in it.

The same HTML and template give the same bytes: the document's dates are the instant audited, and those within its zip are none.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from heytalk_audit.errors import InputError
from heytalk_audit.exports.recorded import Recorded, xml_text
from heytalk_audit.release.pieces import Pieces
from heytalk_audit.report import words

#: The styles of a template that are used where it has them; its standard style stands in for one that it lacks.
STYLES = {"h1": "Title", "h2": "Heading 1", "h3": "Heading 2", "h4": "Heading 3", "caption": "Caption"}
STYLES |= {"p": "Normal", "ul": "List Bullet", "ol": "List Number", "in li": "List Continue", "table": "Table Grid"}
#: Everything that is written into a document, once.
SPECIMEN = (
    "<h1>a</h1><h2>a</h2><h3>a</h3><h4>a</h4><p>a <strong>a</strong> <em>a</em> <small>a</small> <span class='line'></span></p>"
    "<ul><li>a<p>a</p></li></ul><ol><li><p>a</p><p>a</p></li></ol>"
    "<table><caption>a</caption><tr><th>a</th><th>a</th></tr><tr><td>a</td><td>a <small>a</small></td></tr></table>"
)
#: A column is as wide as its text asks for, within these bounds, in characters.
_NARROWEST, _WIDEST = 9, 46
_INK = RGBColor(0x1C, 0x24, 0x30)


def opened_template(file: Path | None) -> Document:
    """A template as a person named it, or ours. Raises InputError, one line."""
    if file is None:
        return _own_template()
    try:
        return docx.Document(str(file))
    except Exception as error:  # whatever a file that is no document may raise
        raise InputError(f"--template {file.name}", "cannot be read as a Word document", "name a .docx file") from error


def texts_of(run: Recorded) -> list[str]:
    """What stands in the run's template, and in any document that is written into it: it is no value of the snapshot."""
    return [*Pieces().of_stream(io.BytesIO(document(SPECIMEN, Imprint.of_run(run), "", run.template))), *STYLES.values()]


def document(html: str, imprint: Imprint, title: str, template: Path | None) -> bytes:
    """Sanitised HTML, appended to what stands in a template, as the content of a .docx file."""
    written = opened_template(template)
    if template is None:
        _head_and_foot(written, imprint)
    _Writer(written).feed(html)
    _describe(written, imprint, title)
    content = io.BytesIO()
    written.save(content)
    return _without_times(content)


def _own_template() -> Document:
    """A plain A4 sheet in the report's colours, in British English."""
    plain = docx.Document()
    section = plain.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin, section.bottom_margin = Mm(20), Mm(18)
    styles = plain.styles
    for name, size in {"Normal": 9.5, "Title": 20, "Heading 1": 13, "Heading 2": 11, "Caption": 9}.items():
        style: Any = styles[name]
        style.font.size, style.font.color.rgb = Pt(size), _INK
    normal: Any = styles["Normal"]
    normal.font.name, normal.paragraph_format.space_after = "Calibri", Pt(4)
    for language in plain.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-GB")
    return plain


def _head_and_foot(written: Document, imprint: Imprint) -> None:
    """A running head and page numbers, which a template of a person's own brings along."""
    section = written.sections[0]
    section.header.paragraphs[0].add_run(xml_text(imprint.head))
    foot = section.footer.paragraphs[0]
    foot.add_run(f"{imprint.foot}\tPage ").font.size = Pt(8)
    for number, between in (("PAGE", " of "), ("NUMPAGES", "")):
        field_ = OxmlElement("w:fldSimple")
        field_.set(qn("w:instr"), number)
        foot._p.append(field_)
        foot.add_run(between).font.size = Pt(8)


def _describe(written: Document, imprint: Imprint, title: str) -> None:
    about, day = written.core_properties, imprint.as_of.replace(tzinfo=None)
    about.title, about.subject = xml_text(title)[:255], xml_text(imprint.about)
    about.author = about.last_modified_by = "heytalk-audit"
    about.created = about.modified = day
    about.comments, about.language, about.revision = "", "en-GB", 1


def _without_times(content: io.BytesIO) -> bytes:
    """The same zip, with one time for all members: a zip counts time, and a document that repeats has none."""
    again = io.BytesIO()
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            plain = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            plain.compress_type, plain.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(plain, old.read(member))
    return again.getvalue()


@dataclass(frozen=True)
class Imprint:
    """What a document says of its origin on every page: the running head, the digest in its foot and of what, and the instant that stands
    for the date of writing."""

    head: str
    foot: str
    about: str
    as_of: dt.datetime

    @staticmethod
    def of_run(run: Recorded) -> Imprint:
        """Of a document made from a run."""
        foot = f"{words.SUBTITLE}\tEvidence {run.evidence[:16]}"
        return Imprint(run.audit.title, foot, f"{words.SUBTITLE}; evidence SHA-256 {run.evidence}", run.as_of)


@dataclass
class _Cell:
    """The runs of a cell, each a text and how it is set."""

    is_head: bool
    runs: list[tuple[str, frozenset[str]]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for text, _ in self.runs)


class _Writer(HTMLParser):
    """Writes what it is fed into a document, element by element."""

    def __init__(self, written: Document):
        super().__init__(convert_charrefs=True)
        self._written = written
        self._styles = {style.name for style in written.styles}
        self._lists: list[str] = []
        self._set: list[str] = []
        self._rows: list[list[_Cell]] | None = None
        self._paragraph: Any = None
        self._item_begins = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        if tag == "table":
            self._rows = []
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append(_Cell(tag == "th"))
        elif tag in ("ul", "ol"):
            self._lists.append(tag)
        elif tag == "li":
            self._begin(self._lists[-1] if self._lists else "ul")
            self._item_begins = True
        elif tag == "p" and self._lists and self._item_begins:
            self._item_begins = False
        elif tag in ("h1", "h2", "h3", "h4", "p", "caption"):
            self._begin("in li" if tag == "p" and self._lists else tag)
        elif tag in ("strong", "em", "small"):
            self._set.append(tag)
        elif tag == "span" and ("class", "line") in attrs and not self._rows:
            self.handle_data(" ________________________ ")

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        if tag == "table" and self._rows is not None:
            rows, self._rows = self._rows, None
            self._write_table([row for row in rows if row])
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag in ("strong", "em", "small") and tag in self._set:
            self._set.remove(tag)
        if tag in ("p", "li", "caption", "h1", "h2", "h3", "h4", "table"):
            self._paragraph = None

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`. Text between elements that hold none is nothing."""
        lead, rest = data[:1].isspace(), data[-1:].isspace()
        text = f"{' ' * lead}{xml_text(data)}{' ' * (rest and bool(data.strip()))}"
        if self._rows and self._rows[-1]:
            self._rows[-1][-1].runs.append((text, frozenset(self._set)))
        elif self._paragraph is not None:
            _add(self._paragraph, text, frozenset(self._set))

    def _style(self, kind: str) -> str | None:
        return STYLES[kind] if STYLES[kind] in self._styles else None

    def _begin(self, kind: str) -> None:
        self._paragraph = self._written.add_paragraph(style=self._style(kind))

    def _write_table(self, rows: list[list[_Cell]]) -> None:
        width = max(map(len, rows), default=0)
        if not width:
            return
        table = self._written.add_table(rows=0, cols=width, style=self._style("table"))
        sizes = _widths(rows, width, self._room())
        for number, cells in enumerate(rows):
            line = table.add_row()
            _keep_whole(line, is_head=number == 0)
            for place, (cell, own) in enumerate(zip(line.cells, cells, strict=False)):
                cell.width = sizes[place]
                for text, how in own.runs:
                    _add(cell.paragraphs[0], text, how | ({"strong"} if number == 0 else set()), Pt(8))
        self._written.add_paragraph(style=self._style("p"))

    def _room(self) -> int:
        """How wide a table may be."""
        section = self._written.sections[-1]
        return int((section.page_width or Mm(210)) - (section.left_margin or 0) - (section.right_margin or 0))


def _widths(rows: list[list[_Cell]], number: int, room: int) -> list[int]:
    """The width of each column: as its texts are long, on average, and its longest word."""
    weights = []
    for place in range(number):
        texts = [row[place].text for row in rows if place < len(row)]
        word = max((len(word) for text in texts for word in text.split()), default=0)
        mean = sum(map(len, texts)) / max(len(texts), 1)
        weights.append(min(max(word + 2, mean, _NARROWEST), _WIDEST))
    return [int(room * weight / sum(weights)) for weight in weights]


def _add(paragraph: Any, text: str, how: frozenset[str] | set[str], size: Any = None) -> None:
    run = paragraph.add_run(text)
    run.bold, run.italic = "strong" in how or None, "em" in how or None
    if "small" in how or size is not None:
        run.font.size = Pt(7) if "small" in how and size is not None else size or Pt(8)


def _keep_whole(line: Any, is_head: bool) -> None:
    """A row that no page's end cuts in two; a head comes again on each page."""
    properties = line._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))
