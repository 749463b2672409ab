"""An earlier run as a later one reads it: verified first, then its results, its exception rows, and what it carries of runs before it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.errors import InputError
from heytalk_audit.evidence import NAME, digest, materials_of, read_statement
from heytalk_audit.pack import payload, verify_pack

RESULTS = "results.json"
#: What a run carries for the next one beyond its exceptions: see `CARRIED`.
CARRIED_FILE = "follow-up.parquet"
CARRIED = pa.schema(
    [
        ("rule", pa.string()),
        ("record", pa.string()),
        ("number", pa.int32()),
        ("state", pa.string()),
        ("cause", pa.string()),
        ("before", pa.string()),
        ("now", pa.string()),
        ("accepted", pa.string()),
        ("first_seen", pa.string()),
        ("resolved", pa.string()),
    ]
)
#: Outcomes of a row that is open: a person, a hold or more data has still to do with it.
OPEN = ("violation", "review", "unknown", "exempt")
#: Verdicts of rules that say nothing of any row.
UNTESTED = ("NOT_EVALUATED", "ERROR")
#: A row of a rule: its record, and which of the rows of that record it is, where the data repeats a key.
Row = tuple[str, int]


@dataclass(frozen=True)
class Run:
    """A verified run."""

    folder: Path
    evidence: str  # SHA-256 of evidence.json
    said: dict[str, Any]
    results: dict[str, Any]

    @property
    def audit(self) -> dict[str, Any]:
        """What the audit was."""
        return self.results["audit"]

    @cached_property
    def rules(self) -> dict[str, dict[str, Any]]:
        """Results by rule."""
        return {r["id"]: r for r in self.results["rules"]}

    @cached_property
    def materials(self) -> dict[str, str]:
        """What the run depended on: name to digest."""
        return materials_of(self.said)

    @cached_property
    def given(self) -> dict[str, Any]:
        """The settings that its parameters gave, as against the policy's own."""
        return dict(self.said["predicate"]["buildDefinition"]["externalParameters"].get("settings") or {})

    def tests(self, rule: str) -> bool:
        """Whether it says anything of a rule's rows."""
        return rule in self.rules and self.rules[rule]["verdict"] not in UNTESTED

    def open_rows(self, rule: str) -> dict[Row, str]:
        """The outcome of each open row of a rule."""
        return open_rows(pq.read_table(self.folder / "exceptions" / f"{rule}.parquet", columns=["record", "outcome"]))

    @cached_property
    def carried(self) -> dict[str, list[dict[str, Any]]]:
        """What it carries of rows beyond its exceptions, by rule."""
        found: dict[str, list[dict[str, Any]]] = {}
        file = self.folder / CARRIED_FILE
        for row in pq.read_table(file).to_pylist() if file.exists() else []:
            found.setdefault(row["rule"], []).append(row)
        return found

    def accepted(self, rule: str) -> dict[Row, str]:
        """The rows of a rule that its register covers, and by which entries."""
        return {(r["record"], r["number"]): r["accepted"] for r in self.carried.get(rule, []) if r["accepted"]}


def open_rows(table: pa.Table) -> dict[Row, str]:
    """The outcome of each open row of an exceptions table; rows of one record are told apart by their order."""
    return {row: outcome for row, outcome in numbered(table["record"].to_pylist(), table["outcome"].to_pylist()) if outcome in OPEN}


def numbered(records: Iterable[str], values: Iterable[Any]) -> list[tuple[Row, Any]]:
    """Values by row; rows of one record are told apart by the order of their values."""
    seen: Counter[str] = Counter()
    found = []
    for record, value in sorted(zip(records, values, strict=True), key=lambda pair: (pair[0], str(pair[1]))):
        found.append(((record, seen[record]), value))
        seen[record] += 1
    return found


def load(folder: Path, where: str) -> Run:
    """A run, or a bag of one, that is as it was written. Raises InputError."""
    faults = verify_pack(folder).faults
    if faults:
        raise InputError(where, f"is not as it was written ({faults[0]})", "name a run that was not changed")
    return read(folder)


def read(folder: Path) -> Run:
    """A run that was verified before."""
    home = payload(folder)
    content = (home / NAME).read_bytes()
    return Run(home, digest(content), read_statement(content), json.loads((home / RESULTS).read_bytes()))


def previous(folder: Path) -> Run:
    """The earlier run that the parameters name. Raises InputError where the folder holds none, or one that was changed."""
    columns_before(folder)
    return load(folder, f"previous {folder.name}")


def columns_before(folder: Path) -> dict[str, list[str]]:
    """The columns that an earlier run was delivered, by table. Raises InputError where the folder holds no such run."""
    where = f"previous {folder.name}"
    try:
        found = json.loads((payload(folder) / RESULTS).read_text("utf-8"))["audit"]["columns"]
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(where, f"its {RESULTS} is missing or cannot be read", "name the folder of an earlier run") from error
    except (KeyError, TypeError) as error:
        raise InputError(where, f"its {RESULTS} lists no columns", "name the folder of a run of this version") from error
    if not (isinstance(found, dict) and all(isinstance(c, list) and all(isinstance(n, str) for n in c) for c in found.values())):
        raise InputError(where, f"its {RESULTS} lists no columns", "name the folder of a run of this version")
    return found
