"""One mutant, judged in a process of its own: the package is imported with the change, and the cases run until one of them notices."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import inspect
import io
import os
import re
import shutil
import sys
import tempfile
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from changes import Mutant, mutated

#: Of the rules whose cases run, those of which tests are looked for as well.
CLOSE = 3
#: Parsed case files, by their text: parsing takes longer than judging.
PARSED: dict[str, object] = {}


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


def notice(mutant: Mutant | None, rules: Sequence[str], tests: Sequence[str], root: Path, kept: Path) -> str:
    """What notices a mutant: a case, a test, or that it does not run at all; empty where nothing does."""
    if mutant:
        sys.meta_path.insert(0, Changed(mutant, root))
    try:
        import worlds
    except Exception as error:  # a change that does not even import is noticed by everything
        return f"import: {type(error).__name__}"
    worlds.yaml = types.SimpleNamespace(safe_load=lambda text: PARSED.get(text) or yaml.load(text, yaml.CSafeLoader))
    return next(_complaints(worlds, rules, kept), "") or _failed(tests, rules[:CLOSE])


def _complaints(worlds, rules: Sequence[str], kept: Path) -> Iterator[str]:  # type: ignore[no-untyped-def]
    from heytalk_audit.snapshot.engines import connect

    judged = _worlds(worlds, connect(), kept)
    for rule in rules:
        for case in (c for c in worlds.in_worlds() if c.rule == rule):
            try:
                complaint = worlds.complaint(case, judged)
            except Exception as error:
                complaint = type(error).__name__
            if complaint:
                yield f"{rule}: {case.name}"


def _worlds(worlds, engine, kept: Path):  # type: ignore[no-untyped-def]
    """Worlds whose snapshots and profiles are written once, for all mutants: neither is what is changed."""
    opened = worlds.open_snapshot

    def open_again(folder: Path, engine):  # type: ignore[no-untyped-def]
        work = Path(tempfile.mkdtemp(prefix="work-", dir=os.environ["MUTANT_TEMP"]))
        profiles = folder.with_name(folder.name + ".profile")
        if profiles.exists():
            shutil.copytree(profiles, work, dirs_exist_ok=True)
            return opened(folder, engine, work)
        snapshot = opened(folder, engine, work)
        beside = profiles.with_name(f"{profiles.name}.{os.getpid()}")
        shutil.copytree(work, beside)
        with contextlib.suppress(OSError):
            beside.rename(profiles)
        return snapshot

    engine.allow(Path(os.environ["MUTANT_TEMP"]))
    worlds.open_snapshot = open_again
    return worlds.Worlds(engine, kept)


class Quick:
    """Keeps the tests of some files, and of others those that name one of the rules.

    Left out are tests that start another process or audit a whole demo: they take minutes, and look at files rather than at rows.
    """

    def __init__(self, files: Sequence[str], rules: Sequence[str]):
        self.files, self.rules = files, [f'"{rule}"' for rule in rules]

    def pytest_collection_modifyitems(self, config, items):  # type: ignore[no-untyped-def]
        """Keep the quick ones."""
        items[:] = [item for item in items if self._keeps(item, inspect.getsource(item.function))]

    def _keeps(self, item, source: str) -> bool:  # type: ignore[no-untyped-def]
        slow = {"audited", "spark", "demo", "duckdb_worlds"} & set(item.fixturenames) or _STARTS.search(source)
        return not slow and (str(item.path) in self.files or any(rule in source for rule in self.rules))


_STARTS = re.compile(r"\b(run|refused|heytalk_audit|check_call|Popen)\(")


def _failed(files: Sequence[str], rules: Sequence[str]) -> str:
    """The first test that fails, of those of these files and those that name one of these rules."""
    texts = {path: path.read_text("utf-8") for path in sorted(Path(__file__).parent.parent.rglob("test_*.py"))}
    naming = [str(path) for path, text in texts.items() if any(f'"{rule}"' in text for rule in rules)]
    tests = list(dict.fromkeys([*files, *naming]))
    if not tests:
        return ""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        how = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "-m", "not spark and not browser"]
        status = pytest.main([*tests, *how, f"--basetemp={os.environ['MUTANT_TEMP']}/pytest"], plugins=[Quick(files, rules)])
    lines = [line for line in said.getvalue().splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "" if status in (0, 5) else (lines or [f"pytest: {int(status)}"])[0][:160]
