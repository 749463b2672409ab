"""Special values in free texts: bios, posts, tickets, addresses and transcripts."""

from __future__ import annotations

from typing import Any

from heytalk_audit.demo.plants.story import SECOND, story
from heytalk_audit.demo.world import World

#: Pairs of texts in one language: one states a special value of its author, the other none.
OWN = (
    ("I am a Muslim and proud of it", "I am from Leeds and proud of it"),
    ("我是同性恋，单身", "我是老师，单身"),
    ("Kürdüm, İzmir'de yaşıyorum", "Garsonum, İzmir'de yaşıyorum"),
    ("أنا مسيحي من القاهرة", "أنا طالب من القاهرة"),
    ("Soy lesbiana y bailo salsa", "Soy camarera y bailo salsa"),
)
#: The same of other people.
OTHERS = (
    ("The Muslims next door brought us soup", "The neighbours next door brought us soup"),
    ("Los gitanos del barrio tocan muy bien", "Los músicos del barrio tocan muy bien"),
)
BASE = "https://app.heytalk.example/"


def text(w: World, rule: str, table: str, finding: tuple[str, str] | None, **values: Any) -> str:
    """A row with a text, and what a detector and a reader make of it."""
    key = w.add(table, **values)
    if finding:
        w.find(rule, table, key, *finding)
    return key


@story
def special_values_in_posts(w: World) -> None:
    own, other = ("review", "stated_of_oneself"), ("review", "mentioned")
    u = w.user()
    for special, plain in OWN:
        text(w, "SEN-04", "profile_attributes", own, user_id=u, value=special)
        text(w, "SEN-04", "profile_attributes", None, user_id=u, value=plain)
        text(w, "SEN-04", "content_items", own, user_id=u, kind="room", text=special)
        text(w, "SEN-04", "content_items", None, user_id=u, kind="room", text=plain)
    for special, plain in OTHERS:
        text(w, "SEN-04", "content_items", other, user_id=u, text=special)
        text(w, "SEN-04", "content_items", None, user_id=u, text=plain)
    text(w, "SEN-04", "content_items", None, user_id=u, text=OWN[0][0], deleted_at=w.now)
    text(w, "SEN-04", "content_items", own, user_id=u, text=OWN[0][0], deleted_at=w.now + SECOND)


@story
def special_values_in_tickets(w: World) -> None:
    u = w.user()
    for topic, wording, reason in (
        ("account", "The flashing lights are bad for me, I have epilepsy.", "category_in_ticket"),
        ("account", "The flashing lights are bad for my eyes.", None),
        ("I have epilepsy", "Please call me back.", "category_in_ticket"),
        ("payment", "Please refund my card 4111 1111 1111 1111 today.", "value_in_ticket"),
        ("payment", "Please refund my order 4111 1111 1111 1112 today.", None),
        ("account", "T.C. kimlik numaram ١٠٠٠٠٠٠٠١٤٦, hesabımı açın.", "value_in_ticket"),
        ("account", "Sipariş numaram ١٠٠٠٠٠٠٠١٤٧, nerede?", None),
        ("account", "我的银行卡号6222021234567890128不能用了。", "value_in_ticket"),
    ):
        t = text(w, "SEN-07", "support_tickets", ("review", reason) if reason else None, user_id=u, topic=topic, text=wording)
        if reason == "value_in_ticket":
            rule, why = ("COL-02", "value_in_text") if "kimlik" in wording else ("COL-07", "card_in_text")
            w.find(rule, "support_tickets", t, "review", why)


@story
def special_values_in_addresses(w: World) -> None:
    u = w.user()
    for url, outcome, reason in (
        ("profile?religion=alevi", "violation", "special_field_in_address"),
        ("profile?religion=", "pass", None),
        ("profile?a=1&form.Sexual_Orientation=gay", "violation", "special_field_in_address"),
        ("profile?hivStatus[]=2", "violation", "special_field_in_address"),
        ("ping?health=ok", "review", "ambiguous_field_in_address"),
        ("ping?health_check=ok", "pass", None),
        ("search?q=soy%20lesbiana", "review", "category_in_address"),
        ("search?q=soy%20camarera", "pass", None),
        ("login?user=ada&password=Xk92%21pqz", "review", "value_in_address"),
        ("login?user=ada", "pass", None),
    ):
        text(w, "SEN-07", "traffic_events", (outcome, reason) if reason else None, user_id=u, url=BASE + url)


@story
def transcripts(w: World) -> None:
    u = w.user()
    for kind, deleted_at, finding in (("transcript", None, "transcript_stored"), ("transcript", w.now, None), ("voice", None, None)):
        source = w.add("content_items", user_id=u, kind="voice")
        key = w.add("content_items", user_id=u, kind=kind, parent_id=source, deleted_at=deleted_at)
        if finding:
            w.find("SEN-08", "content_items", key, "review", finding)
