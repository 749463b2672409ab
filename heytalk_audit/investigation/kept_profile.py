"""The snapshot's profile, kept with the case: it reads every file whole, and a look at one person must not wait for that again.

A profile holds totals, digests and the names of files and columns. Where files had to be converted first, as CSV is, nothing is kept: the
conversion would be a copy of the data.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from heytalk_audit.errors import InputError
from heytalk_audit.running.session import Session
from heytalk_audit.snapshot import profile
from heytalk_audit.snapshot.unchanged import entry_state


def keep_profile(session: Session, folder: Path) -> None:
    """Keep the profile of a session's opened snapshot in a folder."""
    folder.mkdir(mode=0o700)
    snapshot = session.audit.snapshot.delivery.folder.resolve()
    for name in (profile.FILE, profile.UNKNOWN_FILE):
        kept = session.work / name
        if all(Path(file).resolve().is_relative_to(snapshot) for file in _files(kept)):
            shutil.copyfile(kept, folder / name)


def use_profile(folder: Path, session: Session) -> None:
    """Have a session use what was kept. Raises InputError where a file of the snapshot was changed since."""
    for name in (profile.FILE, profile.UNKNOWN_FILE):
        kept = folder / name
        if kept.exists():
            for described in _document(kept).values():
                _refuse_changed(described.get("identities", {}))
            shutil.copyfile(kept, session.work / name)


def _refuse_changed(identities: dict[str, list[Any]]) -> None:
    for file, before in identities.items():
        try:
            now = entry_state(Path(file))
        except OSError:
            now = []
        if now != before[: len(now)] or not now:
            todo = "restore the snapshot that the case was opened on, or open a new case"
            raise InputError(f"snapshot {Path(file).name}", "was changed since the case was opened", todo)


def _files(kept: Path) -> list[str]:
    """The files that are read in place of those that were delivered, or these themselves."""
    return [file for described in _document(kept).values() for file in described.get("files", [])]


def _document(kept: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(kept.read_text("utf-8"))
    return document
