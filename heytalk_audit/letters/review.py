"""What counsel reads before a letter leaves: contradictions of the policy's own text, numbers that differ from earlier letters, and what is
open. It lies beside the letter's folder, and never in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from heytalk_audit.canonical import canonical
from heytalk_audit.letters.answer import CardAnswer, LetterAnswers
from heytalk_audit.policy import Policy
from heytalk_audit.report import page
from heytalk_audit.report.html import join, paragraph, table, tag

PAGE, DOCUMENT = "review.html", "review.json"
FOOT = "For counsel, not for sending. "
_LINES = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class Contradiction:
    """A finding on the policy's own text that speaks of the same clauses as an answer."""

    no: int
    finding: str
    severity: str
    title: str
    clauses: tuple[str, ...]


@dataclass(frozen=True)
class NumberChange:
    """A number of this letter that an earlier one has otherwise: what it is, both values with the instants of their data, and the cause."""

    no: int
    earlier_letter: str
    what: str
    now: int | None
    as_of: str
    before: int | None
    before_as_of: str
    cause: str


def contradictions(answers: LetterAnswers, policy: Policy) -> Iterator[Contradiction]:
    """The findings on the policy's text beside each answer."""
    for answer in answers.answers:
        for finding in policy.findings:
            lines = _lines(finding["lines"])
            clauses = tuple(id for id in answer.clauses if id in policy.clauses and policy.clauses[id].line in lines)
            if clauses:
                yield Contradiction(answer.no, finding["id"], finding["severity"], finding["title"], clauses)


def _lines(text: str) -> set[int]:
    """The lines that a finding names, as 13, 15-17; none where it is about the whole text."""
    spans = ((int(first), int(last or first)) for first, last in _LINES.findall(text))
    return {line for first, last in spans for line in range(first, last + 1)}


def number_changes(now: LetterAnswers, earlier: Sequence[LetterAnswers]) -> Iterator[NumberChange]:
    """The numbers that differ from those of earlier letters: totals, and cells of the same row and column of the same card and scope."""
    for before in earlier:
        by_subject = {_subject(answer): answer for answer in before.answers}
        for answer in now.answers:
            old = by_subject.get(_subject(answer))
            if old is not None:
                yield from _between(answer, old, now, before)


def _subject(answer: CardAnswer) -> tuple[str, ...]:
    return (
        answer.card,
        *(f"{name}={value}" for name, value in sorted(answer.scope.items())),
        *(answer.rules if answer.card == "rules" else ()),
    )


def _between(answer: CardAnswer, old: CardAnswer, now: LetterAnswers, before: LetterAnswers) -> Iterator[NumberChange]:
    numbers, old_numbers = _numbers(answer), _numbers(old)
    letter, cause = str(before.letter.get("id", "")), _cause(now, before)
    for what in numbers:
        if numbers[what] != old_numbers.get(what, numbers[what]):
            yield NumberChange(answer.no, letter, what, numbers[what], now.as_of, old_numbers[what], before.as_of, cause)


def _numbers(answer: CardAnswer) -> dict[str, int | None]:
    """The numbers of an answer by what they are: its total, and each whole number of its table by the texts of its row."""
    numbers: dict[str, int | None] = {} if answer.total is None else {"total": answer.total}
    for row in answer.rows:
        key = ", ".join(str(cell) for cell in row if isinstance(cell, str))
        cells = zip(answer.columns, row, strict=True)
        numbers |= {f"{key}: {column}": cell for column, cell in cells if isinstance(cell, int)}
    return numbers


def _cause(now: LetterAnswers, before: LetterAnswers) -> str:
    if now.as_of != before.as_of:
        return "The data is of another instant."
    if now.snapshot != before.snapshot:
        return "The data is of another snapshot of the same instant."
    if now.letter.get("audience") != before.letter.get("audience"):
        return "The letters are for different audiences."
    return "The data is the same: settings, registers or the method differ. The auditor explains which."


def write_review(folder: Path, answers: LetterAnswers, earlier: Sequence[LetterAnswers], policy: Policy) -> None:
    """Write the review into a folder that is there: a page, and the same as JSON."""
    against, differ = list(contradictions(answers, policy)), list(number_changes(answers, earlier))
    open_ones = [{"no": answer.no, **answer.not_answered.plain()} for answer in answers.answers if answer.not_answered]
    document = {"contradictions": [asdict(one) for one in against], "differences": [asdict(one) for one in differ], "open": open_ones}
    (folder / DOCUMENT).write_bytes(canonical(document))
    (folder / PAGE).write_text(_page(answers, against, differ, open_ones), "utf-8")


def _page(
    answers: LetterAnswers, against: Sequence[Contradiction], differ: Sequence[NumberChange], open_ones: Sequence[Mapping[str, object]]
) -> str:
    title = f"Review of the answer {answers.letter['id']}"
    findings = [[one.no, one.finding, one.severity, one.title, ", ".join(one.clauses)] for one in against]
    changed = [[one.no, one.earlier_letter, one.what, one.before, one.before_as_of, one.now, one.as_of, one.cause] for one in differ]
    body = join(
        tag("h1", title),
        paragraph("Counsel reads this page before the answer is sent. It is no part of the answer."),
        tag("h2", "Findings on the policy's own text", id="contradictions"),
        table(["Question", "Finding", "Severity", "Title", "Clauses"], findings, "Findings on the clauses that an answer rests on"),
        tag("h2", "Numbers that differ from earlier letters", id="differences"),
        table(["Question", "Letter", "Number", "Before", "As of", "Now", "As of now", "Cause"], changed, "Numbers that differ"),
        tag("h2", "Open questions", id="open"),
        table(["Question", "Missing", "Who can deliver it"], [list(one.values()) for one in open_ones], "Open questions"),
    )
    return page.wrap(page.sanitised(body.html), title, [], "", FOOT)
