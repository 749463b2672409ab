"""Evaluate rules: rows to ledgers, ledgers to verdicts."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from heytalk_audit import contract
from heytalk_audit.audit.check import OUTCOMES, Check, Rule, classify, exceptions, not_excluded
from heytalk_audit.audit.sampling import Sample, draw, draw_of
from heytalk_audit.detect.columns import Column
from heytalk_audit.detect.in_snapshot import CONTENTS, SCHEMA, contents, detect, examined
from heytalk_audit.detect.places import PLACES
from heytalk_audit.errors import printable
from heytalk_audit.expressions.calendar import Clock, add_months
from heytalk_audit.policy import Policy
from heytalk_audit.policy.view import View, audit_period
from heytalk_audit.snapshot import gate
from heytalk_audit.snapshot.derived import once
from heytalk_audit.snapshot.open import Snapshot

VERDICTS = ("PASS", "FAIL", "ACCEPTED", "REVIEW", "NO_POPULATION", "NOT_EVALUATED", "ERROR")
#: What a rule calls the findings of the detectors.
DETECTIONS = "detections"
#: What it calls what columns hold, by a sample of their rows.
CONTENTS_OF = "column_contents"
#: What rules audit that are over whatever was delivered.
OVER_WHATEVER = ("delivered_tables", "delivered_columns", "column_inventory", CONTENTS_OF)
#: Families whose rules are themselves the gates: nothing blocks them but what they can't read.
GATES = ("DQ",)


class Absent(Exception):
    """A rule asked for a table or column that was not delivered."""


class Present(Mapping):
    """The delivered tables, for rules over whatever is there; remembers what was asked for."""

    def __init__(self, tables: dict[str, ir.Table]):
        self._tables = tables
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> ir.Table:
        self.asked.add(name)
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    @property
    def read(self) -> list[str]:
        """Tables that were asked for and are there."""
        return sorted(n for n in self.asked if n in self._tables)

    @property
    def missing(self) -> list[str]:
        """Tables that were asked for and are not."""
        return sorted(n for n in self.asked if n not in self._tables)


@dataclass(frozen=True)
class Audit:
    """A snapshot, a policy and settings: everything a verdict depends on."""

    snapshot: Snapshot
    policy: Policy
    settings: dict[str, Any] = field(default_factory=dict)
    drift: list[dict[str, str]] | None = None
    previous: dict[str, list[str]] | None = None

    @cached_property
    def clock(self) -> Clock:
        """The audit's instant and zone."""
        zone = self.settings.get("audit_tz", self.policy.settings["audit_tz"].value)
        return Clock(self.snapshot.as_of, zone, self.snapshot.engine.dialect)

    @cached_property
    def tables(self) -> dict[str, ir.Table]:
        """Everything that a rule may name: delivered tables and evidence tables."""
        made = gate.evidence(self.snapshot.delivery, self.snapshot.profile, self.policy, self.clock, self.drift, self.previous)
        return self.snapshot.tables | {name: self.snapshot.engine.put(name, data) for name, data in made.items()}

    @cached_property
    def detections(self) -> pa.Table:
        """What the detectors find in the snapshot's texts; they run when a rule first asks for it."""
        return once(self.snapshot.work, "detections", lambda: detect(self.snapshot.tables, self.snapshot.engine))

    @cached_property
    def examined(self) -> list[Column]:
        """What the columns hold, by a sample; looked into when a rule first asks for it."""
        read = self.snapshot
        return once(read.work, "examined", lambda: examined(read.tables, read.profile, read.engine))

    def table(self, name: str, dry: bool = False) -> ir.Table | None:
        """A table that a rule names, null where there is none; `dry` has an empty one where only reading texts would tell."""
        match name:
            case "detections":
                return self.snapshot.engine.put(name, SCHEMA.empty_table() if dry else self.detections)
            case "column_contents":
                return self.snapshot.engine.put(name, CONTENTS.empty_table() if dry else contents(self.examined))
        return self.tables.get(name)

    @cached_property
    def testers(self) -> ir.Table:
        """The ids of test accounts."""
        users = self.snapshot.tables["users"]
        missing = [f"users.{name}" for name in ("user_id", "is_test") if name not in users.columns]
        if missing:
            raise Absent("not delivered: " + ", ".join(missing))
        return users.filter(users.is_test, users.user_id.notnull()).select(tester=users.user_id).distinct()

    @cached_property
    def people(self) -> str:
        """The table that has each person's law region and birth date, for counts by region and age: computed once."""
        users, columns = self.snapshot.tables["users"], {"law_region": "string", "birth_date": "date"}
        if "user_id" in users.columns:
            known = users.group_by("user_id").agg(**{c: users[c].max() for c in columns if c in users.columns})
        else:
            known = users.limit(0).select(user_id=ibis.null("string"))
        known = known.mutate(**{c: ibis.null(t) for c, t in columns.items() if c not in known.columns})
        self.snapshot.engine.keep("people", known)
        return "people"

    @cached_property
    def blocked(self) -> dict[str, str]:
        """Tables that failed a gate, and why: rules that read them are not evaluated."""
        blocked: dict[str, list[str]] = {}
        columns = gate.evidence(self.snapshot.delivery, self.snapshot.profile, self.policy, self.clock, None)
        flags = [f for f in columns["delivered_tables"].column_names if f.endswith("differs")]
        for row in columns["delivered_tables"].to_pylist():
            blocked.setdefault(row["table_name"], []).extend(f"DQ-01 {f.replace('_', ' ')}" for f in flags if row[f])
        for row in columns["delivered_columns"].to_pylist():
            for flag in ("wrong_type", "null_not_allowed", "unknown_value"):
                if row[flag]:
                    blocked[row["table_name"]].append(f"DQ-02 {row['column_name']}: {flag.replace('_', ' ')}")
        return {table: "; ".join(sorted(set(why))) for table, why in blocked.items() if why}

    def view(self) -> View:
        """The policy as one rule sees it."""
        return View(self.policy, self.clock, self.settings)


@dataclass(frozen=True)
class Evaluation:
    """What came of a rule: its verdict and why, its ledger, and the rows whose outcome is not pass.

    `rows` has record, subject, outcome, reason, due_on, days_over, region, age and a column `by_<name>` per breakdown. Record and
    subject are still raw: they leave this object as pseudonyms alone.
    """

    rule: Rule
    verdict: str
    reason: str | None
    ledger: dict[str, int]
    rows: pd.DataFrame = field(repr=False)
    by: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    over_time: dict[str, Any] | None = None
    view: View | None = None
    assumptions: tuple[str, ...] = ()
    sql: str = ""
    samples: tuple[Sample, ...] = ()


def evaluate(rule: Rule, audit: Audit, keep_pass: bool = False) -> Evaluation:
    """Evaluate one rule. What it lacks makes it NOT_EVALUATED, what crashes makes it ERROR; nothing is raised."""
    view, present = audit.view(), Present(audit.snapshot.tables)
    try:
        lacks = _lacks(rule, audit)
        if lacks:
            return _without(rule, "NOT_EVALUATED", lacks, view)
        check, classified = _build(rule, audit, view, present, keep_pass=keep_pass)
        lacks = _gated(rule, audit, present)
        if lacks:
            return _without(rule, "NOT_EVALUATED", lacks, view)
        return _run(rule, check, classified, audit, view, present)
    except Absent as error:
        return _without(rule, "NOT_EVALUATED", str(error), view)
    except Exception as error:
        # an engine's message may quote values: its kind is enough to find it, and leaks nothing
        return _without(rule, "ERROR", f"the rule crashed: {type(error).__name__}", view)


def lacking(rule: Rule, audit: Audit) -> str:
    """What a rule would lack of the snapshot, without evaluating it; empty where nothing."""
    view, present = audit.view(), Present(audit.snapshot.tables)
    try:
        lacks = _lacks(rule, audit)
        if not lacks:
            _build(rule, audit, view, present, dry=True)
            lacks = _gated(rule, audit, present)
        return lacks
    except Absent as error:
        return str(error)


def outline(rule: Rule, audit: Audit) -> Check | None:
    """The check that a rule makes of this snapshot, without evaluating it; null where it lacks something."""
    try:
        return None if _lacks(rule, audit) else _build(rule, audit, audit.view(), Present(audit.snapshot.tables), dry=True)[0]
    except Exception:
        # what stands in its way is said where the rule is evaluated
        return None


def _lacks(rule: Rule, audit: Audit) -> str:
    missing = [t for t in rule.tables if t not in (DETECTIONS, CONTENTS_OF) and t not in audit.tables]
    text = {"policy_clauses": "the published policy text (policy.text)"}
    return "not delivered: " + ", ".join(text.get(t, t) for t in missing) if missing else ""


def _gated(rule: Rule, audit: Audit, present: Present) -> str:
    if rule.family in GATES:
        return ""
    read = [*rule.tables, *present.read]
    return "; ".join(f"{t} failed a gate ({audit.blocked[t]})" for t in dict.fromkeys(read) if t in audit.blocked)


def _build(rule: Rule, audit: Audit, view: View, present: Present, dry: bool = False, keep_pass: bool = False) -> tuple[Check, ir.Table]:
    """The rule's check and its classified rows, as expressions: whatever they read is missing here, if it is missing at all."""
    special = {"policy": view, "present": present}
    arguments = {name: special[name] if name in special else audit.table(name, dry) for name in rule.arguments}
    try:
        check = rule.build(**arguments)
        classified = _classified(rule, check, audit, keep_pass)
        exceptions(check, classified, view)
    except (AttributeError, ibis.common.exceptions.IbisTypeError, ibis.common.exceptions.IbisInputError) as error:
        raise _absent_column([*rule.tables, *present.read], audit, error) from error
    return check, classified


def _classified(rule: Rule, check: Check, audit: Audit, keep_pass: bool) -> ir.Table:
    testers = audit.testers if "user_id" in check.rows.columns else None
    return classify(check, _record(rule, check, audit), testers, keep_pass)


def _absent_column(tables: list[str], audit: Audit, error: Exception) -> Exception:
    """The columns that are missing from these tables, if one of them is what a rule stumbled over."""
    for table in dict.fromkeys(tables):
        wanted = contract.load().get(table)
        for column in wanted.columns if wanted else ():
            if column.name not in audit.tables[table].columns and column.name in str(error):
                return Absent(f"not delivered: {table}.{column.name}")
    return error


def _record(rule: Rule, check: Check, audit: Audit) -> ir.StringValue:
    if check.record is not None:
        return check.record
    table = rule.tables[0]
    key = gate.KEYS.get(table) or contract.load()[table].key
    if key not in check.rows.columns:
        raise Absent(f"not delivered: {table}.{key}")
    if table in contract.load() and "user_id" in contract.load()[table] and "user_id" not in audit.tables[table].columns:
        raise Absent(f"not delivered: {table}.user_id")
    return f"{table}:" + check.rows[key].cast("string")


def _run(rule: Rule, check: Check, classified: ir.Table, audit: Audit, view: View, present: Present) -> Evaluation:
    engine = audit.snapshot.engine
    population = check.rows if check.population is None else check.population
    total = int(engine.rows(population.agg(n=population.count())).n[0])
    classified, sql, met = engine.keep("classified", classified)
    told = exceptions(check, classified, view)
    found, types = engine.sql(told), ibis.schema(dict(told.schema()) | PERSON)
    rows = engine.rows_of(_with_people(found, audit.people), types)
    rows = rows.astype(object).where(rows.notna(), None)
    if len(rows) != met or met > total:
        return _without(rule, "ERROR", "the population does not add up: a join repeats rows", view)
    rows["days_over"] = _days_over(rows.due_on, rows.pop("until"), audit.clock.today)
    rows["age"] = _ages(rows.pop("birth_date"), audit.clock.today)
    outcomes = rows.outcome.value_counts()
    ledger = {"in_scope": total} | {o: int(outcomes.get(o, 0)) for o in OUTCOMES}
    ledger["pass"] += total - met
    if ledger["in_scope"] != sum(ledger[o] for o in OUTCOMES):
        return _without(rule, "ERROR", "the ledger does not add up", view)
    figures = _figures(check, engine)
    gaps = _coverage(rule, audit, view, present)
    limit = audit.settings["unknown_limit"]
    verdict, reason = judge(ledger, gaps, limit)
    notes = [reason, *_notes(rule, present, audit)]
    return Evaluation(
        rule,
        _demote(rule, verdict, audit),
        "; ".join(n for n in notes if n) or None,
        ledger,
        rows,
        check.by,
        figures,
        _over_time(check, engine),
        view,
        _assumptions(check, rows, view),
        printable_sql(f"CREATE TABLE classified AS\n{sql};\n\n{found}"),
        _samples(rule, check, rows, audit, view) if rule.judged else (),
    )


def _samples(rule: Rule, check: Check, rows: pd.DataFrame, audit: Audit, view: View) -> tuple[Sample, ...]:
    """What people read: of the rows for review, which tells how often these are right, and of all rows tested, which gives a rate."""
    size, seed = view.setting("sample_size"), view.setting("sample_seed")
    every = _classified(rule, check, audit, keep_pass=True)
    return (
        draw("candidates", rows.record[rows.outcome == "review"], size, seed),
        draw_of("all rows tested", every.filter(not_excluded(every)), size, seed, audit.snapshot.engine.rows),
    )


def _figures(check: Check, engine: Any) -> dict[str, Any]:
    """The figures beside the ledger; those of one table are counted together."""
    together: dict[Any, dict[str, ir.Scalar]] = {}
    for i, value in enumerate(check.figures.values()):
        together.setdefault(value.op().relations, {})[f"figure_{i}"] = value
    found: dict[str, Any] = {}
    for relations, values in together.items():
        one = next(iter(relations)).to_expr() if len(relations) == 1 else None
        tables = [one.agg(**values)] if one is not None else [value.name(name).as_table() for name, value in values.items()]
        for table in tables:
            found |= {name: _plain(value) for name, value in engine.rows(table).iloc[0].items()}
    return {label: found[f"figure_{i}"] for i, label in enumerate(check.figures)}


def _over_time(check: Check, engine: Any) -> dict[str, Any] | None:
    if check.over_time is None:
        return None
    asked = check.over_time
    counted = {
        name: [(str(r.panel), str(r.month), int(r.n)) for r in engine.rows(table.select("panel", "month", "n")).itertuples()]
        for name, table in (("population", asked.population), ("beside", asked.beside))
    }
    return counted | {"panel": asked.panel, "month": asked.month, "said": asked.said}


#: What the report counts people by, and its types.
PERSON = {"region": "string", "birth_date": "date"}


def _with_people(found: str, people: str) -> str:
    """Each row with its person's law region and birth date, for counts by region and age."""
    rows, person = "found_rows", "known_people"
    said = f"SELECT {rows}.*, {person}.law_region AS region, {person}.birth_date"
    return f"{said} FROM ({found}) AS {rows} LEFT JOIN {people} AS {person} ON {rows}.subject = {person}.user_id"


def _days_over(due: pd.Series, until: pd.Series, today: dt.date) -> pd.Series:
    late = [None if pd.isna(d) else ((today if pd.isna(u) else u) - d).days for d, u in zip(due, until, strict=True)]
    return pd.Series([n if n is not None and n > 0 else None for n in late], index=due.index, dtype="Int32")


AGE_BANDS = ((13, "under 13"), (16, "13 to 15"), (18, "16 to 17"), (25, "18 to 24"), (65, "25 to 64"), (200, "65 and over"))


def _ages(births: pd.Series, today: dt.date) -> pd.Series:
    def band(birth: dt.date | None) -> str:
        if birth is None or pd.isna(birth) or birth > today:
            return "not known"
        years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
        return next((label for limit, label in AGE_BANDS if years < limit), "not known")

    return births.map(band, na_action=None).astype("object")


def judge(ledger: dict[str, int], gaps: list[str], unknown_limit: float, accepted: int = 0) -> tuple[str, str | None]:
    """The verdict of a ledger and why: missing evidence is never a pass."""
    tested = ledger["in_scope"] - ledger["excluded"]
    if tested == 0:
        return "NO_POPULATION", "nothing in scope" if ledger["in_scope"] == 0 else "all rows in scope are test accounts"
    if ledger["violation"] > accepted:
        return "FAIL", None
    too_many_unknown = ledger["unknown"] > unknown_limit * tested
    if ledger["review"]:
        return "REVIEW", None
    if too_many_unknown:
        return "REVIEW", f"unknown rows are above the limit of {unknown_limit:.2%}"
    if ledger["violation"]:
        return "ACCEPTED", None
    return ("REVIEW", "coverage: " + "; ".join(gaps)) if gaps else ("PASS", None)


def _coverage(rule: Rule, audit: Audit, view: View, present: Present) -> list[str]:
    """Where the descriptor's window or filter cuts what the rule must see."""
    if rule.family in GATES:
        return []
    start, _ = audit_period(audit.clock, audit.settings.get("period_from"), None)
    months = max((n.value for n in view.read.values() if n.unit == "months" and n.origin == "policy"), default=0)
    back = min(add_months(audit.clock.today, -months), start)
    reach = dt.datetime.combine(back, dt.time())
    said = [gate.coverage(audit.snapshot.delivery, t, reach) for t in dict.fromkeys([*rule.tables, *present.read])]
    if rule.tables[0] in OVER_WHATEVER and DETECTIONS in rule.tables:
        said += [f"{place.name} was not delivered" for place in PLACES.values() if not place.is_in(audit.snapshot.tables)]
    return [s for s in said if s]


def _notes(rule: Rule, present: Present, audit: Audit) -> list[str]:
    """What a rule over whatever is there did not see."""
    described = {str(r.get("name")) for r in audit.snapshot.delivery.descriptor["resources"] if isinstance(r, dict)}
    absent = sorted(t for t in contract.load() if t not in audit.snapshot.tables)
    unseen = present.missing
    if rule.tables[0] in OVER_WHATEVER:
        unseen = sorted({*unseen, *absent, *(_unread(audit) if DETECTIONS in rule.tables else ())})
    notes = ["not delivered: " + ", ".join(unseen)] if unseen else []
    lost = [t for t in absent if t in described]
    if rule.id == "DQ-01" and lost:
        notes.append("described but not delivered: " + ", ".join(lost))
    return notes


def _unread(audit: Audit) -> list[str]:
    """The columns of free text that delivered tables lack."""
    tables = audit.snapshot.tables
    return [place.name for place in PLACES.values() if place.table in tables and not place.is_in(tables)]


def _demote(rule: Rule, verdict: str, audit: Audit) -> str:
    """Totals that the descriptor states for a table that is not there are not reconciled."""
    described = {str(r.get("name")) for r in audit.snapshot.delivery.descriptor["resources"] if isinstance(r, dict)}
    lost = described & {t for t in contract.load() if t not in audit.snapshot.tables}
    return "REVIEW" if rule.id == "DQ-01" and verdict == "PASS" and lost else verdict


def _assumptions(check: Check, rows: pd.DataFrame, view: View) -> tuple[str, ...]:
    """Names of the assumed numbers that the violations found rest on."""
    found = set(rows.reason[rows.outcome == "violation"])
    used = [n for c in check.conditions if c.reason in found for n in view.rests_on(c.when)]
    return tuple(dict.fromkeys(n.name for n in used if n.origin == "assumption"))


def _without(rule: Rule, verdict: str, reason: str, view: View) -> Evaluation:
    empty = pd.DataFrame(columns=["record", "subject", "outcome", "reason", "due_on", "days_over", "region", "age"])
    return Evaluation(rule, verdict, printable(reason), {o: 0 for o in ("in_scope", *OUTCOMES)}, empty, view=view)


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value


def printable_sql(text: str) -> str:
    """SQL as text: line breaks kept, other control characters shown as spaces."""
    return "\n".join(printable(line) for line in str(text).splitlines())


def pseudonym(key: bytes, record: str | None) -> str | None:
    """The first 16 hex digits of HMAC-SHA-256 with the engagement key over `<table>:<primary key>`."""
    return None if record is None else hmac.digest(key, record.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:16]
