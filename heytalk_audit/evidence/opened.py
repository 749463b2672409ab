"""A pack as a person names it: a run's folder, a bag of one, or a zip of either, which is unpacked into a private folder for as long."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.inventory import LONGEST_NAME, MOST_FILES, MOST_IN_FILE, MOST_LEVELS, refuse_large

#: A zip's files are no more than so many times as large as the zip, beyond a small one.
MOST_RATIO, SMALL = 200, 16_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PIECE = 1 << 20
_ENCRYPTED, _SYSTEM_UNIX = 1, 3


def is_zip(path: Path) -> bool:
    """Whether a path that a person names is to be read as a zip."""
    return path.suffix.lower() == ".zip" and path.is_file()


@contextmanager
def opened_pack(path: Path) -> Iterator[Path]:
    """The folder of a pack: the path itself, or, of a zip, a private folder that is removed in the end. Raises InputError."""
    if not is_zip(path):
        yield path
        return
    with working_folder() as private:
        folder = private / (path.stem[:100] or "run")
        folder.mkdir(mode=0o700)
        unpack(path, folder)
        inner = list(folder.iterdir())
        # one folder within is the run, as most programs zip a folder
        yield inner[0] if len(inner) == 1 and inner[0].is_dir() else folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into an empty folder. Raises InputError, before anything is written, where its list of files is not that of a pack."""
    where, todo = f"zip {archive.name}", "zip the folder that run or pack wrote"
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = _entries(opened, where)
            budget = max(SMALL, MOST_RATIO * archive.stat().st_size)
            sizes = {name: entry.file_size for name, entry in entries.items()}
            refuse_large(where, sizes)
            if sum(sizes.values()) > budget:
                raise InputError(where, f"grows more than {MOST_RATIO} times as it is unpacked", todo)
            for name, entry in entries.items():
                _write(opened, entry, folder / name, where)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError, LookupError) as error:
        refuse_failure(error)
        raise InputError(where, "cannot be read as a zip", todo) from error


def _entries(opened: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip by their names, each checked. Raises InputError."""
    if len(opened.infolist()) > MOST_FILES:
        raise InputError(where, f"has more than {MOST_FILES:,} files", "zip the folder of a run")
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in opened.infolist():
        name = entry.filename.removesuffix("/")
        refused = _refused(entry, name)
        if refused or name in entries:
            raise InputError(where, f"{name[-80:]} {refused or 'is there twice'}", "zip the folder that run or pack wrote")
        if not entry.is_dir():
            entries[name] = entry
    folders = {parent.as_posix() for name in entries for parent in PurePosixPath(name).parents}
    both = sorted(folders & set(entries))
    if both:
        raise InputError(where, f"{both[0][-80:]} is a file and a folder", "zip the folder that run or pack wrote")
    return entries


def _refused(entry: zipfile.ZipInfo, name: str) -> str | None:
    """Why a zip's file is refused; null where it is plain, and lies within the zip."""
    parts = name.split("/")
    mode = entry.external_attr >> 16 if entry.create_system == _SYSTEM_UNIX else 0
    if not name or len(name) > LONGEST_NAME or len(parts) > MOST_LEVELS + 2:
        return "has a name that is too long"
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or ":" in parts[0] or not name.isprintable():
        return "has a name that leads elsewhere"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link, or no plain file"
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        return "is encrypted, or compressed in another way than deflate"
    return None


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, where: str) -> None:
    """Write one file; what it says of its size is not believed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = min(entry.file_size, MOST_IN_FILE)
    with opened.open(entry) as source, target.open("xb") as written:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise InputError(where, f"{entry.filename[-80:]} is larger than it says", "zip the folder that run or pack wrote")
            written.write(piece)
