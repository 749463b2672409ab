"""Marketing: sent without consent, after its withdrawal, and to people who left."""

from __future__ import annotations

import datetime as dt

from heytalk_audit.demo.plants.consent import STATES, answer
from heytalk_audit.demo.plants.story import DAY, HOUR, SECOND, SKEW, consent_event, deleted, send, story, unclear
from heytalk_audit.demo.world import World, months_later

CHANNELS = ("email", "push", "sms")


@story
def sent_without_consent(w: World) -> None:
    at = w.ago(20)
    for n, state in enumerate(STATES):
        u, channel = w.user(), CHANNELS[n % 3]
        answer(w, u, f"marketing_{channel}", at, state)
        m = send(w, u, at, channel)
        if state.finding:
            w.find("CON-01", "outbound_messages", m, *state.finding)
        if not state.answers:
            w.find("RET-10", "outbound_messages", m, "review", "no_consent_record")
        refusals = [before for before, action, _ in state.answers if action in ("withdraw", "opt_out") and state.finding]
        if refusals:
            delay = "clock_skew" if refusals[-1] <= SKEW else "within_24h" if refusals[-1] <= DAY else "beyond"
            w.find("CON-02", "outbound_messages", m, "review" if delay == "clock_skew" else "violation", delay)


@story
def mislabelled(w: World) -> None:
    u = w.user()
    w.agree(u, "marketing_push", w.ago(100))
    for status, finding in (("sent", ("review", "category_unknown")), ("suppressed", None)):
        m = send(w, u, w.ago(20), category="unknown", status=status)
        if finding:
            w.find("CON-01", "outbound_messages", m, *finding)
        send(w, u, w.ago(20), status="suppressed")
    send(w, u, w.ago(20), "push", category="unknown")
    send(w, u, w.ago(20), category="service")
    m = send(w, u, w.ago(20))
    w.find("CON-01", "outbound_messages", m, "violation", "no_record")
    w.find("RET-10", "outbound_messages", m, "review", "no_consent_record")


@story
def the_quarter(w: World) -> None:
    """The quarter begins at midnight three months ago and ends with the snapshot."""
    u = w.user()
    consent_event(w, u, "marketing_sms", "refuse", w.ago(300))
    for at, within in ((w.quarter - SECOND, False), (w.quarter, True), (w.now, True), (w.now + SECOND, False)):
        m = send(w, u, at, "sms")
        if within:
            w.find("CON-01", "outbound_messages", m, "violation", "refused")


@story
def sent_after_withdrawal(w: World) -> None:
    """A withdrawal: from the end of the third working day after it nothing more may be sent."""
    no = w.ago(20)
    third = no.date()
    for _ in range(3):
        third += DAY
        while third.weekday() > 4:
            third += DAY
    end = dt.datetime.combine(third + DAY, dt.time(), dt.UTC)
    for n, (at, values, outcome, reason) in enumerate(
        (
            (no + DAY, {}, "violation", "within_24h"),
            (no + DAY + SECOND, {}, "violation", "within_3_business_days"),
            (end - SECOND, {}, "violation", "within_3_business_days"),
            (end, {}, "violation", "beyond"),
            (no + HOUR, {"status": "bounced"}, "review", "bounced"),
            (no + SKEW, {"status": "bounced"}, "review", "clock_skew"),
            (no, {}, "review", "clock_skew"),
            (no - SECOND, {}, None, None),
        )
    ):
        u = w.user()
        w.agree(u, "marketing_email", w.about(60))
        action = ("withdraw", "opt_out")[n % 2]
        consent_event(w, u, "marketing_email", action, no)
        m = send(w, u, at, **values)
        if outcome and reason:
            w.find("CON-02", "outbound_messages", m, outcome, reason)
            skewed = reason == "clock_skew"
            state = "clock_skew" if skewed else ("withdrawn", "opted_out")[n % 2]
            w.find("CON-01", "outbound_messages", m, "review" if skewed else "violation", state)


@story
def sent_to_deleted_accounts(w: World) -> None:
    gone = w.ago(30)
    for at, finding in (
        (gone + SKEW + SECOND, ("violation", "after_deletion")),
        (gone + SKEW, ("review", "clock_skew")),
        (gone + SECOND, ("review", "clock_skew")),
        (gone, None),
    ):
        subscriber(w, deleted(w, deleted_at=gone), at, finding)
    u = w.user(deleted_at=w.ago(50), restored_at=w.ago(40), restored_by="user")
    subscriber(w, u, w.ago(40), None)
    w.find("CON-09", "outbound_messages", send(w, u, w.ago(40) - SECOND), "violation", "after_deletion")
    for status in ("suspended", "banned"):
        subscriber(w, w.user(status=status), w.ago(20), ("review", "suspended"))
    ghost = w.id("ghost")
    m = subscriber(w, ghost, w.ago(20), ("unknown", "user_missing"))
    for rule in ("DQ-03", "COL-10"):
        w.find(rule, "outbound_messages", m, "violation", "user_unknown")
        w.find(rule, "consents", w.rows["consents"][-1]["consent_id"], "violation", "user_unknown")


def subscriber(w: World, user: str, at: dt.datetime, finding: tuple[str, str] | None) -> str:
    """A message to somebody who once consented to it; returns its key."""
    w.agree(user, "marketing_email", w.about(150))
    m = send(w, user, at)
    if finding:
        w.find("CON-09", "outbound_messages", m, *finding)
    return m


@story
def sent_to_accounts_in_doubt(w: World) -> None:
    at = w.ago(120)
    u = deleted(w, status="purged", deleted_at=at, purged_at=at - HOUR)
    unclear(w, u, "clock_contradiction", ("RET-01", "RET-02"))
    subscriber(w, u, w.ago(20), ("unknown", "clock_contradiction"))
    w.find("RET-15", "outbound_messages", u, "violation", "residue")
    for reason, u in (
        ("clock_missing", deleted(w, deleted_at=None)),
        ("clock_future", deleted(w, deleted_at=w.ahead)),
        ("status_contradiction", w.user(deleted_at=w.ago(30))),
    ):
        unclear(w, u, reason)
        subscriber(w, u, w.ago(20), ("unknown", reason))


@story
def sent_to_inactive_accounts(w: World) -> None:
    """Without contact for five years: from the day after, the account is to be deleted, and gets no marketing."""
    seen = w.overdue(60)
    over = dt.datetime.combine(months_later(seen.date(), 60) + DAY, dt.time(), dt.UTC)
    for at, premium in ((over, False), (over - SECOND, False), (over, True)):
        u = w.user(created_at=w.ago(3000), last_contact_at=seen, last_interactive_at=None)
        late = at == over and not premium
        subscriber(w, u, at, ("violation", "inactive_due") if late else None)
        if premium:
            w.add("subscriptions", user_id=u, start_at=w.ago(2500))
        else:
            w.find("RET-05", "users", u, "violation", "inactive_5y")
