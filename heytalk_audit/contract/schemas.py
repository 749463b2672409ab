"""The contract as JSON Schema, for programs that check rows."""

from __future__ import annotations

from typing import Any

from heytalk_audit import contract
from heytalk_audit.contract import Column, Table, forms, needs

#: By kind: the JSON type of a column, and its form.
_JSON: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "array": {"type": "array", "items": {"type": ["string", "null"]}},
}


def snapshot_schema() -> dict[str, Any]:
    """A JSON Schema of a snapshot: an object with a list of rows per table. Keys with x- say what the standard has no word for."""
    tables = {table.name: {"type": "array", "items": {"$ref": f"#/$defs/{table.name}"}} for table in contract.load().values()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Snapshot",
        "type": "object",
        "properties": tables,
        "required": [table.name for table in contract.load().values() if table.required],
        "$defs": {table.name: _rows_of(table) for table in contract.load().values()},
    }


def _rows_of(table: Table) -> dict[str, Any]:
    return {
        "title": table.name,
        "description": table.description,
        "type": "object",
        "properties": {column.name: _column(table, column) for column in table.columns},
        "required": [column.name for column in table.columns if column.required],
        "x-primary-key": table.key,
        "x-rules": list(needs.stops_without().get(table.name, ())),
    }


def _column(table: Table, column: Column) -> dict[str, Any]:
    described = {"description": column.description} if column.description else {}
    form = dict(_JSON[column.kind])
    if not column.required:
        form["type"] = [form["type"], "null"]
    if column.values:
        # an empty text stands for no value
        form["enum"] = [*column.values, "", *([] if column.required else [None])]
    category = {"x-personal-data-category": column.category} if column.category else {}
    rules = needs.stops_without().get(f"{table.name}.{column.name}", ())
    return form | described | {"x-accepted": forms.accepted(column)} | category | {"x-rules": list(rules)}
