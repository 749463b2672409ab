"""Sources that are files: DuckDB, SQLite, and folders of CSV, TSV, JSON lines and Parquet."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.selects import Select
from heytalk_audit.snapshot.importing.sources import ROWS, Batches, Deadline, file_of, refuse_tables, source_error, typed_batch
from heytalk_audit.snapshot.locked import locked
from heytalk_audit.snapshot.quoting import literal, name

#: What a file of a folder is, by its ending.
_READERS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet"}
#: What one connection may take of the machine's memory, so that an import runs beside other work.
_MEMORY = "1GB"
#: Types that a reader of JSON lines guesses from texts: they stay texts.
_GUESSED = {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME", "UUID"}
#: What a SELECT on SQLite may do at all, and functions that reach beyond their arguments.
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_REACHING = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zipfile", "sqlite_dbpage", "lsmode"}
#: The longest value that SQLite may make, in bytes: one that a function makes is done before the deadline is looked at.
_LONGEST_VALUE = 100_000_000
_ARROW = {int: pa.int64(), float: pa.float64(), str: pa.string(), bytes: pa.binary()}


def _view(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """A file as a view under the name of a table. What is text in it stays text."""
    try:
        connection.execute(f"CREATE VIEW {name(table)} AS SELECT * FROM {_reader(connection, path)}")
    except duckdb.Error as error:
        raise InputError(f"mapping source.folder {path.name}", f"cannot be read as {path.suffix[1:]}", "deliver it again") from error


def _reader(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    match _READERS[path.suffix.lower()]:
        case "parquet":
            return f"read_parquet([{literal(path)}], hive_partitioning = false)"
        case "csv":
            options = f"all_varchar = true, header = true, delim = {literal(_delimiter(path))}, quote = '\"', escape = '\"'"
            return f"read_csv({literal(path)}, {options}, nullstr = '', allow_quoted_nulls = false, strict_mode = true)"
        case _:
            options = "format = 'newline_delimited', map_inference_threshold = -1"
            guess = f"DESCRIBE SELECT * FROM read_json({literal(path)}, {options}, sample_size = -1)"
            kinds = {row[0]: "VARCHAR" if row[1] in _GUESSED else row[1] for row in connection.execute(guess).fetchall()}
            columns = ", ".join(f"{literal(c)}: {literal(kind)}" for c, kind in kinds.items())
            return f"read_json({literal(path)}, {options}, columns = {{{columns}}})"


class DuckSource:
    """A DuckDB file, or a folder whose files are views of a database in memory: read only, with no access to anything else, and locked."""

    def __init__(self, file: Path | None, spill: Path, deadline: Deadline, views: dict[str, Path] | None = None):
        self.notes: list[str] = []
        self._deadline = deadline
        options, files = {"memory_limit": _MEMORY, "temp_directory": str(spill)}, views or {}

        def begin(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
            # a view over files is made while they may be opened: these, and no other from then on
            for table, path in files.items():
                _view(connection, table, path)
            return connection

        try:
            self._con = locked((), options, files=files.values(), database=file, begin=begin)
            own = "SELECT schema_name, {0}_name FROM duckdb_{0}s() WHERE NOT internal AND database_name = current_database()"
            self._tables = self._con.execute(f"{own.format('table')} UNION ALL {own.format('view')}").fetchall()
        except duckdb.Error as error:
            raise InputError("mapping source.duckdb", "cannot be opened as a DuckDB database", "name the database file") from error

    def refuse(self, where: str, select: Select) -> None:
        """See `Source`."""
        refuse_tables(where, select, self._tables)

    def batches(self, where: str, select: Select) -> Batches:
        """See `Source`."""
        timer = threading.Timer(self._deadline.seconds, self._con.interrupt)
        timer.daemon = True
        timer.start()
        reader = None
        try:
            relation = self._con.sql(select.text)
            kinds = {i: pa.json_() for i, kind in enumerate(relation.types) if str(kind) == "JSON"}
            reader = relation.to_arrow_reader(ROWS)
            yield pa.RecordBatch.from_arrays([pa.array([], f.type) for f in reader.schema], names=reader.schema.names)
            for batch in reader:
                yield typed_batch(batch, kinds)
        except duckdb.InterruptException as error:
            raise self._deadline.error(where) from error
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            if not isinstance(error, duckdb.OutOfMemoryException):  # of that the SELECT has a bound
                refuse_failure(error)
            raise self._deadline.error(where) if self._deadline.is_over else source_error(where, select, error) from error
        finally:
            timer.cancel()
            if reader is not None:
                # a connection with a result that is still open never ends, and blocks the next one to that file
                reader.close()

    def close(self) -> None:
        """See `Source`."""
        self._con.close()


def folder_source(base: Path, place: str, spill: Path, deadline: Deadline, selects: list[Select]) -> DuckSource:
    """The files of a folder that the SELECTs read, each as a table by its name. Raises InputError."""
    folder = (base / place).absolute()
    where = "mapping source.folder"
    if not folder.is_dir():
        raise InputError(where, "no such folder", "name the folder that holds the files, relative to the mapping")
    wanted = {table.lower() for select in selects for _, table in select.tables}
    views: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _READERS or path.stem.lower() not in wanted:
            continue
        if path.is_symlink() or not path.is_file():
            raise InputError(f"{where} {path.name}", "is a link or no plain file", "put the file itself there")
        if set(str(path)) & set("*?["):
            raise InputError(f"{where} {path.name}", "has a path with *, ? or [", "give the file, or its folder, another name")
        if path.stem.lower() in {table.lower() for table in views}:
            raise InputError(f"{where} {path.name}", "is a second file of that name", "keep one of them")
        views[path.stem] = path
    return DuckSource(None, spill, deadline, views)


def _delimiter(path: Path) -> str:
    """A tab for TSV; else what the first line has most of: commas, semicolons, tabs or pipes."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open("rb") as file:
        head = file.readline(100_000)
    return max(",;\t|", key=lambda mark: head.count(mark.encode()))


class SqliteSource:
    """An SQLite file, opened to be read whatever its name holds; values come in the types in which they are stored, row by row."""

    def __init__(self, file: Path, deadline: Deadline):
        self.notes: list[str] = []
        self._deadline = deadline
        try:
            with file.open("rb") as opened:
                in_log = opened.read(20)[18:20] == b"\2\2"
            # a database that keeps a log would have files made beside it, unless it is known to be at rest
            at_rest = in_log and not file.with_name(file.name + "-wal").exists()
            self._con = sqlite3.connect(f"{file.as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}", uri=True)
            self._con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            self._con.text_factory = _decoded
            self._con.execute("PRAGMA query_only = on")
            self._con.execute("PRAGMA trusted_schema = off")
            rows = self._con.execute("SELECT 'main', name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        except (sqlite3.Error, OSError) as error:
            raise InputError("mapping source.sqlite", "cannot be opened as an SQLite database", "name the database file") from error
        self._tables = [*rows, ("main", "sqlite_master"), ("main", "sqlite_schema")]
        self._con.set_authorizer(_authorized)
        self._con.set_progress_handler(lambda: int(self._deadline.is_over), 20_000)

    def refuse(self, where: str, select: Select) -> None:
        """See `Source`."""
        refuse_tables(where, select, self._tables)

    def batches(self, where: str, select: Select) -> Batches:
        """See `Source`."""
        try:
            cursor = self._con.execute(select.text)
            names = [column[0] for column in cursor.description]
            yield pa.RecordBatch.from_arrays([pa.nulls(0) for _ in names], names=names)
            while rows := cursor.fetchmany(ROWS):
                yield pa.RecordBatch.from_arrays([_stored(values) for values in zip(*rows, strict=True)], names=names)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._deadline.error(where) if self._deadline.is_over else source_error(where, select, error) from error

    def close(self) -> None:
        """See `Source`."""
        self._con.close()


def _authorized(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Whether SQLite may do it: read tables, and call functions that compute from their arguments."""
    reaching = action == sqlite3.SQLITE_FUNCTION and str(second).lower() in _REACHING
    return sqlite3.SQLITE_DENY if action not in _ALLOWED or reaching else sqlite3.SQLITE_OK


def _decoded(content: bytes) -> str | bytes:
    """Text; bytes where it is none, which SQLite does not look at."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def _stored(values: tuple[Any, ...]) -> pa.Array:
    """A column in the types in which SQLite stores its values; of several types, a union."""
    kinds = sorted({type(v) for v in values if v is not None}, key=lambda kind: kind.__name__)
    if len(kinds) <= 1:
        return pa.array(values, _ARROW[kinds[0]] if kinds else pa.null())
    codes = np.array([0 if v is None else kinds.index(type(v)) for v in values], np.int8)
    children = [[v for v, code in zip(values, codes, strict=True) if code == i] for i in range(len(kinds))]
    offsets = np.zeros(len(values), np.int32)
    for i in range(len(kinds)):
        offsets[codes == i] = np.arange((codes == i).sum())
    arrays = [pa.array(child, _ARROW[kind]) for child, kind in zip(children, kinds, strict=True)]
    return pa.UnionArray.from_dense(pa.array(codes), pa.array(offsets), arrays)


def open_file(kind: str, base: Path, place: str, spill: Path, deadline: Deadline, selects: list[Select]) -> DuckSource | SqliteSource:
    """The source that a mapping names by a path. Raises InputError."""
    if kind == "folder":
        return folder_source(base, place, spill, deadline, selects)
    file = file_of(base, place, kind)
    return SqliteSource(file, deadline) if kind == "sqlite" else DuckSource(file, spill, deadline)
