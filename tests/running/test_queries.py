"""`plan --queries`: which rules share what, and what each asks of the engine."""

from __future__ import annotations

import io

import ibis.expr.types as ir
import pytest
import worlds
from commands import heytalk_audit, params
from rich.console import Console

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Check, Rule, violation
from heytalk_audit.audit.queries import queries_of
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.view import View
from heytalk_audit.rules import RULES
from heytalk_audit.running.queries import show_queries
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.vocabulary import Severity


def often(log: ir.Table, policy: View) -> ir.Table:
    """People with several rows of the log: a named expression."""
    counts = log.group_by("user_id").agg(times=log.count())
    return policy.named("often", counts.filter(counts.times > 1))


def first(devices: ir.Table, traffic_events: ir.Table, policy: View) -> Check:
    """A device of one who is often there."""
    rows = devices.semi_join(often(traffic_events, policy), "user_id")
    return Check(rows, [violation("there", rows.user_id.notnull())])


def second(consents: ir.Table, traffic_events: ir.Table, policy: View) -> Check:
    """A consent of one who is often there."""
    rows = consents.semi_join(often(traffic_events, policy), "user_id")
    return Check(rows, [violation("there", rows.user_id.notnull())])


def apart(staff: ir.Table) -> Check:
    """A rule that shares nothing of the kind."""
    return Check(staff, [violation("there", staff.staff_id.notnull())])


@pytest.fixture
def audit(tmp_path, monkeypatch) -> Audit:
    for number, build in enumerate((first, second, apart)):
        monkeypatch.setitem(RULES, f"ZZZ-0{number}", Rule(f"ZZZ-0{number}", Severity.LOW, (), "policy", build))
    policy = load_policy()
    return Audit(open_snapshot(worlds.deliver(tmp_path / "snapshot", {}), connect(), tmp_path), policy, settings_of(policy, {}))


def test_what_a_rule_marks_is_a_query_of_its_own(audit):
    asked = queries_of(RULES["ZZZ-00"], audit)
    assert "GROUP BY" in asked.shared["often"] and '"traffic_events"' in asked.shared["often"]
    own = "\n".join(asked.own.values())
    assert '"often"' in own and "GROUP BY" not in own and '"traffic_events"' not in own
    assert list(asked.own) == ["candidates", "classified"] and '"candidates"' in asked.own["classified"]
    assert "often" not in queries_of(RULES["ZZZ-02"], audit).shared


def test_queries_compile_to_what_is_run(audit):
    asked = queries_of(RULES["ZZZ-00"], audit)
    con = audit.snapshot.engine.backend.con
    for name, sql in (asked.shared | asked.own).items():
        con.execute(f'CREATE TEMP TABLE "{name}" AS {sql}')
    assert con.execute('SELECT count(*) FROM "classified"').fetchall() == [(0,)]


def test_the_list_names_each_shared_table_once_with_its_rules(audit):
    buffer = io.StringIO()
    show_queries(["ZZZ-00", "ZZZ-01", "ZZZ-02"], audit, Console(file=buffer, width=80))
    lines = buffer.getvalue().splitlines()
    assert lines.count("often, read by ZZZ-00, ZZZ-01") == 1
    (heading,) = [line for line in lines if line.startswith("ZZZ-02")]
    assert "often" not in heading
    assert [line.split(",")[0] for line in lines if line.startswith("ZZZ")] == ["ZZZ-00", "ZZZ-01", "ZZZ-02"]


def test_the_command_shows_queries_when_asked(tmp_path):
    given = params(tmp_path, worlds.deliver(tmp_path / "snapshot", {}), chapters=["retention"], rules=["RET-07"])
    plain, asked = heytalk_audit("plan", given), heytalk_audit("plan", given, "--queries")
    assert plain.returncode == asked.returncode == 0, asked.stderr
    assert "SELECT" not in plain.stdout
    assert asked.stdout.startswith(plain.stdout)
    assert '"traffic_events"' in asked.stdout.partition("\nRET-07, ")[2]
