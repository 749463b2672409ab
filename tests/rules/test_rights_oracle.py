"""The rules of data subjects' rights, row by row against a second reading of them, over worlds in which periods end to the microsecond."""

from __future__ import annotations

import datetime as dt

import pytest
import worlds
from rights_reading import Reading
from rights_world import World
from wrong_rows import WrongValues

from heytalk_audit.audit.audit import Audit
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

EXACT = [f"RGT-0{n}" for n in (1, 2, 3, 4, 6, 9)]
NEW_YEAR = [dt.date(2024, 12, 25), dt.date(2024, 12, 26), dt.date(2024, 12, 31), dt.date(2025, 1, 1), dt.date(2025, 1, 2)]
SETTINGS = [
    {},
    {
        "audit_tz": "Asia/Shanghai",
        "holidays": [*NEW_YEAR, *(dt.date(2025, 1, 28) + n * dt.timedelta(days=1) for n in range(8))],
        "period_from": dt.date(2025, 1, 15),
        "objection_allowance_h": 48,
        "identity_prompt_days": 3,
        "id_document_days": 10,
    },
    {
        "audit_tz": "America/Los_Angeles",
        "holidays": [*NEW_YEAR, dt.date(2025, 3, 3), dt.date(2025, 3, 31)],
        "skew_seconds": 60,
        "erasure_app_h": 30,
        "pipl_working_days": 10,
        "pipl_days": 25,
        "kvkk_days": 29,
        "other_days": 40,
    },
    {
        "period_from": dt.date(2024, 12, 1),
        "period_to": dt.date(2025, 2, 25),
        "objection_allowance_h": 0,
        "withdrawal_hours": 24,
        "skew_seconds": 0,
        "pipl_days": 14,
        "holidays": {"EEA": NEW_YEAR, "CN": [], "US-CA": [*NEW_YEAR, dt.date(2025, 3, 3)]},
    },
]
#: Seeds of worlds, and whether they break the contract.
SEEDS = [(0, False), (1, False), (2, False), (3, False), (4, True), (7, True)]


def differences(seed: int, engine, folder, rules=EXACT, broken: bool = False) -> list[str]:
    """A line for each row on which a rule and its second reading differ. In a broken world no gate blocks a rule."""
    settings = SETTINGS[seed % len(SETTINGS)]
    world = World(seed, broken=broken, **settings)
    policy = load_policy()
    audit = Audit(open_snapshot(worlds.deliver(folder, world.rows, world.now.isoformat()), engine), policy, settings_of(policy, settings))
    if broken:
        audit.__dict__["blocked"] = {}
        audit.settings["unknown_limit"] = 1
    return worlds.unlike(audit, WrongValues(world, Reading) if broken else Reading(world), rules)


@pytest.mark.parametrize(("seed", "broken"), SEEDS)
def test_rules_are_their_second_reading(seed, broken, tmp_path):
    assert differences(seed, connect(), tmp_path / "world", broken=broken) == []


@pytest.mark.spark
@pytest.mark.thorough
@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("seed", [1])
def test_rules_are_their_second_reading_on_spark(seed, tmp_path, spark):
    assert differences(seed, spark, tmp_path / "world", broken=True) == []


def test_worlds_hold_every_reason():
    wanted = {
        "RGT-01": "test_account received_missing user_not_found region_missing cancelled_by_user "
        "executed_late done_not_deleted not_executed holidays_not_given hold_open hold_closing",
        "RGT-02": "test_account received_missing dates_contradict outcome_contradiction "
        "answer_date_missing region_missing extension_late answered_late unanswered holidays_not_given",
        "RGT-03": "test_account reason_missing reason_not_permitted notice_date_missing identity_contradiction reason_not_for_kind",
        "RGT-04": "test_account content_flag_missing no_consent delivery_date_missing clock_skew consent_after_release",
        "RGT-06": "test_account held_flag_missing closing_date_missing kept_too_long hold_open hold_closing asked_when_logged_in",
        "RGT-09": "test_account user_missing answer_date_missing scope_missing marketing_after_objection advertising_after_objection "
        "marketing_while_objecting advertising_while_objecting",
    }
    all_worlds = [World(seed, broken=broken, **SETTINGS[seed % len(SETTINGS)]) for seed, broken in SEEDS]
    readings = [Reading(world) for world in all_worlds]
    for rule, reasons in wanted.items():
        occurring = {result[:2] for reading in readings for result in reading.expected(rule).values()}
        assert {"pass", *reasons.split()} <= {reason or outcome for outcome, reason in occurring}, rule
