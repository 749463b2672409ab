"""Files of rows read again: counts, the first rows in the report's order, all rows in batches; whatever their folder is called."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heytalk_audit.audit.exceptions import EXCEPTIONS
from heytalk_audit.evidence.row_files import (
    BATCH,
    FirstRows,
    check_exceptions,
    first_rows,
    gravest_first,
    in_file_order,
    opened_reader,
    values_among,
)
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Outcome

OTHERS = "its rows are not those that results.json counts"


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    with opened_reader(tmp_path_factory.getbasetemp()) as opened:
        yield opened


def some_rows(n: int, seed: int) -> list[dict]:
    """Rows that often agree in what they are sorted by."""
    of, outcomes = random.Random(seed), [outcome for outcome in Outcome if outcome != Outcome.PASS]
    return [
        {
            "record": f"{of.randrange(n // 3 + 1):016x}",
            "subject": of.choice([None, f"{of.randrange(9):016x}"]),
            "outcome": str(of.choice(outcomes)),
            "reason": of.choice(["late", "never"]),
            "due_on": of.choice([None, dt.date(2025, 1, of.randrange(1, 9))]),
            "days_over": of.choice([None, 0, 3, 900, -1]),
        }
        for _ in range(n)
    ]


def written(path: Path, rows: list[dict], **more: list) -> Path:
    """A file of these rows, in small row groups."""
    table = pa.Table.from_pylist(rows, schema=EXCEPTIONS)
    for name, values in more.items():
        table = table.append_column(name, pa.array(values, pa.string()))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=50)
    return path


@pytest.mark.parametrize("seed", range(4))
def test_the_first_rows_are_those_that_a_report_lists_first(seed, reader, tmp_path):
    rows = some_rows(400, seed)
    tested = [row for row in rows if row["outcome"] != "excluded"]
    tested.sort(key=lambda row: (Outcome(row["outcome"]).rank, -(row["days_over"] or 0), row["record"]))
    file = written(tmp_path / "rows.parquet", rows)
    assert first_rows(reader, file, 60) == FirstRows(tested[:60], len(tested))
    assert first_rows(reader, file, 1000) == FirstRows(tested, len(tested))
    assert first_rows(reader, written(tmp_path / "none.parquet", []), 60) == FirstRows((), 0)


def test_the_entries_that_cover_a_row_come_with_it(reader, tmp_path):
    rows = some_rows(200, 9)
    file = written(tmp_path / "rows.parquet", rows, accepted=[f"AE-{n}" for n in range(200)])
    first = first_rows(reader, file, 20)
    assert all(rows[int(row["accepted"].removeprefix("AE-"))] == {k: v for k, v in row.items() if k != "accepted"} for row in first.rows)


def test_rows_come_in_the_order_of_their_file(reader, tmp_path):
    rows = some_rows(2 * BATCH + 5, 3)
    file = written(tmp_path / "rows.parquet", rows)
    assert reader.rows(in_file_order(file, EXCEPTIONS.names)) == rows
    assert reader.rows(in_file_order(file, ["record"], 7)) == [{"record": row["record"]} for row in rows[:7]]
    by_outcome = [row for outcome in OPEN_OUTCOMES for row in rows if row["outcome"] == outcome]
    assert list(reader.each(gravest_first(file, EXCEPTIONS.names))) == by_outcome
    assert max(batch.num_rows for batch in reader.batches(in_file_order(file, ["record"]))) <= 2 * BATCH


def test_counts_and_a_few_values(reader, tmp_path):
    rows = some_rows(500, 5)
    file = written(tmp_path / "rows.parquet", rows)
    counts = {o: sum(r["outcome"] == o for r in rows) for o in {r["outcome"] for r in rows}}
    assert check_exceptions(reader, file, counts) is None
    assert check_exceptions(reader, file, counts | {"violation": counts["violation"] + 1}) == OTHERS
    assert check_exceptions(reader, file, counts | {"violation": counts["violation"] + 1, "review": counts["review"] - 1}) == OTHERS
    subject = next(row["subject"] for row in rows if row["subject"])
    assert values_among(reader, file, "subject", [subject, "0" * 15 + "x"]) == {subject}
    assert values_among(reader, file, "record", []) == set()


def test_what_is_no_file_of_exception_rows_is_named(reader, tmp_path):
    rows = [row | {"record": "0" * 16, "subject": None} for row in some_rows(50, 6)]
    counts = {o: sum(r["outcome"] == o for r in rows) for o in {r["outcome"] for r in rows}}
    wrong = {"record": "../../x", "subject": "a person", "reason": "x" * 20_000}
    for name, value in wrong.items():
        file = written(tmp_path / f"{name}.parquet", [*rows[:-1], rows[-1] | {name: value}])
        assert check_exceptions(reader, file, counts) == "has a row that is no exception row"
    table = pq.read_table(written(tmp_path / "rows.parquet", rows))
    for number, other in enumerate(
        (table.drop_columns(["reason"]), table.append_column("x", table["reason"]), table.rename_columns(list("abcdef")))
    ):
        pq.write_table(other, tmp_path / f"{number}.parquet")
        assert check_exceptions(reader, tmp_path / f"{number}.parquet", counts) == "has other columns than a run writes"
    content = (tmp_path / "rows.parquet").read_bytes()
    for broken in (b"", b"PAR1", content[:-9], b"\0" * 400):
        (tmp_path / "broken.parquet").write_bytes(broken)
        assert check_exceptions(reader, tmp_path / "broken.parquet", counts) == "cannot be read as rows"
    # a few bytes can say that a value stands there fifty million times
    many = pa.table({f.name: pa.nulls(3_000_000, f.type) for f in EXCEPTIONS}, EXCEPTIONS)
    pq.write_table(many, tmp_path / "many.parquet", compression="zstd")
    assert "more rows than it can hold" in check_exceptions(reader, tmp_path / "many.parquet", {"violation": 3_000_000})


def test_a_folder_may_be_called_anything(reader, tmp_path):
    file = written(tmp_path / "Q1 [draft] * ? it's 50%" / "rows.parquet", some_rows(3, 1))
    written(tmp_path / "Q1 d * ? it's 50%" / "rows.parquet", some_rows(50, 1))
    assert len(reader.rows(in_file_order(file, ["record"]))) == 3
