"""Copies of a run for other tools: tables, workbook, CI, GRC, print, bill of materials. Each cites the digest of the run's evidence.

An export says what results.json says and nothing more. The same run gives the same bytes; a PDF does with the same Chromium.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heytalk_audit.errors import InputError, nearest
from heytalk_audit.evidence.folder import payload, stated_in
from heytalk_audit.evidence.opened import is_zip, opened_pack
from heytalk_audit.exports import dsse, environment, excel, junit, oscal, pdf, sarif, short, tables, word
from heytalk_audit.exports.recorded import Recorded, Unavailable, read_recorded
from heytalk_audit.release.copies import refuse_leaks_in_copy

#: Format to what writes it: the run, into a folder.
FORMATS: dict[str, Callable[[Recorded, Path], None]] = {
    "csv": tables.write,
    "xlsx": excel.write,
    "junit": junit.write,
    "sarif": sarif.write,
    "oscal": oscal.write,
    "pdf": pdf.write,
    "short": short.write,
    "cyclonedx": environment.write,
    "dsse": dsse.write,
}
FILES = {
    "findings.csv",
    "exceptions.csv",
    "findings.xlsx",
    "junit.xml",
    sarif.FILE,
    oscal.RESULTS,
    oscal.PLAN,
    "report.pdf",
    "environment.cdx.json",
    dsse.FILE,
}


def export(
    run: Path,
    formats: list[str],
    out: Path | None,
    key: Ed25519PrivateKey | None = None,
    snapshot: Path | None = None,
    template: Path | None = None,
) -> tuple[Path, list[str], list[str]]:
    """Write these formats (none named: all that can be made here) into a folder, whole or not at all. Raises InputError.

    What would carry personal data out raises AuditFailure: see `release.copies`; `snapshot` is the run's own, to search for its values.
    `key` signs, and `template` is the Word document that the short edition is written into.
    Returns the folder, the files in it, and what was left out and why.
    """
    wanted = [f.strip().lower() for f in formats if f.strip()]
    for name in wanted:
        if name not in FORMATS:
            raise InputError(f"--format {name[:40]}", "is no format", nearest(name, FORMATS))
    if template is not None and wanted and "short" not in wanted:
        raise InputError(f"--template {template.name}", "is of no use without --format short", "add short to the formats, or leave it out")
    word.opened_template(template)
    with opened_pack(run) as folder:
        recorded = replace(read_recorded(folder, run), key=key, template=template)
        target = _target(run, out)
        target.parent.mkdir(parents=True, exist_ok=True)
        return _exported(recorded, wanted, target, snapshot)


def _exported(recorded: Recorded, wanted: list[str], target: Path, snapshot: Path | None) -> tuple[Path, list[str], list[str]]:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".exports-") as work:
        staged = Path(work) / "new"
        staged.mkdir(mode=0o755)
        left_out = _write(recorded, wanted, staged)
        stated = [*stated_in(recorded.folder), *word.texts_of(recorded.template)]
        refuse_leaks_in_copy(staged, sorted(staged.iterdir()), target, recorded.folder, stated, snapshot)
        files = sorted(file.name for file in staged.iterdir())
        _publish(staged, Path(work) / "old", target)
    return target, files, left_out


def _write(recorded: Recorded, wanted: list[str], folder: Path) -> list[str]:
    """Write these formats, or all that can be made here; returns what was left out and why."""
    left_out = []
    for name, write in FORMATS.items():
        if wanted and name not in wanted:
            continue
        try:
            write(recorded, folder)
        except Unavailable as missing:
            if wanted:
                raise InputError(f"--format {name}", *missing.args) from missing
            left_out.append(f"{name} left out: it {missing.args[0]}")
    return left_out


def _target(run: Path, out: Path | None) -> Path:
    name = run.resolve().stem if is_zip(run) else run.resolve().name
    target = out or run.resolve().with_name(name + ".exports")
    inside = target.resolve()
    if any(place in (inside, *inside.parents) for place in (run.resolve(), payload(run).resolve())):
        raise InputError(f"--out {target.name}", "lies in the run's folder", "name a folder outside: a run is never changed")
    if target.is_symlink() or (target.exists() and not (target.is_dir() and all(map(_is_export, target.iterdir())))):
        raise InputError(f"--out {target.name}", "is there already and holds more than exports", "name another folder")
    return target


def _is_export(file: Path) -> bool:
    return file.name in FILES or short.NAMED.fullmatch(file.name) is not None


def _publish(staged: Path, old: Path, target: Path) -> None:
    """Put a finished folder in its place; what was there is moved to `old`."""
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(staged, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise
