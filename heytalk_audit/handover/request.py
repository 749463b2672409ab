"""The letter to those who deliver: what a check of their snapshot shows, and nothing else, each with the SQL that makes it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from heytalk_audit import contract
from heytalk_audit.audit.unlocks import Unlock
from heytalk_audit.contract import needs, sql
from heytalk_audit.errors import InputError
from heytalk_audit.handover import markdown
from heytalk_audit.running import check
from heytalk_audit.running.check import Checked
from heytalk_audit.snapshot.defects import Defect, DefectKind
from heytalk_audit.snapshot.delivery import how_to_seal

NOTE = (
    "No value of anybody stands in this letter: what a value looks like is shown with every letter as a and every digit as 9. In the SQL, "
    "names of tables and columns are the contract's; put those of the source in their place."
)


def refuse_target(path: Path) -> None:
    """Refuse a file that is there already, or that nothing can be written to. Raises InputError."""
    if path.exists() or path.is_symlink():
        raise InputError(f"--request {path.name}", "is there already", "name another file: what people wrote is not overwritten")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(
            f"--request {path.name}", "would lie in a folder that can't be written to", "make the folder, or name another file"
        )


def request_letter(checked: Checked, dialect: str) -> str:
    """The letter as Markdown, its SQL in the dialect."""
    escape = markdown.escape
    delivered = markdown.table(check.HEADS, [[escape(cell) for cell in row] for row in checked.tables])
    parts = ["## What was delivered", delivered]
    parts += _section("Not as the contract says", (_defect(defect, dialect) for defect in checked.defects))
    strangers = [escape(check.stranger_in_words(stranger)) for stranger in checked.strangers]
    parts += _section("Not in the contract: rename it, or leave it out", [markdown.bullets(strangers)] if strangers else [])
    failed = [f"{escape(table)}: {escape(why)}\n\n{_code(sql.totals(dialect, [table]))}" for table, why in checked.failed.items()]
    parts += _section("Not what was stated: count it again in the source", failed)
    above = {defect.name for defect in checked.defects if defect.kind == DefectKind.MISSING}
    sentences = zip(checked.unlocked, checked.unlocks, strict=True)
    parts += _section(
        "What more would be tested", (f"{escape(words)}\n\n{_selects(unlock, dialect, above)}" for words, unlock in sentences)
    )
    parts += _section("Not stated", _gaps(checked, dialect))
    return markdown.document(f"Request for the snapshot {escape(checked.name)}", escape(NOTE), *parts)


def _section(title: str, parts: Iterable[str]) -> list[str]:
    parts = list(parts)
    return [f"## {title}", *parts] if parts else []


def _defect(defect: Defect, dialect: str) -> str:
    stop = needs.stops_without().get(defect.name, ())
    rules = f" Rules that need it: {', '.join(stop)}." if stop else ""
    return f"{markdown.escape(check.defect_in_words(defect))}.{rules}\n\n{_code(_mending(defect, dialect))}"


def _mending(defect: Defect, dialect: str) -> str:
    """The SQL that makes what is wrong as the contract says, or finds it."""
    table = contract.load()[defect.table]
    if defect.column is None:
        return sql.select(table, dialect)
    if defect.kind == DefectKind.ENUM:
        return sql.recoded(table, table[defect.column], dialect)
    if defect.kind == DefectKind.NULL:
        return sql.without_value(table, table[defect.column], dialect)
    return sql.select(table, dialect, columns=[defect.column])


def _selects(unlock: Unlock, dialect: str, above: Collection[str]) -> str:
    """A SELECT for each table of which something is to be delivered, but for what stands `above` with its own."""
    columns: dict[str, list[str]] = {}
    for name in sorted(set(unlock.names) - set(above)):
        table, _, column = name.partition(".")
        columns.setdefault(table, []).extend([column] if column else [])
    if not columns:
        return "Its SQL stands above."
    return _code("\n\n".join(sql.select(contract.load()[table], dialect, columns=names) for table, names in columns.items()))


def _gaps(checked: Checked, dialect: str) -> list[str]:
    """What nobody stated, and the SQL of the totals that are wanted."""
    sentences = [markdown.escape(gap.sentence) for gap in checked.gaps]
    sealing = [] if checked.is_sealed else [markdown.escape(f"seal the folder: {how_to_seal(checked.name)}")]
    untold = [table for gap in checked.gaps if gap.option == "--totals" for table in gap.tables]
    listed = [markdown.bullets([*sealing, *sentences])] if sealing or sentences else []
    return listed + ([_code(sql.totals(dialect, untold))] if untold else [])


def _code(text: str) -> str:
    return f"```sql\n{text.strip()}\n```"
