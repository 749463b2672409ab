"""What rows rest on: the numbers and settings that neither the policy nor the law states, by the reasons of the rows that they decided."""

from __future__ import annotations

from collections.abc import Iterable

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Excuse
from heytalk_audit.audit.counts import RowCounts
from heytalk_audit.audit.holds import Hold, flags
from heytalk_audit.policy.view import View
from heytalk_audit.vocabulary import Outcome


def assumptions(check: Check, counts: RowCounts, view: View, labelled: ir.Table | None) -> dict[str, tuple[str, ...]]:
    """Per reason that rows have, the names of the assumed numbers that they rest on; reasons that rest on none are left out.

    A row rests on those of the condition that decided it, and on those of what would have let it pass before. One that is excused rests on
    those of its excuse, and of whatever it may be excused from; `labelled` are the rows with it, null where there are none.
    """
    reasons = {line.reason: line.outcome for line in counts.reasons}
    has_excused = Outcome.EXEMPT in reasons.values()
    resting, allowances, excusable = dict[str, list[str]](), list[str](), list[str]()
    for c in check.conditions:
        may_be_excused = has_excused and c.held and c.outcome != Outcome.UNKNOWN
        if c.outcome != Outcome.PASS and str(c.reason) not in reasons and not may_be_excused:
            continue
        assumed = [*_assumed(view, [c.when]), *allowances]
        if c.outcome == Outcome.PASS:
            allowances = assumed
        else:
            resting.setdefault(str(c.reason), []).extend(assumed)
            excusable += assumed if may_be_excused else []
    excused = [*_assumed(view, _excuses(check, labelled)), *excusable] if has_excused else []
    resting |= {str(reason): excused for reason, outcome in reasons.items() if outcome == Outcome.EXEMPT}
    return {reason: tuple(dict.fromkeys(names)) for reason, names in resting.items() if names and reason in reasons}


def _assumed(view: View, values: Iterable[ir.Value]) -> list[str]:
    return [number.name for value in values for number in view.rests_on(value) if number.origin == "assumption"]


def _excuses(check: Check, labelled: ir.Table | None) -> list[ir.Value]:
    """What decides whether a row is excused."""
    if isinstance(check.exempt, Excuse):
        return [check.exempt.when]
    if not isinstance(check.exempt, Hold) or labelled is None:
        return []
    return [labelled.reason, *flags(check.exempt).values()]
