"""The rules of consent and minors, row by row against a second reading of them, over worlds in which many times are equal or at a limit."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
import worlds
from consent_reading import Reading
from consent_world import NOW, World

from heytalk_audit.audit.audit import Audit
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

EXACT = [f"CON-0{n}" for n in (1, 2, 3, 4, 5, 7, 8, 9)] + ["MIN-01", "MIN-02", "MIN-03"]
SETTINGS = [
    {},
    {"audit_tz": "Asia/Shanghai", "picker_is_consent": True, "notice_days": 10, "bulk_users": 1, "policy_min_age": 14},
    {
        "audit_tz": "America/Los_Angeles",
        "acceptance_tracking_start": dt.date(2025, 1, 31),
        "bulk_users": 3,
        "birth_repeat": 2,
        "birth_share": 0.05,
        "law_min_age": {"EEA": 14, "UK": 13},
    },
    {
        "period_from": dt.date(2025, 1, 20),
        "period_to": dt.date(2025, 2, 8),
        "bulk_users": 2,
        "birth_repeat": 3,
        "birth_share": 0.1,
        "notice_days": 0,
    },
]


def differences(seed: int, engine, folder) -> list[str]:
    """A line for each row on which a rule and its second reading differ."""
    settings = SETTINGS[seed % len(SETTINGS)]
    world = World(seed, **settings)
    policy = load_policy()
    audit = Audit(open_snapshot(worlds.deliver(folder, world.rows, NOW.isoformat()), engine), policy, settings_of(policy, settings))
    reading, lines = Reading(world), []
    for rule in EXACT:
        done = worlds.evaluated(rule, audit, keep_pass=True)
        if done.verdict in ("ERROR", "NOT_EVALUATED"):
            lines.append(f"{rule}: {done.reason}")
            continue
        columns = done.rows[["record", "outcome", "reason", "due_on"]].itertuples(index=False, name=None)
        actual, wanted = Counter((record.partition(":")[2], *rest) for record, *rest in columns), reading.expected(rule)
        lines += [f"{rule}: {key}" for key in sorted(map(str, (actual - wanted).elements()))]
        lines += [f"{rule}: not {key}" for key in sorted(map(str, (wanted - actual).elements()))]
    return lines


@pytest.mark.parametrize("seed", range(6))
def test_rules_are_their_second_reading(seed, tmp_path):
    assert differences(seed, connect(), tmp_path / "world") == []


@pytest.mark.spark
@pytest.mark.thorough
@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("seed", range(6, 8))
def test_rules_are_their_second_reading_on_spark(seed, tmp_path, spark):
    assert differences(seed, spark, tmp_path / "world") == []


def test_worlds_hold_every_reason_at_its_edge():
    wanted = {
        "CON-01": {
            "no_record",
            "withdrawn",
            "opted_out",
            "refused",
            "not_explicit",
            "version_unknown",
            "clock_skew",
            "category_unknown",
            "expired",
        },
        "CON-02": {"clock_skew", "bounced", "within_24h", "within_3_business_days", "beyond"},
        "CON-04": {"method_not_affirmative", "bundled", "version_missing", "before_account", "clock_skew", "bulk"},
        "CON-05": {"no_record", "expired", "picker_only", "clock_future"},
        "CON-08": {"granted_later", "present_after_refusal", "expired", "not_explicit", "os_permission_only", "no_choice"},
        "CON-07": {"clock_future", "outdated", "version_unknown", "old_version_shown"},
        "CON-09": {"user_missing", "after_deletion", "inactive_due", "clock_skew", "suspended", "status_contradiction"},
        "MIN-01": {"region_missing", "below_policy_age", "below_law_age", "birth_date_implausible", "clock_future"},
        "MIN-02": {"birth_date_missing", "born_after_creation", "too_old", "repeated_date"},
        "MIN-03": {"ad_disclosure", "marketing_send", "bounced_send", "public_profile", "birth_date_implausible"},
    }
    for rule, reasons in wanted.items():
        occurring = {key[2] for seed in range(12) for key in Reading(World(seed, **SETTINGS[seed % 4])).expected(rule)}
        assert reasons <= occurring, rule
