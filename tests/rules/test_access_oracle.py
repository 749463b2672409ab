"""The rules of permissions and security, row by row against a second reading of them, over worlds with grants about reinstalls."""

from __future__ import annotations

import datetime as dt

import pytest
import worlds
from access_reading import Reading
from access_world import World
from wrong_rows import WrongValues

from heytalk_audit.audit.audit import Audit
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

EXACT = [*(f"PRM-0{n}" for n in (1, 2, 3, 4, 5, 7)), *(f"SEC-0{n}" for n in (1, 3, 4, 5, 6))]
SETTINGS = [
    {},
    {
        "audit_tz": "Asia/Shanghai",
        "role_tables": {"agent": ["users", "support_tickets", "content_items"], "moderator": ["content_items"]},
        "gateway_hosts": ["gate.example"],
        "training_months": 6,
        "period_from": dt.date(2024, 1, 1),
    },
    {
        "audit_tz": "America/Los_Angeles",
        "skew_seconds": 60,
        "reference_tables": ["users", "devices"],
        "training_start_days": 10,
        "gateway_hosts": ["gate.example", "8.8.8.8"],
    },
    {
        "skew_seconds": 0,
        "role_tables": {"dba": [], "agent": ["HR.Users"]},
        "reference_tables": ["x.DEVICES"],
        "period_from": dt.date(2024, 6, 1),
        "period_to": dt.date(2025, 2, 1),
    },
]
#: Seeds of worlds, and whether they break the contract.
SEEDS = [(0, False), (1, False), (2, True), (3, False), (4, True), (7, True)]


def differences(seed: int, engine, folder, rules=EXACT, broken: bool = False, log: bool = True) -> list[str]:
    """A line for each row on which a rule and its second reading differ. In a broken world no gate blocks a rule."""
    settings = SETTINGS[seed % len(SETTINGS)]
    world = World(seed, broken=broken, log=log, **settings)
    policy = load_policy()
    audit = Audit(open_snapshot(worlds.deliver(folder, world.rows, world.now.isoformat()), engine), policy, settings_of(policy, settings))
    if broken:
        audit.__dict__["blocked"] = {}
        audit.settings["unknown_limit"] = 1
    return worlds.unlike(audit, WrongValues(world, Reading) if broken else Reading(world), rules)


@pytest.mark.parametrize(("seed", "broken"), SEEDS)
def test_rules_are_their_second_reading(seed, broken, tmp_path):
    assert differences(seed, connect(), tmp_path / "world", broken=broken) == []


def test_no_permission_was_logged(tmp_path):
    assert differences(4, connect(), tmp_path / "world", log=False) == []


@pytest.mark.spark
@pytest.mark.thorough
@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("seed", [4])
def test_rules_are_their_second_reading_on_spark(seed, tmp_path, spark):
    assert differences(seed, spark, tmp_path / "world", broken=True) == []


def test_worlds_hold_every_reason():
    wanted = {
        "PRM-01": "test_account device_missing clock_missing no_permission_log before_log_start "
        "clock_skew permission_revoked permission_denied no_grant grant_before_reinstall",
        "PRM-02": "test_account device_missing clock_missing no_permission_log before_log_start "
        "clock_skew permission_revoked permission_denied no_grant grant_before_reinstall",
        "PRM-03": "test_account device_missing clock_missing no_permission_log before_log_start clock_skew "
        "permission_revoked permission_denied no_grant grant_before_reinstall auto_selected selection_missing",
        "PRM-04": "test_account clock_missing no_permission_record clock_skew permission_off",
        "PRM-05": "test_account clock_missing no_permission_log before_log_start clock_skew "
        "permission_revoked permission_denied no_grant att_status_missing idfa_without_authorisation",
        "PRM-07": "test_account permission_missing third_party_permission ordinary_permission permission_not_listed",
        "SEC-01": "test_account format_missing fast_hash clear_or_reversible format_unrecognised",
        "SEC-03": "test_account staff_unknown clock_missing staff_dates_contradict before_start after_leave role_not_allowed no_reference",
        "SEC-04": "start_missing training_in_future never_trained training_expired",
        "SEC-05": "test_account unencrypted_scheme scheme_relative scheme_unrecognised",
        "SEC-06": "test_account visibility_missing unsigned signed_no_expiry",
    }
    all_worlds = [World(seed, broken=broken, **SETTINGS[seed % len(SETTINGS)]) for seed, broken in SEEDS]
    readings = [Reading(world) for world in [*all_worlds, World(4, log=False)]]
    for rule, reasons in wanted.items():
        occurring = {result[:2] for reading in readings for result in reading.expected(rule).values()}
        assert {"pass", *reasons.split()} <= {reason or outcome for outcome, reason in occurring}, rule
