"""What people do in the app, and what the company does with it, for as long as the account is in use: none of it is a finding."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from heytalk_audit.demo.company.history import DAY, HOUR, MINUTE, Company
from heytalk_audit.demo.company.people import Person
from heytalk_audit.demo.people import HOBBIES, INTIMATE, POSTS, TICKETS

#: Days before the end of the history on which a marketing campaign was sent, with its name.
CAMPAIGNS = ((8, "spring"), (33, "rooms"), (70, "new_year"), (98, "winter"), (127, "black_week"), (165, "autumn"), (205, "back_home"))
#: Regions whose law wants consent before an advertising id is stored.
ASKS_FIRST = ("EEA", "UK", "TR", "CN")
NO_ID = "00000000-0000-0000-0000-000000000000"
#: Days over which what a device does is spread: traffic is erased after a year.
RECENT = 250


def live(w: Company, p: Person) -> None:
    """All that one person does."""
    w.add("profile_attributes", user_id=p.key, created_at=p.at(0), value=HOBBIES[p.index % len(HOBBIES)], visibility="friends")
    device = own_device(w, p)
    publish(w, p, device)
    special_value(w, p)
    if not p.is_young and not p.is_banned:
        subscribe(w, p)
        see_advertising(w, p)
    buy(w, p)
    enter_a_draw(w, p)
    be_served(w, p)
    ask_for_help(w, p)


def own_device(w: Company, p: Person) -> str:
    """A phone or a browser. An advertising id is stored where its owner agreed, or lives where no consent is needed."""
    platform, purpose = (("android", "personalised_ads"), ("ios", "personalised_ads"), ("web", "cookies"))[p.index % 3]
    is_stored = p.chance[6] < 0.3 and not p.is_young
    if p.region in ASKS_FIRST and not p.is_young and p.chance[6] < 0.4:
        w.add("consents", user_id=p.key, purpose=purpose, action="grant" if is_stored else "refuse", event_at=p.created)
    stored = f"38400000-8cf0-41bd-b23e-{p.index:012x}" if is_stored else NO_ID if platform == "ios" else None
    values: dict[str, Any] = {"ad_id": w.by_now(takes_back(p), NO_ID, stored)}
    if platform == "ios":
        values["att_status"] = "authorized" if is_stored else "denied"
    elif platform == "android":
        values["limit_ad_tracking"] = not is_stored
    gone = p.at(0.9) if p.index % 23 == 7 else None
    device = w.add(
        "devices", user_id=p.key, platform=platform, first_seen_at=p.created, installed_at=p.created, uninstalled_at=gone, **values
    )
    answers(w, p, device, platform)
    if is_stored and platform != "web" and takes_back(p) is None:
        attribute(w, p, device)
    return device


def answers(w: Company, p: Person, device: str, platform: str) -> None:
    """The device's answers when the app asks for permissions, and a window over other apps where they allow it."""
    permission = ("camera", "microphone", "album", "push")[p.index % 4]
    w.add("permission_events", device_id=device, event_at=p.at(0), permission=permission)
    if platform == "android" and p.index % 5 < 2:
        answer = ("granted", "denied")[p.index % 5]
        w.add("permission_events", device_id=device, event_at=p.at(0), permission="floating_window", action=answer)
    if platform == "android" and p.index % 5 == 0:
        at = max(p.at(0.01), w.ago(p.index * 13 % RECENT))
        if at < p.stopped:
            w.add("traffic_events", user_id=p.key, device_id=device, event_at=at, event_type="floating_window", ip="198.51.100.7")


def attribute(w: Company, p: Person, device: str) -> None:
    """Adjust hears of an installation from people who agreed to analytics, with the advertising id that they allowed."""
    w.agree(p.key, "analytics", p.at(0))
    share = {"purpose": "install_attribution", "fields": ["install", "gps_adid"], "kind": "sdk", "vendor_id": "adjust"}
    w.add("disclosures", user_id=p.key, identifier_form="ad_id", device_id=device, sent_at=p.at(p.chance[7]), **share)


# content ---------------------------------------------------------------------------------------------


def publish(w: Company, p: Person, device: str) -> None:
    """Posts, photos, chats and voice messages; photos with consent, and with the permission of the device for what made them."""
    w.agree(p.key, "media", p.at(0))
    is_phone = p.index % 3 != 2
    for n in range(p.index % 4):
        kind = ("post", "photo", "chat", "voice")[(p.index // 4 + n) % 4]
        at = p.at((p.chance[(n + 2) % 12] + n) / 4)
        visibility = ("public", "friends", "private")[(p.index // 2 + n) % 3] if kind != "chat" and not p.is_young else "private"
        values: dict[str, Any] = {"kind": kind, "visibility": visibility, "created_at": at}
        if kind in ("post", "chat"):
            values["text"] = POSTS[(p.index + n) % len(POSTS)]
        else:
            values |= {"url": address(p, n)} | (captured(w, p, device, kind) if is_phone else {})
        if p.index % 9 == 2:
            values["deleted_at"] = p.after(at, 200)
        item = w.add("content_items", user_id=p.key, **values)
        if kind == "photo":
            copy = {name: values.get(name) for name in ("visibility", "created_at", "deleted_at")}
            w.add("content_items", user_id=p.key, kind="photo", parent_id=item, url=address(p, n, "s/"), **copy)


def address(p: Person, number: int, folder: str = "") -> str:
    """The address of a picture or voice message: signed, and for a while."""
    return f"https://cdn.heytalk.example/m/{folder}{p.index}-{number}?sig=8f1c{p.index % 7}&expires=1743400000"


def captured(w: Company, p: Person, device: str, kind: str) -> dict[str, Any]:
    """What made a photo or voice message, allowed by the device."""
    source = "mic" if kind == "voice" else ("camera", "album")[p.index // 3 % 2]
    permission = "microphone" if source == "mic" else source
    w.add("permission_events", device_id=device, event_at=p.at(0), permission=permission)
    selected = {"selection_method": "user_selected"} if source == "album" else {}
    return {"device_id": device, "capture_source": source} | selected


def special_value(w: Company, p: Person) -> None:
    """A special value, stored with explicit consent, and public only with consent to that as well."""
    if p.chance[10] < 0.92:
        return
    name, category, value = INTIMATE[p.index % len(INTIMATE)]
    visibility = ("private", "friends", "public")[p.index // 5 % 3]
    w.agree(p.key, "sensitive_data", p.at(0))
    if visibility == "public":
        w.agree(p.key, "sensitive_publication", p.at(0))
    w.add("profile_attributes", user_id=p.key, name=name, category=category, value=value, visibility=visibility, created_at=p.at(0))


# marketing and advertising ---------------------------------------------------------------------------


def subscribe(w: Company, p: Person) -> None:
    """Marketing with consent, until it is withdrawn, and again where it is given again."""
    if p.chance[9] > 0.5:
        return
    channel = ("email", "push", "sms")[p.index // 3 % 3] if p.index % 3 != 2 else "email"
    purpose = f"marketing_{channel}"
    w.agree(p.key, purpose, p.at(0))
    withdrawn, again = (p.at(0.5), p.at(0.7)) if p.index % 9 == 0 else (None, None)
    if withdrawn:
        w.add("consents", user_id=p.key, purpose=purpose, action="withdraw", event_at=withdrawn)
    if again and p.index % 18 == 0:
        w.agree(p.key, purpose, again)
    for n, (days, campaign) in enumerate(CAMPAIGNS):
        sent = w.ago(days) - (p.index % 240) * MINUTE
        allowed = withdrawn is None or sent < withdrawn - HOUR or (p.index % 18 == 0 and again is not None and sent > again + HOUR)
        if (p.index // 9 + n) % 3 == 0 and p.at(0) + DAY < sent < p.stopped and allowed:
            message = {"category": "marketing", "channel": channel, "campaign_id": campaign, "sent_at": sent}
            w.add("outbound_messages", user_id=p.key, **message)


def takes_back(p: Person) -> dt.datetime | None:
    """When a person takes the consent to personalised advertising back; null for those who don't."""
    return p.at(0.8) if p.index % 105 == 3 and not p.is_young and not p.is_banned else None


def see_advertising(w: Company, p: Person) -> None:
    """Advertising with consent, under a digest that is new each time and is of nothing stored; a few take their consent back."""
    if p.index % 7 != 3:
        return
    w.agree(p.key, "personalised_ads", p.at(0.01))
    refused = takes_back(p)
    if refused:
        w.add("consents", user_id=p.key, purpose="personalised_ads", action="withdraw", event_at=refused)
    ad = {"kind": "advertising", "purpose": "advertising", "fields": ["event_name"], "identifier_form": "keyed_hash"}
    latest: dict[str, str] = {}
    for n in reversed(range(8)):
        sent, vendor = w.ago(4 + p.index % 25 + 30 * n), ("admost", "google")[n % 2]
        if p.at(0.01) + HOUR < sent < min(p.stopped, refused - HOUR if refused else p.stopped):
            sample = hashlib.sha256(w.id("salt").encode()).hexdigest()
            latest[vendor] = w.add("disclosures", user_id=p.key, vendor_id=vendor, payload_sample=sample, sent_at=sent, **ad)
    if refused:
        not_passed_on(w, p, refused, list(latest.values()))


def not_passed_on(w: Company, p: Person, refused: dt.datetime, latest: list[str]) -> None:
    """Write down that advertisers were not told of a refusal within 30 days, where they have data of a person who is not purged."""
    _, purged_at = w.departures.get(p.key, (None, None))
    if refused.date() + 30 * DAY < w.today and not w.has_come(purged_at):
        for disclosure in latest:
            w.find("SHA-10", "disclosures", disclosure, "review", "no_record_of_notice")


# services --------------------------------------------------------------------------------------------


def buy(w: Company, p: Person) -> None:
    """Premium, bought in a store; and a message about it."""
    if p.index % 11 or p.is_young:
        return
    at = p.at(p.chance[8])
    w.add("subscriptions", user_id=p.key, start_at=at)
    w.add("transactions", user_id=p.key, purchased_at=at, amount=f"{5 + p.index % 20}.99")
    w.add("outbound_messages", user_id=p.key, sent_at=at + MINUTE, template_id="receipt")


def enter_a_draw(w: Company, p: Person) -> None:
    """A draw, which asks for nothing but a name; one in ten wins, and is paid."""
    if p.index % 12 != 5 or p.is_young:
        return
    entered, won = p.at(0.4), p.at(0.5)
    if p.index % 120 == 5:
        held = w.by_now(won, True, False)
        w.add("promotion_entries", user_id=p.key, since=entered, won_at=won, paid_at=won + 9 * DAY, payout_details_held=held)
    else:
        w.add("promotion_entries", user_id=p.key, since=entered)


def be_served(w: Company, p: Person) -> None:
    """What processors and the login get of people who use them."""
    if p.index % 19 == 0:
        w.add("disclosures", user_id=p.key, sent_at=p.at(p.chance[5]))
    if p.index % 13 == 1:
        call = {"kind": "sdk", "purpose": "voice_calls", "vendor_id": "agora", "identifier_form": "none"}
        w.add("disclosures", user_id=p.key, fields=["audio", "rtt", "network_type"], sent_at=p.at(p.chance[4]), **call)
    if p.index % 17 == 5:
        w.add("social_accounts", user_id=p.key, linked_at=p.at(0))
        login = {"kind": "sdk", "purpose": "login", "vendor_id": "google", "fields": ["openid"]}
        w.add("disclosures", user_id=p.key, sent_at=p.at(0), **login)


def ask_for_help(w: Company, p: Person) -> None:
    """A ticket that staff answer the same day, with a look at the profile."""
    if p.index % 13:
        return
    opened = p.at(p.chance[6])
    text, topic = TICKETS[p.index % len(TICKETS)], ("account", "account", "account_leak")[p.index // 13 % 3]
    answered = opened + 5 * HOUR
    ticket = {"opened_at": opened, "first_action_at": answered, "last_agent_at": answered, "closed_at": answered, "text": text}
    key = w.add("support_tickets", user_id=p.key, topic=topic, **ticket)
    looked = {"staff_id": f"staff-{p.index % 5}", "purpose_ref": key}
    w.add("staff_access_log", user_id=p.key, accessed_at=answered - MINUTE, **looked)
