"""Where a delivery does not keep the contract, all at once: by table and column, what was expected, what is there, in how many rows."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit import contract
from heytalk_audit.contract import Column, forms
from heytalk_audit.errors import closest
from heytalk_audit.snapshot import profile, shapes
from heytalk_audit.snapshot.delivery import DeliveredPart, Delivery
from heytalk_audit.snapshot.duck import Duck


class DefectKind(enum.StrEnum):
    """What is the matter with a table or column."""

    MISSING = "missing"
    TYPE = "type"
    NULL = "null"
    ENUM = "enum"
    NULL_WORD = "null_word"


@dataclass(frozen=True)
class Defect:
    """What does not keep the contract in a table or column; `shape` is what such values look like, letters and digits masked."""

    kind: DefectKind
    table: str
    column: str | None
    expected: str
    instead: str
    rows: int | None = None
    shape: str | None = None

    @property
    def name(self) -> str:
        """The table, or `table.column`."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def breaks(self) -> bool:
        """Whether the contract is broken; a word for null may be somebody's word."""
        return self.kind != DefectKind.NULL_WORD


@dataclass(frozen=True)
class NotInContract:
    """A file, or a column as `table.column`, that the contract does not know, and what it may have been meant to be."""

    name: str
    perhaps: str | None


def defects_of(delivered: Delivery, profiled: Mapping[str, Any], duck: Duck, work: Path) -> list[Defect]:
    """Every defect of the tables that were delivered, and of those that must be, in the contract's order. Files are written in `work`."""
    defects: list[Defect] = []
    for table in contract.load().values():
        if table.name in profiled:
            part, counted = delivered.parts[table.name], profiled[table.name]
            source = shapes.source(part, work)
            for column in table.columns:
                defects += _of_column(duck, part, source, column, counted)
        elif table.required:
            defects.append(Defect(DefectKind.MISSING, table.name, None, "the table, which every delivery has", "not delivered"))
    return defects


def _of_column(duck: Duck, part: DeliveredPart, source: str, column: Column, counted: Mapping[str, Any]) -> Iterator[Defect]:
    state, table = counted["columns"][column.name], part.table.name
    words = counted["inventory"].get(column.name, {}).get("null_words", 0)
    if state["status"] == profile.MISSING and column.required:
        yield Defect(
            DefectKind.MISSING, table, column.name, f"{forms.kind_in_words(column)}, {forms.may_be_null(column)}", "no such column"
        )
    if state["status"] in (profile.WRONG, profile.WRONG_VALUES):
        shape = shapes.of_wrong_type(duck, part, source, column)
        rows = state.get("unreadable") or (shape.rows if shape else None)
        yield Defect(
            DefectKind.TYPE,
            table,
            column.name,
            forms.FORMS[column.kind][1],
            _instead(part, column, state),
            rows,
            shape.text if shape else None,
        )
    if state["nulls"]:
        yield Defect(DefectKind.NULL, table, column.name, "a value in every row", "null", state["nulls"])
    if state["unknown"]:
        shape = shapes.of_unknown_words(duck, source, column)
        yield Defect(
            DefectKind.ENUM, table, column.name, forms.accepted(column), "other words", state["unknown"], shape.text if shape else None
        )
    if words:
        yield Defect(DefectKind.NULL_WORD, table, column.name, "null where there is no value", "a word for null, as NULL or NaN", words)


def _instead(part: DeliveredPart, column: Column, state: Mapping[str, Any]) -> str:
    if part.format == "csv":
        return f"text that is no {forms.kind_in_words(column)}"
    if state["status"] == profile.WRONG_VALUES:
        return f"values that are no {forms.kind_in_words(column)}"
    return "parts that store it in different types" if state.get("stored") == "None" else f"stored as {state.get('stored')}"


def not_in_contract(delivered: Delivery, profiled: Mapping[str, Any]) -> list[NotInContract]:
    """What was delivered that the contract does not know: files, then columns."""
    free = [table for table in contract.load() if table not in profiled]
    files = [NotInContract(name, closest(name.rpartition(".")[0] or name, free)) for name in delivered.unknown]
    columns = [
        NotInContract(f"{table}.{name}", closest(name, _missing(counted)))
        for table, counted in profiled.items()
        for name in counted["others"]
    ]
    return files + columns


def _missing(counted: Mapping[str, Any]) -> Collection[str]:
    return [name for name, state in counted["columns"].items() if state["status"] == profile.MISSING]
