"""A regulator's letter in its notebook: the cover letter, the answers, and what is left for the folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from heytalk_audit.canonical import canonical
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.letters.answer import ANSWERS, CardAnswer
from heytalk_audit.letters.answering import Answering
from heytalk_audit.letters.catalogue import CARDS
from heytalk_audit.letters.cover import cover_letter, template_text
from heytalk_audit.letters.pages import answer_section, unanswered_list
from heytalk_audit.letters.parameters import read_letter
from heytalk_audit.report.html import Fragment, join, paragraph, tag
from heytalk_audit.running.session import WORK, Session
from heytalk_audit.vocabulary import Audience

#: What the letter leaves in the working folder beside `answers.json`: the edition for print.
SHORT = "letter-short.html"
#: So many rows of a table stand in the edition for print.
_PRINTED_ROWS = 12
_INTERNAL = "For internal use, not to be sent: small numbers are not suppressed in this copy."


class Letter:
    """A letter opened from its parameters: its questions are answered when a part of it is first shown."""

    cards = CARDS

    def __init__(self, params: str | Path, overrides: str | Sequence[str] = ()):
        path = Path(params)
        self.letter, self.base = read_letter(path), path.resolve().parent
        keys = [overrides] if isinstance(overrides, str) else list(overrides)
        audience = f"report.audience={self.letter.letter.audience}"
        self.session = Session(self.base / self.letter.audit, [*keys, audience]) if self.letter.audit else None
        self._answering = Answering(self.letter, self.base, self.session)

    def cover(self) -> Fragment:
        """The cover letter, from its template."""
        stated, answers = self.letter.letter, self._answering.answers
        described, missing = self._answering.source.described, sum(answer.not_answered is not None for answer in answers)
        values = {name: str(value or "") for name, value in stated.model_dump(mode="json").items()}
        values |= {"as_of": described.as_of, "snapshot": described.snapshot.id, "questions": str(len(answers))}
        values |= {"answered": str(len(answers) - missing), "not_answered": str(missing)}
        letter = cover_letter(template_text(self.base / stated.template if stated.template else None), values)
        return join(paragraph(tag("strong", _INTERNAL)), letter) if stated.audience == Audience.INTERNAL else letter

    def answers(self, most_rows: int | None = None) -> Fragment:
        """The numbered answers; with `most_rows` long tables are cut."""
        return join(*(self._section(answer, most_rows) for answer in self._answering.answers))

    def missing(self) -> Fragment:
        """The questions that are not answered, what they lack, and who can deliver it."""
        return unanswered_list(self._answering.answers)

    def card(self, no: int) -> Fragment:
        """One answer, by the number of its question. Raises InputError for a number that no question has."""
        return self._section(self._numbered(no), None)

    def table(self, no: int) -> pd.DataFrame:
        """The table of an answer, as the letter's audience may see it; a hidden number is null."""
        answer = self._numbered(no)
        return pd.DataFrame(list(answer.rows), columns=list(answer.columns))

    def write(self) -> None:
        """Leave what the folder takes from the letter in the working folder, where one is being made."""
        if WORK in os.environ:
            work = Path(os.environ[WORK])
            (work / ANSWERS).write_bytes(canonical(self._answering.document().plain()))
            (work / SHORT).write_text(join(self.cover(), self.answers(_PRINTED_ROWS), self.missing()).html, "utf-8")

    def _numbered(self, no: int) -> CardAnswer:
        by_number = {answer.no: answer for answer in self._answering.answers}
        if no not in by_number:
            raise InputError(f"question {no}", "is not in this letter", nearest(str(no), map(str, by_number)))
        return by_number[no]

    def _section(self, answer: CardAnswer, most_rows: int | None) -> Fragment:
        return answer_section(answer, self._answering.fact_of(answer), self._answering.rules_of(answer), most_rows)
