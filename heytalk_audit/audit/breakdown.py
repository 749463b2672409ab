"""Breakdowns: open rows by the values of a column, where a report may show these."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.rule_result import BreakdownRow
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.snapshot.own_names import plain_name
from heytalk_audit.vocabulary import OPEN_OUTCOMES

#: Breakdowns that are the audit's own words, not the data's.
OWN_WORDS = (
    "table_name",
    "column_name",
    "month",
    "delay_after_withdrawal",
    "source",
    "clause_id",
    "place",
    "finding",
    "confidence",
    "kept_as",
)
#: Breakdowns of columns and files, which the delivery may have named as it likes.
NAMES = ("table_name", "column_name", "place")
#: What is not shown is counted under this.
OTHER, NONE, BLANK = "(other)", "(none)", "(blank)"
#: A word that may be shown however rare it is. What is none, as a person's name, is shown where so many open rows have it.
_WORD, _RARE = re.compile(r"[\w.:/()-]{1,60}"), 5
#: Breakdowns whose values have an order of their own.
IN_ORDER = ("month", "delay_after_withdrawal")


def breakdown(name: str, counts: Mapping[tuple[str, str], int]) -> tuple[BreakdownRow, ...]:
    """Open rows by the values of a column, from their numbers by value and outcome."""
    by_value: dict[str, dict[str, int]] = {}
    rows_of = Counter[str]()
    for (value, _), rows in counts.items():
        rows_of[value] += rows
    for (value, outcome), rows in counts.items():
        of_value = by_value.setdefault(_shown(name, value, rows_of[value]), {str(o): 0 for o in OPEN_OUTCOMES})
        if outcome in of_value:
            of_value[outcome] += rows
    lines = [(value, n) for value, n in by_value.items() if any(n.values())]
    if name in IN_ORDER:
        lines.sort(key=lambda line: line[0])
    else:
        lines.sort(key=lambda line: (-line[1]["violation"], -line[1]["review"], line[0]))
    return tuple(BreakdownRow.model_validate({"value": value, **n}) for value, n in lines)


def _shown(name: str, value: str, rows: int) -> str:
    """A value as a report may show it, by how many rows have it."""
    if name in NAMES:
        return plain_name(value)
    return value if name in OWN_WORDS or value in (NONE, BLANK) or _WORD.fullmatch(value) or (rows >= _RARE and "@" not in value) else OTHER


def shown_value(rule: Rule, name: str, value: ir.StringValue) -> ir.StringValue:
    """What a row's value of a breakdown is called in a report that may show it."""
    column = _contract_column(rule, name)
    if column is not None and column.shown_values:
        return sure(value.isin(column.shown_values)).ifelse(value, OTHER)
    listed = column.values if column is not None and name not in OWN_WORDS else ()
    words = [(~value.isin(listed), ibis.literal(OTHER))] if listed else []
    return ibis.cases((value.isnull(), ibis.literal(NONE)), (blank(value), ibis.literal(BLANK)), *words, else_=value)


def is_shown(rule: Rule, name: str) -> bool:
    """Whether a report may show the values of a breakdown."""
    column = _contract_column(rule, name)
    return name in OWN_WORDS or (column is not None and column.reportable)


def _contract_column(rule: Rule, name: str) -> contract.Column | None:
    """The contract's column of this name, of the first of a rule's tables that has one; its person's is looked for second."""
    tables = (contract.load().get(t) for t in rule.tables_with_people)
    return next((table[name] for table in tables if table and name in table), None)
