"""Who had a snapshot, when and what for, and when it is to be destroyed: a log of lines, each carrying the digest of the line before.

The log lies outside the snapshot and outside every run; how its lines hold together is the matter of `chain`.
"""

from __future__ import annotations

import datetime as dt
import getpass
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from heytalk_audit.canonical import digest, file_sha256
from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence.chain import append, entries
from heytalk_audit.evidence.folder import STATEMENT, payload
from heytalk_audit.evidence.sign_off import REVIEWER, checked_sign_offs
from heytalk_audit.evidence.statement import materials_of, read_statement
from heytalk_audit.snapshot.delivery import DESCRIPTOR, read_descriptor

LOG = "custody.jsonl"
KEEP_DAYS = 90


@dataclass(frozen=True)
class HeldSnapshot:
    """A snapshot that somebody holds: its folder, its id, its descriptor, and that descriptor's digest."""

    folder: Path
    id: str
    descriptor: dict[str, Any]
    sha256: str

    @property
    def paths(self) -> dict[str, str]:
        """Table to the file or folder that carries it, each a plain name within the snapshot."""
        return {str(r["name"]): _inside(r["path"]) for r in self.descriptor["resources"]}

    def declared(self) -> dict[str, str]:
        """Table to digest, as the descriptor says."""
        return {str(r["name"]): str(r.get("hash")) for r in self.descriptor["resources"]}

    def hashes(self) -> dict[str, str | None]:
        """Table to digest, as computed now; null for what is not there."""
        return {name: hash_of(self.folder / path) for name, path in self.paths.items()}


def open_held(folder: Path) -> HeldSnapshot:
    """The snapshot in a folder. Raises InputError."""
    if folder.is_symlink() or not folder.is_dir():
        raise InputError(f"snapshot {folder.name}", "is no folder" if not folder.is_symlink() else "is a link", "name the folder itself")
    descriptor = read_descriptor(folder)
    for entry in descriptor["resources"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not isinstance(entry.get("path"), str):
            raise InputError(f"{DESCRIPTOR} resources", "one has no name or no path", "seal the snapshot")
        _inside(entry["path"])
    id = str(descriptor.get("snapshot_id") or folder.name)
    return HeldSnapshot(folder.absolute(), id, descriptor, digest((folder / DESCRIPTOR).read_bytes()))


def _inside(path: str) -> str:
    """The path that a descriptor names, if it is a plain name: what lies elsewhere must never be hashed or destroyed."""
    if path in ("", ".", "..", DESCRIPTOR) or len(PurePosixPath(path).parts) != 1 or "\\" in path or "\0" in path or path.startswith("/"):
        raise InputError(f"{DESCRIPTOR} path {path[:60]!r}", "is no plain name within the snapshot", "seal the snapshot")
    return path


def hash_of(path: Path) -> str | None:
    """`sha256:...` of a file, or of the sorted lines "digest  file" of a folder's parts, as the descriptor has it."""
    if path.is_dir():
        files = sorted(path.rglob("*.parquet"))
        lines = sorted(f"{file_sha256(p)}  {p.relative_to(path).as_posix()}\n" for p in files)
        return "sha256:" + digest("".join(lines).encode())
    return "sha256:" + file_sha256(path) if path.is_file() else None


# the log -------------------------------------------------------------------------------------------


def log_of(folder: Path, log: Path | None = None) -> Path:
    """The log of a snapshot: the one named, or custody.jsonl beside its folder. Never within a snapshot or a run. Raises InputError."""
    file = log or folder.absolute().parent / LOG
    for place in file.resolve().parents:
        if place == folder.resolve() or (place / DESCRIPTOR).exists() or (place / STATEMENT).exists():
            raise InputError(f"--log {file.name}", f"lies within {place.name}, a snapshot or a run", "name a file outside")
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise InputError(f"--log {file.name}", "is no plain file", "name another")
    return file


def entry_of(snapshot: HeldSnapshot, event: str, by: str, now: dt.datetime, **more: Any) -> dict[str, Any]:
    """An entry of the log on an event: when, who, which snapshot, and what more the event has. Raises InputError."""
    entry = {
        "at": stamp(now),
        "event": event,
        "by": stated_text("--by", by),
        "snapshot": printable(snapshot.id),
        "descriptor_sha256": snapshot.sha256,
        "storage": printable(snapshot.folder),
    }
    return entry | more


def stamp(now: dt.datetime) -> str:
    """An instant as the log writes it: UTC, to the second."""
    return now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stated_text(option: str, text: str) -> str:
    """What a person states in an option, on one line of at most 500 characters. Raises InputError where it is blank."""
    line = " ".join(printable(text).split())
    if not line:
        raise InputError(option, "is empty", "write it")
    return line[:500]


def entries_of(log: Path, snapshot: HeldSnapshot) -> list[dict[str, Any]]:
    """A log's entries on one snapshot, which is recognised by its descriptor's digest."""
    return [e for e in entries(log) if e["descriptor_sha256"] == snapshot.sha256]


# what is logged ------------------------------------------------------------------------------------


def receive(
    folder: Path, sender: str, by: str, channel: str, log: Path | None, now: dt.datetime, keep: int = KEEP_DAYS, run: Path | None = None
) -> dict[str, Any]:
    """Log a receipt: digests as computed now, and the day of destruction, `keep` days after it or after a run's sign-off.

    Returns the entry. Raises InputError.
    """
    snapshot, file = open_held(folder), log_of(folder, log)
    hashes = snapshot.hashes()
    wrong = sorted(name for name, declared in snapshot.declared().items() if hashes[name] != declared)
    day, counted = destruction_day(snapshot, now, keep, run)
    more = {
        "from": stated_text("--from", sender),
        "channel": stated_text("--channel", channel),
        "tables": hashes,
        "not_as_described": wrong,
    }
    entry = entry_of(snapshot, "received", by, now, **more, destroy_on=day.isoformat(), counted_from=counted, keep_days=keep)
    append(file, entry)
    return entry


def access(folder: Path, by: str, purpose: str, log: Path | None, now: dt.datetime) -> dict[str, Any]:
    """Log that somebody read the snapshot, and what for. Returns the entry. Raises InputError."""
    snapshot, file = open_held(folder), log_of(folder, log)
    entry = entry_of(snapshot, "access", by, now, purpose=stated_text("--purpose", purpose), tables=snapshot.declared())
    append(file, entry)
    return entry


def final(folder: Path, run: Path, by: str, log: Path | None, now: dt.datetime, keep: int = KEEP_DAYS) -> dict[str, Any]:
    """Log that a run on this snapshot became the final report: from its reviewer's sign-off the days of keeping are counted.

    Returns the entry. Raises InputError.
    """
    snapshot, file = open_held(folder), log_of(folder, log)
    if not file.exists() or not entries_of(file, snapshot):
        raise InputError(f"snapshot {folder.name}", "is not in this log", "receive it first: heytalk-audit custody receive")
    day, counted = destruction_day(snapshot, now, keep, run)
    evidence = digest((payload(run) / STATEMENT).read_bytes())
    entry = entry_of(
        snapshot, "final report", by, now, evidence_sha256=evidence, destroy_on=day.isoformat(), counted_from=counted, keep_days=keep
    )
    append(file, entry)
    return entry


def note_run(folder: Path, audit: str, now: dt.datetime) -> str | None:
    """Log an audit's own access, if a log beside the snapshot has its receipt. Returns a warning where that fails; raises nothing."""
    try:
        file = folder.absolute().parent / LOG
        if not file.is_file() or not entries_of(file, open_held(folder)):
            return None
        try:
            who = getpass.getuser()
        except (OSError, KeyError, ImportError):
            who = "not known"
        access(folder, who, f"audit {audit}", None, now)
    except (InputError, OSError, ValueError, KeyError) as error:
        return f"the access was not logged ({error})"
    return None


def destruction_day(snapshot: HeldSnapshot, now: dt.datetime, keep: int, run: Path | None) -> tuple[dt.date, str]:
    """The first day on which a snapshot may be destroyed, and what its `keep` days are counted from. Raises InputError."""
    if keep < 0:
        raise InputError("--keep-days", "is less than none", "write a number of days, as 90")
    if run is None:
        return now.astimezone(dt.UTC).date() + dt.timedelta(days=keep), "receipt"
    return signed_on(snapshot, run) + dt.timedelta(days=keep), "the reviewer's sign-off"


def signed_on(snapshot: HeldSnapshot, run: Path) -> dt.date:
    """The day on which the reviewer signed a run that was made from this snapshot. Raises InputError."""
    try:
        content = (payload(run) / STATEMENT).read_bytes()
        used = materials_of(read_statement(content))
    except (OSError, ValueError) as error:
        raise InputError(f"--run {run.name}", "is no run's folder and no bag of one", "name the run of the final report") from error
    if used.get(f"snapshot/{DESCRIPTOR}") != snapshot.sha256:
        raise InputError(f"--run {run.name}", "was not made from this snapshot", "name the run of the final report")
    signed = checked_sign_offs(run).signed.get(REVIEWER)
    if signed is None:
        raise InputError(f"--run {run.name}", "was not signed by its reviewer", "have it signed, or leave --run out")
    return dt.datetime.fromisoformat(signed.date).astimezone(dt.UTC).date()
