"""A standalone cluster, a master and two workers, directly and through Spark Connect: both say what DuckDB says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import processes

from heytalk_audit.demo import write_demo
from heytalk_audit.rules import RULES

pytestmark = [pytest.mark.spark, pytest.mark.xdist_group("cluster")]
CLUSTER = ("spark", "connect")
#: A rule whose values Python functions read, on the executors.
ON_WORKERS = "COL-07"


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    """The addresses of a master and of a Connect server, with the options for each; nothing of ours is in their workers' path."""
    if reason := processes.lacking():
        pytest.skip(reason)
    launcher = processes.launcher()
    with launcher.cluster(tmp_path_factory.mktemp("cluster")) as up:
        yield {
            "spark": (up.spark, launcher.SETTINGS | processes.SMALL | {"spark.driver.memory": launcher.DRIVER}),
            "connect": (up.connect, processes.SMALL),
            "duckdb": ("duckdb", {}),
        }


@pytest.fixture(scope="session")
def judged(engines, tmp_path_factory, pytestconfig):
    """By engine and rule: what the rule says of every row of a demo of 300 people. The engines work side by side.

    Both ways into the cluster lead to the engine that judges the cases of all rules: each judges every eighth, and one that
    reads texts on the executors, unless all is asked for.
    """
    rules = {name: list(RULES) for name in engines}
    if not pytestconfig.getoption("thorough"):
        rules |= {way: [rule for i, rule in enumerate(RULES) if i % 8 == n or rule == ON_WORKERS] for n, way in enumerate(CLUSTER)}
        rules["duckdb"] = [rule for rule in RULES if any(rule in rules[way] for way in CLUSTER)]
    folder = tmp_path_factory.mktemp("judged")
    write_demo(folder / "demo", users=300)
    running = {
        name: processes.Script("judge.py", engine, folder / name, str(folder / "demo"), ",".join(rules[name]))
        for name, engine in engines.items()
    }
    return {name: {said["rule"]: said for said in script.lines()} for name, script in running.items()}


@pytest.fixture(scope="session")
def probed(engines, tmp_path_factory):
    """What `probe.py` saw of each engine of the cluster."""
    folder = tmp_path_factory.mktemp("probed")
    return {name: processes.Script("probe.py", engines[name], folder / name).lines()[0] for name in CLUSTER}


def differences(rule, here, there):
    """Where two engines say different things: of the rule, or of single rows."""
    lines = [
        f"{rule}: {key} is {there[key]}, not {here[key]}" for key in here if key not in ("rows", "seconds") and here[key] != there[key]
    ]
    rows, others = set(here["rows"]), set(there["rows"])
    lines += [f"{rule}: {row} stands on DuckDB alone" for row in sorted(rows - others)[:3]]
    lines += [f"{rule}: {row} stands on Spark alone" for row in sorted(others - rows)[:3]]
    repeated = len(here["rows"]) != len(there["rows"])
    return [*lines, f"{rule}: {len(there['rows'])} rows, not {len(here['rows'])}"] if repeated else lines


def every_rule_says_the_same_of_every_row(judged, engine):
    here, there = judged["duckdb"], judged[engine]
    assert len(there) > len(RULES) / 8
    assert [line for rule in there for line in differences(rule, here[rule], there[rule])] == []


def the_rules_have_rows_of_every_outcome_to_compare(judged):
    rows = {rule: [json.loads(row) for row in said["rows"]] for rule, said in judged["duckdb"].items()}
    assert {row["outcome"] for of_rule in rows.values() for row in of_rule} == {
        "pass",
        "violation",
        "review",
        "unknown",
        "exempt",
        "excluded",
    }
    # a column and the published text, which these two read, are not delivered
    assert {rule for rule in rows if not rows[rule]} <= {"CON-10", "DQ-07"}


def functions_run_on_both_workers_with_the_package_that_was_sent(probed, engine):
    workers = probed[engine]["workers"]
    assert len({worker["process"] for worker in workers}) == 2
    assert probed[engine]["process"] not in {worker["process"] for worker in workers}
    assert all("/heytalk-audit-" in worker["file"] for worker in workers), workers
    # a file of the package's data is there too
    assert {worker["words"] for worker in workers} == {probed[engine]["words"]}
    assert sum(worker["rows"] for worker in workers) == probed[engine]["rows"]


def batches_come_in_order_in_several_windows_and_leave_nothing_behind(probed, engine):
    seen = probed[engine]
    assert seen["windows"] > 3
    assert seen["sizes"] == [7000] * 7 + [1000]
    assert seen["in order"] and seen["texts"]
    assert seen["without rows"] == [] and seen["left behind"] == []


def test_a_cluster_directly_and_through_connect(judged, probed):
    # one test: were it several, each process of a parallel run would start a cluster of its own
    the_rules_have_rows_of_every_outcome_to_compare(judged)
    for engine in CLUSTER:
        every_rule_says_the_same_of_every_row(judged, engine)
        functions_run_on_both_workers_with_the_package_that_was_sent(probed, engine)
        batches_come_in_order_in_several_windows_and_leave_nothing_behind(probed, engine)
