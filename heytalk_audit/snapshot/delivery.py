"""A delivery on disk: which files hold which table, in which types, with which digest. No row is read here."""

from __future__ import annotations

import datetime as dt
import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from heytalk_audit import contract
from heytalk_audit.canonical import read_json
from heytalk_audit.contract import Table
from heytalk_audit.errors import Faults, InputError, closest, is_text, looked_in
from heytalk_audit.snapshot import folders, stored_types
from heytalk_audit.snapshot.folders import folded

DESCRIPTOR = "datapackage.json"
#: What the demo writes beside its tables, and how it begins: what an ideal audit finds.
TRUTH, TRUTH_HEAD = "truth.csv", "rule,table,record,outcome,reason"


@dataclass(frozen=True)
class DeliveredPart:
    """What was delivered for one table: its files (one, or a folder's parts) and the types its columns are stored in.

    Columns go by the contract's names, whatever the case of theirs. `int96` are those with instants as old writers stored them.
    """

    table: Table
    path: Path
    files: tuple[Path, ...]
    format: str  # parquet or csv
    types: dict[str, pa.DataType | None]  # null where parts of the table disagree; empty for CSV
    int96: frozenset[str] = frozenset()


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
    try:
        return moment.astimezone(dt.UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise InputError(where, f"{value[:40]!r} lies outside the years 1 to 9999 UTC", todo) from error


def read_delivery(folder: Path, descriptor: bool = True, whole: bool = True, faults: Faults | None = None) -> Delivery:
    """The delivery in a folder. Raises InputError where it can't be used; `descriptor=False` reads it without one, as before sealing.

    Unless it is to be `whole`, tables that the contract requires may be missing. Tables that can't be read are all named; with `faults`
    they are left to it, and the delivery has the others.
    """
    refuse_no_folder(folder)
    folders.refuse_special(folder)
    described = read_descriptor(folder) if descriptor else {}
    parts, unreadable = {}, faults or Faults()
    for table in contract.load().values():
        with unreadable.gathered():
            part = _find(folder, table)
            if part is not None:
                parts[table.name] = part
    if faults is None or not parts:
        unreadable.refuse()
    delivery = Delivery(folder, parts, described, _unknown(folder, {part.path for part in parts.values()}))
    _refuse_incomplete(delivery, whole)
    if descriptor:
        _ = delivery.as_of  # raises where it is missing or wrong
    return delivery


def refuse_no_folder(folder: Path) -> None:
    """Raise InputError where there is no such folder."""
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "is no folder" if folder.exists() else f"does not exist {looked_in(folder)}"
        raise InputError(f"snapshot {folder.name}", what, f"name the folder that holds the tables and {DESCRIPTOR}")
    if not is_text(str(folder.resolve())):
        raise InputError(f"snapshot {folder.name}", "lies in a folder whose name is no UTF-8", "rename that")


def how_to_seal(folder: str) -> str:
    """The command that seals a folder of that name, as it can be pasted into a shell whatever the name is."""
    return f"heytalk-audit seal {shlex.quote(folder)} --as-of INSTANT"


def _refuse_incomplete(delivery: Delivery, whole: bool) -> None:
    """Raise InputError where no table was delivered, or, of what is to be whole, not every one that the contract requires."""
    where = f"snapshot {delivery.folder.name}"
    if not delivery.parts:
        likely = ((name, closest(Path(name).stem.lower(), contract.load())) for name, part in delivery.unknown.items() if part)
        renamed = next((f"is {name} the table {table}? Rename it, or " for name, table in likely if table), "")
        todo = f"{renamed}deliver users.parquet or users.csv, and the tables that heytalk-audit contract lists"
        raise InputError(where, "holds no table of the contract", todo)
    for table in contract.load().values():
        if table.required and whole and table.name not in delivery.parts:
            todo = f"deliver {table.name}.parquet, {table.name}.csv or a folder {table.name}/ of parts (it may be empty)"
            raise InputError(where, f"the required table {table.name} is missing", todo)


def read_descriptor(folder: Path) -> dict[str, Any]:
    """The descriptor as a mapping. Raises InputError where it is missing or is no data package."""
    todo = f"write it with: {how_to_seal(folder.name)}"
    try:
        document = read_json(folder / DESCRIPTOR, f"snapshot {folder.name}/{DESCRIPTOR}")
    except FileNotFoundError as error:
        raise InputError(f"snapshot {folder.name}", f"{DESCRIPTOR} is missing", todo) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"snapshot {folder.name}", f"{DESCRIPTOR} cannot be read as JSON", todo) from error
    if not isinstance(document, dict) or not isinstance(document.get("resources"), list):
        raise InputError(f"snapshot {folder.name}", f"{DESCRIPTOR} is no data package (no list of resources)", todo)
    return document


def _find(folder: Path, table: Table) -> DeliveredPart | None:
    """What was delivered for a table: a Parquet file, a CSV file or a folder of Parquet parts; null where nothing was."""
    there = folders.files_named(folder, table.name)
    if len(there) > 1:
        both = " and ".join(p.name for p in there)
        raise InputError(f"snapshot {folder.name}", f"{table.name} is delivered twice, as {both}", "keep one of them")
    return _part(folder, there[0], table) if there else None


def _part(folder: Path, path: Path, table: Table) -> DeliveredPart:
    """A file or folder as a table. Raises InputError where it can't be one."""
    where = f"snapshot {folder.name}/{path.name}"
    if folded(path.suffix) == ".csv":
        if path.is_dir():
            raise InputError(where, "is a folder", "deliver CSV as one file, or a folder of Parquet parts")
        return DeliveredPart(table, path, (path,), "csv", {})
    files = folders.parts_in(path, where) if path.is_dir() else (path,)
    types, int96 = stored_types.of_files(folder, files, table)
    for file in files if path.is_dir() else ():
        for key in folders.keys_of(file, path):
            if key in table and key not in types:
                todo = f"write {key} into the parts as well"
                raise InputError(where, f"the column {key} is in the names of its folders alone", todo)
    return DeliveredPart(table, path, files, "parquet", types, int96)


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
    """A file or folder as a table, whatever it holds; null where it is no table."""
    if not (path.is_dir() or folded(path.suffix) in (".csv", ".parquet")):
        return None
    try:
        return _part(folder, path, table)
    except InputError:
        return None


def part_digest(part: DeliveredPart, digests: Mapping[Path, str]) -> tuple[str, int]:
    """`sha256:...` of a table's file, or of the sorted lines "digest  file" of its folder; and its bytes. `digests` are of its files."""
    size = sum(file.stat().st_size for file in part.files)
    if part.path.is_dir():
        lines = sorted(f"{digests[f]}  {f.relative_to(part.path).as_posix()}\n" for f in part.files)
        return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest(), size
    return "sha256:" + digests[part.path], size
