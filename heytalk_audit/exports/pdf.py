"""The whole report as one PDF for print: tagged, in its language, with bookmarks and page numbers.

The HTML is the evidence, and the PDF a copy. All pages are printed as one document, so that the tags that screen readers need, the
bookmarks and the links between chapters are those of one document.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from heytalk_audit.canonical import bytes_bounded
from heytalk_audit.exports import chromium
from heytalk_audit.exports.recorded import Recorded, line
from heytalk_audit.policy.chapters import CHAPTERS, FRAMEWORKS, NUMBERS, REASONS, SUMMARY
from heytalk_audit.report import paper

#: No page is larger, in bytes.
_MOST_IN_PAGE = 128_000_000
#: The report's pages, each with its title, in the order in which they are printed.
_TITLES = {page.file: page.title for chapter in (SUMMARY, NUMBERS, *CHAPTERS.values()) for page in chapter.pages[:1]}
#: Pages that are left out: each reason's sentence stands where the reason is counted, and the frameworks have an export of their own.
_NOT_PRINTED = (REASONS, FRAMEWORKS)
_TITLES |= {page.file: page.title for page in SUMMARY.further if page not in _NOT_PRINTED}


def write(run: Recorded, folder: Path) -> None:
    """One file. Raises Unavailable without Chromium."""
    chromium.program()
    (folder / "report.pdf").write_bytes(chromium.printed(document(run), run, run.audit.title))


def document(run: Recorded) -> str:
    """All pages of the report as one document of HTML."""
    contents = {file.stem: _content(file) for file in report_pages(run.folder)}
    bodies = {name: _body(content) for name, content in contents.items()}
    titles = {name: _TITLES.get(f"{name}.html") or _title(content) or name for name, content in contents.items()}
    return paper.as_one(bodies, titles, run.audit.title, run.evidence)


def report_pages(folder: Path) -> list[Path]:
    """The run's pages in the report's order; those of no chapter come last. A name that no page of a report has is left out.

    So are those that are not printed.
    """
    order, left_out = list(_TITLES), {page.file for page in _NOT_PRINTED}
    named = [file for file in folder.glob("*.html") if re.fullmatch(r"[a-z]+(-[a-z]+)*", file.stem) and file.name not in left_out]
    return sorted(named, key=lambda p: (order.index(p.name) if p.name in order else len(order), p.name))


def _content(file: Path) -> str:
    return bytes_bounded(file, f"page {file.name}", "export a run as it was written", _MOST_IN_PAGE).decode("utf-8", "replace")


def _body(content: str) -> str:
    """What stands on a page: a run, and its pages, may come from elsewhere, so a page without its own frame is taken as it is."""
    return content.partition('<main id="main">')[2].rpartition("</main>")[0] or content


def _title(content: str) -> str:
    title = re.search(r"<title>(.*?)</title>", content[:10_000], re.DOTALL)
    return line(html.unescape(title[1])) if title else ""
