"""The delivered tables, for rules over whatever is there: what they ask for is remembered, so that the report can say what was not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import ibis.expr.types as ir


class Present(Mapping[str, ir.Table]):
    """The delivered tables by name."""

    def __init__(self, tables: Mapping[str, ir.Table]):
        self._tables = tables
        self._names: set[str] = set()

    def __getitem__(self, name: str) -> ir.Table:
        self._names.add(name)
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        self._names.add(str(name))
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    @property
    def read(self) -> list[str]:
        """Tables that were asked for and are there."""
        return sorted(name for name in self._names if name in self._tables)

    @property
    def missing(self) -> list[str]:
        """Tables that were asked for and are not."""
        return sorted(name for name in self._names if name not in self._tables)
