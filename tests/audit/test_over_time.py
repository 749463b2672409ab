"""What the report draws month by month: it adds up to the ledger, counts people at a month's end, and hides small numbers outside."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import worlds

from heytalk_audit.audit import disclosure
from heytalk_audit.audit import results as model
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.rule_result import Point, RuleResult
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.report import charts
from heytalk_audit.report.sections import rule_section
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

GRANT = {"purpose": "marketing_push", "action": "grant", "explicit": True, "method": "in_app", "policy_version": "1"}
SEND = {"channel": "push", "category": "marketing", "status": "sent"}


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def consent(id: str, user: str, at: str, **more) -> dict:
    return {"consent_id": id, "user_id": user, "event_at": utc(at), **GRANT, **more}


def send(id: str, user: str, at: str, **more) -> dict:
    return {"message_id": id, "user_id": user, "sent_at": utc(at), **SEND, **more}


WORLD = {
    "users": [
        {"user_id": u, "status": "active", "created_at": utc("2020-01-01"), "is_test": u == "t"}
        for u in ("a", "b", "t", *(f"p{n}" for n in range(9)))
    ],
    "consents": [
        consent("c1", "a", "2024-06-01"),
        consent("c2", "a", "2025-01-31T23:59:59", action="withdraw"),
        consent("c3", "b", "2025-02-01"),
        consent("c4", "t", "2024-06-01"),
        consent("c5", "p0", "2025-02-03T12:00", purpose="marketing_email", action="withdraw"),
        *(consent(f"g{n}", f"p{n}", "2024-06-01") for n in range(9)),
    ],
    "outbound_messages": [
        send("m1", "a", "2025-01-31T12:00"),
        send("m2", "a", "2025-02-10"),
        send("m3", "b", "2025-02-10"),
        send("m4", "b", "2025-01-10"),
        send("m5", "t", "2025-01-10"),
        send("m6", "b", "2025-01-10", channel="email", category="unknown"),
        *(send(f"e{n}", "p0", at, channel="email") for n, at in enumerate(["2025-02-03T13:00", "2025-02-05T13:00", "2025-02-20"])),
        *(send(f"n{n}", f"p{n}", "2025-02-11") for n in range(9)),
    ],
}


def summarised(folder, rule: str = "CON-01", **settings) -> RuleResult:
    policy = load_policy()
    audit = Audit(open_snapshot(worlds.deliver(folder, WORLD), connect()), policy, settings_of(policy, settings))
    return model.summarise(evaluate(RULES[rule], audit), audit, key_pads(b"key", audit.snapshot.engine))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return summarised(tmp_path_factory.mktemp("over-time") / "world")


def test_points_add_up_to_the_ledger(result):
    points = result.over_time.points
    for outcome in ("pass", "violation", "review", "unknown"):
        assert sum(p[outcome] for p in points) == result.ledger[outcome]
    assert result.ledger.excluded == 1
    by = {(p.panel, p.month): p for p in points}
    assert (by["push", "2025-01"]["pass"], by["push", "2025-01"]["violation"]) == (1, 1)
    assert (by["push", "2025-02"]["pass"], by["push", "2025-02"]["violation"]) == (10, 1)
    assert by["email", "2025-01"]["review"] == 1


def test_people_are_counted_when_a_month_ends(result):
    people = {p.month: p.people for p in result.over_time.points if p.panel == "push"}
    # a withdrew in the last second of January, b agreed in the first of February; the test account is left out
    assert people == {"2024-12": 10, "2025-01": 9, "2025-02": 10, "2025-03": 10}


def test_months_are_those_of_the_audits_zone(tmp_path):
    points = summarised(tmp_path / "world", audit_tz="Asia/Shanghai").over_time.points
    people = {p.month: p.people for p in points if p.panel == "push"}
    # there the withdrawal is of February, and so is the grant
    assert people == {"2024-12": 10, "2025-01": 10, "2025-02": 10, "2025-03": 10}


def test_a_period_to_come_has_no_months(tmp_path):
    settings = {"period_from": dt.date(2025, 4, 1), "period_to": dt.date(2025, 5, 1)}
    assert summarised(tmp_path / "world", **settings).over_time is None


def test_outside_small_numbers_are_neither_written_nor_drawn(result):
    inside, outside = (rule_section(disclosure.of_rule(result, who), audience=who).html for who in ("internal", "regulator"))
    month_by_month = outside.partition("Over time")[2].partition("Test accounts are left out")[0]
    assert "Not shown in this version" in month_by_month and "<img" not in month_by_month
    assert "<img" in inside.partition("Over time")[2].partition("Test accounts are left out")[0]


def test_the_drawing_is_the_same_bytes_for_the_same_numbers(result):
    kinds = {"pass": "passed", "violation": "violation"}
    points = [Point.model_validate(json.loads(json.dumps(point.plain()))) for point in result.over_time.points]
    first, second = (charts.months(points, kinds, ("Sends", "People"), "alt").html for _ in range(2))
    assert first == second and 'alt="alt"' in first
    assert charts.months([], kinds, ("Sends", "People"), "alt").html == ""


def test_delays_after_a_withdrawal_stand_in_their_order(tmp_path):
    delays = summarised(tmp_path / "world", "CON-02").breakdowns["delay_after_withdrawal"]
    assert [(d.value, d.violation) for d in delays] == [("24 hours at most", 1), ("3 working days at most", 1), ("beyond", 2)]
