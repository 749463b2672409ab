"""What leaves is searched: each kind of value, in each form in which it may stand in a file, and nothing that is the audit's own."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import docx
import duckdb
import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from heytalk_audit.errors import AuditFailure
from heytalk_audit.release.candidates import Candidates
from heytalk_audit.release.forms import Form, full_names_in, shapes_in
from heytalk_audit.release.own import own
from heytalk_audit.release.pieces import Pieces
from heytalk_audit.release.search import Leak, SearchedTable, hits_of
from heytalk_audit.release.withheld import LIST, withhold

EMAIL, PHONE, IP, AD_ID = "zorquil.bax7@wempthul.example", "+49 (0)151 2345-678", "203.0.113.77", "3f2a8b1c-9d4e-4f60-8a7b-1c2d3e4f5a6b"
NAME, DEVICE, IMEI = "Zorquila Wempthulova", "a1b2c3d4e5f60718", "354000000000001"
VALUES = {"users.email": EMAIL, "users.phone": PHONE, "traffic_events.ip": IP, "devices.ad_id": AD_ID, "users.display_name": NAME}


def source(folder: Path, table: str, **columns: list[object]) -> SearchedTable:
    file = folder / f"{table}.parquet"
    pq.write_table(pa.table(columns), file)
    return SearchedTable(table, (str(file),))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory) -> list[SearchedTable]:
    folder = tmp_path_factory.mktemp("snapshot")
    return [
        source(
            folder, "users", user_id=["u-0000001", "u2"], email=[EMAIL, None], phone=[PHONE, ""], display_name=[NAME, "Retention Limited"]
        ),
        source(folder, "traffic_events", event_id=["e1"], ip=[IP], event_type=["open"]),
        source(folder, "devices", device_id=[DEVICE, IMEI], ad_id=[AD_ID, None]),
        source(
            folder,
            "support_tickets",
            topic=["Yendgrixa Noulka"],
            text=["my friend's mail is nolk.3@wempthul.example, call 0160/7654321 please"],
        ),
        source(folder, "vendors", vendor_id=["10000042", "v2"], name=["Quilbax Vaspthul Analytics", None]),
        source(
            folder,
            "disclosures",
            fields=[["email", "ip"]],
            content_ids=[["c-0000001", "Pruvnolka Thulwempa"]],
            odd=[{"a": "yend@grix.example"}],
        ),
    ]


def searched(files: Path, snapshot: list[SearchedTable]) -> list[Leak]:
    with duckdb.connect() as con:
        candidates = Candidates(con, own())
        candidates.add(files, sorted(file for file in files.rglob("*") if file.is_file()))
        candidates.finish()
        return hits_of(con, snapshot, candidates.forms())


def in_html(text: str) -> bytes:
    return f"<html><body><p title='x'>Rows</p><td>{text}</td></body></html>".encode()


def in_notebook(text: str) -> bytes:
    cell = nbformat.v4.new_code_cell("show()", outputs=[nbformat.v4.new_output("display_data", {"text/html": f"<b>{text}</b>"})])
    return nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode()


def in_parquet(text: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"record": ["0" * 16], "reason": [text]}), buffer)
    return buffer.getvalue()


def in_schema(text: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({"note": text}), buffer)
    return buffer.getvalue()


def in_workbook(text: str) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True}) as book:
        book.add_worksheet("Cover").write_string(0, 0, f"a {text}")
    return buffer.getvalue()


def in_zip(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt.gz", gzip.compress(text.encode()))
    return buffer.getvalue()


def pdf(change: Callable[[PdfWriter], object]) -> bytes:
    """A PDF of an empty page, in which something else is changed."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    change(writer)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def in_pdf(text: str) -> bytes:
    return pdf(lambda writer: writer.add_metadata({"/Title": text}))


def in_bookmark(text: str) -> bytes:
    def nested(writer: PdfWriter) -> None:
        for outer, inner in (("outer", "inner"), ("next", text)):
            parent = writer.add_outline_item(title=outer, page_number=0)
            writer.add_outline_item(title=inner, page_number=0, parent=parent)

    return pdf(nested)


def in_alternative(text: str) -> bytes:
    """A PDF with a tag for a figure, which says the text in place of what is seen."""
    figure = {NameObject("/S"): NameObject("/Figure"), NameObject("/Alt"): TextStringObject(text)}
    return pdf(lambda writer: writer._add_object(DictionaryObject(figure)))


def in_document(text: str) -> bytes:
    buffer = io.BytesIO()
    document = docx.Document()
    document.add_table(1, 1).cell(0, 0).text = f"a {text}"
    document.save(buffer)
    return buffer.getvalue()


def in_png(text: str, deflated: bool = False) -> bytes:
    kind, content = (b"zTXt", b"Comment\0\0" + zlib.compress(text.encode())) if deflated else (b"tEXt", b"Comment\0" + text.encode())
    return b"\x89PNG\r\n\x1a\n" + len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


FORMS = {
    "plain.txt": lambda text: f"line\n{text}\n".encode(),
    "page.html": in_html,
    "entities.html": lambda text: in_html("".join(f"&#{ord(c)};" for c in text)),
    "attribute.html": lambda text: f'<p title="{text}">x</p>'.encode(),
    "results.json": lambda text: json.dumps({"a": [{"b": text}]}).encode(),
    "escaped.json": lambda text: ('{"a": "' + "".join(f"\\u{ord(c):04x}" for c in text) + '"}').encode(),
    "book.ipynb": in_notebook,
    "rows.parquet": in_parquet,
    "code.parquet": lambda text: in_parquet(base64.b64encode(text.encode()).decode()),
    "schema.parquet": in_schema,
    "rows.csv": lambda text: f'\ufeffrule,reason\r\nA-01,"{text}"\r\n'.encode(),
    "findings.xlsx": in_workbook,
    "packed.zip": in_zip,
    "packed.gz": lambda text: gzip.compress(in_html(text)),
    "report.pdf": in_pdf,
    "bookmark.pdf": in_bookmark,
    "alternative.pdf": in_alternative,
    "short.docx": in_document,
    "image.png": in_png,
    "deflated.png": lambda text: in_png(text, deflated=True),
    "base64.html": lambda text: f"<img src='data:text/plain;base64,{base64.b64encode(text.encode()).decode()}'>".encode(),
    "picture.html": lambda text: f"<img src='data:image/png;base64,{base64.b64encode(in_png(text)).decode()}'>".encode(),
    "urlsafe.html": lambda text: f"x/{base64.urlsafe_b64encode(f'>>> {text}'.encode()).decode().rstrip('=')}".encode(),
    "gzip-in-base64.txt": lambda text: base64.b64encode(gzip.compress(text.encode())),
    "percent.txt": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "wide.txt": lambda text: text.encode("utf-16"),
    "drawing.svg": lambda text: f'<svg><path d="M10 20 30 40"/><text x="1" y="2">{text}</text></svg>'.encode(),
    "suite.xml": lambda text: f'<testsuite name="{text}"/>'.encode(),
    "cited.yaml": lambda text: f"title: '{text}'\n".encode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", VALUES)
def test_a_value_is_seen_in_every_form(form, place, snapshot, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / form).write_bytes(FORMS[form](VALUES[place]))
    assert Leak(form, place) in searched(tmp_path / "out", snapshot)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("users:u-0000001", "users.user_id"),
        (DEVICE, "devices.device_id"),
        (IMEI, "devices.device_id"),
        ("(nolk.3@wempthul.example)!", "support_tickets.text"),
        ("0160 7654321", "support_tickets.text"),
        ("the topic YENDGRIXA  noulka is new", "support_tickets.topic"),
        ("Pruvnolka Thulwempa", "disclosures.content_ids"),
        ("yend@grix.example", "column 3 of disclosures"),
        ("12 +49 151 2345678", None),  # another number: without the nought in brackets
        ("row 7: +49 (0)151 2345-678", "users.phone"),
        ("Zorquila", None),
        ("Retention Limited", None),
        ("Quilbax Vaspthul Analytics", None),
        ("10000042", None),
        ("a1b2c3d4e5f60719", None),
        ("somebody@wempthul.example", None),
        ("203.0.113.7", None),
    ],
)
def test_a_hit_is_what_stands_in_the_snapshot_and_is_no_word_of_a_report(text, place, snapshot, tmp_path):
    (tmp_path / "page.html").write_bytes(in_html(text))
    assert [hit.column for hit in searched(tmp_path, snapshot)] == ([place] if place else [])


def test_what_a_user_calls_himself_stops_nobody(tmp_path):
    words = sorted(own().words)
    names = [f"{words[n]} {words[n + 1]} {words[-n - 1]}".title() for n in range(0, len(words) // 2, 50)]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "page.html").write_text("".join(f"<td>{name}</td>" for name in names), "utf-8")
    assert searched(tmp_path / "out", [source(tmp_path, "users", user_id=["u"] * len(names), display_name=names)]) == []


def test_what_was_stated_is_no_leak(snapshot, tmp_path):
    (tmp_path / "page.html").write_bytes(in_html(f"{EMAIL} {NAME}"))
    with duckdb.connect() as con:
        candidates = Candidates(con, own().with_texts([f"owner: {NAME} <{EMAIL}>"]))
        candidates.add(tmp_path, [tmp_path / "page.html"])
        candidates.finish()
        assert hits_of(con, snapshot, candidates.forms()) == []


def test_names_of_columns_and_files_are_values_too(tmp_path):
    odd = source(tmp_path, "users", user_id=["u"], **{"somebody@grix.example": ["x"]})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.json").write_text(json.dumps({"columns": ["somebody@grix.example"]}))
    assert searched(tmp_path / "out", [odd]) == [Leak("results.json", "a column that is named so")]


def test_numbers_of_a_report_are_no_telephone_numbers():
    for text in (
        "508 / 508 / 508",
        "2025-03-31 12:00:00",
        "1,204,331",
        "0.01612345678",
        "2024-01-01..2025-03-31",
        "ab12345678cd",
        "0000001234",
    ):
        assert [value for form, value in shapes_in(text) if form == Form.PHONE] == [], text


def test_a_name_has_a_word_that_is_not_the_audits_own():
    assert set(full_names_in("is Zorquila Wem rated", {"is", "rated"})) == {
        "is Zorquila",
        "is Zorquila Wem",
        "is Zorquila Wem rated",
        "Zorquila Wem",
        "Zorquila Wem rated",
        "Wem rated",
    }
    assert list(full_names_in("Retention is rated", {"retention", "is", "rated"})) == []
    # letters that a UUID happens to have are no words; beside one, or where it is none, they are
    assert list(full_names_in('"uuid": "1a2b3c4d-cadf-bddc-8123-0123456789ab"', {"uuid"})) == []
    assert "Cadf Bddc" in full_names_in("1a2b3c4d-cadf-bddc-8123-0123456789ab Cadf Bddc", set())
    assert "Cadf Bddc" in full_names_in("1a-Cadf-Bddc-2-3-4", set())


@pytest.mark.parametrize("beside", ["", " Anja Dorfmann"])
def test_the_letters_of_a_signature_are_no_name(beside):
    # 64 bytes whose base64 has words between its other characters
    signature = ("Anja/Dorfmann+Petr/Szczepanski1" * 3)[:85] + "A=="
    assert len(base64.b64decode(signature, validate=True)) == 64
    names = [name for piece in Pieces().of_text(f'{{"sig": "{signature}{beside}"}}') for name in full_names_in(piece, set())]
    assert ("Anja Dorfmann" in names) == bool(beside)


def test_a_long_line_is_read_in_parts(tmp_path):
    (tmp_path / "long.txt").write_text("x " * 6_000_000 + EMAIL + " y" * 3_000_000)
    assert any(EMAIL in piece for piece in Pieces().of_file(tmp_path / "long.txt"))


def test_what_is_withheld_is_private_and_names_no_value(tmp_path):
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged" / "page.html").write_bytes(in_html(EMAIL))
    error = withhold(tmp_path / "staged", tmp_path / "reports" / "run", [Leak("page.html", "users.email")])
    (private,) = (tmp_path / "reports").iterdir()
    assert isinstance(error, AuditFailure) and "page.html holds what stands in users.email" in str(error) and str(private) in str(error)
    assert stat.S_IMODE(os.stat(private).st_mode) == 0o700 and (private / "run" / "page.html").is_file()
    assert (private / LIST).read_text() == "page.html holds what stands in users.email\n" and EMAIL not in str(error)
