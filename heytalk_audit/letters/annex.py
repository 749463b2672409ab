"""The annex of a letter: clear values of the people whom its questions name, and of what they name of them; one file a person.

It lies beside the letter's folder, and goes out apart and sealed. Who made it and why is in the custody log before a value is read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence import custody
from heytalk_audit.evidence.chain import append
from heytalk_audit.investigation.opening import clear_cells
from heytalk_audit.investigation.subject import NobodyThere, Subject, subject_of
from heytalk_audit.letters.catalogue import CARDS
from heytalk_audit.letters.parameters import LetterParams, Question
from heytalk_audit.report import page
from heytalk_audit.report.html import Fragment, join, paragraph, table, tag
from heytalk_audit.running.session import Session

EVENT = "annex"
FOOT = "Clear values of one person, for the authority alone. "


@dataclass(frozen=True)
class AnnexRequest:
    """Who asks for clear values, why, the custody log where it is not the snapshot's own, and the clock that the log is stamped with."""

    by: str
    reason: str
    now: Callable[[], dt.datetime]
    log: Path | None = None


def annex_request(annex: bool, by: str, reason: str, now: Callable[[], dt.datetime], log: Path | None) -> AnnexRequest | None:
    """The request for an annex as a command states it; null where none is wanted. Raises InputError where it is half stated."""
    if not annex:
        stray = next((option for option, text in (("--by", by), ("--reason", reason)) if text.strip()), None)
        if stray or log:
            raise InputError(stray or "--log", "belongs to an annex", "add --annex, or leave it out")
        return None
    return AnnexRequest(custody.stated_text("--by", by), custody.stated_text("--reason", reason), now, log)


def refuse_annex(letter: LetterParams) -> None:
    """Raises InputError for a letter that can have no annex: a finished run answers it, or no question names a person."""
    if letter.audit is None:
        raise InputError("--annex", "needs the snapshot, and a finished run answers this letter", "name an audit in place of the run")
    if not _by_person(letter):
        raise InputError("--annex", "has nobody to show: no question names a person", "leave it out")


def annex_files(letter: LetterParams, session: Session, snapshot: Path, request: AnnexRequest) -> dict[str, bytes]:
    """The annex's files by name, one per person who is in the snapshot. Each person is in the custody log first."""
    held, log = custody.open_held(snapshot), custody.log_of(snapshot, request.log)
    files = {}
    for person, questions in _by_person(letter).items():
        entry = custody.entry_of(held, EVENT, request.by, request.now(), reason=request.reason, letter=letter.letter.id)
        append(log, entry | {"pseudonym": person, "questions": [question.no for question in questions]})
        with suppress(NobodyThere):
            files[f"{person}.html"] = _page(letter, questions, subject_of(session, person), session).encode()
    return files


def _by_person(letter: LetterParams) -> Mapping[str, Sequence[Question]]:
    people: dict[str, list[Question]] = {}
    for question in letter.questions:
        if question.scope.person is not None:
            people.setdefault(question.scope.person, []).append(question)
    return people


def _page(letter: LetterParams, questions: Sequence[Question], subject: Subject, session: Session) -> str:
    title = f"Annex to {letter.letter.id}: person {subject.pseudonym}"
    body = join(
        tag("h1", title),
        paragraph(f"To {letter.letter.authority}. In the answers this person is called {subject.pseudonym}."),
        *(_question(question, subject, session) for question in questions),
    )
    return page.wrap(page.sanitised(body.html), title, [], "Values are as they are stored.", FOOT)


def _question(question: Question, subject: Subject, session: Session) -> Fragment:
    return join(
        tag("h2", f"Question {question.no}", id=f"question-{question.no}"),
        paragraph(printable(question.asks)),
        *_tables(CARDS[question.card].annex, subject, session),
    )


def _tables(columns: Mapping[str, Sequence[str]], subject: Subject, session: Session) -> Iterator[Fragment]:
    """The person's rows of each table that a card names, with the columns that it names."""
    for name, wanted in columns.items():
        rows = subject.tables.get(name)
        kept = [column for column in wanted if rows is not None and column in rows.columns]
        if rows is None or not kept:
            yield paragraph(f"The table {name} was not delivered, or does not name people.")
            continue
        values = session.audit.snapshot.engine.rows(rows.select(*kept).order_by(kept))
        yield table([column.replace("_", " ") for column in kept], clear_cells(values), name.replace("_", " "))
