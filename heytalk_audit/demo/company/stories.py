"""What went wrong in the company, and for whom. Each story writes down what an ideal audit finds of it by now, and says so in words."""

from __future__ import annotations

import hashlib

from heytalk_audit.demo.company.history import DAY, FOREVER, HOUR, MINUTE, Company, instants
from heytalk_audit.demo.company.purges import LEFT_FROM, STILL_FROM, STILL_TO
from heytalk_audit.demo.company.residents import former, life_of, resident
from heytalk_audit.demo.world import months_later

#: Days before the end of the history.
MAILED, UPDATED, DRAWN, REWRITTEN = 47, 71, 80, 60


def purge_that_stood_still(w: Company) -> None:
    """Accounts of the weeks without a purge, beside those of everybody: three of either half."""
    for due in (STILL_FROM - 2, STILL_FROM - 6, LEFT_FROM + 3, LEFT_FROM - 2, STILL_TO + 7, STILL_TO + 3):
        day = months_later(w.ago(due).date(), -6)
        gone = w.noon(day) + 9 * HOUR
        person = former(w, 500, gone)
        life_of(w, person, 495)


def mailed_from_an_old_list(w: Company) -> str:
    """An agency sent a campaign to its list of the autumn, with people who had withdrawn since. Returns the one who complained."""
    people = [resident(w, 520 + n) for n in range(14)]
    for n, person in enumerate(people):
        w.agree(person, "marketing_email", w.ago(400 + n))
        w.add("consents", user_id=person, purpose="marketing_email", action="withdraw", event_at=w.ago(140 - 3 * n))
        sent = w.ago(MAILED) + n * MINUTE
        message = {"category": "marketing", "channel": "email", "campaign_id": "valentine", "sent_at": sent}
        key = w.add("outbound_messages", user_id=person, **message)
        if w.has_come(sent) and w.in_quarter(sent):
            w.find("CON-01", "outbound_messages", key, "violation", "withdrawn")
            w.find("CON-02", "outbound_messages", key, "violation", "beyond")
    complains(w, people[0])
    return people[0]


def complains(w: Company, person: str) -> None:
    """The complainant had objected to marketing, which was accepted; then got the campaign, wrote to support, and asked for a copy."""
    life_of(w, person, 515)
    accepted = w.ago(75)
    objection = {"kind": "object", "objection_scope": "marketing", "received_at": w.ago(80), "answered_at": accepted}
    key = w.add("rights_requests", user_id=person, channel="email", outcome=w.by_now(accepted, "done", "open"), **objection)
    sent = w.ago(MAILED)
    if w.has_come(sent) and w.in_quarter(sent):
        w.find("RGT-09", "rights_requests", key, "violation", "marketing_after_objection")
    opened = sent + 20 * HOUR
    ticket = {"opened_at": opened, "first_action_at": opened + 2 * HOUR, "closed_at": opened + DAY, "last_agent_at": opened + DAY}
    w.add("support_tickets", user_id=person, topic="marketing", text="Why did I get the Valentine mail? I had said no in autumn.", **ticket)
    copy = {"received_at": sent + 3 * DAY, "answered_at": w.ago(20), "outcome": w.by_now(w.ago(20), "done", "open")}
    w.add("rights_requests", user_id=person, kind="access", channel="form", **copy)


def update_that_sends_too_much(w: Company, people: list[str]) -> None:
    """Since an update, Agora's code sends a device id that its list does not have."""
    call = {"kind": "sdk", "purpose": "voice_calls", "vendor_id": "agora", "identifier_form": "none"}
    for n in range(60):
        sent = w.ago(179 - 2.9 * n)
        fields = ["audio", "rtt", "network_type"] + (["android_id"] if sent > w.ago(UPDATED) else [])
        key = w.add("disclosures", user_id=people[n % len(people)], fields=fields, sent_at=sent, **call)
        if sent > w.ago(UPDATED) and w.has_come(sent) and w.in_quarter(sent):
            w.find("SHA-02", "disclosures", key, "violation", "field_not_declared")


def advertised_to_minors(w: Company) -> None:
    """A migration lost the age that kept advertising from people under 18: four of them were among its audience."""
    ad = {"kind": "advertising", "purpose": "advertising", "vendor_id": "google", "fields": ["event_name"], "identifier_form": "keyed_hash"}
    for n in range(4):
        person = resident(w, 300 + n, birth_date=w.end.date() - (6280 + 9 * n) * DAY, profile_visibility="private")
        w.agree(person, "personalised_ads", w.ago(299))
        for days in (41, 29):
            sample = hashlib.sha256(w.id("salt").encode()).hexdigest()
            w.add("disclosures", user_id=person, sent_at=w.ago(days - n), payload_sample=sample, **ad)
        if w.in_quarter(w.ago(41 - n)):
            w.find("MIN-03", "users", person, "violation", "ad_disclosure")


def form_that_asks_too_much(w: Company, people: list[str]) -> None:
    """The entry form of a draw asked everybody for bank details; an earlier one had asked its winners."""
    for n, person in enumerate(people):
        won = w.ago(255 + n)
        if n < 3:
            winner = {"won_at": won, "paid_at": won + 9 * DAY, "payout_details_held": True, "since": won}
            w.add("promotion_entries", user_id=person, **winner)
            continue
        key = w.add("promotion_entries", user_id=person, payout_details_held=True, since=w.ago(DRAWN) + n * HOUR)
        if w.has_come(w.ago(DRAWN) + n * HOUR):
            w.find("COL-06", "promotion_entries", key, "violation", "held_without_win")
            w.find("RET-20", "promotion_entries", key, "unknown", "clock_missing")


def addresses_that_were_rewritten(w: Company) -> None:
    """Photos of an old uploader had plain addresses, until all of them were rewritten."""
    for n in range(8):
        person = resident(w, 300 + n)
        w.agree(person, "media", w.ago(280))
        scheme = w.by_now(w.ago(REWRITTEN), "https", "http")
        url = f"{scheme}://cdn.heytalk.example/old/{n}"
        key = w.add("content_items", user_id=person, kind="photo", created_at=w.ago(270 - n), visibility="public", url=url)
        if scheme == "http":
            w.find("SEC-05", "content_items", key, "violation", "unencrypted_scheme")


def consent_bundled_with_the_terms(w: Company) -> None:
    """A form of long ago took consent to a newsletter together with the terms. Management accepted it until all are asked anew."""
    for n in range(12):
        person = resident(w, 900 + n)
        key = w.agree(person, "other", w.ago(890), method="bundled_terms")
        w.find("CON-04", "consents", key, "violation", "bundled")


def phones_left_behind(w: Company) -> None:
    """The purge does not know a table of browsers that came with a new release: they outlive their owners' accounts."""
    for n in range(4):
        gone = w.ago(255 + n)
        person = former(w, 600, gone)
        w.add("devices", user_id=person, platform="web", first_seen_at=w.ago(300), until=FOREVER)
        _, purged_at = w.departures[person]
        if w.has_come(purged_at):
            w.find("RET-15", "devices", person, "violation", "residue")
            # six months after the request for deletion something is still there, whatever the account says of its purge
            w.find("RET-01", "users", person, "review", "overdue_from_request")


def erased(w: Company) -> str:
    """Somebody who asked by e-mail to be erased, was deleted three days later, and purged in time. Returns the key."""
    gone = w.ago(200)
    person = former(w, 560, gone)
    life_of(w, person, 555)
    w.agree(person, "marketing_email", w.ago(550))
    for days in (420, 300):
        w.add("outbound_messages", user_id=person, category="marketing", campaign_id="rooms", sent_at=w.ago(days))
    w.add("disclosures", user_id=person, sent_at=w.ago(310))
    request = {"kind": "erasure", "channel": "email", "received_at": w.ago(203), "answered_at": gone + HOUR, "law_region": "EEA"}
    w.add("rights_requests", user_id=person, outcome=w.by_now(gone + HOUR, "done", "open"), **request)
    return person


def banned_and_gone(w: Company) -> None:
    """People who were banned, and deleted their account later: nothing is left of them but the ban."""
    for n in range(3):
        person = former(w, 800, w.ago(420 + 5 * n))
        ban = {"type": "ban", "reason_code": "fraud", "scope": "users", "owner": "safety"}
        w.add("retention_exceptions", user_id=person, started_at=w.ago(600), **ban)


def deleted_today(w: Company) -> None:
    """Before each snapshot somebody has just deleted an account with a special value, which goes within a day."""
    for at in instants(w.end):
        person = former(w, 900, at - 10 * HOUR)
        w.agree(person, "sensitive_data", w.ago(890))
        health = {"name": "health", "category": "pd:MedicalHealth", "value": "type 1 diabetes"}
        w.add("profile_attributes", user_id=person, created_at=w.ago(889), **health)


def posts_in_advertising(w: Company) -> None:
    """In each quarter a public post is shown in an advertisement."""
    ad = {"kind": "advertising", "purpose": "advertising", "vendor_id": "google", "fields": ["event_name"], "identifier_form": "none"}
    for at in instants(w.end):
        person = resident(w, 620)
        w.agree(person, "personalised_ads", w.ago(610))
        post = w.add("content_items", user_id=person, created_at=w.ago(400), visibility="public", text="Hoy cantamos a las nueve.")
        w.add("disclosures", user_id=person, content_ids=[post], sent_at=at - 20 * DAY, **ad)
