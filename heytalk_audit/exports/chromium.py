"""A document of HTML as a tagged PDF, through Chromium: bookmarks from its headings, and no date but the instant audited.

The same Chromium gives the same bytes; another one may not.
"""

from __future__ import annotations

import datetime as dt
import io
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, BooleanObject, ByteStringObject, DictionaryObject, NameObject

from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.disk.working import working_folder
from heytalk_audit.exports.recorded import Unavailable, line
from heytalk_audit.report import words

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-extensions"),
    *("--disable-component-update", "--disable-sync", "--no-pdf-header-footer"),
    *("--export-tagged-pdf", "--generate-pdf-document-outline"),
)
SECONDS = 900


class PrintedFrom(Protocol):
    """What a PDF cites: the instant audited, and a digest in hex."""

    @property
    def as_of(self) -> dt.datetime:
        """The instant, in UTC."""

    @property
    def evidence(self) -> str:
        """SHA-256, in hex."""


def program() -> str:
    """The Chromium of this machine. Raises Unavailable without one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise Unavailable("needs Chromium, which is not installed", "install chromium, or leave the format out")
    return path


def printed(document: str, run: PrintedFrom, title: str) -> bytes:
    """A document of HTML as a PDF that cites the run's evidence. Raises Unavailable."""
    chromium = program()
    with working_folder() as work:
        source = work / "report.html"
        source.write_text(document, "utf-8")
        try:
            return _finished(_print(chromium, source, work), run, title)
        except PyPdfError as error:
            raise _did_not_print() from error


def _print(chromium: str, source: Path, work: Path) -> bytes:
    """A page as PDF, by a Chromium with a profile of its own."""
    target = work / "page.pdf"
    command = [chromium, *FLAGS, f"--user-data-dir={work}/profile", f"--print-to-pdf={target}", source.resolve().as_uri()]
    try:
        subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        return target.read_bytes()
    except (OSError, subprocess.TimeoutExpired) as error:
        refuse_failure(error)
        raise _did_not_print() from error


def _did_not_print() -> Unavailable:
    return Unavailable("needs Chromium, which did not print the document", "run chromium by hand to see why")


def _finished(content: bytes, run: PrintedFrom, title: str) -> bytes:
    """The same document with its title in the window's head, and with dates and an identifier that follow from the run."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    writer.pdf_header = "%PDF-1.7"  # of the first versions, none knows tags
    day = run.as_of.strftime("D:%Y%m%d%H%M%SZ")
    subject = {"/Title": line(title), "/Subject": f"{words.SUBTITLE}; evidence SHA-256 {run.evidence}"}
    writer.metadata = subject | {"/Creator": "heytalk-audit", "/Producer": "heytalk-audit", "/CreationDate": day, "/ModDate": day}
    shows_title = DictionaryObject({NameObject("/DisplayDocTitle"): BooleanObject(True)})
    writer.root_object[NameObject("/ViewerPreferences")] = shows_title
    identifier = ByteStringObject(bytes.fromhex(run.evidence)[:16])
    writer._ID = ArrayObject((identifier, identifier))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
