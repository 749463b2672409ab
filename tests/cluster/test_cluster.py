"""A standalone cluster, a master and two workers, directly and through Spark Connect: both say what DuckDB says."""

from __future__ import annotations

import json

import pytest

from heytalk_audit.rules import RULES

pytestmark = [pytest.mark.spark, pytest.mark.xdist_group("cluster")]
CLUSTER = ("spark", "connect")


def differences(rule, here, there):
    """Where two engines say different things of a rule: of itself, or of single rows."""
    lines = [f"{rule}: {key} is {there[key]}, not {here[key]}" for key in here if key not in ("rows", "seconds") and here[key] != there[key]]
    rows, others = set(here["rows"]), set(there["rows"])
    lines += [f"{rule}: {row} stands on DuckDB alone" for row in sorted(rows - others)[:3]]
    lines += [f"{rule}: {row} stands on Spark alone" for row in sorted(others - rows)[:3]]
    # the same row twice
    return lines + [f"{rule}: {len(there['rows'])} rows, not {len(here['rows'])}"] * (len(here["rows"]) != len(there["rows"]))


@pytest.mark.parametrize("engine", CLUSTER)
def test_every_rule_says_the_same_of_every_row(judged, engine):
    here, there = judged["duckdb"], judged[engine]
    assert set(here) == set(there) == set(RULES)
    assert [line for rule in here for line in differences(rule, here[rule], there[rule])] == []


def test_the_demo_has_rows_for_the_rules(judged):
    rows = [json.loads(row) for said in judged["duckdb"].values() for row in said["rows"]]
    assert {row["outcome"] for row in rows} >= {"pass", "violation", "review", "unknown", "exempt"}
    assert sum(bool(said["rows"]) for said in judged["duckdb"].values()) > 95


@pytest.fixture(scope="session")
def probed(engines, tmp_path_factory):
    """What `probe.py` saw on each engine of the cluster."""
    from conftest_of_cluster import ended, started

    out = tmp_path_factory.mktemp("probed")
    for name in CLUSTER:
        url, options = engines[name]
        ended(started("probe.py", url, str(out / name), *[f"{key}={value}" for key, value in options.items()]))
    return {name: json.loads((out / name).read_text("utf-8")) for name in CLUSTER}
