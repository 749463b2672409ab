"""Spark beside DuckDB: the same Arrow comes in and out of both."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from heytalk_audit.snapshot import spark as engine_on_spark
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.on_workers import exactly

pytestmark = [pytest.mark.spark, pytest.mark.xdist_group("spark-0")]
INSTANT = dt.datetime(2024, 2, 29, 23, 59, 59, 123456)
#: A value, an edge and a null of every type that the audit's own tables have.
TABLE = pa.table(
    {
        "text": pa.array(["a", "é中🙂", "", None]),
        "instant": pa.array([INSTANT, dt.datetime(1969, 1, 1), None, None], pa.timestamp("us")),
        "day": pa.array([dt.date(2024, 2, 29), dt.date(1890, 1, 1), None, None], pa.date32()),
        "amount": pa.array([Decimal("1.25"), Decimal("-0.01"), None, None], pa.decimal128(18, 2)),
        "yes": pa.array([True, False, None, None]),
        "names": pa.array([["a", None], [], None, None], pa.list_(pa.string())),
        "nothing": pa.array([None] * 4, pa.string()),
        "never": pa.array([None] * 4, pa.timestamp("us")),
        "count": pa.array([2**40, -1, None, None], pa.int64()),
        "bytes": pa.array([b"\x00\xff", b"", None, None], pa.binary()),
    }
)
QUERY = """
SELECT text, count(*) AS n, count(DISTINCT day) AS days, max(instant) AS latest, min(day) AS first, max(count) AS count, max(yes) AS yes
FROM everything GROUP BY text ORDER BY text NULLS LAST"""


@pytest.fixture
def duckdb(tmp_path):
    return connect(folders=[tmp_path])


@pytest.mark.parametrize("table", [TABLE, TABLE.slice(0, 0), TABLE.slice(3)], ids=["rows", "no rows", "nulls alone"])
def test_a_table_goes_in_and_comes_out_as_it_is_on_duckdb(spark, duckdb, table):
    for engine in (spark, duckdb):
        engine.put("everything", table)
        back = engine.query("SELECT * FROM everything")
        assert back.schema.types == table.schema.types
        assert back.to_pylist() == table.to_pylist()


def test_instants_with_a_zone_are_those_of_utc_without(spark):
    zoned = pa.table({"at": pa.array([INSTANT], pa.timestamp("us", "UTC")).cast(pa.timestamp("ns", "Asia/Shanghai"))})
    spark.put("zoned", zoned)
    assert spark.query("SELECT * FROM zoned").to_pylist() == [{"at": INSTANT}]
    assert str(spark.session.table("zoned").schema["at"].dataType) == "TimestampNTZType()"


def test_a_query_has_the_same_types_and_rows_and_order(spark, duckdb):
    for engine in (spark, duckdb):
        engine.put("everything", TABLE)
    here, there = spark.query(QUERY), duckdb.query(QUERY)
    assert here.schema.types == there.schema.types
    assert here.to_pylist() == there.to_pylist()
    assert here.column("text").to_pylist() == ["", "a", "é中🙂", None]


def test_small_results_are_the_same_frames(spark, duckdb):
    frames = []
    for engine in (spark, duckdb):
        table = engine.put("everything", TABLE)
        frames.append(engine.rows(table.agg(n=table.count(), one=(table.text == "a").sum(), day=table.day.max(), at=table.instant.min())))
    assert frames[0].to_dict("records") == frames[1].to_dict("records")
    assert list(frames[0].dtypes) == list(frames[1].dtypes)


def test_batches_are_full_and_in_order_and_are_fetched_in_windows(spark, duckdb, monkeypatch):
    monkeypatch.setattr(engine_on_spark, "WINDOW", 20_000)
    numbers = [(i * 7919) % 10_007 for i in range(10_007)]
    data = pa.table({"n": numbers, "text": [None if n % 5 == 0 else f"é{n}" for n in numbers]})
    both = []
    for engine in (spark, duckdb):
        table = engine.put("numbers", data)
        both.append(pa.Table.from_batches(engine.batches(table.order_by([table.text.asc(), table.n.asc()]), 3000)))
        assert list(engine.batches(table.filter(table.n < 0), 3000)) == []
    assert both[0].equals(both[1])
    assert [len(batch) for batch in spark.batches(spark.backend.table("numbers"), 3000)] == [3000, 3000, 3000, 1007]
    assert not [table.name for table in spark.session.catalog.listTables() if table.name.startswith("cells")]


def test_a_stream_that_is_left_early_leaves_nothing_behind(spark):
    table = spark.put("numbers", pa.table({"n": list(range(100))}))
    stream = spark.batches(table, 10)
    next(stream)
    assert [t.name for t in spark.session.catalog.listTables() if t.name.startswith("cells")]
    stream.close()
    assert not [t.name for t in spark.session.catalog.listTables() if t.name.startswith("cells")]


def test_a_kept_table_is_replaced_also_by_one_that_was_made_of_it(spark):
    table = spark.put("numbers", pa.table({"n": list(range(10))}))
    first, _, rows = spark.keep("kept", table.filter(table.n > 2))
    second, sql, fewer = spark.keep("kept_next", first.filter(first.n > 5).mutate(m=first.n * 2))
    assert (rows, fewer) == (7, 4) and "kept" in sql
    # of the same name, with other columns: what was made of the first is not looked up again
    spark.keep("kept", table.mutate(other=table.n))
    assert sorted(spark.rows(second).m) == [12, 14, 16, 18]
    assert spark.keep("kept_next", table.limit(1))[2] == 1
    # the rows are kept, and not how they were computed
    spark.put("numbers", pa.table({"n": [1]}))
    assert spark.rows(spark.backend.table("kept")).n.tolist() == list(range(10))


def test_functions_make_the_same_table_on_both(spark, duckdb, tmp_path):
    # a function of this test travels by value, as workers do not have the tests
    def times(factor, batch):
        return pa.table({"n": pc.multiply(batch.column("n"), factor)})

    schema = pa.schema([("n", pa.int64())])
    tables = []
    for engine in (spark, duckdb):
        table = engine.put("numbers", pa.table({"n": list(range(1000))}))
        sources = [
            (table, partial(times, 2)),
            (table.filter(table.n < 0), partial(times, 3)),
            (table.filter(table.n < 3), partial(times, 5)),
        ]
        derived = engine.derive("derived", sources, schema, tmp_path / engine.dialect)
        tables.append(sorted(engine.query(engine.sql(derived)).column("n").to_pylist()))
        assert engine.rows(derived.agg(n=derived.count())).n[0] == 1003
    assert tables[0] == tables[1]


def test_batches_are_cut_and_joined_to_their_size():
    def sizes(*given, size):
        start = iter(range(1000))
        batches = [pa.record_batch({"n": [next(start) for _ in range(n)]}, pa.schema([("n", pa.int64())])) for n in given]
        cut = list(exactly(batches, size))
        rows = [n for batch in cut for n in batch.column("n").to_pylist()]
        assert rows == list(range(sum(given)))
        return [len(batch) for batch in cut]

    assert sizes(size=3) == sizes(0, 0, size=3) == []
    assert sizes(1, 1, 1, size=3) == sizes(3, size=3) == [3]
    assert sizes(7, 0, 2, 1, size=3) == [3, 3, 3, 1]
