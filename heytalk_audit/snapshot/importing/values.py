"""From a source's values to the contract's types, and nothing in silence: what is no value of a type is refused by kind and number.

All is Arrow, a batch at a time. Text stays text; an integer may become text; a float that is whole may become an integer or a key, another
never; bytes, nested values and intervals are never text. Decimals are rounded, instants without a zone take one and dates become instants
only where the mapping says so.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit import contract
from heytalk_audit.snapshot.importing.instants import to_dates, to_instants
from heytalk_audit.snapshot.importing.mapping import word
from heytalk_audit.snapshot.importing.misfits import Wanted, noun

#: Whole floats below this are exact.
_EXACT = float(2**53)
#: Amounts lie below this: sixteen digits before the point.
_AMOUNT = Decimal(10) ** 16
_CENT = Decimal("0.01")
_TRUE, _FALSE = pa.array(["1", "true", "t"]), pa.array(["0", "false", "f"])


@dataclass(frozen=True)
class Conversion(Wanted):
    """How one column is converted."""

    def __call__(self, array: pa.Array) -> pa.Array:
        """The values in the contract's type; null where one is null or does not fit, which is counted."""
        array = _plain(array)
        if pa.types.is_null(array.type):
            return pa.nulls(len(array), contract.ARROW[self.column.kind])
        if pa.types.is_union(array.type):
            return self._each_type(array)
        if self.nulls and pa.types.is_string(array.type):
            array = pc.if_else(pc.is_in(array, pa.array(self.nulls)), None, array)
        if self.words and (texts := _words_of(array)) is not None:
            return self._worded(array, texts)
        return self._typed(array)

    def _each_type(self, array: pa.UnionArray) -> pa.Array:
        """A column whose rows have several types, as SQLite's may: each by its own."""
        codes, rows, parts = np.asarray(array.type_codes), [], []
        for position, code in enumerate(array.type.type_codes):
            at = np.flatnonzero(codes == code)
            within = np.asarray(array.offsets)[at] if array.type.mode == "dense" else at
            rows.append(at)
            parts.append(self(array.field(position).take(pa.array(within))))
        return pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(rows), kind="stable")))

    def _worded(self, array: pa.Array, texts: pa.Array) -> pa.Array:
        """A column of which the mapping says what its values mean; a value of which it says nothing is taken as any other."""
        at = pc.index_in(texts, pa.array(list(self.words)))
        meant = self._typed(pa.array(list(self.words.values()), pa.string()).take(at))
        # chosen by position, as kernels that choose by value know no type of a database's own, such as PostgreSQL's numeric
        others = pc.if_else(pc.is_valid(at), None, pa.array(np.arange(len(array))))
        return pc.if_else(pc.is_valid(at), meant, self._typed(array.take(others)))

    def _typed(self, array: pa.Array) -> pa.Array:
        try:
            converted = _CONVERSIONS[self.column.kind](self, array)
        except pa.ArrowInvalid:
            converted = self.refuse(array)
        if self.column.values:
            others = pc.and_(pc.is_valid(converted), pc.invert(pc.is_in(converted, pa.array(["", *self.column.values]))))
            self.unnamed[self.column.name] += pc.sum(others).as_py() or 0
        return converted


def _plain(array: pa.Array) -> pa.Array:
    """The array without an encoding of its own, texts of one type; PostgreSQL's numeric as it is."""
    t = pa.types
    if t.is_dictionary(array.type):
        # as an enum comes
        return _plain(array.dictionary_decode())
    if t.is_large_string(array.type) or t.is_string_view(array.type):
        return array.cast(pa.string())
    if isinstance(array.type, pa.UuidType):
        return pa.array([v if v is None else str(uuid.UUID(bytes=v)) for v in array.storage.to_pylist()], pa.string())
    return array


def _is_numeric(kind: pa.DataType) -> bool:
    """Whether it is PostgreSQL's numeric, whose digits come as text."""
    return isinstance(kind, pa.OpaqueType) and kind.type_name == "numeric"


def _words_of(array: pa.Array) -> pa.Array | None:
    """Scalars as the texts that keys of `values` are compared with; null where the type has none."""
    t = pa.types
    if t.is_string(array.type):
        return array
    if t.is_integer(array.type) or t.is_boolean(array.type):
        return array.cast(pa.string())
    if t.is_floating(array.type):
        return pa.array([None if v is None else word(v) for v in array.to_pylist()], pa.string())
    if t.is_decimal(array.type) or _is_numeric(array.type):
        return pc.replace_substring_regex(_digits(array), r"\.0*$|(\.\d*?[1-9])0+$", r"\1")
    return None


def _digits(array: pa.Array) -> pa.Array:
    """Decimals as their digits."""
    return array.storage.cast(pa.string()) if _is_numeric(array.type) else array.cast(pa.string())


def _text(c: Wanted, array: pa.Array) -> pa.Array:
    t = pa.types
    if t.is_string(array.type):
        return array
    if t.is_integer(array.type):
        return array.cast(pa.string())
    if t.is_floating(array.type) and c.is_key:
        return _whole(c, array).cast(pa.string())
    if t.is_decimal(array.type) or _is_numeric(array.type):
        return _whole_digits(c, array)
    return c.refuse(array)


def _whole(c: Wanted, array: pa.Array) -> pa.Array:
    """Floats that are whole, as integers."""
    array = array.cast(pa.float64())
    good = pc.and_(pc.is_finite(array), pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), _EXACT)))
    return c.keep(array, good, "floating-point numbers that are not whole", "mend the source, or convert it in the SELECT").cast(pa.int64())


def _whole_digits(c: Wanted, array: pa.Array) -> pa.Array:
    """Decimals that are whole, as their digits before the point."""
    texts = _digits(array)
    todo = "say in the SELECT how it is written, as CAST(... AS TEXT)"
    texts = c.keep(texts, pc.match_substring_regex(texts, r"^-?\d+(\.0*)?$"), "decimals that are not whole", todo)
    return pc.replace_substring_regex(texts, r"\.0*$", "")


def _integer(c: Wanted, array: pa.Array) -> pa.Array:
    t = pa.types
    if t.is_integer(array.type):
        if t.is_uint64(array.type):
            array = c.keep(
                array, pc.less_equal(array, pa.scalar(2**63 - 1, pa.uint64())), "integers of more than 63 bits", "mend the source"
            )
        return array.cast(pa.int64())
    if t.is_floating(array.type):
        return _whole(c, array)
    if t.is_string(array.type) or t.is_decimal(array.type) or _is_numeric(array.type):
        texts = _whole_digits(c, array) if not t.is_string(array.type) else array
        good = pc.match_substring_regex(texts, r"^-?\d{1,18}(\.0+)?$")
        texts = c.keep(
            texts,
            good,
            "text that is no integer" if t.is_string(array.type) else "integers of more than 18 digits",
            "convert it in the SELECT",
        )
        return pc.replace_substring_regex(texts, r"\.0+$", "").cast(pa.int64())
    return c.refuse(array)


def _number(c: Wanted, array: pa.Array) -> pa.Array:
    t = pa.types
    if not (
        t.is_integer(array.type)
        or t.is_floating(array.type)
        or t.is_decimal(array.type)
        or t.is_string(array.type)
        or _is_numeric(array.type)
    ):
        return c.refuse(array)
    texts = (
        pa.array([None if v is None else repr(v) for v in array.to_pylist()], pa.string()) if t.is_floating(array.type) else _digits(array)
    )
    good = pc.match_substring_regex(texts, r"^[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?$")
    what = "text that is no number" if t.is_string(array.type) else "not-a-number or infinity"
    texts = c.keep(texts, good, what, "convert it in the SELECT, or name it under nulls")
    amounts = [None if v is None else Decimal(v) for v in texts.to_pylist()]
    fits = pa.array([v is None or (abs(v) < _AMOUNT and abs(v.quantize(_CENT, ROUND_HALF_UP)) < _AMOUNT) for v in amounts])
    texts = c.keep(texts, fits, "numbers of more than 16 digits before the point", "mend the source")
    if c.rounds is None:
        fits = pa.array([v is None or abs(v) >= _AMOUNT or v == v.quantize(_CENT, ROUND_HALF_UP) for v in amounts])
        texts = c.keep(texts, fits, "decimals of more than two places", "add rounds: 2 to the mapping, to have them rounded half up")
    rounded = [None if v is None else Decimal(v).quantize(_CENT, ROUND_HALF_UP) for v in texts.to_pylist()]
    return pa.array(rounded, contract.ARROW["number"])


def _boolean(c: Wanted, array: pa.Array) -> pa.Array:
    t = pa.types
    if t.is_boolean(array.type):
        return array
    texts = None if t.is_date(array.type) else _words_of(array)
    if texts is None:
        return c.refuse(array)
    texts = pc.utf8_lower(texts)
    true = pc.is_in(texts, _TRUE)
    good = pc.or_(true, pc.is_in(texts, _FALSE))
    texts = c.keep(
        texts,
        good,
        f"{noun(array.type)}, neither true nor false".replace("text of another form", "text"),
        "say what they mean under values",
    )
    return pc.if_else(pc.is_null(texts), None, true)


def _list(c: Wanted, array: pa.Array) -> pa.Array:
    t, kind = pa.types, array.type
    if isinstance(kind, pa.JsonType) or t.is_string(kind):
        texts = array.storage.cast(pa.string()) if isinstance(kind, pa.JsonType) else array
        lists = [None if v is None else _items(v) for v in texts.to_pylist()]
        good = pa.array([items is not None for items in lists])
        c.keep(texts, good, "text that is no array of texts", "give a JSON array of texts in the SELECT")
        return pa.array(lists, contract.ARROW["array"])
    if t.is_fixed_size_list(kind) or t.is_large_list(kind):
        array, kind = array.cast(pa.list_(kind.value_type)), pa.list_(kind.value_type)
    if t.is_list(kind) and (
        t.is_string(kind.value_type) or t.is_large_string(kind.value_type) or t.is_integer(kind.value_type) or t.is_null(kind.value_type)
    ):
        return array.cast(contract.ARROW["array"])
    return c.refuse(array)


def _items(text: str) -> list[str | None] | None:
    """The items of an array in text, a JSON array or DuckDB's `[a, b]`; null where it is none. Items are texts, integers or null."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        plain = text.startswith("[") and text.endswith("]") and not set(text[1:-1]) & set("[]{}'\"\\")
        return [None if item == "NULL" else item for item in text[1:-1].split(", ")] if plain and text[1:-1].strip() else None
    if not isinstance(items, list) or any(isinstance(i, bool) or not isinstance(i, str | int | None) for i in items):
        return None
    texts = [None if i is None else str(i) for i in items]
    # JSON can spell halves of characters, which no text holds
    return None if any("\ud800" <= c <= "\udfff" for c in "".join(filter(None, texts))) else texts


_CONVERSIONS: dict[str, Callable[[Wanted, Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": to_dates,
    "timestamp": to_instants,
    "array": _list,
}
