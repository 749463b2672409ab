"""The snapshot's data contract (Open Data Contract Standard v3), loaded as plain tables and columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pyarrow as pa

from heytalk_audit.canonical import parse_yaml

#: The Arrow type in which each logical type of the contract is stored.
ARROW = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.decimal128(18, 2),
    "array": pa.list_(pa.string()),
}


@dataclass(frozen=True)
class Column:
    """One column: `kind` is a key of `ARROW`; `values` are those of an enum, empty where any value is allowed."""

    name: str
    kind: str
    required: bool
    values: tuple[str, ...] = ()
    category: str | None = None  # category of personal data (DPV); null where it holds none
    may_lie_ahead: bool = False  # instants may lie after the snapshot's own
    shown: bool = False  # its values may stand in a report: names of vendors, permissions, versions
    shown_values: tuple[str, ...] = ()  # the values that may stand in a report, of a column that may hold anything
    foreign: bool = False  # holds the keys of another table
    may_be_absent: bool = False  # need not be delivered
    description: str = ""

    @property
    def reportable(self) -> bool:
        """Whether its values may stand in a report: enums, booleans, and columns that the contract marks as shown."""
        return self.category is None and (self.shown or bool(self.values or self.shown_values) or self.kind == "boolean")


@dataclass(frozen=True)
class Table:
    """One table: its columns in order and the column that is its primary key.

    `kept_as` is `state` where what holds today rests on every row, however old, `log` where rows tell what happened in a time, else empty.
    """

    name: str
    required: bool
    columns: tuple[Column, ...]
    key: str
    kept_as: str = ""
    description: str = ""

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def __contains__(self, name: str) -> bool:
        return any(c.name == name for c in self.columns)

    @property
    def schema(self) -> pa.Schema:
        """Its columns as rules read them: instants are naive UTC."""
        kinds = ARROW | {"timestamp": pa.timestamp("us")}
        return pa.schema([(c.name, kinds[c.kind]) for c in self.columns])

    def of_kind(self, kind: str) -> list[str]:
        """Names of the columns of that kind, in the contract's order."""
        return [c.name for c in self.columns if c.kind == kind]


def _column(prop: dict[str, Any]) -> Column:
    custom = {c["property"]: c["value"] for c in prop.get("customProperties", [])}
    values = next((q["arguments"]["validValues"] for q in prop.get("quality", [])), ())
    return Column(
        name=prop["name"],
        kind=prop["logicalType"],
        required=bool(prop.get("required")),
        values=tuple(values),
        category=custom.get("personalDataCategory"),
        may_lie_ahead=bool(custom.get("mayLieAhead")),
        shown=custom.get("shownInReports") is True,
        shown_values=tuple(custom["shownInReports"]) if isinstance(custom.get("shownInReports"), list) else (),
        foreign=bool(custom.get("foreignKey")),
        may_be_absent=bool(custom.get("mayBeAbsent")),
        description=prop.get("description") or "",
    )


@cache
def load() -> dict[str, Table]:
    """The contract's tables by name, in its order."""
    document = parse_yaml(files(__name__).joinpath("snapshot.odcs.yaml").read_text("utf-8"))
    tables = {}
    for schema in document["schema"]:
        columns = tuple(_column(p) for p in schema["properties"])
        key = next(p["name"] for p in schema["properties"] if p.get("primaryKey"))
        kept_as = next((tag for tag in schema["tags"] if tag in ("state", "log")), "")
        tables[schema["name"]] = Table(schema["name"], "required" in schema["tags"], columns, key, kept_as, schema["description"])
    return tables
