"""The page "In numbers": a section per fact, with its definition, total, table, drawing and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heytalk_audit.audit.disclosure import WORD
from heytalk_audit.audit.document import AuditDescription
from heytalk_audit.audit.fact_result import FactPart, FactResult
from heytalk_audit.policy.chapters import NUMBERS
from heytalk_audit.report import charts, words
from heytalk_audit.report.html import Fragment, bullets, join, on_screen, paragraph, table, tag
from heytalk_audit.vocabulary import Audience

HOW_TO_READ = (
    "This page says what the data holds. It judges nothing: the chapters say what was tested against the policy. Each section begins with "
    "what is counted. Its total counts each person once; a person may stand in several rows of a table. Test accounts are left out, and "
    "their number is stated."
)
HIDDEN = "Numbers from 1 to 4, and rows that would give them away, are suppressed. Totals are never suppressed."


#: From so many characters on, a cell holds a sentence.
_LONG = 40


@dataclass(frozen=True)
class _Drawn:
    """What is drawn of a part: a bar for each value of `label`, split by the values of `kind`, as long as the numbers in `count`."""

    part: str
    label: str
    kind: str | None = None
    count: str = "people"


#: By fact, what a drawing shows better than the table.
DRAWN = {
    "people": _Drawn("", "state"),
    "inactivity": _Drawn("", "last_contact", "premium"),
    "consent": _Drawn("in force", "purpose", "state"),
    "marketing": _Drawn("", "month", "consent", "sends"),
    "children": _Drawn("ages", "age_now"),
    "rights": _Drawn("", "kind", "answer", "requests"),
}


def cover_of_numbers(audit: AuditDescription) -> Fragment:
    """The head of the page: what was counted, when, and how to read it."""
    about = f"{audit.title}; state as of {audit.as_of}; period from {audit.period.first} to {audit.period.last}"
    head = [tag("h1", NUMBERS.title), paragraph(words.SUBTITLE, cls="sub"), paragraph(about, cls="note"), paragraph(HOW_TO_READ)]
    return join(*head, *([] if audit.audience == Audience.INTERNAL else [paragraph(HIDDEN)]))


def fact_section(result: FactResult) -> Fragment:
    """All that the report says of one fact. One that was not evaluated says what is missing, and shows no number."""
    head = [tag("h2", result.title, id=result.id.replace("_", "-")), paragraph(result.definition)]
    if result.total is None:
        codes = f" Codes: {', '.join(result.blocked_by)}." if result.blocked_by else ""
        return join(*head, paragraph(tag("strong", "Not evaluated."), " No number can be given.", codes), *_limits(result))
    return join(
        *head,
        paragraph(tag("strong", f"{result.total:,}"), f" {result.counts}{_tests(result)}.", cls="lead"),
        *(piece for part in result.parts for piece in part_of_table(result, part)),
        *_limits(result),
        on_screen(_engineer(result)),
    )


def _tests(result: FactResult) -> str:
    if result.excluded == 0:
        return ""
    excluded = WORD if result.excluded is None else f"{result.excluded:,}"
    return f", without those of test accounts ({excluded})"


def part_of_table(result: FactResult, part: FactPart, most: int | None = None) -> list[Fragment]:
    """A part of the table, at most so many rows of it, and its drawing; nothing is drawn of which a row is hidden."""
    rows = result.rows_of(part)
    lines = [[_cell(cells[name], name in part.by, place in result.suppressed) for name in part.columns] for place, cells in rows]
    heads = [head(name) for name in part.columns]
    caption = f"{result.title}: {part.title}" if part.title else result.title
    title = [tag("h3", part.title)] if part.title else []
    numeric = [head(name) for name in part.counts]
    roomy = [head(name) for name in part.by if any(len(str(cells[name])) > _LONG for _, cells in rows)]
    body = table(heads, lines[:most], caption, tools=True, numeric=numeric, roomy=roomy)
    return [*title, *_drawing(result, part, rows), body, *cut(len(lines), most)]


def cut(rows: int, most: int | None) -> list[Fragment]:
    """What stands below a table of which only the first rows are shown."""
    return [paragraph(f"The first {most:,} of {rows:,} rows.", cls="note")] if most is not None and rows > most else []


def head(column: str) -> str:
    """A column's name as the head of a table."""
    return column.replace("_", " ").capitalize()


def _cell(value: Any, is_dimension: bool, is_hidden: bool) -> Any:
    return WORD if is_hidden and not is_dimension else value


def _drawing(result: FactResult, part: FactPart, rows: list[tuple[int, dict[str, Any]]]) -> list[Fragment]:
    drawn = DRAWN.get(result.id)
    if drawn is None or drawn.part != part.name or any(place in result.suppressed for place, _ in rows):
        return []
    series = _series(drawn, [cells for _, cells in rows])
    alt = f"{result.title}: {drawn.count} by {head(drawn.label).lower()}. The table below has the same numbers."
    return [charts.plain_bars(series, alt)]


def _series(drawn: _Drawn, rows: list[dict[str, Any]]) -> Mapping[str, Mapping[str, int]]:
    series: dict[str, dict[str, int]] = {}
    for cells in rows:
        kind = str(cells[drawn.kind]) if drawn.kind else drawn.count
        counts = series.setdefault(str(cells[drawn.label]), {})
        counts[kind] = counts.get(kind, 0) + int(cells[drawn.count] or 0)
    return {label: counts for label, counts in series.items() if any(counts.values())}


def _limits(result: FactResult) -> list[Fragment]:
    return [tag("h3", "What it does not show"), bullets(result.limits)] if result.limits else []


def _engineer(result: FactResult) -> Fragment:
    """The fact's source and SQL, for readers who check how it was computed."""
    tables = paragraph("Reads: " + ", ".join(result.tables) + ".")
    parts = [tag("summary", "Source and SQL"), tables, tag("h4", "Fact"), tag("pre", tag("code", result.source))]
    return tag("details", *parts, tag("h4", "SQL of the table"), tag("pre", tag("code", result.sql)))
