"""The exceptions file: pseudonyms made on the engine, one order, the same bytes for the same rows, whatever the size of a group."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import KEY

from heytalk_audit.audit import exceptions
from heytalk_audit.audit.evaluate import Evaluation
from heytalk_audit.audit.exceptions import EXCEPTIONS, write_exceptions, write_no_exceptions
from heytalk_audit.audit.pseudonym import key_pads, pseudonym, with_pseudonyms
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.vocabulary import Verdict

SUBJECTS = ["u1", "ü:2", "名前", "a'b", "", "line\nbreak", None]


@pytest.fixture(scope="module")
def engine():
    return connect()


def rows(number: int) -> list[dict]:
    numbers = random.Random(5)
    days = [None, dt.date(2024, 2, 29), dt.date(2025, 1, 1)]
    return [
        {
            "record": f"users:{numbers.choice(SUBJECTS) or ''}{n % 7}",
            "subject": numbers.choice(SUBJECTS),
            "outcome": numbers.choice(["violation", "review", "unknown"]),
            "reason": numbers.choice(["late", "early"]),
            "due_on": numbers.choice(days),
            "days_over": numbers.choice([None, 1, 30]),
        }
        for n in range(number)
    ]


def evaluation(engine, listed: list[dict]) -> Evaluation:
    table = engine.put("classified", pa.Table.from_pylist(listed, EXCEPTIONS))
    return Evaluation(RULES["RET-07"], Verdict.FAIL, None, {}, classified=table)


def written(engine, listed, path, key=KEY.encode()) -> bytes:
    write_exceptions(evaluation(engine, listed), engine, key_pads(key, engine), path)
    return path.read_bytes()


@pytest.mark.parametrize("key", [b"short", b"k" * 64, b"k" * 65, bytes(range(256))])
def test_pseudonyms_of_the_engine_are_those_of_the_standard_library(engine, tmp_path, key):
    listed = [row | {"record": f"users:{row['subject']}"} for row in rows(40)]
    written(engine, listed, tmp_path / "x", key)
    there = {(r["record"], r["subject"]) for r in pq.read_table(tmp_path / "x").to_pylist()}
    people = ((row["record"], None if row["subject"] is None else f"users:{row['subject']}") for row in listed)
    assert there == {(pseudonym(key, record), pseudonym(key, person)) for record, person in people}


def test_the_same_rows_give_the_same_bytes_in_any_order(engine, tmp_path):
    listed = rows(500)
    assert written(engine, listed, tmp_path / "x") == written(engine, listed[::-1], tmp_path / "y")
    table = pq.read_table(tmp_path / "x")
    order = [(name, "ascending") for name in EXCEPTIONS.names]
    assert table.schema == EXCEPTIONS and table == table.sort_by(order)


@pytest.mark.parametrize(("number", "groups"), [(0, 1), (99, 1), (100, 1), (101, 2), (250, 3)])
def test_a_file_has_a_group_for_each_so_many_rows(engine, tmp_path, monkeypatch, number, groups):
    monkeypatch.setattr(exceptions, "GROUP", 100)
    written(engine, rows(number), tmp_path / "x")
    there = pq.read_metadata(tmp_path / "x")
    assert (there.num_rows, there.num_row_groups) == (number, groups)
    assert [there.row_group(n).num_rows for n in range(groups - 1)] == [100] * (groups - 1)


def test_no_rows_give_the_bytes_of_an_empty_file(engine, tmp_path):
    nothing = replace(evaluation(engine, []), classified=None)
    write_exceptions(nothing, engine, key_pads(KEY.encode(), engine), tmp_path / "x")
    write_no_exceptions(tmp_path / "y")
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    assert pq.read_schema(tmp_path / "x") == EXCEPTIONS


def test_the_key_stands_in_no_sql(engine):
    key = b"a key that nobody may read in a log"
    pads = key_pads(key, engine)
    sql = engine.sql(with_pseudonyms(evaluation(engine, rows(1)).classified, pads))
    both = engine.query("SELECT * FROM engagement_key_pads").to_pylist()[0].values()
    assert not any(secret in sql for secret in (key.hex(), key.decode(), *both))
