"""Open a snapshot on an engine: the tables that rules read, and the evidence tables about the delivery itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.snapshot import delivery, profile
from heytalk_audit.snapshot.budget import private_folder
from heytalk_audit.snapshot.delivery import Delivery
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.engines import Engine


@dataclass(frozen=True)
class Snapshot:
    """A delivery, its profile, and its tables on an engine.

    `tables` are the contract's tables that were delivered, with those of the contract's columns that can be read. Instants are naive
    UTC, with microseconds. `work` is the folder that keeps what is derived from it while it is open.
    """

    delivery: Delivery
    profile: dict[str, Any]
    engine: Engine
    tables: dict[str, ir.Table] = field(repr=False)
    work: Path | None = None

    @property
    def id(self) -> str:
        """The delivery's id."""
        return str(self.delivery.descriptor.get("snapshot_id"))

    @property
    def as_of(self) -> dt.datetime:
        """The one instant that all rules use, naive UTC."""
        return self.delivery.as_of


def open_snapshot(folder: Path, engine: Engine, work: Path | None = None) -> Snapshot:
    """Open the snapshot in `folder`. Its profile and its CSV files as Parquet are kept under `work`, or in a folder of the engine's."""
    delivered = delivery.read_delivery(folder)
    if work is None:
        work = private_folder(engine.backend)
    profiled = profile.load_or_take(delivered, work, engine if isinstance(engine, Duck) else None)
    tables = {name: _open(engine, name, state) for name, state in profiled.items()}
    return Snapshot(delivered, profiled, engine, tables, work)


def _open(engine: Engine, name: str, state: dict[str, Any]) -> ir.Table:
    status = {c.name: state["columns"][c.name]["status"] for c in contract.load()[name].columns}
    columns = [(c, status[c.name] == profile.OK) for c in contract.load()[name].columns if _reads(c, status[c.name])]
    return engine.open(name, [Path(f) for f in state["files"]], columns)


def _reads(column: contract.Column, status: str) -> bool:
    """Whether a column can be read: one that may be absent, and is, reads as null."""
    return status in (profile.OK, profile.EMPTY) or (status == profile.MISSING and column.may_be_absent)
