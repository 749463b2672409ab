"""Faulty keys, impossible times and shared identifiers: what the evidence rules find."""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.plants.story import DAY, ad_id, story, tracked
from heytalk_audit.demo.world import World


@story
def faulty_keys(w: World) -> None:
    u = w.user()
    blank = " " * (1 + sum(reason == "key_blank" for *_, reason in w.truth))
    w.find("DQ-03", "profile_attributes", w.add("profile_attributes", user_id=u, attribute_id=blank), "violation", "key_blank")
    twice = w.id("sao")
    for _ in range(2):
        w.find("DQ-03", "social_accounts", w.add("social_accounts", user_id=u, link_id=twice), "violation", "duplicate_key")
    lost = w.add("social_accounts", user_id=w.id("ghost"))
    for rule in ("DQ-03", "COL-10"):
        w.find(rule, "social_accounts", lost, "violation", "user_unknown")


@story
def impossible_times(w: World) -> None:
    u = w.user()
    second = dt.timedelta(seconds=1)
    limit = w.now + dt.timedelta(seconds=300)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    w.find("DQ-04", "devices", w.add("devices", user_id=u, installed_at=epoch), "violation", "sentinel_time")
    w.find("DQ-04", "devices", w.add("devices", user_id=u, installed_at=limit + second), "violation", "future_time")
    w.add("devices", user_id=u, installed_at=limit)
    created_at = w.ago(300)
    early = created_at - dt.timedelta(seconds=300)
    a = w.add("profile_attributes", user_id=u, created_at=created_at, updated_at=early - second)
    w.find("DQ-04", "profile_attributes", a, "violation", "order_contradiction")
    w.add("profile_attributes", user_id=u, created_at=created_at, updated_at=early)


@story
def shared_identifiers(w: World) -> None:
    mail, phone, device = f"{w.id('m')}@mail.heytalk", f"+90{w.id('9')[-7:]}", ad_id(w)
    for value in (mail, f" {mail.upper()} "):
        w.find("DQ-08", "users", w.user(email=value), "review", "shared_email")
    for value in (phone, f"{phone} "):
        w.find("DQ-08", "users", w.user(phone=value), "review", "shared_phone")
    for _ in range(2):
        u = w.user()
        tracked(w, u, device)
        w.find("DQ-08", "users", u, "review", "shared_device")
    for _ in range(2):
        w.add("devices", user_id=w.user(), platform="ios", ad_id="00000000-0000-0000-0000-000000000000")


@story
def test_account_with_violations(w: World) -> None:
    """A test account with a violation of many rules: each of them excludes its row."""
    u = w.user(accepts=False, is_test=True, birth_date=w.today - 17 * 365 * DAY, profile_visibility="public")
    wrong: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "outbound_messages": ({"category": "marketing"}, ("RET-10", "CON-01", "CON-09", "COL-10")),
        "consents": ({"method": "default"}, ("RET-09", "CON-04", "COL-10")),
        "content_items": ({"kind": "photo"}, ("CON-05", "COL-10", "VIS-01")),
        "devices": ({"ad_id": ad_id(w)}, ("CON-08", "COL-10", "PRM-05")),
        "disclosures": ({"kind": "advertising", "fields": ["religion"]}, ("SEN-05", "COL-10", "SHA-02", "SHA-07", "SHA-03", "SHA-05")),
        "profile_attributes": (
            {"name": "health", "category": "pd:MedicalHealth", "value": "asthma", "visibility": "public"},
            ("SEN-01", "SEN-01L", "SEN-02", "SEN-06", "SEN-06L", "COL-02", "COL-07", "COL-10"),
        ),
    }
    rows = {table: (w.add(table, user_id=u, **values), rules) for table, (values, rules) in wrong.items()}
    rows["users"] = (u, ("DQ-08", "RET-05", "COL-04", "CON-03", "MIN-01", "MIN-02", "MIN-03", "RGT-07", "SEC-01"))
    w.find("PRM-07", "permission_events", w.rows["permission_events"][-1]["event_id"], "excluded", "test_account")
    for table, (key, rules) in rows.items():
        for rule in ("DQ-03", "DQ-04", *rules):
            w.find(rule, table, key, "excluded", "test_account")
