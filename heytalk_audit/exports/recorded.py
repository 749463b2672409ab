"""A run as the exports read it: verified first, then only its results, its exception rows and the digest of its evidence."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.canonical import digest
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import STATEMENT, payload
from heytalk_audit.evidence.statement import materials_of, read_statement
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.policy.chapters import CHAPTERS

#: Outcomes that an owner must look at: test accounts are counted in the ledger, and listed in the run's own files alone.
TOLD = ("violation", "review", "unknown", "exempt")
_IDS = uuid.UUID("5d1f1c0e-54f7-5a4e-9d0c-3f0f1f6a2b11")


class Unavailable(Exception):
    """A format whose means are not at hand here: what is missing, and what to do."""


@dataclass(frozen=True)
class Recorded:
    """A verified run."""

    folder: Path
    evidence: str  # SHA-256 of evidence.json
    materials: dict[str, str]
    audit: dict[str, Any]
    rules: list[dict[str, Any]]

    @cached_property
    def as_of(self) -> dt.datetime:
        """The instant that stands for a date of making: the clock on the wall says nothing of a run."""
        return dt.datetime.fromisoformat(self.audit["as_of"])

    @property
    def withheld(self) -> bool:
        """Whether the run is for readers outside: no exception rows, no small numbers."""
        return self.audit["audience"] != "internal"

    @property
    def findings(self) -> list[dict[str, Any]]:
        """Rules that have something to say: all but those that passed without any open row."""
        return [r for r in self.rules if r["verdict"] != "PASS" or any(r["ledger"][o] != 0 for o in TOLD)]

    def people(self, rule: dict[str, Any]) -> dict[str, int | str]:
        """People by outcome, as this run's readers may see them."""
        return {o: shown(rule["subjects"][o]) for o in TOLD}

    def exceptions(self, rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The exception rows of a rule, gravest first; none where the run withholds them."""
        if self.withheld:
            return
        rows = pq.read_table(self.folder / "exceptions" / f"{rule['id']}.parquet")
        for outcome in TOLD:
            for batch in rows.filter(_is(rows, outcome)).to_batches():
                yield from batch.to_pylist()

    def id(self, *parts: str) -> str:
        """A UUID that follows from the evidence and these parts alone."""
        return str(uuid.uuid5(_IDS, "\n".join((self.evidence, *parts))))


def _is(rows: Any, outcome: str) -> Any:
    import pyarrow.compute as pc

    return pc.equal(rows["outcome"], outcome)


def load(run: Path) -> Recorded:
    """A run, or a bag of one, that is as it was written. Raises InputError."""
    faults = verify_pack(run).faults
    if faults:
        raise InputError(f"export {run.name}", f"is not as it was written ({faults[0]})", "export what was not changed")
    folder = payload(run)
    content = (folder / STATEMENT).read_bytes()
    results = json.loads((folder / "results.json").read_bytes())
    return Recorded(folder, digest(content), materials_of(read_statement(content)), results["audit"], results["rules"])


def areas(rules: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Rules by the title of their area, in the report's order."""
    found = {c.title: [r for r in rules if r["family"] in c.families] for c in CHAPTERS.values()}
    return {title: inner for title, inner in found.items() if inner}


def area_of(rule: dict[str, Any]) -> str:
    """The title of a rule's area."""
    return next(c.title for c in CHAPTERS.values() if rule["family"] in c.families)


def tested(rule: dict[str, Any]) -> bool:
    """Whether a rule's numbers say anything: the noughts of one that was not evaluated are no result."""
    return rule["verdict"] not in ("NOT_EVALUATED", "ERROR")


def said(rule: dict[str, Any]) -> str:
    """A rule's ledger in one line."""
    if not tested(rule):
        return "not tested"
    ledger = rule["ledger"]
    return ", ".join(f"{name} {_number(ledger[name])}" for name in ("in_scope", "pass", *TOLD, "excluded")).replace("in_scope", "in scope")


def _number(count: int | None) -> str:
    return shown(None) if count is None else f"{count:,}"


def line(text: Any) -> str:
    """Text as one line without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
