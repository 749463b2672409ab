"""Accounts that are kept too long, shown too long, purged too early or held."""

from __future__ import annotations

import datetime as dt

from heytalk_audit.demo.plants.story import SECOND, ad_id, deleted, months, story, tracked, unclear
from heytalk_audit.demo.world import Row, World


@story
def kept_too_long(w: World) -> None:
    u = deleted(w, deleted_at=w.overdue(6), email=f"{w.id('m')}@mail.heytalk")
    w.find("RET-01", "users", u, "violation", "overdue")
    deleted(w, deleted_at=w.in_time(6), email=f"{w.id('m')}@mail.heytalk")
    u = deleted(w, deleted_at=w.overdue(6), purged_at=w.ago(100), status="purged", phone=f"+31{w.id('9')[-7:]}")
    w.find("RET-01", "users", u, "violation", "residue_after_purge")
    w.find("RET-15", "users", u, "violation", "residue")
    deleted(w, deleted_at=w.overdue(6), purged_at=w.ago(100), status="purged")
    u = deleted(w, deleted_at=w.overdue(6))
    w.find("RET-01", "users", u, "review", "unrecorded_purge")
    deleted(w, deleted_at=w.in_time(6))
    u = w.user(deletion_requested_at=w.overdue(6), display_name="Robin Aydin")
    w.find("RET-01", "users", u, "review", "overdue_from_request")
    w.find("RGT-01", "users", u, "violation", "not_executed")
    u = w.user(deletion_requested_at=w.in_time(6), display_name="Robin Aydin")
    w.find("RGT-01", "users", u, "violation", "not_executed")


@story
def nameless_accounts(w: World) -> None:
    """What stands for nobody names nobody; an account without a name is still there as long as its data is."""
    purge: Row = {"status": "purged", "deleted_at": w.ago(250), "purged_at": w.ago(100)}
    u = w.user(**purge, display_name="Deleted user", email=f"deleted-{w.serial}@invalid")
    u = w.user(**purge, display_name="Deleted Aylin")
    w.find("RET-01", "users", u, "violation", "residue_after_purge")
    w.find("RET-15", "users", u, "violation", "residue")
    for value in ("chess", "n/a"):
        u = deleted(w, deleted_at=w.overdue(6))
        w.add("profile_attributes", user_id=u, value=value)
        w.find("RET-01", "users", u, *(("violation", "overdue_elsewhere") if value == "chess" else ("review", "unrecorded_purge")))
    u = deleted(w, deleted_at=w.overdue(6))
    w.add("content_items", user_id=u, kind="chat", created_at=w.ago(300))
    w.find("RET-01", "users", u, "review", "peer_messages_kept")


@story
def purged_late(w: World) -> None:
    start = w.overdue(6, by=20)
    for late in (True, False):
        day = months(start, 6) + dt.timedelta(days=int(late))
        u = deleted(w, status="purged", deleted_at=start, purged_at=w.noon(day))
        w.add("purge_log", user_id=u, purged_at=w.noon(day))
        if late:
            w.find("RET-01", "users", u, "violation", "late_purge")


@story
def on_hold(w: World) -> None:
    for days, reason in ((None, "hold_open"), (10, "hold_closing"), (31, None)):
        u = deleted(w, deleted_at=w.overdue(6, by=90), email=f"{w.id('m')}@mail.heytalk")
        ended = None if days is None else w.ago(days)
        w.add("retention_exceptions", user_id=u, scope="users.email; users.phone", started_at=w.ago(200), ended_at=ended)
        w.find("RET-01", "users", u, "exempt" if reason else "violation", reason or "overdue")


@story
def deletion_in_doubt(w: World) -> None:
    unclear(w, deleted(w, deleted_at=None), "clock_missing")
    unclear(w, deleted(w, deleted_at=w.ahead), "clock_future")
    at = w.ago(120)
    unclear(
        w, deleted(w, status="purged", deleted_at=at, purged_at=at - dt.timedelta(hours=1)), "clock_contradiction", ("RET-01", "RET-02")
    )
    unclear(w, w.user(deleted_at=w.ago(30)), "status_contradiction")


@story
def still_shown(w: World) -> None:
    for level, profile, other in (("public", "profile_public", "violation"), ("friends", "profile_friends", "review")):
        u = deleted(w, profile_visibility=level)
        w.find("RET-02", "users", u, other, profile)
        deleted(w, profile_visibility=level, deleted_at=w.ago(hours=24))
        u = deleted(w)
        w.add("profile_attributes", user_id=u, visibility=level)
        w.find("RET-02", "users", u, other, f"attribute_{level}")
        w.find("RET-03", "users", u, "review", "no_allow_list")
        u = deleted(w)
        w.add("content_items", user_id=u, visibility=level)
        w.find("RET-02", "users", u, other, "content_public" if level == "public" else "content_shared")
        w.find("RET-03", "users", u, "review", "no_allow_list")
    u = deleted(w, profile_visibility=None)
    w.find("RET-02", "users", u, "unknown", "visibility_missing")


@story
def kept_beyond_allow_list(w: World) -> None:
    for at, hold in ((w.ago(30), False), (w.ago(hours=72), False), (w.ago(30), True)):
        u = deleted(w, deleted_at=at)
        tracked(w, u, ad_id(w))
        if hold:
            w.add("retention_exceptions", user_id=u, scope="devices")
            w.find("RET-03", "users", u, "exempt", "hold_open")
        elif at == w.ago(30):
            w.find("RET-03", "users", u, "review", "no_allow_list")
    for at in (w.ago(hours=72) - SECOND, w.ago(hours=72)):
        u = deleted(w, deleted_at=at)
        w.add("content_items", user_id=u, kind="chat", created_at=w.ago(100))
        if at != w.ago(hours=72):
            w.find("RET-03", "users", u, "review", "excess_chat")


@story
def purged_early(w: World) -> None:
    for trigger, finding in (("schedule", ("violation", "early_purge")), ("request", ("exempt", "erasure_request"))):
        u = deleted(w, status="purged", deleted_at=w.ago(60), purged_at=w.ago(20))
        w.add("purge_log", user_id=u, purged_at=w.ago(20), trigger=trigger)
        w.find("RET-04", "users", u, *finding)
    u = deleted(w, status="purged", deleted_at=w.ago(60), purged_at=w.ago(20))
    w.find("RET-04", "users", u, "review", "no_purge_record")
    w.find("RET-18", "users", u, "violation", "no_purge_log")
    u = deleted(w, status="purged", deleted_at=w.ago(40), purged_at=w.ago(40, hours=1))
    w.add("purge_log", user_id=u, purged_at=w.ago(40, hours=1))
    unclear(w, u, "clock_contradiction", ("RET-01", "RET-02", "RET-04"))


@story
def inactive(w: World) -> None:
    old: Row = {"created_at": w.ago(3000), "last_interactive_at": None}
    u = w.user(last_contact_at=w.overdue(60), **old)
    w.find("RET-05", "users", u, "violation", "inactive_5y")
    w.user(created_at=w.ago(3000), last_contact_at=w.in_time(60), last_interactive_at=w.in_time(60))
    for at in (w.overdue(60), w.in_time(60)):
        u = w.user(created_at=at, last_contact_at=None, last_interactive_at=None)
        if at == w.overdue(60):
            w.find("RET-05", "users", u, "violation", "inactive_5y_imputed")
    u = w.user(created_at=w.ago(3000), last_interactive_at=w.overdue(60))
    w.find("RET-05", "users", u, "review", "interactive_reading")
    w.user(created_at=w.ago(3000), last_interactive_at=w.in_time(60))
    u = w.user(last_contact_at=w.overdue(60), **old)
    w.add("subscriptions", user_id=u, status="expired", start_at=w.ago(2500), end_at=w.ago(400))
    w.find("RET-05", "users", u, "review", "premium_reading")
    w.find("RET-06", "users", u, "review", "premium_reading")
    u = w.user(last_contact_at=w.overdue(60), **old)
    w.add("retention_exceptions", user_id=u, scope="users", started_at=w.ago(300), ended_at=None, reviewed_at=w.ago(10))
    w.find("RET-05", "users", u, "exempt", "hold_open")


@story
def entitlement(w: World) -> None:
    old: Row = {"created_at": w.ago(3500), "last_contact_at": w.overdue(60), "last_interactive_at": None}
    u = w.user(**old)
    w.add("subscriptions", user_id=u, status="expired", start_at=w.ago(3000), end_at=w.ago(2600))
    w.find("RET-05", "users", u, "violation", "inactive_5y")
    w.find("RET-06", "users", u, "violation", "no_entitlement")
    u = w.user(**old)
    w.add("subscriptions", user_id=u, kind="trial")
    w.find("RET-06", "users", u, "review", "weak_entitlement")
    u = w.user(**old)
    w.add("subscriptions", user_id=u, kind="lifetime")
    u = w.user(**old)
    w.add("subscriptions", user_id=u, status="expired", start_at=w.ago(3000), end_at=None)
    w.find("RET-05", "users", u, "unknown", "entitlement_contradiction")
    w.find("RET-06", "users", u, "unknown", "entitlement_contradiction")


@story
def contact_in_doubt(w: World) -> None:
    w.find("RET-05", "users", w.user(last_contact_at=w.ahead), "unknown", "clock_future")
    u = w.user(created_at=w.ago(3), last_contact_at=w.ago(10), last_interactive_at=None)
    w.find("RET-05", "users", u, "unknown", "clock_contradiction")
    w.find("RET-05", "users", w.user(purged_at=w.ago(200)), "unknown", "status_contradiction")
