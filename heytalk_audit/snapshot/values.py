"""How a delivered value becomes one of the contract's type, as SQL: null where it is none, which makes it a wrong value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from heytalk_audit.contract import Column
from heytalk_audit.snapshot.quoting import literal

#: Blanks that stand around a value of a type other than text, and mean nothing.
_TRIMMED = "trim({text}, chr(9) || chr(10) || chr(13) || ' ')"
_ZONED = r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?([Zz]|UTC|[+-](0\d|1[0-8])(:?[0-5]\d)?)"
_DAY = r"\d{4}-\d{2}-\d{2}([Tt ]00:00(:00(\.0+)?)?)?"
_INTEGER = r"[+-]?\d+(\.0*)?"
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
#: A list as DuckDB writes it, and not one within another: `[a, b]`.
_LIST = r"\[\s*([^\s\[{].*[^\s,]|[^\s\[\]{},])?\s*\]"
#: A prefix of columns that say whether the value of another could not be read as its type.
UNREADABLE = "unreadable_"


@dataclass(frozen=True)
class WrongValues:
    """Columns in which some values are none of their type, and whether the files hold a mark beside each, as those made of CSV do.

    With `with_marks` a table has such a column more for each of them: whether the row's value is wrong.
    """

    places: Mapping[str, bool] = field(default_factory=dict)
    with_marks: bool = False

    @staticmethod
    def mark(column: str) -> str:
        """The name of the column that says in which rows the value of another is wrong."""
        return UNREADABLE + column

    def condition(self, column: str, value: str, read: str) -> str:
        """That a row's value is wrong, in SQL: `value` is the column as an engine writes its name, `read` what is made of it."""
        return value.replace(column, self.mark(column)) if self.places[column] else f"({value} IS NOT NULL AND ({read}) IS NULL)"


#: Every value is of its type.
NONE = WrongValues()


def may_be_wrong(column: Column, stored: pa.DataType) -> bool:
    """Whether a column that is stored in a type that fits may still hold values that are none of the contract's."""
    t = pa.types
    if column.kind in ("timestamp", "date"):
        return not t.is_null(stored)
    return column.kind in ("number", "integer") and not (t.is_null(stored) or (t.is_integer(stored) and not t.is_uint64(stored)))


def readable(column: Column, value: str, instant: str = "TIMESTAMP") -> str:
    """A stored value that fits its column, in SQL of any engine: null outside the years 1 to 9999 and outside a number's type.

    `value` is an instant without zone, in UTC; `instant` is what the engine calls its type.
    """
    match column.kind:
        case "timestamp":
            first, last = f"{instant} '0001-01-01 00:00:00'", f"{instant} '9999-12-31 23:59:59.999999'"
            return f"CASE WHEN {value} BETWEEN {first} AND {last} THEN {value} END"
        case "date":
            return f"CASE WHEN {value} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {value} END"
        # not TRY_CAST alone: by a file's own statistics DuckDB takes it for never null where its argument never is. NaN is no less than any
        case "number":
            limit = 10**16
            return f"CASE WHEN {value} > -{limit} AND {value} < {limit} THEN TRY_CAST({value} AS DECIMAL(18, 2)) END"
        case "integer":
            return f"CASE WHEN {value} <= {2**63 - 1} THEN TRY_CAST({value} AS BIGINT) END"
    return value


def parsed(column: Column, text: str) -> str:
    """The SQL of DuckDB that reads text as the contract's type. Where it is blank there is no value, unless the column is one of text."""
    trimmed = _TRIMMED.format(text=text)
    match column.kind:
        case "string":
            return text
        case "timestamp":
            # one form, which the engine knows: a space, and the zone behind it at once
            form = rf"regexp_replace(replace(upper({trimmed}), 'UTC', 'Z'), '^(.{{10}})T?\s*(\S+?)\s*(Z|[+-].*)$', '\1 \2\3')"
            utc = f"(TRY_CAST({form} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
            return f"({_where(trimmed, _ZONED, readable(column, utc))} AT TIME ZONE 'UTC')"
        case "date":
            return _where(trimmed, _DAY, readable(column, f"TRY_CAST({trimmed} AS DATE)"))
        case "number":
            return _where(trimmed, _NUMBER, f"TRY_CAST({trimmed} AS DECIMAL(18, 2))")
        case "integer":
            return _where(trimmed, _INTEGER, f"TRY_CAST({trimmed} AS BIGINT)")
        case "boolean":
            return f"TRY_CAST({trimmed} AS BOOLEAN)"
        case "array":
            return _array(trimmed)
    raise ValueError(column.kind)


def holds_any(text: str, column: Column) -> str:
    """The SQL that says whether text holds anything to be read: it is neither null nor, in a column of another type than text, blank."""
    return f"{text} IS NOT NULL" if column.kind == "string" else f"coalesce({_TRIMMED.format(text=text)} <> '', false)"


def _where(text: str, pattern: str, value: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN {value} END"


def _array(text: str) -> str:
    """A JSON array of values, or a list as DuckDB writes it; what lies deeper is no text."""
    json = f"TRY_CAST({text} AS JSON)"
    nested = f"len(list_filter(json_extract({json}, '$[*]'), lambda item: json_type(item) IN ('ARRAY', 'OBJECT'))) > 0"
    of_json = f"CASE WHEN json_type({json}) = 'ARRAY' AND NOT ({nested}) THEN TRY_CAST({json} AS VARCHAR[]) END"
    return f"CASE WHEN {json} IS NOT NULL THEN {of_json} ELSE {_where(text, _LIST, f'TRY_CAST({text} AS VARCHAR[])')} END"
