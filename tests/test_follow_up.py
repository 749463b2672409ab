"""Two audits compared: how each row stands to the earlier one, and why; what a chain of runs carries; who answers for findings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import worlds
import yaml
from commands import ROOT, heytalk_audit, params, run
from conftest import KEY

from heytalk_audit.audit import pseudonym
from heytalk_audit.pack import verify_pack

pytestmark = pytest.mark.xdist_group("follow-up")

SOME = {"chapters": ["retention", "sensitive-data"], "rules": ["RET-07", "MIN-01"]}
FIRST, SECOND, THIRD = "2025-03-01T12:00:00Z", "2025-06-01T12:00:00Z", "2025-09-01T12:00:00Z"
SHIPPED = ROOT / "heytalk_audit" / "policy" / "heytalk" / "policy.yaml"

#: RET-07 keeps traffic for twelve months, or for six once the policy is changed.
BEFORE = {
    "mended": "2023-05-01",  # over twelve months, gone in the second quarter
    "stays": "2023-06-01",
    "stays-too": "2023-07-01",
    "ages": "2024-04-10",  # over twelve months in the second quarter only: time passed
    "half": "2024-08-01",  # over six months already on the first day, over twelve on neither
    "young": "2025-02-20",
}
AFTER = {k: v for k, v in BEFORE.items() if k != "mended"} | {"came": "2023-08-01", "came-half": "2024-10-01"}
#: MIN-01 has no minimum age until a parameter gives one of 16.
PEOPLE = {"child": "2011-05-01", "grown": "1990-01-01", "youth": "2009-05-01"}


def snapshot(folder: Path, events: dict[str, str], as_of: str, people: dict[str, str] | None = None) -> Path:
    """A delivery of traffic and of people with a birth date and no known region."""
    users = [{"user_id": u, "birth_date": b, "law_region": "US-CA", "created_at": "2025-01-01"} for u, b in (people or PEOPLE).items()]
    traffic = [{"event_id": e, "user_id": "grown", "event_at": day} for e, day in events.items()]
    case = worlds.Case("", "", {"users": users, "traffic_events": traffic}, None, 0, alone=True)
    return worlds.deliver(folder, worlds.tables_of([case]), as_of)


def six_months(folder: Path) -> dict:
    """A policy of its own, which keeps traffic for six months."""
    folder.mkdir(parents=True, exist_ok=True)
    text = SHIPPED.read_text("utf-8")
    changed = text.replace("traffic: {value: 12,", "traffic: {value: 6,")
    assert changed != text
    (folder / "policy.yaml").write_text(changed, "utf-8")
    return {"name": str(folder / "policy.yaml")}


def audited(snapshot: Path, out: Path, **more: object) -> Path:
    done = run(snapshot, out, **(SOME | more))
    assert done.returncode in (0, 1, 3), done.stderr
    return out


@pytest.fixture(scope="module")
def quarters(tmp_path_factory) -> Path:
    """Two quarters: `one` and `two` are snapshots, `old` is the audit of the first."""
    folder = tmp_path_factory.mktemp("quarters")
    snapshot(folder / "one", BEFORE, FIRST)
    snapshot(folder / "two", AFTER, SECOND)
    audited(folder / "one", folder / "old", audit={"id": "Q1"})
    return folder


def results(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text("utf-8"))


def key_of(rule: str, name: str) -> str:
    return pseudonym(KEY.encode(), f"{'traffic_events' if rule == 'RET-07' else 'users'}:{name}")


def said(rows: list[dict], rule: str, names: list[str]) -> dict[str, tuple]:
    """Rows by the name of their record: state and cause."""
    known = {key_of(rule, name): name for name in names}
    return {known[r["record"]]: (r["state"], r["cause"]) for r in rows if r["state"] != "persisting"}


def changed(old: Path, new: Path, tmp_path: Path, *more: object) -> tuple[int, dict]:
    """What `diff` says: its exit status and its JSON."""
    done = heytalk_audit("diff", old, new, "--json", tmp_path / "diff.json", *more)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads((tmp_path / "diff.json").read_text("utf-8"))


def of_rule(document: dict, rule: str) -> dict:
    return next(r for r in document["rules"] if r["id"] == rule)


EVENTS = list(BEFORE | AFTER)


def test_the_same_audit_twice_differs_in_nothing(quarters, tmp_path):
    status, document = changed(quarters / "old", quarters / "old", tmp_path)
    assert status == 0 and not document["changed"] and document["depends_on"] == []
    assert all(not r["rows"] and r["candidates"] == [] for r in document["rules"])


def test_one_cause_needs_no_snapshot(quarters, tmp_path):
    new = audited(quarters / "two", tmp_path / "new", audit={"id": "Q2"})
    status, document = changed(quarters / "old", new, tmp_path)
    rule = of_rule(document, "RET-07")
    assert status == 1 and rule["candidates"] == ["data"]
    assert said(rule["rows"], "RET-07", EVENTS) == {
        "mended": ("resolved", "data"),
        "ages": ("new", "data"),
        "came": ("new", "data"),
    }
    assert {(c["state"], c["rows"]) for c in rule["counts"]} == {("persisting", 2), ("new", 2), ("resolved", 1)}


def test_a_period_alone_and_a_setting_alone(quarters, tmp_path):
    asked = {"policy": six_months(tmp_path / "policy"), "settings": {"policy_min_age": 16}}
    new = audited(quarters / "one", tmp_path / "new", **asked)
    _, document = changed(quarters / "old", new, tmp_path)
    traffic, age = of_rule(document, "RET-07"), of_rule(document, "MIN-01")
    assert traffic["candidates"] == ["policy"] and age["candidates"] == ["parameters"]
    assert said(traffic["rows"], "RET-07", EVENTS) == {"ages": ("new", "policy"), "half": ("new", "policy")}
    assert said(age["rows"], "MIN-01", list(PEOPLE)) == {"child": ("new", "parameters"), "youth": ("new", "parameters")}
