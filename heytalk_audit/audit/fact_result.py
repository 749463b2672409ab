"""A fact as reports and `results.json` have it: typed, made of aggregates alone."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from heytalk_audit.audit.rule_result import Count, Document, FaultPlace, NumberRead

#: What stands in a cell of a fact's table: days are text, as 2025-03-31; null is nothing, or a hidden number.
Cell = int | float | str | None
#: What the first column is called where a table has several parts.
PART = "part"


class FactPart(Document):
    """A part of a fact's table that is counted alike: its `title`, and its columns.

    `by` are its dimensions, `counts` its numbers of people or rows, and `shows` what else is computed of these, as days. `within` names for
    a count the one of which it is a part.
    """

    name: str
    title: str
    by: tuple[str, ...]
    counts: tuple[str, ...]
    shows: tuple[str, ...] = ()
    within: dict[str, str] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """All of its columns, in order."""
        return (*self.by, *self.counts, *self.shows)


class FactResult(Document):
    """Everything that a report says of one fact.

    `total` counts what `counts` says (people, unless it says otherwise), without test accounts; `excluded` are those, counted likewise. It
    is null where the fact was not evaluated, and never hidden. `rows` are in the order of `columns`, of which the first, `part`, names the
    part of the table where it has several. `suppressed` are the places (from 0) of the rows whose numbers are hidden from the report's
    audience. `limits` are sentences, `blocked_by` codes of what kept the fact from being evaluated.
    """

    id: str
    title: str
    definition: str
    total: int | None
    counts: str
    excluded: Count
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    parts: tuple[FactPart, ...]
    limits: tuple[str, ...]
    blocked_by: tuple[str, ...]
    suppressed: tuple[int, ...] = ()
    fault: FaultPlace | None = None
    numbers: tuple[NumberRead, ...] = ()
    tables: tuple[str, ...] = ()
    source: str = ""
    sql: str = ""

    def rows_of(self, part: FactPart) -> list[tuple[int, dict[str, Cell]]]:
        """The rows of a part, each with its place among all and its cells by column."""
        lines = [(place, dict(zip(self.columns, row, strict=True))) for place, row in enumerate(self.rows)]
        return [(place, cells) for place, cells in lines if len(self.parts) == 1 or cells[PART] == part.name]

    def with_part(self, part: FactPart, lines: Sequence[dict[str, Cell]]) -> FactResult:
        """The same with one more part of its table, of these rows; it has several parts already."""
        parts, name_of_part = (*self.parts, part), {PART: part.name}
        columns = columns_of_parts(parts)
        every = [*(dict(zip(self.columns, row, strict=True)) for row in self.rows), *({**name_of_part, **line} for line in lines)]
        rows = tuple(tuple(line.get(name) for name in columns) for line in every)
        return self.model_copy(update={"parts": parts, "columns": columns, "rows": rows})


def columns_of_parts(parts: Sequence[FactPart]) -> tuple[str, ...]:
    """The columns of a table: of which part a row is, where there are several, then dimensions, counts, and what else is shown."""
    own = [names for kind in ("by", "counts", "shows") for part in parts for names in getattr(part, kind)]
    return (*([PART] if len(parts) > 1 else []), *dict.fromkeys(own))
