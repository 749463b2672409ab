"""Markdown for documents that people fill in: text from data is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from heytalk_audit.errors import visible

#: A line to fill in.
BLANK = "____"


def escape(text: object) -> str:
    """Text that Markdown shows as it is, on one line: no markup, link, image, table cell or HTML comes of it."""
    bare = visible(" ".join(str(text).split()))
    bare = re.sub(r"([\\`*_{}\[\]()<>#+!|~&:@=$\"'^/])", r"\\\1", bare)
    # at the beginning of a line, what would make it an entry of a list
    bare = re.sub(r"^([0-9]+)\.", r"\1\\.", re.sub(r"^-", r"\-", bare))
    return re.sub(r"(?i)\bwww\.", r"www\\.", bare)


def document(title: str, note: str, *parts: str) -> str:
    """A document of these parts, under its title and a note."""
    return "\n\n".join([f"# {title}", note, *parts]) + "\n"


def pairs(lines: Iterable[tuple[str, str]]) -> str:
    """A table of names and values, without heads."""
    return table(["", ""], lines)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def bullets(items: Iterable[str]) -> str:
    """A list; its items are Markdown already."""
    return "\n".join(f"* {item}" for item in items)
