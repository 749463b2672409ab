"""Rules that look for values: where the columns that they look in hold none in any row, as in a masked export, they tell nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.faults import NO_VALUE, Block, NotEvaluated
from heytalk_audit.expressions.fillers import identifies
from heytalk_audit.snapshot.open import Snapshot

#: Columns in which words that stand for nobody are no values.
IDENTITY = ("users.display_name", "users.email", "users.phone")


def refuse_without_values(names: Sequence[str], snapshot: Snapshot, settings: Mapping[str, Any]) -> None:
    """Raise NotEvaluated where none of the columns of these names holds a value, although their table has rows. `settings` have the words
    that stand for nobody."""
    tables = {name.partition(".")[0] for name in names}
    there = [name for name in names if _delivered(name, snapshot)]
    if not there or not any(snapshot.profile[table]["rows"] for table in tables):
        return
    if not any(_has_value(name, snapshot, settings) for name in there):
        raise NotEvaluated(Block(NO_VALUE, name, "no value: " + ", ".join(names)) for name in names)


def _delivered(name: str, snapshot: Snapshot) -> bool:
    table, _, column = name.partition(".")
    return table in snapshot.tables and column in snapshot.tables[table].columns


def _has_value(name: str, snapshot: Snapshot, settings: Mapping[str, Any]) -> bool:
    """Whether some row has a value there. Where only blanks and null words stand, the profile tells; words for nobody are looked for."""
    table, _, column = name.partition(".")
    if not snapshot.profile[table]["inventory"].get(column, {}).get("values"):
        return False
    if name not in IDENTITY:
        return True
    rows = snapshot.tables[table]
    named = identifies(column, rows[column], settings["placeholders"], settings["placeholders_other"])
    return bool(snapshot.engine.rows(rows.filter(named).limit(1).select(found=named)).shape[0])
