"""Text and names in SQL that is written here and not by Ibis."""

from __future__ import annotations


def literal(text: object) -> str:
    """Text as an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def name(text: str) -> str:
    """Text as an SQL name."""
    return '"' + text.replace('"', '""') + '"'
