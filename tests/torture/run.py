"""Attacks on the audit for a bounded time: how many were tried, how many held, and which did not.

    python tests/torture/run.py [--minutes 30] [--seed 1] [--only values packs flips canaries kills]

Each kind has a part of the time. A status of 1 says that something did not hold; its line says what was done, and with which seed.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: The kinds of attack: the module and its function of seconds and a seed that makes a tally, and their parts of the time.
PARTS = {
    "values": ("values", "run", 0.25),
    "packs": ("packs", "run", 0.25),
    "flips": ("packs", "flips", 0.1),
    "canaries": ("canaries", "run", 0.2),
    "kills": ("kills", "run", 0.2),
}


def main() -> int:
    """Attack, and print what came of it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    chosen = options.parse_args()
    if len(chosen.only) == 1:
        return attacked(chosen.only[0], 60 * chosen.minutes, chosen.seed)
    whole, ended = sum(PARTS[kind][-1] for kind in chosen.only), []
    for kind in chosen.only:
        # in a process of its own: some fork, and none may do so beside the threads of another's engine
        minutes = chosen.minutes * PARTS[kind][-1] / whole
        words = ["--only", kind, "--minutes", str(minutes), "--seed", str(chosen.seed)]
        ended.append(subprocess.run([sys.executable, __file__, *words], check=False).returncode)
    return max(map(abs, ended))


def attacked(kind: str, seconds: float, seed: int) -> int:
    """Attack in one way, and print what came of it; 1 where something did not hold."""
    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]
    module, function, _ = PARTS[kind]
    tally = getattr(importlib.import_module(f"torture.{module}"), function)(seconds, seed)
    print(f"{kind}: {tally.tried:,} tried, {tally.held:,} held, {len(tally.failed):,} failed", flush=True)
    for line in tally.failed:
        print(f"  seed {seed}: {line!r}", flush=True)
    return int(bool(tally.failed))


if __name__ == "__main__":
    sys.exit(main())
