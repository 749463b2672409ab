"""Copies of a run for other tools: tables, workbook, CI, GRC, print, bill of materials. Each cites the digest of the run's evidence.

An export says what results.json says and nothing more. The same run gives the same bytes; a PDF does with the same Chromium.
"""

from __future__ import annotations

import contextlib
import filecmp
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heytalk_audit.disk.placing import exchange, keep_private, move_new, staging
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.evidence.folder import payload, stated_in
from heytalk_audit.evidence.opened import is_zip, opened_pack
from heytalk_audit.exports import dsse, environment, excel, frameworks, junit, oscal, pdf, sarif, short, tables, word
from heytalk_audit.exports.recorded import Recorded, Unavailable, read_recorded
from heytalk_audit.release.copies import refuse_leaks_in_copy

#: Format to what writes it: the run, into a folder.
FORMATS: dict[str, Callable[[Recorded, Path], None]] = {
    "csv": tables.write,
    "xlsx": excel.write,
    "frameworks": frameworks.write,
    "junit": junit.write,
    "sarif": sarif.write,
    "oscal": oscal.write,
    "pdf": pdf.write,
    "short": short.write,
    "cyclonedx": environment.write,
    "dsse": dsse.write,
}
#: The files of each format, but for the short edition, whose are named for the audit.
FILES_OF = {
    "csv": ("findings.csv", "exceptions.csv"),
    "xlsx": ("findings.xlsx",),
    "frameworks": (frameworks.FILE,),
    "junit": ("junit.xml",),
    "sarif": (sarif.FILE,),
    "oscal": (oscal.RESULTS, oscal.PLAN),
    "pdf": ("report.pdf",),
    "cyclonedx": ("environment.cdx.json",),
    "dsse": (dsse.FILE,),
}


def export(
    run: Path,
    formats: list[str],
    out: Path | None,
    key: Ed25519PrivateKey | None = None,
    snapshot: Path | None = None,
    is_replaced: bool = False,
    template: Path | None = None,
) -> tuple[Path, list[str], list[str]]:
    """Write these formats (none named: all that can be made here) into a folder, whole or not at all. Raises InputError.

    What would carry personal data out raises AuditFailure: see `release.copies`; `snapshot` is the run's own, to search for its values.
    A folder that is there is replaced where it holds exports of this run as they were written, and with `is_replaced` also others.
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
        return _exported(recorded, wanted, target, snapshot, is_replaced)


def _exported(
    recorded: Recorded, wanted: list[str], target: Path, snapshot: Path | None, is_replaced: bool
) -> tuple[Path, list[str], list[str]]:
    where = f"--out {target.name}"
    with staging(target, where) as work:
        staged = work / "new"
        staged.mkdir()
        left_out = _write(recorded, wanted, staged)
        if not is_replaced:
            _refuse_others(recorded, target, staged, work / "again")
        stated = [*stated_in(recorded.folder), *word.texts_of(recorded)]
        refuse_leaks_in_copy(staged, sorted(staged.iterdir()), target, recorded.folder, stated, snapshot)
        files = sorted(file.name for file in staged.iterdir())
        keep_private(staged)
        if target.exists():
            exchange(staged, target)
        else:
            move_new(staged, target, where)
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


def _is_export(path: Path) -> bool:
    return _format_of(path.name) is not None and path.is_file() and not path.is_symlink()


def _format_of(name: str) -> str | None:
    """The format that has a file of that name; null where none has."""
    if short.NAMED.fullmatch(name):
        return "short"
    return next((format for format, files in FILES_OF.items() if name in files), None)


def _refuse_others(recorded: Recorded, target: Path, staged: Path, again: Path) -> None:
    """Refuse to replace what is no export of this run, byte for byte: of another run, or changed by somebody since.

    What is not among the files that were made just now is made `again`, to compare it.
    """
    there = sorted(p.name for p in target.iterdir()) if target.exists() else []
    again.mkdir()
    formats = [format for format in FORMATS if format in (_format_of(name) for name in there if not (staged / name).exists())]
    for format in formats:
        # what cannot be made again here, as without the key that signs, may be anybody's
        with contextlib.suppress(Unavailable):
            FORMATS[format](recorded, again)
    for name in there:
        same = next((place / name for place in (staged, again) if (place / name).is_file()), None)
        if same is None or not filecmp.cmp(same, target / name, shallow=False):
            raise InputError(f"--out {target.name}", f"its {name} is no export of this run", "move it away, or give --replace")
