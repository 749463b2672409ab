"""Security: weak credentials, accesses of staff, media open to everybody, leaks that were not acted on."""

from __future__ import annotations

import datetime as dt

from heytalk_audit.demo.plants.story import DAY, HOUR, SECOND, SKEW, story
from heytalk_audit.demo.world import World, months_later

Finding = tuple[str, str] | None


@story
def credential_formats(w: World) -> None:
    for label, finding in (
        ("bcrypt", None),
        ("PBKDF2-SHA256", None),
        ("sha256crypt", None),
        ("MD5", ("violation", "fast_hash")),
        ("sha-256 salted", ("violation", "fast_hash")),
        ("plaintext", ("violation", "clear_or_reversible")),
        ("AES-256", ("violation", "clear_or_reversible")),
        ("house format", ("review", "format_unrecognised")),
        (None, ("unknown", "format_missing")),
        ("OAuth", None),
    ):
        u = w.user(credential_format=label)
        if finding:
            w.find("SEC-01", "users", u, *finding)


@story
def accesses_of_staff(w: World) -> None:
    """Accesses of staff before their first day, after their last, and without a reference."""
    u = w.user()
    day = w.ago(40).date()
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    for values, at, entry, finding in (
        ({"started_at": day}, midnight, {}, None),
        ({"started_at": day}, midnight - SECOND, {}, ("violation", "before_start")),
        ({"left_at": day}, midnight + DAY - SECOND, {}, None),
        ({"left_at": day}, midnight + DAY, {}, ("violation", "after_leave")),
        ({"left_at": w.ago(500).date()}, midnight, {}, ("unknown", "staff_dates_contradict")),
        ({}, midnight, {"purpose_ref": None}, ("review", "no_reference")),
        ({}, midnight, {"purpose_ref": None, "table_name": "devices"}, None),
        ({}, midnight, {"staff_id": w.id("contractor")}, ("unknown", "staff_unknown")),
    ):
        trained = {"started_at": w.ago(400).date(), "last_training_at": w.ago(25).date()}
        entry = {"staff_id": w.add("staff", **trained | values)} | entry
        a = w.add("staff_access_log", user_id=u, accessed_at=at, **entry)
        if finding:
            w.find("SEC-03", "staff_access_log", a, *finding)


@story
def training_of_staff(w: World) -> None:
    year = w.in_time(12).date()
    for values, finding in (
        ({"started_at": w.today - 30 * DAY}, None),
        ({"started_at": w.today - 31 * DAY}, ("violation", "never_trained")),
        ({"started_at": w.ago(900).date(), "last_training_at": year}, None),
        ({"started_at": w.ago(900).date(), "last_training_at": year - DAY}, ("violation", "training_expired")),
        ({"started_at": w.ago(900).date(), "last_training_at": w.today + DAY}, ("unknown", "training_in_future")),
        ({"started_at": w.ago(900).date(), "left_at": w.today - DAY}, None),
        ({"started_at": w.ago(900).date(), "left_at": w.today}, ("violation", "never_trained")),
        ({"started_at": w.today + DAY}, None),
    ):
        s = w.add("staff", **values)
        if finding:
            w.find("SEC-04", "staff", s, *finding)
    assert months_later(year, 12) >= w.today


@story
def addresses_of_media(w: World) -> None:
    u = w.user()
    plain, lasting = ("violation", "unsigned"), ("review", "signed_no_expiry")
    for url, transport, access in (
        ("https://cdn.heytalk.example/v/1.ogg?sig=8f1c&expires=1743400000", None, None),
        ("https://cdn.heytalk.example/v/1.ogg?X-Goog-Signature=8f1c&X-Goog-Expires=600", None, None),
        ("https://cdn.heytalk.example/v/1.ogg?sig=8f1c", None, lasting),
        ("https://cdn.heytalk.example/v/1.ogg", None, plain),
        ("https://cdn.heytalk.example/v/1.ogg?sig=#expires=1", None, plain),
        ("http://cdn.heytalk.example/v/1.ogg", ("violation", "unencrypted_scheme"), plain),
        ("http://10.20.30.40:9000/v/1.ogg", ("violation", "unencrypted_scheme"), None),
        ("https://172.32.0.1/v/1.ogg", None, plain),
        ("https://store:key@media.internal/v/1.ogg", None, None),
        ("https://media.internal@cdn.heytalk.example/v/1.ogg", None, plain),
        ("//cdn.heytalk.example/v/1.ogg", ("review", "scheme_relative"), None),
        ("v/1.ogg", ("unknown", "scheme_unrecognised"), None),
        ("RTMP://live.heytalk.example/v/1", ("violation", "unencrypted_scheme"), None),
    ):
        for visibility in ("private", "public"):
            c = w.add("content_items", user_id=u, kind="voice", visibility=visibility, url=url)
            if transport:
                w.find("SEC-05", "content_items", c, *transport)
            if access and visibility != "public":
                w.find("SEC-06", "content_items", c, *access)


@story
def leaks_reported(w: World) -> None:
    limit, wait = w.ago(hours=72), 72 * HOUR
    at = w.ago(30)
    for values, finding in (
        ({"opened_at": limit}, None),
        ({"opened_at": limit - SECOND}, ("violation", "not_acted_on")),
        ({"opened_at": at, "first_action_at": at + wait}, None),
        ({"opened_at": at, "first_action_at": at + wait + SECOND}, ("violation", "acted_late")),
        ({"opened_at": at, "closed_at": at + HOUR}, ("review", "closed_without_action")),
        ({"opened_at": at, "first_action_at": at - SKEW}, None),
        ({"opened_at": at, "first_action_at": at - SKEW - SECOND}, ("unknown", "clock_contradiction")),
        ({"opened_at": at, "first_action_at": w.ahead}, ("unknown", "clock_future")),
        ({"opened_at": limit - SECOND, "topic": "account"}, None),
    ):
        t = w.add("support_tickets", **{"user_id": w.user(), "topic": "password_leak", "text": "Somebody else is in my account."} | values)
        if finding:
            w.find("SEC-07", "support_tickets", t, *finding)


def columns(w: World) -> None:
    """Findings on whole columns: written down once, however often the stories are planted."""
    for column in ("content_items.text", "support_tickets.text"):
        w.find("SEC-08", "column_inventory", column, "review", "free_text_delivered")
    w.find("SEC-02", "column_inventory", "traffic_events.url", "review", "secret_in_text")
