"""What becomes of a value on its way into the contract's type: converted as stated, or refused by kind and number."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pyarrow as pa
import pytest

from heytalk_audit import contract
from heytalk_audit.snapshot.importing.values import Conversion


def noon(*day: int) -> dt.datetime:
    return dt.datetime(*day, 12, tzinfo=dt.UTC)


NAME, KEY, STATUS, FLAG, BORN, MADE = (f"users.{c}" for c in ("display_name", "user_id", "status", "is_test", "birth_date", "created_at"))
AMOUNT, COUNT, LIST = "transactions.amount", "purge_log.rows", "social_accounts.fields_received"
HOURS = {"zone": "Europe/Madrid", "dates": "start of day"}
UNION = pa.UnionArray.from_dense(
    pa.array([0, 1, 0, 2], pa.int8()), pa.array([0, 0, 1, 0], pa.int32()), [pa.array(["a", "b"]), pa.array([5]), pa.array([b"x"])]
)
NUMERIC = pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "numeric", "PostgreSQL"), pa.array(["1", "2.00"]))

#: Column, values of the source, what the mapping says, what comes out, and what does not fit: how many rows of which kind.
CASES = [
    # text
    (NAME, pa.array(["1.0", " a ", None]), {}, ["1.0", " a ", None], {}),
    (NAME, pa.array(["\\N", "NULL", "a"]), {"nulls": ("\\N", "NULL")}, [None, None, "a"], {}),
    (NAME, pa.array([1, 2**60]), {}, ["1", str(2**60)], {}),
    (NAME, pa.array([1.0, None]), {}, [None, None], {"floating-point numbers": 1}),
    (NAME, pa.array([b"a", None]), {}, [None, None], {"bytes": 1}),
    (NAME, pa.array([{"a": 1}]), {}, [None], {"nested values": 1}),
    (NAME, pa.array([["a"]]), {}, [None], {"nested values": 1}),
    (NAME, pa.array([dt.timedelta(1)]), {}, [None], {"intervals": 1}),
    (NAME, pa.array([dt.date(2024, 1, 1)]), {}, [None], {"dates": 1}),
    (NAME, pa.array([True]), {}, [None], {"true and false": 1}),
    (NAME, UNION, {}, ["a", "5", "b", None], {"bytes": 1}),
    (NAME, pa.array(["a", "b", "a"]).dictionary_encode(), {}, ["a", "b", "a"], {}),
    # keys
    (KEY, pa.array([1.0, None, 2.5, float("nan"), 2.0**60]), {}, ["1", *[None] * 4],
     {"floating-point numbers that are not whole": 3}),
    (KEY, pa.array([D("12.00"), D("1.50")]), {}, ["12", None], {"decimals that are not whole": 1}),
    (KEY, pa.array(["1.0"]), {}, ["1.0"], {}),
    # values
    (STATUS, pa.array([1, 9, 3]), {"words": {"1": "active", "9": None}}, ["active", None, "3"], {}),
    (STATUS, NUMERIC, {"words": {"1": "active"}}, ["active", "2"], {}),
    (STATUS, pa.array([1.0, 2.5]), {"words": {"1": "active"}}, ["active", None], {"floating-point numbers": 1}),
    (FLAG, pa.array(["yes", "no"]), {"words": {"yes": "true", "no": "false"}}, [True, False], {}),
    # integers
    (COUNT, pa.array([1.0, 2.5]), {}, [1, None], {"floating-point numbers that are not whole": 1}),
    (COUNT, pa.array(["1", "1.0", "x", " 2", "0x1"]), {}, [1, 1, None, None, None], {"text that is no integer": 3}),
    (COUNT, pa.array([2**64 - 1, 1], pa.uint64()), {}, [None, 1], {"integers of more than 63 bits": 1}),
    (COUNT, pa.array([True]), {}, [None], {"true and false": 1}),
    # decimals
    (AMOUNT, pa.array([12.34, 1e-30, float("inf"), 1e20]), {}, [D("12.34"), None, None, None],
     {"decimals of more than two places": 1, "not-a-number or infinity": 1, "numbers of more than 16 digits before the point": 1}),
    (AMOUNT, pa.array(["1.005", "-1.005", "1.004", "12"]), {"rounds": 2}, [D("1.01"), D("-1.01"), D("1.00"), D("12.00")], {}),
    (AMOUNT, pa.array(["9999999999999999.995"]), {"rounds": 2}, [None], {"numbers of more than 16 digits before the point": 1}),
    (AMOUNT, pa.array(["1.005", "1,5"]), {}, [None, None], {"decimals of more than two places": 1, "text that is no number": 1}),
    (AMOUNT, pa.array([D("9999999999999999.990")]), {}, [D("9999999999999999.99")], {}),
    (AMOUNT, pa.array([3]), {}, [D("3.00")], {}),
    # booleans
    (FLAG, pa.array([0, 1, 2]), {}, [False, True, None], {"integers, neither true nor false": 1}),
    (FLAG, pa.array(["t", "FALSE", "yes"]), {}, [True, False, None], {"text, neither true nor false": 1}),
    # dates
    (BORN, pa.array(["2020-01-31", "2020-02-30", "1.2.2020"]), {}, [dt.date(2020, 1, 31), None, None],
     {"text that is no date": 1, "text of a day or an hour that there is not": 1}),
    (BORN, pa.array([0, 86400, 1], pa.timestamp("s")), {}, [dt.date(1970, 1, 1), dt.date(1970, 1, 2), None],
     {"instants where a date alone is wanted": 1}),
    (BORN, pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), {}, [None], {"dates outside the years 1 to 9999": 1}),
    # instants
    (MADE, pa.array(["2024-01-01T12:00:00Z", "2024-01-01 14:00+02", "2024-01-01 12:00:00.0000000-0000"]), {}, [noon(2024, 1, 1)] * 3, {}),
    (MADE, pa.array(["2024-07-01 14:00:00", "2024-01-01 13:00"]), HOURS, [noon(2024, 7, 1), noon(2024, 1, 1)], {}),
    (MADE, pa.array(["2024-01-01 12:00:00", "2024-01-01", "soon"]), {}, [None] * 3,
     {"instants without a zone": 1, "dates without an hour": 1, "text that is no instant": 1}),
    (MADE, pa.array([dt.datetime(2024, 1, 1)]), {}, [None], {"instants without a zone": 1}),
    (MADE, pa.array([dt.date(2024, 1, 1)]), {"zone": "UTC"}, [None], {"dates without an hour": 1}),
    (MADE, pa.array([dt.date(2024, 1, 1)]), HOURS, [dt.datetime(2023, 12, 31, 23, tzinfo=dt.UTC)], {}),
    (MADE, pa.array(["2024-10-27 02:30:00", "2024-03-31 02:30:00"]), HOURS, [None] * 2,
     {"hours that Europe/Madrid has twice or not at all": 2}),
    (MADE, pa.array([1704067200]), {}, [None], {"integers": 1}),
    (MADE, pa.array([1, 1000], pa.timestamp("ns", "UTC")), {}, [None, dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)],
     {"instants finer than a microsecond": 1}),
    (MADE, pa.array([2**63 - 1], pa.timestamp("us", "UTC")), {}, [None], {"instants outside the years 1 to 9999": 1}),
    (MADE, pa.array(["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-05:00"]), {}, [None] * 3,
     {"instants outside the years 1 to 9999": 3}),
    (MADE, pa.array(["9999-12-31T23:59:59", "9999-12-31", "0000-01-01"]), HOURS | {"zone": "America/New_York"},
     [None, dt.datetime(9999, 12, 31, 5, tzinfo=dt.UTC), None], {"instants outside the years 1 to 9999": 2}),
    # lists
    (LIST, pa.array([["a", None], None, []]), {}, [["a", None], None, []], {}),
    (LIST, pa.array(['["a", null, 1]', "[a, b]", "[]"]), {}, [["a", None, "1"], ["a", "b"], []], {}),
    (LIST, pa.array(['"openid"', "{a}", "[[1]]", "[1.5]", "openid"]), {}, [None] * 5, {"text that is no array of texts": 5}),
    (LIST, pa.array(['["\\ud800"]']), {}, [None], {"text that is no array of texts": 1}),
    (LIST, pa.array([[b"a"]]), {}, [None], {"nested values": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "stated", "expected", "misfits"), CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)])
def test_a_value_is_converted_as_stated_or_refused(name, values, stated, expected, misfits):
    table, column = name.split(".")
    conversion = Conversion(contract.load()[table][column], column.endswith("_id"), **stated)
    converted = conversion(values)
    assert converted.type == contract.ARROW[conversion.column.kind]
    assert converted.to_pylist() == expected
    assert {what: rows for (what, _), rows in conversion.misfits.items()} == misfits
    assert all(todo for _, todo in conversion.misfits)
