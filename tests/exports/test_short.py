"""The short edition: ten sheets at most, a PDF and a Word document that say the same, repeat byte for byte, and take text for text."""

from __future__ import annotations

import io
import shutil
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import docx
import pytest
from docx.oxml.ns import qn
from pypdf import PdfReader
from small_run import EVIDENCE, failing, recorded, standing

from heytalk_audit.errors import InputError
from heytalk_audit.exports import chromium, short, word
from heytalk_audit.report import paper
from heytalk_audit.report.short_edition import MOST_FINDINGS, Edition, short_edition
from heytalk_audit.rules import RULES

HOSTILE = "</w:t><script>x</script> &amp; {PAGE} \u202e\x00\x0b\ufffe https://x.example =1"


def body(run) -> str:
    edition = Edition(run.audit, run.rules, run.areas, run.standings, run.followed, {}, run.evidence)
    return paper.for_print(short_edition(edition).html)


def document(run, template=None) -> bytes:
    return word.document(body(run), word.Imprint.of_run(run), "A short edition", template)


def text_of(content: bytes) -> str:
    read = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in read.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in read.paragraphs), *cells])


def test_the_word_document_has_every_part():
    run = recorded([failing("RET-01"), failing("RET-02", verdict="NOT_EVALUATED", reason="not delivered: purge_log")], [standing("RET-01")])
    content = document(run)
    read = docx.Document(io.BytesIO(content))
    heads = [p.text for p in read.paragraphs if p.style.name == "Heading 1"]
    wanted = ["Conclusion by area", "Findings (1)", "What was not tested", "Limits of this report", "Sign-off"]
    assert [head for head in heads if head in wanted] == wanted
    (findings,) = [t for t in read.tables if t.rows[0].cells[0].text == "Finding"]
    cells = [cell.text for cell in findings.rows[1].cells]
    assert cells[0].endswith("RET-01") and cells[4:] == ["Ana Okoro", "agree: It is on its way.", "2025-05-01"]
    assert findings.rows[0]._tr.find(qn("w:trPr")).find(qn("w:tblHeader")) is not None
    (lacking,) = [t for t in read.tables if t.rows[0].cells[0].text == "Rules"]
    assert [cell.text for cell in lacking.rows[1].cells] == ["RET-02", "not delivered: purge_log"]
    assert EVIDENCE in text_of(content) and EVIDENCE in read.core_properties.subject


def test_the_same_run_gives_the_same_word_document():
    run = recorded([failing("RET-01")])
    first = document(run)
    time.sleep(2.1)  # a zip counts time in steps of two seconds
    assert document(run) == first
    members = zipfile.ZipFile(io.BytesIO(first)).infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    about = docx.Document(io.BytesIO(first)).core_properties
    assert {day.isoformat()[:19] for day in (about.created, about.modified)} == {"2025-03-31T12:00:00"}


def test_hostile_text_is_text_in_the_word_document():
    rules = [failing("RET-01", title=HOSTILE, effect=HOSTILE, recommendation=HOSTILE)]
    content = document(recorded(rules, [standing("RET-01", owner=HOSTILE, text=HOSTILE)], title=HOSTILE, id=HOSTILE))
    text = text_of(content)
    assert text.count("</w:t><script>x</script> &amp; {PAGE}") >= 4 and "\u202e" not in text
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        written = archive.read("word/document.xml").decode("utf-8")
        links = archive.read("word/_rels/document.xml.rels").decode("utf-8")
    assert "<script" not in written and "w:instrText" not in written and "w:hyperlink" not in written and "x.example" not in links


def test_a_template_of_a_persons_own_is_kept(tmp_path):
    own = docx.Document()
    own.sections[0].header.paragraphs[0].text = "Letterhead of a firm"
    own.add_paragraph("What the firm says first.")
    for name in ("List Number", "Table Grid"):  # a template need not have every style
        style = own.styles[name]
        style.element.getparent().remove(style.element)
    own.save(str(tmp_path / "letter.docx"))
    read = docx.Document(io.BytesIO(document(recorded([failing("RET-01")]), tmp_path / "letter.docx")))
    assert read.sections[0].header.paragraphs[0].text == "Letterhead of a firm"
    assert read.paragraphs[0].text == "What the firm says first." and any(p.text == "Sign-off" for p in read.paragraphs)
    run = replace(recorded([]), template=tmp_path / "letter.docx")
    assert any("Letterhead of a firm" in text for text in word.texts_of(run))
    for content in (b"", b"no document", b"PK\x03\x04"):
        (tmp_path / "bad.docx").write_bytes(content)
        with pytest.raises(InputError, match=r"--template bad\.docx: cannot be read as a Word document"):
            word.opened_template(tmp_path / "bad.docx")


@pytest.mark.parametrize(
    ("id", "stem"), [("2025-Q1", "2025-Q1"), ("../../x y", "x-y"), ("\u5ba1", "audit"), (".", "audit"), ("a" * 80, "a" * 80)]
)
def test_files_are_named_after_the_audit(id, stem):
    name = short._stem(recorded([], id=id))
    assert name == f"{stem}-short" and short.NAMED.fullmatch(f"{name}.pdf")
    assert not short.NAMED.fullmatch("mine.pdf")


def many() -> list:
    """As many failing rules as there are, and more, each with the longest texts that people may write."""
    return [failing(id, title=f"{RULES[id].promise[:90]}", recommendation="Mend it. " * 20) for id in RULES]


def test_what_does_not_fit_is_counted():
    rules = many()
    rules += [rules[0]] * (MOST_FINDINGS + 7 - len(rules))
    assert "7 further findings do not fit here." in body(recorded(rules))


@pytest.mark.browser
def test_the_pdf_has_at_most_ten_sheets(tmp_path):
    if not any(map(shutil.which, chromium.NAMES)):
        pytest.skip("Chromium is not installed")
    rules = many()
    run = recorded([*rules, *rules[:30]], [standing(rule.id, text="A reason. " * 200) for rule in rules])
    short.write(run, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"2025-Q1-short.pdf", "2025-Q1-short.docx"}
    read = PdfReader(tmp_path / "2025-Q1-short.pdf")
    assert 4 <= len(read.pages) <= 10
    root = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en" and "/StructTreeRoot" in root
    assert read.metadata["/CreationDate"] == "D:20250331120000Z" and EVIDENCE in read.metadata["/Subject"]
    again = tmp_path / "again"
    again.mkdir()
    short.write(run, again)
    assert (again / "2025-Q1-short.pdf").read_bytes() == (tmp_path / "2025-Q1-short.pdf").read_bytes()


@pytest.mark.browser
def test_hostile_text_in_the_pdf_is_text(tmp_path):
    if not any(map(shutil.which, chromium.NAMES)):
        pytest.skip("Chromium is not installed")
    run = recorded([failing("RET-01", title=HOSTILE, recommendation=HOSTILE)], [standing("RET-01", owner=HOSTILE, text=HOSTILE)])
    short.write(run, tmp_path)
    read = PdfReader(tmp_path / "2025-Q1-short.pdf")
    text = "".join(sheet.extract_text() for sheet in read.pages)
    assert "<script>x</script>" in text and "{PAGE}" in text and "\u202e" not in text
    marks = [mark.get_object() for sheet in read.pages for mark in sheet.get("/Annots") or []]
    assert not [mark for mark in marks if "/A" in mark and "/URI" in mark["/A"]]
    assert not {"/JavaScript", "/OpenAction", "/AA"} & set(read.trailer["/Root"]) and "/JavaScript" not in (
        read.trailer["/Root"].get("/Names") or {}
    )


def test_without_chromium_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(chromium.shutil, "which", lambda name: None)
    with pytest.raises(chromium.Unavailable):
        short.write(recorded([failing("RET-01")]), tmp_path)
    assert list(Path(tmp_path).iterdir()) == []
