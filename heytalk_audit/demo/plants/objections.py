"""Objections, corrections, opt-outs, and requests that were not registered."""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.plants.rights import begins, request, working_days
from heytalk_audit.demo.plants.story import DAY, HOUR, SECOND, SKEW, consent_event, deleted, send, story
from heytalk_audit.demo.world import World

#: Advertising that is declared in every other respect.
FEED = {
    "kind": "advertising",
    "purpose": "ad_measurement",
    "vendor_id": "adjust",
    "fields": ["app_activity"],
    "identifier_form": "keyed_hash",
}
#: In each language, a text that makes a request, and one that makes none.
REQUESTS = (
    ("Please delete my account and everything in it.", "Please unlock my account, I forgot everything."),
    ("请把我的个人信息副本发给我，谢谢。", "请把我的订单发给我，谢谢。"),
    ("Hesabımı silmek istiyorum, teşekkürler.", "Hesabımı açmak istiyorum, teşekkürler."),
    ("أريد نسخة من بياناتي من فضلكم", "أريد نسخة من الفاتورة من فضلكم"),
    ("Me opongo al tratamiento de mis datos.", "Me quejo del ruido en la sala."),
)


def fed(w: World, user: str, at: dt.datetime) -> str:
    """A disclosure of the person's activity for advertising."""
    return w.add("disclosures", user_id=user, sent_at=at, payload_sample=w.id("k"), **FEED)


def willing(w: World, **values: Any) -> str:
    """An account with consent to marketing and to advertising."""
    user = w.user(**values)
    for purpose in ("marketing_email", "personalised_ads"):
        w.agree(user, purpose, w.about(100))
    return user


def objects(w: World, user: str | None, at: dt.datetime | None, *findings: tuple[str, str, str], **values: Any) -> str:
    """An objection that was accepted at an instant, and its findings."""
    accepted = {"user_id": user, "kind": "object", "objection_scope": "all", "answered_at": at}
    return request(w, *findings, **accepted | values)


@story
def used_after_objection(w: World) -> None:
    at = w.ago(20)
    for wait, outcome in ((dt.timedelta(0), None), (SECOND, "review"), (24 * HOUR, "review"), (24 * HOUR + SECOND, "violation")):
        for scope, act, reason in (("marketing", send, "marketing_after_objection"), ("advertising", fed, "advertising_after_objection")):
            findings = [("RGT-09", outcome, reason)] if outcome else []
            for covers in (scope, "all"):
                u = willing(w)
                act(w, u, at + wait)
                objects(w, u, at, *findings, objection_scope=covers, received_at=w.ago(25))
    u = willing(w)
    send(w, u, w.ago(5))
    objects(w, u, at, kind="restrict", objection_scope="advertising", received_at=w.ago(25))


@story
def consent_after_objection(w: World) -> None:
    at = w.ago(20)
    for purpose, act, reason in (("marketing_email", send, "marketing"), ("personalised_ads", fed, "advertising")):
        for yes in (at + SECOND, at):
            u = willing(w)
            w.agree(u, purpose, yes)
            act(w, u, w.ago(5))
            findings = [] if yes > at else [("RGT-09", "violation", f"{reason}_after_objection")]
            objects(w, u, at, *findings, received_at=w.ago(25))


@story
def objections_that_stand_open(w: World) -> None:
    """Marketing and advertising while an objection waits for its answer."""
    at, open_ = w.ago(20), {"outcome": "open", "received_at": w.ago(20)}
    for wait, outcome in ((dt.timedelta(0), None), (SECOND, "review"), (72 * HOUR, "review"), (72 * HOUR + SECOND, "violation")):
        u = willing(w)
        send(w, u, at + wait)
        objects(w, u, None, *[("RGT-09", outcome, "marketing_while_objecting")] if outcome else [], **open_)
    for wait in (dt.timedelta(0), 72 * HOUR + SECOND):
        u = willing(w)
        fed(w, u, at + wait)
        objects(w, u, None, *[("RGT-09", "review", "advertising_while_objecting")] if wait else [], **open_)
    u = willing(w)
    w.agree(u, "marketing_email", w.ago(10))
    send(w, u, w.ago(5))
    objects(w, u, None, **open_)


@story
def objected_in_doubt(w: World) -> None:
    objects(w, None, w.ago(30), ("RGT-09", "unknown", "user_missing"), law_region="EEA")
    objects(w, w.user(), None, ("RGT-09", "unknown", "answer_date_missing"), ("RGT-02", "unknown", "answer_date_missing"))
    objects(w, w.user(), w.ago(30), ("RGT-09", "unknown", "scope_missing"), objection_scope=None)


@story
def corrected(w: World) -> None:
    at, end = w.ago(30), w.ago(30) + 72 * HOUR

    def corrects(*findings: tuple[str, str, str], user: str | None = None, **values: Any) -> None:
        u = user or w.user()
        if values:
            w.add("profile_attributes", user_id=u, **values)
        request(w, *findings, user_id=u, kind="rectify", received_at=w.ago(40), answered_at=at)

    corrects(updated_at=end)
    corrects(deleted_at=w.ago(40))
    corrects(("RGT-05", "review", "changed_later"), updated_at=end + SECOND)
    corrects(("RGT-05", "review", "no_change_found"), updated_at=w.ago(40) - SECOND)
    corrects(("RGT-05", "review", "no_change_found"))
    corrects(("RGT-05", "unknown", "account_gone"), user=deleted(w))
    rectify = {"kind": "rectify"}
    request(w, received_at=w.ago(10), answered_at=w.ago(hours=72), **rectify)
    request(w, ("RGT-05", "unknown", "user_missing"), user_id=None, law_region="EEA", **rectify)
    request(w, ("RGT-05", "unknown", "dates_missing"), ("RGT-02", "unknown", "answer_date_missing"), answered_at=None, **rectify)
    request(w, ("RGT-05", "unknown", "clock_future"), received_at=w.ago(10), answered_at=w.ahead, **rectify)


@story
def opted_out(w: World) -> None:
    at = w.ago(40)
    last = begins(working_days(15)(at.date()) + DAY) - SECOND
    for region, used, finding, each in (
        ("EEA", at + SKEW, None, "refused"),
        ("UK", at + SKEW + SECOND, ("violation", "used_at_once_after_opt_out"), "refused"),
        ("TR", w.ago(2), ("violation", "used_after_opt_out"), "refused"),
        ("US-CA", last, None, "clock_skew"),
        ("US-CA", last + DAY, ("violation", "used_after_opt_out"), "holidays_not_given"),
        ("OTHER", at + HOUR, ("review", "used_soon_after_opt_out"), None),
    ):
        u = w.user(law_region=region)
        consent_event(w, u, "personalised_ads", "opt_out", at)
        d = fed(w, u, used)
        if finding:
            w.find("RGT-07", "users", u, *finding)
        if each and each != "clock_skew":
            w.find("SHA-05", "disclosures", d, "review" if each == "holidays_not_given" else "violation", each)
    u = w.user(setting=False)
    w.find("RGT-07", "users", u, "review", "no_setting")


@story
def requests_in_tickets_alone(w: World) -> None:
    opened, lost = w.ago(60), ("review", "request_not_registered")
    for requesting, other in REQUESTS:
        t = w.add("support_tickets", user_id=w.user(), text=requesting)
        w.find("RGT-08", "support_tickets", t, *lost)
        w.add("support_tickets", user_id=w.user(), text=other)
    for received, finding in ((opened + 30 * DAY, None), (opened + 31 * DAY, lost), (opened - 7 * DAY, None), (opened - 8 * DAY, lost)):
        u = w.user()
        t = w.add("support_tickets", user_id=u, opened_at=opened, text=REQUESTS[0][0])
        request(w, user_id=u, received_at=received, answered_at=received + 9 * DAY)
        if finding:
            w.find("RGT-08", "support_tickets", t, *finding)
    w.find("RGT-08", "support_tickets", w.add("support_tickets", topic=REQUESTS[0][0], text=None), *lost)
