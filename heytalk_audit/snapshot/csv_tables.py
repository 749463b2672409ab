"""CSV files as Parquet, in the contract's types: what cannot be read as its type is null there, and marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from heytalk_audit.contract import Column
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import csv_form
from heytalk_audit.snapshot.csv_faults import fault_of_csv
from heytalk_audit.snapshot.csv_form import CsvFault, CsvForm
from heytalk_audit.snapshot.delivery import DeliveredPart
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.folders import folded
from heytalk_audit.snapshot.quoting import literal, name
from heytalk_audit.snapshot.values import UNREADABLE, holds_any, parsed


@dataclass(frozen=True)
class Converted:
    """A CSV file as Parquet: the file, its columns, and how many values of each could not be read as its type.

    A column of which none could (`untyped`) is kept as text; of any other a column `unreadable_<name>` says in which rows.
    """

    file: Path
    columns: tuple[str, ...]
    unreadable: dict[str, int]
    untyped: frozenset[str]


def convert(duck: Duck, part: DeliveredPart, folder: Path, work: Path) -> Converted:
    """The CSV file of a table as Parquet under `work`. Raises InputError, one line with the place and the cause, where it is no CSV."""
    con, target = duck.backend.con, work / f"{part.table.name}.parquet"
    with opened(part, folder, work) as form:
        _refuse_marks(form)
        con.execute(f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT * FROM {form.source}")
        refuse_surplus(duck, form)
    typed = [c for c in part.table.columns if c.name in form.columns]
    counts = [f"count(*) FILTER ({holds_any(name(c.name), c)}), count({parsed(c, name(c.name))})" for c in typed]
    row = iter(con.execute(f"SELECT {', '.join(counts)} FROM delivered").fetchall()[0])
    filled = {c.name: (next(row), next(row)) for c in typed}
    unreadable = {column: held - read for column, (held, read) in filled.items() if held > read}
    untyped = frozenset(column for column in unreadable if not filled[column][1])
    others = [name(c) for c in form.columns if c not in part.table]
    selected = [*(select for c in typed for select in _selected(c, unreadable, untyped)), *others]
    con.execute(f"COPY (SELECT {', '.join(selected)} FROM delivered) TO {literal(target)} (FORMAT parquet)")
    con.execute("DROP TABLE delivered")
    return Converted(target, form.columns, unreadable, untyped)


def _selected(column: Column, unreadable: dict[str, int], untyped: frozenset[str]) -> Iterator[str]:
    text = name(column.name)
    value = text if column.name in untyped else parsed(column, text)
    yield f"{value} AS {text}"
    if column.name in unreadable and column.name not in untyped:
        yield f"({holds_any(text, column)}) AND ({value}) IS NULL AS {name(UNREADABLE + column.name)}"


def _refuse_marks(form: CsvForm) -> None:
    for number, column in enumerate(form.columns, 1):
        if folded(column).startswith(UNREADABLE):
            raise CsvFault(1, number, f"the column has a name that begins with {UNREADABLE}, as marks of wrong values do", "rename it")


def refuse_surplus(duck: Duck, form: CsvForm) -> None:
    """Raise CsvFault where a record has a field too many, be it empty."""
    fault = fault_of_csv(form) if duck.backend.con.execute(form.surplus).fetchall()[0][0] else None
    if fault:
        raise fault


@contextmanager
def opened(part: DeliveredPart, folder: Path, work: Path) -> Iterator[CsvForm]:
    """The form of a table's CSV file. Where the engine refuses the file within, InputError says the line, the column and the cause."""
    where = f"snapshot {folder.name}/{part.path.relative_to(folder)}"
    try:
        form = csv_form.form_of_csv(part.path, [c.name for c in part.table.columns], work)
        try:
            yield form
        except duckdb.Error as error:
            refuse_failure(error)
            raise fault_of_csv(form) or _as_the_engine_says(error) from error
    except CsvFault as fault:
        raise InputError(where, fault.cause, fault.todo) from fault


def _as_the_engine_says(error: duckdb.Error) -> CsvFault:
    """A fault of which the engine knows no more than the line: its message quotes the file."""
    line = re.search(r"Line: ([0-9]+)", str(error))
    return CsvFault(int(line[1]) if line else 1, 1, "the file cannot be read as CSV from here on", "compare the line with RFC 4180")
