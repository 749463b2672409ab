"""How each entry of the register of findings stands after an audit. Only a test closes a finding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.document import FindingStanding, PastAudit
from heytalk_audit.audit.evaluate import outline
from heytalk_audit.audit.rating import gravity
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.canonical import yaml_text
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.evidence.folder import INPUTS
from heytalk_audit.follow_up.earlier import Run
from heytalk_audit.follow_up.history import violations, violations_then
from heytalk_audit.registers.findings import Finding, read_findings, suggested_due
from heytalk_audit.rules import RULES
from heytalk_audit.vocabulary import Outcome, Verdict

#: How an entry stands: the first that holds. `STILL_FAILING` is itself a finding: somebody says that it is closed, and it is not.
STATES = {
    "NOT_TESTED": "its rule was not evaluated in this audit: nothing can be said",
    "STILL_FAILING": "it is stated to be closed, and its rule still fails for this reason",
    "OVERDUE": "its rule still fails for this reason, and its due date has passed",
    "OPEN": "its rule still fails for this reason",
    "ACCEPTED": "its violations are all covered by accepted exceptions",
    "CLOSED_BY_RETEST": "its rule was evaluated again, and passes",
    "NOT_SEEN": "no violation has this reason now, but its rule does not pass: it is not closed",
}
UNSOUND = ("STILL_FAILING", "OVERDUE")
#: What stands over a register that is begun, or that responses were read into.
HEAD = """\
# The register of findings. owner: who answers for it. due: a day as 2025-06-30; in a register that was begun, what the rating suggests.
# response: agree, partly or disagree, the last two with a text. status: open or closed; only a test closes a finding.
"""
LONGEST_TITLE = 300


def refuse_unknown_reasons(path: Path, entries: Iterable[Finding], audit: Audit) -> None:
    """Raise InputError for a reason that its rule does not have. No row is read."""
    for number, entry in enumerate(entries, 1):
        check = outline(RULES[entry.rule], audit)
        if check is None:
            continue
        reasons = sorted({c.reason for c in check.conditions if c.outcome == Outcome.VIOLATION and c.reason})
        if entry.reason not in reasons:
            where = f"findings {path.name}: findings.{number}.key {entry.key}"
            raise InputError(where, f"names no reason of a violation of {entry.rule}", nearest(entry.reason, reasons))


def state_of(entry: Finding, result: RuleResult | None, today: dt.date) -> str:
    """How an entry stands after its rule's result in this audit; null where the rule was left out."""
    if result is None or not result.verdict.is_tested or result.verdict == Verdict.NO_POPULATION:
        return "NOT_TESTED"
    if result.verdict == Verdict.PASS:
        return "CLOSED_BY_RETEST"
    if not violations(result).get(entry.reason):
        return "NOT_SEEN"
    if result.verdict != Verdict.FAIL:
        return "ACCEPTED"
    if entry.status == "closed":
        return "STILL_FAILING"
    return "OVERDUE" if entry.due is not None and entry.due < today else "OPEN"


def standings(
    entries: Iterable[Finding], results: Iterable[RuleResult], history: Sequence[PastAudit], as_of: str, today: dt.date
) -> list[FindingStanding]:
    """Every entry with how it stands, its rows, and its age since the audit that saw it first.

    `history` are the earlier audits, the oldest first; `as_of` is the instant of this one, `today` its local day.
    """
    by_rule = {result.id: result for result in results}
    return [_standing(entry, by_rule.get(entry.rule), history, as_of, today) for entry in entries]


def _standing(entry: Finding, result: RuleResult | None, history: Sequence[PastAudit], as_of: str, today: dt.date) -> FindingStanding:
    state = state_of(entry, result, today)
    rows = violations(result).get(entry.reason) or 0 if result else 0
    seen = [audit.as_of for audit in history if violations_then(audit, entry.rule, entry.reason)] + ([as_of] if rows else [])
    overdue = entry.due is not None and entry.due < today and state in UNSOUND
    return FindingStanding(
        key=entry.key,
        rule=entry.rule,
        owner=entry.owner,
        due=entry.due.isoformat() if entry.due else None,
        response=entry.response,
        text=entry.text,
        status=entry.status,
        state=state,
        rows=rows,
        first_seen=seen[0] if seen else None,
        age_days=(today - dt.datetime.fromisoformat(seen[0]).date()).days if seen else None,
        days_overdue=(today - entry.due).days if entry.due and overdue else None,
        times=len(seen),
    )


def unregistered(entries: Iterable[Finding], results: Iterable[RuleResult]) -> list[str]:
    """Keys of findings of this audit that have no entry."""
    registered = {entry.key for entry in entries}
    return [key for key in finding_keys(results) if key not in registered]


def finding_keys(results: Iterable[RuleResult]) -> list[str]:
    """The keys of all findings: each reason of a violation of each rule that fails."""
    failed = [result for result in results if result.verdict == Verdict.FAIL]
    return [f"{result.id}:{reason}" for result in failed for reason in sorted(violations(result))]


def register_of(run: Run) -> str:
    """A register of findings, as YAML, with an entry per finding of a run: those that it had are kept, the rest is to be filled in.

    A new entry has the finding's title, and the day that its rating suggests; the gravest come first.
    """
    kept = run.folder / INPUTS / "findings.yaml"
    registered = read_findings(kept, RULES) if kept.is_file() else []
    gravest = sorted(run.rules.values(), key=gravity)
    entries = [entry if entry.title else entry.model_copy(update={"title": title_of(entry.key, run)}) for entry in registered]
    entries += [_begun(key, run) for key in unregistered(registered, gravest)]
    return register_text(entries)


def _begun(key: str, run: Run) -> Finding:
    result = run.rules[key.partition(":")[0]]
    due = suggested_due(result.finding_severity or result.severity, dt.date.fromisoformat(run.audit.as_of[:10]))
    # of a policy of one's own the rules need not be known here: the run had them
    return Finding.model_validate({"key": key, "title": title_of(key, run), "due": due}, context={"rules": run.rules})


def title_of(key: str, run: Run) -> str | None:
    """What a finding is, in a line: its rule's title, and what the reason says; null where the run has no such rule."""
    rule, _, reason = key.partition(":")
    if rule not in run.rules:
        return None
    result = run.rules[rule]
    says = next((r.says for r in result.reasons if r.reason == reason and r.outcome == Outcome.VIOLATION and r.says), "")
    return f"{result.title}. {says}".strip()[:LONGEST_TITLE]


def register_text(entries: Iterable[Finding]) -> str:
    """A register of findings as YAML."""
    return HEAD + yaml_text({"findings": [entry.model_dump(mode="json") for entry in entries]}, sort_keys=False)
