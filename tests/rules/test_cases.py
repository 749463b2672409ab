"""Every case of `cases/`, on every engine that is there."""

from __future__ import annotations

from collections import Counter

import pytest
import worlds

from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect

IDS = [f"{c.rule}: {c.name}" for c in worlds.in_worlds()]
WORLDS = list(dict.fromkeys(c.world for c in worlds.in_worlds()))
SIZES = Counter(c.world for c in worlds.in_worlds())


def half(case):
    """One of two processes: Spark takes seconds to open a world, and to judge a rule in it; one world holds most cases."""
    return f"spark-{(WORLDS.index(case.world) + list(RULES).index(case.rule)) % 2}"


def thorough():
    """The worlds, by rule, that Spark judges only when asked: those of one case, but the first of a rule that no larger world holds."""
    first = {}
    for case in sorted(worlds.in_worlds(), key=lambda c: SIZES[c.world] == 1):
        first.setdefault(case.rule, case.world)
    pairs = {(c.world, c.rule) for c in worlds.in_worlds() if SIZES[c.world] == 1}
    return pairs - {(world, rule) for rule, world in first.items()}


THOROUGH = thorough()


def on_spark(case):
    """A case with the process that judges it on Spark, and whether it is only judged when asked."""
    marks = [pytest.mark.xdist_group(half(case))]
    return pytest.param(case, marks=[*marks, pytest.mark.thorough] if (case.world, case.rule) in THOROUGH else marks)


ON_SPARK = [on_spark(c) for c in worlds.in_worlds()]


@pytest.fixture(scope="session")
def duckdb_worlds(tmp_path_factory):
    return worlds.Worlds(connect(), tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="module")
def spark_worlds(tmp_path_factory, spark):
    # each query runs once on a few rows: to interpret its expressions takes half the time of compiling them, which second readings do
    for key, value in worlds.INTERPRETED.items():
        spark.session.conf.set(key, value)
    yield worlds.Worlds(spark, tmp_path_factory.mktemp("spark"))
    for key in worlds.INTERPRETED:
        spark.session.conf.unset(key)


@pytest.mark.xdist_group("duckdb")
@pytest.mark.parametrize("case", worlds.in_worlds(), ids=IDS)
def test_duckdb(case, duckdb_worlds):
    assert worlds.complaint(case, duckdb_worlds) is None


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("case", ON_SPARK, ids=IDS)
def test_spark(case, spark_worlds):
    assert worlds.complaint(case, spark_worlds) is None
