"""Cases as small worlds: rows that a lawyer can read become a snapshot, and each rule is evaluated once per world.

Cases with the same settings and instant share a world: every id of a case carries the case's number, so that they don't meet.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import Evaluation, evaluate
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.snapshot.open import open_snapshot

CASES = Path(__file__).parent / "cases"
AS_OF = "2025-03-01T12:00:00Z"
LONG_AGO = dt.date(2020, 1, 1)

#: What a required column holds where a case does not say.
DEFAULTS: dict[str, dict[str, Any]] = {
    "users": {"status": "active", "created_at": LONG_AGO, "is_test": False},
    "subscriptions": {"kind": "paid", "status": "active", "start_at": LONG_AGO},
    "consents": {
        "purpose": "policy_acceptance",
        "action": "grant",
        "event_at": LONG_AGO,
        "explicit": True,
        "method": "in_app",
    },
    "profile_attributes": {
        "name": "bio",
        "category": "pd:Interest",
        "source": "user",
        "visibility": "private",
        "created_at": LONG_AGO,
    },
    "outbound_messages": {"channel": "push", "category": "service", "status": "sent", "sent_at": dt.date(2025, 1, 1)},
    "retention_exceptions": {
        "type": "legal_hold",
        "reason_code": "R1",
        "scope": "*",
        "owner": "legal",
        "started_at": dt.date(2024, 1, 1),
    },
    "content_items": {"kind": "post", "visibility": "private", "created_at": LONG_AGO},
    "traffic_events": {"event_type": "api", "event_at": dt.date(2025, 1, 1)},
    "devices": {"platform": "android", "first_seen_at": LONG_AGO},
    "permission_events": {"permission": "camera", "action": "granted", "event_at": LONG_AGO, "device_id": "d"},
    "support_tickets": {"opened_at": dt.date(2024, 1, 1)},
    "rights_requests": {"kind": "access", "channel": "app", "received_at": dt.date(2025, 1, 1), "outcome": "open"},
    "disclosures": {
        "kind": "processor",
        "purpose": "improve_services",
        "fields": [],
        "identifier_form": "none",
        "sent_at": dt.date(2025, 1, 1),
        "vendor_id": "v1",
    },
    "vendors": {"name": "V", "role": "processor", "country": "NL"},
    "purge_log": {
        "table_name": "users",
        "method": "delete",
        "rows": 1,
        "purged_at": dt.date(2025, 1, 1),
        "trigger": "schedule",
    },
    "transactions": {"store": "app_store", "purchased_at": dt.date(2024, 1, 1)},
    "promotion_entries": {"payout_details_held": False},
    "social_accounts": {"provider": "google", "fields_received": [], "linked_at": LONG_AGO},
    "policy_versions": {"sha256": "0", "effective_at": LONG_AGO, "material": False, "language": "en"},
    "staff": {"role": "agent", "started_at": LONG_AGO},
    "staff_access_log": {"table_name": "users", "accessed_at": dt.date(2025, 1, 1), "staff_id": "s"},
}

#: The key of a row that no case is about.
BYSTANDER = "~bystander"

#: What Spark's sessions are set to where each query runs once on a few rows: to compile its expressions takes longer than they do.
INTERPRETED = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@dataclass(frozen=True)
class Case:
    """One case of one rule; `number` is its own, `world` what it shares a snapshot by."""

    rule: str
    name: str
    given: dict[str, list[dict[str, Any]]]
    then: Any
    number: int
    settings: dict[str, Any] = field(default_factory=dict)
    as_of: str = AS_OF
    alone: bool = False
    absent: tuple[str, ...] = ()
    crowd: int = 0  # so many more accounts, of whom the case says nothing

    @property
    def prefix(self) -> str:
        """What every id of the case begins with."""
        return "" if self.alone else f"c{self.number}~"

    @property
    def world(self) -> str:
        """Cases of one world share this."""
        own = self.number if self.alone else None
        return json.dumps([self.settings, self.as_of, sorted(self.absent), own], sort_keys=True, default=str)


@cache
def cases() -> tuple[Case, ...]:
    """Every case of every file."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for block in yaml.safe_load(path.read_text("utf-8")):
            for case in block["cases"]:
                options = {k: case[k] for k in ("settings", "alone", "crowd") if k in case}
                if "as_of" in case:
                    value = case["as_of"]
                    options["as_of"] = value if isinstance(value, str) else value.astimezone(dt.UTC).isoformat()
                absent = tuple(case.get("absent", ()))
                found.append(Case(block["rule"], case["name"], case.get("given") or {}, case["then"], len(found), absent=absent, **options))
    return tuple(found)


@cache
def in_worlds() -> tuple[Case, ...]:
    """The same, those of one world after another."""
    order: dict[str, list[Case]] = {}
    for case in cases():
        order.setdefault(case.world, []).append(case)
    return tuple(case for world in order.values() for case in world)


def tables_of(world: Iterable[Case]) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table, the cases' ids told apart and what they leave out filled in."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in contract.load()}
    for case in world:
        crowd = [{"user_id": f"crowd-{i}"} for i in range(case.crowd)]
        for name, given in (case.given | {"users": [*case.given.get("users", ()), *crowd]}).items():
            table = contract.load()[name]
            unknown = {c for row in given for c in row} - {c.name for c in table.columns}
            assert not unknown, f"{case.rule} {case.name}: {name} has no column {unknown}"
            rows[name] += [_fill(table, row, i, case.prefix) for i, row in enumerate(given, 1)]
    return rows


def _fill(table: contract.Table, row: dict[str, Any], index: int, prefix: str) -> dict[str, Any]:
    filled = {table.key: f"{table.name}-{index}"} | DEFAULTS[table.name]
    if "user_id" in table and table["user_id"].required and table.key != "user_id":
        filled["user_id"] = "nobody"
    if table.name == "retention_exceptions":
        # entries of one matter are judged together: each case has its own
        filled["reason_code"] = prefix + filled["reason_code"]
    filled |= row
    return {c.name: _value(c, c.name == table.key, filled.get(c.name), prefix) for c in table.columns}


def _value(column: contract.Column, is_key: bool, value: Any, prefix: str) -> Any:
    is_id = (is_key or column.foreign or column.name == "user_id") and column.name != "policy_version"
    if value is None:
        return None
    if column.kind == "timestamp":
        return _instant(value)
    if column.kind == "date":
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    if column.kind == "array":
        return [prefix + v if is_id else v for v in value]
    if column.kind == "string":
        return prefix + str(value) if is_id and str(value).strip() else str(value)
    return value


def _instant(value: Any) -> dt.datetime:
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


def with_bystanders(rows: dict[str, list[dict[str, Any]]], rules: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows, with one more in a table that holds no value where a rule looks for values: such a rule would not be evaluated."""
    for rule in sorted(rules):
        places = [name.partition(".")[::2] for name in RULES[rule].looks_in]
        table, column = places[0] if places else ("", "")
        if places and rows[table] and not any(str(row[c] or "").strip("[] ") for row in rows[table] for _, c in places):
            described = contract.load()[table]
            value = ["x"] if described[column].kind == "array" else "Somebody"
            rows[table].append(_fill(described, {described.key: BYSTANDER, "user_id": BYSTANDER, column: value}, 0, ""))
    return rows


def deliver(folder: Path, rows: dict[str, list[dict[str, Any]]], as_of: str = AS_OF, absent: Iterable[str] = (), **said: Any) -> Path:
    """Write a snapshot of these rows, each table of it complete; `said` goes into its descriptor."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in contract.load().items():
        if name not in absent:
            schema = pa.schema([(c.name, contract.ARROW[c.kind]) for c in table.columns])
            pq.write_table(pa.Table.from_pylist(rows.get(name, []), schema=schema), folder / f"{name}.parquet")
    complete = [{"name": name, "complete": True} for name in contract.load() if name not in absent]
    document = {"snapshot_id": "cases", "as_of": as_of, "extracted_at": as_of, "resources": complete} | said
    (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")
    return folder


def judged_rows(evaluation: Evaluation, audit: Audit) -> list[dict[str, Any]]:
    """The rows that an evaluation left on the engine, with raw records and null for what is missing. Ask before the next evaluation."""
    if evaluation.classified is None:
        return []
    engine = audit.snapshot.engine
    rows: list[dict[str, Any]] = engine.query(engine.sql(evaluation.classified)).to_pylist()
    return rows


@dataclass(frozen=True)
class Evaluated:
    """An evaluation with the rows that it left on the engine, as a data frame of objects."""

    evaluation: Evaluation
    rows: pd.DataFrame

    def __getattr__(self, name: str) -> Any:
        return getattr(self.evaluation, name)


def evaluated(rule: str, audit: Audit, **how: Any) -> Evaluated:
    """A rule's evaluation, and its rows."""
    evaluation = evaluate(RULES[rule], audit, **how)
    names = ["record", "subject", "outcome", "reason", "due_on", "days_over"]
    return Evaluated(evaluation, pd.DataFrame(judged_rows(evaluation, audit), columns=names, dtype="object"))


class Worlds:
    """Evaluates each rule once per world, when it is first asked for, on one engine."""

    def __init__(self, engine: Engine, folder: Path):
        self.engine, self.folder = engine, folder
        engine.allow(folder)
        self._opened: tuple[str, Audit] | None = None
        self._evaluated: dict[tuple[str, str], tuple[Evaluation, list[dict[str, Any]]]] = {}

    def evaluation(self, case: Case) -> Evaluation:
        """The evaluation of the case's rule in the case's world, passing rows included."""
        return self._evaluate(case)[0]

    def _evaluate(self, case: Case) -> tuple[Evaluation, list[dict[str, Any]]]:
        key = (case.world, case.rule)
        if key not in self._evaluated:
            audit = self._open(case.world)
            evaluation = evaluate(RULES[case.rule], audit, keep_pass=True, raises=True)
            self._evaluated[key] = evaluation, judged_rows(evaluation, audit)
        return self._evaluated[key]

    def _open(self, world: str) -> Audit:
        # a world's views are named after the tables: one is open at a time, so ask for cases in the order of `in_worlds`
        if self._opened is None or self._opened[0] != world:
            shared = [c for c in cases() if c.world == world]
            first = shared[0]
            folder = self.folder / str(first.number)
            if not folder.exists():
                deliver(folder, with_bystanders(tables_of(shared), {c.rule for c in shared}), first.as_of, first.absent)
            policy = load_policy()
            self._opened = world, Audit(open_snapshot(folder, self.engine), policy, settings_of(policy, first.settings))
        return self._opened[1]

    def outcome(self, case: Case) -> dict[str, dict[str, Any]]:
        """What the rule says of each row of the case: by record, without the case's prefix."""
        found = {}
        for row in self._evaluate(case)[1]:
            table, _, key = row["record"].partition(":")
            if key.startswith(case.prefix) and not key.startswith(BYSTANDER):
                said = {k: row[k] for k in ("outcome", "reason", "due_on", "days_over")}
                found[f"{table}:{key.removeprefix(case.prefix)}"] = {
                    k: v for k, v in said.items() if v is not None and v == v and str(v) != "<NA>"
                }
        return found


def expected(then: Any) -> dict[str, Any] | None:
    """An expectation of one row as a map; null for a row that is not in the population."""
    if then == "out":
        return None
    if isinstance(then, str):
        return {"outcome": then}
    due = then.get("due_on")
    return then | ({"due_on": dt.date.fromisoformat(due) if isinstance(due, str) else due} if due else {})


def complaint(case: Case, worlds: Worlds) -> str | None:
    """What is wrong with a case's outcome; null if nothing is."""
    evaluation = worlds.evaluation(case)
    if case.then == "NOT_EVALUATED":
        return None if evaluation.verdict == "NOT_EVALUATED" else f"verdict {evaluation.verdict}"
    if evaluation.verdict in ("ERROR", "NOT_EVALUATED"):
        return f"{evaluation.verdict}: {evaluation.reason}"
    found = worlds.outcome(case)
    per_record = isinstance(case.then, dict) and "outcome" not in case.then
    if per_record:
        wanted = {record: expected(then) for record, then in case.then.items()}
        wanted = {record: then for record, then in wanted.items() if then is not None}
    elif case.then == "out":
        wanted = {}
    elif len(found) != 1:
        return f"one row expected in the population, found {found}"
    else:
        wanted = {next(iter(found)): expected(case.then)}
    return None if found == wanted else f"expected {wanted}, found {found}"


def unlike(audit: Audit, reading: Any, rules: Iterable[str]) -> list[str]:
    """Rows of which the rules say something else than a second reading does, whose `expected(rule)` has them by record."""
    lines = []
    for rule in rules:
        done = evaluate(RULES[rule], audit, keep_pass=True, raises=True)
        if done.verdict in ("ERROR", "NOT_EVALUATED"):
            lines.append(f"{rule}: {done.verdict} {done.reason}")
            continue
        rows = judged_rows(done, audit)
        found = {row["record"]: tuple(row[k] for k in ("outcome", "reason", "due_on", "days_over")) for row in rows}
        wanted = reading.expected(rule)
        lines += [f"{rule} {k}: {found.get(k)}, not {wanted.get(k)}" for k in found | wanted if found.get(k) != wanted.get(k)]
    return lines
