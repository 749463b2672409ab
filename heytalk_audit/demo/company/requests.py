"""Requests of people, answered in nine days, refused for a listed reason, or kept up over the holidays until they were late."""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.company.history import DAY, HOUR, Company, instants
from heytalk_audit.demo.company.people import Person
from heytalk_audit.demo.company.residents import resident

KINDS = ("access", "portability", "rectify", "object", "restrict", "withdraw")


def ask(w: Company, p: Person) -> None:
    """One person in seventeen makes a request, which is answered in time."""
    if p.index % 17 != 2:
        return
    kind = KINDS[p.index // 17 % len(KINDS)]
    if kind in KINDS[3:] and p.chance[9] <= 0.5:
        kind = "access"  # who gets marketing objects in a story of its own
    if kind in ("rectify", "withdraw") and p.key in w.departures:
        kind = "portability"  # once a person is purged, nobody can tell what became of these
    received = p.at(0.15 + 0.8 * p.chance[3])
    answered = received + 9 * DAY
    values: dict[str, Any] = {"kind": kind, "received_at": received, "answered_at": answered, "law_region": p.region}
    values["outcome"] = w.by_now(answered, "done", "open")
    values |= particulars(w, p, kind, values)
    w.add("rights_requests", user_id=p.key, **values)


def particulars(w: Company, p: Person, kind: str, request: dict[str, Any]) -> dict[str, Any]:
    """What a request of its kind has beside its dates."""
    received, answered = request["received_at"], request["answered_at"]
    if kind in KINDS[3:]:
        return {"objection_scope": "marketing"}
    if kind == "rectify":
        values = {"name": "occupation", "category": "pd:Occupation", "value": "nurse", "visibility": "private"}
        w.add("profile_attributes", user_id=p.key, created_at=received + 5 * DAY, **values)
        return {}
    if p.index // 17 % 4 == 1:
        outcome = w.by_now(answered, "refused", "open")
        return {"outcome": outcome, "refusal_reason": w.by_now(answered, "other_users_privacy", None)}
    if p.index // 17 % 4 == 2:
        consent = {"third_party_consent_at": answered - DAY}
        return {"third_party_content": True} | consent
    held = w.by_now(answered, False, w.by_now(received + 3 * DAY, True, False))
    proof = {"identity_asked_at": received + DAY, "identity_ok_at": received + 3 * DAY, "id_document_held": held}
    return {"channel": "email"} | proof


def some_of_each(w: Company) -> None:
    """In each quarter a refusal, an answer with other people's words, and a proof of identity; and withdrawals that were carried out."""
    for at in instants(w.end):
        received, answered = at - 48 * DAY, at - 39 * DAY
        for more in (
            {"outcome": w.by_now(answered, "refused", "open"), "refusal_reason": w.by_now(answered, "other_users_privacy", None)},
            {"third_party_content": True, "third_party_consent_at": answered - DAY},
            {"channel": "email", "identity_asked_at": received + DAY, "identity_ok_at": received + 2 * DAY},
        ):
            request = {"kind": "access", "received_at": received, "answered_at": answered, "law_region": "EEA"}
            outcome = {"outcome": w.by_now(answered, "done", "open")}
            w.add("rights_requests", user_id=resident(w, 700), **request | outcome | more)
        person, received = resident(w, 640), at - 30 * DAY
        w.agree(person, "personalised_ads", w.ago(630))
        w.add(
            "rights_requests",
            user_id=person,
            kind="opt_out",
            objection_scope="advertising",
            received_at=received,
            **carried_out(w, received),
        )
        w.add("consents", user_id=person, purpose="personalised_ads", action="opt_out", event_at=received + 4 * HOUR)


def carried_out(w: Company, received: dt.datetime) -> dict[str, Any]:
    """Answer and outcome of a request that is carried out within six hours."""
    return {"answered_at": received + 6 * HOUR, "outcome": w.by_now(received + 6 * HOUR, "done", "open")}


def kept_up_over_the_holidays(w: Company, people: list[str]) -> None:
    """Requests of the holidays lay until February: nobody stood in for the person who answers them."""
    for n, person in enumerate(people):
        received, answered = w.ago(98 - n), w.ago(38) + n * HOUR
        outcome = w.by_now(answered, "done", "open")
        request = {"kind": "access", "received_at": received, "answered_at": answered, "outcome": outcome, "law_region": "EEA"}
        key = w.add("rights_requests", user_id=person, channel="form", **request)
        if w.has_come(answered) and w.in_quarter(answered):
            w.find("RGT-02", "rights_requests", key, "violation", "answered_late")
