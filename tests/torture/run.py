"""Attacks on the audit for a bounded time: how many were tried, how many held, and which did not.

    python tests/torture/run.py [--minutes 30] [--seed 1] [--only values packs flips canaries kills]

Each kind has a part of the time. A status of 1 says that something did not hold; its line says what was done, and with which seed.
"""

from __future__ import annotations

import argparse
import importlib
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
    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]
    whole, failed = sum(PARTS[kind][-1] for kind in chosen.only), 0
    for kind in chosen.only:
        module, function, part = PARTS[kind]
        attack = getattr(importlib.import_module(f"torture.{module}"), function)
        tally = attack(60 * chosen.minutes * part / whole, chosen.seed)
        failed += len(tally.failed)
        print(f"{kind}: {tally.tried:,} tried, {tally.held:,} held, {len(tally.failed):,} failed", flush=True)
        for line in tally.failed:
            print(f"  seed {chosen.seed}: {line!r}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
