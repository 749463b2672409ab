"""An earlier run as a later one reads it: verified first, then its results, its exception rows, and what it carries of runs before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.canonical import digest
from heytalk_audit.errors import InputError
from heytalk_audit.evidence import folder as folder_names
from heytalk_audit.evidence.folder import RESULTS, STATEMENT, exceptions_file, payload, results_of
from heytalk_audit.evidence.statement import materials_of, read_statement
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.vocabulary import Outcome, Verdict

#: What a run carries of single rows for the next one, beyond its exceptions.
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

    def verdict(self, rule: str) -> str | None:
        """The verdict of a rule; null where the run left it out."""
        return self.rules[rule]["verdict"] if rule in self.rules else None

    def tests(self, rule: str) -> bool:
        """Whether it says anything of a rule's rows."""
        return rule in self.rules and Verdict(self.rules[rule]["verdict"]).is_tested

    def open_rows(self, rule: str) -> dict[Row, str]:
        """The outcome of each open row of a rule."""
        return open_rows(pq.read_table(exceptions_file(self.folder, rule), columns=["record", "outcome"]))

    @cached_property
    def carried(self) -> dict[str, list[dict[str, Any]]]:
        """What it carries of rows beyond its exceptions, by rule."""
        found: dict[str, list[dict[str, Any]]] = {}
        file = self.folder / folder_names.CARRIED
        for row in pq.read_table(file).to_pylist() if file.exists() else []:
            found.setdefault(row["rule"], []).append(row)
        return found

    def accepted(self, rule: str) -> dict[Row, str]:
        """The rows of a rule that its register covers, and by which entries."""
        return {(r["record"], r["number"]): r["accepted"] for r in self.carried.get(rule, []) if r["accepted"]}


def open_rows(table: pa.Table) -> dict[Row, str]:
    """The outcome of each open row of an exceptions table; rows of one record are told apart by their order."""
    return {
        row: outcome for row, outcome in numbered(table["record"].to_pylist(), table["outcome"].to_pylist()) if Outcome(outcome).is_open
    }


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
    content = (home / STATEMENT).read_bytes()
    return Run(home, digest(content), read_statement(content), results_of(home))


def previous(folder: Path) -> Run:
    """The earlier run that the parameters name. Raises InputError where the folder holds none, or one that was changed."""
    columns_before(folder)
    return load(folder, f"previous {folder.name}")


def columns_before(folder: Path) -> dict[str, list[str]]:
    """The columns that an earlier run was delivered, by table. Raises InputError where the folder holds no such run."""
    where = f"previous {folder.name}"
    try:
        found = results_of(folder)["audit"]["columns"]
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(where, f"its {RESULTS} is missing or cannot be read", "name the folder of an earlier run") from error
    except (KeyError, TypeError) as error:
        raise InputError(where, f"its {RESULTS} lists no columns", "name the folder of a run of this version") from error
    if not (isinstance(found, dict) and all(isinstance(c, list) and all(isinstance(n, str) for n in c) for c in found.values())):
        raise InputError(where, f"its {RESULTS} lists no columns", "name the folder of a run of this version")
    return found
