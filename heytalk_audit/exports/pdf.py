"""All pages of the report as one PDF, through Chromium. The HTML is the evidence; the PDF is a copy for print.

Chromium writes two dates of its own; the one document that its pages are merged into carries the instant audited instead. The same
Chromium gives the same bytes; another one may not.
"""

from __future__ import annotations

import html
import io
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, NameObject, NumberObject

from heytalk_audit.canonical import bytes_bounded
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.disk.working import working_folder
from heytalk_audit.exports.recorded import Recorded, Unavailable, line
from heytalk_audit.policy.chapters import CHAPTERS, SUMMARY
from heytalk_audit.report import page, words
from heytalk_audit.report.html import definitions, join, paragraph, tag

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-extensions"),
    *("--disable-component-update", "--disable-sync", "--no-pdf-header-footer"),
)
SECONDS = 180
#: No page is larger, in bytes.
_MOST_IN_PAGE = 128_000_000


def write(run: Recorded, folder: Path) -> None:
    """One file. Raises Unavailable without Chromium."""
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        raise Unavailable("needs Chromium, which is not installed", "install chromium, or leave the format out")
    pages = report_pages(run.folder)
    with working_folder() as work:
        cover = work / "cover.html"
        cover.write_text(_cover(run), "utf-8")
        copies = [_inert(source, work / "pages") for source in pages]
        with ThreadPoolExecutor(max_workers=2) as pool:
            printed = list(pool.map(lambda one: _print(chromium, one, work), [cover, *copies]))
    titles = ["Cover", *(_title(p) for p in pages)]
    (folder / "report.pdf").write_bytes(merge(run, ["cover.html", *(p.name for p in pages)], titles, printed))


def report_pages(folder: Path) -> list[Path]:
    """The run's pages in the report's order; those of no chapter come last."""
    order = [SUMMARY.page, *(c.page for c in CHAPTERS.values())]
    return sorted(folder.glob("*.html"), key=lambda p: (order.index(p.name) if p.name in order else len(order), p.name))


def merge(run: Recorded, names: list[str], titles: list[str], printed: list[bytes]) -> bytes:
    """One document with a bookmark per page of the report; links from page to page lead to places in it."""
    writer = PdfWriter()
    starts = {}
    for name, title, content in zip(names, titles, printed, strict=True):
        starts[name] = len(writer.pages)
        writer.append(PdfReader(io.BytesIO(content)), outline_item=title, import_outline=False)
    for sheet in writer.pages:
        _relink(writer, sheet, starts)
    day = run.as_of.strftime("D:%Y%m%d%H%M%SZ")
    subject = {"/Title": line(run.audit.title), "/Subject": f"{words.SUBTITLE}; evidence SHA-256 {run.evidence}"}
    writer.metadata = subject | {"/Creator": "heytalk-audit", "/Producer": "heytalk-audit", "/CreationDate": day, "/ModDate": day}
    identifier = ByteStringObject(bytes.fromhex(run.evidence)[:16])
    writer._ID = ArrayObject((identifier, identifier))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _relink(writer: PdfWriter, sheet: DictionaryObject, starts: dict[str, int]) -> None:
    """Chromium turns a link between two pages into the path of a file of this machine: make it a place in the document, or drop it."""
    kept = ArrayObject()
    for reference in sheet.get("/Annots") or []:
        mark = reference.get_object()
        uri = str(mark.get("/A", {}).get("/URI", ""))
        name = re.sub(r"[#?].*", "", uri).rpartition("/")[2]
        if uri and name not in starts:
            continue
        if uri:
            del mark["/A"]
            target = writer.pages[starts[name]].indirect_reference
            mark[NameObject("/Dest")] = ArrayObject((target, NameObject("/XYZ"), NumberObject(0), NumberObject(10_000), NumberObject(0)))
        kept.append(reference)
    if "/Annots" in sheet:
        sheet[NameObject("/Annots")] = kept


def _cover(run: Recorded) -> str:
    audit = run.audit
    body = join(
        tag("h1", audit.title),
        paragraph(words.SUBTITLE, cls="sub"),
        definitions([("Audit", audit.id), ("State as of", audit.as_of), ("Evidence SHA-256", run.evidence)]),
        paragraph("A printed copy. The HTML pages in the run's folder are the evidence, and heytalk-audit verify checks them."),
    )
    return page.wrap(page.sanitised(body.html), audit.title, [])


def _inert(source: Path, folder: Path) -> Path:
    """A copy of a page that holds and runs nothing but what a page of a report may: a run, and its pages, may come from elsewhere."""
    content = bytes_bounded(source, f"page {source.name}", "export a run as it was written", _MOST_IN_PAGE).decode("utf-8", "replace")
    body = content.partition('<main id="main">')[2].rpartition("</main>")[0] or content
    folder.mkdir(exist_ok=True)
    copy = folder / source.name
    copy.write_text(page.wrap(page.sanitised(body), _title(source), []), "utf-8")
    return copy


def _title(path: Path) -> str:
    title = re.search(r"<title>(.*?)</title>", path.read_bytes()[:10_000].decode("utf-8", "replace"), re.DOTALL)
    return line(html.unescape(title[1])) if title else path.stem


def _print(chromium: str, source: Path, work: Path) -> bytes:
    """A page as PDF, by a Chromium with a profile of its own."""
    with tempfile.TemporaryDirectory(dir=work) as own:
        target = Path(own) / "page.pdf"
        command = [chromium, *FLAGS, f"--user-data-dir={own}/profile", f"--print-to-pdf={target}", source.resolve().as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
            return target.read_bytes()
        except (OSError, subprocess.TimeoutExpired) as error:
            refuse_failure(error)
            raise Unavailable(f"needs Chromium, which did not print {source.name}", "run chromium by hand to see why") from error
