"""The answers as a page: each with the question as it was asked, its sentences, table, drawing, method, limits, rules and digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heytalk_audit.audit.disclosure import WORD
from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.letters.answer import CardAnswer
from heytalk_audit.report import numbers_page
from heytalk_audit.report.html import Fragment, badge, bullets, join, paragraph, table, tag
from heytalk_audit.vocabulary import Outcome


def answer_section(answer: CardAnswer, fact: FactResult | None, rules: Mapping[str, RuleResult], most_rows: int | None = None) -> Fragment:
    """All that the letter says to one question. `fact` is what the answer shows as a table with a drawing, `most_rows` cuts long tables."""
    return join(
        tag("h2", f"{answer.no}. {answer.title}", id=f"question-{answer.no}"),
        tag("blockquote", paragraph(answer.asks)),
        *(
            [paragraph(tag("strong", "Not answered."), " ", answer.answer)]
            if answer.not_answered
            else [paragraph(answer.answer, cls="lead")]
        ),
        *_tables(answer, fact, most_rows),
        *_listed("How it was counted", [answer.definition] if answer.definition else []),
        *_listed("What it does not show", answer.limits),
        *_rules(answer, rules),
        paragraph(f"SHA-256 of this answer: {answer.digest}", cls="note"),
    )


def _listed(title: str, sentences: Sequence[str]) -> list[Fragment]:
    if not sentences:
        return []
    return [tag("h3", title), paragraph(sentences[0]) if len(sentences) == 1 else bullets(sentences)]


def _tables(answer: CardAnswer, fact: FactResult | None, most: int | None) -> list[Fragment]:
    if fact is not None:
        return [part for of_part in fact.parts for part in numbers_page.part_of_table(fact, of_part, most)]
    if not answer.columns:
        return []
    heads = [numbers_page.head(column) for column in answer.columns]
    cells = [
        [WORD if _is_hidden(answer, column, cell) else cell for column, cell in zip(answer.columns, row, strict=True)]
        for row in answer.rows
    ]
    return [table(heads, cells[:most], answer.title), *numbers_page.cut(len(cells), most)]


def _is_hidden(answer: CardAnswer, column: str, cell: object) -> bool:
    return cell is None and column in ("in_scope", *Outcome)


def _rules(answer: CardAnswer, rules: Mapping[str, RuleResult]) -> list[Fragment]:
    """The rules beside an answer, and the clauses that they test."""
    if "person" in answer.scope and answer.rules:
        own = [[rule, answer.verdicts[rule]] for rule in answer.rules]
        return [tag("h3", "Rules"), table(["Rule", "Outcome of the person's rows"], own, f"Rules beside answer {answer.no}")]
    results = [rules[id] for id in answer.rules if id in rules]
    if not results:
        return []
    lines = [[r.id, r.title, badge(r.verdict), ", ".join(clause.id for clause in r.clauses)] for r in results]
    return [tag("h3", "Clauses and rules"), table(["Rule", "Title", "Verdict", "Clauses"], lines, f"Rules beside answer {answer.no}")]


def unanswered_list(answers: Sequence[CardAnswer]) -> Fragment:
    """The questions that are not answered, by number."""
    open_ones = [answer for answer in answers if answer.not_answered]
    lines = [[answer.no, answer.not_answered.missing, answer.not_answered.who] for answer in open_ones if answer.not_answered]
    return join(tag("h2", "What is missing", id="missing"), table(["Question", "Missing", "Who can deliver it"], lines, "Not answered"))
