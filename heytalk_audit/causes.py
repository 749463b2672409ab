"""What of two runs differs that a rule's rows depend on: its code, the policy, the parameters, the data.

A cause is a candidate where something that the rule reads is not as it was. Where one alone is a candidate, it is the cause.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path
from typing import Any

from heytalk_audit import contract
from heytalk_audit.audit import CONTENTS_OF, DETECTIONS
from heytalk_audit.previous import Run
from heytalk_audit.rules import RULES

RULE, POLICY, PARAMETERS, DATA = CAUSES = ("rule", "policy", "parameters", "data")
EXCEPTIONS, TESTED = "exceptions", "tested"
#: Evidence tables that speak of the whole delivery, or of texts of many tables: any table of the snapshot may change them.
_READS_TEXTS = ("detected.py", "detect/", "texts.py")
_HOME = Path(__file__).resolve().parent


def candidates(rule: str, old: Run, new: Run) -> tuple[str, ...]:
    """What may have changed a rule's rows between two runs that both tested it, in the order of the waterfall."""
    found = {
        RULE: bool(code_changed(rule, old, new)),
        POLICY: bool(policy_changed(rule, old, new)),
        PARAMETERS: bool(parameters_changed(rule, old, new)),
        DATA: bool(data_changed(rule, old, new)),
    }
    return tuple(cause for cause in CAUSES if found[cause])


def _changed(old: Run, new: Run) -> set[str]:
    """Materials that are not as they were."""
    return {name for name in old.materials | new.materials if old.materials.get(name) != new.materials.get(name)}


# the rule's code -------------------------------------------------------------------------------------


def code_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Materials of a rule's code that changed: its own source, what its module and the engine's import, and the locked libraries."""
    changed = _changed(old, new)
    own = {f"rule/{rule}", "environment/requirements.lock"} | {f"code/{name}" for name in code_of(rule)}
    return sorted(changed & own)


@cache
def code_of(rule: str) -> frozenset[str]:
    """Files of the package that a rule's rows depend on; all of it for a rule that this version does not know."""
    if rule not in RULES:
        return frozenset(_name(p) for p in _HOME.rglob("*.py"))
    core = _closure(_HOME / "audit.py")
    if not {DETECTIONS, CONTENTS_OF} & set(RULES[rule].arguments):
        core = frozenset(name for name in core if not name.startswith(_READS_TEXTS))
    return core | _closure(Path(inspect.getsourcefile(RULES[rule].build)))


@cache
def _closure(start: Path) -> frozenset[str]:
    """The file and all that it imports of the package, and the data files beside these; the policies are materials of their own."""
    found, left = set(), [start.resolve()]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _imported(path)
    data = {
        p
        for folder in {f.parent for f in found} - {_HOME, _HOME / "policy"}
        for p in folder.rglob("*")
        if p.is_file() and p.suffix != ".py" and "__pycache__" not in p.parts
    }
    return frozenset(_name(p) for p in found | data)


def _imported(path: Path) -> list[Path]:
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_HOME.name):
            names += [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        elif isinstance(node, ast.Import):
            names += [a.name for a in node.names if a.name.startswith(_HOME.name)]
    files = []
    for name in names:
        place = _HOME.joinpath(*name.split(".")[1:])
        files += [f.resolve() for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file() and f.parent != _HOME.parent]
    return [f for f in files if f not in (_HOME / "__init__.py", _HOME / "rules" / "__init__.py")]


def _name(path: Path) -> str:
    return path.relative_to(_HOME).as_posix()


# policy and parameters -------------------------------------------------------------------------------


def _numbers(rule: str, run: Run) -> dict[str, tuple[Any, str]]:
    return {n["name"]: (n["value"], n["unit"]) for n in run.rules[rule]["numbers"]}


def numbers_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Numbers that the rule reads in both runs, and that have another value or unit."""
    before, now = _numbers(rule, old), _numbers(rule, new)
    return sorted(name for name in before.keys() & now.keys() if before[name] != now[name])


def policy_changed(rule: str, old: Run, new: Run) -> list[str]:
    """What of the policy changed that the rule reads: periods, defaults of settings that no parameter gives, declared names, the text."""
    changed, found = _changed(old, new), []
    for name in [*numbers_changed(rule, old, new), *_zone(old, new)]:
        default_moved = f"policy/settings.{name}" in changed and (name not in new.given or name not in old.given)
        if f"policy/periods.{name}" in changed or default_moved:
            found.append(name)
    tables = new.rules[rule]["tables"]
    found += ["declared.yaml"] if "policy/declared.yaml" in changed and reads_declared(rule) else []
    found += ["periods.traffic_calendar"] if "policy/periods.traffic_calendar" in changed and "calendar" in tables else []
    found += sorted(changed & {"policy/text", "policy/clauses.csv"}) if "policy_clauses" in tables else []
    return found


def parameters_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Settings that the rule reads and that the parameters of the two runs give otherwise."""
    names = [*numbers_changed(rule, old, new), *_zone(old, new)]
    return [n for n in names if old.given.get(n, ...) != new.given.get(n, ...) and n in (old.given | new.given)]


def _zone(old: Run, new: Run) -> list[str]:
    """The zone in which days are counted is read by every rule."""
    return ["audit_tz"] if old.audit["audit_tz"] != new.audit["audit_tz"] else []


@cache
def reads_declared(rule: str) -> bool:
    """Whether a rule, or what it shares with others, reads the names that the policy declares."""
    if rule not in RULES:
        return True
    files = [name for name in _closure(Path(inspect.getsourcefile(RULES[rule].build))) if name.startswith("rules/")]
    return any(".declared" in (_HOME / name).read_text("utf-8") for name in files)


# data ------------------------------------------------------------------------------------------------


def data_changed(rule: str, old: Run, new: Run) -> list[str]:
    """Tables that the rule reads and that are not as they were, and the instant, if it is another."""
    changed = {name.removeprefix("snapshot/") for name in _changed(old, new) if name.startswith("snapshot/")}
    named = {t for run in (old, new) for t in run.rules[rule]["tables"]} | {"users"}
    arguments = RULES[rule].arguments if rule in RULES else ("present",)
    if "present" not in arguments and named <= set(contract.load()):
        changed &= named
    return sorted(changed) + (["as_of"] if old.audit["as_of"] != new.audit["as_of"] else [])
