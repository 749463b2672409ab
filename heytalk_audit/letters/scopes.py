"""The scoped questions of a letter: each fact within its scopes, with what must be hidden beside the whole numbers and each other."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from heytalk_audit.audit import fact_disclosure
from heytalk_audit.audit.fact_evaluate import evaluate_fact
from heytalk_audit.audit.fact_result import Cell, FactPart, FactResult
from heytalk_audit.audit.joint_suppression import Joint, gives_away, joint
from heytalk_audit.facts import FACTS
from heytalk_audit.letters import cards
from heytalk_audit.letters.answer import CardAnswer, read_answers, what_lacks
from heytalk_audit.letters.catalogue import CARDS, RULES_CARD
from heytalk_audit.letters.parameters import LetterParams, Question
from heytalk_audit.letters.scoped import OutOfScope, refuse_scope, within
from heytalk_audit.letters.scoped_rules import ScopedRules
from heytalk_audit.letters.source import AnswerSource
from heytalk_audit.running.session import Session
from heytalk_audit.vocabulary import Audience

Key = tuple[str, ...]


class Scopes:
    """The scoped questions of one letter over an open audit; facts within scopes are computed once, for internal use."""

    def __init__(self, session: Session, letter: LetterParams, base: Path):
        self._session, self._letter, self._base = session, letter, base
        self._shown: dict[int, FactResult] = {}

    def answer(self, question: Question, source: AnswerSource) -> CardAnswer:
        """The answer to a scoped question about a fact or rules; it says so where the fact cannot be limited like that."""
        if question.card == RULES_CARD:
            return self._rules.answer(question, source)
        result = self._evaluated[question.no]
        if isinstance(result, OutOfScope):
            return cards.open_card(question, what_lacks(result.why, "the data protection officer"))
        if result.total is None:
            return cards.fact_card(question, result, source)
        shown, hides_total = self._disclosed(question, result)
        self._shown[question.no] = shown
        return cards.fact_card(question, shown, source, hides_total)

    def shown(self, no: int) -> FactResult | None:
        """The fact within the scope of a question that was answered, as the letter's audience may see it."""
        return self._shown.get(no)

    @cached_property
    def _rules(self) -> ScopedRules:
        return ScopedRules(self._session, self._letter, self._from_snapshot)

    @cached_property
    def _from_snapshot(self) -> list[CardAnswer]:
        """The answers of earlier letters from the same snapshot."""
        letters = [read_answers(self._base / folder) for folder in self._letter.previous]
        return [answer for letter in letters if letter.snapshot == self._session.audit.snapshot.id for answer in letter.answers]

    @cached_property
    def _evaluated(self) -> dict[int, FactResult | OutOfScope]:
        """The fact within the scope of each scoped question, as it is for internal use."""
        questions = [question for question in self._letter.questions if question.scope.plain() and CARDS[question.card].fact]
        return {question.no: self._evaluate(question) for question in questions}

    def _evaluate(self, question: Question) -> FactResult | OutOfScope:
        card, audit = CARDS[question.card], self._session.audit
        try:
            refuse_scope(question.scope, card)
            return evaluate_fact(within(FACTS[str(card.fact)], question.scope, card, audit), audit, raises=True).result
        except OutOfScope as error:
            return error

    def _disclosed(self, question: Question, result: FactResult) -> tuple[FactResult, bool]:
        """A fact within a scope as the audience may see it, and whether its total is hidden."""
        if self._letter.letter.audience == Audience.INTERNAL:
            return result, False
        hide = self._joint(result.id)
        keys = [_key(result, place) for place in range(len(result.rows))]
        hidden = [place for place, key in enumerate(keys) if key in hide.rows]
        kept = fact_disclosure.with_hidden(fact_disclosure.of_fact(result, self._letter.letter.audience), hidden)
        # beside the number of the whole, it would tell of few test accounts elsewhere
        kept = kept.model_copy(update={"excluded": None})
        whole = self._session.fact(result.id).total or 0
        totals = [other.total or 0 for other in self._of(result.id)]
        totals += [earlier.total for earlier in self._earlier(result.id) if earlier.total is not None]
        return kept, hide.totals or bool(set(kept.suppressed) - set(hidden)) or gives_away(whole, totals)

    def _of(self, fact: str) -> list[FactResult]:
        return [result for result in self._evaluated.values() if isinstance(result, FactResult) and result.id == fact]

    def _joint(self, fact: str) -> Joint:
        """What the tables of a fact hide together. Rows that a scope hides by itself are hidden in the others as well."""
        whole, audience = self._session.fact(fact), self._letter.letter.audience
        shown = self._session.shown_fact(whole)
        hidden, scopes = frozenset(_key(shown, place) for place in shown.suppressed), self._of(fact)
        visible = [fact_disclosure.of_fact(scope, audience) for scope in scopes]
        own = frozenset(_key(scope, place) for scope in visible for place in scope.suppressed)
        earlier = [whole.model_copy(update={"rows": answer.rows}) for answer in self._earlier(fact)]
        return joint(_numbers(whole), hidden, [_numbers(table) for table in (*scopes, *earlier)], own)

    def _earlier(self, fact: str) -> list[CardAnswer]:
        """The scoped answers of earlier letters from the same snapshot that show this fact: readers may set them beside this one."""
        own = self._from_snapshot
        questions = [question.scope.plain() for question in self._letter.questions if CARDS[question.card].fact == fact]
        return [answer for answer in own if answer.facts == (fact,) and answer.scope and answer.rows and answer.scope not in questions]


def _part_of(result: FactResult, row: tuple[Cell, ...]) -> FactPart:
    name = row[0] if len(result.parts) > 1 else result.parts[0].name
    return next(part for part in result.parts if part.name == name)


def _key(result: FactResult, place: int) -> Key:
    """The part of a row, and its dimensions."""
    row = result.rows[place]
    part, cells = _part_of(result, row), dict(zip(result.columns, row, strict=True))
    return (part.name, *(str(cells[name]) for name in part.by))


def _numbers(result: FactResult) -> dict[Key, list[int]]:
    numbers = {}
    for place, row in enumerate(result.rows):
        part, cells = _part_of(result, row), dict(zip(result.columns, row, strict=True))
        numbers[_key(result, place)] = [value if isinstance(value := cells[name], int) else 0 for name in part.counts]
    return numbers
