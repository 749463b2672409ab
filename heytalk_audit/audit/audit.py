"""An opened audit: a snapshot, a policy and settings, and what several rules need of them, each computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from heytalk_audit import contract
from heytalk_audit.audit import wrong_values
from heytalk_audit.audit.columns_read import ColumnName
from heytalk_audit.audit.faults import absent
from heytalk_audit.audit.hashed_log import is_hashed
from heytalk_audit.audit.people import people_table, test_accounts
from heytalk_audit.audit.shared import SharedTables
from heytalk_audit.detect.columns import ExaminedColumn
from heytalk_audit.detect.in_snapshot import CONTENTS, SCHEMA, contents, examined, sources
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.policy import Policy
from heytalk_audit.policy.view import Keep, View
from heytalk_audit.snapshot import gate
from heytalk_audit.snapshot.derived import once
from heytalk_audit.snapshot.open import Snapshot

#: What a rule calls the findings of the detectors.
DETECTIONS = "detections"
#: What it calls what columns hold, by a sample of their rows.
COLUMN_CONTENTS = "column_contents"
#: Tables that only reading texts makes.
READ_FROM_TEXTS = (DETECTIONS, COLUMN_CONTENTS)


@dataclass(frozen=True)
class Audit:
    """A snapshot, a policy and settings: everything a verdict depends on.

    `drift` says per clause how its sentence stands in the published text, null where there is none to compare; `previous` are the
    columns that an earlier audit was delivered, by table; `registers` are those that facts read, as small tables by name.
    """

    snapshot: Snapshot
    policy: Policy
    settings: Mapping[str, Any] = field(default_factory=dict)
    drift: list[dict[str, str]] | None = None
    previous: dict[str, list[str]] | None = None
    registers: Mapping[str, pa.Table] = field(default_factory=dict)

    @cached_property
    def clock(self) -> Clock:
        """The audit's instant and zone."""
        zone = self.settings.get("audit_tz", self.policy.settings["audit_tz"].value)
        return Clock(self.snapshot.as_of, zone, self.snapshot.engine.dialect)

    @cached_property
    def tables(self) -> dict[str, ir.Table]:
        """Everything that a rule or a fact may name: delivered tables, evidence tables, and registers."""
        snapshot = self.snapshot
        delivered = {name: wrong_values.as_null(name, table, self.wrong) for name, table in snapshot.tables.items()}
        own = self._evidence | dict(self.registers)
        return delivered | {name: snapshot.engine.put(name, table) for name, table in own.items()}

    @cached_property
    def _evidence(self) -> dict[str, pa.Table]:
        """What is told of the delivery itself, as tables that rules may name."""
        snapshot, days = self.snapshot, self.view().number("traffic_calendar")
        return gate.evidence(snapshot.delivery, snapshot.profile, days, self.clock, self.drift, self.previous, snapshot.unknown)

    @cached_property
    def wrong(self) -> dict[ColumnName, float]:
        """The columns that hold wrong values, and the share of their rows that do."""
        return wrong_values.shares_of(self.snapshot.profile)

    @cached_property
    def detections(self) -> ir.Table:
        """What the detectors find in the snapshot's texts; they run when a rule first asks for it."""
        return self.shared.derive(DETECTIONS, sources(self.snapshot.tables), SCHEMA)

    @cached_property
    def examined(self) -> list[ExaminedColumn]:
        """What the columns hold, by a sample; looked into when a rule first asks for it."""
        snapshot = self.snapshot
        return once(snapshot.work, "examined", lambda: examined(snapshot))

    def table(self, name: str, dry: bool = False) -> ir.Table | None:
        """A table that a rule names, null where there is none; `dry` has an empty one where only reading texts would tell."""
        engine = self.snapshot.engine
        if name == DETECTIONS:
            return engine.put(f"no_{name}", SCHEMA.empty_table()) if dry else self.detections
        if name == COLUMN_CONTENTS:
            return engine.put(name, CONTENTS.empty_table() if dry else contents(self.examined))
        return self.tables.get(name)

    def empty_table(self, name: str) -> ir.Table:
        """A table of the contract without rows, for what can do without it."""
        return self.snapshot.engine.put(f"no_{name}", contract.load()[name].schema.empty_table())

    @cached_property
    def log_is_hashed(self) -> bool:
        """Whether nobody can be found in the purge log, as its ids are hashes."""
        return is_hashed(self.snapshot, self.view().number("digest_share"))

    @cached_property
    def shared(self) -> SharedTables:
        """What several rules need, computed once."""
        return SharedTables(self.snapshot.engine, self.snapshot.work)

    def people(self, view: View) -> ir.Table:
        """What reports count people by, as `people.people_table` has it."""
        return view.named("people", self._people)

    @cached_property
    def _people(self) -> ir.Table:
        return people_table(self.snapshot.tables["users"], self.view().today)

    def testers(self, view: View) -> ir.Table:
        """The ids of test accounts, as `people.test_accounts` has them. Raises NotEvaluated."""
        users = self.snapshot.tables["users"]
        missing = [f"users.{name}" for name in ("user_id", "is_test") if name not in users.columns]
        if missing:
            raise absent(missing)
        return view.named("testers", test_accounts(users))

    @cached_property
    def blocked(self) -> dict[str, str]:
        """Tables that failed a gate, and why: rules that read them are not evaluated."""
        return gate.failures(self._evidence["delivered_tables"])

    def view(self, keep: Keep | None = None) -> View:
        """The policy as one rule sees it; `keep` makes tables of what several rules need."""
        return View(self.policy, self.clock, dict(self.settings), keep)
