"""Records that outlive their period: traffic, consents, tickets, holds, copies, prizes, and what is left of the purged."""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.plants.story import deleted, letters, months, story, unclear
from heytalk_audit.demo.world import Row, World

RESIDUE = ("users", "profile_attributes", "outbound_messages", "content_items", "devices", "social_accounts", "promotion_entries")


@story
def traffic(w: World) -> None:
    u = w.user()
    w.find("RET-07", "traffic_events", w.add("traffic_events", user_id=u, event_at=w.overdue(12)), "violation", "over_one_year")
    w.add("traffic_events", user_id=u, event_at=w.in_time(12))
    nobody: Row = {"user_id": None, "ip": None}
    w.add("traffic_events", **nobody, event_at=w.overdue(12))
    for url, at in (
        ("?to=noor%40mail.heytalk", w.overdue(12)),
        ("?to=noor%40mail.heytalk", w.in_time(12)),
        ("/logo@2x.png", w.overdue(12)),
    ):
        e = w.add("traffic_events", **nobody, event_at=at, url=f"https://media.heytalk.app{url}")
        if url[0] == "?" and at == w.overdue(12):
            w.find("RET-07", "traffic_events", e, "review", "identifying_url")
    w.find("RET-07", "traffic_events", w.add("traffic_events", user_id=u, event_at=w.ahead), "unknown", "clock_future")
    for days, reason in ((None, "hold_open"), (29, "hold_closing"), (31, None)):
        u = w.user()
        ended = None if days is None else w.ago(days)
        w.add("retention_exceptions", user_id=u, scope="Traffic_Events", started_at=w.ago(300), ended_at=ended)
        e = w.add("traffic_events", user_id=u, event_at=w.overdue(12))
        w.find("RET-07", "traffic_events", e, "exempt" if reason else "violation", reason or "over_one_year")


@story
def consent_records(w: World) -> None:
    u = w.user(created_at=w.ago(4000))
    first = w.add("consents", user_id=u, event_at=w.ago(3000))
    second = w.add("consents", user_id=u, event_at=w.overdue(60))
    w.find("RET-09", "consents", first, "violation", "over_five_years")
    w.find("RET-09", "consents", second, "review", "over_from_record")
    w.add("consents", user_id=u, purpose="cookies", event_at=w.in_time(60))
    ghost = w.id("ghost")
    c = w.add("consents", user_id=ghost, event_at=w.overdue(60))
    w.find("RET-09", "consents", c, "unknown", "user_missing")
    for rule in ("DQ-03", "COL-10"):
        w.find(rule, "consents", c, "violation", "user_unknown")
    c = w.agree(u, "media", w.ahead)
    for rule in ("RET-09", "CON-04"):
        w.find(rule, "consents", c, "unknown", "clock_future")


@story
def consent_lost(w: World) -> None:
    u, other = w.user(), w.user()
    m = w.add("outbound_messages", user_id=u, category="marketing")
    w.find("RET-10", "outbound_messages", m, "review", "no_consent_record")
    w.find("CON-01", "outbound_messages", m, "violation", "no_record")
    w.agree(other, "marketing_email", w.ago(100))
    w.add("outbound_messages", user_id=other, category="marketing")
    c = w.add("consents", user_id=u, purpose="cookies", action="withdraw")
    w.find("RET-10", "consents", c, "review", "withdrawal_without_grant")
    w.agree(other, "cookies", w.ago(120))
    w.add("consents", user_id=other, purpose="cookies", action="withdraw")
    p = w.add("purge_log", user_id=u, table_name="consents")
    w.find("RET-10", "purge_log", p, "violation", "purged_within_five_years")
    old = w.user(created_at=w.ago(2200))
    p = w.add("purge_log", user_id=old, table_name="consents")
    w.find("RET-10", "purge_log", p, "unknown", "record_age_unknown")
    w.add("purge_log", user_id=u, table_name="consents", rows=0)
    w.add("purge_log", user_id=u, table_name="consents", trigger="request")
    p = w.add("purge_log", user_id=w.id("ghost"), table_name="consents")
    w.find("RET-10", "purge_log", p, "unknown", "record_age_unknown")
    p = w.add("purge_log", user_id=old, table_name="consents", purged_at=w.ahead)
    w.find("RET-10", "purge_log", p, "unknown", "clock_future")


@story
def tickets(w: World) -> None:
    u = w.user(created_at=w.ago(4000))
    hour = dt.timedelta(hours=1)
    over, ok = w.overdue(72), w.in_time(72)
    w.find(
        "RET-11",
        "support_tickets",
        w.add("support_tickets", user_id=u, opened_at=over, closed_at=over + hour),
        "violation",
        "over_six_years",
    )
    w.add("support_tickets", user_id=u, opened_at=ok, closed_at=ok + hour)
    t = w.add("support_tickets", user_id=u, opened_at=over, closed_at=over + hour, purged_at=w.ago(9))
    w.find("RET-11", "support_tickets", t, "violation", "residue_after_purge")
    w.add("support_tickets", user_id=u, opened_at=over, closed_at=over + hour, purged_at=w.ago(9), text=None)
    w.find("RET-11", "support_tickets", w.add("support_tickets", user_id=u, opened_at=w.overdue(24)), "review", "zombie_open")
    w.add("support_tickets", user_id=u, opened_at=w.in_time(24))
    w.find("RET-11", "support_tickets", w.add("support_tickets", user_id=u, closed_at=w.ahead), "unknown", "clock_future")


@story
def holds_in_doubt(w: World) -> None:
    u = w.user()

    def bad(reason: str, outcome: str = "violation", **values: Any) -> None:
        w.find("RET-12", "retention_exceptions", w.add("retention_exceptions", user_id=u, **values), outcome, reason)

    bad("no_owner", owner=" ")
    bad("no_reason", reason_code=" ", reference=None)
    bad("no_scope", scope=" ; ")
    bad("review_overdue", started_at=w.overdue(12))
    w.add("retention_exceptions", user_id=u, started_at=w.in_time(12))
    bad("scope_all", "review", scope="*")
    nine = ",".join(("users", *RESIDUE[1:], "consents", "disclosures"))
    bad("scope_all", "review", scope=f"{nine},vendors")
    w.add("retention_exceptions", user_id=u, scope=f"{nine},users.email")
    bad("clock_future", "unknown", reviewed_at=w.ahead)
    bad("clock_contradiction", "unknown", ended_at=w.ago(151))
    late = deleted(w, deleted_at=w.overdue(6, by=90), email=f"{w.id('m')}@mail.heytalk")
    x = w.add("retention_exceptions", user_id=late, started_at=w.ago(60))
    w.find("RET-12", "retention_exceptions", x, "violation", "back_dated")
    w.find("RET-01", "users", late, "violation", "overdue")


@story
def banned(w: World) -> None:
    gone: Row = {"status": "banned", "deleted_at": w.overdue(6)}
    kept: dict[str, tuple[str, Row]] = {
        "sensitive_kept": ("profile_attributes", {"name": "religion", "category": "pd:ReligiousBelief", "value": "sufi"}),
        "profile_kept": ("profile_attributes", {}),
        "content_kept": ("content_items", {"kind": "photo", "created_at": w.ago(200)}),
    }
    for reason, (table, values) in kept.items():
        u = w.user(**gone)
        for purpose in ("sensitive_data", "media"):
            w.agree(u, purpose, w.about(301))
        key = w.add(table, user_id=u, **values)
        if reason == "sensitive_kept":
            w.find("SEN-03", table, key, "violation", "stored_after_deletion")
        w.find("RET-13", "users", u, "violation", reason)
        w.find("RET-01", "users", u, "violation", "overdue_elsewhere")
    u = w.user(email=f"{w.id('m')}@mail.heytalk", **gone)
    w.find("RET-13", "users", u, "violation", "identifiers_kept")
    w.find("RET-01", "users", u, "violation", "overdue")
    for at in (w.overdue(36), w.in_time(36)):
        u = w.user(purged_at=w.ago(100), **gone)
        w.add("retention_exceptions", user_id=u, type="ban", scope="users", started_at=at)
        if at == w.overdue(36):
            w.find("RET-13", "users", u, "review", "ban_over_3y")


@story
def anonymised(w: World) -> None:
    """An anonymised account has no date of deletion, so COL-11 can't tell what came after it."""
    anonymous: Row = {
        "status": "anonymised",
        "last_contact_at": None,
        "last_interactive_at": None,
        "created_at": w.noon(dt.date(2022, 6, 15)),
    }
    u = w.user(email=f"{w.id('m')}@mail.heytalk", country="NL", city="Utrecht", gender="f", **anonymous)
    w.find("RET-14", "users", u, "violation", "direct_identifier")
    u = w.user(country="NL", city=f"Hamlet {letters(w.serial)}", gender="f", **anonymous)
    w.find("RET-14", "users", u, "violation", "singled_out")
    place = f"Village {letters(w.serial)}"
    for _ in range(3):
        u = w.user(country="TR", city=place, **anonymous)
        w.find("RET-14", "users", u, "review", "small_group")
    for _ in range(10):
        w.user(country="NL", city="Utrecht", gender="f", **anonymous)
    w.user(**anonymous)
    u = w.user(**anonymous)
    w.add("social_accounts", user_id=u)
    w.find("RET-14", "users", u, "violation", "linked_rows")
    u = w.user(**anonymous)
    w.add("content_items", user_id=u, kind="chat")
    w.find("RET-14", "users", u, "review", "linked_messages")
    u = w.user(**anonymous)
    w.add("support_tickets", user_id=u)
    for row in w.rows["users"][-19:]:
        w.find("COL-11", "users", row["user_id"], "unknown", "deleted_at_missing")


@story
def residue(w: World) -> None:
    def purged(**values: Any) -> str:
        usual: Row = {"status": "purged", "purged_at": w.ago(130), "last_contact_at": w.ago(400)}
        u = w.user(**usual | values)
        w.add("purge_log", user_id=u, purged_at=w.ago(130))
        return u

    for table in RESIDUE[1:]:
        u = purged()
        w.add(table, user_id=u, **{"created_at": w.ago(200)} if table == "content_items" else {})
        w.find("RET-15", table, u, "violation", "residue")
    u = purged()
    w.add("content_items", user_id=u, kind="chat", created_at=w.ago(200))
    w.find("RET-15", "content_items", u, "review", "peer_messages")
    u = purged()
    w.add("profile_attributes", user_id=u, value=None)
    u = purged()
    w.add("devices", user_id=u)
    w.add("retention_exceptions", user_id=u, scope="devices", started_at=w.ago(140))
    w.find("RET-15", "devices", u, "exempt", "hold_open")
    u = purged()
    w.add("devices", user_id=u)
    w.add("retention_exceptions", user_id=u, type="ban")
    w.find("RET-15", "devices", u, "review", "ban_block_list")
    u = purged()
    w.add("promotion_entries", user_id=u, won_at=w.ago(500), paid_at=w.ago(480), payout_details_held=True)
    ahead = w.user(status="purged", purged_at=w.ahead)
    for table in RESIDUE:
        w.find("RET-15", table, ahead, "unknown", "clock_future")


@story
def restored(w: World) -> None:
    def restore(reason: str | None, outcome: str = "violation", **values: Any) -> str:
        usual: Row = {"deleted_at": w.ago(50), "restored_at": w.ago(40), "restored_by": "user"}
        u = w.user(**usual | values)
        if reason:
            w.find("RET-17", "users", u, outcome, reason)
        return u

    restore(None)
    u = restore("restored_after_purge", deleted_at=w.ago(210), purged_at=w.ago(200), restored_at=w.ago(150))
    w.find("RET-05", "users", u, "unknown", "status_contradiction")
    start = w.ago(300)
    due = w.noon(months(start, 6))
    restore("restored_after_due", deleted_at=start, restored_at=due + dt.timedelta(days=1))
    restore(None, deleted_at=start, restored_at=due)
    by_request: Row = {"deleted_at": None, "deletion_requested_at": start}
    u = restore("restored_after_request_due", "review", restored_at=due + dt.timedelta(days=1), **by_request)
    w.find("RGT-01", "users", u, "violation", "not_executed")
    w.find("RGT-01", "users", restore(None, restored_at=due, **by_request), "violation", "not_executed")
    restore("staff_no_ticket", restored_by="staff", restored_at=w.ago(29))
    restore("staff_ticket_unnamed", "review", restored_by="staff")
    w.add("support_tickets", user_id=None, opened_at=w.ago(60), closed_at=w.ago(39))
    u = restore(None, restored_by="staff")
    w.add("support_tickets", user_id=u, opened_at=w.ago(45), closed_at=w.ago(39))
    restore("system_restore", "review", restored_by="system")
    restore("clock_missing", "unknown", deleted_at=None)
    restore("actor_missing", "unknown", restored_by=None)
    unclear(w, restore("clock_future", "unknown", restored_at=w.ahead), "clock_future")


@story
def purge_record(w: World) -> None:
    purge: Row = {"status": "purged", "purged_at": w.ago(20)}
    for table, day, rows, finding in (
        (None, 20, 0, ("violation", "no_purge_log")),
        ("devices", 20, 1, ("review", "users_not_in_purge_log")),
        ("users", 21, 1, ("review", "purge_dates_differ")),
        ("users", 20, 0, ("review", "purge_of_nothing")),
        ("users", 20, 1, None),
    ):
        u = w.user(**purge)
        if table:
            w.add("purge_log", user_id=u, table_name=table, rows=rows, purged_at=w.ago(day))
        if finding:
            w.find("RET-18", "users", u, *finding)


@story
def copies_of_deleted_sources(w: World) -> None:
    u = w.user()
    w.agree(u, "media", w.about(300))
    c = w.add("content_items", user_id=u, kind="transcript", parent_id=w.id("lost"))
    w.find("RET-19", "content_items", c, "review", "parent_missing")
    w.find("SEN-08", "content_items", c, "review", "transcript_stored")
    for at in (w.ago(hours=72) - dt.timedelta(seconds=1), w.ago(hours=72)):
        source = w.add("content_items", user_id=u, kind="voice", deleted_at=at)
        c = w.add("content_items", user_id=u, kind="transcript", parent_id=source)
        w.find("SEN-08", "content_items", c, "review", "transcript_stored")
        if at < w.ago(hours=72):
            w.find("RET-19", "content_items", c, "violation", "copy_outlives_source")
            c = w.add("content_items", user_id=w.user(), kind="transcript", parent_id=source)
            w.find("SEN-08", "content_items", c, "review", "transcript_stored")
            w.find("RET-19", "content_items", c, "review", "copy_of_somebody_else")
    source = w.add("content_items", user_id=u, kind="photo")
    c = w.add("content_items", user_id=u, kind="photo", parent_id=source, created_at=w.ahead)
    w.find("RET-19", "content_items", c, "unknown", "clock_future")


@story
def prizes(w: World) -> None:
    u = w.user(created_at=w.ago(5000))
    held = {"user_id": u, "payout_details_held": True}

    def entry(outcome: str, reason: str, **values: Any) -> None:
        w.find("RET-20", "promotion_entries", w.add("promotion_entries", **held, **values), outcome, reason)

    entry("violation", "paid_over_tax_period", won_at=w.overdue(120), paid_at=w.overdue(120))
    w.add("promotion_entries", **held, won_at=w.in_time(120), paid_at=w.in_time(120))
    entry("violation", "unpaid_over_12m", won_at=w.overdue(12))
    w.add("promotion_entries", **held, won_at=w.in_time(12))
    entry("unknown", "clock_missing")
    w.find("COL-06", "promotion_entries", w.rows["promotion_entries"][-1]["entry_id"], "violation", "held_without_win")
    entry("unknown", "clock_future", won_at=w.ahead)
    w.find("COL-06", "promotion_entries", w.rows["promotion_entries"][-1]["entry_id"], "review", "clock_skew")
    w.add("promotion_entries", user_id=u, won_at=w.overdue(12))


def holds_for_one_matter(w: World) -> None:
    """One matter for the holds of too many people, and one for those of as many as there may be."""
    many = max(20, len(w.regions) // 80)
    for count, matter in ((many, "Case 9"), (19, "Case 10")):
        for _ in range(count):
            x = w.put("retention_exceptions", user_id=w.user(), reference=matter, scope="rights_requests")
            if count == many:
                w.find("RET-12", "retention_exceptions", x, "review", "mass_hold")
