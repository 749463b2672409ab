"""Page 1: a verdict and rating per area, key findings, how the policy stands, what was not evaluated, what the reviewer must decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.document import AreaRating, ClauseStanding
from heytalk_audit.audit.rating import verdict_of
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.report import charts, links, outcomes, words
from heytalk_audit.report.cover import rating_criteria
from heytalk_audit.report.html import Fragment, badge, bullets, join, paragraph, table, tag
from heytalk_audit.report.policy_pages import drawn, tally
from heytalk_audit.vocabulary import Severity, Verdict

#: How many findings stand in full on page 1.
MOST_FINDINGS = 5


def verdict_summary(
    results: Sequence[RuleResult],
    clauses: Sequence[ClauseStanding],
    document_findings: Iterable[Mapping[str, str]],
    rated: Sequence[AreaRating],
) -> Fragment:
    """The whole page. `document_findings` are those on the policy document.

    `rated` are the areas with their ratings, which follow from all numbers, also from those that this report hides.
    """
    return join(
        tag("h2", "Conclusion by area", id="conclusion"),
        _areas(results, {area.title: area for area in rated}),
        paragraph(
            "Based on the procedures described and the evidence provided, within the limits stated at the end of this report.",
            cls="note",
        ),
        tag("h2", "Key findings", id="key-findings"),
        _key_findings(results),
        tag("h2", "The policy", id="policy"),
        _policy(clauses, document_findings),
        tag("h2", "What was not evaluated", id="not-evaluated"),
        _not_evaluated(results),
        tag("h2", "What the reviewer must decide", id="review"),
        _for_review(results),
        tag("h2", "How an area is rated", id="ratings"),
        rating_criteria(),
        paragraph("The first criterion that applies gives the rating. Nobody can override it in this report.", cls="note"),
    )


def _by_area(results: Sequence[RuleResult]) -> dict[str, list[RuleResult]]:
    """Results by the title of their chapter, without chapters that have none."""
    areas = {chapter.title: [r for r in results if r.family in chapter.families] for chapter in CHAPTERS.values()}
    return {title: rules for title, rules in areas.items() if rules}


def _areas(results: Sequence[RuleResult], ratings: Mapping[str, AreaRating]) -> Fragment:
    lines, series = [], {}
    for name, rules in _by_area(results).items():
        rating = ratings[name]
        series[name] = {kind: sum(r.verdict in verdicts for r in rules) for kind, verdicts in words.VERDICT_GROUPS.items()}
        mark = tag("span", rating.rating, cls=f"badge {rating.rating.lower().replace(' ', '-')}")
        mark = join(mark, tag("small", f" at best {rating.at_best}")) if rating.at_best else mark
        lines.append([name, badge(verdict_of(rules)), mark, len(rules), *series[name].values()])
    heads = ["Area", "Verdict", "Rating", "Rules", "Fail", "Open", "Pass", "Not tested"]
    alt = "; ".join(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()) for name, kinds in series.items())
    return join(table(heads, lines, "Verdict and rating by area"), charts.bars(series, f"Rules by verdict. {alt}."))


def _severity(result: RuleResult) -> Severity:
    """A finding's own severity, else its rule's."""
    return result.finding_severity or result.severity


def _gravity(result: RuleResult) -> tuple[Any, ...]:
    """What findings are sorted by: the gravest first, then by people and rows."""
    return (_severity(result).rank, -(result.subjects.violation or 0), -(result.ledger.violation or 0), result.id)


def _key_findings(results: Sequence[RuleResult]) -> Fragment:
    failed = sorted((r for r in results if r.verdict == Verdict.FAIL), key=_gravity)
    if not failed:
        return paragraph("No exceptions noted in the population tested.")
    return join(tag("ol", *[tag("li", _finding(r)) for r in failed[:MOST_FINDINGS]]), _further(failed[MOST_FINDINGS:]))


def _finding(result: RuleResult) -> Fragment:
    return join(
        tag("strong", links.to_rule(result.id, nowrap=True), f" {result.title}"),
        f" (rated {result.finding_severity}). ",
        words.condition(result),
        tag("em", " All of its violations rest on an assumption of this audit.") if outcomes.all_assumed(result) else Fragment(""),
        tag("em", " It failed in the previous audit too.") if result.repeated else Fragment(""),
    )


def _further(failed: Sequence[RuleResult]) -> Fragment:
    """The other findings, area by area, the gravest first."""
    lines = []
    for name, rules in _by_area(failed).items():
        by_severity = [[links.to_rule(r.id, nowrap=True) for r in rules if _severity(r) == severity] for severity in Severity]
        lines.append([name, *[_with_commas(listed) for listed in by_severity]])
    if not lines:
        return Fragment("")
    heads = ["Area", *[severity.capitalize() for severity in Severity]]
    return table(heads, lines, f"Further findings ({len(failed)}), by area and rating", roomy=heads[1:])


def _with_commas(parts: Sequence[Fragment]) -> Fragment | None:
    return join(parts[0], *[join(", ", part) for part in parts[1:]]) if parts else None


def _policy(clauses: Sequence[ClauseStanding], document_findings: Iterable[Mapping[str, str]]) -> Fragment:
    """How the clauses stand, and how many findings there are on the document: each in a sentence, with its page."""
    tested, attested = (words.counts(drawn(tally(clauses, kind))) for kind in ("D", "A"))
    testable, attestable = (sum(clause.kind == kind for clause in clauses) for kind in ("D", "A"))
    severities = Counter(finding["severity"] for finding in document_findings)
    on_document = words.counts({severity: severities[severity] for severity in Severity})
    return bullets(
        [
            join(
                f"Of the {testable} clauses that data can test: {tested}. ",
                links.to_part("clauses", "tested", "Clause by clause"),
            ),
            join(
                f"Of the {attestable} that need attestation: {attested}. ",
                links.to_part("clauses", "attested", "Who attests what"),
            ),
            join(
                f"Findings on the document itself: {on_document}. ",
                links.to_part("document", "findings", "Finding by finding"),
            ),
        ]
    )


def _titled(result: RuleResult) -> Fragment:
    return join(links.to_rule(result.id, nowrap=True), f" {result.title}")


def _not_evaluated(results: Sequence[RuleResult]) -> Fragment:
    missing = [r for r in results if r.verdict in (Verdict.NOT_EVALUATED, Verdict.ERROR, Verdict.NO_POPULATION)]
    if not missing:
        return paragraph("Every rule was evaluated.")
    lines = [[_titled(r), badge(r.verdict), r.reason] for r in missing]
    return join(
        paragraph("These promises were not tested. Nothing in this report says that they are kept."),
        table(["Rule", "Verdict", "Why, and what is needed"], lines, "Rules without a result"),
    )


def _for_review(results: Sequence[RuleResult]) -> Fragment:
    undecided = [r for r in results if r.verdict == Verdict.REVIEW]
    if not undecided:
        return paragraph("No rule was left for review.")
    lines = [[_titled(r), shown(r.ledger.review), shown(r.ledger.unknown), r.reason] for r in undecided]
    heads = ["Rule", "Rows to decide", "Unknown", "Note"]
    return join(
        paragraph(
            "These rules found no open violation under the reading most favourable to the company. Their sections say which reading "
            "or fact the reviewer must decide."
        ),
        table(heads, lines, f"Rules left for review ({len(undecided)})", numeric=heads[1:3], roomy=["Rule", "Note"]),
    )
