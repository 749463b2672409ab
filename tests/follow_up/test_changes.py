"""Rows of two runs compared in SQL: as a plain reading in Python does on small files, and within a bounded memory on large ones."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heytalk_audit.audit.exceptions import EXCEPTIONS, write_rows
from heytalk_audit.canonical import Streamed, canonical, write_canonical
from heytalk_audit.evidence.row_files import RowReader, opened_reader
from heytalk_audit.follow_up.changes import STATES, changes_in, changes_of, differ
from heytalk_audit.follow_up.earlier import RuleRows
from heytalk_audit.follow_up.history import CARRIED, carried, marks, rolled_forward, write_carried
from heytalk_audit.vocabulary import Outcome

RULE = "RET-07"
NOW, THEN = "2025-06-01", "2025-03-01"
Row = tuple[str, int]

# a plain reading -------------------------------------------------------------------------------------


def numbered(rows: list[tuple[str, str, str | None]]) -> Iterator[tuple[Row, str, str | None]]:
    """Rows of record, outcome and entries, each with its number within its record."""
    seen: Counter[str] = Counter()
    for record, outcome, entries in sorted(rows, key=lambda row: (row[0], row[1], row[2] is None, row[2])):
        yield (record, seen[record]), outcome, entries
        seen[record] += 1


class Side:
    """The open rows of one run, and the entries that cover them; `rows` is null where the run did not test the rule."""

    def __init__(self, rows: list[tuple[str, str, str | None]] | None):
        found = [row for row in numbered(rows or []) if Outcome(row[1]).is_open]
        self.tested = rows is not None
        self.outcomes = {row: outcome for row, outcome, _ in found}
        self.entries = {row: entries for row, _, entries in found if entries}

    def status(self, row: Row) -> str | None:
        """The outcome of a row, or accepted."""
        return "accepted" if self.outcomes.get(row) == "violation" and row in self.entries else self.outcomes.get(row)


def plain(before: Side, now: Side, steps: list[tuple[tuple[str, ...], Side]], resolved: set[Row]) -> list[dict[str, Any]]:
    """Every row that was open in one of two runs."""
    rows = []
    for row in sorted(before.outcomes | now.outcomes):
        was, stands, cause = before.status(row), now.status(row), None
        if not now.tested:
            state, cause = "not tested", "tested"
        elif row in resolved and was is None:
            state = "reopened"
        elif not before.tested:
            state = "newly tested"
        elif was == stands:
            state = "persisting"
        else:
            state = "new" if was is None else "resolved" if stands is None else "changed"
        if state != "persisting":
            cause = cause_of(row, before, now, steps) if before.tested and now.tested else "tested"
        rows.append({"record": row[0], "number": row[1], "state": state, "before": was, "now": stands, "cause": cause})
    return rows


def cause_of(row: Row, before: Side, now: Side, steps: list[tuple[tuple[str, ...], Side]]) -> str:
    """The last step after which a row is not as it was."""
    if before.outcomes.get(row) == now.outcomes.get(row):
        return "exceptions"
    moved = [causes for (_, a), (causes, b) in pairwise(steps) if a.outcomes.get(row) != b.outcomes.get(row)]
    return " or ".join(moved[-1])


# files -----------------------------------------------------------------------------------------------


def exceptions(path: Path, rows: list[tuple[str, str, str | None]], covering: bool) -> Path:
    """An exceptions file of these rows, in an order of its own; with a column of entries where `covering`."""
    table = pa.table({"record": [r for r, _, _ in rows], "outcome": [o for _, o, _ in rows], "accepted": [e for _, _, e in rows]})
    schema = pa.schema([("record", pa.string()), ("outcome", pa.string()), ("accepted", pa.string())])
    pq.write_table(table.cast(schema) if covering else table.cast(schema).drop(["accepted"]), path)
    return path


def carried_file(path: Path, rows: list[dict[str, Any]]) -> Path:
    """What a run carries, columns that a test leaves out being null."""
    pq.write_table(pa.Table.from_pylist([{"rule": RULE, "first_seen": "2024-12-01"} | row for row in rows], schema=CARRIED), path)
    return path


OUTCOMES = ["violation", "review", "unknown", "exempt", "excluded"]
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(OUTCOMES)), max_size=8)
#: Of one run in ten the rule was not tested.
TESTED_OR_NOT = st.integers(0, 9).flatmap(lambda n: ROWS if n else st.none())
ENTRIES = st.lists(st.sampled_from([None, "AE-1", "AE-1, AE-2", "AE-2"]), min_size=8, max_size=8)
STEPS = st.lists(st.tuples(st.sampled_from(["rule", "policy"]), ROWS), max_size=2)
RESOLVED = st.sets(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), max_size=4)


def with_entries(rows: list[tuple[str, str]] | None, entries: list[str | None]) -> list[tuple[str, str, str | None]] | None:
    """Rows of which violations are covered; null stays null."""
    return None if rows is None else [(r, o, e if o == "violation" else None) for (r, o), e in zip(rows, entries, strict=False)]


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Iterator[RowReader]:
    with opened_reader(tmp_path_factory.getbasetemp()) as opened:
        yield opened


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TESTED_OR_NOT, TESTED_OR_NOT, ENTRIES, ENTRIES, RESOLVED, STEPS)
def test_it_is_what_a_plain_reading_says(reader, tmp_path, was, stands, covered_then, covered_now, resolved, between):
    then, now = with_entries(was, covered_then), with_entries(stands, covered_now)
    before, after = Side(then), Side(now)
    earlier_rows = [{"record": r, "number": n, "accepted": e} for (r, n), e in before.entries.items()]
    still = resolved - before.outcomes.keys()
    # what the earlier run carries of rows that were open, or resolved, before it
    earlier_rows += [
        {"record": r, "number": n, "resolved": THEN, "state": "resolved"} for r, n in resolved if (r, n) not in before.outcomes
    ]
    files = {"then": exceptions(tmp_path / "then.parquet", then or [], False), "now": exceptions(tmp_path / "now.parquet", now or [], True)}
    kept = carried_file(tmp_path / "carried.parquet", earlier_rows)
    sides = RuleRows(RULE, files["then"] if before.tested else None, kept), RuleRows(RULE, files["now"] if after.tested else None)
    steps = [((), before), *(((cause,), Side([(*row, None) for row in rows])) for cause, rows in between), (("data",), after)]
    step_files = [exceptions(tmp_path / f"{n}.parquet", [(*row, None) for row in rows], False) for n, (_, rows) in enumerate(between)]
    waterfall = list(zip([causes for causes, _ in steps], [files["then"], *step_files, files["now"]], strict=True))

    query = changes_of(*sides, waterfall)
    found = reader.rows(f"SELECT record, number, state, before, now, cause FROM ({query}) ORDER BY record, number")
    expected = plain(before, after, steps, still)
    assert found == expected
    assert differ(reader, files["then"], files["now"]) == (Side(then).outcomes != Side(now).outcomes)

    reader.copy(query, tmp_path / "changes.parquet")
    changes = changes_in(reader, [tmp_path / "changes.parquet"])
    counts = Counter((row["state"], row["cause"], row["before"], row["now"]) for row in expected)
    in_order = sorted(counts, key=lambda c: (list(STATES).index(c[0]), *map(str, c[1:])))
    assert [(c.state, c.cause, c.before, c.now, c.rows) for c in changes.counts().get(RULE, ())] == [(*c, counts[c]) for c in in_order]
    assert [row["record"] for row in changes.moved(RULE)] == [row["record"] for row in expected if row["state"] != "persisting"]
    rolled = Counter(before.entries[row["record"], row["number"]] for row in expected if row["before"] == "accepted")
    assert sum((Counter({line.entries: line.rows}) for line in rolled_forward(changes)), Counter()) == rolled


def test_rows_that_repeat_a_record_are_numbered_with_the_covered_first(reader, tmp_path):
    twice = [("a", "violation", "AE-2"), ("a", "violation", "AE-1")]
    rows = [("a", "violation", None), ("a", "review", None), *twice, ("b", "excluded", None)]
    query = marks({RULE: exceptions(tmp_path / "now.parquet", rows, True)}, NOW)
    found = reader.rows(f"SELECT record, number, accepted, first_seen FROM ({query}) ORDER BY number")
    assert [(row["record"], row["number"], row["accepted"]) for row in found] == [("a", 1, "AE-1"), ("a", 2, "AE-2")]


def test_what_the_next_run_is_told_of_rows_that_are_open_in_neither(reader, tmp_path):
    class Earlier:
        carried = carried_file(
            tmp_path / "carried.parquet",
            [
                {"record": "gone", "number": 0, "state": "resolved", "resolved": "2025-01-01", "cause": "data", "before": "review"},
                {"record": "untested", "number": 0, "state": "not tested", "now": "violation", "accepted": "AE-1"},
            ],
        )
        audit = type("Audit", (), {"as_of": THEN})

    def rows(tested: list[str]) -> dict[str, tuple]:
        write_carried(reader, carried(changes_in(reader, []), Earlier, tested, NOW), tmp_path / "out.parquet")
        found = pq.read_table(tmp_path / "out.parquet")
        assert found.schema.equals(CARRIED)
        assert not any(row[name] for row in found.to_pylist() for name in ("cause", "before", "accepted"))
        return {row["record"]: (row["state"], row["now"], row["first_seen"], row["resolved"]) for row in found.to_pylist()}

    gone = ("resolved earlier", None, "2024-12-01", "2025-01-01")
    assert rows([]) == {"gone": gone, "untested": ("not tested", "violation", "2024-12-01", None)}
    assert rows([RULE]) == {"gone": gone, "untested": ("resolved earlier", None, "2024-12-01", NOW)}


# large files -----------------------------------------------------------------------------------------


def large(path: Path, rows: int, seed: int, shift: int) -> Path:
    """An exceptions file of so many rows; another `shift` has another tenth of them with records of its own."""
    of = np.random.default_rng(seed)
    keys = of.integers(0, 2**62, rows)
    keys[shift::10] += shift
    records = pa.array([f"{key:016x}" for key in np.sort(keys)])
    outcomes = pa.array(np.array(["violation", "review"])[of.integers(0, 2, rows)])
    nothing = [pa.nulls(rows, kind) for kind in (pa.date32(), pa.int32())]
    write_rows([pa.RecordBatch.from_arrays([records, records, outcomes, outcomes, *nothing], schema=EXCEPTIONS)], {path: EXCEPTIONS})
    return path


def test_nothing_in_python_grows_with_the_files(tmp_path):
    """Two runs of 300,000 rows: all of them are compared, read and written; Python holds a batch at a time, DuckDB 200 MB."""
    rows = 300_000
    before, now = (RuleRows(RULE, large(tmp_path / f"{shift}.parquet", rows, 7, shift)) for shift in (1, 2))
    reader = RowReader(tmp_path / "spill", [tmp_path], "200MB")
    tracemalloc.start()
    steps = [((), before.exceptions), (("data",), now.exceptions)]
    reader.copy(changes_of(before, now, steps), tmp_path / "changes.parquet")
    changes = changes_in(reader, [tmp_path / "changes.parquet"])
    counts = changes.counts()[RULE]
    moved = sum(1 for _ in changes.moved(RULE))
    earlier = type("Earlier", (), {"carried": None, "audit": type("Audit", (), {"as_of": THEN})})
    write_carried(reader, carried(changes, earlier, [RULE], NOW), tmp_path / "carried.parquet")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    reader.close()
    assert {count.state for count in counts} == {"new", "resolved", "persisting"}
    assert moved == sum(count.rows for count in counts if count.state != "persisting") > rows / 10
    assert pq.read_metadata(tmp_path / "carried.parquet").num_rows == sum(count.rows for count in counts)
    # 300,000 keys and values alone would take 60 MB
    assert peak < 25_000_000, peak


def test_a_list_that_is_streamed_is_written_as_any_other(tmp_path):
    rows = [{"record": f"{n}", "now": None, "before": "é\u2028"} for n in range(1000)]
    write_canonical({"rules": [{"rows": Streamed(lambda: iter(rows)), "id": "x"}, {"rows": []}]}, tmp_path / "streamed.json")
    assert (tmp_path / "streamed.json").read_bytes() == canonical({"rules": [{"rows": rows, "id": "x"}, {"rows": []}]})


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_same_rows_give_the_same_bytes_however_they_come(size, tmp_path, monkeypatch):
    monkeypatch.setattr("heytalk_audit.audit.exceptions.GROUP", 300)
    table = pa.table({"record": [f"{n:04d}" for n in range(700)], "number": pa.array(range(700), pa.int32())})
    pq.write_table(table, tmp_path / "whole", compression="zstd", write_statistics=False, store_schema=False, row_group_size=300)
    write_rows(table.to_batches(max_chunksize=size), {tmp_path / "batches": table.schema})
    assert (tmp_path / "batches").read_bytes() == (tmp_path / "whole").read_bytes()
    write_rows([], {tmp_path / "none": table.schema})
    pq.write_table(table.schema.empty_table(), tmp_path / "empty", compression="zstd", write_statistics=False, store_schema=False)
    assert (tmp_path / "none").read_bytes() == (tmp_path / "empty").read_bytes()
