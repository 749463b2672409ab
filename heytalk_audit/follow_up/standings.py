"""How each entry of the register of findings stands after an audit. Only a test closes a finding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import outline
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.follow_up.earlier import Run
from heytalk_audit.follow_up.history import violations
from heytalk_audit.registers.findings import Finding, read_findings
from heytalk_audit.rules import RULES
from heytalk_audit.vocabulary import Verdict

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


def refuse_unknown_reasons(path: Path, entries: Iterable[Finding], audit: Audit) -> None:
    """Raise InputError for a reason that its rule does not have. No row is read."""
    for number, entry in enumerate(entries, 1):
        check = outline(RULES[entry.rule], audit)
        known = sorted({c.reason for c in check.conditions if c.outcome == "violation" and c.reason}) if check else None
        if known is not None and entry.reason not in known:
            where = f"findings {path.name}: findings.{number}.key {entry.key}"
            raise InputError(where, f"names no reason of a violation of {entry.rule}", nearest(entry.reason, known))


def state(entry: Finding, result: dict[str, Any] | None, today: dt.date) -> str:
    """How an entry stands after its rule's result in this audit; null where the rule was left out."""
    if result is None or not Verdict(result["verdict"]).is_tested or result["verdict"] == Verdict.NO_POPULATION:
        return "NOT_TESTED"
    if result["verdict"] == "PASS":
        return "CLOSED_BY_RETEST"
    if not violations(result).get(entry.reason):
        return "NOT_SEEN"
    if result["verdict"] != "FAIL":
        return "ACCEPTED"
    if entry.status == "closed":
        return "STILL_FAILING"
    return "OVERDUE" if entry.due is not None and entry.due < today else "OPEN"


def standings(
    entries: Iterable[Finding], results: Iterable[dict[str, Any]], told: list[dict[str, Any]], as_of: str, today: dt.date
) -> list[dict[str, Any]]:
    """Every entry with how it stands, its rows, and its age since the run that saw it first. `told` are the earlier runs."""
    by_rule, found = {r["id"]: r for r in results}, []
    for entry in entries:
        result = by_rule.get(entry.rule)
        rows = violations(result).get(entry.reason, 0) if result else 0
        had = [h["as_of"] for h in told if h["rules"].get(entry.rule, {}).get("reasons", {}).get(entry.reason)]
        first = had[0] if had else as_of if rows else None
        age = (today - dt.datetime.fromisoformat(first).date()).days if first else None
        over = (
            (today - entry.due).days
            if entry.due and entry.due < today and state(entry, result, today) in ("OVERDUE", "STILL_FAILING")
            else None
        )
        said = entry.model_dump(mode="json") | {"rule": entry.rule, "state": state(entry, result, today), "rows": rows}
        found.append(said | {"first_seen": first, "age_days": age, "days_overdue": over, "times": len(had) + bool(rows)})
    return found


def unregistered(entries: Iterable[Finding], results: Iterable[dict[str, Any]]) -> list[str]:
    """Keys of findings of this audit that have no entry."""
    known = {e.key for e in entries}
    return [key for key in keys(results) if key not in known]


def keys(results: Iterable[dict[str, Any]]) -> list[str]:
    """The keys of all findings: each reason of a violation of each rule that fails."""
    return [f"{r['id']}:{reason}" for r in results if r["verdict"] == "FAIL" for reason in sorted(violations(r))]


def template(run: Run) -> str:
    """A register with an entry per finding of a run: what it was told already is kept, the rest is to be filled in."""
    kept = run.folder / "inputs" / "findings.yaml"
    entries = read_findings(kept, RULES) if kept.is_file() else []
    known = [e.model_dump(mode="json") for e in entries]
    blank = {"owner": None, "due": None, "response": None, "text": None, "status": "open"}
    known += [{"key": key, **blank} for key in unregistered(entries, run.rules.values())]
    head = "# due: 2025-06-30; response: agree, partly or disagree, with a text; status: open or closed (only a test closes a finding)\n"
    return head + yaml.safe_dump({"findings": known}, allow_unicode=True, sort_keys=False)
