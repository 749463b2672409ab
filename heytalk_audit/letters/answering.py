"""All questions of a letter answered, in their order, from one source."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.letters import cards, of_person
from heytalk_audit.letters.answer import CardAnswer, LetterAnswers, what_lacks
from heytalk_audit.letters.catalogue import CARDS, RULES_CARD, STATED
from heytalk_audit.letters.parameters import OF_A_PERSON, LetterParams, Question
from heytalk_audit.letters.scopes import Scopes
from heytalk_audit.letters.source import AnswerSource, FinishedRun, OpenAudit
from heytalk_audit.params import Role, paths
from heytalk_audit.running.session import Session

_SNAPSHOT_MISSING = "the snapshot: this letter is answered from a finished run, which has whole numbers alone"


class Answering:
    """A letter and what answers it; each answer is computed when it is first asked for.

    `base` is the folder in which the letter's paths begin. `session` is null where a finished run answers.
    """

    def __init__(self, letter: LetterParams, base: Path, session: Session | None):
        self.letter, self._base, self.session = letter, base, session
        audience = letter.letter.audience
        self.source: AnswerSource = OpenAudit(session) if session else FinishedRun(base / str(letter.run), audience)

    @cached_property
    def _scopes(self) -> Scopes | None:
        return Scopes(self.session, self.letter, self._base) if self.session else None

    @cached_property
    def answers(self) -> list[CardAnswer]:
        """The answers, in the order of the questions."""
        return [self._answer(question) for question in self.letter.questions]

    def document(self) -> LetterAnswers:
        """What `answers.json` holds."""
        described = self.source.described
        left_out = {path.key[1] for path in paths(self.letter.letter, ("letter",)) if path.role is Role.TEMPLATE}
        stated = self.letter.letter.model_dump(mode="json", exclude=left_out)
        return LetterAnswers(letter=stated, as_of=described.as_of, snapshot=described.snapshot.id, answers=tuple(self.answers))

    def fact_of(self, answer: CardAnswer) -> FactResult | None:
        """The fact whose table an answer shows; null where it shows none."""
        if answer.not_answered or not answer.facts:
            return None
        if answer.scope:
            return self._scopes.shown(answer.no) if self._scopes else None
        return self.source.fact(answer.facts[0])

    def rules_of(self, answer: CardAnswer) -> dict[str, RuleResult]:
        """The results of the rules beside an answer, by id."""
        chosen = () if "person" in answer.scope else answer.rules
        return {result.id: result for result in cards.rule_results(chosen, self.source)}

    def _answer(self, question: Question) -> CardAnswer:
        if question.card == STATED:
            return cards.stated_card(question)
        if question.card in OF_A_PERSON:
            return self._with_snapshot(question, lambda session: of_person.answer_about(question, session))
        if not question.scope.plain():
            return cards.rules_card(question, self.source) if question.card == RULES_CARD else self._of_fact(question)
        scopes = self._scopes
        return self._with_snapshot(question, lambda _: scopes.answer(question, self.source) if scopes else cards.stated_card(question))

    def _of_fact(self, question: Question) -> CardAnswer:
        return cards.fact_card(question, self.source.fact(str(CARDS[question.card].fact)), self.source)

    def _with_snapshot(self, question: Question, answer: Callable[[Session], CardAnswer]) -> CardAnswer:
        if self.session is None:
            return cards.open_card(question, what_lacks(_SNAPSHOT_MISSING, "the data engineer"))
        return answer(self.session)
