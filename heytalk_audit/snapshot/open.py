"""Open a snapshot on an engine: the tables that rules read, and the evidence tables about the delivery itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import delivery, profile
from heytalk_audit.snapshot.delivery import Delivery
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.elsewhere import refuse_rewritten
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.snapshot.values import WrongValues


@dataclass(frozen=True)
class Snapshot:
    """A delivery, its profile, and its tables on an engine.

    `tables` are the contract's tables that were delivered, with those of the contract's columns that can be read. Instants are naive
    UTC, with microseconds, and a value that is none of its type reads as null. `marked` are those that hold such values, with a column
    for each of their columns that does: `unreadable_<name>`, whether the row's value is one. `work` is the folder that keeps what is
    derived from it while it is open. `unknown` is what lies beside the tables, by the names of its files: see `profile.take_unknown`.
    """

    delivery: Delivery
    profile: dict[str, Any]
    engine: Engine
    tables: dict[str, ir.Table] = field(repr=False)
    work: Path | None = None
    unknown: dict[str, Any] = field(default_factory=dict)
    marked: dict[str, ir.Table] = field(default_factory=dict, repr=False)

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
    refuse_rewritten(engine.url, delivered)
    work = work or engine.own_folder()
    engine.allow(folder, work)
    duck = engine if isinstance(engine, Duck) else None
    profiled, unknown = profile.load_or_take(delivered, work, duck), profile.load_or_take_unknown(delivered, work, duck)
    refuse_rewritten(engine.url, delivered, profiled)
    tables, marked = open_tables(profiled, engine)
    return Snapshot(delivered, profiled, engine, tables, work, unknown, marked)


def open_tables(profiled: dict[str, Any], engine: Engine) -> tuple[dict[str, ir.Table], dict[str, ir.Table]]:
    """The profiled tables by name, and those with marks: see `Snapshot`. Raises InputError for one of which no column can be read."""
    tables = {name: _open(engine, name, state) for name, state in profiled.items()}
    return tables, {name: _open(engine, name, state, with_marks=True) for name, state in profiled.items() if _wrong(state)}


def _open(engine: Engine, name: str, state: dict[str, Any], with_marks: bool = False) -> ir.Table:
    status = {c.name: state["columns"][c.name]["status"] for c in contract.load()[name].columns}
    held = (profile.OK, profile.WRONG_VALUES)
    columns = [(c, status[c.name] in held) for c in contract.load()[name].columns if _reads(c, status[c.name])]
    if not any(state_of in (*held, profile.EMPTY) for state_of in status.values()):
        raise InputError(f"snapshot {name}", "has no column of the contract that can be read", "name its columns as the contract does")
    wrong = WrongValues(_wrong(state), with_marks)
    return engine.open(f"marked_{name}" if with_marks else name, [Path(f) for f in state["files"]], columns, wrong)


def _wrong(state: dict[str, Any]) -> dict[str, bool]:
    """The columns of a table that hold values of another type, and whether its files mark these."""
    return {name: column["marked"] for name, column in state["columns"].items() if column["status"] == profile.WRONG_VALUES}


def _reads(column: contract.Column, status: str) -> bool:
    """Whether a column can be read: one that may be absent, and is, reads as null."""
    return status in (profile.OK, profile.EMPTY, profile.WRONG_VALUES) or (status == profile.MISSING and column.may_be_absent)
