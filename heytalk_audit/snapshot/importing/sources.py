"""Where a SELECT of a mapping runs. Each source reads only, whatever it is asked, for a bounded time, and hands out Arrow batches."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from heytalk_audit.errors import InputError, nearest
from heytalk_audit.snapshot.importing.selects import Select

#: Rows of a batch.
ROWS = 16_384
#: To be closed by whoever does not read to the end.
Batches = Generator[pa.RecordBatch, None, None]


class Source(Protocol):
    """A place that SELECTs run on. `notes` are what its user should know of it."""

    notes: list[str]

    def refuse(self, where: str, select: Select) -> None:
        """Raise InputError where the SELECT reads what an import may not, or what is not there."""

    def batches(self, where: str, select: Select) -> Batches:
        """What the SELECT yields, a batch at a time, one at least. Raises InputError."""

    def close(self) -> None:
        """Let go of it."""


@dataclass
class Deadline:
    """Until when an import may take, in minutes from now."""

    minutes: float
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.minutes * 60

    @property
    def seconds(self) -> float:
        """What is left, at least a moment."""
        return max(self._end - time.monotonic(), 0.001)

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._end

    def error(self, where: str) -> InputError:
        return InputError(where, f"takes longer than {self.minutes:g} minutes", "narrow the SELECT, or raise limits.minutes in the mapping")


def source_error(where: str, select: Select, error: Exception, kind: str | None = None) -> InputError:
    """A source's refusal in words of the mapping's own: engines quote values in theirs, of which only names in the SELECT are taken."""
    # an engine's own line: what comes after it, or before PostgreSQL's, repeats the SELECT
    text = next(iter(str(error).rpartition("ERROR:")[2].splitlines()), "")
    words = {w.lower() for w in re.findall(r"\w+", text)}
    names = sorted(n for n in select.names if n.lower() in words and n.isidentifier())
    line = re.search(r"\bline:? (\d+)", text, re.I) if "CSV" in text else None
    about = ", ".join([*names[:3], *([f"line {line[1]} of the file"] if line else [])])
    what = kind or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return InputError(where, f"the source refuses the SELECT ({what}{': ' if about else ''}{about})", "mend the SELECT")


def refuse_tables(where: str, select: Select, tables: Iterable[tuple[str, str]]) -> None:
    """Raise InputError for a table that the source does not have; `tables` are its own, as (schema, name)."""
    there = {(s.lower(), n.lower()) for s, n in tables}
    names = {n for _, n in there}
    for schema, name in select.tables:
        if not schema and name.lower() in select.local:
            continue
        if (schema.lower(), name.lower()) not in there and not (not schema and name.lower() in names):
            if not name.isidentifier():
                raise InputError(where, "reads what is no table of the source", "name a table")
            raise InputError(where, f"the source has no table {name[:60]}", nearest(name, names) if names else "name a table of the source")


def file_of(base: Path, place: str, what: str) -> Path:
    """The file that a mapping names, relative to itself. Raises InputError for what is none."""
    path = (base / place).absolute()
    if not path.is_file():
        raise InputError(f"mapping source.{what}", "no such file", "name the database file, relative to the mapping")
    return path


def typed_batch(batch: pa.RecordBatch, kinds: dict[int, pa.DataType]) -> pa.RecordBatch:
    """The batch with some columns marked as of another type, by their positions."""
    arrays: list[Any] = list(batch.columns)
    for position, kind in kinds.items():
        arrays[position] = pa.ExtensionArray.from_storage(kind, arrays[position])
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
