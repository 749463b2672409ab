"""The register of accepted exceptions: violations that the company's management answers for, for a while, and says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from heytalk_audit.canonical import Strict
from heytalk_audit.errors import InputError
from heytalk_audit.registers.reading import Day, Id, KnownRule, LegalGround, Name, Remark, read_register

EXAMPLE = "params/accepted.yaml"


def _text_of(value: Any) -> str:
    """A breakdown's value as the report prints it: YAML reads true, 7 and 2025-03-31 as values that are no text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | dt.date) and not isinstance(value, dt.datetime):
        return str(value)
    raise ValueError("is no value of a breakdown; write it as the report says it, in quotes")


#: A breakdown's value as text.
SegmentValue = Annotated[str, BeforeValidator(_text_of), Field(max_length=200)]


class Scope(Strict):
    """The violations an entry is for: one record by its pseudonym, a segment by reason and breakdowns, or all of the rule."""

    record: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None
    segment: dict[str, SegmentValue] | None = None
    rule: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Scope:
        if sum(value is not None for value in (self.record, self.segment, self.rule)) != 1:
            raise ValueError("states no scope, or more than one; write record, segment or rule: true")
        if self.segment == {}:
            raise ValueError("its segment is empty; name a reason or a breakdown, or write rule: true")
        return self


class Entry(Strict):
    """One accepted exception: it holds from its start up to and with its expiry, for `cap` rows at most."""

    id: Id
    rule: KnownRule
    scope: Scope
    legal_ground: LegalGround
    reason: Remark
    owner: Name
    approver: Name
    start: Day
    expiry: Day
    cap: Annotated[int, Field(strict=True, ge=1)]
    register_date: Day


class AcceptedFile(Strict):
    """The register. `register_date`: when its entries were entered, where they do not say so themselves: without either, it is refused."""

    register_date: Day | None = None
    accepted: list[Entry]

    @model_validator(mode="before")
    @classmethod
    def _dated(cls, file: Any) -> Any:
        """The file with its date in each entry that has none."""
        if not isinstance(file, dict) or file.get("register_date") is None or not isinstance(file.get("accepted"), list):
            return file
        dated = {"register_date": file["register_date"]}
        return file | {"accepted": [dated | entry if isinstance(entry, dict) else entry for entry in file["accepted"]]}


def read_accepted(path: Path, rules: Collection[str]) -> list[Entry]:
    """The entries of a register's file, in its order; `rules` are the ids that they may name. Raises InputError, one line."""
    where = f"accepted {path.name}"
    file = read_register(AcceptedFile, path, where, EXAMPLE, rules)
    seen: set[str] = set()
    for number, entry in enumerate(file.accepted, 1):
        place = f"{where}: accepted.{number}"
        if entry.id in seen:
            raise InputError(f"{place}.id {entry.id}", "is there twice", "give each entry an id of its own")
        if entry.expiry < entry.start:
            raise InputError(f"{place}.expiry {entry.expiry}", f"lies before its start {entry.start}", "mend one of them")
        seen.add(entry.id)
    return file.accepted
