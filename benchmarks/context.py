"""What the sections of the harness share: what is measured on, and what they give back."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from generate import Size, write_world
from measure import Watched, watch
from rich.console import Console

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Goal:
    """A goal and what was measured of it, in words, and the measured part of the limit: at most 1 meets the goal, null is no verdict."""

    what: str
    measured: str
    part: float | None

    @property
    def verdict(self) -> str:
        """Met, or missed by how much."""
        if self.part is None:
            return ""
        return "met" if self.part <= 1 else f"missed by {self.part:.2f} times"


@dataclass
class Section:
    """A section of the results: Markdown lines, the heading first, and goals."""

    lines: list[str]
    goals: list[Goal] = field(default_factory=list)

    def write(self, file: Path) -> None:
        """Keep it for the next run of the harness."""
        file.write_text(json.dumps({"lines": self.lines, "goals": [asdict(goal) for goal in self.goals]}), "utf-8")

    @classmethod
    def read(cls, file: Path) -> Section:
        """A section that an earlier run kept."""
        kept = json.loads(file.read_text("utf-8"))
        return cls(kept["lines"], [Goal(**goal) for goal in kept["goals"]])


@dataclass(frozen=True)
class Bench:
    """Where data lies, and how much is measured."""

    data: Path
    users: int
    pairs: int
    rules: tuple[str, ...]
    sizes: tuple[int, ...]
    runs: tuple[int, ...]
    console: Console

    def snapshot(self, users: int, log_rows: int = 50, violating: float = 0.01) -> Path:
        """The generated snapshot of that size, made if it is not there."""
        folder = self.data / f"world-{users}-{log_rows}-{violating}"
        if not (folder / "datapackage.json").exists():
            write_world(folder, Size(users, log_rows, violating), self.console)
        return folder

    def work(self, snapshot: Path) -> Path:
        """The folder that keeps what is derived from a snapshot."""
        return self.data / "work" / snapshot.name

    def in_a_process(self, what: str, snapshot: Path, *rules: str) -> tuple[dict[str, Any], Watched]:
        """What `one.py` measures in a process of its own, and what that process took. Raises RuntimeError with its output."""
        watched = watch([sys.executable, str(HERE / "one.py"), what, str(snapshot), str(self.work(snapshot)), *rules])
        if watched.status:
            raise RuntimeError(f"{what} {snapshot.name}: {watched.output[-2000:]}")
        return json.loads(watched.output.splitlines()[-1]), watched


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(map(str, row))} |" for row in (heads, ["---"] * len(heads), *rows)]
