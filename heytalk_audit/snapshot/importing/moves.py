"""One table on its way from a source: its columns found, its batches converted and written, what does not fit named."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit import contract
from heytalk_audit.contract import Table
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.snapshot.importing.mapping import Mapping
from heytalk_audit.snapshot.importing.selects import Select
from heytalk_audit.snapshot.importing.sources import Batches, Source
from heytalk_audit.snapshot.importing.values import Conversion


@dataclass
class Move:
    """One table on its way: into `file`, unsorted, and of `most` rows where that is given. `progress` is told how many have come."""

    table: Table
    mapping: Mapping
    select: Select
    most: int | None
    file: Path
    progress: Callable[[int], None]
    faults: list[InputError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self, source: Source) -> int:
        """Move it; returns its rows. Raises InputError; what does not fit is in `faults`."""
        with closing(source.batches(f"tables.{self.table.name}", self.select)) as batches:
            columns = self._columns(next(batches).schema.names)
            conversions = {at: self._conversion(column) for at, column in columns.items()}
            rows = self._write(batches, conversions)
        absent = [c.name for c in self.table.columns if c.required and c not in columns.values()]
        if rows and absent:
            self.notes.append(f"{self.table.name} has no {', '.join(absent)}: rules that need it will not run")
        for conversion in conversions.values():
            self._judge(conversion)
        return rows

    def _write(self, batches: Batches, conversions: dict[int, Conversion]) -> int:
        """Convert batches, and write them as long as everything fits; returns the rows that came."""
        rows, schema = 0, pa.schema([(c.column.name, contract.ARROW[c.column.kind]) for c in conversions.values()])
        with pq.ParquetWriter(self.file, schema, compression="lz4") as writer:
            for batch in batches if conversions else ():
                batch = batch.slice(0, None if self.most is None else self.most - rows)
                rows += len(batch)
                if rows > self.mapping.limits.rows:
                    what = f"yields more than {self.mapping.limits.rows:,} rows"
                    raise InputError(f"tables.{self.table.name}", what, "narrow the SELECT, or raise limits.rows in the mapping")
                arrays = [conversion(batch.column(at)) for at, conversion in conversions.items()]
                if not any(c.misfits for c in conversions.values()):
                    writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                self.progress(rows)
                if rows == self.most:
                    break
        if not rows:
            # of a table without rows nothing is withheld: it has every column
            whole = {c.name: contract.ARROW[c.kind] for c in self.table.columns}
            pq.write_table(pa.schema(list(whole.items())).empty_table(), self.file)
        return rows

    def _columns(self, names: list[str]) -> dict[int, contract.Column]:
        """The contract's column at each position of the SELECT; what it does not have is a fault. Names match whatever their case."""
        where = f"tables.{self.table.name}"
        by_name = {c.name: c for c in self.table.columns}
        columns: dict[int, contract.Column] = {}
        for position, text in enumerate(names):
            column = by_name.get(text.lower())
            if column is None:
                self.faults.append(self._unknown(where, position, text))
            elif column in columns.values():
                self.faults.append(InputError(where, f"yields {column.name} twice", "name one of them otherwise, or drop it"))
            else:
                columns[position] = column
        return {at: columns[at] for at in sorted(columns, key=lambda at: self.table.columns.index(columns[at]))}

    def _unknown(self, where: str, position: int, text: str) -> InputError:
        # a column without an alias bears what stands in the SELECT, which may be a value
        named = text.isidentifier() and (self.select.has_star or text.lower() in {n.lower() for n in self.select.names})
        hint = nearest(text[:60], [c.name for c in self.table.columns]) if named else "name it with AS, as the contract does"
        return InputError(where, f"the contract has no column {text[:60]}" if named else f"column {position + 1} has no name", hint)

    def _conversion(self, column: contract.Column) -> Conversion:
        m, words = self.mapping, self.mapping.values_of(self.table.name, column.name)
        is_key = column.name == self.table.key or column.foreign or column.name.endswith("_id")
        return Conversion(column, is_key, m.zone, m.dates, m.rounds, tuple(m.nulls), words)

    def _judge(self, conversion: Conversion) -> None:
        """What does not fit becomes a fault; values that an enum does not name, a note."""
        where = f"{self.table.name}.{conversion.column.name}"
        for (kind, todo), count in conversion.misfits.items():
            kind_here = f"where the contract has {'an' if conversion.column.kind[0] in 'ai' else 'a'} {conversion.column.kind}"
            self.faults.append(InputError(where, f"{_rows_hold(count)} {kind}, {kind_here}", todo))
        for count in conversion.unnamed.values():
            if count:
                todo = f"say what it means under values ({', '.join(conversion.column.values)})"
                self.notes.append(f"{where}: {_rows_hold(count)} a value that the contract does not name; {todo}")


def _rows_hold(count: int) -> str:
    return f"{count:,} {'row holds' if count == 1 else 'rows hold'}"
