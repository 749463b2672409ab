"""Wrong values: a null where none may be, or a value that its column's type or enum does not know.

The rows of the population that hold one are unknown to the rules that read the column, and stay in the population whatever they hold; in
the rows of other tables a wrong value reads as null. Where too many rows of a table have one in a column, those rules are not evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Check, Excuse, unknown
from heytalk_audit.audit.columns_read import ColumnName, ColumnsRead
from heytalk_audit.audit.faults import WRONG_VALUE, Block, NotEvaluated
from heytalk_audit.audit.holds import Part
from heytalk_audit.contract import Column
from heytalk_audit.snapshot.values import WrongValues

REASON = "wrong_value"


def shares_of(profile: Mapping[str, Any]) -> dict[ColumnName, float]:
    """The columns of a delivery that hold wrong values, and the share of their table's rows that do."""
    shares = {}
    for table, of_table in profile.items():
        for name, state in of_table["columns"].items():
            wrong = state.get("nulls", 0) + state.get("unknown", 0) + state.get("unreadable", 0)
            if wrong and of_table["rows"]:
                shares[table, name] = wrong / of_table["rows"]
    return shares


def refuse_too_many(shares: Mapping[ColumnName, float], read: Iterable[ColumnName], limit: float) -> None:
    """Raise NotEvaluated where a rule reads a column in which more than a few rows hold a wrong value."""
    beyond = sorted(column for column in read if shares.get(column, 0) > limit)
    if beyond:
        names = [".".join(column) for column in beyond]
        raise NotEvaluated(Block(WRONG_VALUE, name, f"more than {limit:.2%} of the values of {name} are wrong") for name in names)


def as_null(name: str, table: ir.Table, shares: Mapping[ColumnName, float]) -> ir.Table:
    """A table whose values that their enum does not know read as null."""
    columns = [c for c in contract.load()[name].columns if c.values and (name, c.name) in shares and c.name in table.columns]
    return table.mutate(**{c.name: (~_is_unknown(table, c)).ifelse(table[c.name], None) for c in columns}) if columns else table


def _is_unknown(table: ir.Table, column: Column) -> ir.BooleanValue:
    # an empty string breaks no contract
    return table[column.name].notnull() & ~table[column.name].isin(["", *column.values])


def _is_wrong(table: ir.Table, column: Column) -> ir.BooleanValue:
    unknown_value = [_is_unknown(table, column)] if column.values else []
    missing = [table[column.name].isnull()] if column.required else []
    mark = WrongValues.mark(column.name)
    unreadable = [table[mark]] if mark in table.columns else []
    return reduce(lambda a, b: a | b, [*missing, *unknown_value, *unreadable] or [ibis.literal(False)])


@dataclass(frozen=True)
class _Marking:
    """How a check's expressions are written anew, so that rows with a wrong value in one of `columns` stay, and are known.

    `raw` is the audited table, `source` the same with marks where values could not be read, `chain` are the relations between it and the
    check's rows.
    """

    raw: ir.Table
    source: ir.Table
    columns: tuple[Column, ...]
    chain: frozenset[ops.Node]
    kept: Mapping[ops.Node, ops.Node]

    @staticmethod
    def flag(column: str) -> str:
        """The column that says that a row's value of another is wrong."""
        return f"wrong_{column}"

    def __call__(self, node: ops.Node, changed: dict[str, Any] | None) -> ops.Node:
        """A node written anew: `changed` are its parts that were."""
        if node == self.raw.op():
            flags = {self.flag(c.name): _is_wrong(self.source, c) for c in self.columns}
            return self.source.select(*self.raw.columns, **flags).op()
        if changed is None:
            return node
        if node in self.chain:
            changed = changed | self._passed_on(node, changed)
        return node.__recreate__(changed)

    def _passed_on(self, node: ops.Node, changed: dict[str, Any]) -> dict[str, Any]:
        if isinstance(node, ops.Project | ops.JoinChain):
            source = changed["parent" if isinstance(node, ops.Project) else "first"]
            return {"values": {**changed["values"], **{self.flag(c.name): ops.Field(source, self.flag(c.name)) for c in self.columns}}}
        if isinstance(node, ops.Filter):
            return {"predicates": tuple(self._widened(predicate, changed["parent"]) for predicate in changed["predicates"])}
        return {}

    def _widened(self, predicate: ops.Node, parent: ops.Relation) -> ops.Node:
        """A condition of the population, true where a value that it reads is wrong."""
        if isinstance(predicate, ops.And | ops.Or):
            return type(predicate)(self._widened(predicate.left, parent), self._widened(predicate.right, parent))
        if isinstance(predicate, ops.Coalesce) and len(predicate.arg) == 2 and isinstance(predicate.arg[1], ops.Literal):
            return ops.Coalesce((self._widened(predicate.arg[0], parent), predicate.arg[1]))
        read = ColumnsRead({self.raw.op(): ""}, self.kept, values_only=True).of([predicate])
        for column in self.columns:
            if ("", column.name) in read:
                predicate = ops.Or(predicate, ops.Field(parent, self.flag(column.name)))
        return predicate

    def of(self, value: Any) -> Any:
        """An expression written anew; what is none stays as it is."""
        if isinstance(value, ir.Table):
            return ir.Table(value.op().replace(self))
        return value.op().replace(self).to_expr() if isinstance(value, ir.Value) else value


def marked(
    check: Check, raw: ir.Table, source: ir.Table, table: str, read: Iterable[ColumnName], kept: Mapping[ops.Node, ops.Node]
) -> Check:
    """The check, with the rows of its table that hold a wrong value in a column that is `read` as unknown.

    A check whose rows are not those of one table (a union, or groups) stays as it is: there a wrong value reads as null.
    """
    columns = tuple(contract.load()[table][name] for of_table, name in sorted(read) if of_table == table)
    chain = _chain(check.rows.op(), raw.op())
    if not columns or chain is None:
        return check
    of = _Marking(raw, source, columns, frozenset(chain), kept).of
    rows = of(check.rows)
    wrong = reduce(lambda a, b: a | b, [rows[_Marking.flag(c.name)] for c in columns])
    # a condition that is null would decide such a row before any other
    conditions = [replace(c, when=~wrong & of(c.when), due=of(c.due), closing_at=of(c.closing_at)) for c in check.conditions]
    return replace(
        check,
        rows=rows,
        conditions=[unknown(REASON, wrong), *conditions],
        exempt=_exempt(check, of),
        record=of(check.record),
        figures={label: of(value) for label, value in check.figures.items()},
        population=of(check.population),
        until=of(check.until),
    )


def _exempt(check: Check, of: Any) -> Any:
    if check.exempt is None or isinstance(check.exempt, Excuse):
        return check.exempt and replace(check.exempt, when=of(check.exempt.when))
    parts = tuple(Part(p.table, {name: of(value) for name, value in p.columns.items()}, of(p.when)) for p in check.exempt.parts)
    return replace(check.exempt, parts=parts, since=of(check.exempt.since))


def _chain(node: ops.Node, raw: ops.Node) -> list[ops.Node] | None:
    """The relations from a check's rows down to its table; null where its rows are not rows of that table."""
    chain = []
    while node != raw:
        chain.append(node)
        if isinstance(node, ops.JoinChain):
            node = node.first
        elif isinstance(node, ops.Project | ops.Filter | ops.Sort | ops.DropColumns | ops.FillNull | ops.Reference):
            node = node.parent
        else:
            return None
    return chain
