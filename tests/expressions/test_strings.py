"""What is blank and how letters are made small: as Python says it, on every engine."""

from __future__ import annotations

import string

import ibis
import pytest

from heytalk_audit.expressions.strings import blank, lower, raised
from heytalk_audit.snapshot.engines import connect

WHITE = "\t\n\x0b\x0c\r \u00a0\u3000"
#: First characters on both sides of each limit that a comparison may be made with, and some that look like white space.
FIRST = "\x01\x08\x0e\x1f!~\x7f\x9f\u00a1\u200b\u2003\u2028\u2fff\u3001\ufeffa0-\u00e9\u674e\U0001f600"
VALUES = [None, "", WHITE, *WHITE, *(c + "x" for c in WHITE), *("x" + c for c in WHITE), *(c * 2 for c in WHITE), *FIRST]
VALUES += [c + " " for c in FIRST] + [" " + c for c in FIRST] + ["\u00a0\u3001", "\u3000\u00a1", "\u3000 "]
LETTERS = ["", "aZ", "A\u00c4", "\u00e4b", "\u0130stanbul", "\u212aelvin", "stra\u00dfe", "\u1e9e", "\u017f", "\u0131A", "A1_\u3000", None]


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=[pytest.mark.spark, pytest.mark.xdist_group("spark-0")])])
def engine(request):
    return connect() if request.param == "duckdb" else request.getfixturevalue("spark")


def values_on(engine, values, **columns):
    """The rows of the columns, each a function of the value, in the order of the values."""
    table = ibis.memtable({"n": list(range(len(values))), "s": values}, schema={"n": "int64", "s": "string"})
    rows = engine.backend.to_pyarrow(table.select("n", **{name: make(table.s) for name, make in columns.items()})).to_pylist()
    return sorted(rows, key=lambda row: row["n"])


def test_blank_is_what_holds_nothing_but_white_space(engine):
    rows = values_on(engine, VALUES, blank=blank, not_blank=lambda s: ~blank(s))
    wrong = [value for value, row in zip(VALUES, rows, strict=True) if row["blank"] is not (not (value or "").strip(WHITE))]
    assert wrong == []
    assert all(row["not_blank"] is not row["blank"] for row in rows)


def test_only_latin_letters_change(engine):
    rows = values_on(engine, LETTERS, small=lower, large=raised)
    small = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
    large = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
    assert [row["small"] for row in rows] == [value and value.translate(small) for value in LETTERS]
    assert [row["large"] for row in rows] == [value and value.translate(large) for value in LETTERS]
