"""The register of accepted exceptions in the report: what its entries cover, and which of them are themselves findings."""

from __future__ import annotations

from collections import Counter
from typing import Any

from heytalk_audit.policy.chapters import PAGE_OF
from heytalk_audit.report.html import Fragment, bullets, definitions, join, paragraph, table, tag

#: What each state of an entry means; those that are findings come first.
STATES = {
    "SELF_APPROVED": "its owner and its approver are the same person: it covers nothing",
    "BACK_DATED": "it was entered after the day from which it claims to hold: it covers nothing",
    "EXPIRED": "it ran out before the audit's day: it covers nothing",
    "OVER_CAP": "there are more rows than it was accepted for: it covers none of them",
    "UNUSED": "there is no violation that it is for: close it, or mend its scope",
    "NOT_YET": "it begins after the audit's day: it covers nothing yet",
    "NOT_EVALUATED": "its rule was not evaluated in this audit: whether it covers anything was not tested",
    "VALID": "it covers the violations that it is for",
}
FINDINGS = ("SELF_APPROVED", "BACK_DATED", "EXPIRED", "OVER_CAP", "UNUSED")
_HEADS = ["Entry", "State", "For", "Violations", "Covered", "Cap", "From", "To", "Entered", "Owner", "Approver", "Legal ground", "Reason"]
_NUMBERS = ["Violations", "Covered", "Cap"]


def register(entries: list[dict[str, Any]], audience: str = "internal") -> Fragment:
    """The register as a section of the evidence chapter: how sound it is, entry by entry."""
    title = tag("h2", "Register of accepted exceptions", id="register")
    if not entries:
        return join(title, paragraph("This audit has no register of accepted exceptions, or one without entries."))
    states = Counter(e["state"] for e in entries)
    return join(
        title,
        paragraph(_said(entries), cls="lead"),
        definitions((f"{_name(state)} ({states[state]})", meaning) for state, meaning in STATES.items() if states[state]),
        table(
            ["Rule", *_HEADS],
            [[_link(e), *_line(e, audience)] for e in entries],
            "Accepted exceptions, entry by entry",
            tools=True,
            numeric=_NUMBERS,
        ),
        paragraph(
            "Only violations can be accepted, and they stay violations: an entry changes no row. Where the register does not say when an "
            "entry was entered, whether it is back-dated was not tested.",
            cls="note",
        ),
    )


def counted(entries: list[dict[str, Any]], linked: bool = True) -> Fragment:
    """The register in a sentence or two, for page 1; `linked` says that this report has an evidence chapter."""
    title = tag("h2", "Accepted exceptions", id="accepted")
    if not entries:
        return join(title, paragraph("None: this audit has no register of accepted exceptions, or one without entries."))
    lasting = sorted({e["rule"] for e in entries if e["state"] == "VALID"})
    covers = f" Violations of {', '.join(lasting)} are covered; they stay counted." if lasting else ""
    unsound = [join(tag("strong", e["id"]), f" ({_name(e['state']).lower()}), for ", _link(e)) for e in entries if e["state"] in FINDINGS]
    where = join(" See ", tag("a", "the evidence chapter", href=f"{PAGE_OF['DQ']}#register"), ".") if linked else ""
    return join(title, paragraph(_said(entries), covers, where), bullets(unsound))


def covered(result: dict[str, Any], audience: str = "internal") -> list[Fragment]:
    """What the register says of one rule."""
    entries = result["entries"]
    if not entries:
        return [paragraph("None registered.")]
    violations = result["ledger"]["violation"]
    if result["accepted"] is None:
        said = "How many violations the register covers is suppressed. What it covers stays a violation, counted above."
    else:
        said = f"The register covers {result['accepted']:,} of {violations:,} violations. What it covers stays a violation, counted above."
    lines = [_line(e, audience) for e in entries]
    return [paragraph(said), table(_HEADS, lines, f"Accepted exceptions of {result['id']}", numeric=_NUMBERS)]


def _said(entries: list[dict[str, Any]]) -> str:
    valid = sum(e["state"] == "VALID" for e in entries)
    unsound = sum(e["state"] in FINDINGS for e in entries)
    text = f"The register has {len(entries):,} {'entry' if len(entries) == 1 else 'entries'}: {valid:,} valid, {unsound:,} to be mended"
    other = len(entries) - valid - unsound
    return f"{text}, {other:,} not in force or not tested." if other else f"{text}."


def _line(entry: dict[str, Any], audience: str) -> list[Any]:
    shown = [entry["matched"], entry["covered"], entry["cap"], entry["start"], entry["expiry"], entry["register_date"]]
    who = [entry["owner"], entry["approver"], entry["legal_ground"], entry["reason"]]
    return [entry["id"], _name(entry["state"]), _scope(entry["scope"], audience), *shown, *who]


def _scope(scope: dict[str, Any], audience: str) -> str:
    if "record" in scope:
        return f"record {scope['record']}" if audience == "internal" and scope["record"] else "one record"
    if "segment" in scope:
        return ", ".join(f"{name} {value}" for name, value in scope["segment"].items())
    return "all violations of the rule"


def _name(state: str) -> str:
    return state.replace("_", " ").capitalize()


def _link(entry: dict[str, Any]) -> Any:
    if entry["matched"] is None:
        return entry["rule"]
    return tag("a", entry["rule"], href=f"{PAGE_OF[entry['rule'].partition('-')[0]]}#{entry['rule']}")
