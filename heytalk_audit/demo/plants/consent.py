"""Consent: the policy accepted, photos taken and advertising ids stored, with and without consent."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from heytalk_audit.demo.plants.story import DAY, SECOND, SKEW, ad_id, consent_event, created, story
from heytalk_audit.demo.world import VERSIONS, World


class State(NamedTuple):
    """A person's answers before an instant, and the finding on something done at it; null where there is none.

    Each answer: how long before, the action, and what else its row holds; `ends` is how long after the instant it ends by itself.
    """

    finding: tuple[str, str] | None
    answers: tuple[tuple[dt.timedelta, str, dict[str, Any]], ...]


NOW, MONTH = 0 * DAY, 30 * DAY
STATES = (
    State(None, ((MONTH, "grant", {}),)),
    State(None, ((NOW, "grant", {}),)),
    State(("review", "clock_skew"), ((-SKEW, "grant", {}),)),
    State(("violation", "no_record"), ((-SKEW - SECOND, "grant", {}),)),
    State(("violation", "no_record"), ()),
    State(("violation", "withdrawn"), ((MONTH, "grant", {}), (SKEW + SECOND, "withdraw", {}))),
    State(("review", "clock_skew"), ((MONTH, "grant", {}), (SKEW, "withdraw", {}))),
    State(("violation", "withdrawn"), ((NOW, "grant", {}), (NOW, "withdraw", {}))),
    State(None, ((MONTH, "grant", {}), (20 * DAY, "withdraw", {}), (SECOND, "grant", {}))),
    State(("violation", "opted_out"), ((MONTH, "grant", {}), (10 * DAY, "opt_out", {}))),
    State(("violation", "refused"), ((10 * DAY, "refuse", {}),)),
    State(("violation", "not_explicit"), ((MONTH, "grant", {"explicit": False}),)),
    State(("violation", "expired"), ((MONTH, "grant", {"ends": -10 * DAY}),)),
    State(None, ((MONTH, "grant", {}), (20 * DAY, "grant", {"ends": -10 * DAY}))),
    State(None, ((MONTH, "grant", {"ends": SKEW + SECOND}),)),
    State(("violation", "not_explicit"), ((MONTH, "grant", {"method": "bundled_terms"}),)),
    State(("review", "version_unknown"), ((MONTH, "grant", {"policy_version": None}),)),
    State(None, ((MONTH, "grant", {"policy_version": " "}), (MONTH, "grant", {}))),
)


def answer(w: World, user: str, purpose: str, at: dt.datetime, state: State) -> None:
    """Add the answers, and the findings on them as records of consent."""
    own = w.now - w.about(0)  # nobody else answers in the same second
    for before, action, values in state.answers:
        ends = {"expires_at": at + values["ends"]} if "ends" in values else {}
        others = {name: value for name, value in values.items() if name != "ends"}
        key = consent_event(w, user, purpose, action, at - before - (own if before >= DAY else NOW), **others | ends)
        if "policy_version" in values:
            w.find("CON-04", "consents", key, "violation", "version_missing")
        if values.get("method") == "bundled_terms":
            w.find("CON-04", "consents", key, "violation", "bundled")


@story
def accepted_on_registration(w: World) -> None:
    draft = {"policy_version": "draft"}
    for wait, values, finding in (
        (0 * DAY, {}, None),
        (SKEW, {}, ("review", "clock_skew")),
        (SKEW, draft, ("review", "clock_skew")),
        (SKEW + SECOND, {}, ("violation", "accepted_late")),
        (-DAY, draft, ("review", "version_unknown")),
        (None, {}, ("violation", "no_acceptance")),
    ):
        u = w.user(accepts=False)
        if wait is not None:
            w.agree(u, "policy_acceptance", created(w) + wait, **values)
        if finding:
            w.find("CON-03", "users", u, *finding)
        if values:
            w.find("CON-07", "users", u, "review", "version_unknown")
    u = w.user(accepts=False, created_at=w.ahead)
    for rule in ("CON-03", "MIN-01", "RET-05"):
        w.find(rule, "users", u, "unknown", "clock_future")


@story
def records_in_doubt(w: World) -> None:
    u = w.user()
    at, month = created(w), created(w) + MONTH
    for method in ("default", "import", "staff", "signal_gpc"):
        w.find("CON-04", "consents", consent_event(w, u, "analytics", "grant", month, method=method), "violation", "method_not_affirmative")
    consent_event(w, u, "analytics", "refuse", month, method="signal_gpc")
    c = consent_event(w, u, "analytics", "grant", month, method="bundled_terms")
    w.find("CON-04", "consents", c, "violation", "bundled")
    consent_event(w, u, "policy_acceptance", "grant", month, method="bundled_terms")
    w.find("CON-04", "consents", consent_event(w, u, "other", "grant", month, policy_version="\u3000"), "violation", "version_missing")
    w.find("CON-04", "consents", w.agree(u, "other", at - SKEW - SECOND), "violation", "before_account")
    for early in (SKEW, SECOND):
        w.find("CON-04", "consents", w.agree(u, "other", at - early), "review", "clock_skew")
    w.agree(u, "other", at)
    for purpose in ("cookies", "personalised_ads"):
        w.agree(u, purpose, at - 2 * DAY)


@story
def answers_in_bulk(w: World) -> None:
    """Twenty people may click in one second; one more, whatever the purpose, was a machine."""
    second = w.ago(90).replace(microsecond=0) - dt.timedelta(seconds=w.serial % 43_200)
    people = [w.user() for _ in range(21)]
    for n, u in enumerate(people):
        at, purpose = second + dt.timedelta(microseconds=n), ("analytics", "other")[n % 2]
        w.find("CON-04", "consents", w.agree(u, purpose, at, method="web"), "review", "bulk")
        if n < 20:
            w.agree(u, purpose, at - SECOND, method="web")
            w.agree(u, purpose, at, method="double_optin")


@story
def photos_without_consent(w: World) -> None:
    at = w.ago(50)
    for n, state in enumerate(STATES):
        u = w.user()
        answer(w, u, "media", at, state)
        c = w.add("content_items", user_id=u, kind=("photo", "video")[n % 2], created_at=at)
        if state.finding:
            w.find("CON-05", "content_items", c, *state.finding)
    u = w.user()
    for kind in ("post", "voice"):
        c = w.add("content_items", user_id=u, kind=kind)
    w.add("content_items", user_id=u, kind="photo", parent_id=c)
    c = w.add("content_items", user_id=u, kind="photo", selection_method="auto")
    w.find("CON-05", "content_items", c, "violation", "no_record")
    c = w.add("content_items", user_id=u, kind="photo", selection_method="user_selected")
    w.find("CON-05", "content_items", c, "review", "picker_only")
    ended = w.user()
    w.agree(ended, "media", w.about(200), expires_at=w.ago(100))
    c = w.add("content_items", user_id=ended, kind="photo", created_at=w.ago(50), selection_method="user_selected")
    w.find("CON-05", "content_items", c, "review", "picker_only")
    c = w.add("content_items", user_id=u, kind="video", created_at=w.ahead)
    w.find("CON-05", "content_items", c, "unknown", "clock_future")


@story
def outdated_acceptance(w: World) -> None:
    """The second version changed the policy: who came back a month after it, and a day, had to accept it."""
    changed = w.ago(VERSIONS[1][1])
    limit = dt.datetime.combine(changed.date() + 31 * DAY, dt.time(), dt.UTC)
    old = w.about(1500)

    def accepted(finding: tuple[str, str] | None, seen: dt.datetime, *versions: tuple[str, dt.datetime]) -> None:
        u = w.user(accepts=False, last_interactive_at=seen, created_at=old)
        for version, at in versions:
            w.agree(u, "policy_acceptance", at, policy_version=version)
        if finding:
            w.find("CON-07", "users", u, *finding)

    accepted(("violation", "outdated"), limit, ("1", old))
    accepted(None, limit - SECOND, ("1", old))
    accepted(None, limit, ("1", old), ("2", changed))
    accepted(("review", "old_version_shown"), w.ago(3), ("1", old), ("1", changed))
    accepted(("violation", "outdated"), w.ago(3), ("1", old), ("1", changed - SECOND))
    accepted(None, w.ago(3), ("1", old), ("1", changed - SECOND), ("2", changed - SECOND))
    accepted(("review", "version_unknown"), w.ago(3), ("1", old), ("beta", changed + DAY))
    u = w.user(last_interactive_at=w.ahead)
    w.find("CON-07", "users", u, "unknown", "clock_future")
    w.find("RET-05", "users", u, "unknown", "clock_future")


@story
def advertising_ids_without_consent(w: World) -> None:
    limit, seen = w.ago(hours=72), w.about(200)

    def device(finding: tuple[str, str] | None, *answers: tuple[str, dt.datetime], region: str | None = "EEA", **values: Any) -> None:
        u = w.user(law_region=region)
        purpose = "cookies" if values.get("platform") == "web" else "personalised_ads"
        for action, at in answers:
            consent_event(w, u, purpose, action, at)
        d = w.add("devices", **{"user_id": u, "ad_id": ad_id(w), "first_seen_at": seen} | values)
        if finding:
            w.find("CON-08", "devices", d, *finding)
        if values.get("att_status") == "denied":
            w.find("PRM-05", "devices", d, "violation", "idfa_without_authorisation")

    device(None, ("grant", seen))
    device(None, ("grant", seen), platform="web", region="TR")
    device(("review", "granted_later"), ("grant", seen + SECOND))
    device(("violation", "present_after_refusal"), ("refuse", limit - SECOND))
    device(None, ("refuse", limit))
    device(("violation", "present_after_refusal"), ("opt_out", limit - SECOND), ("opt_out", w.ago(hours=1)), region="UK")
    device(None, ("refuse", w.ago(300)), ("grant", seen), ("withdraw", limit))
    device(("violation", "no_choice"))
    device(("review", "os_permission_only"), platform="ios", att_status="authorized")
    device(("violation", "no_choice"), platform="ios", att_status="denied")
    device(("unknown", "region_missing"), ("grant", seen), region=None)
    device(None, region="OTHER")
    device(None, ad_id="00000000-0000-0000-0000-000000000000")
    device(("unknown", "clock_future"), ("grant", seen), first_seen_at=w.ahead)
    u = w.user()
    w.agree(u, "personalised_ads", seen, explicit=False)
    w.find("CON-08", "devices", w.add("devices", user_id=u, ad_id=ad_id(w)), "violation", "not_explicit")
    u = w.user()
    w.agree(u, "personalised_ads", seen)
    w.find("CON-08", "devices", w.add("devices", user_id=u, platform="web", ad_id=ad_id(w)), "violation", "no_choice")


@story
def choices_that_end(w: World) -> None:
    limit, seen = w.ago(hours=72), w.about(200)
    for ends in (limit - SECOND, limit):
        u = w.user()
        w.agree(u, "personalised_ads", seen, expires_at=ends)
        d = w.add("devices", user_id=u, ad_id=ad_id(w))
        if ends != limit:
            w.find("CON-08", "devices", d, "violation", "expired")
    d = w.add("devices", user_id=w.user(law_region="TR"), ad_id=ad_id(w))
    w.find("CON-08", "devices", d, "violation", "no_choice")
    w.add("devices", user_id=w.user(law_region="CN"), ad_id=ad_id(w))
    w.add("devices", user_id=w.user(), ad_id="NULL")


@story
def withdrawals_asked_for(w: World) -> None:
    """In the app a day is enough time, elsewhere three: for each purpose that was agreed to."""
    at = w.ago(20)
    for channel, wait, finding in (
        ("app", DAY, None),
        ("app", DAY + SECOND, ("violation", "carried_out_late")),
        ("email", 3 * DAY, None),
        ("email", 3 * DAY + SECOND, ("violation", "carried_out_late")),
        ("app", None, ("violation", "not_carried_out")),
    ):
        u = unobserved(w)
        for purpose in ("media", "cookies"):
            w.agree(u, purpose, w.about(60))
        consent_event(w, u, "media", "withdraw", at)
        if wait is not None:
            consent_event(w, u, "cookies", "withdraw", at + wait)
        asks(w, u, at, finding, channel=channel)
    asks(w, unobserved(w), at, None)
    u = unobserved(w)
    w.agree(u, "media", w.about(60))
    asks(w, u, at, ("review", "refused"), outcome="refused", refusal_reason="law")
    asks(w, u, w.ago(hours=24), None)
    for late in (False, True):
        u = w.user(status="purged", purged_at=at + DAY + SECOND * late)
        w.add("purge_log", user_id=u, purged_at=at + DAY + SECOND * late)
        w.agree(u, "media", w.about(60))
        asks(w, u, at, ("unknown", "user_purged") if late else None)


def unobserved(w: World) -> str:
    """An account whose owner has said no to analytics."""
    u = w.user()
    consent_event(w, u, "analytics", "refuse", w.about(90))
    return u


def asks(w: World, user: str, at: dt.datetime, finding: tuple[str, str] | None, **values: Any) -> None:
    """A request to withdraw whatever was agreed to."""
    r = w.add(
        "rights_requests", **{"user_id": user, "kind": "withdraw", "received_at": at, "answered_at": at, "law_region": "EEA"} | values
    )
    if finding:
        w.find("CON-06", "rights_requests", r, *finding)
