"""Names that a delivery gave to columns and files of its own: a report shows them only where they are plain names.

A column that is named by an address, a number or a person would carry these into the report, as its values never may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from heytalk_audit import contract

_PLAIN = re.compile(r"[^\W\d]\w{0,62}")
#: A name with more digits may be somebody's number.
_MOST_DIGITS = 5
_LETTER, _DIGIT, _ODD = re.compile(r"[^\W\d_]"), re.compile(r"\d"), re.compile(r"[^\x20-\x7e]")
#: Characters of a masked name.
_LONGEST = 40


def plain_name(name: str) -> str:
    """A name, or `table.column`, as a report may show it: where it is no plain name its shape, `a` for a letter and `9` for a digit."""
    table, _, column = name.partition(".")
    if column and table in contract.load():
        return f"{table}.{_part(column)}"
    return ".".join(map(_part, name.split("."))) if all(map(_is_plain, name.split("."))) else _masked(name)


def plain_names(columns: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Columns by table, all as a report may show them."""
    plain: dict[str, list[str]] = {}
    for table, names in columns.items():
        plain.setdefault(_part(table), []).extend(map(_part, names))
    return plain


def _part(name: str) -> str:
    return name if _is_plain(name) else _masked(name)


def _is_plain(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and len(_DIGIT.findall(name)) <= _MOST_DIGITS


def _masked(name: str) -> str:
    return _ODD.sub("?", _DIGIT.sub("9", _LETTER.sub("a", name)))[:_LONGEST]
