"""From a ledger to a verdict: missing evidence is never a pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heytalk_audit import contract
from heytalk_audit.audit.audit import COLUMN_CONTENTS, DETECTIONS, Audit
from heytalk_audit.audit.check import Rule
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


def judge(ledger: Mapping[str, int], gaps: Sequence[str], unknown_limit: float, accepted: int = 0) -> Judged:
    """The verdict of a ledger. `gaps` say where the delivery cuts what the rule must see; `accepted` rows are answered for."""
    tested = ledger["in_scope"] - ledger[Outcome.EXCLUDED]
    if tested == 0:
        return Judged(Verdict.NO_POPULATION, "nothing in scope" if ledger["in_scope"] == 0 else "all rows in scope are test accounts")
    too_many_unknown = ledger[Outcome.UNKNOWN] > unknown_limit * tested
    limits = ((Limit.UNKNOWN, too_many_unknown), (Limit.COVERAGE, bool(gaps)))
    verdict, reason = _first_that_holds(ledger, gaps, unknown_limit, accepted, too_many_unknown)
    return Judged(verdict, reason, tuple(limit for limit, holds in limits if holds))


def _first_that_holds(
    ledger: Mapping[str, int], gaps: Sequence[str], unknown_limit: float, accepted: int, too_many_unknown: bool
) -> tuple[Verdict, str | None]:
    if ledger[Outcome.VIOLATION] > accepted:
        return Verdict.FAIL, None
    if ledger[Outcome.REVIEW]:
        return Verdict.REVIEW, None
    if too_many_unknown:
        return Verdict.REVIEW, f"unknown rows are above the limit of {unknown_limit:.2%}"
    if ledger[Outcome.VIOLATION]:
        return Verdict.ACCEPTED, None
    return (Verdict.REVIEW, "coverage: " + "; ".join(gaps)) if gaps else (Verdict.PASS, None)


def coverage_gaps(rule: Rule, tables: Sequence[str], audit: Audit, view: View, present: Present) -> list[str]:
    """Where the descriptor's window or filter cuts what the rule must see of the tables that it reads, and those that it looked for."""
    absent = [f"{table} was not delivered" for table in present.missing]
    if rule.family in GATES:
        return absent
    start, _ = audit_period(audit.clock, audit.settings.get("period_from"), None)
    months = max((n.value for n in view.read.values() if n.unit == "months" and n.origin == "policy"), default=0)
    look_back = dt.datetime.combine(min(add_months(audit.clock.today, -months), start), dt.time())
    created = gate.first_created(audit.snapshot.profile)
    gaps = [gate.coverage(audit.snapshot.delivery, table, look_back, created) for table in tables]
    if rule.tables[0] in OVER_WHATEVER and DETECTIONS in rule.tables:
        gaps += [f"{place.name} was not delivered" for place in PLACES.values() if not place.is_in(audit.snapshot.tables)]
    return [gap for gap in (*gaps, *absent) if gap]


def notes(rule: Rule, present: Present, audit: Audit) -> list[str]:
    """What a rule over whatever is there did not see."""
    missing = sorted(table for table in contract.load() if table not in audit.snapshot.tables)
    unseen = present.missing
    if rule.tables[0] in OVER_WHATEVER:
        unseen = sorted({*unseen, *missing, *(_unread(audit) if DETECTIONS in rule.tables else ())})
    lines = ["not delivered: " + ", ".join(unseen)] if unseen else []
    lost = _lost(audit)
    if rule.id == "DQ-01" and lost:
        lines.append("described but not delivered: " + ", ".join(lost))
    return lines


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
