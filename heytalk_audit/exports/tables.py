"""Findings and exception rows as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.exports.recorded import TOLD, Recorded, area_of, tested

FINDINGS = [
    *("id", "title", "area", "severity", "finding_severity", "verdict", "basis"),
    *("in_scope", "pass", *TOLD, "excluded", "accepted", "rate"),
    *(f"people_{outcome}" for outcome in TOLD),
    *("clauses", "reasons", "reason", "recommendation", "evidence_sha256"),
]
EXCEPTIONS = ["rule", "record", "subject", "outcome", "reason", "due_on", "days_over", "evidence_sha256"]
#: What begins a formula in one spreadsheet or another, also in the wide forms of East Asian input.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
#: The same within a text, after what another locale takes for the end of a cell.
_WITHIN = re.compile(rf"(?<=\S)([;|\t\r\n]\s*)(?=[{re.escape(_FORMULA)}])")


def write(run: Recorded) -> dict[str, bytes]:
    """Two files: a row per finding, and a row per exception row (none where the run withholds them)."""
    made = {"findings.csv": _csv(FINDINGS, findings(run))}
    if not run.withheld:
        made["exceptions.csv"] = _csv(EXCEPTIONS, ([*row, run.evidence] for row in exceptions(run)))
    return made


def findings(run: Recorded) -> Iterator[list[Any]]:
    """The rows of FINDINGS."""
    for r in run.findings:
        # a rule that was not tested has no numbers: a nought would look like a result
        ledger, people = (r["ledger"], run.people(r)) if tested(r) else ({}, {})
        yield [
            *(r["id"], r["title"], area_of(r), r["severity"], r["finding_severity"], r["verdict"], r["basis"]),
            *(shown(ledger[name]) if ledger else None for name in ("in_scope", "pass", *TOLD, "excluded")),
            *(shown(r["accepted"]) if tested(r) else None, r["rate"]),
            *(people.get(outcome) for outcome in TOLD),
            "; ".join(c["id"] for c in r["clauses"]),
            "; ".join(f"{x['outcome']}/{x['reason']}: {shown(x['rows'])}" for x in r["reasons"] if x["outcome"] in TOLD),
            *(r["reason"], r["recommendation"], run.evidence),
        ]


def exceptions(run: Recorded) -> Iterator[list[Any]]:
    """The rows of EXCEPTIONS but for the digest, rule by rule."""
    for r in run.findings:
        for row in run.exceptions(r):
            yield [r["id"], *(row[name] for name in EXCEPTIONS[1:-1])]


def safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: what begins like one gets an apostrophe before it. Numbers stay numbers."""
    if not isinstance(value, str) or not value:
        return value
    value = _WITHIN.sub(r"\1'", value)
    bare = value.lstrip().lstrip("\ufeff\u200b\u200c\u200d\u2060").lstrip()
    return f"'{value}" if value[0] in "\t\r\n" or bare[:1] in tuple(_FORMULA) else value


def _csv(head: list[str], rows: Any) -> bytes:
    made = io.StringIO(newline="")
    writer = csv.writer(made, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + made.getvalue().encode("utf-8", "replace")
