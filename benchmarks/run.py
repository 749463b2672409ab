"""Measure the audit beside its goals, and write `benchmarks/results.md`.

    python benchmarks/run.py [--only rules polars peers decode growth runs person exceptions] [--users 1000000] [--pairs 9] [--data FOLDER]

Snapshots are made where they are not there yet, and kept in --data (default: a folder of the system's temporary one), as are the peers'
environments. What was not measured says so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import platform
import tempfile
from pathlib import Path

from context import Bench, Goal, Section
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.md"
SECTIONS = ("rules", "polars", "peers", "decode", "growth", "runs", "person", "exceptions", "large")
PACKAGES = ("duckdb", "ibis-framework", "sqlglot", "pyarrow", "pandas")


def machine() -> list[str]:
    """The machine and the versions, without a date."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    memory = next((int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return [
        f"{os.cpu_count()} processors ({model}), {memory:.0f} GB, {platform.system()}",
        f"Python {platform.python_version()}, {versions}",
    ]


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines() if Path(path).exists() else []


def written(sections: dict[str, Section]) -> str:
    """All results as Markdown: the machine, the goals, each section."""
    text = ["# Measurements", "", "Written by `make bench`; see [README.md](README.md) for how. Each section is of its last run.", ""]
    text += ["| goal | measured | |", "|---|---|---|"]
    for name in SECTIONS:
        goals = sections[name].goals if name in sections else [Goal(name, "", None)]
        text += [f"| {goal.what} | {goal.measured or 'not measured'} | {goal.verdict} |" for goal in goals]
    for name in SECTIONS:
        if name in sections:
            text += ["", *sections[name].lines]
    return "\n".join(text) + "\n"


def shown(sections: dict[str, Section], console: Console) -> None:
    """The goals, printed."""
    table = Table("goal", "measured", "")
    for section in sections.values():
        for goal in section.goals:
            table.add_row(goal.what, goal.measured or "not measured", goal.verdict)
    console.print(table)


def kept(folder: Path) -> dict[str, Section]:
    """The sections that earlier runs of this harness left in the data folder."""
    return {name: Section.read(folder / f"{name}.json") for name in SECTIONS if (folder / f"{name}.json").exists()}


def main() -> None:
    """Measure the sections that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=[name for name in SECTIONS if name != "large"])
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "heytalk-audit-bench")
    parser.add_argument("--users", type=int, default=1_000_000, help="people in the snapshot that most sections read")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--rules", nargs="*", default=[], help="of the sections rules and growth: these rules alone")
    parser.add_argument("--sizes", nargs="*", type=int, default=[100_000, 1_000_000], help="people in the snapshots of the section growth")
    parser.add_argument("--runs", nargs="*", type=int, default=[300, 20_000, 1_000_000], help="people in the snapshots of whole runs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    console = Console(highlight=False)
    bench = Bench(args.data.resolve(), args.users, args.pairs, tuple(args.rules), tuple(args.sizes), tuple(args.runs), console)
    results = bench.data / "results"
    results.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        console.rule(name)
        section = importlib.import_module(f"sections.{name}").measure(bench)
        section.lines[1:1] = ["", *machine(), ""]
        section.write(results / f"{name}.json")
        args.results.write_text(written(kept(results)), "utf-8")
    shown(kept(results), console)
    console.print(args.results)


if __name__ == "__main__":
    main()
