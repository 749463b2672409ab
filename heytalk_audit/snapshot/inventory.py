"""What each column of a table is: its kind, how many values it holds, and whether these are words for none. No value comes out of it."""

from __future__ import annotations

from typing import Any

from heytalk_audit.expressions.fillers import NULL_WORDS
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.quoting import literal, name

#: What counts as blank, as in `expressions.strings`.
_BLANKS = "".join(map(chr, (*range(9, 14), 32, 0xA0, 0x3000)))
#: Characters of a text that is long.
_LONG = 100
_NUMBERS = (
    *(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")),
    "INTEGER",
    "UINTEGER",
    "FLOAT",
    "DOUBLE",
)
_FLAGS = ("true", "false", "t", "f", "yes", "no", "y", "n")


def taken(duck: Duck, source: str) -> dict[str, dict[str, Any]]:
    """Per column: `kind` (text, number, boolean, time, list, binary), how many `values` it holds, how many `null_words`, and `long`.

    Blanks and null words are no values, and neither is an empty list. Text that is all numbers or flags is of that kind. A text is `long`
    where most of its values have more than a hundred characters.
    """
    con = duck.backend.con
    kinds = {row[0]: _kind(row[1]) for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    facts = [fact for column, kind in kinds.items() for fact in _facts(name(column), kind)]
    counts = iter(con.execute(f"SELECT {', '.join(facts)} FROM {source}").fetchall()[0]) if facts else iter(())
    return {column: _described(kind, *(int(next(counts)) for _ in range(5))) for column, kind in kinds.items()}


def _kind(stored: str) -> str:
    """The kind of a column by the type that DuckDB reads it as."""
    if stored.endswith("]") or stored.startswith(("STRUCT", "MAP", "UNION")):
        return "list"
    if stored in _NUMBERS or stored.startswith("DECIMAL"):
        return "number"
    if stored.startswith(("DATE", "TIME", "INTERVAL")):
        return "time"
    return {"BOOLEAN": "boolean", "BLOB": "binary"}.get(stored, "text")


def _facts(column: str, kind: str) -> list[str]:
    """SQL that counts values, null words, numbers, flags, and long texts."""
    if kind == "list":
        return [f"count(*) FILTER (CAST({column} AS VARCHAR) NOT IN ('[]', '{{}}'))", *["0"] * 4]
    if kind == "binary":
        return [f"count(*) FILTER (octet_length({column}) > 0)", *["0"] * 4]
    if kind != "text":
        return [f"count({column})", *["0"] * 4]
    bare = f"trim(CAST({column} AS VARCHAR), {literal(_BLANKS)})"
    words = ", ".join(literal(word) for word in NULL_WORDS)
    return [
        f"count(*) FILTER ({bare} NOT IN ('', {words}))",
        f"count(*) FILTER ({bare} IN ({words}))",
        f"count(*) FILTER ({bare} NOT IN ('', {words}) AND try_cast({bare} AS DOUBLE) IS NOT NULL)",
        f"count(*) FILTER (lower({bare}) IN ({', '.join(literal(flag) for flag in _FLAGS)}))",
        f"count(*) FILTER (length({bare}) > {_LONG})",
    ]


def _described(kind: str, values: int, null_words: int, numbers: int, flags: int, long: int) -> dict[str, Any]:
    if values and numbers == values:
        kind = "number"
    elif values and flags == values:
        kind = "boolean"
    return {"kind": kind, "values": values, "null_words": null_words, "long": 2 * long > values}
