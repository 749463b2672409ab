"""Named expressions: computed once for all who share a folder, and the same rows whether or not they are."""

from __future__ import annotations

import pyarrow as pa
import pytest

from heytalk_audit.audit.shared import SharedTables
from heytalk_audit.snapshot.engines import connect

ROWS = {"user_id": ["a", "b", "b", "c"], "n": [1, 2, 3, 4]}


@pytest.fixture
def engine(tmp_path):
    return connect(folders=[tmp_path])


def question(engine, shared):
    """A question to two named tables, one made of the other; `shared` names tables, or leaves expressions what they are."""
    log = engine.put("log", pa.table(ROWS))
    counts = shared("counts", log.group_by("user_id").agg(times=log.count()))
    often = shared("often", counts.filter(counts.times > 1))
    return log.semi_join(often, "user_id").inner_join(counts, "user_id")


def rows_of(engine, expression):
    return sorted(engine.rows(expression).itertuples(index=False, name=None))


def test_the_answer_is_the_same_with_and_without_shared_tables(engine, tmp_path):
    shared = SharedTables(engine, tmp_path)
    plain, short = question(engine, lambda name, table: table), question(engine, shared.table)
    shared.compute(["often", "counts"])
    assert rows_of(engine, short) == rows_of(engine, plain) == [("b", 2, 2), ("b", 3, 2)]
    assert "GROUP BY" in engine.sql(plain) and "GROUP BY" not in engine.sql(short)
    # one is made of the other's table
    sql = shared.sql(["counts", "often", "no such table"])
    assert list(sql) == ["counts", "often"] and '"counts"' in sql["often"] and "GROUP BY" not in sql["often"]


def test_nothing_is_computed_before_it_is_asked_for(engine, tmp_path):
    shared = SharedTables(engine, tmp_path)
    question(engine, shared.table)
    assert not (tmp_path / "shared").exists()
    shared.compute(["counts"])
    assert [file.name.split("-")[0] for file in (tmp_path / "shared").glob("*.parquet")] == ["counts"]


def test_a_second_kernel_reads_the_files_of_the_first(engine, tmp_path):
    first = SharedTables(engine, tmp_path)
    question(engine, first.table)
    first.compute(["counts", "often"])
    files = sorted((tmp_path / "shared").glob("*.parquet"))
    # another connection, whose log is another: the same question is not computed again
    other = connect()
    second = SharedTables(other, tmp_path)
    question(other, second.table)
    other.put("log", pa.table({"user_id": ["z"], "n": [9]}))
    second.compute(["counts", "often"])
    assert [tuple(row.values()) for row in other.query("SELECT * FROM counts ORDER BY 1").to_pylist()] == [("a", 1), ("b", 2), ("c", 1)]
    assert sorted((tmp_path / "shared").glob("*.parquet")) == files


def test_other_tables_of_a_name_have_files_of_their_own_also_within_others(engine, tmp_path):
    log = engine.put("log", pa.table(ROWS))
    for limit in (1, 2):
        shared = SharedTables(engine, tmp_path)
        late = shared.table("late", log.filter(log.n > limit))
        shared.table("people", late.select("user_id").distinct())
        shared.compute(["late", "people"])
    names = sorted(file.name.split("-")[0] for file in (tmp_path / "shared").glob("*.parquet"))
    assert names == ["late", "late", "people", "people"]


def test_one_name_is_one_table(engine, tmp_path):
    log = engine.put("log", pa.table(ROWS))
    shared = SharedTables(engine, tmp_path)
    shared.table("late", log.filter(log.n > 1))
    shared.table("late", log.filter(log.n > 1))
    with pytest.raises(ValueError, match="late names two"):
        shared.table("late", log.filter(log.n > 2))
