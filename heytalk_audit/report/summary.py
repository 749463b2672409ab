"""The summary: page 1, and below it on the screen how the policy stands, what was not evaluated, and what the reviewer must decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.document import AreaRating, AuditDescription, ClauseStanding, FindingStanding, FollowUpDocument
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report import links, page_one, words
from heytalk_audit.report.cover import rating_criteria
from heytalk_audit.report.html import Fragment, badge, bullets, join, on_screen, paragraph, table, tag
from heytalk_audit.report.key_findings import further_findings, key_findings
from heytalk_audit.report.policy_pages import grouped, tally
from heytalk_audit.vocabulary import Audience, Severity, Verdict


def first_page(
    results: Sequence[RuleResult],
    rated: Sequence[AreaRating],
    audit: AuditDescription,
    followed: FollowUpDocument | None = None,
    standings: Sequence[FindingStanding] = (),
) -> Fragment:
    """Page 1, and its second sheet with the findings that are not the gravest.

    `rated` are the areas with their ratings, which follow from all numbers, also from those that this report hides. `followed` is null
    without a previous audit; `standings` are the entries of the register of findings.
    """
    first = tag(
        "section",
        page_one.opening(audit, results),
        page_one.conclusion(results, rated),
        page_one.changes(followed, audit.audience == Audience.INTERNAL),
        key_findings(results, audit, standings, followed),
        page_one.not_tested(results),
        page_one.resting(results),
        cls="page-one",
    )
    return join(first, further_findings(results, audit, standings), paragraph(" ".join(words.LIMITS), cls="on-paper note"))


def verdict_summary(
    results: Sequence[RuleResult], clauses: Sequence[ClauseStanding], document_findings: Iterable[Mapping[str, str]]
) -> Fragment:
    """What a reader on the screen finds below page 1. `document_findings` are those on the policy document."""
    return on_screen(
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


def _policy(clauses: Sequence[ClauseStanding], document_findings: Iterable[Mapping[str, str]]) -> Fragment:
    """How the clauses stand, and how many findings there are on the document: each in a sentence, with its page."""
    tested, attested = (words.counts(grouped(tally(clauses, kind))) for kind in ("D", "A"))
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
