"""What an expression is computed from: through the tables that it reads, those of named expressions included."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import ibis.expr.operations as ops


class Rows(Enum):
    """Of a table that values come from, which decisions on what rows it has count as well.

    `ALL`; those of what is `JOINED` to a row that is there, or summed up in it; or `NONE`.
    """

    ALL = "all"
    JOINED = "joined"
    NONE = "none"


@dataclass
class ComputedFrom:
    """Walks expressions. Of a derived table only the columns that are used count, not their neighbours.

    `kept` has, for tables that are computed once, what they were made of; nothing is looked for within tables of `ends`. `steps` has what
    nodes are directly computed from, by node: walks of one kind over expressions that share much may share it.
    """

    kept: Mapping[ops.Node, ops.Node]
    rows: Rows
    ends: Collection[ops.Node] = ()
    seen: set[ops.Node] = field(default_factory=set)
    steps: dict[ops.Node, list[ops.Node]] = field(default_factory=dict)

    def of(self, nodes: Iterable[ops.Node]) -> set[ops.Node]:
        """All nodes that these are computed from, themselves included, together with those of before."""
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node in self.seen:
                continue
            self.seen.add(node)
            if node not in self.steps:
                self.steps[node] = self._step(node)
            waiting += self.steps[node]
        return self.seen

    def _step(self, node: ops.Node) -> list[ops.Node]:
        if isinstance(node, ops.Field):
            return self._of_field(node)
        if isinstance(node, ops.Relation):
            return self._of_relation(node)
        return [*node.__children__, *self._beside(node)]

    def _beside(self, value: ops.Node) -> list[ops.Node]:
        """The other rows that a value is of: those of a window, and those of a table that it is compared with, with what stands in them."""
        if isinstance(value, ops.InSubquery | ops.ScalarSubquery):
            return [ops.Field(value.rel, name) for name in value.rel.schema]
        return [*value.relations] if isinstance(value, ops.WindowFunction) and self.rows != Rows.NONE else []

    def source(self, relation: ops.Node) -> ops.Node:
        """A relation, or what it was made of."""
        return self.kept.get(relation, relation)

    def _of_field(self, node: ops.Field) -> list[ops.Node]:
        relation = self.source(node.rel)
        if relation in self.ends:
            return []
        own = self._values(relation, node.name)
        if self.rows == Rows.NONE:
            return own
        if isinstance(relation, ops.JoinChain) and own:
            own += self._joined(relation, own[0])
        if self.rows == Rows.ALL:
            return [relation, *own]
        summed_up = isinstance(relation, ops.Aggregate) and node.name in relation.metrics
        return [relation, *own] if summed_up else own

    @staticmethod
    def _values(relation: ops.Node, name: str) -> list[ops.Node]:
        if isinstance(relation, ops.Set):
            return [ops.Field(side, name) for side in (relation.left, relation.right)]
        values = getattr(relation, "values", None) or getattr(relation, "fields", None) or {}
        parent = getattr(relation, "parent", None)
        if name in values:
            return [values[name]]
        return [ops.Field(parent, name)] if isinstance(parent, ops.Relation) and name in parent.schema else []

    def _joined(self, chain: ops.JoinChain, value: ops.Node) -> list[ops.Node]:
        """By what the table is joined that a column of a join comes from, and where rows are joined, what decides on its rows."""
        used = {f.rel for f in value.find(ops.Field)}
        links = [link for link in chain.rest if link.table in used]
        predicates = [predicate for link in links for predicate in link.predicates]
        return [*predicates, *(link.table for link in links)] if self.rows == Rows.JOINED else predicates

    def _of_relation(self, node: ops.Relation) -> list[ops.Node]:
        """What decides which rows a relation has."""
        relation = self.source(node)
        if relation in self.ends:
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
