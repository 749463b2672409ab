"""A section per rule: criteria, condition, cause, effect, recommendation, response, what the test does not show, and how it was done."""

from __future__ import annotations

from collections.abc import Sequence

from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.evidence.row_files import FirstRows
from heytalk_audit.registers.findings import Finding
from heytalk_audit.report import outcomes, words
from heytalk_audit.report.decided import decided_rows
from heytalk_audit.report.framework_page import by_framework
from heytalk_audit.report.html import Fragment, badge, bullets, code, join, on_paper, on_screen, paragraph, show, table, tag
from heytalk_audit.report.key_findings import NO_OWNER
from heytalk_audit.report.registered import covered
from heytalk_audit.vocabulary import Audience

#: How many exception rows of a rule a page lists.
MOST_ROWS = 500
#: A value of a breakdown hints at the cause where it has that share of the violations, and these are not fewer than so many.
MOST_OF, FEWEST = 0.8, 5
#: Against what a rule measures, as its section says it.
_BASES = {"policy": "measured against the policy", "law": "measured against the law", "evidence": "on the evidence itself"}


def left_out(rule: str) -> Fragment:
    """Where the parameters leave a rule out."""
    return join(tag("h2", rule, id=rule), paragraph("Left out by this audit's parameters: it was not tested."))


def rule_section(
    result: RuleResult, rows: FirstRows = FirstRows(), audience: str = Audience.INTERNAL, registered: Sequence[Finding] = ()
) -> Fragment:
    """All that the report says of one rule, in an auditor's order: criteria, condition, cause, effect, recommendation, response, what it
    does not show; then how it was checked, and folded the rows, the source and the SQL.

    `rows` are the first of its exceptions, MOST_ROWS at most, in the order in which a page lists them (record, subject, outcome, reason,
    due_on, days_over; where the register covers any also accepted). `registered` are the rule's entries of the register of findings.
    """
    return join(
        tag("h2", f"{result.id}  {result.title}", id=result.id),
        paragraph(badge(result.verdict), " ", _rating(result), cls="lead"),
        *_criteria(result),
        tag("h3", "Condition"),
        *outcomes.of_population(result, audience),
        *covered(result, audience),
        *decided_rows(result, audience),
        *_meaning(result, registered, audience),
        tag("h3", "Limitations"),
        paragraph(result.limits or "See the limits in the summary."),
        on_screen(tag("h3", "How it was checked"), *_how(result), *_numbers(result)),
        *_exceptions(result, rows, audience),
        _engineer(result),
    )


def _rating(result: RuleResult) -> Fragment:
    text = f"Rule severity {result.severity}"
    if result.finding_severity:
        text += f", finding rated {result.finding_severity}"
    return show(f"{text}; {_BASES[result.basis]}.")


def _criteria(result: RuleResult) -> list[Fragment]:
    """The promise, the clauses that make it, and the law beside it."""
    cited = [
        join(
            tag("strong", clause.id),
            f" (section {clause.section}, line {clause.line:,}): {clause.paraphrase} ",
            tag("small", f"\u201c{clause.anchor}\u201d"),
        )
        for clause in result.clauses
    ]
    parts = [tag("h3", "Criteria"), paragraph(result.promise), bullets(cited)]
    if result.law:
        parts.append(paragraph("Law, to be confirmed by counsel: " + "; ".join(result.law) + ".", cls="note"))
    if result.frameworks:
        parts.append(on_screen(paragraph("Frameworks, to be confirmed by counsel: ", by_framework(result), ".", cls="note")))
    return parts


def _how(result: RuleResult) -> list[Fragment]:
    """The rule's whole test: the rows tested, and the conditions in their order."""
    if not result.steps:
        return [paragraph(result.method or "The promise is tested as it is worded.")]
    lines = [[n, step.when, step.outcome.capitalize(), code(step.reason)] for n, step in enumerate(result.steps, 1)]
    return [
        paragraph(result.method),
        paragraph("The first line that applies to a row decides its outcome. A row to which none applies passes."),
        table(["Step", "What the row shows", "Outcome", "Code"], lines, f"How {result.id} decides", roomy=["What the row shows"]),
    ]


def _numbers(result: RuleResult) -> list[Fragment]:
    if not result.numbers:
        return []
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
    return [table(["Number", "Value", "Meaning", "Clause", "Given by"], lines, f"Numbers that {result.id} reads")]


def _exceptions(result: RuleResult, first: FirstRows, audience: str) -> list[Fragment]:
    if audience != Audience.INTERNAL:
        return [paragraph("Exception rows are withheld in this version: the report for internal use lists them by pseudonym.", cls="note")]
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
        tag(
            "details",
            tag("summary", f"Exception rows ({total:,})"),
            paragraph(f"{count}, by pseudonym; every row is in exceptions/{result.id}.parquet.", cls="note"),
            table(heads, lines, f"Exception rows of {result.id}", tools=True, numeric=["Days over"]),
        )
    ]


def _meaning(result: RuleResult, registered: Sequence[Finding], audience: str) -> list[Fragment]:
    """Cause, effect, recommendation and response, where there is anything to mend or to decide."""
    if result.ledger.violation == 0 and result.ledger.review == 0:
        return []
    return [
        tag("h3", "Cause"),
        paragraph(_concentrated(result), "This audit does not establish the cause. Management's view: ", tag("span", "", cls="line")),
        tag("h3", "Effect"),
        paragraph(result.effect or "To be stated."),
        tag("h3", "Recommendation"),
        paragraph(
            f"Priority {result.finding_severity or result.severity}. {result.recommendation or 'To be stated.'}",
            "" if registered or audience != Audience.INTERNAL else tag("span", " No owner yet.", cls="on-paper"),
        ),
        *_response(registered, audience),
    ]


def _concentrated(result: RuleResult) -> str:
    """Where most of the violations lie, by the breakdowns: a hint at the cause, and no more."""
    violations, hints = result.ledger.violation, []
    if violations is None or violations < FEWEST:
        return ""
    for name, values in result.breakdowns.items():
        most = max(values, key=lambda line: line.violation or 0, default=None)
        if most is not None and len(values) > 1 and (most.violation or 0) >= MOST_OF * violations:
            hints.append(f"{most.violation:,} of {violations:,} violations have {name.replace('_', ' ')} {most.value}")
    return f"{'; '.join(hints)}. " if hints else ""


def _response(registered: Sequence[Finding], audience: str) -> list[Fragment]:
    title = tag("h3", "Response")
    if audience != Audience.INTERNAL:
        return [title, paragraph("Withheld in this version.")]
    if not registered:
        return [on_screen(title, paragraph("No entry in the register of findings: no owner yet, no due day, no response."))]
    lines = [[code(f.reason), f.owner or NO_OWNER, f.due, f.response, f.text, f.status] for f in registered]
    return [
        title,
        on_screen(
            table(
                ["Finding", "Owner", "Due", "Response", "In their words", "Stated"],
                lines,
                f"What the register of findings states of {registered[0].rule}",
                roomy=["In their words"],
            )
        ),
        on_paper(*_responses_in_lines(registered)),
    ]


def _responses_in_lines(registered: Sequence[Finding]) -> list[Fragment]:
    """The entries of a rule, those together of which the same is stated."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for f in registered:
        alike.setdefault((f.owner or NO_OWNER, f.due, f.response, f.text, f.status), []).append(f.reason)
    lines = []
    for (owner, due, response, text, status), reasons in alike.items():
        stated = join(f"{response}", f": {text}" if text else "") if response else "no response"
        lines.append(paragraph(f"{owner}, due {due}: " if due else f"{owner}: ", stated, f" ({status}; ", code(", ".join(reasons)), ")."))
    return lines


def _engineer(result: RuleResult) -> Fragment:
    """The rule's source and SQL, for readers who check how it was computed."""
    tables = paragraph("Reads: " + ", ".join(result.tables) + ".")
    parts = [tag("summary", "Rule source and SQL"), tables, tag("h4", "Rule"), tag("pre", tag("code", result.source))]
    if result.sql:
        parts += [tag("h4", "SQL of the exception rows"), tag("pre", tag("code", result.sql))]
    return tag("details", *parts)
