"""What several rules need, computed once per audit: named expressions (see `View.named`), each kept as a file that every kernel reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from heytalk_audit.snapshot.derived import Source
from heytalk_audit.snapshot.engines import Engine

#: The folder of the kept files, in the audit's working folder.
FOLDER = "shared"


@dataclass(frozen=True)
class SharedTable:
    """A named expression as it is kept: the table that holds it, the SQL that made it, and the digest that tells it from others."""

    name: str
    table: ir.Table
    sql: str
    digest: str


@dataclass
class SharedTables:
    """The named expressions of one audit on one engine; `work` is the audit's working folder, null where it has none.

    A table can be named in expressions before it is there; `compute` makes it.
    """

    engine: Engine
    work: Path | None
    _kept: dict[ops.Node, SharedTable] = field(default_factory=dict)
    _computed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.work is not None:
            self.engine.allow(self.work)

    def table(self, name: str, expression: ir.Table) -> ir.Table:
        """The table that will hold an expression's rows once it is computed."""
        node = expression.op()
        if node not in self._kept:
            self._kept[node] = self._compiled(name, expression)
        return self._kept[node].table

    def compute(self, names: Iterable[str]) -> None:
        """Make the tables of these names, in the order in which they were named, unless they are there."""
        wanted = set(names) - self._computed
        for kept in self._kept.values():
            if kept.name in wanted:
                self.engine.share(kept.name, kept.sql, self._folder / f"{kept.name}-{kept.digest}.parquet")
                self._computed.add(kept.name)

    def sql(self, names: Iterable[str]) -> dict[str, str]:
        """The SQL that made the tables of these names, by name."""
        by_name = {kept.name: kept.sql for kept in self._kept.values()}
        return {name: by_name[name] for name in names if name in by_name}

    def derive(self, name: str, sources: Sequence[Source], schema: pa.Schema) -> ir.Table:
        """A table of what functions make of batches of rows; see `Engine.derive`."""
        return self.engine.derive(name, sources, schema, self._folder / f"{name}.parquet")

    def _compiled(self, name: str, expression: ir.Table) -> SharedTable:
        if any(kept.name == name for kept in self._kept.values()):
            raise ValueError(f"{name} names two different tables")
        sql = self.engine.sql(expression)
        held = ops.DatabaseTable(name=name, schema=expression.schema(), source=self.engine.backend)
        return SharedTable(name, held.to_expr(), sql, self._digest(sql, expression))

    def _digest(self, sql: str, expression: ir.Table) -> str:
        """What tells audits apart that share a folder: their numbers stand in the SQL, and in that of the tables that it reads."""
        digests = {kept.table.op(): kept.digest for kept in self._kept.values()}
        read = sorted(digests[table] for table in expression.op().find(ops.DatabaseTable) if table in digests)
        return hashlib.sha256("\n".join([sql, *read]).encode()).hexdigest()[:16]

    @property
    def _folder(self) -> Path:
        if self.work is None:
            self.work = self.engine.own_folder()
        return self.work / FOLDER
