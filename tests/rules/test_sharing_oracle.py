"""The rules of sharing, row by row against a second reading of them, over vendors of every name and digests of what is stored."""

from __future__ import annotations

import datetime as dt

import pytest
from second_reading import audit_of, command_line, compare, rare_reasons
from sharing_reading import SharingReading
from sharing_world import SharingWorld
from wrong_rows import WrongValues

from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect

EXACT = [*(f"SHA-0{n}" for n in range(1, 10)), "SHA-11", "SHA-14"]
SETTINGS = [
    {},
    {
        "audit_tz": "Asia/Shanghai",
        "skew_seconds": 60,
        "ad_id_declared_for": ["facebook", "google", "adjust"],
        "opt_out_business_days": 5,
        "holidays": {"US-CA": [dt.date(2025, 2, 10), dt.date(2025, 2, 11), dt.date(2025, 1, 25), dt.date(2025, 3, 3)], "EEA": []},
        "period_from": dt.date(2024, 1, 1),
        "period_to": dt.date(2025, 2, 10),
    },
    {
        "audit_tz": "America/Los_Angeles",
        "skew_seconds": 0,
        "opt_out_business_days": 1,
        "ad_id_declared_for": [],
        "holidays": [dt.date(2025, 2, 10)],
        "analytics_purposes": ["develop_features", "ad_measurement"],
    },
]
STRICT = {
    "SHA-01": "vendor_not_registered vendor_ambiguous vendor_name_missing category_missing declared_by_category_only undeclared_recipient",
    "SHA-02": "field_not_declared vendor_unknown no_declared_list blank_field coarse_category",
    "SHA-03": "plain_identifier clear_value raw_ad_id ad_id_declared uuid_value",
    "SHA-04": "no_sample email_digest phone_digest user_id_digest device_id_digest stable_pseudonym",
    "SHA-05": "user_unknown clock_skew expired refused no_grant opt_out holidays_not_given region_unknown",
    "SHA-06": "device_unknown ad_id_missing platform_contradiction att_status_missing att_not_authorized lat_missing ad_tracking_limited"
    " device_ambiguous",
    "SHA-07": "support_data_for_ads vendor_unknown purpose_not_recipients",
    "SHA-08": "ground_missing ground_not_listed reference_missing approver_missing",
    "SHA-09": "vendor_not_registered contract_dates_contradict not_vetted vetted_late no_contract contract_late contract_expired"
    " vetted_again contract_renewed",
    "SHA-11": "private_field private_content content_deleted content_not_public content_not_found",
    "SHA-14": "user_unknown clock_skew analytics_expired analytics_opt_out",
}


def world_of(seed: int) -> SharingWorld:
    """The world of a seed; every second one is loose."""
    return SharingWorld(seed, loose=seed % 2 == 1, **SETTINGS[seed // 2 % len(SETTINGS)])


def differences(seed: int, engine, folder, rules=EXACT) -> list[str]:
    """A line for each row on which a rule and its second reading differ."""
    world = world_of(seed)
    return compare(world, SharingReading(world), rules, engine, folder)


@pytest.mark.skipif(not set(EXACT) & RULES.keys(), reason="none of the rules is there")
@pytest.mark.parametrize("seed", range(6))
def test_rules_are_their_second_reading(seed, tmp_path):
    assert differences(seed, connect(), tmp_path / "world") == []


@pytest.mark.spark
@pytest.mark.thorough
@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.skipif(not set(EXACT) & RULES.keys(), reason="none of the rules is there")
def test_rules_are_their_second_reading_on_spark(tmp_path, spark):
    assert differences(3, spark, tmp_path / "world") == []


def test_strict_worlds_pass_the_gates(tmp_path):
    assert audit_of(world_of(0), connect(), tmp_path / "world").blocked == {}


def test_worlds_hold_every_reason():
    assert rare_reasons(world_of, SharingReading, STRICT, range(0, 24, 2)) == {}
    loose = {rule: "wrong_value" for rule in EXACT if rule != "SHA-06"}
    assert rare_reasons(world_of, lambda world: WrongValues(world, SharingReading), loose, (1, 3)) == {}


if __name__ == "__main__":
    command_line(differences, world_of, SharingReading, EXACT)
