"""The register of processing: for each purpose the legal basis, the categories of data, the recipients and the period, and who states so.

It is a statement, as an attestation is, and no test: facts set it beside what the data shows.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from heytalk_audit.canonical import Strict
from heytalk_audit.errors import InputError
from heytalk_audit.expressions.strings import plain_key
from heytalk_audit.registers.attestations import Evidence
from heytalk_audit.registers.reading import Day, LegalGround, Name, Title, read_register, refuse_twice

#: The register as facts read it: one row per purpose, `code` being what purposes are compared by.
PROCESSING = pa.schema([(name, pa.string()) for name in ("code", "purpose", "legal_basis", "categories", "recipients", "period")])


class Activity(Strict):
    """What is done with data for one purpose, and who states so, when, on which evidence."""

    purpose: Name
    legal_basis: LegalGround
    categories: list[Name] = Field(min_length=1)
    recipients: list[Name]
    period: Title
    who: Name
    role: Name
    date: Day
    evidence: Evidence


class ProcessingFile(Strict):
    """A register of processing."""

    processing: list[Activity]


def read_processing(path: Path, today: dt.date) -> list[Activity]:
    """The activities in a file, in its order; `today` is the audit's local day. Raises InputError, one line."""
    where = f"processing {path.name}"
    rows = read_register(ProcessingFile, path, where, "params/processing.yaml").processing
    refuse_twice((plain_key(row.purpose) for row in rows), f"{where}: processing", "purpose", "write one entry per purpose")
    for number, row in enumerate(rows, 1):
        if row.date > today:
            todo = "state what was so on that day or before it"
            raise InputError(f"{where}: processing.{number}.date {row.date}", f"lies after the audit's day {today}", todo)
    return rows


def processing_table(rows: list[Activity]) -> pa.Table:
    """The register as a small table: see PROCESSING."""
    lines = [
        {
            "code": plain_key(row.purpose),
            "purpose": row.purpose,
            "legal_basis": row.legal_basis,
            "categories": ", ".join(row.categories),
            "recipients": ", ".join(row.recipients) or "none",
            "period": row.period,
        }
        for row in rows
    ]
    return pa.Table.from_pylist(lines, schema=PROCESSING)
