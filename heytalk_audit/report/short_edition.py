"""The short edition of a report: at most ten sheets for those who decide and sign.

Page 1, the findings with response and due day, what was not tested, the limits, and where to sign. What does not fit is counted, and
stands in the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.document import AreaRating, AuditDescription, FindingStanding, FollowUpDocument
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report import key_findings, page_one, words
from heytalk_audit.report.cover import rating_criteria
from heytalk_audit.report.html import Fragment, bullets, join, paragraph, severity_badge, show, table, tag
from heytalk_audit.vocabulary import Audience

#: How many findings, and how many reasons for which rules were not tested, fit on ten sheets beside all else; and of a text how much.
MOST_FINDINGS, MOST_REASONS, MOST_RULES, LONGEST = 100, 20, 30, 80
ROLES = ("preparer", "reviewer")


@dataclass(frozen=True)
class Edition:
    """What the short edition is made of: the audit, its results, the register's standings, and who signed the run so far, by role."""

    audit: AuditDescription
    results: Sequence[RuleResult]
    areas: Sequence[AreaRating]
    standings: Sequence[FindingStanding]
    followed: FollowUpDocument | None
    signed: Mapping[str, Mapping[str, Any]]
    evidence: str


def short_edition(edition: Edition) -> Fragment:
    """The whole of it."""
    audit, results = edition.audit, edition.results
    return join(
        tag(
            "section",
            page_one.opening(audit, results),
            page_one.conclusion(results, edition.areas),
            page_one.changes(edition.followed, audit.audience == Audience.INTERNAL),
            key_findings.key_findings(results, audit, edition.standings, edition.followed),
            page_one.resting(results),
            cls="page-one",
        ),
        _findings(edition),
        _not_tested(results),
        tag("h2", "Limits of this report", id="limits"),
        bullets(words.LIMITS),
        tag("h2", "How an area is rated", id="ratings"),
        rating_criteria(),
        _sign_off(edition),
    )


def _findings(edition: Edition) -> Fragment:
    """Every rule that fails, the gravest first, each in a line: what, how many, who answers for it, what they say, and by when."""
    failed = key_findings.failed(edition.results)
    title = tag("h2", f"Findings ({len(failed)})", id="findings")
    if not failed:
        return join(title, paragraph("No exceptions noted in the population tested."))
    heads = ["Finding", "Rated", "Records", "People", "Owner", "Response", "Due"]
    lines = [_finding(result, edition) for result in failed[:MOST_FINDINGS]]
    more = len(failed) - MOST_FINDINGS
    rest = paragraph(f"{more:,} further findings do not fit here. The report has all of them.") if more > 0 else Fragment("")
    note = "A day in italics is suggested by the rating: the register of findings has none."
    caption = "Findings, the gravest first"
    return join(title, table(heads, lines, caption, numeric=heads[2:4], roomy=["Finding", "Response"]), rest, paragraph(note, cls="note"))


def _finding(result: RuleResult, edition: Edition) -> list[Any]:
    entries = [entry for entry in edition.standings if entry.rule == result.id]
    due = min((entry.due for entry in entries if entry.due), default=None)
    suggested = tag("em", key_findings.suggested_day(result.finding_severity or result.severity, edition.audit), cls="date")
    return [
        join(f"{result.title} ", tag("small", result.id, cls="nowrap")),
        severity_badge(result.finding_severity or result.severity),
        words.share_broken(result),
        shown(result.subjects.violation),
        _cut(", ".join(dict.fromkeys(entry.owner for entry in entries if entry.owner))) or tag("span", key_findings.NO_OWNER, cls="nowrap"),
        _cut("; ".join(dict.fromkeys(filter(None, map(_response, entries))))) or None,
        tag("span", due, cls="date") if due else suggested,
    ]


def _response(entry: FindingStanding) -> str:
    return ": ".join(part for part in (entry.response, entry.text) if part)


def _cut(text: str, longest: int = LONGEST) -> str:
    """A text, as far as a cell has room for it."""
    return text if len(text) <= longest else f"{text[:longest].rstrip()} ..."


def _not_tested(results: Sequence[RuleResult]) -> Fragment:
    """The rules without a result, together by the reason that they share, the commonest first."""
    title = tag("h2", "What was not tested", id="not-tested")
    by_reason = page_one.untested_by_reason(results)
    if not by_reason:
        return join(title, paragraph("Every rule was evaluated."))
    lines = [[_ids(rules), _cut(reason, 2 * LONGEST)] for reason, rules in by_reason[:MOST_REASONS]]
    rest = sum(len(rules) for _, rules in by_reason[MOST_REASONS:])
    number = sum(len(rules) for _, rules in by_reason)
    return join(
        title,
        paragraph(f"{number:,} of {len(results):,} rules have no result. Nothing in this report says that what they test is kept."),
        table(["Rules", "Why, and what is needed"], lines, "Rules without a result", roomy=["Why, and what is needed"]),
        paragraph(f"For further reasons {rest:,} more rules have no result. The report names them.") if rest else Fragment(""),
    )


def _ids(rules: Sequence[str]) -> str:
    more = f" and {len(rules) - MOST_RULES:,} more" if len(rules) > MOST_RULES else ""
    return ", ".join(rules[:MOST_RULES]) + more


def _sign_off(edition: Edition) -> Fragment:
    """Who prepared and who reviewed the run: as they signed it, else lines to sign on."""
    policy = edition.audit.policy
    return tag(
        "section",
        tag("h2", "Sign-off", id="sign-off"),
        paragraph(
            "Based on the procedures described and the evidence provided, each area is rated above against the policy "
            f"({policy.title}, version {policy.version}). The ratings say nothing about what the limits name."
        ),
        table(["Role", "Name", "Date", "Signature"], [_signature(role, edition.signed.get(role)) for role in ROLES], "Signed by"),
        _overrides(edition),
        paragraph(f"The report is the evidence of this run, and this edition a copy of a part. Evidence SHA-256 {edition.evidence}."),
        cls="whole",
    )


def _signature(role: str, signed: Mapping[str, Any] | None) -> list[Any]:
    if signed is None:
        return [role.capitalize(), *[tag("span", "", cls="line") for _ in range(3)]]
    return [role.capitalize(), signed["name"], show(str(signed["date"])[:10]), "signed over this evidence with a key of their own"]


def _overrides(edition: Edition) -> Fragment:
    stated = any(signed["overrides"] for signed in edition.signed.values())
    return paragraph("The signers state another rating of an area: the statement of sign-off shows it.") if stated else Fragment("")
