"""Where a snapshot holds text that people wrote or that was logged of them: the places that detectors read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.expressions.strings import blank


@dataclass(frozen=True)
class Place:
    """A column of free text. `read` makes the text of it that is looked at (default: all).

    `coded`: it is percent-encoded. `asks`: people write to the company there, and may ask for their rights.
    """

    table: str
    column: str
    read: Callable[[ir.StringValue], ir.StringValue] | None = None
    coded: bool = False
    asks: bool = False

    @property
    def name(self) -> str:
        """`table.column`."""
        return f"{self.table}.{self.column}"

    def record(self, rows: ir.Table) -> ir.StringValue:
        """What names a row: `<table>:<primary key>`."""
        return f"{self.table}:" + rows[contract.load()[self.table].key]

    def text(self, rows: ir.Table) -> ir.StringValue:
        """The text of each row that is looked at."""
        return self.read(rows[self.column]) if self.read else rows[self.column]

    def written(self, rows: ir.Table) -> ir.Table:
        """`record` and `text` of every row in which something is written."""
        found = rows.select(record=self.record(rows), text=self.text(rows))
        return found.filter(~blank(found.text))

    def is_in(self, tables: Mapping[str, ir.Table]) -> bool:
        """Whether it was delivered."""
        return self.table in tables and self.column in tables[self.table].columns


def after_question_mark(url: ir.StringValue) -> ir.StringValue:
    """What an address carries along: its query, and what stands behind."""
    return url.re_replace(r"^[^?]*\??", "")


PLACES = {
    place.name: place
    for place in (
        Place("profile_attributes", "value"),
        Place("content_items", "text"),
        Place("support_tickets", "topic", asks=True),
        Place("support_tickets", "text", asks=True),
        Place("traffic_events", "url", after_question_mark, coded=True),
    )
}
