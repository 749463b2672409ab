"""What rules need of a delivery: a rule stops for what its verdict needs, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import columns_of_verdict
from heytalk_audit.audit.needs import empty_audit
from heytalk_audit.contract import needs
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

#: What makes an entry of the register of holds one that excuses.
OF_HOLDS = {
    f"retention_exceptions.{column}"
    for column in ("user_id", "type", "reason_code", "reference", "scope", "owner", "started_at", "ended_at", "reviewed_at")
}
#: Columns that these rules show, or that other rules of their kind read, and that no verdict of theirs rests on.
NOT_NEEDED = {
    "PRM-01 PRM-02": "content_items.selection_method",
    "PRM-01 SEC-05": "content_items.kind",
    "PRM-04": "outbound_messages.category",
    "PRM-05": "devices.installed_at",
    "RET-04 RET-18": "users.status",
    "RET-05 CON-09": "subscriptions.kind",
    "CON-09": "outbound_messages.channel",
    "RET-10": "users.purged_at",
    "SEC-03": "staff.role",
    "SHA-02 SHA-03 SHA-07 SHA-13": "vendors.category",
    "SHA-14": "users.law_region",
    "SHA-14 ": "consents.method",
}


@pytest.fixture(scope="module")
def read():
    """The columns that each rule's verdict needs, by its id."""
    with empty_audit() as audit:
        return {id: columns_of_verdict(rule, audit) for id, rule in RULES.items()}


def test_no_rule_stops_for_what_its_verdict_does_not_read(read):
    beyond = {id: set(needs.of_rules()[id].columns) - columns for id, columns in read.items()}
    assert {id: columns for id, columns in beyond.items() if columns} == {}
    for rules, column in NOT_NEEDED.items():
        assert [rule for rule in rules.split() if column in needs.of_rules()[rule].columns] == []


def test_what_a_rule_compares_with_another_table_is_read(read):
    assert "policy_versions.policy_version" in read["CON-03"]


def test_what_makes_a_hold_valid_is_needed_wherever_a_hold_excuses(read):
    """Without it nobody can tell an excuse from a breach: neither is assumed."""
    excused = [id for id, columns in read.items() if "retention_exceptions.scope" in columns]
    assert len(excused) > 10
    lacking = {id: OF_HOLDS - set(needs.of_rules()[id].columns) for id in excused}
    assert {id: columns for id, columns in lacking.items() if columns} == {}


@pytest.fixture(scope="module")
def opened(demo):
    policy = load_policy()
    return Audit(open_snapshot(demo, connect()), policy, settings_of(policy, {}))


def without(audit: Audit, *columns: str) -> Audit:
    """The audit of the same delivery without these columns."""
    tables = dict(audit.snapshot.tables)
    for table, _, column in (name.partition(".") for name in columns):
        tables[table] = tables[table].drop(column)
    return Audit(replace(audit.snapshot, tables=tables), audit.policy, audit.settings)


@pytest.mark.parametrize("rule", ["CON-09", "PRM-01", "PRM-05", "RET-04", "RET-05", "SEC-03", "SEC-05", "SHA-14"])
def test_the_rows_stay_as_they_are_without_a_column_that_is_not_needed(rule, opened):
    dropped = [column for rules, column in NOT_NEEDED.items() if rule in rules.split()]
    whole, fewer = worlds.evaluated(rule, opened), worlds.evaluated(rule, without(opened, *dropped))
    assert fewer.verdict == whole.verdict and fewer.ledger == whole.ledger and whole.ledger["in_scope"]
    assert sorted(fewer.rows.record) == sorted(whole.rows.record)


@pytest.mark.parametrize("column", ["owner", "reference", "reviewed_at"])
def test_without_a_part_of_the_holds_nobody_is_excused_and_nobody_accused(column, opened):
    found = worlds.evaluated("RET-01", without(opened, f"retention_exceptions.{column}"))
    assert found.verdict == "NOT_EVALUATED" and found.blocked_by == (f"absent:retention_exceptions.{column}",)


def test_of_two_tables_that_lack_a_column_the_one_is_named_whose_rows_are_read(opened):
    found = worlds.evaluated("RET-10", without(opened, "users.purged_at", "purge_log.purged_at"))
    assert found.blocked_by == ("absent:purge_log.purged_at",)
