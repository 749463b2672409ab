"""The queries that a rule becomes, compiled and not run: what of them other rules need too, and what is its own."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.operations as ops

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import CANDIDATES, dry
from heytalk_audit.audit.shared import SharedTables


@dataclass(frozen=True)
class RuleQueries:
    """SQL by the name of the table that it makes: `shared` is made once for all rules, in the order in which it is needed; `own` is not."""

    shared: dict[str, str]
    own: dict[str, str]


def queries_of(rule: Rule, audit: Audit) -> RuleQueries:
    """The queries of a rule over this snapshot; no row is read. Raises NotEvaluated."""
    engine = audit.snapshot.engine
    shared = SharedTables(engine, None)
    view = audit.view(shared.table)
    tables = dry(rule, audit, view, lambda rows: ops.DatabaseTable(name=CANDIDATES, schema=rows.schema(), source=engine.backend).to_expr())
    own = {name: engine.sql(table) for name, table in tables.items()}
    return RuleQueries(shared.sql(view.shared), own)
