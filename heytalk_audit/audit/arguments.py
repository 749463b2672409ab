"""What a rule or a fact is handed: the tables that its arguments name. What it lacks of the delivery is refused, with a code for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ibis

from heytalk_audit.audit import no_value, verdict
from heytalk_audit.audit.audit import READ_FROM_TEXTS, Audit
from heytalk_audit.audit.check import OverTables
from heytalk_audit.audit.faults import GATE, Block, NotEvaluated, absent, missing_column, wrong_type
from heytalk_audit.audit.hashed_log import refuse_hashed
from heytalk_audit.audit.present import Present
from heytalk_audit.policy.view import View
from heytalk_audit.snapshot import profile

#: What is raised where a column that a rule or a fact names is not there.
_NO_COLUMN = (AttributeError, ibis.common.exceptions.IbisTypeError)


def arguments_of(rule: OverTables, audit: Audit, view: View, present: Present, dry: bool = False) -> dict[str, Any]:
    """The arguments of a rule or fact by name; tables that it can do without are empty where they are absent. Raises NotEvaluated."""
    _refuse_absent(rule, audit)
    special: dict[str, Any] = {"policy": view, "present": present}
    special |= {name: audit.empty_table(name) for name in optional_absent(rule, audit)}
    return {name: special[name] if name in special else audit.table(name, dry) for name in rule.arguments}


def optional_absent(rule: OverTables, audit: Audit) -> tuple[str, ...]:
    """The tables that a rule or fact can do without, and has to."""
    return tuple(name for name in rule.optional if name not in audit.tables)


def _refuse_absent(rule: OverTables, audit: Audit) -> None:
    there = (*READ_FROM_TEXTS, *audit.tables, *rule.optional)
    missing = [table for table in rule.tables if table not in there]
    if missing:
        raise absent(missing)
    no_value.refuse_without_values(rule.looks_in, audit.snapshot, audit.settings)


def refuse_gated(rule: OverTables, audit: Audit, tables: Sequence[str]) -> None:
    """Raise NotEvaluated where one of the tables that are read failed a gate; the delivery's own rules look at it all the same."""
    if rule.family in verdict.GATES:
        return
    refuse_hashed(tuple(tables), audit.log_is_hashed)
    failed = [table for table in tables if table in audit.blocked]
    if failed:
        raise NotEvaluated(Block(GATE, table, f"{table} failed a gate ({audit.blocked[table]})") for table in failed)


@contextmanager
def missing_columns_named(rule: OverTables, audit: Audit, view: View, present: Present) -> Iterator[None]:
    """Raises NotEvaluated, with the column's name, where what is done within reads a column that was not delivered, or in another type."""
    try:
        yield
    except _NO_COLUMN as error:
        tables = {name: audit.tables[name] for name in (*rule.tables, *present.read) if name in audit.tables}
        column = missing_column(error, tables, view.kept)
        if column is None:
            raise
        table, _, name = column.partition(".")
        is_wrong = audit.snapshot.profile[table]["columns"][name]["status"] == profile.WRONG
        raise (wrong_type if is_wrong else absent)([column]) from error
