"""What of two runs differs that a rule's rows depend on: its code, the policy, the parameters, the data.

A cause is a candidate where something that the rule reads is not as it was. Where one alone is a candidate, it is the cause.
"""

from __future__ import annotations

from typing import Any

from heytalk_audit import contract
from heytalk_audit.follow_up.code import files_of_rule, reads_declared
from heytalk_audit.follow_up.earlier import Run
from heytalk_audit.rules import RULES

RULE, POLICY, PARAMETERS, DATA = CAUSES = ("rule", "policy", "parameters", "data")
EXCEPTIONS, TESTED = "exceptions", "tested"


def candidates(rule: str, old: Run, new: Run) -> tuple[str, ...]:
    """What may have changed a rule's rows between two runs that both tested it, in the order of the waterfall."""
    changed = {
        RULE: bool(code_changed(rule, old, new)),
        POLICY: bool(policy_changed(rule, old, new)),
        PARAMETERS: bool(parameters_changed(rule, old, new)),
        DATA: bool(data_changed(rule, old, new)),
    }
    return tuple(cause for cause in CAUSES if changed[cause])


def _changed(old: Run, new: Run) -> set[str]:
    """Materials that are not as they were."""
    return {name for name in old.materials | new.materials if old.materials.get(name) != new.materials.get(name)}


# the rule's code -------------------------------------------------------------------------------------


def code_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Materials of a rule's code that changed: its own source, what its module and the engine's import, and the locked libraries."""
    changed = _changed(old, new)
    own = {f"rule/{rule}", "environment/requirements.lock"} | {f"code/{name}" for name in files_of_rule(rule)}
    return sorted(changed & own)


# policy and parameters -------------------------------------------------------------------------------


def _numbers(rule: str, run: Run) -> dict[str, tuple[Any, str]]:
    return {number.name: (number.value, number.unit) for number in run.rules[rule].numbers}


def numbers_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Numbers that the rule reads in both runs, and that have another value or unit."""
    before, now = _numbers(rule, old), _numbers(rule, new)
    return sorted(name for name in before.keys() & now.keys() if before[name] != now[name])


def policy_changed(rule: str, old: Run, new: Run) -> list[str]:
    """What of the policy changed that the rule reads: periods, defaults of settings that no parameter states, declared names, the text."""
    changed, tables = _changed(old, new), new.rules[rule].tables
    in_both = old.parameter_settings.keys() & new.parameter_settings.keys()
    names = [
        name
        for name in _read_otherwise(rule, old, new)
        if f"policy/periods.{name}" in changed or (f"policy/settings.{name}" in changed and name not in in_both)
    ]
    names += ["declared.yaml"] if "policy/declared.yaml" in changed and reads_declared(rule) else []
    names += ["periods.traffic_calendar"] if "policy/periods.traffic_calendar" in changed and "calendar" in tables else []
    names += sorted(changed & {"policy/text", "policy/clauses.csv"}) if "policy_clauses" in tables else []
    return names


def parameters_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Settings that the rule reads and that the parameters of the two runs state otherwise."""
    before, now = old.parameter_settings, new.parameter_settings
    return [name for name in _read_otherwise(rule, old, new) if name in before | now and before.get(name, ...) != now.get(name, ...)]


def _read_otherwise(rule: str, old: Run, new: Run) -> list[str]:
    """Numbers that the rule read otherwise, and the zone in which days are counted: every rule reads that."""
    zone = ["audit_tz"] if old.audit.audit_tz != new.audit.audit_tz else []
    return [*numbers_changed(rule, old, new), *zone]


# data ------------------------------------------------------------------------------------------------


def data_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Tables that the rule reads and that are not as they were, and the instant, if it is another."""
    changed = {name.removeprefix("snapshot/") for name in _changed(old, new) if name.startswith("snapshot/")}
    named = {t for run in (old, new) for t in run.rules[rule].tables} | {"users"}
    arguments = RULES[rule].arguments if rule in RULES else ("present",)
    if "present" not in arguments and named <= set(contract.load()):
        changed &= named
    return sorted(changed) + (["as_of"] if old.audit.as_of != new.audit.as_of else [])
