"""The places of a snapshot that detectors read: columns of text that people wrote, or that was logged of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.expressions.strings import blank


@dataclass(frozen=True)
class Place:
    """A column of free text. `read` takes from it the text that detectors read (default: all).

    `coded`: it is percent-encoded. `asks`: people write to the company there, and may request their rights.
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
        """The name of each row: `<table>:<primary key>`."""
        return f"{self.table}:" + rows[contract.load()[self.table].key]

    def text(self, rows: ir.Table) -> ir.StringValue:
        """The text of each row that detectors read."""
        return self.read(rows[self.column]) if self.read else rows[self.column]

    def written(self, rows: ir.Table) -> ir.Table:
        """`record` and `text` of every row whose text is not blank."""
        texts = rows.select(record=self.record(rows), text=self.text(rows))
        return texts.filter(~blank(texts.text))

    def is_in(self, tables: Mapping[str, ir.Table]) -> bool:
        """Whether its table and column were delivered."""
        return self.table in tables and self.column in tables[self.table].columns


def after_question_mark(url: ir.StringValue) -> ir.StringValue:
    """The query of an address, and its fragment."""
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
