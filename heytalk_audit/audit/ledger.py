"""The ledger: the population, counted, with the figures beside it; and the rows that do not pass, which must add up to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd

from heytalk_audit.audit.check import Check
from heytalk_audit.audit.counts import RowCounts
from heytalk_audit.audit.faults import NotAddingUp
from heytalk_audit.vocabulary import Outcome

#: How a small table is fetched from the engine.
Fetch = Callable[[ir.Table], pd.DataFrame]
#: The label of the population among the figures: no figure of a rule is called so.
_POPULATION = ""


def empty() -> dict[str, int]:
    """The ledger of a rule that was not evaluated."""
    return dict.fromkeys(("in_scope", *map(str, Outcome)), 0)


def ledger_of(counts: RowCounts, in_scope: int) -> dict[str, int]:
    """The ledger of a population and of its rows that do not pass (or of all of them). Raises NotAddingUp."""
    if counts.rows > in_scope:
        raise NotAddingUp("the population does not add up: a join repeats rows")
    ledger = {"in_scope": in_scope} | {str(outcome): counts.outcome(outcome) for outcome in Outcome}
    ledger[Outcome.PASS] += in_scope - counts.rows
    return ledger


def population_and_figures(check: Check, fetch: Fetch) -> tuple[int, dict[str, Any]]:
    """How many rows are in scope, and the figures beside the ledger by label. Those of one table are computed together."""
    population = check.population if check.population is not None else before_joins(check.rows)
    computed = figures({_POPULATION: population.count(), **check.figures}, fetch)
    return int(computed.pop(_POPULATION)), computed


def before_joins(rows: ir.Table) -> ir.Table:
    """A table with as many rows, without the left joins that only add columns: these are dear, and may not repeat rows."""
    node = rows.op()
    while (parent := _same_rows(node)) is not None:
        node = parent
    return node.to_expr()


def _same_rows(node: ops.Node) -> ops.Relation | None:
    """What a relation is made of, where that has one row for each of its own; null where it may not."""
    if isinstance(node, ops.Project) and not any(value.find(ops.Unnest, filter=ops.Value) for value in node.values.values()):
        # what lies below, in the relations that its values are taken from, is looked at in its turn
        return node.parent
    if isinstance(node, ops.JoinChain) and all(_adds_columns(link) for link in node.rest):
        return node.first.parent
    if isinstance(node, ops.DropColumns | ops.FillNull | ops.Sort):
        return node.parent
    return None


def _adds_columns(link: ops.JoinLink) -> bool:
    """Whether a join only adds columns: a left join, or one to a table of a single row."""
    single = link.table.parent
    while isinstance(single, ops.Project):
        single = single.parent
    return link.how == "left" or (link.how == "cross" and isinstance(single, ops.Aggregate) and not single.groups)


def figures(values: Mapping[str, ir.Scalar], fetch: Fetch) -> dict[str, Any]:
    """Scalars by label; those of one table are computed together."""
    together: dict[Any, dict[str, ir.Scalar]] = {}
    for i, value in enumerate(values.values()):
        together.setdefault(value.op().relations, {})[f"figure_{i}"] = value
    computed: dict[str, Any] = {}
    for relations, of_one in together.items():
        one = next(iter(relations)).to_expr() if len(relations) == 1 else None
        tables = [one.agg(**of_one)] if one is not None else [value.name(name).as_table() for name, value in of_one.items()]
        for table in tables:
            computed |= {str(name): _plain(value) for name, value in fetch(table).iloc[0].items()}
    return {label: computed[f"figure_{i}"] for i, label in enumerate(values)}


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value
