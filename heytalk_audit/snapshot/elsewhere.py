"""Engines on other machines: their executors read the delivered files, and no file that this machine makes of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.delivery import Delivery
from heytalk_audit.snapshot.spark_session import address_without_secrets


def refuse_rewritten(url: str, delivered: Delivery, profiled: Mapping[str, Any] | None = None) -> None:
    """Raise InputError where an engine is elsewhere and a file was delivered that is read as a file of this machine's own.

    That is every CSV file, and, once the delivery is `profiled`, Parquet with instants that are too far off for an engine's own type.
    """
    if url == "duckdb" or url.startswith("local"):
        return
    for name in _rewritten(delivered, profiled or {}):
        what = f"{name} is written anew on this machine, where its executors can't read it"
        todo = "deliver it as Parquet, with instants of the years 1 to 9999, or audit it with duckdb"
        raise InputError(f"engine {address_without_secrets(url)}", what, todo)


def _rewritten(delivered: Delivery, profiled: Mapping[str, Any]) -> Iterator[str]:
    parts = [*delivered.parts.values(), *(part for part in delivered.unknown.values() if part)]
    for part in parts:
        read = profiled.get(part.table.name, {}).get("files")
        if part.format == "csv" or (read is not None and read != [str(file) for file in part.files]):
            yield part.path.name
