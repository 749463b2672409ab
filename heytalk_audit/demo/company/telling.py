"""The whole history of the company: its office, its people and what they do, and its stories."""

from __future__ import annotations

import numpy as np

from heytalk_audit.demo.company import office, requests, stories
from heytalk_audit.demo.company.history import Company
from heytalk_audit.demo.company.life import live
from heytalk_audit.demo.company.people import chances, person, sign_ups
from heytalk_audit.demo.company.residents import resident
from heytalk_audit.demo.company.traffic import add_traffic


def tell(w: Company, users: int, rng: np.random.Generator) -> dict[str, str]:
    """Tell the history of a company of `users` accounts, beside those of the stories; returns whom it is about, by role."""
    office.open_office(w)
    people = []
    for index, (created, chance) in enumerate(zip(sign_ups(users, w), chances(users, rng), strict=True)):
        p = person(w, index, created, chance)
        if p is not None:
            live(w, p)
            requests.ask(w, p)
            people.append(p)
        w.forget_phones()
    add_traffic(w, people, rng)
    return tell_stories(w)


def tell_stories(w: Company) -> dict[str, str]:
    """What the company does beside its daily business, and what went wrong; returns whom it is about, by role."""
    residents = [resident(w, 650 + n) for n in range(20)]
    advertised = resident(w, 700)
    w.agree(advertised, "personalised_ads", w.ago(690))
    office.contract_that_ran_out(w, advertised)
    office.authorities_and_a_sale(w, residents[:6])
    office.holds(w, residents[6:12])
    requests.some_of_each(w)
    requests.kept_up_over_the_holidays(w, residents[:7])
    for story in (
        stories.purge_that_stood_still,
        stories.advertised_to_minors,
        stories.addresses_that_were_rewritten,
        stories.consent_bundled_with_the_terms,
        stories.phones_left_behind,
        stories.banned_and_gone,
        stories.deleted_today,
        stories.posts_in_advertising,
    ):
        story(w)
        w.forget_phones()
    stories.update_that_sends_too_much(w, residents[10:])
    stories.form_that_asks_too_much(w, residents[:18])
    about = {"complainant": stories.mailed_from_an_old_list(w), "erased person": stories.erased(w)}
    office.seats(w)
    office.free_texts(w)
    return about
