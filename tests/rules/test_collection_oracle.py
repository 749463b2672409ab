"""The rules of collection, visibility and moderation, row by row against a second reading of them."""

from __future__ import annotations

import datetime as dt

import pytest
from collection_reading import CollectionReading
from collection_world import CollectionWorld
from second_reading import audit_of, command_line, compare, rare_reasons
from wrong_rows import WrongValues

from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect

EXACT = [f"COL-{n:02}" for n in (3, 4, 5, 6, 8, 9, 10, 11)] + ["VIS-01", "MOD-01"]
SETTINGS = [
    {},
    {
        "audit_tz": "Asia/Shanghai",
        "skew_seconds": 60,
        "centroid_users": 3,
        "uninstall_allowance_h": 2,
        "deleted_allowance_h": 0,
        "mod_sla_h": 1,
        "mod_removal_h": 48,
        "holidays": [dt.date(2025, 2, 10)],
    },
    {"audit_tz": "America/Los_Angeles", "skew_seconds": 0, "centroid_users": 2, "uninstall_allowance_h": 0, "mod_removal_h": 0},
]
STRICT = {
    "COL-03": "source_gps source_wifi source_missing source_contradiction altitude shared_centroid coordinates coarse_coordinates"
    " digits_in_place fine_text",
    "COL-04": "user_id_reused missing_name missing_gender missing_birth_date",
    "COL-05": "field_not_declared blank_field provider_missing beyond_openid",
    "COL-06": "paid_without_win held_without_win held_before_win clock_skew",
    "COL-08": "undeclared_store receipt_format",
    "COL-09": "dates_contradict event_after_uninstall clock_skew",
    "COL-10": "unlinked_event no_user user_unknown",
    "COL-11": "status_contradiction deleted_at_missing new_data store_renewal app_opened",
    "VIS-01": "effective_missing wider_than_chosen audience_differs",
    "MOD-01": "decision_missing moderated_at_missing approved_after_publication approved_late moderated_again rejected_but_public"
    " removal_pending no_decision pending_within_sla",
}


def world_of(seed: int) -> CollectionWorld:
    """The world of a seed; every second one is loose."""
    return CollectionWorld(seed, loose=seed % 2 == 1, **SETTINGS[seed // 2 % len(SETTINGS)])


def differences(seed: int, engine, folder, rules=EXACT) -> list[str]:
    """A line for each row on which a rule and its second reading differ."""
    world = world_of(seed)
    return compare(world, CollectionReading(world), rules, engine, folder)


@pytest.mark.skipif(not set(EXACT) & RULES.keys(), reason="none of the rules is there")
@pytest.mark.parametrize("seed", range(6))
def test_rules_are_their_second_reading(seed, tmp_path):
    assert differences(seed, connect(), tmp_path / "world") == []


@pytest.mark.skipif("COL-10" not in RULES, reason="the rule is not there")
def test_rows_of_nobody_are_looked_for_in_the_tables_that_are_there(tmp_path):
    world, absent = CollectionWorld(1), ("transactions", "rights_requests", "promotion_entries")
    for table in absent:
        del world.rows[table]
    assert compare(world, CollectionReading(world), ["COL-10"], connect(), tmp_path / "world", absent) == []


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.skipif(not set(EXACT) & RULES.keys(), reason="none of the rules is there")
def test_rules_are_their_second_reading_on_spark(tmp_path, spark):
    assert differences(3, spark, tmp_path / "world") == []


def test_strict_worlds_pass_the_gates(tmp_path):
    assert audit_of(world_of(0), connect(), tmp_path / "world").blocked == {}


def test_worlds_hold_every_reason():
    assert rare_reasons(world_of, CollectionReading, STRICT, range(0, 24, 2)) == {}
    loose = {rule: "wrong_value" for rule in EXACT if rule != "COL-11"}
    assert rare_reasons(world_of, lambda world: WrongValues(world, CollectionReading), loose, (1, 3, 5, 7)) == {}


if __name__ == "__main__":
    command_line(differences, world_of, CollectionReading, EXACT)
