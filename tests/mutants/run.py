"""Mutation testing of rules, expressions, the audit and the registers: how many of a sample of mutants do the cases and tests notice?

The sample is drawn by the commit's tree, so that nobody chooses it, and the same commit gives the same. First it is measured which
definitions each rule runs in each world of cases, and each quick test; then each mutant is judged in a forked process, by those that run
what it changes. What was measured and judged is kept until the code changes: a run that was cut off goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import forks
import ibis.backends.duckdb
import judge
import pandas
import pieces
import pyarrow.parquet
import yaml
from changes import Mutant, mutants
from pieces import ROOMS, Piece
from reach import Reach

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

#: How many mutants are drawn, and how many must be noticed.
SAMPLE, WANTED = 400, 0.95
#: In so many parts the rules and tests are measured.
PARTS = 4


@dataclass(frozen=True)
class Judged:
    """A mutant, what noticed it (empty: nothing), and the seconds of the processor that this took; `late` if it used up its time."""

    mutant: Mutant
    noticed: str
    seconds: float
    late: bool = False


def sample(size: int, seed: str) -> list[Mutant]:
    """So many mutants of all, drawn by the seed."""
    every = [m for room in ROOMS for path in sorted((ROOT / "heytalk_audit" / room).glob("*.py")) for m in mutants(path, ROOT)]
    return sorted(random.Random(int(seed, 16)).sample(every, min(size, len(every))))


def folder_of_this_code() -> Path:
    """Where what is known of this code is kept: of the package, its tests and cases as they stand."""
    files = [
        p for room in ("heytalk_audit", "tests") for p in sorted((ROOT / room).rglob("*")) if p.is_file() and "__pycache__" not in p.parts
    ]
    explained = HERE / "equivalent.yaml"
    digest = hashlib.sha256()
    for path in (p for p in files if p != explained):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"heytalk-mutants-{os.getuid()}-{digest.hexdigest()[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def measured(kept: Path, jobs: int) -> list[Piece]:
    """What each rule and each quick test runs, measured unless it was before."""
    finished, files = kept / "measured", [kept / f"rules-{part}.jsonl" for part in range(PARTS)]
    if not finished.exists():
        print(f"measuring what each rule and each test runs, in {kept}", flush=True)

        def rules(part: int) -> str:
            pieces.measure_rules(ROOT, kept, part, PARTS, files[part])
            return ""

        def tests(part: int) -> str:
            pieces.measure_tests(ROOT, kept / "tests", Path(os.environ["MUTANT_TEMP"]), part, PARTS)
            return ""

        for done in forks.each([lambda p=p, f=f: f(p) for f in (rules, tests) for p in range(PARTS)], jobs):
            if done.result:
                raise SystemExit(f"measuring failed: {done.result}")
        finished.touch()
    return [*pieces.measured_rules(files), *pieces.measured_tests(ROOT, kept / "tests")]


def names_changed(mutant: Mutant, reach: Reach, ran: set[str]) -> tuple[str, ...]:
    """The definitions that a mutant changes: its own; of what runs at import alone, also those that use it."""
    own = f"{mutant.module}:{mutant.function}"
    if any(name == own or name.startswith(f"{own}.") for name in ran) and mutant.function != "module":
        return (own,)
    return (own, *(f"{module}:{name}" for module, name in reach.readers(mutant.module, mutant.function)))


def judged(chosen: list[Mutant], jobs: int, kept: Path, seed: str) -> Iterator[Judged]:
    """The mutants judged, so many at once; those of an earlier run with this code first."""
    reach, known, file = Reach(ROOT), measured(kept, jobs), kept / f"judged-{seed}.jsonl"
    before = {(d["key"], d["number"]): d for d in map(json.loads, file.read_text("utf-8").splitlines())} if file.exists() else {}
    yield from (Judged(m, d["noticed"], d["seconds"], d["late"]) for m in chosen if (d := before.get((m.key, m.number))))
    waiting = [m for m in chosen if (m.key, m.number) not in before]
    ran = {name for piece in known for name in (*piece.built, *piece.ran)}

    def task(mutant: Mutant) -> str:
        planned = judge.plan(names_changed(mutant, reach, ran), reach.feeds(mutant.module, mutant.function), known)
        return judge.notice(mutant, planned, ROOT, kept)

    for done in forks.each([lambda m=m: task(m) for m in waiting], jobs):
        result = Judged(waiting[done.number], done.result, done.seconds, done.late)
        with file.open("a") as out:
            line = {"key": result.mutant.key, "number": result.mutant.number, "noticed": result.noticed}
            out.write(json.dumps(line | {"seconds": round(result.seconds, 1), "late": result.late}) + "\n")
        yield result


def main() -> int:
    """Draw, judge, and print; 0 when enough are noticed and each survivor is explained."""
    # the package as it stands here, whatever is installed; no mutant's process has imported it before
    sys.path[:0] = [str(HERE.parent), str(ROOT)]
    tree = subprocess.run(["git", "rev-parse", "HEAD^{tree}"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sample", type=int, default=SAMPLE)
    options.add_argument("--seed", default=tree[:8])
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("--only", default="", help="a part of a mutant's name")
    chosen = options.parse_args()
    for path in sorted((HERE.parent / "cases").glob("*.yaml")):
        text = path.read_text("utf-8")
        judge.PARSED[text] = yaml.load(text, yaml.CSafeLoader)
    drawn = [m for m in sample(chosen.sample, chosen.seed) if chosen.only in m.key]
    since, done = time.monotonic(), []
    for one in judged(drawn, chosen.jobs, folder_of_this_code(), chosen.seed):
        done.append(one)
        print(f"{len(done)}/{len(drawn)} {one.seconds:5.1f} s {one.mutant.key} <- {in_words(one)}", flush=True)
    print(f"\n{(time.monotonic() - since) / 60:.0f} minutes")
    return report(done, chosen.seed)


def in_words(one: Judged) -> str:
    """What came of a mutant."""
    return f"OUT OF TIME {one.noticed}" if one.late else one.noticed or "SURVIVES"


def report(done: Iterable[Judged], seed: str) -> int:
    """Print the figures, the survivors, and those of which nothing is known. The share is of all that were judged."""
    done = list(done)
    explained = yaml.safe_load((HERE / "equivalent.yaml").read_text("utf-8")) or {}
    survivors = sorted(one.mutant.key for one in done if not one.late and not one.noticed)
    late = sorted(f"{one.mutant.key} {one.noticed}" for one in done if one.late)
    noticed = len(done) - len(survivors) - len(late)
    share = noticed / max(len(done), 1)
    print(f"seed {seed}: {len(done)} mutants, {noticed} noticed ({share:.1%}); {len(survivors)} survive; {len(late)} out of time")
    for key in survivors:
        print(f"  {key}\n    {explained.get(key, 'NOT EXPLAINED')}")
    for line in late:
        print(f"  out of time: {line}")
    return 0 if share >= WANTED and all(key in explained for key in survivors) else 1


if __name__ == "__main__":
    assert ibis.backends.duckdb and pandas and pyarrow.parquet  # imported before the fork, so that no mutant has to
    sys.exit(main())
