"""The findings on the first page and on its second sheet: the gravest in full, the others each in a line of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.document import AuditDescription, FindingStanding, FollowUpDocument
from heytalk_audit.audit.rating import gravity
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.registers.findings import suggested_due
from heytalk_audit.report import outcomes, words
from heytalk_audit.report.html import Fragment, join, paragraph, percent, severity_badge, table, tag
from heytalk_audit.report.links import to_rule
from heytalk_audit.vocabulary import Outcome, Severity, Verdict

#: How many findings stand in full on page 1, and how many lines of the others its second sheet holds when it is printed.
MOST_IN_FULL, MOST_PRINTED = 5, 36
NO_OWNER, NO_RESPONSE = "no owner yet", "none yet"


def failed(results: Sequence[RuleResult]) -> list[RuleResult]:
    """The rules that fail, the gravest first."""
    return sorted((r for r in results if r.verdict == Verdict.FAIL), key=gravity)


def key_findings(
    results: Sequence[RuleResult],
    audit: AuditDescription,
    standings: Sequence[FindingStanding],
    followed: FollowUpDocument | None,
) -> Fragment:
    """The gravest findings: what happened, to how many people, since when, why it matters, what to do by when, and who owns it.

    `standings` are the entries of the register of findings; `followed` is null without a previous audit.
    """
    gravest = failed(results)[:MOST_IN_FULL]
    title = tag("h2", "Key findings", id="key-findings")
    if not gravest:
        return join(title, paragraph("No exceptions noted in the population tested."))
    items = [tag("li", _in_full(r, audit, _of_rule(r, standings), followed), cls="finding") for r in gravest]
    note = paragraph("Counted are records that break the promise under the reading most favourable to the company.", cls="note")
    return join(title, note, tag("ol", *items, cls="findings"))


def _in_full(
    result: RuleResult, audit: AuditDescription, entries: Sequence[FindingStanding], followed: FollowUpDocument | None
) -> Fragment:
    repeated = ", repeated" if result.repeated else ""
    head = join(tag("strong", result.title), " (", to_rule(result.id, nowrap=True), ") ", severity_badge(_severity(result)), repeated)
    happened = join(words.broken(result), " ", _main_reason(result), _since(result, followed), _assumed(result))
    matters = join(tag("strong", "Why it matters: "), _sentence(result.effect))
    to_do = join(tag("strong", "To do: "), f"{_sentence(result.recommendation)} {_due(result, audit, entries)} ")
    owner = join(tag("strong", "Owner: "), f"{_owners(entries)}.")
    response = join(tag("strong", " Response: "), f"{_responses(entries)}.") if entries else Fragment("")
    return join(paragraph(head), paragraph(happened), paragraph(matters), paragraph(to_do, owner, response))


def _severity(result: RuleResult) -> Severity:
    """A finding's own severity, else its rule's."""
    return result.finding_severity or result.severity


def _sentence(text: str) -> str:
    """A text that ends as a sentence does."""
    text = text.strip() or "To be stated"
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _main_reason(result: RuleResult) -> str:
    """What most of its violations show."""
    violations = [reason for reason in result.reasons if reason.outcome == Outcome.VIOLATION and reason.says]
    if not violations:
        return ""
    most = max(violations, key=lambda reason: (reason.rows or 0, str(reason.reason)))
    share = "All of them: " if len(violations) == 1 else "Most often: "
    return f"{share}{_sentence(most.says)} "


def _since(result: RuleResult, followed: FollowUpDocument | None) -> str:
    """Since when: the days on which its violations fell due, and the audit that saw the finding first."""
    parts = []
    if result.due is not None:
        span = f"between {result.due.first} and {result.due.last}" if result.due.first != result.due.last else f"on {result.due.first}"
        parts.append(f"They fell due {span}.")
    seen = [repeat.first_seen[:10] for repeat in followed.repeats if repeat.rule == result.id] if followed else []
    if seen:
        parts.append(f"First seen in the audit as of {min(seen)}.")
    elif not parts:
        parts.append("Since when is not recorded.")
    return " ".join(parts)


def _assumed(result: RuleResult) -> Fragment:
    rests = outcomes.all_assumed(result)
    return tag("em", " All of these violations rest on an assumption of this audit.") if rests else Fragment("")


def _of_rule(result: RuleResult, standings: Sequence[FindingStanding]) -> list[FindingStanding]:
    return [entry for entry in standings if entry.rule == result.id]


def _due(result: RuleResult, audit: AuditDescription, entries: Sequence[FindingStanding]) -> str:
    """By when: the register's day, else one that its rating suggests."""
    registered = [entry.due for entry in entries if entry.due]
    if registered:
        return f"Due on {min(registered)}."
    return f"Suggested due day: {suggested_day(_severity(result), audit)}."


def suggested_day(severity: Severity, audit: AuditDescription) -> str:
    """The day by which a finding of that rating should be mended, counted from the day of the audit."""
    return suggested_due(severity, dt.date.fromisoformat(audit.as_of[:10])).isoformat()


def _owners(entries: Sequence[FindingStanding]) -> str:
    owners = dict.fromkeys(entry.owner for entry in entries if entry.owner)
    return ", ".join(owners) or NO_OWNER


def _responses(entries: Sequence[FindingStanding]) -> str:
    return ", ".join(dict.fromkeys(entry.response for entry in entries if entry.response)) or NO_RESPONSE


def further_findings(results: Sequence[RuleResult], audit: AuditDescription, standings: Sequence[FindingStanding]) -> Fragment:
    """The other findings, the gravest first, each in a line: what, in how many records, whom it concerns, who mends it by when."""
    others = failed(results)[MOST_IN_FULL:]
    if not others:
        return Fragment("")
    lines = [_line(result, audit, _of_rule(result, standings)) for result in others]
    heads = ["Finding", "Rated", "Records", "Rate", "People", "Owner", "Response", "Due"]
    more = len(others) - MOST_PRINTED
    note = "A day in italics is suggested by the rating: the register of findings has none."
    more_in_words = f"{more} further findings do not fit on this sheet: each has its section in its chapter." if more > 0 else ""
    return tag(
        "section",
        tag("h2", "Further findings", id="further-findings"),
        table(heads, lines, f"Further findings ({len(others)}), the gravest first", numeric=heads[2:5], roomy=["Finding"]),
        paragraph(note, cls="note"),
        paragraph(more_in_words, cls="on-paper note") if more > 0 else Fragment(""),
        cls="sheet",
    )


def _line(result: RuleResult, audit: AuditDescription, entries: Sequence[FindingStanding]) -> list[Any]:
    due = min((entry.due for entry in entries if entry.due), default=None)
    return [
        join(f"{result.title} ", tag("small", to_rule(result.id, nowrap=True))),
        severity_badge(_severity(result)),
        f"{words.count_in_words(result.ledger.violation)} of {words.count_in_words(result.ledger.tested)}",
        percent(result.rate) if result.rate is not None else None,
        shown(result.subjects.violation),
        _owners(entries) if any(entry.owner for entry in entries) else tag("span", NO_OWNER, cls="nowrap"),
        _responses(entries) if entries else None,
        tag("span", due, cls="date") if due else tag("em", suggested_day(_severity(result), audit), cls="date"),
    ]
