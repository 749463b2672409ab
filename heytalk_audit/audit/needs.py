"""What a rule needs of the contract, found out from the rule itself: it is built on tables without rows, and given what it lacks, until it
lacks nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import blocks_of, columns_read
from heytalk_audit.audit.faults import ABSENT
from heytalk_audit.contract.needs import RuleNeeds
from heytalk_audit.disk.working import working_folder
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.delivery import DESCRIPTOR
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

#: Columns by table.
Columns = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class _Pretended(Audit):
    """An audit of fewer columns than are there; what is told of the delivery stays as it is."""

    evidence: Mapping[str, ir.Table] = field(default_factory=dict)

    @cached_property
    def tables(self) -> dict[str, ir.Table]:
        return {**self.snapshot.tables, **self.evidence}


@contextmanager
def empty_audit() -> Iterator[Audit]:
    """An audit of a snapshot that has every table of the contract, and no row."""
    with working_folder() as folder:
        for table in contract.load().values():
            schema = pa.schema([(c.name, contract.ARROW[c.kind]) for c in table.columns])
            pq.write_table(schema.empty_table(), folder / f"{table.name}.parquet")
        descriptor = {"snapshot_id": "empty", "as_of": "2025-03-31T12:00:00Z", "resources": []}
        (folder / DESCRIPTOR).write_text(json.dumps(descriptor), "utf-8")
        policy = load_policy()
        yield Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}), [])


def needs_of(rule: Rule, audit: Audit) -> RuleNeeds:
    """What a rule needs, by an audit of empty tables."""
    tables = [table for table in rule.tables_with_people if table in contract.load() and table not in rule.optional]
    columns: dict[str, set[str]] = {}
    while lacks := lacking_columns(rule, audit, columns):
        for lacked in lacks:
            table, _, name = lacked.partition(".")
            if name in columns.setdefault(table, set()):
                raise ValueError(f"{rule.id} lacks {lacked}, which is there")
            columns[table].add(name)
    needed = {f"{table}.{name}" for table, names in columns.items() for name in names}
    reads = columns_read(rule, audit)
    optional = {column.partition(".")[0] for column in reads} | set(rule.optional)
    return RuleNeeds(_ordered(tables), _ordered(needed), _ordered(reads - needed), _ordered(optional - set(tables)))


def lacking_columns(rule: Rule, audit: Audit, columns: Columns) -> list[str]:
    """What a rule lacks where every table has these columns, and those that may be absent."""
    blocks = blocks_of(rule, _with_columns(audit, columns))
    return [block.what for block in blocks if block.kind == ABSENT]


def _with_columns(audit: Audit, columns: Columns) -> Audit:
    tables = {name: _narrowed(table, name, columns.get(name, ())) for name, table in audit.snapshot.tables.items()}
    evidence = {name: table for name, table in audit.tables.items() if name not in tables}
    snapshot = replace(audit.snapshot, tables=tables)
    return _Pretended(snapshot, audit.policy, audit.settings, audit.drift, evidence=evidence)


def _narrowed(table: ir.Table, name: str, columns: Collection[str]) -> ir.Table:
    """The table with these columns, and those that may be absent; Ibis wants one column at least."""
    described = contract.load()[name]
    kept = {c.name: table.schema()[c.name] for c in described.columns if c.name in columns or c.may_be_absent}
    narrow: ir.Table = ops.DatabaseTable(name=name, schema=ibis.schema(kept or {"no_column": "int64"}), source=table.op().source).to_expr()
    return narrow


def _ordered(names: Collection[str]) -> tuple[str, ...]:
    """Tables or columns in the contract's order."""
    every = [each for table in contract.load().values() for each in (table.name, *(f"{table.name}.{c.name}" for c in table.columns))]
    return tuple(sorted(names, key=every.index))
