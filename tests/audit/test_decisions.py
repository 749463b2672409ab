"""Decisions on rows for review: how each stands, what it closes, what verdicts come of it, and what `decide` writes."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
import worlds
import yaml
from commands import heytalk_audit, run
from conftest import KEY

from heytalk_audit.audit import acceptance, decisions
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import Evaluation, evaluate
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.pseudonym import key_pads, pseudonym
from heytalk_audit.canonical import yaml_text
from heytalk_audit.errors import InputError
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.registers.accepted import read_accepted
from heytalk_audit.registers.decisions import Decision, read_decisions
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.vocabulary import Severity

pytestmark = pytest.mark.xdist_group("decided")

BOUNDS = decisions.DecisionBounds(dt.date(2025, 3, 1), 12, 0.01, 50)
ENTRY = {
    "id": "D-1",
    "rule": "RET-11",
    "scope": {"reason": "zombie_open"},
    "decision": "no_breach",
    "ground": "The matters are in court.",
    "decided_by": "Ann",
    "confirmed_by": "Bo",
    "decided_on": "2025-03-10",
    "max_rows": 10,
}
SOME = {"chapters": ["evidence", "retention"], "rules": ["DQ-03", "RET-11"]}


def record(n: int) -> str:
    return pseudonym(KEY.encode(), f"support_tickets:t{n}")


def register(folder: Path, *changed: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{k: v for k, v in (ENTRY | {"id": f"D-{n}"} | c).items() if v is not ...} for n, c in enumerate(changed, 1)]
    path = folder / "decisions.yaml"
    path.write_text(yaml_text({"decisions": rows}), "utf-8")
    return path


def read(folder: Path, *changed: dict) -> list[Decision]:
    return read_decisions(register(folder, *changed), RULES)


@pytest.fixture(scope="module")
def tickets(tmp_path_factory) -> Path:
    """Three open tickets that nobody touched for years, of two topics."""
    rows = [
        {"ticket_id": f"t{n}", "user_id": "u1", "opened_at": "2022-01-01T00:00:00Z", "text": "x", "topic": topic}
        for n, topic in enumerate(("billing", "billing", "abuse"))
    ]
    given = {"users": [{"user_id": "u1"}], "support_tickets": rows}
    case = worlds.Case("", "", given, None, 0, alone=True)
    return worlds.deliver(tmp_path_factory.mktemp("tickets"), worlds.tables_of([case]))


@pytest.fixture(scope="module")
def audit(tickets) -> Audit:
    policy = load_policy()
    return Audit(open_snapshot(tickets, connect()), policy, settings_of(policy, {}))


@pytest.fixture(scope="module")
def found(audit) -> Evaluation:
    evaluation = evaluate(RULES["RET-11"], audit)
    assert (evaluation.verdict, evaluation.ledger["review"], evaluation.ledger["in_scope"]) == ("REVIEW", 3, 3)
    return evaluation


def made(found: Evaluation, audit: Audit, given: list[Decision]) -> decisions.Decisions:
    engine = audit.snapshot.engine
    return decisions.decisions_of(found, given, key_pads(KEY.encode(), engine), engine, BOUNDS)


def valid_for(found: Evaluation, reason: str | None = "zombie_open", **numbers) -> str:
    return decisions.basis(found.rule.source, decisions.numbers_of(found.view.read.values()) | numbers, reason)


STATES = {
    "of a reason": ({}, "valid", 3),
    "of one record": ({"scope": {"record": record(1)}}, "valid", 1),
    "of a record, written at the top": ({"scope": ..., "record": record(1)}, "valid", 1),
    "of a value": ({"scope": {"reason": "zombie_open", "by": {"region": "not known"}}}, "valid", 3),
    "of a value that nothing has": ({"scope": {"reason": "zombie_open", "by": {"topic": "none"}}}, "unused", 0),
    "of another reason": ({"scope": {"reason": "over_six_years"}}, "unused", 0),
    "as many as it is for": ({"max_rows": 3}, "valid", 3),
    "one more": ({"max_rows": 2}, "over_max", 3),
    "twelve months ago": ({"decided_on": "2024-03-01"}, "valid", 3),
    "a day before that": ({"decided_on": "2024-02-29"}, "too_old", 3),
    "by one person": ({"confirmed_by": "\u0410nn."}, "self_confirmed", 3),
}


@pytest.mark.parametrize("name", STATES)
def test_how_a_decision_stands(name, found, audit, tmp_path):
    changed, state, matched = STATES[name]
    result = made(found, audit, read(tmp_path, changed))
    (entry,) = result.standings
    assert (entry.state, entry.matched, entry.closed) == (state, matched, matched if state == "valid" else 0)
    assert result.decided.no_breach == entry.closed and result.decided.breach == 0


def test_a_decision_lapses_when_what_it_rests_on_has_changed(found, audit, tmp_path):
    for scope in ({"reason": "zombie_open"}, {"record": record(0)}):
        same = made(found, audit, read(tmp_path, {"scope": scope, "valid_for": valid_for(found)}))
        assert [e.state for e in same.standings] == ["valid"]
        for other in (valid_for(found, "over_six_years"), valid_for(found, support_untouched=36)):
            assert [e.state for e in made(found, audit, read(tmp_path, {"scope": scope, "valid_for": other})).standings] == ["changed"]


def test_a_reason_closes_few_rows_and_none_of_a_critical_rule(found, audit, tmp_path):
    given = read(tmp_path, {})
    critical = replace(found, rule=replace(found.rule, severity=Severity.CRITICAL))
    assert [e.state for e in made(critical, audit, given).standings] == ["too_broad"]
    assert [e.state for e in made(critical, audit, read(tmp_path, {"scope": {"record": record(0)}})).standings] == ["valid"]
    engine = audit.snapshot.engine
    for rows, state in ((3, "valid"), (2, "too_broad")):
        bounds = replace(BOUNDS, rows=rows)
        result = decisions.decisions_of(found, given, key_pads(KEY.encode(), engine), engine, bounds)
        assert [e.state for e in result.standings] == [state]


def test_the_verdicts_that_come_of_decisions(found, audit, tmp_path):
    limits = Limits.usual()

    def verdict(*changed: dict) -> str:
        return acceptance.accept(found, acceptance.Coverage(), limits, made(found, audit, read(tmp_path, *changed))).verdict

    assert verdict({}) == "PASS"
    assert verdict({"scope": {"record": record(0)}}) == "REVIEW"
    assert verdict({"scope": {"record": record(0)}, "decision": "breach"}) == "FAIL"
    assert verdict({}, {"scope": {"record": record(0)}, "decision": "breach"}) == "FAIL"
    assert verdict({"max_rows": 1}) == "REVIEW"


def test_what_was_decided_to_be_a_breach_can_be_accepted(found, audit, tmp_path):
    result = made(found, audit, read(tmp_path, {"scope": {"record": record(0)}, "decision": "breach"}, {}))
    assert (result.decided.breach, result.decided.no_breach) == (1, 2)
    entry = {
        "id": "AE",
        "rule": "RET-11",
        "scope": {"record": record(0)},
        "legal_ground": "x",
        "reason": "x",
        "owner": "Ann",
        "approver": "Bo",
    }
    days = {"start": "2025-02-01", "expiry": "2025-03-31", "register_date": "2025-02-01", "cap": 1}
    (tmp_path / "accepted.yaml").write_text(yaml_text({"accepted": [entry | days]}), "utf-8")
    entries, engine = read_accepted(tmp_path / "accepted.yaml", RULES), audit.snapshot.engine
    bounds = acceptance.Bounds.of(audit)
    coverage = acceptance.coverage_of(found, entries, key_pads(KEY.encode(), engine), engine, bounds, result)
    assert coverage.rows == 1
    assert acceptance.accept(found, coverage, Limits.usual(), result).verdict == "ACCEPTED"


REFUSED = {
    "no decision": ({"decision": ...}, "states no decision"),
    "no scope": ({"scope": {}}, "states no scope"),
    "two scopes": ({"scope": {"record": "0" * 16, "reason": "x"}}, "more than one"),
    "a value without a reason": ({"scope": {"record": "0" * 16, "by": {"topic": "x"}}}, "without a reason"),
    "another word": ({"decision": "fine"}, "decision"),
    "no ground": ({"ground": " "}, "ground"),
    "an unknown key": ({"decided_bye": "Ann"}, "did you mean 'decided_by'"),
    "evidence that is not there": ({"evidence": "minutes.pdf"}, "no such file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_register_is_one_line(name, tmp_path):
    changed, hint = REFUSED[name]
    with pytest.raises(InputError) as error:
        read(tmp_path, changed)
    assert hint in str(error.value) and "\n" not in str(error.value)


def test_the_digest_of_the_evidence_is_kept(tmp_path):
    (tmp_path / "minutes.txt").write_text("they agreed", "utf-8")
    (entry,) = read(tmp_path, {"evidence": "minutes.txt"})
    assert entry.evidence_sha256 and len(entry.evidence_sha256) == 64


def test_a_run_writes_what_is_open_and_takes_what_was_decided(tickets, tmp_path):
    assert run(tickets, tmp_path / "first", **SOME).returncode == 3
    done = heytalk_audit("decide", tmp_path / "first", "--out", tmp_path / "decisions.yaml")
    assert done.returncode == 0, done.stderr
    (entry,) = yaml.safe_load((tmp_path / "decisions.yaml").read_text("utf-8"))["decisions"]
    assert (entry["rule"], entry["scope"], entry["max_rows"]) == ("RET-11", {"reason": "zombie_open"}, 3)
    assert heytalk_audit("decide", tmp_path / "first", "--out", tmp_path / "decisions.yaml").returncode == 2
    (tmp_path / "minutes.txt").write_text("they agreed", "utf-8")
    answered = {"decision": "no_breach", "ground": "In court.", "decided_by": "Ann", "confirmed_by": "Bo", "decided_on": "2025-03-10"}
    (tmp_path / "decisions.yaml").write_text(yaml_text({"decisions": [entry | answered | {"evidence": "minutes.txt"}]}), "utf-8")
    second = run(tickets, tmp_path / "second", **SOME, decisions=str(tmp_path / "decisions.yaml"))
    assert second.returncode == 0, second.stderr
    results = json.loads((tmp_path / "second" / "results.json").read_text("utf-8"))
    rule = next(r for r in results["rules"] if r["id"] == "RET-11")
    assert (rule["verdict"], rule["decided"]) == ("PASS", {"breach": 0, "no_breach": 3, "open": 0})
    assert [(d["id"], d["state"], d["closed"]) for d in results["decisions"]] == [(entry["id"], "valid", 3)]
    assert rule["ledger"]["review"] == 3
    file = "exceptions/RET-11.parquet"
    assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    assert "decided to be a breach" in (tmp_path / "second" / "retention.html").read_text("utf-8")
    replayed = heytalk_audit("replay", tmp_path / "second", "--snapshot", tickets)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    compared = heytalk_audit("diff", tmp_path / "first", tmp_path / "second")
    assert compared.returncode == 1 and "RET-11" in compared.stdout, compared.stdout
    assert yaml.safe_load((tmp_path / "decisions.yaml").read_text("utf-8"))
    assert heytalk_audit("decide", tmp_path / "second", "--out", tmp_path / "open.yaml").returncode == 0
    assert yaml.safe_load((tmp_path / "open.yaml").read_text("utf-8")) == {"decisions": []}
