"""Every case of `cases/`, on every engine that is there."""

from __future__ import annotations

import pytest
import worlds

from heytalk_audit.snapshot.engines import connect

IDS = [f"{c.rule}: {c.name}" for c in worlds.in_worlds()]
#: Every second world goes to another process: Spark takes seconds to open one.
WORLDS = list(dict.fromkeys(c.world for c in worlds.in_worlds()))
ON_SPARK = [pytest.param(c, marks=pytest.mark.xdist_group(f"spark-{WORLDS.index(c.world) % 2}")) for c in worlds.in_worlds()]


@pytest.fixture(scope="session")
def duckdb_worlds(tmp_path_factory):
    return worlds.Worlds(connect(), tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="session")
def spark_worlds(tmp_path_factory, spark):
    return worlds.Worlds(spark, tmp_path_factory.mktemp("spark"))


@pytest.mark.xdist_group("duckdb")
@pytest.mark.parametrize("case", worlds.in_worlds(), ids=IDS)
def test_duckdb(case, duckdb_worlds):
    assert worlds.complaint(case, duckdb_worlds) is None


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("case", ON_SPARK, ids=IDS)
def test_spark(case, spark_worlds):
    assert worlds.complaint(case, spark_worlds) is None
