"""Minors: ages at which accounts begin, birth dates that can be believed, what reaches people under age."""

from __future__ import annotations

import ibis

from heytalk_audit.check import Check, review, rule, unknown, violation
from heytalk_audit.periods import sure
from heytalk_audit.rules.terms import full_years, has, join, lookup, with_deletion


@rule("MIN-01", severity="high", clauses=["CL-019"])
def account_below_age(users, policy):
    """Nobody has an account who is too young for it.

    Live accounts with a birth date; the age is that on the local day of the registration, and a 29 February birthday counts from 1 March.
    The policy states no age: below the one that the settings give it is a violation, below the law's of the person's region it is
    for a person to decide. A birth date that can't be, or a region that is not known and would decide, makes it unknown.
    """
    u = with_deletion(users, policy)
    u = u.filter(u.live, u.birth_date.notnull())
    begun = policy.date(u.created_at)
    age, least, by_law = full_years(u.birth_date, begun), policy.setting("policy_min_age"), policy.setting("law_min_age")
    lawful = ibis.cases(*[(u.law_region == region, years) for region, years in by_law.items()], else_=ibis.null("int8"))
    below = ibis.literal(False) if least is None else age < least
    no_region = u.law_region.isnull() & (age < max(by_law.values())) if least is None else ibis.literal(False)
    return Check(
        u,
        unknown("clock_future", policy.future(u.created_at)),
        unknown("birth_date_implausible", (u.birth_date > begun) | (full_years(u.birth_date, policy.today) > policy.number("oldest"))),
        unknown("region_missing", no_region),
        violation("below_policy_age", below),
        review("below_law_age", sure(age < lawful)),
        by=("law_region",),
    )


@rule("MIN-02", severity="medium", clauses=["CL-019", "CL-156"])
def birth_date_not_believable(users, policy):
    """Every account has a birth date that can be believed.

    Live accounts. A missing date, one after the registration, or an age beyond belief is a violation. A date that very many share, in
    number and as a part of all dates, looks like a default and is for a person to decide.
    """
    u = with_deletion(users, policy)
    u = u.filter(u.live)
    dated = u.filter(u.birth_date.notnull(), ~sure(u.is_test))
    alike = dated.group_by("birth_date").agg(alike=dated.count())
    u = join(u, alike, "birth_date").cross_join(dated.agg(dated=dated.count()))
    often = (u.alike >= policy.setting("birth_repeat")) & (u.alike / u.dated > policy.setting("birth_share"))
    return Check(
        u,
        violation("birth_date_missing", u.birth_date.isnull()),
        violation("born_after_creation", sure(u.birth_date > policy.date(u.created_at))),
        violation("too_old", sure(full_years(u.birth_date, policy.today) > policy.number("oldest"))),
        review("repeated_date", sure(often)),
    )


@rule("MIN-03", severity="high", clauses=[])
def minor_advertised_to(users, disclosures, outbound_messages, policy):
    """No advertising reaches minors, and their profiles are not public.

    Live accounts of people under age at the period's start. Data of theirs disclosed for advertising, or marketing sent to them, in the
    period and while under age, is a violation; a public profile is for a person to decide.
    """
    u = with_deletion(users, policy)
    adult, (start, _) = policy.number("adulthood"), policy.period
    u = u.filter(u.live, full_years(u.birth_date, start) < adult)

    def reached(rows):
        rows = join(rows.filter(policy.in_period(rows.sent_at)), lookup(users, "user_id", birth_date=users.birth_date))
        return rows.filter(full_years(rows.birth_date, policy.date(rows.sent_at)) < adult)

    ads = reached(disclosures.filter(disclosures.kind == "advertising"))
    sends = reached(outbound_messages.filter(outbound_messages.category == "marketing", outbound_messages.status != "suppressed"))
    u = join(u, has(ads, "user_id", advertised=ads.user_id.notnull()))
    u = join(u, has(sends, "user_id", marketed=sends.user_id.notnull()))
    return Check(
        u,
        unknown("birth_date_implausible", sure(u.birth_date > policy.date(u.created_at))),
        violation("ad_disclosure", u.advertised),
        violation("marketing_send", u.marketed),
        review("public_profile", sure(u.profile_visibility == "public") & (full_years(u.birth_date, policy.today) < adult)),
        by=("law_region",),
    )
