"""Planted rows: each story three times, each with a twin that passes by a day, an hour or a second.

A story adds its rows and writes down every finding that follows from them, in whatever rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from heytalk_audit.demo.world import World, months_later

TIMES = 3
Story = Callable[[World], None]
STORIES: list[Story] = []
RESIDUE = ("users", "profile_attributes", "outbound_messages", "content_items", "devices", "social_accounts", "promotion_entries")

#: Reason codes that a clean delivery can't carry, and why.
NOT_PLANTABLE = {("*", "undetermined"): "a predicate without an answer is a fault of a rule, not of data"}


def story(write: Story) -> Story:
    """Register a story."""
    STORIES.append(write)
    return write


def plant(world: World) -> None:
    """Every story, three times."""
    for _ in range(TIMES):
        for write in STORIES:
            write(world)


def deleted(w: World, **values: object) -> str:
    """An account deleted a month ago, with nothing left but its row."""
    return w.add("users", **{"status": "deleted", "deleted_at": w.ago(30), "deletion_requested_at": None} | values)


def unclear(w: World, user: str, reason: str, rules: tuple[str, ...] = ("RET-01", "RET-02", "RET-03")) -> None:
    """A deletion that can't be dated is unknown to every rule that counts from it."""
    for rule in rules:
        w.find(rule, "users", user, "unknown", reason)


@story
def kept_too_long(w: World) -> None:
    u = deleted(w, deleted_at=w.overdue(6), email=f"{w.id('m')}@mail.example")
    w.find("RET-01", "users", u, "violation", "overdue")
    deleted(w, deleted_at=w.in_time(6), email=f"{w.id('m')}@mail.example")
    u = deleted(w, deleted_at=w.overdue(6), purged_at=w.ago(100), status="purged", phone=f"+31{w.id('9')[-7:]}")
    w.find("RET-01", "users", u, "violation", "residue_after_purge")
    w.find("RET-15", "users", u, "violation", "residue")
    deleted(w, deleted_at=w.overdue(6), purged_at=w.ago(100), status="purged")
    u = deleted(w, deleted_at=w.overdue(6))
    w.find("RET-01", "users", u, "review", "unrecorded_purge")
    deleted(w, deleted_at=w.in_time(6))
    u = w.add("users", deletion_requested_at=w.overdue(6), display_name="Robin Aydin")
    w.find("RET-01", "users", u, "review", "overdue_from_request")
    w.add("users", deletion_requested_at=w.in_time(6), display_name="Robin Aydin")


@story
def purged_late(w: World) -> None:
    start = w.overdue(6, by=20)
    for late in (True, False):
        day = months(start, 6) + dt.timedelta(days=int(late))
        u = deleted(w, status="purged", deleted_at=start, purged_at=w.noon(day))
        w.add("purge_log", user_id=u, purged_at=w.noon(day))
        if late:
            w.find("RET-01", "users", u, "violation", "late_purge")


def months(start: dt.datetime, count: int) -> dt.date:
    """The due day of a period that begins on the day of `start`."""
    return months_later(start.date(), count)


@story
def held(w: World) -> None:
    for days, reason in ((None, "hold_open"), (10, "hold_closing"), (31, None)):
        u = deleted(w, deleted_at=w.overdue(6, by=90), email=f"{w.id('m')}@mail.example")
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
    unclear(w, w.add("users", deleted_at=w.ago(30)), "status_contradiction")


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
def more_than_some(w: World) -> None:
    for at, hold in ((w.ago(30), False), (w.ago(hours=72), False), (w.ago(30), True)):
        u = deleted(w, deleted_at=at)
        w.add("devices", user_id=u, ad_id=ad_id(w))
        if hold:
            w.add("retention_exceptions", user_id=u, scope="devices")
            w.find("RET-03", "users", u, "exempt", "hold_open")
        elif at == w.ago(30):
            w.find("RET-03", "users", u, "review", "no_allow_list")


def ad_id(w: World) -> str:
    """An advertising id of its own."""
    return f"00000000-0000-4000-8000-{w.id('9')[-7:]:0>12}"


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
    old = {"created_at": w.ago(3000), "last_interactive_at": None}
    u = w.add("users", last_contact_at=w.overdue(60), **old)
    w.find("RET-05", "users", u, "violation", "inactive_5y")
    w.add("users", created_at=w.ago(3000), last_contact_at=w.in_time(60), last_interactive_at=w.in_time(60))
    for at in (w.overdue(60), w.in_time(60)):
        u = w.add("users", created_at=at, last_contact_at=None, last_interactive_at=None)
        if at == w.overdue(60):
            w.find("RET-05", "users", u, "violation", "inactive_5y_imputed")
    u = w.add("users", created_at=w.ago(3000), last_interactive_at=w.overdue(60))
    w.find("RET-05", "users", u, "review", "interactive_reading")
    w.add("users", created_at=w.ago(3000), last_interactive_at=w.in_time(60))
    u = w.add("users", last_contact_at=w.overdue(60), **old)
    w.add("subscriptions", user_id=u, status="expired", start_at=w.ago(2500), end_at=w.ago(400))
    w.find("RET-05", "users", u, "review", "premium_reading")
    w.find("RET-06", "users", u, "review", "premium_reading")
    u = w.add("users", last_contact_at=w.overdue(60), **old)
    w.add("retention_exceptions", user_id=u, scope="users", started_at=w.ago(300), ended_at=None, reviewed_at=w.ago(10))
    w.find("RET-05", "users", u, "exempt", "hold_open")


@story
def entitlement(w: World) -> None:
    old = {"created_at": w.ago(3500), "last_contact_at": w.overdue(60), "last_interactive_at": None}
    u = w.add("users", **old)
    w.add("subscriptions", user_id=u, status="expired", start_at=w.ago(3000), end_at=w.ago(2600))
    w.find("RET-05", "users", u, "violation", "inactive_5y")
    w.find("RET-06", "users", u, "violation", "no_entitlement")
    u = w.add("users", **old)
    w.add("subscriptions", user_id=u, kind="trial")
    w.find("RET-06", "users", u, "review", "weak_entitlement")
    u = w.add("users", **old)
    w.add("subscriptions", user_id=u, kind="lifetime")
    u = w.add("users", **old)
    w.add("subscriptions", user_id=u, status="expired", start_at=w.ago(3000), end_at=None)
    w.find("RET-05", "users", u, "unknown", "entitlement_contradiction")
    w.find("RET-06", "users", u, "unknown", "entitlement_contradiction")


@story
def contact_in_doubt(w: World) -> None:
    w.find("RET-05", "users", w.add("users", last_contact_at=w.ahead), "unknown", "clock_future")
    u = w.add("users", created_at=w.ago(3), last_contact_at=w.ago(10), last_interactive_at=None)
    w.find("RET-05", "users", u, "unknown", "clock_contradiction")
    w.find("RET-05", "users", w.add("users", purged_at=w.ago(200)), "unknown", "status_contradiction")


@story
def traffic(w: World) -> None:
    u = w.add("users")
    w.find("RET-07", "traffic_events", w.add("traffic_events", user_id=u, event_at=w.overdue(12)), "violation", "over_one_year")
    w.add("traffic_events", user_id=u, event_at=w.in_time(12))
    w.add("traffic_events", user_id=None, ip=None, event_at=w.overdue(12))
    w.find("RET-07", "traffic_events", w.add("traffic_events", user_id=u, event_at=w.ahead), "unknown", "clock_future")
    for days, reason in ((None, "hold_open"), (29, "hold_closing"), (31, None)):
        u = w.add("users")
        ended = None if days is None else w.ago(days)
        w.add("retention_exceptions", user_id=u, scope="Traffic_Events", started_at=w.ago(300), ended_at=ended)
        e = w.add("traffic_events", user_id=u, event_at=w.overdue(12))
        w.find("RET-07", "traffic_events", e, "exempt" if reason else "violation", reason or "over_one_year")


@story
def consent_records(w: World) -> None:
    u = w.add("users", created_at=w.ago(4000))
    first = w.add("consents", user_id=u, event_at=w.ago(3000))
    second = w.add("consents", user_id=u, event_at=w.overdue(60))
    w.find("RET-09", "consents", first, "violation", "over_five_years")
    w.find("RET-09", "consents", second, "review", "over_from_record")
    w.add("consents", user_id=u, purpose="cookies", event_at=w.in_time(60))
    ghost = w.id("ghost")
    c = w.add("consents", user_id=ghost, event_at=w.overdue(60))
    w.find("RET-09", "consents", c, "unknown", "user_missing")
    w.find("DQ-03", "consents", c, "violation", "user_unknown")
    w.find("RET-09", "consents", w.add("consents", user_id=u, purpose="media", event_at=w.ahead), "unknown", "clock_future")


@story
def consent_lost(w: World) -> None:
    u, other = w.add("users"), w.add("users")
    w.find("RET-10", "outbound_messages", w.add("outbound_messages", user_id=u, category="marketing"), "review", "no_consent_record")
    w.add("consents", user_id=other, purpose="marketing_email")
    w.add("outbound_messages", user_id=other, category="marketing")
    c = w.add("consents", user_id=u, purpose="cookies", action="withdraw")
    w.find("RET-10", "consents", c, "review", "withdrawal_without_grant")
    w.add("consents", user_id=other, purpose="cookies", event_at=w.ago(120))
    w.add("consents", user_id=other, purpose="cookies", action="withdraw")
    p = w.add("purge_log", user_id=u, table_name="consents")
    w.find("RET-10", "purge_log", p, "violation", "purged_within_five_years")
    old = w.add("users", created_at=w.ago(2200))
    w.add("purge_log", user_id=old, table_name="consents")
    p = w.add("purge_log", user_id=w.id("ghost"), table_name="consents")
    w.find("RET-10", "purge_log", p, "unknown", "record_age_unknown")
    p = w.add("purge_log", user_id=old, table_name="consents", purged_at=w.ahead)
    w.find("RET-10", "purge_log", p, "unknown", "clock_future")


@story
def tickets(w: World) -> None:
    u = w.add("users", created_at=w.ago(4000))
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
    u = w.add("users")

    def bad(reason: str, outcome: str = "violation", **values: object) -> None:
        w.find("RET-12", "retention_exceptions", w.add("retention_exceptions", user_id=u, **values), outcome, reason)

    bad("no_owner", owner=" ")
    bad("no_reason", reason_code=" ", reference=None)
    bad("no_scope", scope=" ; ")
    bad("review_overdue", started_at=w.overdue(12))
    w.add("retention_exceptions", user_id=u, started_at=w.in_time(12))
    bad("scope_all", "review", scope="*")
    bad("clock_future", "unknown", reviewed_at=w.ahead)
    bad("clock_contradiction", "unknown", ended_at=w.ago(151))
    late = deleted(w, deleted_at=w.overdue(6, by=90), email=f"{w.id('m')}@mail.example")
    x = w.add("retention_exceptions", user_id=late, started_at=w.ago(60))
    w.find("RET-12", "retention_exceptions", x, "violation", "back_dated")
    w.find("RET-01", "users", late, "violation", "overdue")


@story
def banned(w: World) -> None:
    gone = {"status": "banned", "deleted_at": w.overdue(6)}
    kept = {
        "sensitive_kept": ("profile_attributes", {"name": "religion", "category": "pd:ReligiousBelief", "value": "sufi"}),
        "profile_kept": ("profile_attributes", {}),
        "content_kept": ("content_items", {"kind": "photo"}),
    }
    for reason, (table, values) in kept.items():
        u = w.add("users", **gone)
        w.add(table, user_id=u, **values)
        w.find("RET-13", "users", u, "violation", reason)
        w.find("RET-01", "users", u, "review", "unrecorded_purge")
    u = w.add("users", email=f"{w.id('m')}@mail.example", **gone)
    w.find("RET-13", "users", u, "violation", "identifiers_kept")
    w.find("RET-01", "users", u, "violation", "overdue")
    for at in (w.overdue(36), w.in_time(36)):
        u = w.add("users", purged_at=w.ago(100), **gone)
        w.add("retention_exceptions", user_id=u, type="ban", scope="users", started_at=at)
        if at == w.overdue(36):
            w.find("RET-13", "users", u, "review", "ban_over_3y")


@story
def anonymised(w: World) -> None:
    anonymous = {"status": "anonymised", "last_contact_at": None, "last_interactive_at": None, "created_at": w.noon(dt.date(2022, 6, 15))}
    u = w.add("users", email=f"{w.id('m')}@mail.example", country="NL", city="Utrecht", gender="f", **anonymous)
    w.find("RET-14", "users", u, "violation", "direct_identifier")
    u = w.add("users", country="NL", city=f"Hamlet {w.serial}", gender="f", **anonymous)
    w.find("RET-14", "users", u, "violation", "singled_out")
    place = f"Village {w.serial}"
    for _ in range(3):
        u = w.add("users", country="TR", city=place, **anonymous)
        w.find("RET-14", "users", u, "review", "small_group")
    for _ in range(10):
        w.add("users", country="NL", city="Utrecht", gender="f", **anonymous)
    w.add("users", **anonymous)


@story
def residue(w: World) -> None:
    def purged(**values: object) -> str:
        u = w.add("users", **{"status": "purged", "purged_at": w.ago(130), "last_contact_at": w.ago(400)} | values)
        w.add("purge_log", user_id=u, purged_at=w.ago(130))
        return u

    for table in RESIDUE[1:]:
        u = purged()
        w.add(table, user_id=u)
        w.find("RET-15", table, u, "violation", "residue")
    u = purged()
    w.add("content_items", user_id=u, kind="chat")
    w.find("RET-15", "content_items", u, "review", "peer_messages")
    u = purged()
    w.add("profile_attributes", user_id=u, value=None)
    u = purged()
    w.add("devices", user_id=u)
    w.add("retention_exceptions", user_id=u, scope="devices", started_at=w.ago(140))
    w.find("RET-15", "devices", u, "exempt", "hold_open")
    ahead = w.add("users", status="purged", purged_at=w.ahead)
    for table in RESIDUE:
        w.find("RET-15", table, ahead, "unknown", "clock_future")


@story
def restored(w: World) -> None:
    def back(reason: str | None, outcome: str = "violation", **values: object) -> str:
        u = w.add("users", **{"deleted_at": w.ago(50), "restored_at": w.ago(40), "restored_by": "user"} | values)
        if reason:
            w.find("RET-17", "users", u, outcome, reason)
        return u

    back(None)
    u = back("restored_after_purge", deleted_at=w.ago(210), purged_at=w.ago(200), restored_at=w.ago(150))
    w.find("RET-05", "users", u, "unknown", "status_contradiction")
    start = w.ago(300)
    due = w.noon(months(start, 6))
    back("restored_after_due", deleted_at=start, restored_at=due + dt.timedelta(days=1))
    back(None, deleted_at=start, restored_at=due)
    asked = {"deleted_at": None, "deletion_requested_at": start}
    back("restored_after_request_due", "review", restored_at=due + dt.timedelta(days=1), **asked)
    back(None, restored_at=due, **asked)
    back("staff_no_ticket", restored_by="staff")
    u = back(None, restored_by="staff")
    w.add("support_tickets", user_id=u, opened_at=w.ago(45), closed_at=w.ago(39))
    back("system_restore", "review", restored_by="system")
    back("clock_missing", "unknown", deleted_at=None)
    back("actor_missing", "unknown", restored_by=None)
    unclear(w, back("clock_future", "unknown", restored_at=w.ahead), "clock_future")


@story
def purge_record(w: World) -> None:
    purge = {"status": "purged", "purged_at": w.ago(20)}
    for table, day, finding in (
        (None, 20, ("violation", "no_purge_log")),
        ("devices", 20, ("review", "users_not_in_purge_log")),
        ("users", 21, ("review", "purge_dates_differ")),
        ("users", 20, None),
    ):
        u = w.add("users", **purge)
        if table:
            w.add("purge_log", user_id=u, table_name=table, purged_at=w.ago(day))
        if finding:
            w.find("RET-18", "users", u, *finding)


@story
def copies(w: World) -> None:
    u = w.add("users")
    c = w.add("content_items", user_id=u, kind="transcript", parent_id=w.id("lost"))
    w.find("RET-19", "content_items", c, "review", "parent_missing")
    for at in (w.ago(hours=72) - dt.timedelta(seconds=1), w.ago(hours=72)):
        source = w.add("content_items", user_id=u, kind="voice", deleted_at=at)
        c = w.add("content_items", user_id=u, kind="transcript", parent_id=source)
        if at < w.ago(hours=72):
            w.find("RET-19", "content_items", c, "violation", "copy_outlives_source")
    source = w.add("content_items", user_id=u, kind="photo")
    c = w.add("content_items", user_id=u, kind="photo", parent_id=source, created_at=w.ahead)
    w.find("RET-19", "content_items", c, "unknown", "clock_future")


@story
def prizes(w: World) -> None:
    u = w.add("users", created_at=w.ago(5000))
    held = {"user_id": u, "payout_details_held": True}

    def found(outcome: str, reason: str, **values: object) -> None:
        w.find("RET-20", "promotion_entries", w.add("promotion_entries", **held, **values), outcome, reason)

    found("violation", "paid_over_tax_period", won_at=w.overdue(120), paid_at=w.overdue(120))
    w.add("promotion_entries", **held, won_at=w.in_time(120), paid_at=w.in_time(120))
    found("violation", "unpaid_over_12m", won_at=w.overdue(12))
    w.add("promotion_entries", **held, won_at=w.in_time(12))
    found("unknown", "clock_missing")
    found("unknown", "clock_future", won_at=w.ahead)
    w.add("promotion_entries", user_id=u, won_at=w.overdue(12))


@story
def keys(w: World) -> None:
    u = w.add("users")
    blank = " " * (1 + sum(r["attribute_id"].strip() == "" for r in w.rows["profile_attributes"]))
    w.find("DQ-03", "profile_attributes", w.add("profile_attributes", user_id=u, attribute_id=blank), "violation", "key_blank")
    twice = w.id("sao")
    for _ in range(2):
        w.find("DQ-03", "social_accounts", w.add("social_accounts", user_id=u, link_id=twice), "violation", "duplicate_key")
    w.find("DQ-03", "social_accounts", w.add("social_accounts", user_id=w.id("ghost")), "violation", "user_unknown")


@story
def times(w: World) -> None:
    u = w.add("users")
    second = dt.timedelta(seconds=1)
    limit = w.now + dt.timedelta(seconds=300)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    w.find("DQ-04", "devices", w.add("devices", user_id=u, installed_at=epoch), "violation", "sentinel_time")
    w.find("DQ-04", "devices", w.add("devices", user_id=u, installed_at=limit + second), "violation", "future_time")
    w.add("devices", user_id=u, installed_at=limit)
    made = w.ago(300)
    early = made - dt.timedelta(seconds=300)
    a = w.add("profile_attributes", user_id=u, created_at=made, updated_at=early - second)
    w.find("DQ-04", "profile_attributes", a, "violation", "order_contradiction")
    w.add("profile_attributes", user_id=u, created_at=made, updated_at=early)


@story
def shared(w: World) -> None:
    mail, phone, device = f"{w.id('m')}@mail.example", f"+90{w.id('9')[-7:]}", ad_id(w)
    for value in (mail, f" {mail.upper()} "):
        w.find("DQ-08", "users", w.add("users", email=value), "review", "shared_email")
    for value in (phone, f"{phone} "):
        w.find("DQ-08", "users", w.add("users", phone=value), "review", "shared_phone")
    for _ in range(2):
        u = w.add("users")
        w.add("devices", user_id=u, ad_id=device)
        w.find("DQ-08", "users", u, "review", "shared_device")
    for _ in range(2):
        w.add("devices", user_id=w.add("users"), platform="ios", ad_id="00000000-0000-0000-0000-000000000000")
