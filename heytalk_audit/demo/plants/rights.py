"""Requests of people: deletions, answers in time, refusals, copies, proof of identity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from heytalk_audit.demo.plants.story import DAY, HOUR, SECOND, SKEW, deleted, story
from heytalk_audit.demo.world import Row, World, months_later

Deadline = Callable[[dt.date], dt.date]
Finding = tuple[str, str, str]


def working(day: dt.date) -> dt.date:
    """The day, or the Monday after it."""
    return day + max(0, 7 - day.weekday()) % 7 * DAY if day.weekday() > 4 else day


def month(day: dt.date, count: int = 1, pause: int = 0) -> dt.date:
    """The last day of so many months, and of some days for which the clock stood still."""
    return working(months_later(day, count) + pause * DAY)


def days(count: int) -> Deadline:
    """The last of so many days."""
    return lambda day: working(day + count * DAY)


def working_days(count: int) -> Deadline:
    """The last of so many days from Monday to Friday."""

    def last(day: dt.date) -> dt.date:
        for _ in range(count):
            day = working(day + DAY)
        return day

    return last


#: The last day of an answer by law, and by a stricter reading, which is for a person to decide.
BY_LAW: dict[str, Deadline] = {"EEA": month, "UK": month, "US-CA": days(45), "TR": days(30), "CN": days(30)}
STRICT: dict[str, Deadline] = {"CN": working_days(15), "OTHER": days(45)}


def slack(region: str) -> dt.timedelta:
    """By how much holidays may move a deadline in a region, of which no list is given."""
    return (10 if region in ("CN", "TR") else 4) * DAY


def begins(day: dt.date) -> dt.datetime:
    """The first instant of a day."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def ends(day: dt.date) -> dt.datetime:
    """The last second of a day."""
    return begins(day + DAY) - SECOND


def request(w: World, *findings: Finding, region: str | None = "EEA", **values: Any) -> str:
    """A request by a person of that region, and its findings; returns its key."""
    user = values.pop("user_id") if "user_id" in values else w.user(law_region=region)
    key = w.add("rights_requests", **{"user_id": user, "channel": "email"} | values)
    for rule, outcome, reason in findings:
        w.find(rule, "rights_requests", key, outcome, reason)
    return key


@story
def answered_in_time_or_late(w: World) -> None:
    at = w.ago(100)
    late = ("RGT-02", "review", "answered_late")
    for region, deadline in BY_LAW.items():
        due = deadline(at.date())
        request(w, *[late] if region in STRICT else [], region=region, received_at=at, answered_at=ends(due))
        for answered_at in (begins(due + DAY), ends(due + slack(region))):
            request(w, ("RGT-02", "review", "holidays_not_given"), region=region, received_at=at, answered_at=answered_at)
        request(w, ("RGT-02", "violation", "answered_late"), region=region, received_at=at, answered_at=begins(due + slack(region) + DAY))
    for region, deadline in STRICT.items():
        due = deadline(at.date())
        request(w, region=region, received_at=at, answered_at=ends(due))
        request(w, late, region=region, received_at=at, answered_at=begins(due + DAY))
    for old in (w.quarter, w.quarter - SECOND):
        findings = [("RGT-02", "violation", "answered_late")] if old == w.quarter else []
        request(w, *findings, received_at=w.ago(400), answered_at=old)


@story
def unanswered(w: World) -> None:
    for region, deadline in (("EEA", month), ("TR", days(30)), ("OTHER", days(45))):
        over = [day for day in (w.today - n * DAY for n in range(90)) if deadline(day) < w.today]
        still: Row = {"region": region, "answered_at": None, "outcome": "open"}
        request(w, received_at=begins(over[0] + DAY), **still)
        if region == "OTHER":
            request(w, ("RGT-02", "review", "unanswered"), received_at=begins(over[0]), **still)
            continue
        request(w, ("RGT-02", "review", "holidays_not_given"), received_at=begins(over[0]), **still)
        long_over = next(day for day in over if deadline(day) + slack(region) < w.today)
        request(w, ("RGT-02", "violation", "unanswered"), received_at=begins(long_over), **still)


@story
def extended(w: World) -> None:
    at = w.ago(118)
    day = at.date()
    for region, first, longest in (("UK", month(day), month(day, 3)), ("US-CA", days(45)(day), days(90)(day))):
        extension: Row = {"region": region, "received_at": at, "extended_at": ends(first)}
        request(w, answered_at=ends(longest), **extension)
        beyond, perhaps = begins(longest + slack(region) + DAY), ("RGT-02", "review", "holidays_not_given")
        request(w, perhaps, answered_at=begins(longest + DAY), **extension)
        request(w, ("RGT-02", "violation", "answered_late"), answered_at=beyond, **extension)
        late = extension | {"extended_at": ends(first + slack(region))}
        request(w, answered_at=ends(first), **late)
        request(w, perhaps, answered_at=ends(longest + slack(region)), **late)
        request(w, ("RGT-02", "violation", "extension_late"), answered_at=beyond, **late)
        request(w, ("RGT-02", "violation", "extension_late"), answered_at=None, outcome="open", **late)
        too_late = late | {"extended_at": begins(first + slack(region) + DAY)}
        request(w, ("RGT-02", "violation", "extension_late"), answered_at=ends(longest), **too_late)


@story
def clock_paused_for_proof_of_identity(w: World) -> None:
    at = w.ago(100)
    for wait, pause in ((7, 9), (8, 0)):
        prompted = at + wait * DAY
        due = month(at.date(), pause=pause)
        proven: Row = {"received_at": at, "identity_asked_at": prompted, "identity_ok_at": prompted + 9 * DAY}
        request(w, answered_at=ends(due), **proven)
        request(w, ("RGT-02", "review", "holidays_not_given"), answered_at=begins(due + DAY), **proven)
        request(w, ("RGT-02", "violation", "answered_late"), answered_at=begins(due + slack("EEA") + DAY), **proven)


@story
def register_in_doubt(w: World) -> None:
    at = w.ago(40)
    request(w, received_at=at, answered_at=at - SKEW)
    request(w, ("RGT-02", "unknown", "dates_contradict"), received_at=at, answered_at=at - SKEW - SECOND)
    request(w, ("RGT-02", "unknown", "dates_contradict"), received_at=at, identity_asked_at=at + HOUR, identity_ok_at=at + HOUR - SECOND)
    request(w, ("RGT-02", "unknown", "outcome_contradiction"), outcome="open")
    request(w, ("RGT-02", "unknown", "answer_date_missing"), answered_at=None)
    request(w, ("RGT-02", "unknown", "region_missing"), region=None)
    request(w, region=None, law_region="EEA")
    request(w, outcome="withdrawn", answered_at=None)


@story
def left_in_the_app(w: World) -> None:
    """Deleted in the app: a day later the account must be gone."""
    gone, day = w.ago(30), 24 * HOUR
    deleted(w, deletion_requested_at=gone - day)
    u = deleted(w, deletion_requested_at=gone - day - SECOND)
    w.find("RGT-01", "users", u, "violation", "executed_late")
    w.user(deletion_requested_at=w.now - day)
    u = w.user(deletion_requested_at=w.now - day - SECOND)
    w.find("RGT-01", "users", u, "violation", "not_executed")
    for requested_at, finding in ((w.ago(50), ("review", "cancelled_by_user")), (w.ago(30), ("violation", "not_executed"))):
        u = w.user(deletion_requested_at=requested_at, deleted_at=w.ago(50) + HOUR, restored_at=w.ago(40), restored_by="user")
        w.find("RGT-01", "users", u, *finding)
    for ended, finding in ((None, ("exempt", "hold_open")), (30, ("exempt", "hold_closing")), (31, ("violation", "not_executed"))):
        u = w.user(deletion_requested_at=w.ago(50))
        w.add("retention_exceptions", user_id=u, scope="users", ended_at=None if ended is None else w.ago(ended))
        w.find("RGT-01", "users", u, *finding)


@story
def left_by_mail(w: World) -> None:
    at = w.ago(100)
    due = month(at.date())
    by_mail: Row = {"kind": "erasure", "received_at": at, "answered_at": at + 10 * DAY}
    request(w, user_id=deleted(w, deleted_at=ends(due)), **by_mail)
    request(w, ("RGT-01", "review", "holidays_not_given"), user_id=deleted(w, deleted_at=ends(due + slack("EEA"))), **by_mail)
    beyond = begins(due + slack("EEA") + DAY)
    request(w, ("RGT-01", "violation", "executed_late"), user_id=deleted(w, deleted_at=beyond), **by_mail)
    request(w, ("RGT-01", "violation", "done_not_deleted"), **by_mail)
    request(w, ("RGT-01", "violation", "not_executed"), outcome="partial", **by_mail)
    request(w, ("RGT-01", "review", "done_not_deleted"), region="OTHER", **by_mail)
    request(w, outcome="refused", refusal_reason="law", **by_mail)
    request(w, ("RGT-01", "unknown", "region_missing"), ("RGT-02", "unknown", "region_missing"), region=None, **by_mail)
    request(w, ("RGT-01", "unknown", "user_not_found"), user_id=None, law_region="EEA", **by_mail)
    ghost = [(rule, "violation", "user_unknown") for rule in ("DQ-03", "COL-10")]
    request(w, *ghost, user_id=w.id("ghost"), law_region="EEA", **by_mail)
    open_ = by_mail | {"received_at": w.ago(9), "answered_at": None, "outcome": "open"}
    request(w, *ghost, ("RGT-01", "unknown", "user_not_found"), user_id=w.id("ghost"), law_region="EEA", **open_)


@story
def refusals(w: World) -> None:
    for reason, finding in (
        ("Trade secrets", None),
        ("identity_unproven", None),
        (None, ("violation", "reason_missing")),
        ("\u3000", ("violation", "reason_missing")),
        ("too much work", ("violation", "reason_not_permitted")),
        ("service_impossible", ("review", "reason_not_for_kind")),
    ):
        request(w, *[("RGT-03", *finding)] if finding else [], outcome="refused", refusal_reason=reason)
    request(w, kind="object", outcome="refused", refusal_reason="service_impossible")
    missing = ("RGT-03", "unknown", "notice_date_missing"), ("RGT-02", "unknown", "answer_date_missing")
    request(w, *missing, outcome="refused", refusal_reason="unlawful", answered_at=None)
    contradicts = ("RGT-03", "unknown", "identity_contradiction")
    request(w, contradicts, outcome="refused", refusal_reason="identity_unproven", identity_ok_at=w.ago(35))


@story
def content_of_third_parties(w: World) -> None:
    at = w.ago(30)
    for consent_at, finding in (
        (at, None),
        (at + SKEW, ("review", "clock_skew")),
        (at + SKEW + SECOND, ("violation", "consent_after_release")),
        (None, ("violation", "no_consent")),
    ):
        for kind in ("access", "portability"):
            findings = [("RGT-04", *finding)] if finding else []
            request(w, *findings, kind=kind, answered_at=at, third_party_content=True, third_party_consent_at=consent_at)
    request(w, ("RGT-04", "unknown", "content_flag_missing"), third_party_content=None)
    missing = ("RGT-04", "unknown", "delivery_date_missing"), ("RGT-02", "unknown", "answer_date_missing")
    request(w, *missing, answered_at=None, third_party_content=True, third_party_consent_at=at)


@story
def identity_documents(w: World) -> None:
    kept = ("RGT-06", "violation", "kept_too_long")
    held: Row = {"id_document_held": True, "received_at": w.ago(50)}
    request(w, answered_at=begins(w.today - 30 * DAY), **held)
    request(w, kept, answered_at=ends(w.today - 31 * DAY), **held)
    for ended, finding in ((None, ("exempt", "hold_open")), (30, ("exempt", "hold_closing")), (31, ("violation", "kept_too_long"))):
        u = w.user()
        scope = {"scope": "rights_requests", "type": "fraud"}
        w.add("retention_exceptions", user_id=u, ended_at=None if ended is None else w.ago(ended), **scope)
        request(w, ("RGT-06", *finding), user_id=u, answered_at=w.ago(35), **held)
    prompted: Row = {"identity_asked_at": w.ago(39)}
    request(w, **prompted)
    request(w, ("RGT-06", "review", "asked_when_logged_in"), channel="app", **prompted)
    request(w, ("RGT-06", "unknown", "held_flag_missing"), id_document_held=None, **prompted)
    missing = ("RGT-06", "unknown", "closing_date_missing"), ("RGT-02", "unknown", "answer_date_missing")
    request(w, *missing, **held | {"answered_at": None})
