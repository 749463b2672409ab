"""Which columns of the snapshot an expression is computed from: those of its values, and those that decide which rows are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Excuse
from heytalk_audit.audit.holds import Hold, valid_holds
from heytalk_audit.expressions.computed_from import ComputedFrom, Rows
from heytalk_audit.policy.view import View

#: A column by the table's name and its own.
ColumnName = tuple[str, str]


def columns_behind(
    nodes: Iterable[ops.Node], tables: Mapping[ops.Node, str], kept: Mapping[ops.Node, ops.Node], rows: Rows = Rows.ALL
) -> set[ColumnName]:
    """The columns of `tables` (relations by name) that these nodes are computed from; `kept` and `rows` as of `ComputedFrom`."""
    walk = ComputedFrom(kept, rows, tables)
    fields = [node for node in walk.of(nodes) if isinstance(node, ops.Field)]
    return {(tables[source], node.name) for node in fields if (source := walk.source(node.rel)) in tables}


def verdict_roots(check: Check, record: ir.StringValue, testers: ir.Table | None, view: View) -> list[ops.Node]:
    """All on which the rows' outcome, reason, due day, record and person depend, and the figures beside them: no breakdown is among it."""
    values: list[ir.Value] = [record, *check.figures.values(), *([check.rows.user_id] if check.has_people else [])]
    values += [check.until] if check.until is not None else []
    tables = [testers] if testers is not None else []
    if isinstance(check.exempt, Hold):
        tables.append(valid_holds(check.exempt.exceptions, view))
    cells = [table[name] for table in tables for name in table.columns]
    return [*roots(check), *(part.op() for part in (*values, *tables, *cells))]


def roots(check: Check) -> list[ops.Node]:
    """The expressions on which the outcome of a check's rows depends, and whether they are in its population."""
    values = [value for c in check.conditions for value in (c.when, c.due, c.closing_at) if value is not None]
    if isinstance(check.exempt, Excuse):
        values.append(check.exempt.when)
    elif check.exempt is not None:
        values += [value for part in check.exempt.parts for value in (part.when, *part.columns.values()) if not isinstance(value, bool)]
        values += [check.exempt.exceptions[name] for name in ("user_id", "type", "scope", "started_at")]
    return [check.rows.op(), *(value.op() for value in values)]
