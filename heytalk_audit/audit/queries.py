"""The queries that a rule becomes, compiled and not run: what of them other rules need too, and what is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import CANDIDATES, dry
from heytalk_audit.audit.shared import names_in
from heytalk_audit.snapshot.engines import Engine


@dataclass(frozen=True)
class RuleQueries:
    """SQL by the name of the table that it makes: `shared` is made once for all rules, in the order in which it is needed; `own` is not."""

    shared: dict[str, str]
    own: dict[str, str]


def queries_of(rule: Rule, audit: Audit) -> RuleQueries:
    """The queries of a rule over this snapshot; no row is read. Raises NotEvaluated."""
    view, engine = audit.view(), audit.snapshot.engine
    tables = dry(rule, audit, view, lambda rows: _table(CANDIDATES, rows.op(), engine).to_expr())
    outlined = _Outlined(engine, view.names)
    own = {name: outlined.sql(table) for name, table in tables.items()}
    return RuleQueries(outlined.shared, own)


def _table(name: str, node: ops.Node, engine: Engine) -> ops.DatabaseTable:
    """A table of that name with the columns of an expression."""
    return ops.DatabaseTable(name=name, schema=cast(ops.Relation, node).schema, source=engine.backend)


class _Outlined:
    """Expressions compiled as if what they share were there already."""

    def __init__(self, engine: Engine, names: Mapping[ops.Node, str]):
        self._engine, self._names = engine, names
        self._tables: dict[ops.Node, ops.DatabaseTable] = {}
        self.shared: dict[str, str] = {}

    def sql(self, expression: ir.Table) -> str:
        """An expression's SQL; what it shares is noted by the way."""
        for node in names_in(expression, self._names):
            if node not in self._tables:
                self.shared[self._names[node]] = self._compiled(node)
                self._tables[node] = _table(self._names[node], node, self._engine)
        return self._compiled(expression.op())

    def _compiled(self, node: ops.Node) -> str:
        return self._engine.sql(cast(ir.Table, (node.replace(self._tables) if self._tables else node).to_expr()))
