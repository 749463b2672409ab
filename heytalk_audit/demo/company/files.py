"""The company's folders: a snapshot per quarter, the parameters and registers of its audits, and its story in words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from heytalk_audit.canonical import file_sha256
from heytalk_audit.demo.company.history import Company, instants, quarter_name
from heytalk_audit.demo.company.in_words import in_words
from heytalk_audit.demo.company.registers import parameters_and_registers
from heytalk_audit.demo.company.telling import tell
from heytalk_audit.demo.snapshot_files import empty_tables, finish

#: Names in the folder of several quarters: parameters and registers, the story, and the digests of all files, as sha256sum checks them.
PARAMS, STORY, DIGESTS = "params", "story.md", "SHA256SUMS"


def write_last_quarter(folder: Path, users: int, seed: int, end: dt.datetime) -> dict[str, str]:
    """Write the snapshot at the end of the history; returns whom its stories are about, by role."""
    return _write_snapshot(folder, users, seed, end, end)


def write_quarters(folder: Path, users: int, seed: int, end: dt.datetime, quarters: int) -> None:
    """Write the last `quarters` snapshots of the history, with all that their audits need."""
    ends = instants(end)[-quarters:]
    for at in ends:
        snapshot = folder / quarter_name(at)
        snapshot.mkdir()
        about = _write_snapshot(snapshot, users, seed, at, end)
    (folder / PARAMS).mkdir()
    for name, text in parameters_and_registers(ends, end).items():
        (folder / PARAMS / name).write_text(text, "utf-8")
    (folder / STORY).write_text(in_words(ends, end, about), "utf-8")
    (folder / DIGESTS).write_text(_digests(folder), "utf-8")


def _write_snapshot(folder: Path, users: int, seed: int, at: dt.datetime, end: dt.datetime) -> dict[str, str]:
    company = Company(at, empty_tables(folder), end=end)
    about = tell(company, users, np.random.Generator(np.random.PCG64(seed)))
    finish(folder, company, f"demo-company-{users}-{seed}-{quarter_name(at)}")
    return about


def is_company(folder: Path) -> bool:
    """Whether a folder holds several quarters of a company as they were written, and nothing else."""
    if folder.is_symlink() or not (folder / DIGESTS).is_file() or any(path.is_symlink() for path in folder.rglob("*")):
        return False
    return (folder / DIGESTS).read_bytes() == _digests(folder).encode("utf-8")


def _digests(folder: Path) -> str:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return "".join(f"{file_sha256(folder / name)}  {name}\n" for name in files if name != DIGESTS)
