"""Import: run a mapping's SELECTs, convert what they yield, and write it as a sealed snapshot, sorted by person.

Rows go from the source to Parquet as Arrow batches, then are sorted on disk, so that memory is bounded whatever their number. All that is
wrong is reported at once, and then nothing is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import sqlglot

from heytalk_audit import contract
from heytalk_audit.contract import Table
from heytalk_audit.disk.placing import move_new, staging
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import delivery
from heytalk_audit.snapshot.importing.files import open_file
from heytalk_audit.snapshot.importing.mapping import Mapping, SourceAt, read_mapping
from heytalk_audit.snapshot.importing.moves import Move
from heytalk_audit.snapshot.importing.odbc import is_odbc, open_server, server_address
from heytalk_audit.snapshot.importing.selects import Select, parse_select
from heytalk_audit.snapshot.importing.sources import Deadline, Source
from heytalk_audit.snapshot.locked import locked
from heytalk_audit.snapshot.quoting import literal, name
from heytalk_audit.snapshot.seal import seal_folder

#: Of how many rows of a table `check_mapping` looks at.
SAMPLE = 1_000
_SORT_MEMORY = "1GB"

Report = Callable[[str], None]
Progress = Callable[[str, int], None]


@dataclass
class Imported:
    """What came of a mapping: rows per table, and notes on what is as its user may not expect."""

    rows: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def import_snapshot(path: Path, folder: Path, report: Report = print, progress: Progress = lambda table, rows: None) -> Imported:
    """Write and seal the snapshot that a mapping describes.

    Raises InputError, and then writes nothing; where several things are wrong, `report` gets a line for each before that.
    """
    if folder.name in ("", ".."):
        raise InputError(f"import {folder}", "names no folder of its own", "name an empty or a new folder by its name")
    where = f"import {folder.name}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(where, "is there already", "name an empty or a new folder")
    with staging(folder, where) as work:
        written = work / folder.name
        written.mkdir()
        faults: list[InputError] = []
        with _opened(path, work, faults) as (mapping, source, selects):
            _end_on(faults, path, report)
            imported = _moved(mapping, source, selects, work, None, faults, progress)
        _end_on(faults, path, report)
        for table in imported.rows:
            _sort(contract.load()[table], work / f"{table}.parquet", written / f"{table}.parquet", work)
        _describe(mapping, folder.name, written)
        seal_folder(written, whole=False)
        move_new(written, folder, where)
    return imported


def check_mapping(path: Path, report: Report = print, progress: Progress = lambda table, rows: None) -> Imported:
    """Run each SELECT for its first thousand rows and convert them; writes nothing.

    Raises as `import_snapshot`, once it has looked at every table: a SELECT that may not run hides nothing of the others.
    """
    faults: list[InputError] = []
    with working_folder() as work, _opened(path, work, faults) as (mapping, source, selects):
        imported = _moved(mapping, source, selects, work, SAMPLE, faults, progress)
    _end_on(faults, path, report)
    return imported


@contextmanager
def _opened(path: Path, work: Path, faults: list[InputError]) -> Iterator[tuple[Mapping, Source, dict[str, Select]]]:
    """A mapping, its source, and its SELECTs that may run; what is wrong with others is kept. Raises InputError."""
    mapping = read_mapping(path)
    dialect = _dialect(mapping.source, f"mapping {path.name}: source.dialect")
    selects: dict[str, Select] = {}
    for table, text in mapping.tables.items():
        with _kept(faults):
            selects[table] = parse_select(f"tables.{table}", text, dialect)
    source = _open(mapping, path.resolve().parent, work, list(selects.values()))
    try:
        yield mapping, source, {table: select for table, select in selects.items() if _may_run(source, table, select, faults)}
    finally:
        source.close()


def _open(mapping: Mapping, base: Path, work: Path, selects: list[Select]) -> Source:
    """The source of a mapping, which is relative to `base`; `work` is for what it spills. Raises InputError."""
    deadline = Deadline(mapping.limits.minutes)
    ((kind, place),) = mapping.source.place().items()
    (work / "spill").mkdir()
    if kind == "dsn_env":
        return open_server(place, deadline, mapping.source.dialect)
    return open_file(kind, base, place, work / "spill", deadline, selects)


def _may_run(source: Source, table: str, select: Select, faults: list[InputError]) -> bool:
    """Whether the source takes the SELECT; if not, why is kept."""
    before = len(faults)
    with _kept(faults):
        source.refuse(f"tables.{table}", select)
    return len(faults) == before


@contextmanager
def _kept(faults: list[InputError]) -> Iterator[None]:
    """An InputError within is kept, so that what is wrong elsewhere is seen as well."""
    try:
        yield
    except InputError as error:
        faults.append(error)


def _end_on(faults: list[InputError], path: Path, report: Report) -> None:
    """Raise what is wrong, if anything: one fault as it is, several as lines of a report."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        for fault in faults:
            report(str(fault))
        raise InputError(f"mapping {path.name}", f"{len(faults)} things are wrong, each named above", "mend them; nothing was written")


def _dialect(source: SourceAt, where: str) -> str:
    """sqlglot's name of the SQL that the source speaks. Raises InputError."""
    if not source.dsn_env:
        return "sqlite" if source.sqlite else "duckdb"
    if not is_odbc(server_address(source.dsn_env)):
        return "postgres"
    dialects = sorted(d for d in sqlglot.Dialect.classes if d)
    if source.dialect is None or source.dialect not in dialects:
        raise InputError(where, "does not name the SQL of the database behind ODBC", f"write one of {', '.join(dialects)}")
    return source.dialect


def _moved(
    mapping: Mapping, source: Source, selects: dict[str, Select], work: Path, most: int | None, faults: list[InputError], progress: Progress
) -> Imported:
    """Each table from the source into a file of `work`, unsorted; of `most` rows, where that is given. What is wrong is kept."""
    imported = Imported()
    for table, select in selects.items():
        move = Move(contract.load()[table], mapping, select, most, work / f"{table}.parquet", partial(progress, table))
        with _kept(faults):
            imported.rows[table] = move.run(source)
        faults += move.faults
        imported.notes += move.notes
    imported.notes[:0] = source.notes
    absent = [t.name for t in contract.load().values() if t.required and t.name not in mapping.tables]
    if absent:
        imported.notes.append(f"the mapping has no {', '.join(absent)}: an audit needs each, even an empty one")
    return imported


def _sort(table: Table, file: Path, target: Path, work: Path) -> None:
    """The rows of a file by person, then by key, as a new file; sorted on disk where memory does not hold them."""
    there = pq.read_schema(file).names
    order = [name(c) for c in dict.fromkeys(("user_id", table.key)) if c in there] or [name(there[0])]
    options = {"memory_limit": _SORT_MEMORY, "temp_directory": str(work / "spill")}
    with locked([work], options, begin=lambda connection: connection) as con:
        selected = f"SELECT * FROM read_parquet([{literal(file)}], hive_partitioning = false) ORDER BY {', '.join(order)}"
        con.execute(f"COPY ({selected}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)")
    file.unlink()


def _describe(mapping: Mapping, snapshot: str, folder: Path) -> None:
    """The descriptor as far as a mapping states it; sealing adds what is counted."""
    stated = {k: getattr(mapping, k) for k in ("as_of", "extracted_at", "producer", "source_system")}
    queries = [{"name": n, "extraction_query_sha256": hashlib.sha256(q.encode()).hexdigest()} for n, q in mapping.tables.items()]
    document = {"snapshot_id": snapshot, **stated, "resources": queries}
    (folder / delivery.DESCRIPTOR).write_text(json.dumps(document), "utf-8")
