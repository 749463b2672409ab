"""What people attest of the clauses that no data can test: who stated what, when, on which evidence, and until when it holds.

An attestation is a statement, never a test: it gives no verdict, and moves none.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from heytalk_audit.canonical import Strict
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.policy import Policy
from heytalk_audit.registers.reading import Day, DocumentName, Name, Remark, read_register

#: How a clause of class A stands: a current statement, one that has run out, none.
ATTESTED, EXPIRED, OPEN = STATES = ("ATTESTED", "EXPIRED", "OPEN")


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{64}", value):
        raise ValueError("is no SHA-256; write its 64 hex digits, in quotes")
    return value.lower()


class Evidence(Strict):
    """What the statement rests on: a document's name and its digest, so that it can be found and recognised."""

    name: DocumentName
    sha256: Annotated[str, BeforeValidator(_digest)]


class Attestation(Strict):
    """One statement of one person on one clause; it holds up to and with the day `expires`."""

    clause: str
    who: Name
    role: Name
    what: Remark
    date: Day
    evidence: Evidence
    expires: Day


class AttestationsFile(Strict):
    """A file of attestations."""

    attestations: list[Attestation]


def read_attestations(path: Path, policy: Policy, today: dt.date) -> list[Attestation]:
    """The attestations in a file, in its order; `today` is the audit's local day. Raises InputError, one line."""
    where = f"attestations {path.name}"
    rows = read_register(AttestationsFile, path, where, "params/attestations.yaml").attestations
    for number, row in enumerate(rows, 1):
        _check(f"{where}: attestations.{number}", row, policy, today)
    _refuse_twice(where, rows, today)
    return rows


def _check(where: str, row: Attestation, policy: Policy, today: dt.date) -> None:
    attestable = [c.id for c in policy.clauses.values() if c.kind == "A"]
    if row.clause not in policy.clauses:
        raise InputError(f"{where}.clause {row.clause[:40]}", "unknown clause", nearest(row.clause, attestable))
    if row.clause not in attestable:
        kind = policy.clauses[row.clause].kind
        todo = "leave it out: data tests it" if kind == "D" else "leave it out: it promises nothing"
        raise InputError(f"{where}.clause {row.clause}", f"is of class {kind}, and only class A is attested", todo)
    if row.date > today:
        raise InputError(f"{where}.date {row.date}", f"lies after the audit's day {today}", "attest what was so on that day or before it")
    if row.expires < row.date:
        raise InputError(f"{where}.expires {row.expires}", f"lies before its date {row.date}", "mend one of them")


def _refuse_twice(where: str, rows: Iterable[Attestation], today: dt.date) -> None:
    current = [row.clause for row in rows if row.expires >= today]
    twice = sorted({clause for clause in current if current.count(clause) > 1})
    if twice:
        raise InputError(f"{where}: {twice[0]}", "has two current rows", "keep one, or let the older expire")


def attestation_standings(rows: Iterable[Attestation], policy: Policy, today: dt.date) -> dict[str, dict[str, Any]]:
    """Per clause of class A how it stands, and the statement that says so: the current one, else the one that ran out last."""
    latest: dict[str, Attestation] = {}
    for row in sorted(rows, key=lambda row: (row.expires, row.date)):
        latest[row.clause] = row
    return {c.id: _standing(latest.get(c.id), today) for c in policy.clauses.values() if c.kind == "A"}


def _standing(row: Attestation | None, today: dt.date) -> dict[str, Any]:
    nothing = dict.fromkeys(("who", "role", "what", "date", "evidence", "evidence_sha256", "expires"))
    if row is None:
        return {"state": OPEN} | nothing
    return {
        "state": ATTESTED if row.expires >= today else EXPIRED,
        "who": row.who,
        "role": row.role,
        "what": row.what,
        "date": row.date.isoformat(),
        "evidence": row.evidence.name,
        "evidence_sha256": row.evidence.sha256,
        "expires": row.expires.isoformat(),
    }
