"""Files of rows by pseudonym (exceptions, and what a run carries of them) as they are read again: by SQL over the files.

A file may have millions of rows. What leaves DuckDB are counts, first rows, and rows in batches of a bounded size; what a query needs
beyond its memory it writes to a private folder. Nothing that Python holds grows with a file.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.audit.exceptions import EXCEPTIONS
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.disk.working import working_folder
from heytalk_audit.snapshot.locked import locked
from heytalk_audit.snapshot.quoting import literal
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Outcome

#: What DuckDB may take before it writes to its folder; six million rows of two runs are compared in 300 MB.
MEMORY = "512MB"
#: How many rows leave it at once.
BATCH = 20_000
#: No text in a row of a run is longer.
_LONGEST = 10_000


class RowReader:
    """DuckDB over files of rows in these folders, and no other; `spill` is a private one for what exceeds its memory."""

    def __init__(self, spill: Path, folders: Iterable[Path], memory: str = MEMORY):
        threads = min(4, os.cpu_count() or 1)  # each has buffers of its own
        options = {"memory_limit": memory, "threads": threads, "temp_directory": str(spill)}
        self._engine = locked(folders, options, begin=lambda connection: connection)

    def close(self) -> None:
        """Let go of memory and of what was written to the folder."""
        self._engine.close()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query that leaves a few: counts, or the first rows."""
        return list(self.each(sql))

    def each(self, sql: str) -> Iterator[dict[str, Any]]:
        """The rows of a query, one by one, of any number."""
        for batch in self.batches(sql):
            yield from batch.to_pylist()

    def batches(self, sql: str, size: int = BATCH) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches."""
        # a cursor of its own, as another query may run between two batches
        yield from self._engine.cursor().sql(sql).to_arrow_reader(size)

    def columns(self, sql: str) -> list[str]:
        """The columns of a query, which is not run."""
        return list(self._engine.sql(sql).columns)

    def copy(self, sql: str, file: Path) -> None:
        """Write the rows of a query to a file that only this process reads again."""
        self._engine.execute(f"COPY ({sql}) TO {literal(file)} (FORMAT parquet, COMPRESSION lz4_raw)")

    def put(self, table: str, batches: Iterable[pa.Table]) -> None:
        """A table of rows that come in batches, of which there is one at least."""
        for number, batch in enumerate(batches):
            self._engine.register("batch", batch)
            self._engine.execute(f"INSERT INTO {table} FROM batch" if number else f"CREATE TABLE {table} AS FROM batch")
            self._engine.unregister("batch")


@contextmanager
def opened_reader(*folders: Path) -> Iterator[RowReader]:
    """A reader of files in these folders, with a private folder of its own, which is removed in the end."""
    with working_folder() as spill:
        reader = RowReader(spill, folders)
        try:
            yield reader
        finally:
            reader.close()


def rows_in(*files: Path) -> str:
    """The rows of files as a relation; `file_row_number` is a row's place in its file."""
    return f"read_parquet({file_list(files)}, file_row_number = true, hive_partitioning = false)"


def file_list(files: Iterable[Path]) -> str:
    """Files as an SQL list; what stands for any character in a pattern may stand in a folder's name."""
    return word_list(glob.escape(str(file)) for file in files)


def has_rows(file: Path) -> bool:
    """Whether a file has any row; its rows are not read."""
    return bool(pq.read_metadata(file).num_rows)


def is_covering(file: Path) -> bool:
    """Whether a file says of its rows by which entries of the register they are covered."""
    return "accepted" in pq.read_schema(file).names


def word_list(values: Iterable[str]) -> str:
    """Words as an SQL list."""
    return f"[{', '.join(literal(value) for value in values)}]"


# what exceptions files are asked ---------------------------------------------------------------------


#: A file has no more rows than so many for each of its bytes: a few bytes can say that a value stands there a million times.
_MOST_ROWS_PER_BYTE = 64
_UNREADABLE = "cannot be read as rows"
#: What a run carries of single rows for the next one; see `follow_up.history`.
CARRIED_COLUMNS = pa.schema(
    [
        ("rule", pa.string()),
        ("record", pa.string()),
        ("number", pa.int32()),
        ("state", pa.string()),
        ("cause", pa.string()),
        ("before", pa.string()),
        ("now", pa.string()),
        ("accepted", pa.string()),
        ("first_seen", pa.string()),
        ("resolved", pa.string()),
    ]
)


def check_exceptions(reader: RowReader, file: Path, counts: Mapping[str, int]) -> str | None:
    """What is wrong with an exceptions file that has so many rows of each outcome; null where nothing is. Every value is read."""
    rows = sum(counts.values())
    fault = _misshapen(file, EXCEPTIONS, rows)
    if fault or not rows:
        return fault
    hexadecimal = literal("^[0-9a-f]{16}$")
    well = f"regexp_matches(record, {hexadecimal}) AND (subject IS NULL OR regexp_matches(subject, {hexadecimal}))"
    well += f" AND (reason IS NULL OR length(reason) <= {_LONGEST})"
    query = f"SELECT outcome, count(*) AS n, count(*) FILTER (WHERE {well}) AS well, max(due_on), max(days_over) FROM {rows_in(file)}"
    try:
        lines = reader.rows(f"{query} GROUP BY outcome")
    except duckdb.Error as error:
        refuse_failure(error)
        return _UNREADABLE
    wanted = {str(outcome): n for outcome, n in counts.items() if n}
    if {str(row["outcome"]): row["n"] for row in lines} != wanted:
        return "its rows are not those that results.json counts"
    return None if all(row["n"] == row["well"] for row in lines) else "has a row that is no exception row"


def check_carried(reader: RowReader, file: Path) -> str | None:
    """What is wrong with a file of what a run carries; null where nothing is. Every value is read."""
    fault = _misshapen(file, CARRIED_COLUMNS, None)
    if fault or not has_rows(file):
        return fault
    texts = [field.name for field in CARRIED_COLUMNS if field.type == pa.string()]
    bounded = " AND ".join(f"coalesce(length({name}), 0) <= {_LONGEST}" for name in texts)
    try:
        (row,) = reader.rows(f"SELECT count(*) AS n, count(*) FILTER (WHERE {bounded}) AS well, max(number) FROM {rows_in(file)}")
    except duckdb.Error as error:
        refuse_failure(error)
        return _UNREADABLE
    return None if row["n"] == row["well"] else "has a row that no run carries"


def _misshapen(file: Path, columns: pa.Schema, rows: int | None) -> str | None:
    """What is wrong with a file's columns, or its number of rows as it states it."""
    try:
        metadata = pq.read_metadata(file)
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError, ValueError, RecursionError):
        return _UNREADABLE
    if [(field.name, field.type) for field in schema] != [(field.name, field.type) for field in columns]:
        return "has other columns than a run writes"
    if metadata.num_rows > max(1_000, _MOST_ROWS_PER_BYTE * file.stat().st_size):
        return "says that it has more rows than it can hold"
    return None if rows is None or metadata.num_rows == rows else "its rows are not those that results.json counts"


def same_rows(reader: RowReader, one: Path, other: Path) -> bool:
    """Whether two exceptions files have the same rows, however they are written."""
    if has_rows(one) != has_rows(other):
        return False
    if not has_rows(one):
        return True
    rows = [f"SELECT {', '.join(EXCEPTIONS.names)} FROM {rows_in(file)}" for file in (one, other)]
    counts = [reader.rows(f"SELECT count(*) AS n FROM ({a} EXCEPT ALL {b})")[0]["n"] for a, b in (rows, rows[::-1])]
    return not any(counts)


@dataclass(frozen=True)
class FirstRows:
    """The first rows of an exceptions file, the gravest before the others, and how many there are in all; test accounts left out."""

    rows: Sequence[dict[str, Any]] = ()
    total: int = 0


def first_rows(reader: RowReader, file: Path, most: int) -> FirstRows:
    """The first rows: by outcome, then the most overdue, then by record, then as the file has them."""
    if not has_rows(file):
        return FirstRows()
    tested = f"FROM {rows_in(file)} WHERE outcome <> {literal(Outcome.EXCLUDED)}"
    order = f"list_position({word_list(Outcome)}, outcome), coalesce(days_over, 0) DESC, record, file_row_number"
    rows = reader.rows(f"SELECT * EXCLUDE file_row_number {tested} ORDER BY {order} LIMIT {most}")
    return FirstRows(rows, reader.rows(f"SELECT count(*) AS n {tested}")[0]["n"])


def in_file_order(file: Path, columns: Sequence[str], most: int | None = None) -> str:
    """A query of a file's rows as it has them."""
    limit = "" if most is None else f" LIMIT {most}"
    return f"SELECT {', '.join(columns)} FROM {rows_in(file)} ORDER BY file_row_number{limit}"


def gravest_first(file: Path, columns: Sequence[str]) -> str:
    """A query of a file's open rows, by outcome, and within one as the file has them."""
    outcomes = word_list(OPEN_OUTCOMES)
    where = f"list_contains({outcomes}, outcome)"
    return f"SELECT {', '.join(columns)} FROM {rows_in(file)} WHERE {where} ORDER BY list_position({outcomes}, outcome), file_row_number"


def values_among(reader: RowReader, file: Path, column: str, values: Iterable[str]) -> set[str]:
    """Which of a few values a column of a file has."""
    query = f"SELECT DISTINCT {column} FROM {rows_in(file)} WHERE list_contains({word_list(values)}, {column})"
    return {row[column] for row in reader.rows(query)}
