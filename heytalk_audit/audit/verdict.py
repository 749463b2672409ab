"""From a ledger to a verdict: missing evidence is never a pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heytalk_audit import contract
from heytalk_audit.audit.audit import COLUMN_CONTENTS, DETECTIONS, Audit
from heytalk_audit.audit.check import OverTables, Rule
from heytalk_audit.audit.limits import Decided, Limits
from heytalk_audit.audit.present import Present
from heytalk_audit.detect.places import PLACES
from heytalk_audit.expressions.calendar import add_months
from heytalk_audit.policy.view import View, audit_period
from heytalk_audit.snapshot import gate
from heytalk_audit.vocabulary import Limit, Outcome, Verdict

#: Evidence tables that list whatever was delivered. A rule whose audited table is one of them must say what it did not see.
OVER_WHATEVER = ("delivered_tables", "delivered_columns", "column_inventory", COLUMN_CONTENTS)
#: Families whose rules check the delivery itself. A failed gate does not block them; a missing table or column does.
GATES = ("DQ",)


@dataclass(frozen=True)
class Judged:
    """A verdict, why (null where the verdict says it all), and the limits on the evidence that was there, whatever the verdict."""

    verdict: Verdict
    reason: str | None = None
    limited_by: tuple[Limit, ...] = ()


def judge(ledger: Mapping[str, int], gaps: Sequence[str], limits: Limits, accepted: int = 0, decided: Decided = Decided()) -> Judged:
    """The verdict of a ledger. `gaps` say where the delivery cuts what the rule must see; `accepted` rows are answered for."""
    tested = ledger["in_scope"] - ledger[Outcome.EXCLUDED]
    if tested == 0:
        return Judged(Verdict.NO_POPULATION, "nothing in scope" if ledger["in_scope"] == 0 else "all rows in scope are test accounts")
    exceeded = limits.exceeded(ledger)
    if gaps:
        exceeded[Limit.COVERAGE] = "coverage: " + "; ".join(gaps)
    broken = ledger[Outcome.VIOLATION] + decided.breach
    if broken > accepted:
        verdict = Verdict.FAIL
    elif ledger[Outcome.REVIEW] > decided.rows or exceeded:
        verdict = Verdict.REVIEW
    else:
        verdict = Verdict.ACCEPTED if broken else Verdict.PASS
    return Judged(verdict, "; ".join(exceeded.values()) or None, tuple(exceeded))


def sentence(judged: Judged, notes: Sequence[str]) -> str | None:
    """Why a verdict is what it is, and what the rule did not see; null where there is nothing to say."""
    return "; ".join(text for text in (judged.reason, *notes) if text) or None


def coverage_gaps(rule: OverTables, tables: Sequence[str], unseen: Sequence[str], audit: Audit, view: View) -> list[str]:
    """What the rule must see and did not: where a table's window or filter cuts it, and the `unseen` tables and columns."""
    missing = ["not delivered: " + ", ".join(unseen)] if unseen else []
    if rule.family in GATES:
        return missing
    start, _ = audit_period(audit.clock, audit.settings.get("period_from"), None)
    months = max((n.value for n in view.read.values() if n.unit == "months" and n.origin == "policy"), default=0)
    look_back = dt.datetime.combine(min(add_months(audit.clock.today, -months), start), dt.time())
    delivered = [table for table in tables if table in audit.snapshot.tables]
    created = gate.first_created(audit.snapshot.profile)
    gaps = [gate.coverage(audit.snapshot.delivery, table, look_back, created) for table in delivered]
    return missing + [gap for gap in gaps if gap]


def unseen(rule: Rule, present: Present, audit: Audit) -> list[str]:
    """Tables, and columns of free text, that a rule over whatever is there would have looked at, and that were not delivered."""
    if rule.tables[0] not in OVER_WHATEVER:
        return present.missing
    missing = [table for table in contract.load() if table not in audit.snapshot.tables]
    return sorted({*present.missing, *missing, *(_unread(audit) if DETECTIONS in rule.tables else ())})


def notes(rule: Rule, audit: Audit) -> list[str]:
    """What beside the rule's own rows keeps the control totals from a PASS; and what was read in a way that the files do not state."""
    lost = _lost(audit) if rule.id == "DQ-01" else []
    old = [f"{t}.{c}" for t, state in audit.snapshot.profile.items() for c in state.get("int96", ())] if rule.id == "DQ-02" else []
    columns = {"described but not delivered: ": lost, "read as UTC, being INT96 as Spark writes it: ": old}
    return [what + ", ".join(names) for what, names in columns.items() if names]


def _unread(audit: Audit) -> list[str]:
    """The columns of free text that delivered tables lack."""
    tables = audit.snapshot.tables
    return [place.name for place in PLACES.values() if place.table in tables and not place.is_in(tables)]


def _lost(audit: Audit) -> list[str]:
    """Tables that the descriptor describes and that are not there."""
    described = {str(r.get("name")) for r in audit.snapshot.delivery.descriptor["resources"] if isinstance(r, dict)}
    return sorted(described & {table for table in contract.load() if table not in audit.snapshot.tables})


def demoted(rule: Rule, verdict: Verdict, audit: Audit) -> Verdict:
    """The verdict, where totals that the descriptor states for a table that is not there were not reconciled: no PASS."""
    return Verdict.REVIEW if rule.id == "DQ-01" and verdict == Verdict.PASS and _lost(audit) else verdict
