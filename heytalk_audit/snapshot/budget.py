"""What of the machine an audit may use: memory, threads, and where the engine spills. What the parameters name is the audit's, and its
connections at any time divide it among themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit.errors import nearest
from heytalk_audit.snapshot.locked import OPTIONS, locked

#: What it may not set of Spark: these decide on results.
FIXED_IN_SPARK = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled")
#: DuckDB's own default limit is 80 % of the machine's memory, or of the container's. An audit takes three quarters of that, 60 %, as the
#: kernels themselves, detectors and Arrow batches need memory beside the engine.
OF_DEFAULT = 0.75
#: Below this a connection can't work.
LEAST_MEMORY = 64 * 1000**2
_UNITS = {"b": 1} | {f"{letter}{unit}": base**power for power, letter in enumerate("kmgt", 1) for unit, base in (("b", 1000), ("ib", 1024))}


def refused_option(url: str, options: Mapping[str, Any]) -> str | None:
    """What is wrong with an engine's options and what to do about it, null where nothing."""
    if url != "duckdb":
        wrong = next((str(key) for key in options if not str(key).startswith("spark.") or key in FIXED_IN_SPARK), None)
        return wrong and f"option {wrong[:60]} can't be set; name options of Spark's own that change no result, as spark.driver.memory"
    for key, value in options.items():
        if key not in OPTIONS:
            return f"option {str(key)[:60]} can't be set; {nearest(str(key)[:60], OPTIONS)}"
        if not _CHECKS[key](value):
            return f"{key} can't be {str(value)[:40]}; {_EXAMPLES[key]}"
    return None


def memory_of(text: Any) -> int | None:
    """A limit of memory in bytes, null where it can't be read or is too little to work with."""
    parts = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *([a-z]+)", str(text).strip().lower())
    if parts is None or parts[2] not in _UNITS:
        return None
    limit = int(float(parts[1]) * _UNITS[parts[2]])
    return limit if limit >= LEAST_MEMORY else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1024


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "memory_limit": lambda value: memory_of(value) is not None,
    "threads": _is_count,
    "temp_directory": lambda value: isinstance(value, str) and bool(value),
}
_EXAMPLES = {
    "memory_limit": "write at least 64MB, as 4GB or 512MiB",
    "threads": "write a whole number from 1",
    "temp_directory": "name a folder",
}


@dataclass(frozen=True)
class Budget:
    """Memory in bytes and threads for all connections of an audit together, and the folder in which each has its private one to spill."""

    memory: int
    threads: int
    folder: Path

    def share(self, connections: int) -> dict[str, Any]:
        """The options of each of so many connections that are open at the same time."""
        memory = max(self.memory // connections, LEAST_MEMORY)
        return {"memory_limit": f"{memory}B", "threads": max(self.threads // connections, 1), "temp_directory": str(self.folder)}


def budget_of(options: Mapping[str, Any], folder: Path) -> Budget:
    """What an audit with these options of DuckDB may use; what they do not name is a share of the machine."""
    memory = memory_of(options["memory_limit"]) if "memory_limit" in options else None
    return Budget(memory or int(_default_limit() * OF_DEFAULT), int(options.get("threads") or os.cpu_count() or 1), folder)


def _default_limit() -> int:
    """DuckDB's own limit, as it knows of containers."""
    with locked((), begin=lambda connection: connection) as engine:
        stated = engine.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    return memory_of(stated) or 1024**3
