"""Destroy a snapshot when its day has come, and certify it. Removes what the snapshot's descriptor names, and nothing else."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit.canonical import canonical, digest, file_sha256
from heytalk_audit.errors import InputError
from heytalk_audit.evidence import custody
from heytalk_audit.evidence.chain import append
from heytalk_audit.evidence.custody import HeldSnapshot
from heytalk_audit.report import page
from heytalk_audit.report.html import definitions, join, paragraph, table, tag
from heytalk_audit.snapshot.delivery import DESCRIPTOR, TRUTH

METHOD = "files removed; storage media not overwritten"
LIMITS = (
    "Backups, copies made elsewhere, file system snapshots and the storage medium itself are not covered by this certificate.",
    "Files with other names (hard links) on the same file system remain under those names; their number is stated.",
)
#: What the demo writes beside the tables.
_COMPANIONS = (TRUTH,)


@dataclass(frozen=True)
class Plan:
    """What is going to be removed: files with their sizes and digests, and folders, all relative to the snapshot."""

    files: dict[str, tuple[int, str]]
    folders: tuple[str, ...]
    linked: int


def destroy(folder: Path, by: str, log: Path | None, now: dt.datetime, reason: str = "", run: Path | None = None) -> tuple[Path, Path]:
    """Remove a snapshot's files and its folder; returns the certificate, as JSON and as a page to print. Raises InputError.

    Before its day, or without a receipt in the log, only with a reason.
    """
    held, file = custody.open_held(folder), custody.log_of(folder, log)
    reason = " ".join(reason.split())
    receipt = _due(held, file, now, reason, run)
    plan, tables = plan_of(held), held.hashes()
    more = {"tables": tables, "files": len(plan.files), "method": METHOD, "reason": reason or None}
    begun = append(file, custody.entry_of(held, "destruction begun", by, now, **more))
    _remove(held, plan)
    destroyed = {
        "destroyed_at": custody.stamp(now),
        "destroyed_by": " ".join(by.split()),
        "reason": reason or None,
        "log_line_sha256": begun,
    }
    certificate = _certificate(held, plan, tables, receipt) | destroyed
    paths = _write(file.parent, held, certificate, now)
    entry = custody.entry_of(held, "destroyed", by, now, **more, certificate_sha256=digest(canonical(certificate)))
    append(file, entry)
    return paths


def _due(held: HeldSnapshot, file: Path, now: dt.datetime, reason: str, run: Path | None) -> dict[str, Any] | None:
    """The receipt, if there is one. Raises InputError where the day has not come and no reason is given."""
    entries = custody.entries_of(file, held) if file.exists() else []
    receipts = [e for e in entries if e["event"] == "received"]
    dated = [e for e in entries if "destroy_on" in e]
    day = dt.date.fromisoformat(dated[-1]["destroy_on"]) if dated else None
    if run is not None:
        keep = dated[-1]["keep_days"] if dated else custody.KEEP_DAYS
        day = custody.destruction_day(held, now, keep, run)[0]
    if reason:
        return receipts[-1] if receipts else None
    name = held.folder.name
    if day is None:
        raise InputError(f"destroy {name}", f"its receipt is not in {file.name}", "name its --log, or state a --reason")
    if now.astimezone(dt.UTC).date() < day:
        raise InputError(f"destroy {name}", f"is to be kept until {day}", "wait, or state why not with --now --reason")
    return receipts[-1] if receipts else None


def plan_of(held: HeldSnapshot) -> Plan:
    """What a snapshot consists of. Anything else in its folder, and any link, is refused: it would go with it, or stay behind."""
    name, wanted = held.folder.name, {DESCRIPTOR, *held.paths.values(), *_COMPANIONS}
    files, folders, linked = {}, [], 0
    for root, inner, names in os.walk(held.folder, followlinks=False):
        for entry in sorted([*inner, *names]):
            path = Path(root) / entry
            relative = path.relative_to(held.folder)
            state = path.lstat()
            if relative.parts[0] not in wanted:
                raise InputError(f"destroy {name}", f"{relative.as_posix()[:80]} is no part of the snapshot", "move it elsewhere first")
            if stat.S_ISDIR(state.st_mode):
                folders.append(relative.as_posix())
            elif stat.S_ISREG(state.st_mode):
                files[relative.as_posix()] = (state.st_size, file_sha256(path))
                linked += state.st_nlink > 1
            else:
                what = "is a link: what it leads to would stay" if stat.S_ISLNK(state.st_mode) else "is no plain file"
                raise InputError(f"destroy {name}", f"{relative.as_posix()[:80]} {what}", "see to it by hand first")
    return Plan(files, tuple(sorted(folders, key=lambda f: -f.count("/"))), linked)


def _remove(held: HeldSnapshot, plan: Plan) -> None:
    """File by file, through the folder that was opened: nothing that was put in its place meanwhile is followed or removed."""
    top = os.open(held.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # the descriptor goes last: what is left after a failure can be destroyed again
        for name in sorted(plan.files, key=lambda n: (n == DESCRIPTOR, n)):
            _within(top, name, lambda entry, place: os.unlink(entry, dir_fd=place))
        for name in plan.folders:
            _within(top, name, lambda entry, place: os.rmdir(entry, dir_fd=place))
    except OSError as error:
        raise InputError(f"destroy {held.folder.name}", f"stopped: {error.strerror}", "see what is left, and destroy it again") from error
    finally:
        os.close(top)
    try:
        os.rmdir(held.folder)
    except OSError as error:
        raise InputError(f"destroy {held.folder.name}", f"its folder stays: {error.strerror}", "see what was put in it") from error


def _within(top: int, name: str, remove: Callable[[str, int], None]) -> None:
    """Open the folders of a path one by one, following no link, and have its last part removed from the innermost."""
    *parents, entry = name.split("/")
    opened = []
    place = top
    try:
        for step in parents:
            place = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            opened.append(place)
        remove(entry, place)
    finally:
        for handle in reversed(opened):
            os.close(handle)


def _certificate(held: HeldSnapshot, plan: Plan, tables: dict[str, str | None], receipt: dict[str, Any] | None) -> dict[str, Any]:
    """What the certificate says of the snapshot; who destroyed it, when and why is added."""
    return {
        "certificate": "destruction of a snapshot",
        "snapshot": held.id,
        "as_of": held.descriptor.get("as_of"),
        "storage": str(held.folder),
        "descriptor_sha256": held.sha256,
        "tables": tables,
        "files": [{"name": name, "bytes": size, "sha256": sha256} for name, (size, sha256) in sorted(plan.files.items())],
        "bytes": sum(size for size, _ in plan.files.values()),
        "files_with_other_names": plan.linked,
        "received": {k: receipt[k] for k in ("at", "from", "by", "channel")} if receipt else None,
        "method": METHOD,
        "limits": list(LIMITS),
    }


def _write(folder: Path, held: HeldSnapshot, certificate: dict[str, Any], now: dt.datetime) -> tuple[Path, Path]:
    """The certificate beside the log, under a name that is not taken."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in held.id)[:60] or "snapshot"
    stem = f"destruction-{plain}-{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
    n = 1
    while (folder / f"{stem}.json").exists():
        n += 1
        stem = f"{stem.partition('.')[0]}.{n}"
    written = folder / f"{stem}.json", folder / f"{stem}.html"
    with written[0].open("xb") as handle:
        handle.write(canonical(certificate))
    with written[1].open("x", encoding="utf-8") as handle:
        handle.write(_page(certificate))
    return written


def _page(certificate: dict[str, Any]) -> str:
    facts = {
        "Snapshot": certificate["snapshot"],
        "State as of": certificate["as_of"],
        "Descriptor SHA-256": certificate["descriptor_sha256"],
        "Stored at": certificate["storage"],
        "Received": _receipt(certificate["received"]),
        "Destroyed at": certificate["destroyed_at"],
        "Destroyed by": certificate["destroyed_by"],
        "Method": certificate["method"],
        "Files, bytes": f"{len(certificate['files']):,} files, {certificate['bytes']:,} bytes",
        "Files with other names": certificate["files_with_other_names"],
        "Reason for destruction before its day": certificate["reason"],
        "Line of the custody log": certificate["log_line_sha256"],
    }
    body = join(
        tag("h1", "Certificate of destruction"),
        definitions(facts.items()),
        table(["Table", "Digest"], [[name, value] for name, value in certificate["tables"].items()], "Tables"),
        table(["File", "Bytes", "SHA-256"], [[f["name"], f["bytes"], f["sha256"]] for f in certificate["files"]], "Files removed"),
        *(paragraph(text, cls="note") for text in certificate["limits"]),
        paragraph("Signed: ", tag("span", "", cls="line")),
    )
    return page.wrap(page.sanitised(body.html), "Certificate of destruction", [])


def _receipt(received: dict[str, Any] | None) -> str:
    if received is None:
        return "not logged"
    return f"{received['at']}, from {received['from']}, by {received['by']}, through {received['channel']}"
