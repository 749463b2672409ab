"""What opens and closes the report: the cover, the limits and words of the report, and the opinion that two signatures make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.disclosure import statement_in_words
from heytalk_audit.audit.document import AuditDescription
from heytalk_audit.audit.rating import CRITERIA
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.report import words
from heytalk_audit.report.html import Fragment, badge, bullets, definitions, join, paragraph, table, tag
from heytalk_audit.vocabulary import Audience


def cover(audit: AuditDescription) -> Fragment:
    """What was audited, when, against what, by which tool."""
    policy, snapshot, tool = audit.policy, audit.snapshot, audit.tool
    text = "compared with its clauses" if policy.text_compared else "not at hand; known by its digest"
    facts = [
        ("Audit", audit.id),
        ("Period", f"{audit.period.first} to {audit.period.last}"),
        ("State as of", f"{audit.as_of} (days counted in {audit.audit_tz})"),
        ("Policy", f"{policy.title}, version {policy.version}; digest {policy.sha256[:16]}"),
        ("Published text", f"{text}; SHA-256 {policy.text_sha256[:16]}"),
        ("Snapshot", f"{snapshot.id}; digest {snapshot.sha256[:16]}"),
        ("Delivered by", f"{_producer(audit)}, from {snapshot.source_system or 'not stated'}"),
        ("Tool", f"{tool.name} {tool.version}; code {tool.code_sha256[:16]}"),
        ("Engagement key", f"check {audit.key_check}"),
        ("For", statement_in_words(audit.audience) or "internal use; contains pseudonyms"),
        ("Changed settings", ", ".join(f"{k}: {v}" for k, v in audit.settings_changed.items()) or "none"),
    ]
    title = f"{audit.partial}. {audit.title}" if audit.partial else audit.title
    return join(tag("h1", title), paragraph(words.SUBTITLE, cls="sub"), definitions(facts))


def _producer(audit: AuditDescription) -> str:
    return "not named here" if audit.audience == Audience.PUBLIC else audit.snapshot.producer or "not stated"


def limits(audit: AuditDescription) -> Fragment:
    """What the audit does not show, the words it uses, and how it was made."""
    return join(
        tag("h2", "Limits of this report", id="limits"),
        bullets(words.LIMITS),
        tag("h2", "Words used", id="words"),
        tag("h3", "Outcome of a row"),
        definitions(words.OUTCOMES.items()),
        tag("h3", "Verdict of a rule"),
        definitions((badge(verdict), text) for verdict, text in words.VERDICTS.items()),
        tag("h2", "Method", id="method"),
        paragraph(
            "The whole population was tested, never a sample. A period begins on the local day of its trigger, which is not counted; it "
            "ends on the same day number so many months later, or on the last day of that month, and that whole day still belongs to it. "
            f"Days are counted in {audit.audit_tz}. Nothing here depends on the day on which the report was made."
        ),
        paragraph("Sign-off: preparer ", tag("span", "", cls="line"), " reviewer ", tag("span", "", cls="line")),
    )


def opinion(
    audit: AuditDescription,
    ratings: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, str]],
    signed: Sequence[Mapping[str, Any]],
    report: str = "index.html",
) -> Fragment:
    """The statement of sign-off that two signatures make: the rating of each area, who signed, and over which evidence.

    `ratings` are the computed ones by area, `overrides` by area what both signers state instead (area, rating, reason), and `signed` the
    two sign-offs as they are written.
    """
    lines = []
    for area, computed in ratings.items():
        other = overrides.get(area)
        who = " and ".join(str(s["name"]) for s in signed) if other else None
        lines.append([CHAPTERS[area].title, other["rating"] if other else computed, computed, who, other["reason"] if other else None])
    unapplied = [o for sign_off in signed for o in sign_off["overrides"] if o not in overrides.values()]
    return join(
        tag("h1", f"{audit.title}: statement of sign-off"),
        paragraph(f"Audit {audit.id}, state as of {audit.as_of}.", cls="sub"),
        *[_concluded(title, rating, audit) for title, rating, *_ in lines],
        paragraph(
            "It says nothing of systems, backups, vendor copies and periods that the snapshot does not cover; its limits stand in the ",
            tag("a", "report", href=f"{report}#limits"),
            ".",
            cls="note",
        ),
        table(["Area", "Rating", "As computed", "Stated otherwise by", "Reason for another rating"], lines, "Rating by area"),
        bullets(f"Not applied, as only one signer states it: {CHAPTERS[o['area']].title} {o['rating']} ({o['reason']})" for o in unapplied),
        tag("h2", "How an area is rated", id="ratings"),
        rating_criteria(),
        *_signatures(signed),
    )


def _concluded(title: str | None, rating: str | None, audit: AuditDescription) -> Fragment:
    return paragraph(
        f"Based on the procedures described and the evidence provided, area {title} is rated {rating} against the policy "
        f"({audit.policy.title}, version {audit.policy.version})."
    )


def rating_criteria() -> Fragment:
    """Each rating and its criterion, in the order in which they are tried."""
    return bullets(join(tag("strong", rating), ": ", criterion, ".") for rating, criterion in CRITERIA.items())


def _signatures(signed: Sequence[Mapping[str, Any]]) -> list[Fragment]:
    return [
        tag("h2", "Signed by", id="signed"),
        table(
            ["Role", "Name", "Date", "Recomputed", "Note", "Key"],
            [[s["role"], s["name"], s["date"], s["replayed"], s["note"], s["public_key"]] for s in signed],
            "Sign-offs",
        ),
        paragraph(f"Both signed the evidence with SHA-256 {signed[0]['evidence_sha256']}."),
    ]
