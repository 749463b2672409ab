"""The register of incidents: what happened to people's data, who was told of it when, and what was done; and who states so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BeforeValidator, Field

from heytalk_audit.canonical import Strict
from heytalk_audit.errors import InputError
from heytalk_audit.registers.attestations import Evidence
from heytalk_audit.registers.reading import Day, Id, Name, Remark, read_register, refuse_twice

#: The register as facts read it, a row per incident: `authority_hours` from its detection until the authority was told, null if it was not.
INCIDENTS = pa.schema(
    [("id", pa.string()), ("kind", pa.string()), ("people", pa.int64()), ("authority_hours", pa.float64()), ("people_told", pa.bool_())]
)


def _instant(value: Any) -> dt.datetime:
    """An instant with its zone, as YAML has it or as ISO text."""
    try:
        instant = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        instant = None
    if not isinstance(instant, dt.datetime) or instant.tzinfo is None:
        raise ValueError("is no instant with a zone; write it as 2025-02-03T08:15:00Z")
    return instant.astimezone(dt.UTC)


Instant = Annotated[dt.datetime, BeforeValidator(_instant)]


class Incident(Strict):
    """One incident, and who states it, when, on which evidence; null where the authority or the people were not told."""

    id: Id
    detected: Instant
    kind: Name
    people: int = Field(ge=0)
    categories: list[Name] = Field(min_length=1)
    authority_told: Instant | None = None
    people_told: Instant | None = None
    measures: Remark
    who: Name
    role: Name
    date: Day
    evidence: Evidence


class IncidentsFile(Strict):
    """A register of incidents."""

    incidents: list[Incident]


def read_incidents(path: Path, today: dt.date) -> list[Incident]:
    """The incidents in a file, in its order; `today` is the audit's local day. Raises InputError, one line."""
    where = f"incidents {path.name}"
    rows = read_register(IncidentsFile, path, where, "params/incidents.yaml").incidents
    refuse_twice((row.id for row in rows), f"{where}: incidents", "id", "give each incident an id of its own")
    for number, row in enumerate(rows, 1):
        _check_times(f"{where}: incidents.{number}", row, today)
    return rows


def _check_times(where: str, row: Incident, today: dt.date) -> None:
    if row.date > today:
        raise InputError(f"{where}.date {row.date}", f"lies after the audit's day {today}", "state what was so on that day or before it")
    for name, instant in (("authority_told", row.authority_told), ("people_told", row.people_told)):
        if instant is not None and instant < row.detected:
            raise InputError(f"{where}.{name}", "lies before the incident was detected", "mend one of them")


def incidents_table(rows: list[Incident]) -> pa.Table:
    """The register as a small table: see INCIDENTS."""
    hours = [None if row.authority_told is None else (row.authority_told - row.detected).total_seconds() / 3600 for row in rows]
    lines = [
        {"id": row.id, "kind": row.kind, "people": row.people, "authority_hours": after, "people_told": row.people_told is not None}
        for row, after in zip(rows, hours, strict=True)
    ]
    return pa.Table.from_pylist(lines, schema=INCIDENTS)
