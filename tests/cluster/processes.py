"""A cluster of this machine's own, and scripts that run on it, each in a process of its own: one process has one Spark."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import worlds

HERE = Path(__file__).parent
#: Small data: few partitions.
SMALL = {"spark.sql.shuffle.partitions": "2"} | worlds.INTERPRETED


def lacking() -> str | None:
    """What a cluster needs and this machine lacks; null where nothing."""
    missing = [name for name in ("pyspark", "grpc", "grpc_status", "zstandard") if importlib.util.find_spec(name) is None]
    if missing:
        return f"{missing[0]} is not installed (make test EXTRAS=spark)"
    return "no Java runtime" if shutil.which("java") is None else None


def launcher() -> ModuleType:
    """`benchmarks/cluster.py`."""
    spec = importlib.util.spec_from_file_location("cluster_of_benchmarks", HERE.parents[1] / "benchmarks" / "cluster.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Script:
    """A script of this folder that runs with an engine's address, a file to write, and the engine's options."""

    def __init__(self, name: str, engine: tuple[str, dict[str, str]], out: Path, *arguments: str):
        url, options = engine
        command = [sys.executable, str(HERE / name), url, str(out), *arguments, *[f"{key}={value}" for key, value in options.items()]]
        # a variable MASTER is taken for an address by Spark Connect
        environment = {k: v for k, v in os.environ.items() if k != "MASTER"} | {"PYSPARK_PYTHON": sys.executable}
        self.out, self.log = out, out.with_suffix(".log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def lines(self) -> list[Any]:
        """What it wrote, when it has ended: a document of JSON a line."""
        assert self.process.wait(1500) == 0, self.log.read_text("utf-8", "replace")[-4000:]
        return [json.loads(line) for line in self.out.open(encoding="utf-8")]
