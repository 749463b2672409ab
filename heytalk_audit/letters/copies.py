"""Copies of an answered letter to send: a Word document, and a PDF where Chromium is there. Long tables are cut in both."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.exports import chromium, word
from heytalk_audit.exports.recorded import Unavailable
from heytalk_audit.letters.answer import LetterAnswers
from heytalk_audit.letters.letter import SHORT
from heytalk_audit.release.pieces import Pieces
from heytalk_audit.report import paper

DOCX, PDF = "letter.docx", "letter.pdf"
_ABOUT = "Answer to a regulator's letter"


@dataclass(frozen=True)
class Cited:
    """What the copies cite: the instant of the data, and the digest of the answers, in hex."""

    as_of: dt.datetime
    evidence: str

    @staticmethod
    def of(answers: LetterAnswers, digest: str) -> Cited:
        """Of a letter's answers and their digest."""
        return Cited(dt.datetime.fromisoformat(answers.as_of), digest)


def write_printed(work: Path, folder: Path, cited: Cited, title: str) -> tuple[str, ...]:
    """Write the copies into the folder; returns a line for each that could not be written."""
    body = paper.for_print((work / SHORT).read_text("utf-8"))
    (folder / DOCX).write_bytes(word.document(body, _imprint(cited, title), title, None))
    try:
        chromium.program()
        (folder / PDF).write_bytes(chromium.printed(paper.wrapped(body, title, cited.evidence), cited, title))
    except Unavailable as error:
        return (f"{PDF} was left out: {error}",)
    return ()


def _imprint(cited: Cited, title: str) -> word.Imprint:
    return word.Imprint(title, f"{_ABOUT}\tAnswers {cited.evidence[:16]}", f"{_ABOUT}; answers SHA-256 {cited.evidence}", cited.as_of)


def texts_of_template() -> list[str]:
    """What stands in any document of ours: it is no value of the snapshot."""
    cited = Cited(dt.datetime(2000, 1, 1), "0" * 64)
    specimen = word.document(word.SPECIMEN, _imprint(cited, ""), "", None)
    return [*Pieces().of_stream(io.BytesIO(specimen)), *word.STYLES.values()]
