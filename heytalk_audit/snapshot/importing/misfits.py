"""What is wanted of a column, and the count of what does not fit: by kind and rows, never by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit import contract
from heytalk_audit.contract import Column

#: What does not fit: the kind of value, and what to do about it.
Misfit = tuple[str, str]


@dataclass(frozen=True)
class Wanted:
    """What is wanted of one column: see `Mapping`. `is_key` is whether it holds keys; `misfits` counts rows by what does not fit."""

    column: Column
    is_key: bool
    zone: str | None = None
    dates: str | None = None
    rounds: int | None = None
    nulls: tuple[str, ...] = ()
    words: dict[str, str | None] = field(default_factory=dict)
    misfits: Counter[Misfit] = field(default_factory=Counter)
    unnamed: Counter[str] = field(default_factory=Counter)  # rows of an enum that hold none of its values

    def keep(self, array: pa.Array, good: pa.Array, what: str, todo: str) -> pa.Array:
        """The values that are good; the others are counted and become null."""
        bad = pc.and_(pc.is_valid(array), pc.invert(pc.fill_null(good, False)))
        count = pc.sum(bad).as_py() or 0
        if not count:
            return array
        self.misfits[(what, todo)] += count
        return pc.if_else(bad, None, array)

    def refuse(self, array: pa.Array) -> pa.Array:
        """None of these values fits, whatever it is."""
        as_type = {"string": "TEXT", "timestamp": "TIMESTAMP WITH TIME ZONE", "integer": "BIGINT", "number": "DECIMAL(18, 2)"}
        sql = as_type.get(self.column.kind, self.column.kind.upper())
        todo = "give a JSON array of texts in the SELECT" if sql == "ARRAY" else f"convert it in the SELECT, as CAST(... AS {sql})"
        if self.column.kind == "string" and pa.types.is_floating(array.type):
            todo = "say in the SELECT how it is written as text, as CAST(CAST(... AS BIGINT) AS TEXT)"
        if self.column.kind == "timestamp" and (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
            todo = "make an instant of it in the SELECT, as to_timestamp(...)"
        count = len(array) - array.null_count
        if count:
            self.misfits[(noun(array.type), todo)] += count
        return pa.nulls(len(array), contract.ARROW[self.column.kind])


def noun(kind: pa.DataType) -> str:
    """What values of a type are called where they are refused."""
    t = pa.types
    if isinstance(kind, pa.OpaqueType):
        return f"values of the type {kind.type_name}" if kind.type_name.isidentifier() else "values of a type of the database's own"
    checks: list[tuple[Callable[[pa.DataType], bool], str]] = [
        (lambda k: isinstance(k, pa.JsonType) or t.is_nested(k), "nested values"),
        (t.is_boolean, "true and false"),
        (t.is_integer, "integers"),
        (t.is_floating, "floating-point numbers"),
        (t.is_decimal, "decimals"),
        (t.is_date, "dates"),
        (t.is_timestamp, "instants"),
        (t.is_time, "times of day"),
        (lambda k: t.is_duration(k) or t.is_interval(k), "intervals"),
        (t.is_string, "text of another form"),
    ]
    return next((name for holds, name in checks if holds(kind)), "bytes")
