"""The pieces of text in a file that is about to leave, in whatever form they stand there.

A piece is what stands between two marks of any format: a line, a cell, the text of an element, an attribute's value, a string of JSON.
Files are read in blocks, so that a table of millions of rows takes no more memory than a short one.
"""

from __future__ import annotations

import binascii
import contextlib
import gzip
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pypdf import PdfReader

from heytalk_audit.errors import AuditFailure
from heytalk_audit.release.pdf_text import pdf_texts

#: Bytes that are read at once, and of a line that has no end.
BLOCK = 1 << 20
#: How deep one form may lie within another, and how large a thing may be that lies within another.
_DEEPEST, _LARGEST = 4, 1 << 31
#: Pieces of which it is remembered that they came before: pages and notebooks say most things twice.
_REMEMBERED = 400_000
_MARKS = re.compile(r"[<>\"\n\r\t\x00\x1d-\x1f]+")
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|[/\\])")
#: Where a drawing goes: numbers by the thousand, and none that anybody has.
_GEOMETRY = re.compile(r"\b(?:d|points|transform|viewBox|[xy][12]?|c[xy]|r|width|height)=\\?\"[-+0-9MLHVCSQTAZa-z., ()\n]*\\?\"")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
#: All of a piece that is bytes, as of a signature: the letters in it are no words.
_BYTES_IN_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}){10,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)")
_PNG = b"\x89PNG"
_BINARY = (_PNG, b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"PAR1")
#: Words of so many printable characters within something that is no text: the strings of an image, a font or a document.
_STRINGS = re.compile(rb"[\x20-\x7e\xc2-\xf4\x80-\xbf]{6,}")


class Pieces:
    """The pieces of files; one that came before, wherever it was, does not come again."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def of_file(self, file: Path) -> Iterator[str]:
        """The pieces of a file, its own name among them."""
        yield file.name
        if file.suffix == ".parquet":
            yield from self._of_parquet(pq.ParquetFile(file))
            return
        with file.open("rb") as stream:
            yield from self.of_stream(stream)

    def of_stream(self, stream: IO[bytes], depth: int = 0) -> Iterator[str]:
        """The pieces of what a stream holds, by what it begins with."""
        head = stream.read(8)
        stream.seek(0)
        if depth > _DEEPEST:
            raise AuditFailure("search of the output", "one form lies too deep within another", "look at what was written")
        if head.startswith(b"PK\x03\x04"):
            yield from self._of_archive(stream, depth)
        elif head.startswith(b"\x1f\x8b"):
            yield from self.of_stream(io.BytesIO(_bounded(gzip.GzipFile(fileobj=stream))), depth + 1)
        elif head.startswith(b"PAR1"):
            yield from self._of_parquet(pq.ParquetFile(pa.BufferReader(stream.read())))
        elif head.startswith(b"%PDF"):
            yield from self._of_pdf(stream)
        elif head.startswith(_PNG):
            yield from self._of_png(stream.read())
        elif head.startswith(_BINARY):
            yield from self._of_binary(stream.read())
        else:
            for text in _decoded(stream):
                yield from self.of_text(text, depth)

    def of_text(self, text: str, depth: int = 0) -> Iterator[str]:
        """The pieces of a text, and those that stand in it in another form."""
        if "\\" in text:
            for mark in ("\\n", "\\r", "\\t", '\\"'):
                text = text.replace(mark, "\n")
        if "<svg" in text:
            text = _GEOMETRY.sub("", text)
        for piece in self._new(_MARKS.split(text)):
            yield from self._of_piece(html.unescape(piece) if "&" in piece else piece, depth)

    def _new(self, pieces: Iterable[str]) -> set[str]:
        """Those that did not come before; what is too short to be anything is none."""
        new = set(pieces) - self._seen
        if len(self._seen) < _REMEMBERED:
            self._seen |= new
        return {piece for piece in new if len(piece) > 5}

    def _of_piece(self, piece: str, depth: int) -> Iterator[str]:
        """A piece, and what stands in it in another form. A run of base64 that holds something is no word of its own."""
        rest = piece = _ESCAPED.sub(_unescaped, piece) if "\\" in piece else piece
        for run in _BASE64.finditer(piece) if len(piece) >= 16 else ():
            if run[0].islower():  # no text becomes that
                continue
            for content in _from_base64(run[0]):
                rest = rest.replace(run[0], " ") if len(run[0]) > 200 else rest
                yield from self.of_stream(io.BytesIO(content), depth + 1)
        if rest is piece and _BYTES_IN_BASE64.fullmatch(piece) and not any(_from_base64(piece)):
            return
        yield rest
        if "%" in rest and (bare := unquote(rest)) != rest:
            yield bare

    def _of_archive(self, stream: IO[bytes], depth: int) -> Iterator[str]:
        with zipfile.ZipFile(stream) as archive:
            yield archive.comment.decode("utf-8", "replace")
            for member in archive.infolist():
                yield member.filename
                with archive.open(member) as inner:
                    yield from self.of_stream(inner, depth + 1)

    def _of_parquet(self, opened: pq.ParquetFile) -> Iterator[str]:
        """Texts of all columns, and the names and notes in its schema. Pseudonyms are the only values of which there are many."""
        with opened:
            yield from _of_schema(opened.schema_arrow)
            for batch in opened.iter_batches(50_000):
                for column in batch.columns:
                    if pa.types.is_string(column.type) or pa.types.is_nested(column.type):
                        for value in column.unique().to_pylist() if pa.types.is_string(column.type) else map(str, column.to_pylist()):
                            yield from self.of_text(value) if value else ()

    def _of_pdf(self, stream: IO[bytes]) -> Iterator[str]:
        reader = PdfReader(stream)
        yield from (str(value) for value in (reader.metadata or {}).values())
        for text in pdf_texts(reader):
            yield from self.of_text(text)
        for sheet in reader.pages:
            for mark in sheet.get("/Annots") or []:
                yield from self.of_text(str(mark.get_object()))
        yield from self.of_text("\n".join([*_bookmarks(reader.outline), *_alternatives(reader)]))

    def _of_png(self, content: bytes) -> Iterator[str]:
        """What an image says of itself, chunk by chunk; its pixels are none."""
        at = 8
        while at + 8 <= len(content):
            size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
            if kind not in (b"IDAT", b"PLTE"):
                yield from self._of_binary(content[at + 8 : at + 8 + size])
            at += size + 12
        yield from self._of_binary(content[at:])

    def _of_binary(self, content: bytes) -> Iterator[str]:
        """The strings within an image: its metadata, plain or deflated."""
        for inflated in (content, *_inflated(content)):
            for text in _STRINGS.findall(inflated):
                yield from self.of_text(text.decode("utf-8", "replace"))
        for encoding in ("utf-16-le", "utf-16-be"):
            if b"\x00" in content[:BLOCK]:
                wide = content.decode(encoding, "replace")
                yield from self._new(re.findall(r"[\x20-\x7e\xa0-\u024f]{6,}", wide))


def _bookmarks(outline: Iterable[Any]) -> Iterator[str]:
    """The titles of a PDF's bookmarks, and of those below them."""
    for item in outline:
        if isinstance(item, list):
            yield from _bookmarks(item)
        else:
            yield item.title or ""


def _alternatives(reader: PdfReader) -> Iterator[str]:
    """What the tags of a PDF say in place of what is seen, and what its places are called."""
    for number in sorted({*reader.xref_objStm, *(n for generation in reader.xref.values() for n in generation)}):
        tagged: Any = reader.get_object(number)
        if isinstance(tagged, dict) and tagged.get("/S") is not None:
            yield from (str(tagged[name]) for name in ("/Alt", "/ActualText", "/E", "/T") if name in tagged)
    yield from reader.named_destinations


def notes_of(file: Path) -> Iterator[str]:
    """What a Parquet file says beside its rows."""
    yield from _of_schema(pq.read_schema(file))


def _of_schema(schema: pa.Schema) -> Iterator[str]:
    yield from schema.names
    for notes in (schema.metadata, *(field.metadata for field in schema)):
        yield from (text.decode("utf-8", "replace") for pair in (notes or {}).items() for text in pair)


def _unescaped(escape: re.Match[str]) -> str:
    what = escape[1]
    return chr(int(what[1:], 16)) if what[0] == "u" else what


def _decoded(stream: IO[bytes]) -> Iterator[str]:
    """The text of a stream in blocks that end where a piece does."""
    head = stream.read(4)
    stream.seek(0)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    rest = ""
    while block := text.read(BLOCK):
        block = rest + block
        end = max(block.rfind("\n"), block.rfind(">"))
        # a line without an end goes on in pieces that overlap
        rest = block[end + 1 :] if end >= 0 and len(block) - end < 8 * BLOCK else block[-4096:]
        yield block[: end + 1] if end >= 0 and len(block) - end < 8 * BLOCK else block
    yield rest
    text.detach()


def _bounded(stream: IO[bytes] | gzip.GzipFile) -> bytes:
    content = stream.read(_LARGEST)
    if len(content) == _LARGEST:
        raise AuditFailure("search of the output", "what lies packed in it is too large to be searched", "look at what was written")
    return content


def _from_base64(run: str) -> Iterator[bytes]:
    """What a run of base64 holds, be it text or a file; what stands before may belong to it or not, so each beginning is tried."""
    digits = run.rstrip("=").replace("-", "+").replace("_", "/")
    for start in range(4 if len(digits) < BLOCK else 1):
        part = digits[start : len(digits) - ((len(digits) - start) % 4 == 1)]
        with contextlib.suppress(binascii.Error):
            content = binascii.a2b_base64(part + "=" * (-len(part) % 4))
            if content.startswith(_BINARY) or _is_text(content):
                yield content
                return


def _is_text(content: bytes) -> bool:
    """Whether bytes are text of some length: few random ones are."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(text) >= 6 and sum(c.isprintable() or c in "\n\r\t" for c in text) == len(text)


def _inflated(content: bytes) -> Iterator[bytes]:
    """What deflated parts hold, wherever they begin: the notes of an image are small."""
    for begin in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", content):
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(content[begin.start() :], BLOCK)
