"""Minors and birth dates: younger by a day than the law allows, and implausible dates."""

from __future__ import annotations

import datetime as dt

from heytalk_audit.demo.plants.story import DAY, SECOND, send, story
from heytalk_audit.demo.world import World, months_later

#: Law region to the lowest age for an account there.
YOUNGEST = {"EEA": 16, "UK": 13, "TR": 18, "US-CA": 13, "CN": 14, "OTHER": 13}


def birthday(day: dt.date, age: int) -> dt.date:
    """The latest birth date of people who have reached that age by that day."""
    return months_later(day, -12 * age)


@story
def too_young(w: World) -> None:
    """Of age on the day of registration, or one day later."""
    at = w.about(700)
    for region, age in (*YOUNGEST.items(), (None, max(YOUNGEST.values()))):
        w.user(created_at=at, law_region=region, birth_date=birthday(at.date(), age))
        u = w.user(created_at=at, law_region=region, birth_date=birthday(at.date(), age) + DAY)
        w.find("MIN-01", "users", u, *(("review", "below_law_age") if region else ("unknown", "region_missing")))


@story
def leap_birthday(w: World) -> None:
    """Who was born on a 29 February is a year older on 1 March, where the year has no such day."""
    years = range(w.today.year - 16, w.today.year - 30, -1)
    born = next(dt.date(y, 2, 29) for y in years if y % 4 == 0)
    day = dt.date(born.year + 13, 3, 1)
    for at in (day, day - DAY):
        u = w.user(law_region="UK", birth_date=born, created_at=w.noon(at))
        if at != day:
            w.find("MIN-01", "users", u, "review", "below_law_age")


@story
def birth_in_doubt(w: World) -> None:
    w.find("MIN-02", "users", w.user(birth_date=None), "violation", "birth_date_missing")
    at = w.about(700)
    u = w.user(created_at=at, birth_date=at.date() + DAY)
    w.find("MIN-01", "users", u, "unknown", "birth_date_implausible")
    w.find("MIN-02", "users", u, "violation", "born_after_creation")
    w.find("MIN-03", "users", u, "unknown", "birth_date_implausible")
    u = w.user(birth_date=birthday(w.today, 111))
    w.find("MIN-01", "users", u, "unknown", "birth_date_implausible")
    w.find("MIN-02", "users", u, "violation", "too_old")
    w.user(birth_date=birthday(w.today, 111) + DAY)


@story
def minors_targeted(w: World) -> None:
    at = w.ago(20)
    for grown in (True, False):
        born = birthday(at.date(), 18) + DAY * (not grown)
        for channel in ("email", "push"):
            u = w.user(birth_date=born)
            w.agree(u, f"marketing_{channel}", w.about(100))
            send(w, u, at, channel)
            if not grown:
                w.find("MIN-03", "users", u, "violation", "marketing_send")
        u = w.user(birth_date=born)
        w.agree(u, "marketing_email", w.about(100))
        send(w, u, at, status="bounced")
        if not grown:
            w.find("MIN-03", "users", u, "review", "bounced_send")
        u = w.user(birth_date=born)
        w.agree(u, "personalised_ads", w.about(100))
        advertised(w, u, at)
        if not grown:
            w.find("MIN-03", "users", u, "violation", "ad_disclosure")
    u = w.user(birth_date=birthday(w.today, 17), law_region="UK")
    send(w, u, at, status="suppressed")
    w.agree(u, "personalised_ads", w.about(200))
    advertised(w, u, w.quarter - SECOND)
    w.add("disclosures", user_id=u, sent_at=at)
    for born in (birthday(w.today, 18), birthday(w.today, 18) + DAY):
        u = w.user(birth_date=born, profile_visibility="public")
        if born != birthday(w.today, 18):
            w.find("MIN-03", "users", u, "review", "public_profile")


def advertised(w: World, user: str, at: dt.datetime) -> str:
    """A disclosure to an advertising network."""
    ad = {"kind": "advertising", "purpose": "advertising", "vendor_id": "admost", "identifier_form": "none"}
    return w.add("disclosures", user_id=user, sent_at=at, **ad)


def repeated_dates(w: World) -> None:
    """One birth date on too many accounts, and one on as many as there may be: on one in a hundred, or on nineteen."""
    most = max(19, (w.birth_dates.total() - 99) // 98 + 1)
    allowed, repeated = [day for year in range(1990, 1940, -1) if (day := dt.date(year, 1, 1)) not in w.birth_dates][:2]
    for _ in range(most):
        w.user(birth_date=allowed)
    for _ in range(most + 1):
        w.find("MIN-02", "users", w.user(birth_date=repeated), "review", "repeated_date")
