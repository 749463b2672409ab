"""One mutant, judged in its own process: the package is imported with the change, and the pieces that run it are tried, until one notices.

A rule in a world is built first: where it asks the engine the same as without the change, and the change is in nothing that runs
afterwards, its cases can't tell.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import io
import os
import resource
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from changes import Mutant, mutated
from digest import digest_of_rule
from open_worlds import OpenWorlds
from pieces import PYTEST, Piece, is_near

#: Parsed case files, by their text: parsing takes longer than judging.
PARSED: dict[str, object] = {}
#: Seconds of the processor that a mutant may take, and so many times as long as its pieces took to measure: a rule is evaluated in three
#: times the time that it is built in. Where these are used up, nothing is known of the mutant.
PATIENCE, TIMES = 60, 6
#: The first rules to be tried, and seconds that tests may take which are tried before other rules.
CLOSE, CHEAP = 3, 10.0
#: In so many worlds a change is tried that touches no rule, but only what is done with one's rows.
ENOUGH = 12


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree."""

    def __init__(self, mutant: Mutant, root: Path):
        self.mutant, self.root = mutant, root
        self.code = compile(mutated(mutant, root), str(root / mutant.path), "exec")

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        """The module, if it is the changed one."""
        if name != self.mutant.module:
            return None
        file = self.root / self.mutant.path
        inner = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(name, file, loader=self, submodule_search_locations=inner)

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        """As usual."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the changed code."""
        exec(self.code, module.__dict__)


@dataclass(frozen=True)
class Plan:
    """What may notice a mutant: rules that are built with it, rules in whose evaluation it runs, and tests, each in the order to be tried.

    `names` are the definitions that are changed; `rules` the rules that they feed, the nearest first.
    """

    names: tuple[str, ...]
    rules: tuple[str, ...]
    built: tuple[Piece, ...]
    ran: tuple[Piece, ...]
    tests: tuple[Piece, ...]

    @property
    def seconds(self) -> float:
        """How long all its pieces took to measure."""
        return sum(piece.seconds for piece in (*self.built, *self.ran, *self.tests))


def plan(names: Sequence[str], rules: Sequence[str], pieces: Sequence[Piece]) -> Plan:
    """The plan for a mutant, by what the pieces ran when nothing was changed."""
    rank = {rule: n for n, rule in enumerate(rules)}
    of_rules = [p for p in pieces if p.world is not None]
    built = sorted((p for p in of_rules if is_near(p, names, "built")), key=lambda p: (rank.get(p.name, 999), p.seconds))
    ran = sorted((p for p in of_rules if is_near(p, names, "ran")), key=lambda p: (p.seconds, p.name))[:ENOUGH]
    tests = sorted((p for p in pieces if p.world is None and is_near(p, names, "ran")), key=lambda p: p.seconds)
    return Plan(tuple(names), tuple(rules), tuple(built), tuple(ran), tuple(tests))


def import_worlds(mutant: Mutant, root: Path) -> Any:
    """The worlds of cases, and with them the package, changed or as it is."""
    sys.meta_path.insert(0, Changed(mutant, root))
    import worlds

    worlds.yaml = types.SimpleNamespace(safe_load=lambda text: PARSED.get(text) or yaml.load(text, yaml.CSafeLoader))
    return worlds


def notice(mutant: Mutant, planned: Plan, root: Path, kept: Path) -> str:
    """What notices a mutant: a case, a test, or that it does not run at all; empty where nothing does."""
    allowed = PATIENCE + TIMES * round(planned.seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed + 5))
    try:
        worlds = import_worlds(mutant, root)
    except Exception as error:  # a change that does not even import is noticed by everything
        return f"import: {type(error).__name__}"
    return next(filter(None, (attempt() for attempt in _attempts(worlds, planned, root, kept))), "")


def _attempts(worlds: Any, planned: Plan, root: Path, kept: Path) -> Iterator[Callable[[], str]]:
    """What is tried, the cheapest and most likely first: near rules in the world of most cases, quick tests, the other rules and tests."""
    opened: list[OpenWorlds] = []

    def rules(pieces: Sequence[Piece], digests: bool) -> Callable[[], str]:
        def attempt() -> str:
            if not opened:
                opened.append(OpenWorlds(worlds, kept))
            return _judge_rules(pieces, opened[0], worlds, digests)

        return attempt

    main = max((p.world for p in planned.built), key=[p.world for p in planned.built].count, default=None)
    close = [p for p in planned.built if p.name in planned.rules[:CLOSE]]
    first = [p for p in close if p.world == main]
    quick = _within(planned.tests, CHEAP)
    # what runs in an evaluation too may change what comes of the same queries
    compare = not planned.ran
    if first:
        yield rules(first, compare)
    yield lambda: _failed(quick, root)
    yield rules([p for p in close if p not in first], compare)
    yield rules([p for p in planned.built if p not in close], True)
    yield rules(planned.ran, False)
    yield lambda: _failed(planned.tests[len(quick) :], root)


def _within(tests: Sequence[Piece], seconds: float) -> list[Piece]:
    """The first of these tests, which take no longer than so many seconds together."""
    quick, total = [], 0.0
    for piece in tests:
        total += piece.seconds
        if total > seconds:
            break
        quick.append(piece)
    return quick


def _judge_rules(pieces: Sequence[Piece], opened: OpenWorlds, worlds: Any, digests: bool) -> str:
    """The first case that a rule of these breaks. One world after another: one is open at a time."""
    by_world = sorted(pieces, key=lambda p: [q.world for q in pieces].index(p.world))
    for first, group in groupby(by_world, key=lambda p: p.world):
        audit = opened.audit(first)
        for piece in group:
            if not (digests and _asks_the_same(piece, audit)) and (complaint := _complaint(piece, opened, worlds)):
                return complaint
    return ""


def _asks_the_same(piece: Piece, audit: Any) -> bool:
    from heytalk_audit.rules import RULES

    try:
        return digest_of_rule(RULES[piece.name], audit) == piece.digest
    except Exception:
        return False


def _complaint(piece: Piece, opened: OpenWorlds, worlds: Any) -> str:
    world = next(c.world for c in worlds.cases() if c.number == piece.world)
    for case in worlds.cases():
        if case.world == world and case.rule == piece.name:
            try:
                complaint = worlds.complaint(case, opened.worlds)
            except Exception as error:
                complaint = type(error).__name__
            if complaint:
                return f"{case.rule}: {case.name}"
    return ""


class Ordered:
    """Runs these tests alone, in this order: a plugin of pytest."""

    def __init__(self, names: Sequence[str]):
        self._place = {name: n for n, name in enumerate(names)}

    def pytest_collection_modifyitems(self, config, items):  # type: ignore[no-untyped-def]
        """Keep these, in their order."""
        items[:] = sorted((i for i in items if i.nodeid in self._place), key=lambda i: self._place[i.nodeid])


def _failed(tests: Sequence[Piece], root: Path) -> str:
    """The first of these tests that fails."""
    if not tests:
        return ""
    os.chdir(root)
    names = [piece.name for piece in tests]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        options = ["-x", *PYTEST, f"--basetemp={os.environ['MUTANT_TEMP']}/pytest"]
        status = pytest.main([*dict.fromkeys(n.split("::")[0] for n in names), *options], plugins=[Ordered(names)])
    lines = [line for line in output.getvalue().splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "" if status in (0, 5) else (lines or [f"pytest: {int(status)}"])[0][:160]
