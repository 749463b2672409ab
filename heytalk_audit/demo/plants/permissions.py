"""Permissions of devices: used without a grant, revoked, requested without need, refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.plants.story import DAY, HOUR, SECOND, SKEW, ad_id, deleted, story
from heytalk_audit.demo.world import World

Answer = tuple[str, dt.datetime]
Finding = tuple[str, str] | None
SKEWED: Finding = ("review", "clock_skew")
#: Rule, source of the content, and the names of the permission that it needs.
SOURCES = (
    ("PRM-01", "camera", ("camera", "android.permission.CAMERA")),
    ("PRM-02", "mic", ("microphone", "RECORD_AUDIO")),
    ("PRM-03", "album", ("album", "Photo Library")),
)


def phone(w: World, user: str, *answers: tuple[str, str, dt.datetime], **values: Any) -> str:
    """A phone (iOS by default: its identifiers need no permission), and its owner's answers: permission, action, instant."""
    device = w.put("devices", **{"user_id": user, "platform": "ios", "first_seen_at": w.ago(300)} | values)
    for permission, action, at in answers:
        w.put("permission_events", device_id=device, permission=permission, action=action, event_at=at)
    return device


def answered(at: dt.datetime) -> tuple[tuple[tuple[Answer, ...], Finding], ...]:
    """Histories of a permission up to an instant, each with the finding on its use at that instant."""
    yes, before = ("granted", at - DAY), at - SKEW
    return (
        ((("granted", at),), None),
        ((("granted", at + SKEW),), SKEWED),
        ((("granted", at + SKEW + SECOND),), ("violation", "no_grant")),
        ((), ("violation", "no_grant")),
        ((yes, ("revoked", before)), ("violation", "permission_revoked")),
        ((yes, ("revoked", before + SECOND)), SKEWED),
        ((yes, ("revoked", at + SECOND)), None),
        ((("granted", at - HOUR), ("denied", at - HOUR)), ("violation", "permission_denied")),
        ((("denied", at - DAY - HOUR), yes, ("feature_blocked", at - HOUR)), None),
    )


@story
def captured_without_permission(w: World) -> None:
    at = w.ago(80)
    for rule, source, names in SOURCES:
        by_hand = {"capture_source": source, "selection_method": "user_selected", "created_at": at}
        for n, (answers, finding) in enumerate(answered(at)):
            u = w.user()
            device = phone(w, u, *[(names[n % 2], *answer) for answer in answers])
            c = w.add("content_items", user_id=u, device_id=device, **by_hand)
            if finding:
                w.find(rule, "content_items", c, *finding)
        for installed in (at, at + SECOND):
            u = w.user()
            device = phone(w, u, (names[0], "granted", at - DAY), installed_at=installed)
            c = w.add("content_items", user_id=u, device_id=device, **by_hand)
            if installed == at:
                w.find(rule, "content_items", c, "review", "grant_before_reinstall")
        u = w.user()
        w.add("content_items", user_id=u, device_id=phone(w, u, platform="web"), **by_hand)
        w.find(rule, "content_items", w.add("content_items", user_id=u, **by_hand), "unknown", "device_missing")
        w.add("content_items", user_id=u, device_id=phone(w, u), **by_hand | {"created_at": w.quarter - SECOND})


@story
def pictures_selected(w: World) -> None:
    """A picture is judged by who selected it before its permission; a voice message without a source counts as recorded."""
    u, at = w.user(), w.ago(80)
    device = phone(w, u, ("album", "granted", at), ("mic", "granted", at))
    for method, finding in (("auto", ("violation", "auto_selected")), (None, ("unknown", "selection_missing")), ("user_selected", None)):
        values = {"capture_source": "album", "selection_method": method, "created_at": at}
        c = w.add("content_items", user_id=u, device_id=device, **values)
        if finding:
            w.find("PRM-03", "content_items", c, *finding)
    for heard in (device, phone(w, u)):
        c = w.add("content_items", user_id=u, device_id=heard, kind="voice", capture_source=None, created_at=at)
        if heard != device:
            w.find("PRM-02", "content_items", c, "violation", "no_grant")


@story
def push_without_permission(w: World) -> None:
    at = w.ago(20)
    no = ("push", "denied", at - DAY)

    def push(finding: Finding, *phones: tuple[tuple[str, str, dt.datetime], ...], seen: dt.datetime | None = None, **values: Any) -> None:
        u = w.user()
        for answers in phones:
            phone(w, u, *answers, first_seen_at=seen or w.ago(200), **values)
        m = w.put("outbound_messages", user_id=u, channel="push", sent_at=at)
        w.put("outbound_messages", user_id=u, channel="push", sent_at=at, status="suppressed")
        if finding:
            w.find("PRM-04", "outbound_messages", m, *finding)

    off, lost = ("violation", "permission_off"), ("unknown", "no_permission_record")
    push(off, (no,))
    push(off, (no,), (("notifications", "granted", at - DAY), ("notifications", "revoked", at - SKEW)))
    push(SKEWED, (no,), (("push", "granted", at - DAY), ("push", "revoked", at - SKEW + SECOND)))
    push(SKEWED, (no, ("push", "granted", at + SKEW)))
    push(off, (no, ("push", "granted", at + SKEW + SECOND)))
    push(None, (no,), (("push", "granted", at),))
    push(None, (), (("push", "granted", at),))
    push(lost)
    push(lost, (no,), ())
    push(lost, (("push", "granted", at - DAY),), platform="web")
    push(None, (("push", "granted", at - DAY),), seen=at)
    push(lost, (("push", "granted", at - DAY),), seen=at + SECOND)
    push(lost, (no,), installed_at=at)
    push(off, (no,), installed_at=at + SECOND)


@story
def identifiers_without_permission(w: World) -> None:
    """Identifiers of phones: on Android with the permission for device information, on Apple's system with the one to track."""
    at = w.ago(150)
    for answers, finding in answered(at):
        grants = [("device_info", *answer) for answer in answers]
        device = phone(w, w.user(), *grants, platform="android", first_seen_at=at, installed_at=at)
        if finding:
            w.find("PRM-05", "devices", device, *finding)
    device = phone(w, w.user(), platform="android", first_seen_at=w.ago(5000))
    w.find("PRM-05", "devices", device, "unknown", "before_log_start")
    zeros = "00000000-0000-0000-0000-000000000000"
    for status, stored, finding in (
        ("authorized", True, None),
        ("denied", True, ("violation", "idfa_without_authorisation")),
        ("not_determined", True, ("violation", "idfa_without_authorisation")),
        (None, True, ("unknown", "att_status_missing")),
        ("denied", False, None),
    ):
        device = phone(w, w.user(law_region="OTHER"), ad_id=ad_id(w) if stored else zeros, att_status=status)
        if finding:
            w.find("PRM-05", "devices", device, *finding)


@story
def windows_without_permission(w: World) -> None:
    at = w.ago(30)
    window = {"event_type": "floating_window", "event_at": at}

    def float_over(finding: Finding, device: str | None, user: str, **values: Any) -> str:
        event = w.add("traffic_events", user_id=user, device_id=device, **window | values)
        if finding:
            w.find("PRM-06", "traffic_events", event, *finding)
        return event

    def android(user: str, *answers: tuple[str, str, dt.datetime], **values: Any) -> str:
        ready = (("device_info", "granted", w.ago(300)), ("network", "granted", w.ago(300)))
        return phone(w, user, *ready, *answers, platform="android", **values)

    for answers, finding in answered(at):
        u = w.user()
        float_over(finding, android(u, *[("SYSTEM_ALERT_WINDOW", *answer) for answer in answers]), u)
    u = w.user()
    float_over(("review", "grant_before_reinstall"), android(u, ("overlay", "granted", at - DAY), installed_at=at), u)
    float_over(("unknown", "device_missing"), None, u)
    float_over(None, phone(w, u), u)
    float_over(None, phone(w, u, platform="web"), u)
    float_over(None, android(u), u, event_type="open")
    device = android(u)
    early = float_over(("unknown", "before_log_start"), device, u, event_at=w.ago(5000))
    w.find("PRM-09", "devices", device, "violation", "before_agreement")
    w.find("RET-07", "traffic_events", early, "violation", "over_one_year")


@story
def permissions_not_listed(w: World) -> None:
    device = phone(w, w.user())
    for permission, finding in (
        ("android.permission.ACCESS_FINE_LOCATION", ("violation", "permission_not_listed")),
        ("contacts", ("violation", "permission_not_listed")),
        ("android.permission.BLUETOOTH_CONNECT", ("review", "third_party_permission")),
        ("att", ("review", "third_party_permission")),
        ("com.google.android.gms.permission.AD_ID", ("review", "third_party_permission")),
        ("android.permission.VIBRATE", ("review", "ordinary_permission")),
        ("android.permission.FOREGROUND_SERVICE_CAMERA", ("review", "ordinary_permission")),
        ("com.google.android.c2dm.permission.RECEIVE", ("review", "ordinary_permission")),
        ("NSCameraUsageDescription", None),
        ("READ_MEDIA_VISUAL_USER_SELECTED", None),
        (" ", ("unknown", "permission_missing")),
        ("android.permission.POST_NOTIFICATIONS", None),
        ("Photo Library", None),
    ):
        event = w.put("permission_events", device_id=device, permission=permission)
        if finding:
            w.find("PRM-07", "permission_events", event, *finding)


@story
def service_after_refusal(w: World) -> None:
    no, later = w.ago(90), w.ago(80)
    for values, answers, reason in (
        ({}, (("camera", "denied", no), ("microphone", "feature_blocked", later)), "blocked_after_refusal"),
        ({}, (("camera", "denied", later), ("microphone", "feature_blocked", later)), "blocked_after_refusal"),
        ({}, (("camera", "denied", later), ("microphone", "feature_blocked", later - SECOND)), None),
        ({}, (("camera", "denied", no), ("camera", "feature_blocked", later)), None),
        ({}, (("camera", "denied", no), ("camera", "granted", later), ("microphone", "feature_blocked", later)), None),
    ):
        device = phone(w, w.user(), *answers, **values)
        if reason:
            w.find("PRM-08", "devices", device, "review", reason)
    revoked = (("device_info", "granted", w.ago(300)), ("device_info", "revoked", no))
    for more, reason in (((("device_info", "feature_blocked", later),), "service_refused"), ((), None)):
        device = phone(w, w.user(), *revoked, *more, platform="android")
        if reason:
            w.find("PRM-08", "devices", device, "review", reason)


@story
def refused_on_no_device(w: World) -> None:
    event = w.put("permission_events", device_id=" ", action="denied")
    w.find("PRM-08", "permission_events", event, "unknown", "device_missing")
    w.put("permission_events", device_id=" ", action="granted")


@story
def requests_before_agreement(w: World) -> None:
    """The first request of an app before and after its owner first accepted the policy."""

    def first(user: str, at: dt.datetime, finding: Finding, *answers: tuple[str, str, dt.datetime], **values: Any) -> None:
        device = phone(w, user, *answers, **values)
        w.add("traffic_events", user_id=user, device_id=device, event_type="open", event_at=at)
        w.add("traffic_events", user_id=user, device_id=device, event_type="open", event_at=at + HOUR)
        if finding:
            w.find("PRM-09", "devices", device, *finding)

    early = SKEW + SECOND
    for before, finding in ((dt.timedelta(), None), (SKEW, SKEWED), (early, ("violation", "before_agreement"))):
        u = w.user(created_at=w.about(50))
        first(u, first_acceptance(w, u) - before, finding)
    u = w.user(created_at=w.about(50))
    yes = first_acceptance(w, u)
    first(u, yes - early, None, ("network", "granted", yes - early))
    first(u, yes - early, ("violation", "before_agreement"), ("network", "denied", yes - DAY))
    first(u, yes - early, None, installed_at=yes - early + SECOND)
    first(deleted(w), w.ago(60), ("violation", "never_agreed"))


def first_acceptance(w: World, user: str) -> dt.datetime:
    """When somebody first accepted the policy."""
    answers = (c["event_at"] for c in w.rows["consents"][-9:] if c["user_id"] == user and c["purpose"] == "policy_acceptance")
    first: dt.datetime = min(answers)
    return first
