"""The parameters of a letter: who asks what, by when, and which audit answers; checked before anything begins."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from heytalk_audit import params
from heytalk_audit.canonical import Strict, read_yaml, refusal
from heytalk_audit.errors import InputError, looked_in
from heytalk_audit.letters.catalogue import CARDS, CONSENT, DELETION, RULES_CARD, STATED
from heytalk_audit.params import Params, PathTo, Role, known_audience, one_of
from heytalk_audit.rules import RULES
from heytalk_audit.vocabulary import Audience

#: What a letter's example is called in refusals.
EXAMPLE = "params/letter.yaml"
#: The cards that are about one person.
OF_A_PERSON = (CONSENT, DELETION)


def quoted(value: Any) -> Any:
    """A pseudonym. One of digits alone is read as a number where it stands without quotes, and is refused."""
    if isinstance(value, int):
        raise ValueError("is read as a number; write the pseudonym in quotes")
    return value


class LetterStated(Strict):
    """The letter itself: who sent it, its dates, the region whose working days count, and who reads the answer."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
    authority: Annotated[str, Field(min_length=1, max_length=200)]
    reference: Annotated[str, Field(max_length=200)] = ""
    received_on: dt.date
    answer_by: dt.date | None = None
    region: Annotated[str, Field(max_length=20)] = ""
    milestones: dict[Annotated[str, Field(max_length=200)], dt.date] = Field(default_factory=dict, max_length=50)
    audience: Annotated[str, BeforeValidator(known_audience)] = Audience.REGULATOR
    template: Annotated[str | None, PathTo(Role.TEMPLATE)] = None

    @model_validator(mode="after")
    def _order(self) -> LetterStated:
        if self.answer_by is not None and self.answer_by < self.received_on:
            raise ValueError("answer_by lies before received_on; mend one of the two")
        return self


class QuestionScope(Strict):
    """What a question is limited to: a region of law, a period (its first day, and the day after its last), a vendor, or a person."""

    region: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    since: Annotated[dt.date | None, Field(alias="from")] = None
    to: dt.date | None = None
    vendor: Annotated[str | None, Field(min_length=1, max_length=80)] = None
    person: Annotated[str | None, BeforeValidator(quoted), Field(pattern=r"^[0-9a-f]{16}$")] = None

    @model_validator(mode="after")
    def _order(self) -> QuestionScope:
        if (self.since is None) != (self.to is None):
            raise ValueError("a period has from and to; name both")
        if self.since is not None and self.to is not None and self.since >= self.to:
            raise ValueError("the period ends before it begins; to is the day after its last")
        return self

    def plain(self) -> dict[str, str]:
        """What is named, as JSON has it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Question(Strict):
    """One question as it was asked, and the card that answers it."""

    no: Annotated[int, Field(ge=1, le=999)]
    asks: Annotated[str, Field(min_length=1, max_length=4_000)]
    card: Annotated[str, one_of("card", CARDS)]
    scope: QuestionScope = QuestionScope()
    rules: list[Annotated[str, one_of("rule", RULES)]] = Field(default_factory=list, max_length=len(RULES))
    answer: Annotated[str | None, Field(min_length=1, max_length=8_000)] = None
    by: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    on: dt.date | None = None

    @model_validator(mode="after")
    def _complete(self) -> Question:
        if self.card == RULES_CARD and not self.rules:
            raise ValueError("the card rules names no rule; write rules: [RET-07]")
        if self.card == STATED and not ((self.answer or "").strip() and self.by and self.on):
            raise ValueError("a stated answer needs answer, by and on; write all three")
        if self.card != STATED and (self.answer or self.by or self.on):
            raise ValueError("only the card stated has answer, by and on; leave them out")
        if self.card in OF_A_PERSON and self.scope.person is None:
            raise ValueError("the card is about a person; name a pseudonym in scope.person")
        return self


class LetterParams(Strict):
    """A letter's parameters file. Paths are relative to it. Its numbers come from an audit's parameters, or from a finished run."""

    letter: LetterStated
    audit: Annotated[str | None, PathTo(Role.AUDIT)] = None
    run: Annotated[str | None, PathTo(Role.EARLIER_RUN)] = None
    questions: Annotated[list[Question], Field(min_length=1, max_length=100)]
    previous: Annotated[list[str], PathTo(Role.EARLIER_LETTER)] = Field(default_factory=list, max_length=50)

    @model_validator(mode="after")
    def _checked(self) -> LetterParams:
        if (self.audit is None) == (self.run is None):
            raise ValueError("names both an audit and a run, or neither; name one of the two")
        numbers = [question.no for question in self.questions]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two questions have one number; number each once")
        return self


def read_letter(path: Path) -> LetterParams:
    """The letter in a parameters file. Raises InputError."""
    where = f"letter {path.name}"
    try:
        document = read_yaml(path, where)
    except FileNotFoundError as error:
        raise InputError(where, f"no such file {looked_in(path)}", f"name a letter's parameters, as {EXAMPLE}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise InputError(where, "cannot be read as YAML", "mend its syntax") from error
    if not isinstance(document, dict):
        raise InputError(where, "is no mapping", f"compare it with {EXAMPLE}")
    try:
        return LetterParams.model_validate(_as_written(document))
    except ValidationError as error:
        raise refusal(error, LetterParams, where, EXAMPLE) from error


def _as_written(document: dict[Any, Any]) -> dict[Any, Any]:
    """The document with the keys `no` and `on` of its questions, which YAML reads as false and true."""
    questions = document.get("questions")
    if not isinstance(questions, list):
        return document
    words = {False: "no", True: "on"}
    renamed = [{words.get(k, k) if isinstance(k, bool) else k: v for k, v in q.items()} if isinstance(q, dict) else q for q in questions]
    return document | {"questions": renamed}


def audit_of(letter: LetterParams, base: Path) -> tuple[Params, Path]:
    """The parameters of the audit that answers, for the letter's audience, and the folder that their paths begin in. Raises InputError."""
    file = base / str(letter.audit)
    parameters = params.read_params(file)
    report = parameters.report.model_copy(update={"audience": letter.letter.audience})
    return parameters.model_copy(update={"report": report}), file.resolve().parent
