"""The answers to a letter as `answers.json` has them: typed, made of aggregates, pseudonyms and codes alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from heytalk_audit.audit.fact_result import Cell
from heytalk_audit.audit.rule_result import Document
from heytalk_audit.canonical import canonical, digest, read_json
from heytalk_audit.errors import InputError

ANSWERS = "answers.json"


class NotAnswered(Document):
    """Why a question is not answered: what is missing, and who can deliver it."""

    missing: str
    who: str


class CardAnswer(Document):
    """The answer to one question.

    `asks` is the question as it was asked, `answer` one to three sentences that are never empty. `rows` are in the order of `columns`; a
    hidden number is null. `facts` and `rules` are the ids of what it rests on, `verdicts` the verdict of each rule. `total` is the fact's,
    null where there is none or it is hidden.
    """

    no: int
    card: str
    title: str
    asks: str
    answer: str
    scope: dict[str, str] = Field(default_factory=dict)
    total: int | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    facts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    verdicts: dict[str, str] = Field(default_factory=dict)
    clauses: tuple[str, ...] = ()
    definition: str = ""
    limits: tuple[str, ...] = ()
    not_answered: NotAnswered | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the answer as canonical JSON."""
        return digest(canonical(self.plain()))


class LetterAnswers(Document):
    """The document: what is said of the letter, the instant and snapshot that it is answered from, and the answers in their order."""

    letter: dict[str, Any]
    as_of: str
    snapshot: str
    answers: tuple[CardAnswer, ...]


def what_lacks(missing: str, who: str) -> NotAnswered:
    """What a question lacks, without the full stop that a sentence ends with."""
    return NotAnswered(missing=missing.rstrip(". "), who=who)


def sentence_of(not_answered: NotAnswered) -> str:
    """What stands in place of an answer."""
    return f"This question cannot be answered yet. Missing: {not_answered.missing}. {_capital(not_answered.who)} can deliver it."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def read_answers(folder: Path) -> LetterAnswers:
    """The answers of an earlier letter. Raises InputError."""
    where = f"previous {folder.name}"
    try:
        return LetterAnswers.model_validate(read_json(folder / ANSWERS, where))
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(where, f"has no {ANSWERS} that can be read", "name the folder of an earlier letter") from error
