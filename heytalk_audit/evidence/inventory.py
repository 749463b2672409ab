"""The files of a pack before any of them is read: a pack comes from elsewhere, and is refused where it is more than a run can be.

Nothing but plain files and folders belongs to a pack. A link, a pipe, a device or a socket is named as a fault, and never opened.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence.folder import RESULTS, SIGNATURE, STATEMENT

#: A pack has no more files, lies no deeper, and has no longer names.
MOST_FILES, MOST_LEVELS, LONGEST_NAME = 20_000, 12, 400
#: No file of a pack is larger, nor all of them together, in bytes.
MOST_IN_FILE, MOST_IN_ALL = 16_000_000_000, 64_000_000_000
#: What is read whole is smaller.
MOST_BY_NAME = {STATEMENT: 64_000_000, SIGNATURE: 64_000, RESULTS: 256_000_000}


@dataclass(frozen=True)
class PackFault:
    """A file of a pack, and what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return printable(f"{self.file}: {self.what}")


@dataclass(frozen=True)
class Inventory:
    """What lies in a pack: its plain files, by their names in it, with their sizes, and what is neither a file nor a folder."""

    files: dict[str, Path]
    sizes: dict[str, int]
    faults: tuple[PackFault, ...]


def inventory(folder: Path) -> Inventory:
    """Every file below a folder, by its name there, in order; no link is followed. Raises InputError where there is more than that."""
    where = f"pack {folder.name}"
    files: dict[str, Path] = {}
    sizes: dict[str, int] = {}
    faults = []
    levels = [(folder, "", 0)]
    while levels:
        place, prefix, depth = levels.pop()
        if depth > MOST_LEVELS:
            raise InputError(where, f"lies deeper than {MOST_LEVELS} levels", "name the folder of a run")
        for entry in os.scandir(place):
            name, state = prefix + entry.name, entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(state.st_mode):
                levels.append((Path(entry.path), name + "/", depth + 1))
            elif stat.S_ISREG(state.st_mode):
                files[name], sizes[name] = Path(entry.path), state.st_size
            else:
                what = "is a link, not a file" if stat.S_ISLNK(state.st_mode) else "is no plain file"
                faults.append(PackFault(name, what))
            if len(files) + len(levels) + len(faults) > MOST_FILES:
                raise InputError(where, f"has more than {MOST_FILES:,} files", "name the folder of a run")
            if len(name) > LONGEST_NAME:
                raise InputError(where, f"has a name of more than {LONGEST_NAME} characters", "name the folder of a run")
    refuse_large(where, sizes)
    return Inventory(dict(sorted(files.items())), sizes, tuple(sorted(faults, key=lambda fault: fault.file)))


def refuse_large(where: str, sizes: dict[str, int]) -> None:
    """Raise InputError where files, by their names in a pack, are larger than a run's can be."""
    for name, size in sizes.items():
        most = MOST_BY_NAME.get(name.rpartition("/")[2], MOST_IN_FILE)
        if size > most:
            raise InputError(where, f"{name[-80:]} is larger than {most / 10**6:,.2g} MB", "name a run as it was written")
    if sum(sizes.values()) > MOST_IN_ALL:
        raise InputError(where, f"is larger than {MOST_IN_ALL // 10**9} GB", "name a run as it was written")
