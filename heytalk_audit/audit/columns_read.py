"""Which columns of the snapshot an expression is computed from: those of its values, and those that decide which rows are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Excuse
from heytalk_audit.audit.holds import Hold, valid_holds
from heytalk_audit.policy.view import View

#: A column by the table's name and its own.
ColumnName = tuple[str, str]


@dataclass
class ColumnsRead:
    """Walks expressions and collects the columns of `tables` (relations by name) that they read.

    `kept` has, for tables that are computed once, what they were made of. Of a derived table only the columns that are used count, and of
    its joins those that decide which rows there are; with `values_only` the rows that are there do not matter.
    """

    tables: Mapping[ops.Node, str]
    kept: Mapping[ops.Node, ops.Node]
    values_only: bool = False
    columns: set[ColumnName] = field(default_factory=set)
    _seen: set[ops.Node] = field(default_factory=set)

    def of(self, nodes: Iterable[ops.Node]) -> set[ColumnName]:
        """The columns that these nodes read, together with all that were read before."""
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node in self._seen:
                continue
            self._seen.add(node)
            if isinstance(node, ops.Field):
                waiting += self._of_field(node)
            elif isinstance(node, ops.Relation):
                waiting += self._of_relation(node)
            elif isinstance(node, ops.InSubquery | ops.ScalarSubquery):
                # a value is compared with those of another table: which rows that has, and what stands in them
                waiting += [*node.__children__, *(ops.Field(node.rel, name) for name in node.rel.schema)]
            else:
                waiting += node.__children__
        return self.columns

    def _of_field(self, node: ops.Field) -> list[ops.Node]:
        relation = self.kept.get(node.rel, node.rel)
        if relation in self.tables:
            self.columns.add((self.tables[relation], node.name))
            return []
        if isinstance(relation, ops.Set):
            own = [ops.Field(side, node.name) for side in (relation.left, relation.right)]
            return own if self.values_only else [relation, *own]
        values = getattr(relation, "values", None) or getattr(relation, "fields", None) or {}
        own = [values[node.name]] if node.name in values else []
        parent = getattr(relation, "parent", None)
        if not own and isinstance(parent, ops.Relation) and node.name in parent.schema:
            own = [ops.Field(parent, node.name)]
        joined = [*self._link_of(relation, own[0])] if own and isinstance(relation, ops.JoinChain) else []
        return own if self.values_only else [relation, *own, *joined]

    @staticmethod
    def _link_of(chain: ops.JoinChain, value: ops.Node) -> list[ops.Node]:
        """By what the table is joined that a column of a join comes from."""
        used = {f.rel for f in value.find(ops.Field)}
        return [predicate for link in chain.rest if link.table in used for predicate in link.predicates]

    def _of_relation(self, node: ops.Relation) -> list[ops.Node]:
        """What decides which rows a relation has."""
        relation = self.kept.get(node, node)
        if relation in self.tables:
            return []
        if isinstance(relation, ops.JoinChain):
            inner = [link for link in relation.rest if link.how != "left"]
            return [relation.first, *(child for link in inner for child in (link.table, *link.predicates))]
        if isinstance(relation, ops.Project):
            return [relation.parent]
        if isinstance(relation, ops.Aggregate):
            return [relation.parent, *relation.groups.values()]
        if isinstance(relation, ops.Distinct):
            return [relation.parent, *(ops.Field(relation.parent, name) for name in relation.parent.schema)]
        if isinstance(relation, ops.Set):
            sides = (relation.left, relation.right)
            compared = isinstance(relation, ops.Intersection | ops.Difference) or relation.distinct
            return [*sides, *(ops.Field(side, name) for side in sides if compared for name in relation.schema)]
        return list(relation.__children__)


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
