"""What lies in a snapshot's folder: files and folders of parts, and nothing that another program would have to explain."""

from __future__ import annotations

import os
import re
import stat
import string
from collections.abc import Iterable, Iterator
from pathlib import Path

from heytalk_audit.errors import InputError, is_text

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: What writers leave beside parts, and holds no rows.
_PASSED_OVER = re.compile(r"_SUCCESS|_committed_.*|_started_.*|_metadata|_common_metadata|.*\.crc")
#: By the name within a folder that tells of a table format: what it is, and what reads its current version.
_FORMATS = {
    "_delta_log": ("a Delta table", "delta_scan"),
    "metadata": ("an Iceberg table", "iceberg_scan"),
    ".hoodie": ("a Hudi table", "spark.read.format('hudi')"),
}
_SPECIAL = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))


def folded(name: str) -> str:
    """A name of a table or column as names are compared: without regard to the case of A to Z, as SQL does."""
    return name.translate(_LOWER)


def refuse_special(root: Path) -> None:
    """Raise InputError, before anything is opened, for a pipe, device or socket in a folder, and for a link that leads out of it."""
    within = root.resolve()
    for folder, folders, files in os.walk(root):
        for name in sorted((*folders, *files)):
            path = Path(folder, name)
            what = _special(path, within)
            if what:
                todo = "deliver the file itself, or take it away" if is_text(name) else "rename it"
                raise InputError(f"snapshot {root.name}/{path.relative_to(root)}", what, todo)


def _special(path: Path, within: Path) -> str | None:
    """Why a path can't be part of a delivery; null where it can."""
    if not is_text(path.name):
        return "has a name that is no UTF-8"
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(within):
            return "is a link that leads out of the folder"
        mode = path.stat().st_mode
    except (OSError, RuntimeError):
        return "is a link that leads nowhere" if path.is_symlink() else "cannot be read"
    return next((f"is {what}" for is_one, what in _SPECIAL if is_one(mode)), None)


def files_named(folder: Path, table: str) -> list[Path]:
    """The files and folders that are named after a table, whatever their case: `<table>.parquet`, `<table>.csv`, and a folder."""
    names = {table, f"{table}.parquet", f"{table}.csv"}
    return sorted(path for path in folder.iterdir() if folded(path.name) in names and (path.suffix or path.is_dir()))


def parts_in(folder: Path, where: str) -> tuple[Path, ...]:
    """The Parquet parts of a table's folder, directly in it or in `key=value` folders, in order.

    Raises InputError, whose line begins with `where`, for what is no part: it might be rows that nobody would miss. A table format of its
    own keeps versions that are gone beside the current one, so its files are never read as parts.
    """
    parts = tuple(_parts(folder, where))
    if not parts:
        raise InputError(where, "has no Parquet part", "deliver a part, even an empty one")
    return parts


def _parts(folder: Path, where: str) -> Iterator[Path]:
    _refuse_format(folder, where)
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and re.fullmatch(r"[^=_.][^=]*=.*", path.name):
            yield from _parts(path, f"{where}/{path.name}")
        elif path.name == "_temporary":
            raise InputError(f"{where}/_temporary", "is left of a write that did not end", "write the table again, to an empty folder")
        elif path.is_dir():
            raise InputError(f"{where}/{path.name}", "is a folder that holds no parts", "put parts directly in the table's folder")
        elif path.name[0] in "_." and not _PASSED_OVER.fullmatch(path.name):
            raise InputError(f"{where}/{path.name}", "is no part of a table", "take it away, or write the table again, to an empty folder")
        elif folded(path.suffix) == ".parquet":
            yield path
        elif not _PASSED_OVER.fullmatch(path.name):
            raise InputError(f"{where}/{path.name}", "is no Parquet part", "deliver the rows as *.parquet, and nothing else beside them")


def _refuse_format(folder: Path, where: str) -> None:
    for name, (what, reader) in _FORMATS.items():
        if (folder / name).is_dir() and (name != "metadata" or any((folder / name).glob("*.metadata.json"))):
            todo = f"export its current version as Parquet, read with {reader}: COPY (SELECT * FROM ...) TO '{folder.name}.parquet'"
            raise InputError(where, f"is {what}, whose folder also holds rows that are gone", todo)


def alike(names: Iterable[str]) -> tuple[int, int] | None:
    """The places, from 1, of the first name that an earlier one equals but for its case, and of that one; null where there is none."""
    places: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        earlier = places.setdefault(folded(name), place)
        if earlier != place:
            return place, earlier
    return None


def keys_of(part: Path, folder: Path) -> list[str]:
    """The names in the `key=value` folders between a table's folder and a part."""
    return [step.partition("=")[0] for step in part.relative_to(folder).parts[:-1]]
