"""What several rules need, computed once per audit: named expressions (see `View.named`), each kept as a file that every kernel reads."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.common.graph import Graph

from heytalk_audit.snapshot.derived import Source
from heytalk_audit.snapshot.engines import Engine

#: The folder of the kept files, in the audit's working folder.
FOLDER = "shared"


@dataclass(frozen=True)
class SharedTable:
    """A named expression as it was computed: the table that holds it, and the SQL that made it."""

    name: str
    table: ir.Table
    sql: str


@dataclass
class SharedTables:
    """The named expressions of one audit on one engine; `work` is the audit's working folder, null where it has none."""

    engine: Engine
    work: Path | None
    _kept: dict[ops.Node, SharedTable] = field(default_factory=dict)

    def resolve(self, expression: ir.Table, names: Mapping[ops.Node, str]) -> tuple[ir.Table, list[SharedTable]]:
        """The expression with each named part of it replaced by its table, and these tables in the order in which they need each other.

        A part that is not there yet is computed.
        """
        used = names_in(expression, names)
        for node in used:
            if node not in self._kept:
                self._kept[node] = self._compute(node, names[node])
        kept = [self._kept[node] for node in used]
        return self._replace(expression.op(), used), kept

    def rows(self, expression: ir.Table, names: Mapping[ops.Node, str]) -> pd.DataFrame:
        """The rows of such an expression, for results that are small whatever the data."""
        return self.engine.rows(self.resolve(expression, names)[0])

    def derive(self, name: str, sources: Sequence[Source], schema: pa.Schema) -> ir.Table:
        """A table of what functions make of batches of rows; see `Engine.derive`."""
        return self.engine.derive(name, sources, schema, self._folder / f"{name}.parquet")

    def _compute(self, node: ops.Node, name: str) -> SharedTable:
        inner = [other for other in self._kept if other != node]
        table = self._replace(node, inner)
        # the name of the file tells audits apart that share a folder: their numbers stand in the SQL
        digest = hashlib.sha256(self.engine.sql(table).encode()).hexdigest()[:16]
        sql = self.engine.share(name, table, self._folder / f"{name}-{digest}.parquet")
        held = ops.DatabaseTable(name=name, schema=cast(ops.Relation, node).schema, source=self.engine.backend)
        return SharedTable(name, held.to_expr(), sql)

    def _replace(self, node: ops.Node, parts: list[ops.Node]) -> ir.Table:
        tables = {part: self._kept[part].table.op() for part in parts if part in self._kept}
        return cast(ir.Table, node.replace(tables).to_expr() if tables else node.to_expr())

    @property
    def _folder(self) -> Path:
        if self.work is None:
            self.work = Path(tempfile.mkdtemp(prefix="heytalk-audit-"))
        return self.work / FOLDER


def names_in(expression: ir.Table, names: Mapping[ops.Node, str]) -> list[ops.Node]:
    """The named parts of an expression, each after those that it needs itself."""
    ordered, _ = Graph.from_bfs(expression.op()).toposort()
    return [node for node in ordered if node in names]
