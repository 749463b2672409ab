"""The demo's files: the same bytes for the same arguments, and the same as if each table had been held whole."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heytalk_audit import contract
from heytalk_audit.demo import write_demo
from heytalk_audit.demo.rows import AT_HAND, BLOCK, GROUP, Rows

NOON = dt.datetime(2025, 3, 31, 12, tzinfo=dt.UTC)


def purchases(count):
    """Purchases of which some have no amount, no user or a blank one."""
    return [
        {
            "receipt_id": f"r-{n}",
            "user_id": (None, "", f"u-{n % 41}")[min(n % 7, 2)],
            "store": "app_store",
            "purchased_at": NOON - dt.timedelta(seconds=n * 7919 % 100_003),
            "amount": None if n % 5 == 0 else f"{n % 97}.{n % 90 + 10}",
        }
        for n in range(count)
    ]


def written_whole(table, rows, file):
    """The file of a table whose rows are all at hand."""
    kinds = {c.name: contract.ARROW[c.kind] for c in table.columns if not c.may_be_absent}
    values = {name: [row.get(name) for row in rows] for name in kinds} | {"amount": [r["amount"] and Decimal(r["amount"]) for r in rows]}
    whole = pa.table({name: pa.array(values[name], kind) for name, kind in kinds.items()})
    pq.write_table(whole, file, compression="zstd", row_group_size=GROUP)
    return file.read_bytes()


@pytest.mark.parametrize("count", [0, 1, BLOCK + AT_HAND, GROUP, 2 * GROUP + 1])
def test_a_table_in_blocks_is_the_table_written_whole(tmp_path, count):
    table, all_rows = contract.load()["transactions"], purchases(count)
    rows = Rows(table, tmp_path / "blocks.parquet")
    for row in all_rows:
        rows.append(row)
        assert rows[-1] is row
    totals = rows.close()
    assert (tmp_path / "blocks.parquet").read_bytes() == written_whole(table, all_rows, tmp_path / "whole.parquet")
    times = [row["purchased_at"] for row in all_rows]
    assert totals == {
        "rows": count,
        "distinct_users": len({row["user_id"] for row in all_rows} - {None, ""}),
        "min_ts": min(times).isoformat().replace("+00:00", "Z") if times else None,
        "max_ts": max(times).isoformat().replace("+00:00", "Z") if times else None,
        "control_sum": str(sum((Decimal(row["amount"]) for row in all_rows if row["amount"]), Decimal(0))),
    }


def test_columns_between_rows_are_the_same_rows(tmp_path):
    table, all_rows = contract.load()["transactions"], purchases(GROUP + 9_000)
    rows = Rows(table, tmp_path / "mixed.parquet")
    for row in all_rows[:5_000]:
        rows.append(row)
    rows.extend({name: [row[name] for row in all_rows[5_000:-10]] for name in all_rows[0]})
    for row in all_rows[-10:]:
        rows.append(row)
    assert len(rows) == len(all_rows)
    rows.close()
    assert (tmp_path / "mixed.parquet").read_bytes() == written_whole(table, all_rows, tmp_path / "whole.parquet")


def test_only_the_newest_rows_can_be_read_back(tmp_path):
    rows = Rows(contract.load()["transactions"], tmp_path / "t.parquet")
    for row in purchases(3 * BLOCK):
        rows.append(row)
    assert [row["receipt_id"] for row in rows[-2:]] == [f"r-{3 * BLOCK - 2}", f"r-{3 * BLOCK - 1}"]
    for place in (0, -AT_HAND - 1, slice(0, None), slice(None), slice(-AT_HAND - 1, None)):
        with pytest.raises(IndexError):
            rows[place]


def test_a_column_must_be_delivered_by_all_rows_or_none(tmp_path):
    rows = Rows(contract.load()["transactions"], tmp_path / "t.parquet")
    for row in purchases(BLOCK + AT_HAND):
        rows.append(row)
    with pytest.raises(ValueError, match="already has rows"):
        rows.column("memo")
    rows.append(purchases(1)[0] | {"memo": "no such column"})
    with pytest.raises(KeyError, match="memo"):
        rows.close()


def test_two_demos_of_the_same_arguments_are_equal_and_of_other_arguments_not(tmp_path):
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        write_demo(tmp_path / name, users=30, seed=seed)
    one, two, three = ({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} for name in ("one", "two", "three"))
    assert one == two
    assert one.keys() == three.keys()
    assert {name for name in one if one[name] != three[name]} >= {"users.parquet", "traffic_events.parquet", "datapackage.json"}


def test_days_without_traffic_are_those_that_truth_names(demo):
    as_of = dt.datetime.fromisoformat(json.loads((demo / "datapackage.json").read_text("utf-8"))["as_of"]).date()
    days = [at.date() for at in pq.read_table(demo / "traffic_events.parquet", columns=["event_at"])["event_at"].to_pylist()]
    with (demo / "truth.csv").open(encoding="utf-8", newline="") as handle:
        planted = {r["record"].partition(":")[2]: r["reason"] for r in csv.DictReader(handle) if r["rule"] == "RET-08"}
    year = {as_of - dt.timedelta(days=n) for n in range(1, 366)}
    assert {day for day, reason in planted.items() if reason == "no_traffic"} == {day.isoformat() for day in year - set(days)}
    assert len(planted) == 6
    assert all(days.count(dt.date.fromisoformat(day)) == 1 for day, reason in planted.items() if reason == "low_volume")
