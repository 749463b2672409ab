"""A cluster of this machine's own, a small demo, and what every engine says of it: each made once."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: Small data: few partitions, and no more than half of the cluster for one application.
SMALL = {"spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false"}


def lacking():
    """What a cluster needs and this machine lacks; null where nothing."""
    missing = [name for name in ("pyspark", "grpc", "grpc_status", "zstandard") if importlib.util.find_spec(name) is None]
    if missing:
        return f"{missing[0]} is not installed (make test EXTRAS=spark)"
    return "no Java runtime" if shutil.which("java") is None else None


def started(script, *arguments):
    """A script of this folder, in a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k != "MASTER"} | {"PYSPARK_PYTHON": sys.executable}
    return subprocess.Popen([sys.executable, str(HERE / script), *arguments], env=environment, stderr=subprocess.PIPE, text=True)


def ended(process):
    """Wait for a script, which has to end well."""
    _, errors = process.communicate(timeout=1200)
    assert process.returncode == 0, errors[-4000:]


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    """The addresses of a master and of a Connect server, with the options for each; the workers have no package of ours in their path."""
    if reason := lacking():
        pytest.skip(reason)
    place = HERE.parents[1] / "benchmarks" / "cluster.py"
    spec = importlib.util.spec_from_file_location("cluster", place)
    module = sys.modules["cluster"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.cluster(tmp_path_factory.mktemp("cluster")) as up:
        yield {"spark": (up.spark, module.SETTINGS | SMALL), "connect": (up.connect, SMALL), "duckdb": ("duckdb", {})}


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory):
    """The demo with so few people that a cluster is done with it in minutes."""
    from heytalk_audit.demo import write_demo

    folder = tmp_path_factory.mktemp("small") / "demo"
    write_demo(folder, users=300)
    return folder


@pytest.fixture(scope="session")
def judged(engines, small_demo, tmp_path_factory):
    """By engine and rule: what the rule says of every row. The engines work side by side."""
    out = tmp_path_factory.mktemp("judged")
    running = [
        started("judge.py", url, str(small_demo), str(out / name), *[f"{key}={value}" for key, value in options.items()])
        for name, (url, options) in engines.items()
    ]
    for process in running:
        ended(process)
    return {name: {line["rule"]: line for line in map(json.loads, (out / name).open(encoding="utf-8"))} for name in engines}
