"""What opens and closes the report: the cover, the limits and words of the report, and the statement of sign-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from heytalk_audit.audit.disclosure import statement_in_words
from heytalk_audit.audit.document import AuditDescription
from heytalk_audit.audit.rating import CRITERIA
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.report import words
from heytalk_audit.report.html import Fragment, badge, bullets, definitions, join, paragraph, table, tag
from heytalk_audit.vocabulary import Audience


def cover(audit: AuditDescription) -> Fragment:
    """What was audited, when, against what, by which tool: the head of a chapter."""
    title = f"{audit.partial}. {audit.title}" if audit.partial else audit.title
    return tag("section", tag("h1", title), paragraph(words.SUBTITLE, cls="sub"), _particulars(audit), cls="cover")


def _particulars(audit: AuditDescription) -> Fragment:
    policy, snapshot, tool = audit.policy, audit.snapshot, audit.tool
    text = "compared with the clauses" if policy.text_compared else "not available; known by its digest"
    facts = [
        ("Audit", audit.id),
        ("Period", f"{audit.period.first} to {audit.period.last}"),
        ("State as of", f"{audit.as_of} (days counted in {audit.audit_tz})"),
        ("Policy", f"{policy.title}, version {policy.version}; digest {policy.sha256[:16]}"),
        ("Published text", f"{text}; SHA-256 {policy.text_sha256[:16]}"),
        ("Snapshot", f"{snapshot.id}; digest {snapshot.sha256[:16]}"),
        ("Delivered by", f"{words.producer(audit)}, from {snapshot.source_system or 'a source that is not stated'}"),
        ("Tool", f"{tool.name} {tool.version}; code {tool.code_sha256[:16]}"),
        ("Engagement key", f"check {audit.key_check}"),
        ("For", statement_in_words(audit.audience) or "internal use; contains pseudonyms"),
        ("Changed settings", ", ".join(f"{k}: {v}" for k, v in audit.settings_changed.items()) or "none"),
    ]
    return definitions(facts)


def limits(audit: AuditDescription) -> Fragment:
    """What the audit does not show, the words it uses, how it was made, and its particulars."""
    return join(
        tag("h2", "Particulars of this audit", id="particulars"),
        _particulars(audit),
        tag("h2", "Limits of this report", id="limits"),
        bullets(words.LIMITS),
        tag("h2", "Words used", id="words"),
        tag("h3", "Outcome of a row"),
        definitions(words.OUTCOMES.items()),
        tag("h3", "Verdict of a rule"),
        definitions((badge(verdict), text) for verdict, text in words.VERDICTS.items()),
        tag("h2", "Method", id="method"),
        paragraph(
            "Every rule tested its whole population, not a sample. A period of months begins on the local day of the event, which is not "
            "counted. It ends on the day with the same number, or on the last day of the month if there is none; that day still belongs to "
            f"the period. Days are counted in {audit.audit_tz}. No result depends on the day on which this report was made. Rows with a "
            "value that breaks the data contract are unknown, and so is every row for which a condition cannot be decided."
        ),
        tag("h2", "Sign-off", id="sign-off"),
        paragraph(
            "Once preparer and reviewer have signed, their ",
            tag("a", "statement of sign-off", href=sign_off_place(audit), cls="sign-off"),
            " stands beside the folder of this report, in a folder of the same name that ends in .sign-off. It gives the rating of each "
            "area, with who signed and over which evidence.",
        ),
        paragraph("Signed on paper: preparer ", tag("span", "", cls="line"), " reviewer ", tag("span", "", cls="line")),
    )


def sign_off_place(audit: AuditDescription) -> str:
    """Where the statement of sign-off stands, from a report in its default folder; in another, the page's script corrects it."""
    beyond = "" if audit.audience == Audience.INTERNAL else f"-{audit.audience}"
    return f"../{quote(audit.id + beyond, safe='')}.sign-off/cover.html"


def sign_off_statement(
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
        paragraph(
            "Based on the procedures described and the evidence provided, each area is rated below against the policy "
            f"({audit.policy.title}, version {audit.policy.version})."
        ),
        paragraph(
            "The ratings say nothing about systems, backups, vendors' copies and periods that the snapshot does not cover. The limits are "
            "stated in the ",
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
