"""Write a snapshot's descriptor: digests, totals and times of what lies in its folder, its columns, and what those who deliver state.

Of itself it never fills `source_totals`: totals of the delivered files prove integrity, not completeness. All else that an existing
descriptor states (producer, windows, filters, totals of the source, keys that we do not know) is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import delivery, gate, profile, table_schema
from heytalk_audit.snapshot.delivery import DESCRIPTOR, DeliveredPart, Delivery
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.statements import Gap, Statements, unstated


@dataclass(frozen=True)
class Sealed:
    """A snapshot that was sealed: the names of its tables, and what nobody stated of it."""

    tables: list[str]
    gaps: list[Gap]


def seal_folder(folder: Path, as_of: str | None = None, whole: bool = True, statements: Statements = Statements()) -> Sealed:
    """Seal the snapshot in `folder`, with what is stated of it now. Raises InputError, and then changes nothing.

    Unless it is `whole`, tables that the contract requires may be missing: they are for `check` to ask for.
    """
    delivery.refuse_no_folder(folder)
    if (folder / DESCRIPTOR).is_symlink():
        raise InputError(f"snapshot {folder.name}/{DESCRIPTOR}", "is a link", "deliver the file itself, or take it away")
    earlier = delivery.read_descriptor(folder) if (folder / DESCRIPTOR).exists() else {}
    instant = as_of or earlier.get("as_of")
    if instant is None:
        raise InputError(f"snapshot {folder.name}", "no descriptor says its instant yet", delivery.how_to_seal(folder.name))
    delivery.instant(instant, "--as-of" if as_of else f"{DESCRIPTOR} as_of")
    delivered = delivery.read_delivery(folder, descriptor=False, whole=whole)
    _refuse_undelivered(statements, delivered)
    with working_folder() as work, contextlib.closing(Duck(folders=[folder, work])) as duck:
        profiled = profile.take(delivered, work, duck)
    described = Delivery(folder, delivered.parts, earlier)
    resources = [_resource(described, part, profiled[name], statements) for name, part in delivered.parts.items()]
    document: dict[str, Any] = {
        "snapshot_id": folder.resolve().name,
        "name": "snapshot",
        "extracted_at": None,
        "producer": None,
        "source_system": None,
    }
    document |= {"$schema": table_schema.PACKAGE} | earlier | statements.of_the_snapshot | {"as_of": instant, "resources": resources}
    if statements.totals:
        document["source_totals"] = _source_totals(described, statements)
    _write(_visible(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)) + "\n", folder / DESCRIPTOR)
    return Sealed(list(delivered.parts), unstated(replace(described, descriptor=document), gate.first_created(profiled)))


def _write(content: str, descriptor: Path) -> None:
    """Write the descriptor, whole or not at all; one that is there is this command's own to bring up to date."""
    handle, beside = tempfile.mkstemp(dir=descriptor.parent, prefix=f".{descriptor.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(beside, descriptor)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _visible(text: str) -> str:
    """JSON in which a character that can't be seen, or turns text around, is written by its number."""
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _refuse_undelivered(statements: Statements, delivered: Delivery) -> None:
    for option, tables in (("--window", statements.windows), ("--complete", statements.complete)):
        for table in tables:
            if table not in delivered.parts:
                raise InputError(f"{option} {table}", "was not delivered", "deliver it, or leave the option out")


def _resource(described: Delivery, part: DeliveredPart, counted: dict[str, Any], statements: Statements) -> dict[str, Any]:
    """The descriptor's entry of a table: what was stated of it before and now, and what was counted now."""
    nothing = {"window_start": None, "window_end": None, "filter": None, "extraction_query_sha256": None}
    totals = {k: counted[k] for k in ("bytes", "hash", "rows", "distinct_users", "min_ts", "max_ts", "control_sum")}
    names = {"name": part.table.name, "path": part.path.name, "format": part.format}
    earlier = described.resource(part.table.name)
    return nothing | earlier | statements.of_table(part.table.name) | table_schema.form_of(part, counted, earlier) | names | totals


def _source_totals(described: Delivery, statements: Statements) -> list[dict[str, Any]]:
    """The source's totals as they were stated before, with those that are stated now."""
    earlier = described.descriptor.get("source_totals")
    entries = {entry.get("name"): entry for entry in earlier or [] if isinstance(entry, dict)} if isinstance(earlier, list) else {}
    for table, totals in statements.totals.items():
        entries[table] = entries.get(table, {}) | {"name": table} | dict(totals)
    return list(entries.values())
