"""The short edition of the report, at most ten sheets: a PDF to read, and a Word document for those who have a form of their own."""

from __future__ import annotations

import re
from pathlib import Path

from heytalk_audit.exports import chromium, word
from heytalk_audit.exports.recorded import Recorded
from heytalk_audit.report import paper
from heytalk_audit.report.short_edition import Edition, short_edition

#: How the files of this format are called.
NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}-short\.(?:pdf|docx)")


def write(run: Recorded, folder: Path) -> None:
    """Two files, `<id>-short.pdf` and `<id>-short.docx`. Raises Unavailable without Chromium."""
    chromium.program()
    signed = {role: sign_off.model_dump(mode="json") for role, sign_off in run.signed.items()}
    edition = Edition(run.audit, run.rules, run.areas, run.standings, run.followed, signed, run.evidence)
    body = paper.for_print(short_edition(edition).html)
    title = f"{run.audit.title}: short edition"
    (folder / f"{_stem(run)}.docx").write_bytes(word.document(body, word.Imprint.of_run(run), title, run.template))
    (folder / f"{_stem(run)}.pdf").write_bytes(chromium.printed(paper.wrapped(body, run.audit.title, run.evidence), run, title))


def _stem(run: Recorded) -> str:
    """The audit's id as a file may be called anywhere, and what this is."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", run.audit.id).strip("-._")[:80]
    return f"{plain or 'audit'}-short"
