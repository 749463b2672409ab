"""Named expressions: computed once for all who share a folder, and the same rows whether or not they are."""

from __future__ import annotations

import pyarrow as pa
import pytest

from heytalk_audit.audit.shared import SharedTables, names_in
from heytalk_audit.snapshot.engines import connect

ROWS = {"user_id": ["a", "b", "b", "c"], "n": [1, 2, 3, 4]}


@pytest.fixture
def engine():
    return connect()


def expressions(engine):
    """Two named tables, one made of the other, and a question to both."""
    log = engine.put("log", pa.table(ROWS))
    counts = log.group_by("user_id").agg(times=log.count())
    often = counts.filter(counts.times > 1)
    question = log.semi_join(often, "user_id").inner_join(counts, "user_id")
    return question, {counts.op(): "counts", often.op(): "often"}


def rows_of(engine, expression):
    return sorted(engine.rows(expression).itertuples(index=False, name=None))


def test_a_resolved_question_has_the_same_answer(engine, tmp_path):
    question, names = expressions(engine)
    resolved, used = SharedTables(engine, tmp_path).resolve(question, names)
    assert rows_of(engine, resolved) == rows_of(engine, question) == [("b", 2, 2), ("b", 3, 2)]
    assert [table.name for table in used] == ["counts", "often"]
    assert "GROUP BY" in engine.sql(question) and "GROUP BY" not in engine.sql(resolved)
    # one named part is made of the other's table
    assert '"counts"' in used[1].sql and "GROUP BY" not in used[1].sql


def test_what_is_not_named_is_left_alone(engine, tmp_path):
    question, _names = expressions(engine)
    resolved, used = SharedTables(engine, tmp_path).resolve(question, {})
    assert resolved.equals(question) and used == []
    assert names_in(question, {}) == []


def test_a_second_kernel_reads_the_file_of_the_first(engine, tmp_path):
    question, names = expressions(engine)
    SharedTables(engine, tmp_path).resolve(question, names)
    files = sorted((tmp_path / "shared").glob("*.parquet"))
    assert [file.name.split("-")[0] for file in files] == ["counts", "often"]
    # another connection, whose log is another: the same question is not computed again
    other = connect()
    other.put("log", pa.table({"user_id": ["z"], "n": [9]}))
    again, names = expressions(engine)
    shared = SharedTables(other, tmp_path)
    _, used = shared.resolve(again, names)
    assert rows_of(other, used[0].table) == [("a", 1), ("b", 2), ("c", 1)]
    assert sorted((tmp_path / "shared").glob("*.parquet")) == files


def test_another_question_of_that_name_has_a_file_of_its_own(engine, tmp_path):
    log = engine.put("log", pa.table(ROWS))
    for limit in (1, 2):
        counts = log.filter(log.n > limit)
        SharedTables(engine, tmp_path).resolve(counts, {counts.op(): "late"})
    assert len(list((tmp_path / "shared").glob("late-*.parquet"))) == 2
