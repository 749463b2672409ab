"""A section per rule: criteria, condition, effect, recommendation, and what the test does not show."""

from __future__ import annotations

from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.evidence.row_files import FirstRows
from heytalk_audit.report import outcomes, words
from heytalk_audit.report.decided import decided_rows
from heytalk_audit.report.html import Fragment, badge, bullets, code, join, paragraph, show, table, tag
from heytalk_audit.report.registered import covered
from heytalk_audit.vocabulary import Audience

#: How many exception rows of a rule a page lists.
MOST_ROWS = 500
#: Against what a rule measures, as its section says it.
_BASES = {"policy": "measured against the policy", "law": "measured against the law", "evidence": "on the evidence itself"}


def left_out(rule: str) -> Fragment:
    """Where the parameters leave a rule out."""
    return join(tag("h2", rule, id=rule), paragraph("Left out by this audit's parameters: it was not tested."))


def rule_section(result: RuleResult, rows: FirstRows = FirstRows(), audience: str = Audience.INTERNAL) -> Fragment:
    """All that the report says of one rule.

    `rows` are the first of its exceptions, MOST_ROWS at most, in the order in which a page lists them (record, subject, outcome, reason,
    due_on, days_over; where the register covers any also accepted).
    """
    return join(
        tag("h2", f"{result.id}  {result.title}", id=result.id),
        paragraph(badge(result.verdict), " ", _rating(result), cls="lead"),
        *_promise(result),
        tag("h3", "How it was checked"),
        paragraph(result.method or "As the promise says."),
        tag("h3", "What was found"),
        *outcomes.of_population(result, audience),
        *_exceptions(result, rows, audience),
        tag("h3", "Accepted exceptions"),
        *covered(result, audience),
        *decided_rows(result, audience),
        *_meaning(result),
        tag("h3", "What this does not show"),
        paragraph(result.limits or "See the limits in the summary."),
        _engineer(result),
    )


def _rating(result: RuleResult) -> Fragment:
    text = f"Rule severity {result.severity}"
    if result.finding_severity:
        text += f", finding rated {result.finding_severity}"
    return show(f"{text}; {_BASES[result.basis]}.")


def _promise(result: RuleResult) -> list[Fragment]:
    cited = [
        join(
            tag("strong", clause.id),
            f" (section {clause.section}, line {clause.line}): {clause.paraphrase}. ",
            tag("small", f"\u201c{clause.anchor}\u201d"),
        )
        for clause in result.clauses
    ]
    parts = [tag("h3", "The promise"), paragraph(result.promise), bullets(cited)]
    if result.numbers:
        parts.append(_numbers(result))
    if result.law:
        parts.append(paragraph("Law, to be confirmed by counsel: " + "; ".join(result.law) + ".", cls="note"))
    return parts


def _numbers(result: RuleResult) -> Fragment:
    lines = [
        [
            number.name,
            f"{words.value(number.value)} {number.unit}".strip(),
            number.means or f"setting {number.name}",
            number.clause,
            number.origin,
        ]
        for number in result.numbers
    ]
    return table(["Number", "Value", "Meaning", "Clause", "Given by"], lines, f"Numbers that {result.id} reads")


def _exceptions(result: RuleResult, first: FirstRows, audience: str) -> list[Fragment]:
    if audience != Audience.INTERNAL:
        return [tag("h3", "Exception rows"), paragraph("Withheld in this version: the report for internal use lists them by pseudonym.")]
    if not first.total:
        return []
    rows, total = first.rows, first.total
    count = f"All {total:,} rows" if len(rows) == total else f"The first {len(rows):,} of {total:,} rows, violations first"
    heads = ["Record", "Person", "Outcome", "Reason", "Due on", "Days over"]
    lines = [[code(r["record"]), code(r["subject"]), r["outcome"], code(r["reason"]), r["due_on"], r["days_over"]] for r in rows]
    if result.accepted:
        heads.append("Accepted by")
        lines = [[*line, row.get("accepted")] for line, row in zip(lines, rows, strict=True)]
    return [
        tag("h3", "Exception rows"),
        paragraph(f"{count}, by pseudonym; every row is in exceptions/{result.id}.parquet.", cls="note"),
        table(heads, lines, f"Exception rows of {result.id}", tools=True, numeric=["Days over"]),
    ]


def _meaning(result: RuleResult) -> list[Fragment]:
    if result.ledger.violation == 0 and result.ledger.review == 0:
        return []
    return [
        tag("h3", "What it means"),
        paragraph(result.effect or "To be stated."),
        tag("h3", "Recommendation"),
        paragraph(result.recommendation or "To be stated."),
        tag("h3", "Cause"),
        paragraph("Not yet known. Management's view: ", tag("span", "", cls="line")),
    ]


def _engineer(result: RuleResult) -> Fragment:
    """The rule's source and SQL, for readers who check how it was computed."""
    tables = paragraph("Reads: " + ", ".join(result.tables) + ".")
    parts = [tag("summary", "Rule source and SQL"), tables, tag("h4", "Rule"), tag("pre", tag("code", result.source))]
    if result.sql:
        parts += [tag("h4", "SQL of the exception rows"), tag("pre", tag("code", result.sql))]
    return tag("details", *parts)
