"""The register of accepted exceptions in the report: what its entries cover, and which of them are themselves findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.acceptance import FINDINGS, NOT_TESTED, NOT_YET, VALID
from heytalk_audit.audit.rule_result import EntryStanding, RuleResult
from heytalk_audit.policy.chapters import PAGE_OF
from heytalk_audit.report import links
from heytalk_audit.report.html import Fragment, bullets, definitions, join, on_paper, on_screen, paragraph, table, tag, words_of
from heytalk_audit.vocabulary import Audience

#: What each state of an entry means; those that are findings come first.
STATES = {
    "too_long": "it runs for more than twelve months: it covers nothing",
    "expired": "it ran out before the audit's day: it covers nothing",
    "back_dated": "it was entered after the day from which it claims to hold: it covers nothing",
    "self_approved": "its owner and its approver are the same person: it covers nothing",
    "over_cap": "there are more rows than it was accepted for: it covers none of them",
    "too_broad": "it names a whole rule that is critical, or that too many rows break: it covers nothing",
    "unused": "no violation is in its scope: close it, or correct its scope",
    NOT_YET: "it begins after the audit's day: it covers nothing yet",
    NOT_TESTED: "its rule was not evaluated in this audit: whether it covers anything was not tested",
    VALID: "it covers the violations in its scope",
}
_HEADS = ["Entry", "State", "For", "Violations", "Covered", "Cap", "From", "To", "Entered", "Owner", "Approver", "Legal ground", "Reason"]
_NUMBERS = ["Violations", "Covered", "Cap"]


def register_page(entries: Sequence[EntryStanding], audience: str = Audience.INTERNAL) -> Fragment:
    """The register as a section of the evidence chapter: how sound it is, entry by entry."""
    title = tag("h2", "Register of accepted exceptions", id="register")
    if not entries:
        return join(title, paragraph("This audit has no register of accepted exceptions, or one without entries."))
    states = Counter(entry.state for entry in entries)
    return join(
        title,
        paragraph(_soundness(entries), cls="lead"),
        definitions((f"{words_of(state)} ({states[state]})", meaning) for state, meaning in STATES.items() if states[state]),
        on_screen(
            table(
                ["Rule", *_HEADS],
                [[_rule(entry), *_line(entry, audience)] for entry in entries],
                "Accepted exceptions, entry by entry",
                tools=True,
                numeric=_NUMBERS,
            )
        ),
        on_paper(_on_a_sheet(entries, audience, "Accepted exceptions, entry by entry")),
        paragraph(
            "Only violations, and rows that were decided to be a breach, can be accepted. An entry does not change the outcome of a row.",
            cls="note",
        ),
    )


def register_counts(entries: Sequence[EntryStanding], linked: bool = True) -> Fragment:
    """The register in a sentence or two, for page 1; `linked` says that this report has an evidence chapter."""
    title = tag("h2", "Accepted exceptions", id="accepted")
    if not entries:
        return join(title, paragraph("None: this audit has no register of accepted exceptions, or one without entries."))
    covered_rules = sorted({entry.rule for entry in entries if entry.state == VALID})
    covers = f" Violations of {', '.join(covered_rules)} are covered; they stay counted." if covered_rules else ""
    unsound = [
        join(tag("strong", entry.id), f" ({words_of(entry.state).lower()}), for ", _rule(entry))
        for entry in entries
        if entry.state in FINDINGS
    ]
    where = join(" See ", tag("a", "the evidence chapter", href=f"{PAGE_OF['DQ']}#register"), ".") if linked else ""
    return join(title, paragraph(_soundness(entries), covers, where), bullets(unsound))


def covered(result: RuleResult, audience: str = Audience.INTERNAL) -> list[Fragment]:
    """What the register of accepted exceptions says of one rule; nothing where it has no entry for it."""
    if not result.entries:
        return []
    if result.accepted is None:
        text = "How many violations the register covers is suppressed. What it covers stays a violation, counted above."
    else:
        numbers = f"{result.accepted:,} of {result.ledger.violation:,} violations"
        text = f"The register covers {numbers}. What it covers stays a violation, counted above."
    lines = [_line(entry, audience) for entry in result.entries]
    caption = f"Accepted exceptions of {result.id}"
    return [
        tag("h4", "Accepted exceptions"),
        paragraph(text),
        on_screen(table(_HEADS, lines, caption, numeric=_NUMBERS)),
        on_paper(_on_a_sheet(result.entries, audience, caption)),
    ]


def _on_a_sheet(entries: Sequence[EntryStanding], audience: str, caption: str) -> Fragment:
    """Entries in as few columns as a printed page has room for."""
    heads = ["Entry", "For", "Violations, covered, cap", "From, to, entered", "Owner, approver", "Ground and reason"]
    lines = []
    for entry in entries:
        name, state, scope, matched, covered_rows, cap, start, end, entered, owner, approver, ground, reason = _line(entry, audience)
        numbers = ", ".join("not shown" if n is None else f"{n:,}" for n in (matched, covered_rows, cap))
        days = ", ".join(str(day) for day in (start, end, entered) if day)
        people = ", ".join(who for who in (owner, approver) if who)
        lines.append([f"{name}: {state}", f"{entry.rule}: {scope}", numbers, days, people, ". ".join(t for t in (ground, reason) if t)])
    return table(heads, lines, caption, roomy=["Ground and reason"])


def _soundness(entries: Sequence[EntryStanding]) -> str:
    valid = sum(entry.state == VALID for entry in entries)
    unsound = sum(entry.state in FINDINGS for entry in entries)
    text = f"The register has {len(entries):,} {'entry' if len(entries) == 1 else 'entries'}: {valid:,} valid, {unsound:,} to be corrected"
    other = len(entries) - valid - unsound
    return f"{text}, {other:,} not in force or not tested." if other else f"{text}."


def _line(entry: EntryStanding, audience: str) -> list[Any]:
    """An entry's cells, under `_HEADS`."""
    numbers = [entry.matched, entry.covered, entry.cap]
    days = [entry.start, entry.expiry, entry.register_date]
    grounds = [entry.owner, entry.approver, entry.legal_ground, entry.reason]
    return [entry.id, words_of(entry.state), _scope(entry.scope, audience), *numbers, *days, *grounds]


def _scope(scope: Mapping[str, Any], audience: str) -> str:
    if "record" in scope:
        return f"record {scope['record']}" if audience == Audience.INTERNAL and scope["record"] else "one record"
    if "segment" in scope:
        return ", ".join(f"{name} {value}" for name, value in scope["segment"].items())
    return "all violations of the rule"


def _rule(entry: EntryStanding) -> Fragment | str:
    """An entry's rule, linked where it was tested and its numbers are shown."""
    return entry.rule if entry.matched is None else links.to_rule(entry.rule)
