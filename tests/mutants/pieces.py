"""What can notice a mutant, in pieces: a rule in a world of cases, or a test. Of each is measured, on the code as it is, what it runs."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import open_worlds
import pytest
from digest import digest_of_rule
from touched import Touched

ROOMS = ("rules", "expressions", "audit", "registers")
#: Tests that start another process or audit a whole demo take minutes, and look at files rather than at rows.
SLOW = {"audited", "spark", "postgres", "demo", "duckdb_worlds"}
STARTS = re.compile(r"\b(run|refused|heytalk_audit|check_call|Popen)\(")
#: Stands for the seconds of a rule in a world that was not measured, as it is like another.
ALIKE = 1.0
#: Folders and files of tests that look at nothing of these rooms, or at files alone.
ELSEWHERE = ("benchmarks", "cluster", "docs", "formats", "running", "snapshot", "exports", "evidence", "test_contributing.py")
PYTEST = ("-q", "-n0", "-p", "no:cacheprovider", "-m", "not spark and not browser")


@dataclass(frozen=True)
class Piece:
    """A rule in a world (`name` is the rule, `world` the number of the world's first case), or a test (`name` is its id).

    `built` are the definitions that run while the rule is built, `ran` those that run in its evaluation, or in the test; `seconds` are of
    the processor.
    """

    name: str
    world: int | None
    seconds: float
    digest: str = ""
    built: frozenset[str] = field(default_factory=frozenset)
    ran: frozenset[str] = field(default_factory=frozenset)


def write(piece: Piece, file: Path) -> None:
    """Append a piece to a file."""
    document = asdict(piece) | {"built": sorted(piece.built), "ran": sorted(piece.ran)}
    with file.open("a") as out:
        out.write(json.dumps(document) + "\n")


def read(file: Path) -> list[Piece]:
    """The pieces of a file."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    documents = [json.loads(line) for line in lines]
    return [Piece(**(d | {"built": frozenset(d["built"]), "ran": frozenset(d["ran"])})) for d in documents]


def measure_rules(root: Path, kept: Path, part: int, parts: int, file: Path) -> None:
    """Measure this part of the rules, each in the world of most cases, and in one of each combination of settings that its cases have.

    Its other worlds are written down without measures. Some rules are evaluated, the others only built: what is done with the rows of one
    is done with those of all.
    """
    touched = Touched(root, ROOMS)
    sys.meta_path.insert(0, touched)
    import worlds

    from heytalk_audit.rules import RULES

    opened, main = open_worlds.OpenWorlds(worlds, kept), open_worlds.main_world(worlds)
    evaluated = {next(r for r in RULES.values() if r.family == f).id for f in {r.family for r in RULES.values()}}
    evaluated |= {rule.id for rule in RULES.values() if rule.judged}
    done = {(p.name, p.world) for p in read(file)}
    for number, (world, rule, alike) in enumerate(open_worlds.rules_in_worlds(worlds)):
        if number % parts == part and (rule, world) not in done:
            judged = worlds if world == main and rule in evaluated else None
            write(Piece(rule, world, ALIKE) if alike else _measured(RULES[rule], opened.audit(world), world, touched, judged), file)


def _measured(rule: Any, audit: Any, world: int, touched: Touched, worlds: Any) -> Piece:
    from heytalk_audit.audit.evaluate import evaluate

    since, ran = time.process_time(), set()
    # anew, as they remember what they were asked
    with touched.names() as built:
        digest = digest_of_rule(replace(rule), replace(audit))
    seconds = time.process_time() - since
    if worlds:
        fresh = replace(audit)
        with touched.names() as ran:
            done = evaluate(replace(rule), fresh, keep_pass=True, raises=True)
            worlds.judged_rows(done, fresh)
    return Piece(rule.id, world, seconds, digest, frozenset(built), frozenset(ran))


def measured_rules(files: Sequence[Path]) -> list[Piece]:
    """What was measured of the rules; a world that was not measured runs what any other world of its rule does."""
    pieces = [piece for file in files for piece in read(file)]
    built: dict[str, frozenset[str]] = {}
    for piece in pieces:
        built[piece.name] = built.get(piece.name, frozenset()) | piece.built
    return [replace(p, built=built[p.name]) if p.seconds == ALIKE else p for p in pieces]


class Measuring:
    """Keeps the quick tests, and measures each that passes: a plugin of pytest."""

    def __init__(self, touched: Touched, file: Path):
        self._touched, self._file = touched, file

    def pytest_collection_modifyitems(self, config, items):  # type: ignore[no-untyped-def]
        """Keep the quick ones."""
        items[:] = [i for i in items if not SLOW & set(i.fixturenames) and not STARTS.search(inspect.getsource(i.function))]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item, nextitem):  # type: ignore[no-untyped-def]
        """Run it, its fixtures included, and keep what ran if it passed."""
        since, self._failed = time.process_time(), False
        with self._touched.names() as ran:
            result = yield
        if ran and not self._failed:
            write(Piece(item.nodeid, None, time.process_time() - since, ran=frozenset(ran)), self._file)
        return result

    def pytest_runtest_logreport(self, report):  # type: ignore[no-untyped-def]
        """Whether it failed, or was skipped."""
        self._failed |= report.outcome != "passed"


def measure_tests(root: Path, file: Path, temp: Path, part: int, parts: int) -> None:
    """Measure this part of the quick test files, file by file, so that what was measured is kept if it is cut off."""
    os.chdir(root)
    touched = Touched(root, ROOMS)
    sys.meta_path.insert(0, touched)
    for number, path in enumerate(test_files(root)):
        marker = file.with_name(f"{file.name}.{number}")
        if number % parts == part and not marker.exists():
            partly = file.with_name(f"{file.name}.part-{part}")
            partly.unlink(missing_ok=True)
            with contextlib.redirect_stdout(io.StringIO()):
                pytest.main([str(path), *PYTEST, f"--basetemp={temp}/pytest-{part}"], plugins=[Measuring(touched, partly)])
            marker.write_bytes(partly.read_bytes() if partly.exists() else b"")


def test_files(root: Path) -> list[Path]:
    """The files of tests that may look at these rooms."""
    tests = root / "tests"
    return [p for p in sorted(tests.rglob("test_*.py")) if p.relative_to(tests).parts[0] not in ELSEWHERE and p.name != "test_cases.py"]


def measured_tests(root: Path, file: Path) -> Iterator[Piece]:
    """What was measured of the tests."""
    for number in range(len(test_files(root))):
        yield from read(file.with_name(f"{file.name}.{number}"))


def is_near(piece: Piece, names: Sequence[str], which: str) -> bool:
    """Whether a piece runs one of these definitions, or what is defined within one; `which` of its sets is asked."""
    ran: frozenset[str] = getattr(piece, which)
    return any(r == n or r.startswith(f"{n}.") for n in names for r in ran)
