"""Breakdowns: open rows by the values of a column, where a report may show these."""

from __future__ import annotations

from typing import Any

import pandas as pd

from heytalk_audit import contract
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.rule_result import BreakdownRow
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
#: Breakdowns whose values have an order of their own.
IN_ORDER = ("month", "delay_after_withdrawal")


def breakdown(rule: Rule, rows: pd.DataFrame, name: str) -> tuple[BreakdownRow, ...]:
    """Rows by the values of a column; none where these may not be shown."""
    if not is_shown(rule, name):
        return ()
    values = breakdown_values(rule, rows, name)
    counts = pd.crosstab(values, rows.outcome)
    by_value = {str(value): {str(o): _cell(counts, value, o) for o in OPEN_OUTCOMES} for value in counts.index}
    lines = [(value, n) for value, n in by_value.items() if any(n.values())]
    if name in IN_ORDER:
        lines.sort(key=lambda line: line[0])
    else:
        lines.sort(key=lambda line: (-line[1]["violation"], -line[1]["review"], line[0]))
    return tuple(BreakdownRow.model_validate({"value": value, **n}) for value, n in lines)


def _cell(counts: pd.DataFrame, value: Any, outcome: str) -> int:
    return int(counts.loc[value, outcome]) if outcome in counts else 0


def breakdown_values(rule: Rule, rows: pd.DataFrame, name: str) -> pd.Series:
    """What each row's value of a breakdown is called: itself where it may be shown, otherwise "(not shown)"."""
    if not is_shown(rule, name):
        return pd.Series("(not shown)", index=rows.index)
    values, column = rows[f"by_{name}"].fillna("(none)").astype(str), _contract_column(rule, name)
    values = values.where(values.str.strip() != "", "(blank)")
    if column is not None and column.shown_values:
        values = values.where(values.isin(column.shown_values), "(other)")
    return values


def is_shown(rule: Rule, name: str) -> bool:
    """Whether a report may show the values of a breakdown."""
    column = _contract_column(rule, name)
    return name in OWN_WORDS or (column is not None and column.reportable)


def _contract_column(rule: Rule, name: str) -> contract.Column | None:
    """The contract's column of this name, of the first of a rule's tables that has one; its person's is looked for second."""
    tables = (contract.load().get(t) for t in rule.tables_with_people)
    return next((table[name] for table in tables if table and name in table), None)
