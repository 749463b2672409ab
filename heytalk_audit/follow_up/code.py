"""Which of the package's files a rule's rows rest on, found by what modules import of each other."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

from heytalk_audit import audit, detect, policy, rules
from heytalk_audit.audit import evaluate, exceptions
from heytalk_audit.audit.audit import COLUMN_CONTENTS, DETECTIONS
from heytalk_audit.canonical import PACKAGE, package_files
from heytalk_audit.rules import RULES

#: Packages whose own module only gathers or names things: importing a part of them rests on that part alone.
_GATHER = (PACKAGE.name, rules.__name__, audit.__name__)


@cache
def files_of_rule(rule: str) -> frozenset[str]:
    """Files of the package that a rule's rows depend on, as its materials name them; all of them for an unknown rule."""
    if rule not in RULES:
        return frozenset(name for name, _ in package_files())
    core = modules_of(evaluate.__name__) | modules_of(exceptions.__name__)
    if not {DETECTIONS, COLUMN_CONTENTS} & set(RULES[rule].arguments):
        core = frozenset(name for name in core if not _is_within(name, detect))
    return _files(core | modules_of(RULES[rule].build.__module__))


@cache
def reads_declared(rule: str) -> bool:
    """Whether a rule, or what it shares with others, reads the names that the policy declares."""
    if rule not in RULES:
        return True
    shared = [name for name in modules_of(RULES[rule].build.__module__) if _is_within(name, rules)]
    return any(isinstance(node, ast.Attribute) and node.attr == "declared" for name in shared for node in ast.walk(_tree(name)))


@cache
def modules_of(name: str) -> frozenset[str]:
    """The module of that name and all modules of the package that it imports, directly or not."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += _imported(module)
    return frozenset(reached)


def _is_within(name: str, package: ModuleType) -> bool:
    return name == package.__name__ or name.startswith(f"{package.__name__}.")


def _source(name: str) -> Path:
    return Path(str(importlib.import_module(name).__file__))


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(_source(name).read_text("utf-8"))


@cache
def _imported(name: str) -> frozenset[str]:
    """Modules of the package that a module's import statements name."""
    names: set[str] = set()
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    ours = {n for n in names if n.split(".")[0] == PACKAGE.name and n not in _GATHER}
    return frozenset(n for n in ours if _is_module(n))


@cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a name within a module that is no package
        return False


def _files(modules: frozenset[str]) -> frozenset[str]:
    """The modules' files and the data files beside them; a policy's files are materials of their own."""
    sources = {_source(name) for name in modules}
    folders = {source.parent for source in sources} - {PACKAGE, Path(str(policy.__file__)).parent}
    beside = {p for folder in folders for p in folder.rglob("*") if p.is_file() and p.suffix != ".py" and "__pycache__" not in p.parts}
    return frozenset(path.relative_to(PACKAGE).as_posix() for path in sources | beside)
