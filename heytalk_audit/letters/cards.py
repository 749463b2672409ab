"""From a question to its answer: the fact, the rules or the statement that a card shows, in sentences made of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.fact_result import Cell, FactPart, FactResult
from heytalk_audit.audit.rule_result import Ledger, RuleResult
from heytalk_audit.letters.answer import CardAnswer, NotAnswered, sentence_of, what_lacks
from heytalk_audit.letters.catalogue import CARDS, RULES_CARD, STATED, Card
from heytalk_audit.letters.parameters import Question
from heytalk_audit.letters.source import AnswerSource
from heytalk_audit.report.html import words_of
from heytalk_audit.vocabulary import Outcome

#: The columns of the card of rules.
OF_RULES = ("rule", "title", "verdict", "in_scope", *map(str, Outcome))
#: The same within a scope, where the counts are of a part of the rule's rows and the verdict is not.
OF_SCOPED_RULES = tuple("verdict_of_the_whole_rule" if column == "verdict" else column for column in OF_RULES)
#: So many values are named in an answer's sentence.
_NAMED = 4
_STATED_LIMIT = "The audit did not test this statement."
_RULES_DEFINITION = (
    "Each row is a rule. Its population is counted by outcome: every row of it has one. Rows of test accounts are counted and left out."
)

_SCOPED_DEFINITION = (
    "Of it, the rows within the scope are counted, with the outcomes that they have in the whole audit. A row lies in the period in "
    "which it begins, as the timeline of its table has it. Each verdict is that of the whole rule."
)


def base_of(question: Question) -> dict[str, Any]:
    """What every answer has of its question."""
    return {"no": question.no, "card": question.card, "title": CARDS[question.card].title, "asks": question.asks} | {
        "scope": question.scope.plain()
    }


def open_card(question: Question, not_answered: NotAnswered, **more: Any) -> CardAnswer:
    """The answer to a question that cannot be answered: it says what is missing, and who can deliver it."""
    return CardAnswer(**base_of(question), **more, answer=sentence_of(not_answered), not_answered=not_answered)


def stated_card(question: Question) -> CardAnswer:
    """The answer that a person states."""
    definition = f"Stated by {question.by} on {question.on}."
    return CardAnswer(**base_of(question), answer=str(question.answer), definition=definition, limits=(_STATED_LIMIT,))


def rules_card(question: Question, source: AnswerSource) -> CardAnswer:
    """The answer by rules: the verdict and the ledger of each."""
    results = rule_results(question.rules, source)
    missing = [rule for rule in question.rules if rule not in {result.id for result in results}]
    if missing:
        what = f"the results of {', '.join(missing)}, which the audit's parameters leave out"
        return open_card(question, what_lacks(what, "the auditor"))
    untested = [result for result in results if not result.verdict.is_tested]
    if len(untested) == len(results):
        why = "; ".join(f"{result.id} was not evaluated ({result.reason or words_of(result.verdict)})" for result in untested)
        return open_card(question, what_lacks(why, CARDS[RULES_CARD].who), **rules_beside(results))
    says = [_of_rule(result, words_of(result.verdict).lower(), result.ledger) for result in results[:3]]
    return _rules_answer(question, results, {result.id: result.ledger for result in results}, says, _RULES_DEFINITION)


def rules_within(question: Question, results: Sequence[RuleResult], ledgers: Mapping[str, Ledger]) -> CardAnswer:
    """The answer by rules within a scope: `ledgers` count its rows. The verdicts are those of the whole rules."""
    says = [_of_rule(result, "within the scope", ledgers[result.id]) for result in results[:3]]
    says[0] = f"Within the scope ({_scope_in_words(question.scope.plain())}): {says[0]}"
    answer = _rules_answer(question, results, ledgers, says, f"{_RULES_DEFINITION} {_SCOPED_DEFINITION}")
    own = {"verdicts": {id: _outcomes(ledger) for id, ledger in ledgers.items()}} if question.scope.person is not None else {}
    return answer.model_copy(update={"columns": OF_SCOPED_RULES} | own)


def _outcomes(ledger: Ledger) -> str:
    """A person's rows by outcome; a rule that is about no row of theirs says so."""
    return ", ".join(f"{ledger[outcome]} {outcome}" for outcome in Outcome if ledger[outcome]) or "no row of the person is in its scope"


def _rules_answer(
    question: Question, results: Sequence[RuleResult], ledgers: Mapping[str, Ledger], says: Sequence[str], definition: str
) -> CardAnswer:
    counted = [(result, ledgers[result.id]) for result in results]
    return CardAnswer(
        **base_of(question),
        **rules_beside(results),
        answer=" ".join(says) + _more(len(results) - len(says)),
        columns=OF_RULES,
        rows=tuple((r.id, r.title, str(r.verdict), own.in_scope, *(own[outcome] for outcome in Outcome)) for r, own in counted),
        definition=" ".join([definition, *(f"{result.id}: {result.promise}" for result in results)]),
        limits=tuple(f"{result.id}: {result.limits}" for result in results if result.limits),
    )


def _of_rule(result: RuleResult, how: str, ledger: Ledger) -> str:
    counts = ", ".join(
        f"{shown(ledger[outcome])} {outcome}" for outcome in (Outcome.PASS, Outcome.VIOLATION, Outcome.REVIEW, Outcome.UNKNOWN)
    )
    return f"{result.id} ({result.title}): {how}, {shown(ledger.in_scope)} rows in scope, of these {counts}."


def _more(others: int) -> str:
    return f" The table has {others} more." if others > 0 else ""


def rule_results(ids: Sequence[str], source: AnswerSource) -> list[RuleResult]:
    """The results of these rules that the source has."""
    return [result for id in ids if (result := source.rule(id)) is not None]


def rules_beside(results: Sequence[RuleResult]) -> dict[str, Any]:
    """What an answer says of the rules beside it."""
    clauses = dict.fromkeys(clause.id for result in results for clause in result.clauses)
    return {
        "rules": tuple(result.id for result in results),
        "verdicts": {result.id: str(result.verdict) for result in results},
        "clauses": tuple(clauses),
    }


def fact_card(question: Question, result: FactResult | None, source: AnswerSource, total_hidden: bool = False) -> CardAnswer:
    """The answer by a fact, whole or within a scope: its total, what it is split into, its table."""
    card = CARDS[question.card]
    beside = rules_beside(rule_results(card.rules, source)) | {"facts": (str(card.fact),)}
    if result is None:
        return open_card(question, what_lacks(f"the fact {card.fact}, which the audit's parameters leave out", "the auditor"), **beside)
    if result.total is None:
        return open_card(question, what_lacks(_missing(result), card.who), **beside, definition=result.definition, limits=result.limits)
    return CardAnswer(
        **base_of(question),
        **beside,
        answer=in_sentences(card, result, question.scope.plain(), total_hidden),
        total=None if total_hidden else result.total,
        columns=result.columns,
        rows=result.rows,
        definition=result.definition,
        limits=result.limits,
    )


def _missing(result: FactResult) -> str:
    """What kept a fact from being evaluated, in words."""
    head = "Not evaluated: "
    reasons = [limit.removeprefix(head).rstrip(".") for limit in result.limits if limit.startswith(head)]
    return "; ".join(reasons) or ", ".join(result.blocked_by) or "the data of this fact"


def in_sentences(card: Card, result: FactResult, scope: Mapping[str, str], total_hidden: bool) -> str:
    """A fact's total, and how it is split where all parts of the split are shown and add up to it."""
    within = f"Within the scope ({_scope_in_words(scope)}): " if scope else ""
    if total_hidden:
        return f"{within}the number is suppressed, as it would give away numbers from 1 to 4 beside the other numbers of this letter."
    excluded = "" if result.excluded == 0 else f", without those of test accounts ({shown(result.excluded)})"
    first = f"{within}{card.says.format(total=f'{result.total:,}')}{excluded}."
    return " ".join([first, *_split(result)])


def _scope_in_words(scope: Mapping[str, str]) -> str:
    words = {name: value for name, value in scope.items() if name not in ("from", "to")}
    period = [f"from {scope['from']} to the day before {scope['to']}"] if "from" in scope else []
    return ", ".join([*(f"{name} {value}" for name, value in words.items()), *period])


def _split(result: FactResult) -> list[str]:
    part = result.parts[0]
    rows = result.rows_of(part)
    if not part.by or not rows or any(place in result.suppressed for place, _ in rows):
        return []
    groups = sums(part, [cells for _, cells in rows])
    if sum(groups.values()) != result.total or len(groups) < 2:
        return []
    largest = sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} {number:,}" for name, number in largest[:_NAMED])
    others = sum(number for _, number in largest[_NAMED:])
    return [f"By {part.by[0].replace('_', ' ')}: {named}{f', others {others:,}' if others else ''}."]


def sums(part: FactPart, rows: Sequence[Mapping[str, Cell]]) -> dict[str, int]:
    """The first count of a part by its first dimension."""
    groups: dict[str, int] = {}
    for cells in rows:
        value = cells[part.counts[0]]
        groups[str(cells[part.by[0]])] = groups.get(str(cells[part.by[0]]), 0) + (value if isinstance(value, int) else 0)
    return groups


def is_stated(question: Question) -> bool:
    """Whether a person answers, and no data."""
    return question.card == STATED
