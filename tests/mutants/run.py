"""Mutation testing of rules, expressions, the audit and the registers: how many of a sample of mutants do the cases notice?

The sample is drawn by the commit's tree, so that nobody chooses it, and the same commit gives the same. Each mutant is judged in a forked
process by the cases of the rules that the changed definition feeds, on DuckDB, and by the tests that import its module.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import ibis.backends.duckdb
import judge
import pandas
import pyarrow.parquet
import yaml
from changes import Mutant, mutants
from reach import Reach

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

#: What is changed, how many of its mutants are drawn, and how many must be noticed.
ROOMS, SAMPLE, WANTED = ("rules", "expressions", "audit", "registers"), 400, 0.95
#: The nearest rules whose cases run, those that stand in for all where none is near, and seconds that a mutant may take.
NEAREST, ANY, PATIENCE = 10, ("RET-01", "RET-12", "CON-01", "COL-10", "SHA-05", "RGT-01", "PRM-01", "DQ-03"), 240


@dataclass
class Judged:
    """A mutant, what noticed it (empty: nothing), and the seconds that this took."""

    mutant: Mutant
    noticed: str
    seconds: float


def sample(size: int, seed: str) -> list[Mutant]:
    """So many mutants of all, drawn by the seed."""
    every = [m for room in ROOMS for path in sorted((ROOT / "heytalk_audit" / room).glob("*.py")) for m in mutants(path, ROOT)]
    return sorted(random.Random(int(seed, 16)).sample(every, min(size, len(every))))


def tests_of(module: str) -> list[str]:
    """The quick test files that import a module by name."""
    last = module.rpartition(".")
    wanted = (f"{module} import", f"from {last[0]} import {last[2]}", f"import {module}")
    files = [(path, path.read_text("utf-8")) for path in sorted((ROOT / "tests").rglob("test_*.py"))]
    return [str(path) for path, text in files if any(w in text for w in wanted)]


def judged(chosen: list[Mutant], jobs: int) -> list[Judged]:
    """The mutants judged, so many at once."""
    reach, kept = Reach(ROOT), Path(tempfile.mkdtemp(prefix="mutants-"))
    waiting, running, done = list(reversed(chosen)), {}, []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                mutant = waiting.pop()
                running[_fork(mutant, reach, kept)] = (mutant, time.monotonic())
            ready, _, _ = select.select([pipe for pipe, _ in running], [], [], 1)
            for key in list(running):
                mutant, since = running[key]
                late = time.monotonic() - since > PATIENCE
                if key[0] in ready or late:
                    done.append(Judged(mutant, _result(*key, late), time.monotonic() - since))
                    del running[key]
                    print(
                        f"{len(done)}/{len(chosen)} {done[-1].seconds:5.1f} s {mutant.key} <- {done[-1].noticed or 'SURVIVES'}", flush=True
                    )
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    return done


def _fork(mutant: Mutant, reach: Reach, kept: Path) -> tuple[int, int]:
    """A process that judges a mutant: the pipe that it tells the result by, and its number."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return read, child
    os.setsid()
    temp = tempfile.mkdtemp(prefix="mutant-")
    os.environ["MUTANT_TEMP"] = temp
    try:
        rules = reach.feeds(mutant.module, mutant.function)[:NEAREST]
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        noticed = judge.notice(mutant, rules or ANY, tests_of(mutant.module), ROOT, kept)
    except BaseException as error:
        noticed = f"crash: {type(error).__name__}"
    shutil.rmtree(temp, ignore_errors=True)
    os.write(write, noticed.encode()[:4000] or b"\0")
    os._exit(0)


def _result(pipe: int, child: int, late: bool) -> str:
    if late:
        os.killpg(child, signal.SIGKILL)
    noticed = "it takes too long" if late else os.read(pipe, 5000).decode("utf-8", "replace").strip("\0")
    os.close(pipe)
    os.waitpid(child, 0)
    return noticed


def main() -> int:
    """Draw, judge, and tell; 0 when enough are noticed and each survivor is explained."""
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
    done = judged(drawn, chosen.jobs)
    return report(done, chosen.seed)


def report(done: list[Judged], seed: str) -> int:
    """Print the figures and the survivors."""
    explained = yaml.safe_load((HERE / "equivalent.yaml").read_text("utf-8")) or {}
    survivors = sorted(j.mutant.key for j in done if not j.noticed)
    open_ones = [key for key in survivors if key not in explained]
    share = 1 - len(survivors) / max(len(done), 1)
    print(f"\nseed {seed}: {len(done)} mutants, {len(done) - len(survivors)} noticed ({share:.1%}); {len(survivors)} survive")
    for key in survivors:
        print(f"  {key}\n    {explained.get(key, 'NOT EXPLAINED')}")
    return 0 if share >= WANTED and not open_ones else 1


if __name__ == "__main__":
    assert ibis.backends.duckdb and pandas and pyarrow.parquet  # imported before the fork, so that no mutant has to
    sys.exit(main())
