"""What keeps rules from being evaluated on a delivery, and what lets most of them run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heytalk_audit import contract
from heytalk_audit.audit.audit import READ_FROM_TEXTS, Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import lacking
from heytalk_audit.audit.faults import NotEvaluated
from heytalk_audit.audit.hashed_log import LOG
from heytalk_audit.audit.no_value import refuse_without_values
from heytalk_audit.contract import needs
from heytalk_audit.contract.needs import RuleNeeds
from heytalk_audit.errors import printable
from heytalk_audit.snapshot import profile


@dataclass(frozen=True)
class Unlock:
    """Tables, and columns as `table.column`, and the rules that run once these are there, and all that was named before."""

    names: tuple[str, ...]
    rules: tuple[str, ...]


def usable_columns(profiled: Mapping[str, Any]) -> dict[str, set[str]]:
    """The columns of each delivered table that rules can read."""
    return {
        table: {name for name, state in counted["columns"].items() if state["status"] not in (profile.MISSING, profile.WRONG)}
        for table, counted in profiled.items()
    }


def unlocks(lacks: Mapping[str, tuple[str, ...]]) -> list[Unlock]:
    """By what each rule lacks: what to deliver, in the order that lets most rules run soonest. A table comes with all its columns."""
    waiting = {rule: frozenset(names) for rule, names in lacks.items() if names}
    ordered = []
    while waiting:
        gains = {names: sorted(rule for rule, lacked in waiting.items() if lacked <= names) for names in set(waiting.values())}
        best = min(gains, key=lambda names: (-len(gains[names]) / len(names), len(names), sorted(names)))
        ordered.append(Unlock(tuple(sorted(best)), tuple(gains[best])))
        waiting = {rule: lacked - best for rule, lacked in waiting.items() if not lacked <= best}
    return ordered


def other_blocks(rules: Mapping[str, Rule], audit: Audit) -> dict[str, str]:
    """Why rules are not evaluated that lack no table and no column: a gate that failed, columns without a value, and the like."""
    limit = audit.settings["unknown_limit"]
    suspect = {*audit.blocked, *(table for (table, _), share in audit.wrong.items() if share > limit)}
    suspect |= {LOG} if audit.log_is_hashed else set()
    suspect |= {t for t, c in audit.snapshot.profile.items() if any(s["status"] == profile.WRONG_VALUES for s in c["columns"].values())}
    blocks = {id: _block(rule, audit, suspect) for id, rule in rules.items()}
    return {id: why for id, why in blocks.items() if why}


def _block(rule: Rule, audit: Audit, suspect: set[str]) -> str:
    of_rule: RuleNeeds | None = needs.of_rules().get(rule.id)
    elsewhere = {table for table in rule.tables if table not in contract.load()} - {*READ_FROM_TEXTS, *audit.tables}
    if of_rule is None or elsewhere or suspect & {*of_rule.tables, *of_rule.optional}:
        # a rule is built only where something may stand in its way: that takes a while
        return printable(lacking(rule, audit))
    try:
        refuse_without_values(rule.looks_in, audit.snapshot, audit.settings)
    except NotEvaluated as error:
        return printable(error)
    return ""
