"""What the second readings of rules share: random worlds near turning points, expected outcomes by row, and the comparison."""

from __future__ import annotations

import argparse
import datetime as dt
import random
import tempfile
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import worlds
from declared_reading import SETTINGS, blank
from wrong_rows import WrongValues

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.expressions.calendar import add_months
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

NOW = dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC)
DAY, HOUR, MICRO = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(microseconds=1)
PASS = ("pass", None)
#: Instants that others lie near: the audit's, a working day's, a Friday's, a Saturday's, 29 February, summer time's beginning.
ANCHORS = ("2025-03-01T12:00", "2025-01-20T09:00", "2025-02-07T23:59", "2025-02-08T00:00", "2024-02-29T10:00", "2024-12-31T23:59")


def first(*tests):
    """The first outcome whose condition holds; else a pass."""
    return next(((outcome, reason) for outcome, reason, when in tests if when), PASS)


def workday(day, n, holidays):
    """The n-th working day after a day."""
    while n:
        day += DAY
        n -= day.weekday() < 5 and day not in holidays
    return day


class Near:
    """A random world: `rows` by table. `loose` ones hold what the gates would stop: nulls and values outside the enums."""

    def __init__(self, seed, loose=False, **settings):
        self.pick, self.loose, self.overrides = random.Random(seed * 2 + loose), loose, settings
        self.settings = SETTINGS | settings
        self.zone = ZoneInfo(self.settings["audit_tz"])
        self.skew = dt.timedelta(seconds=self.settings["skew_seconds"])
        self.times = [dt.datetime.fromisoformat(t).replace(tzinfo=dt.UTC) for t in ANCHORS]
        self.times += [self.midnight(d) for d in (dt.date(2025, 1, 1), dt.date(2025, 2, 10), dt.date(2025, 3, 1))]
        self.rows = {}

    def one(self, *values):
        """One of the values."""
        return self.pick.choice(values)

    def chance(self, share):
        """True in that share of the cases."""
        return self.pick.random() < share

    def sometimes(self, share, value):
        """The value, else null."""
        return value if self.chance(share) else None

    def rough(self, value, *others):
        """The value; in a loose world sometimes null or another."""
        return self.one(None, None, *others) if self.loose and self.chance(0.12) else value

    def local(self, moment):
        """The local date of an instant."""
        return moment.astimezone(self.zone).date()

    def midnight(self, day):
        """The instant at which a local day begins."""
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)

    def near(self, moment, *steps):
        """An instant, moved by one of the steps there or back, or by none, and by a microsecond at most."""
        return moment + self.one(-1, 1) * self.one(dt.timedelta(0), *steps) + self.one(-1, 0, 0, 1) * MICRO

    def time(self, *steps):
        """An instant near one of the world's."""
        return self.near(self.pick.choice(self.times), self.skew, DAY, *steps)

    def row(self, table, **values):
        """Add a row with what the contract requires; its key is `<table>-<n>` unless `values` have one. Returns it."""
        rows = self.rows.setdefault(table, [])
        declared = contract.load()[table]
        filled = {c.name: None for c in declared.columns} | {declared.key: f"{table}-{len(rows)}"}
        for name, value in worlds.DEFAULTS.get(table, {}).items():
            dated = declared[name].kind == "timestamp" and not isinstance(value, dt.datetime)
            filled[name] = dt.datetime.combine(value, dt.time(), dt.UTC) if dated else value
        assert not values.keys() - filled.keys(), values.keys() - filled.keys()
        rows.append(filled | values)
        return rows[-1]


class SecondReading:
    """The expected outcome of each row: a rule's method yields record, person, (outcome, reason) and, if any, due day and end."""

    def __init__(self, world):
        self.rows, self.settings, self.local = world.rows, world.settings, world.local
        self.skew = world.skew
        self.users = {u["user_id"]: u for u in self.rows["users"] if not blank(u["user_id"])}

    def in_period(self, t):
        """Whether an instant lies in the audited period, and not after the audit."""
        today = self.local(NOW)
        begins, ends = self.settings["period_from"] or add_months(today, -3), self.settings["period_to"] or today + DAY
        return begins <= self.local(t) < ends and t <= NOW

    def holidays(self, region):
        """The holidays of a region; null where there is no list of them."""
        holidays = self.settings["holidays"]
        return holidays.get(region) if isinstance(holidays, dict) else holidays

    def hours(self, name):
        """A setting as a length of time."""
        return self.settings[name] * HOUR

    def order(self, ok, t, reason):
        """The outcome of an order test: pass at the instant, review within the skew of it, else a violation."""
        if ok(t):
            return PASS
        return ("review", "clock_skew") if ok(t - self.skew) or ok(t + self.skew) else ("violation", reason)

    def expected(self, rule):
        """Outcome, reason, due day and days over it by record; test accounts are excluded before anything else."""
        expected = {}
        for record, person, result, *due in getattr(self, rule.lower().replace("-", "_"))():
            assert record not in expected, record
            due_on, closing = due or (None, NOW)
            late = (self.local(closing) - due_on).days if due_on else 0
            test = not blank(person) and self.users.get(person, {}).get("is_test")
            expected[record] = ("excluded", "test_account", None, None) if test else (*result, due_on, late if late > 0 else None)
        return expected


def audit_of(world, engine, folder, absent=()):
    """The audit of a world. In a loose world no gate blocks a rule, and any share of wrong values is let through."""
    policy = load_policy()
    snapshot = open_snapshot(worlds.deliver(folder, world.rows, NOW.isoformat(), absent), engine)
    audit = Audit(snapshot, policy, settings_of(policy, world.overrides))
    if world.loose:
        audit.__dict__["blocked"] = {}
        audit.settings["unknown_limit"] = 1
    return audit


def compare(world, reading, rules, engine, folder, absent=()):
    """A line for each row on which a rule and its second reading differ; rules that are not in the catalogue are left out."""
    audit, lines = audit_of(world, engine, folder, absent), []
    reading = WrongValues(world, type(reading)) if world.loose else reading
    for rule in [r for r in rules if r in RULES]:
        evaluation = worlds.evaluated(rule, audit, keep_pass=True)
        if not evaluation.verdict.is_tested:
            lines.append(f"{rule}: {evaluation.verdict}: {evaluation.reason}")
            continue
        rows = evaluation.rows.to_dict("records")
        actual = {row["record"]: (row["outcome"], row["reason"], row["due_on"], row["days_over"]) for row in rows}
        wanted = reading.expected(rule)
        differ = sorted(k for k in actual | wanted if actual.get(k) != wanted.get(k))
        lines += [f"{rule} {k}: {actual.get(k)}, not {wanted.get(k)}; {_shown(world, k)}" for k in differ]
    return lines


def _shown(world, record):
    """The row of a record, nulls left out."""
    table, _, key = record.partition(":")
    rows = [r for r in world.rows.get(table, ()) if r[contract.load()[table].key] == key]
    return [{k: str(v) if isinstance(v, dt.datetime | dt.date) else v for k, v in r.items() if v is not None} for r in rows]


def occurrences(make, reading, rules, seeds):
    """How often each (rule, outcome, reason) occurs in the worlds of these seeds."""
    count = Counter()
    for seed in seeds:
        second = reading(make(seed))
        count.update((rule, result[0], result[1]) for rule in rules for result in second.expected(rule).values())
    return count


def rare_reasons(make, reading, wanted, seeds, least=3):
    """By rule, the wanted reasons that occur fewer than `least` times."""
    count = occurrences(make, reading, wanted, seeds)
    often = {(rule, reason) for (rule, _, reason), n in count.items() if n >= least}
    lacks = {rule: [reason for reason in reasons.split() if (rule, reason) not in often] for rule, reasons in wanted.items()}
    return {rule: reasons for rule, reasons in lacks.items() if reasons}


def command_line(differences, make, reading, rules):
    """Compare over many seeds, or (`--occurrences`) print how often every reason occurs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--occurrences", action="store_true")
    parser.add_argument("rules", nargs="*")
    arguments = parser.parse_args()
    seeds, rules = range(arguments.start, arguments.start + arguments.seeds), arguments.rules or rules
    if arguments.occurrences:
        for (rule, outcome, reason), n in sorted(occurrences(make, reading, rules, seeds).items(), key=str):
            print(f"{rule} {outcome:10}{reason or '':28}{n:7}")
        return
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            lines = differences(seed, connect(), Path(folder) / "world", rules)
        print(f"seed {seed}: {len(lines)} differences", *lines[:40], sep="\n  ")
