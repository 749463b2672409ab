"""What a column may hold, in words: its type, and the forms in which it is accepted."""

from __future__ import annotations

from heytalk_audit.contract import Column

#: By kind: its name for readers, the forms that are accepted, in Parquet and in CSV, and the same in short.
FORMS = {
    "string": ("text", "text; in CSV an unquoted empty field is null, a quoted one an empty text", "any text"),
    "timestamp": (
        "instant",
        "an instant with its zone: a Parquet timestamp in UTC, or ISO 8601 with Z or an offset, as 2025-03-31T12:00:00Z",
        "with its zone, as 2025-03-31T12:00:00Z",
    ),
    "date": ("date", "a day without time: a Parquet date, or 2025-03-31", "as 2025-03-31"),
    "boolean": ("yes or no", "a Parquet boolean, or true and false", "true, false"),
    "integer": ("whole number", "a Parquet integer, or digits", "digits"),
    "number": ("number", "a decimal with up to two places, as 1234.50", "as 1234.50"),
    "array": (
        "list of texts",
        'a Parquet list of texts; in CSV a JSON array, ["a", "b"], or [a, b] as DuckDB writes it',
        '["a", "b"] or [a, b]',
    ),
}


def kind_in_words(column: Column) -> str:
    """The type for readers: `text`, `instant`, `list of texts`."""
    return FORMS[column.kind][0]


def accepted(column: Column) -> str:
    """What is accepted: the words of an enum, or the type's form."""
    if column.values:
        return "one of " + ", ".join(column.values)
    ahead = "; it may lie after the snapshot's instant" if column.may_lie_ahead else ""
    return FORMS[column.kind][2] + ahead


def may_be_null(column: Column) -> str:
    """Whether the column may be null, and whether it may be left out."""
    if column.may_be_absent:
        return "may be left out"
    return "never null" if column.required else "may be null"
