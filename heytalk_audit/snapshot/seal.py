"""Write a snapshot's descriptor: digests, totals and times of what lies in its folder.

It never fills `source_totals`: totals of the delivered files prove integrity, not completeness. All else that an existing descriptor
states (producer, windows, filters, totals of the source) is kept.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import delivery, profile
from heytalk_audit.snapshot.delivery import DESCRIPTOR, DeliveredPart, Delivery
from heytalk_audit.snapshot.duck import Duck


def seal_folder(folder: Path, as_of: str | None = None, whole: bool = True) -> list[str]:
    """Seal the snapshot in `folder`; returns the names of its tables. Raises InputError, and then changes nothing.

    Unless it is `whole`, tables that the contract requires may be missing: they are for `check` to ask for.
    """
    stated = delivery.read_descriptor(folder) if (folder / DESCRIPTOR).exists() else {}
    instant = as_of or stated.get("as_of")
    if instant is None:
        raise InputError(
            f"snapshot {folder.name}", "no descriptor says its instant yet", f"heytalk-audit seal {folder.name} --as-of INSTANT"
        )
    delivery.instant(instant, "--as-of" if as_of else f"{DESCRIPTOR} as_of")
    delivered = delivery.read_delivery(folder, descriptor=False, whole=whole)
    with tempfile.TemporaryDirectory(prefix="heytalk-audit-") as work:
        profiled = profile.take(delivered, Path(work), Duck())
    described = Delivery(folder, delivered.parts, stated)
    resources = [_resource(described, part, profiled[name]) for name, part in delivered.parts.items()]
    document = {"snapshot_id": folder.resolve().name, "name": "snapshot", "extracted_at": None, "producer": None, "source_system": None}
    document |= stated | {"as_of": instant, "resources": resources}
    beside = folder / f".{DESCRIPTOR}.{os.getpid()}"
    beside.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    os.replace(beside, folder / DESCRIPTOR)
    return list(delivered.parts)


def _resource(described: Delivery, part: DeliveredPart, counted: dict[str, Any]) -> dict[str, Any]:
    """The descriptor's entry of a table: what was stated of it before, and what was counted now."""
    unstated = {"window_start": None, "window_end": None, "filter": None, "extraction_query_sha256": None}
    totals = {k: counted[k] for k in ("bytes", "hash", "rows", "distinct_users", "min_ts", "max_ts", "control_sum")}
    names = {"name": part.table.name, "path": part.path.name, "format": part.format}
    return unstated | described.resource(part.table.name) | names | totals
