"""Close a case: its log and memos are packed beside it, and on its day the rest is destroyed, with a certificate."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heytalk_audit.canonical import canonical, file_sha256
from heytalk_audit.disk.placing import new_file, refuse_links, refuse_present
from heytalk_audit.errors import InputError
from heytalk_audit.evidence import custody
from heytalk_audit.evidence.chain import head_file
from heytalk_audit.handover.destruction import LIMITS, METHOD
from heytalk_audit.investigation.case_file import CASE_FILE, INVESTIGATION, LOG, PROFILE, CaseFolder, CaseRecord, head_of
from heytalk_audit.report import page
from heytalk_audit.report.html import definitions, join, paragraph, table, tag

#: What a case's folder may hold beside its log and memos; anything else is somebody's, and is not removed.
_OWN = (CASE_FILE, LOG, f"{LOG}.head", PROFILE, INVESTIGATION, ".ipynb_checkpoints")
_OWN_BEGINNINGS = ("outcomes", "memo")
#: Of what a certificate does not cover, that which is true of any folder.
_LIMITS = LIMITS[:1]


def close_case(case: CaseFolder, keep_until: str, now: dt.datetime) -> Iterator[str]:
    """Close a case, or destroy what is left of a closed one when its day is over. Yields what was done, in lines. Raises InputError."""
    today = now.astimezone(dt.UTC).date()
    if case.record.keep_until is None:
        day = _day(keep_until, today)
        packed = case.folder.with_name(f"{case.folder.name}.zip")
        refuse_present(packed, f"case close {packed.name}")
        case.note("closed", now, keep_until=day.isoformat())
        # the record last: a case that says that it is closed has been packed
        _pack(case, packed, case.record.model_copy(update={"keep_until": day.isoformat()}))
        case = case.recorded(keep_until=day.isoformat())
        yield f"{packed}: the log and the memos"
    elif keep_until and keep_until != case.record.keep_until:
        raise InputError("--keep-until", f"is {case.record.keep_until} since the case was closed", "leave it out")
    last = dt.date.fromisoformat(str(case.record.keep_until))
    if today <= last:
        yield f"{case.folder.name}: closed; kept until {last}. Run case close once more after that day."
        return
    for file in _destroy(case, now):
        yield f"{file}: the certificate"


def _day(text: str, today: dt.date) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputError("--keep-until", f"{text[:40]!r} is no day" if text else "is missing", "write a day, as 2025-09-30") from error
    if day < today:
        raise InputError("--keep-until", "is over", "name today or a later day")
    return day


def _pack(case: CaseFolder, target: Path, record: CaseRecord) -> None:
    """Log, statement and memos as a zip beside the case's folder; the same contents give the same bytes."""
    files = [case.log, head_file(case.log), *sorted(case.folder.glob("memo*"))]
    contents = {CASE_FILE: canonical(record.model_dump())} | {file.name: file.read_bytes() for file in files}
    with new_file(target, f"case close {target.name}") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in contents.items():
            member = zipfile.ZipInfo(f"{case.folder.name}/{name}", (1980, 1, 1, 0, 0, 0))
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            packed.writestr(member, content)


def _destroy(case: CaseFolder, now: dt.datetime) -> list[Path]:
    """Remove the case's folder, and certify it beside it."""
    where = f"case close {case.folder.name}"
    refuse_links(case.folder, where)
    entries = sorted(os.listdir(case.folder))
    strange = [name for name in entries if name not in _OWN and not name.startswith(_OWN_BEGINNINGS)]
    if strange:
        raise InputError(where, f"{strange[0][:80]} is no part of a case", "move it elsewhere first")
    # in the log before the files are listed: their digests are those of what is removed
    case.note("destroyed", now)
    files = [file for file in sorted(case.folder.rglob("*")) if file.is_file() and not file.is_symlink()]
    listed = [{"name": f.relative_to(case.folder).as_posix(), "bytes": f.stat().st_size, "sha256": file_sha256(f)} for f in files]
    certificate = _certificate(case, listed, now)
    written = [case.folder.with_name(f"{case.folder.name}-destruction.{form}") for form in ("json", "html")]
    with new_file(written[0], where) as one, new_file(written[1], where) as other:
        one.write_bytes(canonical(certificate))
        other.write_text(_page(certificate), "utf-8")
        shutil.rmtree(case.folder)
    return written


def _certificate(case: CaseFolder, files: list[dict[str, Any]], now: dt.datetime) -> dict[str, Any]:
    return {
        "certificate": "destruction of a case's files",
        "case": case.record.case,
        "purpose": case.record.purpose,
        "kept_until": case.record.keep_until,
        "destroyed_at": custody.stamp(now),
        "destroyed_by": case.record.by,
        "log_head_sha256": head_of(case),
        "files": files,
        "method": METHOD,
        "limits": list(_LIMITS),
    }


def _page(certificate: dict[str, Any]) -> str:
    facts = {name.replace("_", " ").capitalize(): value for name, value in certificate.items() if isinstance(value, str)}
    rows = [[file["name"], file["bytes"], file["sha256"]] for file in certificate["files"]]
    body = join(
        tag("h1", "Certificate of destruction"),
        definitions(facts.items()),
        table(["File", "Bytes", "SHA-256"], rows, "Files removed"),
        *(paragraph(text, cls="note") for text in _LIMITS),
        paragraph("Signed: ", tag("span", "", cls="line")),
    )
    return page.wrap(page.sanitised(body.html), "Certificate of destruction", [])
