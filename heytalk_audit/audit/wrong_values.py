"""Wrong values: a null where none may be, or a value that its column's type or enum does not know.

The rows of the population that hold one, of whichever table they are, are unknown to the rules that read the column, and stay in the
population whatever they hold; in the rows of other tables a wrong value reads as null. Where too many rows of a table have one in a column,
those rules are not evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Check, Excuse, unknown
from heytalk_audit.audit.columns_read import ColumnName, columns_behind
from heytalk_audit.audit.faults import WRONG_VALUE, Block, NotEvaluated
from heytalk_audit.audit.holds import Hold, Part
from heytalk_audit.contract import Column
from heytalk_audit.expressions.computed_from import Rows
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
        raise NotEvaluated(Block(WRONG_VALUE, name, f"more than {100 * limit:g} % of the values of {name} are wrong") for name in names)


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
    """How a check's rows are written anew, so that those with a wrong value in one of `columns` stay, and are known.

    `tables` are the delivered tables by their relation, and `columns` those of each in which wrong values matter. Only what the rows are
    taken from is written anew: wherever else the same table is read, a wrong value reads as null. `sources` are the tables with marks
    where a value could not be read: see `Snapshot.marked`.
    """

    tables: Mapping[ops.Node, str]
    sources: Mapping[str, ir.Table]
    columns: Mapping[str, Sequence[Column]]
    kept: Mapping[ops.Node, ops.Node]

    def of(self, node: ops.Node) -> ops.Relation | None:
        """The relation with a column for each of `_flags`; null where its rows are not rows of delivered tables (groups, for example)."""
        if node in self.tables:
            return self._flagged(node)
        if isinstance(node, ops.Union):
            return None if node.distinct else self._both(node)
        source = node.first if isinstance(node, ops.JoinChain) else getattr(node, "parent", None)
        if not isinstance(node, ops.JoinChain | ops.Project | ops.Filter | ops.Sort | ops.DropColumns | ops.FillNull | ops.Reference):
            return None
        marked = self.of(source)
        return None if marked is None else self._upon(node, source, marked)

    def flags(self, relation: ops.Relation) -> list[str]:
        """The columns of a relation that say that another's value is wrong."""
        every = (_flag(table, c.name) for table, columns in self.columns.items() for c in columns)
        return [flag for flag in every if flag in relation.schema]

    def _flagged(self, node: ops.Node) -> ops.Relation:
        name = self.tables[node]
        source = self.sources.get(name, node.to_expr())
        return source.select(*node.schema.names, **{_flag(name, c.name): _is_wrong(source, c) for c in self.columns.get(name, ())}).op()

    def _both(self, node: ops.Union) -> ops.Relation | None:
        """Rows of several tables: each has the flags of all, and those of the others are not set."""
        sides = [(side, self.of(side)) for side in (node.left, node.right)]
        if all(marked is None for _, marked in sides):
            return None
        tables = [(marked or side).to_expr() for side, marked in sides]
        flags = sorted({flag for table in tables for flag in self.flags(table.op())})
        left, right = (
            table.select(*node.schema.names, **{f: table[f] if f in table.columns else ibis.literal(False) for f in flags})
            for table in tables
        )
        return ibis.union(left, right).op()

    def _upon(self, node: ops.Node, source: ops.Relation, marked: ops.Relation) -> ops.Relation:
        """A relation upon its marked source."""
        of = _Moved({source: marked})
        changed = {name: of(part) for name, part in zip(node.__argnames__, node.__args__, strict=True)}
        if isinstance(node, ops.Project | ops.JoinChain):
            changed["values"] = {**changed["values"], **{f: ops.Field(marked, f) for f in self.flags(marked)}}
        if isinstance(node, ops.Filter):
            changed["predicates"] = tuple(self._widened(predicate, marked, of) for predicate in node.predicates)
        return node.__recreate__(changed)

    def _widened(self, predicate: ops.Node, marked: ops.Relation, of: _Moved) -> ops.Node:
        """A condition of the population, true where a value that it reads is wrong."""
        if isinstance(predicate, ops.And | ops.Or):
            return type(predicate)(self._widened(predicate.left, marked, of), self._widened(predicate.right, marked, of))
        if isinstance(predicate, ops.Coalesce) and len(predicate.arg) == 2 and isinstance(predicate.arg[1], ops.Literal):
            return ops.Coalesce((self._widened(predicate.arg[0], marked, of), predicate.arg[1]))
        read = {_flag(*column) for column in columns_behind([predicate], self.tables, self.kept, Rows.NONE)}
        widened = of(predicate)
        for flag in self.flags(marked):
            if flag in read:
                widened = ops.Or(widened, ops.Field(marked, flag))
        return widened


class _Moved:
    """Expressions over other relations: a field of one that is moved becomes that of what it is moved to, and nothing else changes."""

    def __init__(self, relations: Mapping[ops.Node, ops.Node]):
        self._done: dict[ops.Node, ops.Node] = dict(relations)

    def __call__(self, part: Any) -> Any:
        """A part of an expression, or of a relation."""
        if isinstance(part, ops.Node):
            if part not in self._done:
                self._done[part] = part if isinstance(part, ops.Relation) else self._anew(part)
            return self._done[part]
        if isinstance(part, Mapping):
            return {name: self(value) for name, value in part.items()}
        return tuple(map(self, part)) if isinstance(part, tuple) else part

    def _anew(self, node: ops.Node) -> ops.Node:
        return node.__recreate__({name: self(part) for name, part in zip(node.__argnames__, node.__args__, strict=True)})


def _flag(table: str, column: str) -> str:
    """The column that says that a row's value of another is wrong."""
    return f"wrong_{table}_{column}"


def marked(
    check: Check,
    tables: Mapping[str, ir.Table],
    sources: Mapping[str, ir.Table],
    read: Iterable[ColumnName],
    kept: Mapping[ops.Node, ops.Node],
) -> Check:
    """The check, with the rows that hold a wrong value in a column that is `read` as unknown.

    `tables` are those that were delivered, and `sources` the ones of them that mark values which can't be read. Rows that are groups are
    known by the row that each stands for, if the check says so; their population is that of the values that are not wrong.
    """
    columns: dict[str, list[Column]] = {}
    for table, name in sorted(read):
        columns.setdefault(table, []).append(contract.load()[table][name])
    marking = _Marking({table.op(): name for name, table in tables.items()}, sources, columns, kept)
    rows = marking.of(check.rows.op())
    expr = check.rows if rows is None else rows.to_expr()
    flags = [] if rows is None else marking.flags(rows)
    for table, key in check.stands_for.items():
        if table in columns and table in tables:
            expr, flags = (
                _with_rows_stood_for(expr, sources.get(table, tables[table]), table, key, columns[table]),
                [*flags, _flag(table, "row")],
            )
    if not flags:
        return check
    moved = _Moved({check.rows.op(): expr.op()})

    def of(value: Any) -> Any:
        # an expression may be of relations that the rows were made of: bound, it is of the rows
        return moved(check.rows.bind(value)[0].op()).to_expr() if isinstance(value, ir.Value) else value

    wrong = reduce(lambda a, b: a | b, [expr[flag] for flag in flags])
    # a condition that is null would decide such a row before any other
    conditions = [replace(c, when=~wrong & of(c.when), due=of(c.due), closing_at=of(c.closing_at)) for c in check.conditions]
    population = None if check.population is None else marking.of(check.population.op())
    return replace(
        check,
        rows=expr,
        conditions=[unknown(REASON, wrong), *conditions],
        exempt=_exempt(check, of),
        record=of(check.record),
        figures={label: of(value) for label, value in check.figures.items()},
        population=check.population if population is None else population.to_expr(),
        until=of(check.until),
    )


def _with_rows_stood_for(rows: ir.Table, raw: ir.Table, table: str, key: str, columns: Sequence[Column]) -> ir.Table:
    """The rows with whether the row of a table that each stands for, by its key, holds a wrong value in one of these columns."""
    wrong = reduce(lambda a, b: a | b, [_is_wrong(raw, c) for c in columns])
    keys = raw.filter(wrong).select(wrong_key=contract.load()[table].key).distinct()
    joined = rows.left_join(keys, rows[key] == keys.wrong_key)
    return joined.select(*rows.columns, **{_flag(table, "row"): joined.wrong_key.notnull()})


def _exempt(check: Check, of: Callable[[Any], Any]) -> Hold | Excuse | None:
    if check.exempt is None or isinstance(check.exempt, Excuse):
        return check.exempt and replace(check.exempt, when=of(check.exempt.when))
    parts = tuple(Part(p.table, {name: of(value) for name, value in p.columns.items()}, of(p.when)) for p in check.exempt.parts)
    return replace(check.exempt, parts=parts, since=of(check.exempt.since))
