"""What stays closed in a case, and how two people open it: clear values, special categories, other people's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence import custody
from heytalk_audit.registers.persons import same_person

#: What stands for characters that are not shown. A value of fewer characters than these is hidden whole.
HIDDEN, _SHORTEST = "•••", 4


@dataclass(frozen=True)
class Opening:
    """Whether clear values are shown; then who the second person is, and why."""

    is_open: bool = False
    second: str = ""
    reason: str = ""

    def logged(self) -> dict[str, str]:
        """What the log says of it."""
        return {"opened_by_second": self.second, "reason": self.reason} if self.is_open else {}


CLOSED = Opening()


def opening_of(clear: bool, second: str, reason: str, by: str) -> Opening:
    """An opening as a command states it. Raises InputError where the second person or the reason is missing, or the two are one."""
    if not clear:
        if second.strip() or reason.strip():
            raise InputError("--second" if second.strip() else "--reason", "opens nothing without --clear", "add --clear, or leave it out")
        return CLOSED
    stated = {name: custody.stated_text(f"--{name}", text) for name, text in (("second", second), ("reason", reason))}
    if same_person(stated["second"], by):
        raise InputError("--second", "is the person who investigates", "name another person, who looks on")
    return Opening(True, **stated)


def clear_cells(rows: pd.DataFrame) -> list[list[str | None]]:
    """Rows that two people opened, as the cells of a table: values as text, those of a list one after another, null where there is none."""
    return [[_clear(value) for value in row] for row in rows.astype(object).values.tolist()]


def _clear(value: Any) -> str | None:
    if pd.api.types.is_list_like(value):
        return ", ".join(printable(one) for one in value)
    return None if pd.isna(value) else printable(value)


def masked(kind: str, value: str) -> str:
    """A value that a person recognises who knows it, and nobody else reads."""
    text = printable(value)
    name, at, domain = text.rpartition("@")
    if kind != "email" or not at:
        return _first(text)
    host, dot, top = domain.rpartition(".")
    return f"{_first(name)}@{_first(host)}{dot}{top}" if dot and top.isalpha() and len(top) < 12 else f"{_first(name)}@{_first(domain)}"


def _first(text: str) -> str:
    return HIDDEN if len(text) < _SHORTEST else text[0] + HIDDEN
