"""What happened to a person, and when: the instants of each table's rows in words, from `timeline.yaml`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from heytalk_audit import contract
from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.canonical import parse_yaml
from heytalk_audit.contract import Column, Table
from heytalk_audit.snapshot.engines import Engine

_NAMED = re.compile(r"\{([a-z_]+)\}")
#: A value that may be shown is a word of this kind: whatever else stands in its column is not shown.
_WORD = re.compile(r"[\w.:/()-]{1,60}")


@dataclass(frozen=True)
class TableEvents:
    """Of one table: the column at whose instant a row begins, what its instants say, and which columns hold only what was last so."""

    begins: str | None = None
    events: Mapping[str, str] = field(default_factory=dict)
    states: Sequence[str] = ()
    last: Sequence[str] = ()
    through: str | None = None


def _tables() -> dict[str, TableEvents]:
    text = files(__package__).joinpath("timeline.yaml").read_text("utf-8")
    return {name: TableEvents(**about) for name, about in parse_yaml(text).items()}


TABLES = _tables()


@dataclass(frozen=True, order=True)
class Event:
    """One thing that happened: when (UTC), the table and the row's pseudonym that say so, and what, in words."""

    at: dt.datetime
    table: str
    record: str
    event: str

    def plain(self) -> dict[str, str]:
        """As JSON holds it."""
        return {"at": instant_text(self.at), "table": self.table, "record": self.record, "event": self.event}


def instant_text(instant: dt.datetime) -> str:
    """An instant in UTC as ISO 8601 writes it; fractions of a second only where there are any."""
    return instant.replace(tzinfo=None).isoformat() + "Z"


def events_of(tables: Mapping[str, ir.Table], key: bytes, engine: Engine) -> list[Event]:
    """Everything that has a time in a person's rows, in the order of time."""
    return sorted(event for name, rows in tables.items() for event in _events(name, rows, key, engine))


def _events(name: str, rows: ir.Table, key: bytes, engine: Engine) -> Iterator[Event]:
    about, table = TABLES[name], contract.load()[name]
    instants = {column: says for column, says in about.events.items() if column in rows.columns}
    if not instants or table.key not in rows.columns:
        return
    shown = {word for says in instants.values() for word in _NAMED.findall(says)} & {*rows.columns}
    for row in engine.rows(rows.select(*{table.key, *instants, *shown})).to_dict("records"):
        record = str(pseudonym(key, f"{name}:{row[table.key]}"))
        for column, says in instants.items():
            if not pd.isna(row[column]):
                yield Event(_instant(row[column]), name, record, _in_words(says, table, row))


def _in_words(says: str, table: Table, row: Mapping[Any, Any]) -> str:
    return _NAMED.sub(lambda word: shown_word(table[word[1]], row.get(word[1])), says)


def _instant(value: Any) -> dt.datetime:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else dt.datetime.combine(value, dt.time())


def shown_word(column: Column, value: Any) -> str:
    """A value as a timeline shows it: of a column with a list of values, or of one that reports may show."""
    if value is None or (not isinstance(value, list) and pd.isna(value)):
        return "(none)"
    listed = column.values or column.shown_values
    is_shown = value in listed if listed else column.shown and bool(_WORD.fullmatch(str(value)))
    return str(value) if is_shown else "(other)"
