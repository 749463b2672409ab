"""A table's columns as a descriptor lists them for other programs (Table Schema of the Data Package standard), as they were delivered."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from heytalk_audit.contract import Column
from heytalk_audit.snapshot import profile
from heytalk_audit.snapshot.delivery import DeliveredPart

PACKAGE = "https://datapackage.org/profiles/2.0/datapackage.json"
RESOURCE = "https://datapackage.org/profiles/2.0/dataresource.json"
SCHEMA = "https://datapackage.org/profiles/2.0/tableschema.json"
#: By the contract's kinds. The forms of instants and dates are whatever was delivered; so are lists, of which CSV has several forms.
_FIELDS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "timestamp": {"type": "datetime", "format": "any"},
    "date": {"type": "date", "format": "any"},
    "boolean": {
        "type": "boolean",
        "trueValues": ["true", "True", "TRUE", "t", "T", "yes", "y", "1"],
        "falseValues": ["false", "False", "FALSE", "f", "F", "no", "n", "0"],
    },
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "array": {"type": "any"},
}
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_HEAD = 1 << 16


def form_of(part: DeliveredPart, counted: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """What a resource says of its own form; `counted` is the table's profile. Other keys of an `earlier` resource stay."""
    schema = earlier["schema"] if isinstance(earlier.get("schema"), dict) else {}
    fields = schema["fields"] if isinstance(schema.get("fields"), list) else []
    own = {field["name"]: field for field in fields if isinstance(field, dict) and "name" in field}
    columns = {column.name: column for column in part.table.columns}
    states = counted["columns"]
    listed = [own.get(name, {}) | _field(name, columns.get(name.lower()), states.get(name.lower(), {})) for name in _names(part, counted)]
    return {"$schema": RESOURCE, "type": "table", "schema": {"$schema": SCHEMA} | schema | {"fields": listed}} | _encoding(part)


def _field(name: str, column: Column | None, state: dict[str, Any]) -> dict[str, Any]:
    """A column: of the contract's type where all of its values are, else of any."""
    if column is None or state.get("status") != profile.OK:
        return {"name": name, "type": "any"}
    description = {"description": column.description} if column.description else {}
    return {"name": name} | _FIELDS[column.kind] | description


def _names(part: DeliveredPart, counted: dict[str, Any]) -> list[str]:
    """The table's columns in the order of its file."""
    if part.format == "csv":
        return _csv_names(part.path) or list(counted["inventory"])
    return list(part.types)


def _csv_names(path: Path) -> list[str]:
    """The first line of a CSV file, taken apart by the delimiter that it has most of."""
    with path.open("rb") as file:
        begun = file.read(_HEAD)
    text = begun.decode(_MARKS.get(begun[:2], "utf-8-sig"), "replace")
    first = text.splitlines()[0] if text else ""
    delimiter = max(",;\t|", key=first.count)
    return next(csv.reader(io.StringIO(text), delimiter=delimiter), [])


def _encoding(part: DeliveredPart) -> dict[str, str]:
    if part.format != "csv":
        return {}
    with part.path.open("rb") as file:
        return {"encoding": _MARKS.get(file.read(2), "utf-8")}
