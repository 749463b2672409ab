"""What each rule needs of the contract: the tables and columns that it stops without, and those that it reads and can do without.

The file beside this module is made from the rules themselves (`make contract`), by leaving out one column after the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FILE = "needs.json"


@dataclass(frozen=True)
class RuleNeeds:
    """What one rule needs; columns are named `table.column`.

    It stops without one of `tables`, and without one of `columns` where its table was delivered; without what else it `reads` it runs,
    and loses a condition or a breakdown. `optional` are whole tables of that kind.
    """

    tables: tuple[str, ...]
    columns: tuple[str, ...]
    reads: tuple[str, ...]
    optional: tuple[str, ...]

    def lacking(self, delivered: Mapping[str, Collection[str]]) -> tuple[str, ...]:
        """What it lacks of the columns that were delivered, by table, and stops without: tables, and columns of those that are there."""
        missing = [table for table in self.tables if table not in delivered]
        parts = [(*column.partition("."),) for column in self.columns]
        return (*missing, *(f"{table}.{name}" for table, _, name in parts if table in delivered and name not in delivered[table]))


@cache
def of_rules() -> dict[str, RuleNeeds]:
    """What each rule needs, by its id."""
    document = json.loads(files(__package__).joinpath(FILE).read_text("utf-8"))
    return {rule: RuleNeeds(**{key: tuple(names) for key, names in needs.items()}) for rule, needs in document.items()}


@cache
def stops_without() -> dict[str, tuple[str, ...]]:
    """The rules that stop without a table, or without a column (as `table.column`) of a table that was delivered."""
    return _by_name({rule: (*needs.tables, *needs.columns) for rule, needs in of_rules().items()})


@cache
def loses_without() -> dict[str, tuple[str, ...]]:
    """The rules that read a table or a column, run without it, and lose a condition or a breakdown."""
    return _by_name({rule: (*needs.optional, *needs.reads) for rule, needs in of_rules().items()})


def _by_name(names: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    rules: dict[str, list[str]] = {}
    for rule, needed in sorted(names.items()):
        for name in needed:
            rules.setdefault(name, []).append(rule)
    return {name: tuple(each) for name, each in rules.items()}
