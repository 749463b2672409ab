"""The contract for people who deliver a snapshot: a page of HTML that needs nothing else, and the same as Markdown.

Per table what it is for, which rules need it and what is lost without it; per column what may stand in it, and which rules stop without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from heytalk_audit import contract
from heytalk_audit.contract import Column, Table, forms, needs
from heytalk_audit.handover import markdown
from heytalk_audit.policy import load_policy
from heytalk_audit.report import html, page
from heytalk_audit.report.html import Fragment
from heytalk_audit.rules import RULES

TITLE = "What a snapshot holds"
ABOUT = (
    "A snapshot is a folder with one file, or one folder of Parquet parts, per table. Only the required tables must be there; every other "
    "table or column that is missing takes away the rules named beside it, or a condition of theirs, and no more.",
    "Do not deliver an empty table in place of one that you do not have: an empty table says that nothing exists.",
)
COLUMNS = ("Column", "Type", "Accepted", "Null", "Personal data", "Stop without it", "See less without it")
#: So many ids of rules are shown in a cell of the page; more are folded.
FEW = 6
_KEPT = {
    "state": "every row there ever was, however old: what holds today rests on all of them",
    "log": "the rows of a time, which the descriptor states",
    "": "the rows as they are at the snapshot's instant",
}


@dataclass(frozen=True)
class TablePage:
    """What is said of one table: pairs of a heading and its text, the rules that need it, and a row per column (see `COLUMNS`)."""

    table: Table
    facts: tuple[tuple[str, str], ...]
    rules: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, ...], ...]


def pages() -> list[TablePage]:
    """What is said of each table, in the contract's order."""
    titles = {rule: load_policy().rules.get(rule, {}).get("title", RULES[rule].promise) for rule in RULES}
    return [_page(table, titles) for table in contract.load().values()]


def _page(table: Table, titles: dict[str, str]) -> TablePage:
    stop, lose = needs.stops_without().get(table.name, ()), needs.loses_without().get(table.name, ())
    lost = f"{_rules(len(stop))} cannot be evaluated" + (
        f"; {_rules(len(lose))} {'sees' if len(lose) == 1 else 'see'} less, and cannot pass" if lose else ""
    )
    facts = (
        ("Delivered", "always" if table.required else "where there is one"),
        ("Key", table.key),
        ("Rows", _KEPT[table.kept_as]),
        ("Without it", lost),
    )
    rules = (*((rule, titles.get(rule, "")) for rule in stop), *((rule, f"{titles.get(rule, '')} (sees less without it)") for rule in lose))
    return TablePage(table, facts, rules, tuple(_column(table, column) for column in table.columns))


def _rules(number: int) -> str:
    return f"{number} rule" if number == 1 else f"{number} rules"


def _column(table: Table, column: Column) -> tuple[str, ...]:
    name = f"{table.name}.{column.name}"
    key = " (key)" if column.name == table.key else ""
    accepted = "; ".join([*([column.description.strip()] if column.description else []), forms.accepted(column)])
    stop, lose = (", ".join(rules.get(name, ())) for rules in (needs.stops_without(), needs.loses_without()))
    null, kind = forms.may_be_null(column), forms.kind_in_words(column) + key
    return column.name, kind, accepted, null, column.category or "", stop, lose


def as_html() -> str:
    """The contract as one page."""
    parts = [html.tag("h1", TITLE), *(html.paragraph(text) for text in ABOUT), _forms()]
    for each in pages():
        parts += _section(each)
    note = "Made from the contract and from the rules themselves. It holds no data of anybody."
    body = page.sanitised(html.join(*parts).html)
    return page.wrap(body, TITLE, [{"href": "#main", "title": TITLE, "current": True}], note, foot="")


def _forms() -> Fragment:
    rows = [(words, accepted) for words, accepted, _ in forms.FORMS.values()]
    return html.join(
        html.tag("h2", "Types", id="types"), html.table(["Type", "Accepted"], rows, "What is accepted, by type", roomy=["Accepted"])
    )


def _section(each: TablePage) -> list[Fragment]:
    name = each.table.name
    heading = html.join(html.tag("h2", name, id=f"table-{name.replace('_', '-')}"), html.paragraph(each.table.description))
    rows = [(*row[:-2], *map(_folded, row[-2:])) for row in each.columns]
    columns = html.table(COLUMNS, rows, f"Columns of {name}", roomy=["Accepted"])
    rules = html.table(["Rule", "Looks for"], each.rules, f"Rules that read {name}")
    return [heading, html.definitions(each.facts), columns, html.tag("details", html.tag("summary", f"Rules that read {name}"), rules)]


def _folded(rules: str) -> str | Fragment:
    """The ids of rules; where there are many, their number, under which they are."""
    number = len(rules.split(", "))
    return rules if number <= FEW else html.tag("details", html.tag("summary", _rules(number)), rules)


def as_markdown() -> str:
    """The contract as Markdown."""
    parts = [markdown.escape(ABOUT[1]), "## Types", _table(["Type", "Accepted"], [words[:2] for words in forms.FORMS.values()])]
    for each in pages():
        name, escape = markdown.escape(each.table.name), markdown.escape
        facts = markdown.bullets(f"{escape(key)}: {escape(text)}" for key, text in each.facts)
        rules = markdown.bullets(f"{escape(rule)}: {escape(title)}" for rule, title in each.rules)
        parts += [f"## {name}", escape(each.table.description), facts, _table(COLUMNS, each.columns), "Rules that read it:", rules]
    return markdown.document(TITLE, markdown.escape(ABOUT[0]), *parts)


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    escape: Callable[[str], str] = markdown.escape
    return markdown.table([escape(head) for head in heads], [[escape(cell) for cell in row] for row in rows])
