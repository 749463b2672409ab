"""The register of decisions: what people decided of rows that a machine left for review, who confirmed it, and on which ground."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from heytalk_audit.canonical import Strict, file_sha256, read_json
from heytalk_audit.errors import InputError
from heytalk_audit.registers.accepted import SegmentValue
from heytalk_audit.registers.reading import Day, DocumentName, Id, KnownRule, Name, Remark, read_register, refuse_twice

EXAMPLE = "params/decisions.yaml"
#: What may stand at an entry's top in place of a mapping `scope`.
_SCOPES = ("record", "reason", "by", "sample")
#: The file beside a kept register that has the digests of the evidence that its entries name, by entry.
DIGESTS = "decisions.evidence.json"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_DIGESTS = TypeAdapter(dict[str, Sha256])


class DecisionScope(Strict):
    """The rows for review that a decision is on: one record by its pseudonym, those of a reason, or those that two reviewers have read."""

    record: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    by: dict[str, SegmentValue] | None = None
    sample: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> DecisionScope:
        if sum(value is not None for value in (self.record, self.reason, self.sample)) != 1:
            raise ValueError("states no scope, or more than one; write record, reason or sample: true")
        if self.by is not None and self.reason is None:
            raise ValueError("names a value without a reason; write both")
        return self


class Decision(Strict):
    """One decision on rows for review. `valid_for` is what the rule was when it was made; see `audit.decisions.basis`."""

    id: Id
    rule: KnownRule
    scope: DecisionScope
    decision: Literal["breach", "no_breach"] | None = None
    ground: Remark
    decided_by: Name
    confirmed_by: Name
    decided_on: Day
    evidence: DocumentName | None = None
    evidence_sha256: Sha256 | None = None
    max_rows: Annotated[int, Field(strict=True, ge=1)]
    valid_for: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_scope(cls, entry: Any) -> Any:
        """The entry with its scope as a mapping of its own."""
        if not isinstance(entry, dict) or "scope" in entry or not set(_SCOPES) & entry.keys():
            return entry
        rest = {name: value for name, value in entry.items() if name not in _SCOPES}
        return rest | {"scope": {name: entry[name] for name in _SCOPES if name in entry}}

    @model_validator(mode="after")
    def _decided(self) -> Decision:
        if self.decision is None and self.scope.sample is None:
            raise ValueError("states no decision; write breach or no_breach")
        return self


class DecisionsFile(Strict):
    """The register."""

    decisions: list[Decision]


def read_decisions(path: Path, rules: Collection[str]) -> list[Decision]:
    """The decisions in a register's file, in its order, with the digests of the evidence that they name. Raises InputError, one line."""
    where = f"decisions {path.name}"
    entries = read_register(DecisionsFile, path, where, EXAMPLE, rules).decisions
    kept = path.parent / DIGESTS
    digests = _kept_digests(kept, where) if kept.is_file() else None
    refuse_twice((entry.id for entry in entries), f"{where}: decisions", "id", "give each decision an id of its own")
    return [_with_digest(entry, path.parent, f"{where}: decisions.{n}", digests) for n, entry in enumerate(entries, 1)]


def _kept_digests(file: Path, where: str) -> dict[str, str]:
    """The digests that a run has kept. Raises InputError."""
    try:
        return _DIGESTS.validate_python(read_json(file, where))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(where, f"{file.name} beside it holds no digests", "name the register as it was written") from error


def _with_digest(entry: Decision, folder: Path, where: str, digests: dict[str, str] | None) -> Decision:
    """The entry with the digest of its evidence; of a register that a run has kept, which names no files, the digest that it kept."""
    if entry.evidence is None:
        return entry
    file = folder / entry.evidence
    digest = digests.get(entry.id) if digests is not None else file_sha256(file) if file.is_file() else None
    if digest is None:
        raise InputError(f"{where}.evidence {entry.evidence[:60]}", "no such file", "name a file beside the register, or leave it out")
    return entry.model_copy(update={"evidence_sha256": digest})


def evidence_digests(entries: Collection[Decision]) -> dict[str, str]:
    """The digests of the evidence that decisions name, by their ids."""
    return {entry.id: entry.evidence_sha256 for entry in entries if entry.evidence_sha256}
