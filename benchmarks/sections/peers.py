"""Five simple rules in the tools that can express them, each in an environment of its own, beside the same five as rules of ours."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from context import HERE, Bench, Goal, Section, table
from measure import Watched, watch

AS_OF, DELETED_BEFORE = "2025-03-31T12:00:00", "2024-09-30T00:00:00"
#: What each peer's environment installs, exactly.
PEERS = {
    "pandera": ("pandera[polars]==0.35.0", "polars==2.1.0"),
    "pointblank": ("pointblank==1.1.1", "polars==2.1.0"),
    "great_expectations": ("great_expectations==1.24.1", "pyarrow==26.0.1"),
    "soda": ("soda-duckdb==4.28.0",),
}
TIMES = 3


def environment(bench: Bench, name: str, packages: tuple[str, ...]) -> Path:
    """The Python of an environment with these packages, set up if it is not there."""
    folder = bench.data / "environments" / name
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        with bench.console.status(f"Setting up an environment for {name}"):
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *packages], check=True)
        (folder / "ready").touch()
    return folder / "bin" / "python"


def globbed(snapshot: Path, name: str) -> str:
    """A table's files as a glob."""
    file = snapshot / f"{name}.parquet"
    return str(file if file.exists() else snapshot / name / "*.parquet")


def commands(bench: Bench) -> dict[str, list[str]]:
    """The command of each way, ours first."""
    snapshot = bench.snapshot(bench.users)
    ways = {"ours": [sys.executable, str(HERE / "peers" / "with_ours.py"), str(snapshot), str(bench.work(snapshot))]}
    tables = [globbed(snapshot, "users"), globbed(snapshot, "consents"), DELETED_BEFORE, AS_OF]
    for name, packages in PEERS.items():
        ways[name] = [str(environment(bench, name, packages)), str(HERE / "peers" / f"with_{name}.py"), *tables]
    return ways


def measure(bench: Bench) -> Section:
    """All ways in turns, each in a process of its own; counts must be equal."""
    ways = commands(bench)
    watch(ways["ours"])  # keeps the profile, and reads the files into the system's cache
    empty = statistics.median(watch([sys.executable, "-c", "import time; time.sleep(0.5)"]).peak for _ in range(TIMES))
    taken: dict[str, list[tuple[float, Watched]]] = {name: [] for name in ways}
    counts = {}
    for _ in range(TIMES):
        for name, command in ways.items():
            watched = watch(command, {"PYTHONPATH": str(HERE.parent) if name == "ours" else ""})
            if watched.status:
                raise RuntimeError(f"{name}: {watched.output[-2000:]}")
            found = json.loads(watched.output.splitlines()[-1])
            counts[name] = found["counts"]
            taken[name].append((found["seconds"], watched))
            bench.console.print(f"{name}: {found['seconds']:.2f} s, {watched.text}")
    assert all(found == counts["ours"] for found in counts.values()), counts
    return section(bench, taken, empty, counts["ours"])


def section(bench: Bench, taken: dict[str, list[tuple[float, Watched]]], empty: float, counts: dict[str, int]) -> Section:
    """The table, and whether ours is faster and smaller than each."""
    rows, seconds, memory = [], {}, {}
    for name, measured in taken.items():
        seconds[name] = statistics.median(s for s, _ in measured)
        memory[name] = statistics.median(w.peak for _, w in measured) - empty
        cpu, wall = (statistics.median(getattr(w, what) for _, w in measured) for what in ("cpu", "wall"))
        versions = ", ".join(PEERS.get(name, ()))
        rows.append([name, versions, f"{seconds[name]:.2f}", f"{wall:.2f}", f"{cpu:.2f}", f"{memory[name]:,.0f}"])
    best, least = (min((value, name) for name, value in of.items() if name != "ours") for of in (seconds, memory))
    goals = [
        Goal(
            "five rules: faster than every peer",
            f"{seconds['ours']:.2f} s, {best[1]} {best[0]:.2f} s ({bench.users:,} people)",
            seconds["ours"] / best[0],
        ),
        Goal(
            "five rules: memory above an empty process, below each peer's",
            f"{memory['ours']:,.0f} MB, {least[1]} {least[0]:,.0f} MB",
            memory["ours"] / least[0],
        ),
    ]
    title = f"## Five rules beside the peers, {bench.users:,} people"
    equal = ", ".join(f"{n:,} {name}" for name, n in counts.items())
    text = f"Medians of {TIMES}; counts are equal ({equal}). An empty process has {empty:.0f} MB."
    heads = ["way", "packages", "s after imports", "process clock s", "process processor s", "MB above an empty process"]
    return Section([title, text, "", *table(heads, rows)], goals)
