"""What was read is what was audited: files as they were when they were profiled, and as they are when the last rule has read them.

DuckDB and Spark read the files in place, so nothing keeps another program from writing to them. A difference between the two looks ends a
run; where there is none, all that is known is that none was seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from heytalk_audit.canonical import file_sha256
from heytalk_audit.errors import InputError

#: Of a file: its inode, its size, when it last changed (nanoseconds), and the SHA-256 of its content.
Identity = list[Any]
_PARTS = ("file", "size", "time of change", "content")


def identities(files: Iterable[Path]) -> dict[str, Identity]:
    """The identity of each file, by its path. The content is read after the rest: what is written meanwhile shows in the time."""
    return {str(file): [*entry_state(file), file_sha256(file)] for file in files}


def entry_state(file: Path) -> Identity:
    """What a look at a file's entry tells of its identity: inode, size, time of change. Raises OSError."""
    state = file.stat()
    return [state.st_ino, state.st_size, state.st_ctime_ns]


def refuse_changed(profiles: Iterable[Path], folder: Path) -> None:
    """Raise InputError for the first file of a snapshot's `folder` that is not as it was. `profiles` are the JSON files that say how."""
    for profile in profiles:
        if profile.exists():
            for described in json.loads(profile.read_text("utf-8")).values():
                for file, before in described.get("identities", {}).items():
                    _refuse(Path(file), before, folder)


def _refuse(file: Path, before: Identity, folder: Path) -> None:
    where = f"snapshot {folder.name}/{file.name}"
    todo = "run again on a copy that nothing writes to"
    try:
        now = [*entry_state(file), file_sha256(file)]
    except OSError as error:
        raise InputError(where, "went away while the audit ran", todo) from error
    different = [part for part, was, is_now in zip(_PARTS, before, now, strict=True) if was != is_now]
    if different:
        raise InputError(where, f"changed while the audit ran (another {', '.join(different)})", todo)
