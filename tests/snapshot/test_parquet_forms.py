"""Parquet in the types that writers store: the right value, a wrong value that is counted, or one line that says where and why."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heytalk_audit import contract
from heytalk_audit.audit.verdict import notes
from heytalk_audit.errors import InputError
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import profile
from heytalk_audit.snapshot.delivery import DeliveredPart, Delivery
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_tables
from heytalk_audit.snapshot.stored_types import of_files

WRONG, ANOTHER_TYPE = object(), "wrong type"
NOON = dt.datetime(2025, 3, 1, 12)
DAY = dt.date(1990, 1, 1)
BIG = Decimal("9999999999999999.99")


def micros(*counts: int, unit: str = "us") -> pa.Array:
    return pa.array(counts, pa.int64()).cast(pa.timestamp(unit, "UTC"))


def instants(unit: str, zone: str | None = "UTC") -> pa.Array:
    return pa.array([NOON, None], pa.timestamp(unit, zone))


#: By what is stored: the column of a table, the values, and what is read. A second value that is right keeps the column in its type.
FORMS = {
    "text": ("users.display_name", pa.array(["Ana", "", None]), ["Ana", "", None]),
    "large text": ("users.display_name", pa.array(["Ana"], pa.large_string()), ["Ana"]),
    "text by view": ("users.display_name", pa.array(["Ana"], pa.string_view()), ["Ana"]),
    "text by dictionary": ("users.display_name", pa.array(["Ana", None, "Ana"]).dictionary_encode(), ["Ana", None, "Ana"]),
    "bytes for text": ("users.display_name", pa.array([b"Ana"]), ANOTHER_TYPE),
    "numbers for text": ("users.display_name", pa.array([7]), ANOTHER_TYPE),
    "seconds": ("users.deleted_at", instants("s"), [NOON, None]),
    "milliseconds": ("users.deleted_at", instants("ms"), [NOON, None]),
    "microseconds": ("users.deleted_at", instants("us"), [NOON, None]),
    "nanoseconds": ("users.deleted_at", instants("ns"), [NOON, None]),
    "a zone of its own": ("users.deleted_at", instants("us", "Asia/Shanghai"), [NOON, None]),
    "no zone": ("users.deleted_at", instants("us", None), ANOTHER_TYPE),
    "a date for an instant": ("users.deleted_at", pa.array([DAY]), ANOTHER_TYPE),
    "text for an instant": ("users.deleted_at", pa.array(["2025-03-01T12:00:00Z"]), ANOTHER_TYPE),
    "the year 10000": ("users.deleted_at", micros(0, 253_402_300_800_000_000), [dt.datetime(1970, 1, 1), WRONG]),
    "the last microsecond of 9999": ("users.deleted_at", micros(253_402_300_799_999_999), [dt.datetime.max]),
    "the first of year 1": ("users.deleted_at", micros(-62_135_596_800_000_000, -62_135_596_800_000_001), [dt.datetime.min, WRONG]),
    "the largest number of microseconds": ("users.deleted_at", micros(0, 2**63 - 1, -(2**63) + 1), [dt.datetime(1970, 1, 1), WRONG, WRONG]),
    "the largest number of milliseconds": ("users.deleted_at", micros(0, 2**63 - 1, unit="ms"), [dt.datetime(1970, 1, 1), WRONG]),
    "days": ("users.birth_date", pa.array([DAY, None]), [DAY, None]),
    "days in milliseconds": ("users.birth_date", pa.array([DAY], pa.date64()), [DAY]),
    "a day of the year 10000": ("users.birth_date", pa.array([7305, 2_932_897], pa.int32()).cast(pa.date32()), [DAY, WRONG]),
    "an instant for a day": ("users.birth_date", instants("us"), ANOTHER_TYPE),
    "flags": ("users.is_test", pa.array([True, False, None]), [True, False, None]),
    "numbers for flags": ("users.is_test", pa.array([1, 0]), ANOTHER_TYPE),
    "whole numbers": ("transactions.amount", pa.array([7]), [Decimal(7)]),
    "decimals": ("transactions.amount", pa.array([Decimal("1.5"), BIG], pa.decimal128(18, 2)), [Decimal("1.5"), BIG]),
    "decimals of four digits": ("transactions.amount", pa.array([Decimal("12.3400")], pa.decimal128(20, 4)), [Decimal("12.34")]),
    "small decimals": ("transactions.amount", pa.array([Decimal("1.25")], pa.decimal32(5, 2)), [Decimal("1.25")]),
    "decimals beyond the type": ("transactions.amount", pa.array([Decimal(1), BIG * 10], pa.decimal128(38, 2)), [Decimal(1), WRONG]),
    "decimals beyond any type": (
        "transactions.amount",
        pa.array([Decimal(1), Decimal("1" * 50)], pa.decimal256(60, 2)),
        [Decimal(1), WRONG],
    ),
    "NaN and infinity": ("transactions.amount", pa.array([0.1, float("nan"), float("inf"), 1e300]), [Decimal("0.1"), WRONG, WRONG, WRONG]),
    "lists": ("disclosures.fields", pa.array([["a", None], [], None]), [["a", None], [], None]),
    "large lists of large text": ("disclosures.fields", pa.array([["a"]], pa.large_list(pa.large_string())), [["a"]]),
    "lists of a fixed size": ("disclosures.fields", pa.array([["a", "b"]], pa.list_(pa.string(), 2)), [["a", "b"]]),
    "lists by dictionary": ("disclosures.fields", pa.array([["a"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), [["a"]]),
    "lists of numbers": ("disclosures.fields", pa.array([[1]]), ANOTHER_TYPE),
    "text for lists": ("disclosures.fields", pa.array(['["a"]']), ANOTHER_TYPE),
    "nothing, in no type": ("users.deleted_at", pa.nulls(2), [None, None]),
    "nothing, in another type": ("users.deleted_at", pa.array([None], pa.float64()), [None]),
}
ON_SPARK = (
    "text by dictionary",
    "milliseconds",
    "a zone of its own",
    "the year 10000",
    "the first of year 1",
    "the largest number of milliseconds",
    "a day of the year 10000",
    "decimals beyond the type",
    "NaN and infinity",
    "lists",
)


def take(engine, folder, table: str, data: pa.Table, name: str = "", **how):
    """The profile of a snapshot that has one table, and that table as an engine opens it, without and with marks."""
    work = folder / "work"
    work.mkdir(parents=True)
    file = folder / (name or f"{table}.parquet")
    pq.write_table(data, file, **how)
    types, int96 = of_files(folder, (file,), contract.load()[table])
    part = DeliveredPart(contract.load()[table], file, (file,), "parquet", types, int96)
    profiled = profile.take(Delivery(folder, {table: part}, {}), work, engine if isinstance(engine, Duck) else connect(folders=[folder]))
    tables, marked = open_tables(profiled, engine)
    return profiled[table], tables[table], marked.get(table, tables[table])


def read(engine, folder, form: str):
    """What an engine reads of a form."""
    place, values, _ = FORMS[form]
    table, _, column = place.partition(".")
    key = contract.load()[table].key
    profiled, plain, marked = take(engine, folder, table, pa.table({key: [str(n) for n in range(len(values))], column: values}))
    state = profiled["columns"][column]
    if state["status"] == profile.WRONG:
        assert column not in plain.columns
        return ANOTHER_TYPE
    rows = engine.query(engine.sql(marked)).to_pylist()
    assert engine.query(engine.sql(plain)).column(column).to_pylist() == [row[column] for row in rows]
    assert sum(row.get(f"unreadable_{column}", False) for row in rows) == state.get("unreadable", 0)
    return [WRONG if row.get(f"unreadable_{column}") else row[column] for row in rows]


@pytest.fixture(scope="module")
def duck(tmp_path_factory):
    return connect(folders=[tmp_path_factory.getbasetemp()])


@pytest.mark.parametrize("form", FORMS)
def test_what_is_read(form, duck, tmp_path):
    assert read(duck, tmp_path / "s", form) == FORMS[form][2]


@pytest.mark.spark
@pytest.mark.xdist_group("spark-0")
def test_spark_reads_the_same(spark, tmp_path):
    assert {form: read(spark, tmp_path / form, form) for form in ON_SPARK} == {form: FORMS[form][2] for form in ON_SPARK}


def test_totals_are_those_of_the_values_that_are_none_too_many(duck, tmp_path):
    """A NaN is in no sum, and an instant of the year 10000 no latest one; both are counted, and a null is not."""
    amounts = {"amount": pa.array([1.25, float("nan"), None]), "purchased_at": micros(0, 253_402_300_800_000_000, 0)}
    taken, _, _ = take(duck, tmp_path, "transactions", pa.table({"transaction_id": ["a", "b", "c"]} | amounts))
    assert (taken["control_sum"], taken["max_ts"]) == ("1.25", "1970-01-01T00:00:00Z")
    assert {c: taken["columns"][c]["unreadable"] for c in amounts} == {"amount": 1, "purchased_at": 1}


def test_int96_is_utc_with_a_note(duck, tmp_path):
    table = pa.table({"user_id": ["u1"], "created_at": pa.array([NOON], pa.timestamp("ns"))})
    taken, users, _ = take(duck, tmp_path, "users", table, use_deprecated_int96_timestamps=True)
    assert duck.rows(users.select("created_at")).created_at.tolist() == [NOON]
    assert taken["int96"] == ["created_at"] and taken["columns"]["created_at"]["status"] == profile.OK
    audit = SimpleNamespace(snapshot=SimpleNamespace(profile={"users": taken}))
    assert notes(RULES["DQ-02"], audit) == ["read as UTC, being INT96 as Spark writes it: users.created_at"]
    assert notes(RULES["RET-01"], audit) == []


def test_names_in_capitals_are_the_contracts(duck, tmp_path):
    table = pa.table({"USER_ID": ["u1"], "Display_Name": ["Ana"], "NICK": ["A"]})
    taken, users, _ = take(duck, tmp_path, "users", table, "USERS.PARQUET")
    assert duck.rows(users.select("user_id", "display_name")).values.tolist() == [["u1", "Ana"]]
    assert (taken["others"], taken["distinct_users"], taken["inventory"]["display_name"]["values"]) == (["NICK"], 1, 1)


def test_what_is_no_parquet_or_has_a_name_twice_is_one_line(duck, tmp_path):
    with pytest.raises(InputError, match=r"users\.parquet: column 2 has the name of column 1, or differs by case alone; "):
        take(duck, tmp_path / "twice", "users", pa.table({"user_id": ["u1"], "User_ID": ["u2"]}))
    with pytest.raises(InputError, match="users: has no column of the contract"):
        take(duck, tmp_path / "strange", "users", pa.table({"id": ["u1"]}))
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\x00\x00\x00\x00\x01\x00\x00\x00"), pa.py_buffer(b"\xff")])
    with pytest.raises(InputError, match=r"users\.parquet: "):
        take(duck, tmp_path / "bytes", "users", pa.table({"user_id": bad}))
    for content in (b"PAR1", b"", b"user_id\nu1\n"):
        (tmp_path / "users.parquet").write_bytes(content)
        with pytest.raises(InputError, match=r"users\.parquet: cannot be read"):
            of_files(tmp_path, (tmp_path / "users.parquet",), contract.load()["users"])
