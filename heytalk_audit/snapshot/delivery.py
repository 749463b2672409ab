"""A delivery on disk: which files hold which table, in which types, with which digest. No row is read here."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit import contract
from heytalk_audit.canonical import file_sha256
from heytalk_audit.contract import Table
from heytalk_audit.errors import InputError

DESCRIPTOR = "datapackage.json"
#: What the demo writes beside its tables, and how it begins: what an ideal audit finds.
TRUTH, TRUTH_HEAD = "truth.csv", "rule,table,record,outcome,reason"


@dataclass(frozen=True)
class DeliveredPart:
    """What was delivered for one table: its files (one, or a folder's parts) and the types its columns are stored in."""

    table: Table
    path: Path
    files: tuple[Path, ...]
    format: str  # parquet or csv
    types: dict[str, pa.DataType | None]  # null where parts of the table disagree; empty for CSV


@dataclass(frozen=True)
class Delivery:
    """A snapshot's folder: what was delivered, by table, its descriptor as read, and what else lies there.

    `unknown` are the files and folders that the contract does not know, by their names: as tables where they may be read as such.
    """

    folder: Path
    parts: dict[str, DeliveredPart]
    descriptor: dict[str, Any]
    unknown: dict[str, DeliveredPart | None] = field(default_factory=dict)

    @property
    def as_of(self) -> dt.datetime:
        """The one instant of the snapshot, naive UTC."""
        return instant(self.descriptor.get("as_of"), f"{DESCRIPTOR} as_of")

    def resource(self, table: str) -> dict[str, Any]:
        """The descriptor's entry of a table, empty where it has none."""
        return _entry(self.descriptor.get("resources"), table)

    def source_totals(self, table: str) -> dict[str, Any]:
        """The totals that the source system counted for a table, empty where it states none."""
        return _entry(self.descriptor.get("source_totals"), table)


def _entry(entries: Any, table: str) -> dict[str, Any]:
    """The first entry of that name, empty where there is none."""
    return next((e for e in entries or [] if isinstance(e, dict) and e.get("name") == table), {})


def instant(value: Any, where: str) -> dt.datetime:
    """An ISO 8601 instant with its zone, as naive UTC. Raises InputError, which names `where` it stands."""
    todo = "write an instant with its zone, as 2025-03-31T12:00:00Z"
    if not isinstance(value, str):
        raise InputError(where, "is missing" if value is None else "is not text", todo)
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError as error:
        raise InputError(where, f"{value[:40]!r} is no instant", todo) from error
    if moment.tzinfo is None:
        raise InputError(where, f"{value[:40]!r} has no zone", todo)
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def read_delivery(folder: Path, descriptor: bool = True, whole: bool = True) -> Delivery:
    """The delivery in a folder. Raises InputError where it can't be used; `descriptor=False` reads it without one, as before sealing.

    Unless it is to be `whole`, tables that the contract requires may be missing.
    """
    if not folder.is_dir():
        raise InputError(f"snapshot {folder.name}", "is no folder", "name the folder that holds the tables and datapackage.json")
    described = read_descriptor(folder) if descriptor else {}
    parts = {}
    for table in contract.load().values():
        part = _find(folder, table)
        if part is not None:
            parts[table.name] = part
        elif table.required and whole:
            todo = f"deliver {table.name}.parquet, {table.name}.csv or a folder {table.name}/ of parts (it may be empty)"
            raise InputError(f"snapshot {folder.name}", f"the required table {table.name} is missing", todo)
    delivery = Delivery(folder, parts, described, _unknown(folder, {part.path for part in parts.values()}))
    if descriptor:
        _ = delivery.as_of  # raises where it is missing or wrong
    return delivery


def read_descriptor(folder: Path) -> dict[str, Any]:
    """The descriptor as a mapping. Raises InputError where it is missing or is no data package."""
    todo = f"write it with: heytalk-audit seal {folder.name} --as-of INSTANT"
    try:
        document = json.loads((folder / DESCRIPTOR).read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"snapshot {folder.name}", f"{DESCRIPTOR} is missing", todo) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"snapshot {folder.name}", f"{DESCRIPTOR} cannot be read as JSON", todo) from error
    if not isinstance(document, dict) or not isinstance(document.get("resources"), list):
        raise InputError(f"snapshot {folder.name}", f"{DESCRIPTOR} is no data package (no list of resources)", todo)
    return document


def _find(folder: Path, table: Table) -> DeliveredPart | None:
    """What was delivered for a table: a Parquet file, a CSV file or a folder of Parquet parts; null where nothing was."""
    forms = [folder / f"{table.name}.parquet", folder / f"{table.name}.csv", folder / table.name]
    there = [p for p in forms if p.exists()]
    if len(there) > 1:
        both = " and ".join(p.name for p in there)
        raise InputError(f"snapshot {folder.name}", f"{table.name} is delivered twice, as {both}", "keep one of them")
    if not there:
        return None
    path = there[0]
    files = tuple(sorted(path.rglob("*.parquet"))) if path.is_dir() else (path,)
    if not files:
        raise InputError(f"snapshot {folder.name}", f"the folder {table.name} has no Parquet part", "deliver a part, even an empty one")
    if path.suffix == ".csv":
        return DeliveredPart(table, path, files, "csv", {})
    return DeliveredPart(table, path, files, "parquet", _types(folder, files))


def _unknown(folder: Path, tables: set[Path]) -> dict[str, DeliveredPart | None]:
    """What else lies in the folder, by its name: as a table of no known column, or null where it is none that can be read."""
    others = sorted(path for path in folder.iterdir() if path not in tables and path.name != DESCRIPTOR and not _is_truth(path))
    parts: dict[str, DeliveredPart | None] = {}
    for path in others:
        name = path.stem if path.stem not in {part.table.name for part in parts.values() if part} else path.name
        parts[path.name] = _as_table(folder, path, Table(name, False, (), ""))
    return parts


def _is_truth(path: Path) -> bool:
    """Whether it is what the demo writes of its own findings."""
    if path.name != TRUTH or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(TRUTH_HEAD)).decode("utf-8", "replace") == TRUTH_HEAD


def _as_table(folder: Path, path: Path, table: Table) -> DeliveredPart | None:
    """A file or folder as a table, whatever it holds; null where it is no table, or a link that may lead elsewhere."""
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return None
    if path.suffix == ".csv" and path.is_file():
        return DeliveredPart(table, path, (path,), "csv", {})
    files = tuple(sorted(path.rglob("*.parquet"))) if path.is_dir() else (path,) if path.suffix == ".parquet" else ()
    files = tuple(file for file in files if file.is_file() and not file.is_symlink())
    try:
        return DeliveredPart(table, path, files, "parquet", _types(folder, files)) if files else None
    except InputError:
        return None


def _types(folder: Path, files: tuple[Path, ...]) -> dict[str, pa.DataType | None]:
    """The type of each column; null where parts disagree. A part in which a column holds nothing agrees with any."""
    types: dict[str, pa.DataType | None] = {}
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (OSError, pa.ArrowException) as error:
            raise unreadable(folder, file) from error
        for column in schema:
            earlier = types.setdefault(column.name, column.type)
            if earlier is not None and pa.types.is_null(earlier):
                types[column.name] = column.type
            elif earlier is not None and earlier != column.type and not pa.types.is_null(column.type):
                types[column.name] = None
    return types


def unreadable(folder: Path, file: Path) -> InputError:
    """The error of a file that is not what its name says, or is cut off."""
    where = f"snapshot {folder.name}/{file.relative_to(folder)}"
    return InputError(where, "cannot be read (truncated, or not what its name says)", "deliver it again")


def part_digest(part: DeliveredPart) -> tuple[str, int]:
    """`sha256:...` of a table's file, or of the sorted lines "digest  file" of its folder; and the size in bytes."""
    digests = {file: file_sha256(file) for file in part.files}
    size = sum(file.stat().st_size for file in part.files)
    if part.path.is_dir():
        lines = sorted(f"{d}  {f.relative_to(part.path).as_posix()}\n" for f, d in digests.items())
        return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest(), size
    return "sha256:" + digests[part.path], size


def fits(kind: str, stored: pa.DataType | None) -> bool:
    """Whether a column of the contract's kind may be delivered in a stored type. Arrow's null type fits any kind."""
    if stored is None:
        return False
    t = pa.types
    if t.is_dictionary(stored):
        stored = stored.value_type
    text = t.is_string(stored) or t.is_large_string(stored) or t.is_string_view(stored)
    is_of_kind: dict[str, bool] = {
        "string": text,
        "timestamp": t.is_timestamp(stored) and stored.tz is not None,
        "date": t.is_date(stored),
        "boolean": t.is_boolean(stored),
        "integer": t.is_integer(stored),
        "number": t.is_decimal(stored) or t.is_floating(stored) or t.is_integer(stored),
        "array": (t.is_list(stored) or t.is_large_list(stored)) and fits("string", stored.value_type),
    }
    return bool(t.is_null(stored)) or is_of_kind[kind]
