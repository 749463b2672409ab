"""Minors: accounts below an age, birth dates that cannot be true, what must not reach people under age."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, review, rule, unknown, violation
from heytalk_audit.audit.people import without_tests
from heytalk_audit.expressions.calendar import full_years, sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import any_flag, has, join, lookup, with_deletion


def live_users(users: ir.Table, policy: View) -> ir.Table:
    """Live accounts, with the local date of their registration (`since`)."""
    u = with_deletion(users, policy)
    u = u.filter(u.live)
    return u.mutate(since=policy.date(u.created_at))


def too_old(users: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether a birth date makes a person older today than people become."""
    return sure(full_years(users.birth_date, policy.today) > policy.years("oldest"))


def repeated(live: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """The birth dates that too many of these accounts share, in number and as a share of those that have one; tests left out."""
    dated = without_tests(live.filter(live.birth_date.notnull()), users)
    dates = dated.group_by("birth_date").agg(times=dated.count())
    # divided, not multiplied: a quotient that equals the share is rounded to the same number as the share is
    dates = dates.mutate(share=dates.times / dates.times.sum().over(ibis.window()))
    often = (dates.times >= policy.setting("birth_repeat")) & (dates.share > policy.setting("birth_share"))
    return dates.filter(often).select("birth_date", repeated=ibis.literal(True))


def reached(events: ir.Table, minors: ir.Table, policy: View) -> ir.Table:
    """Those of the period's events that met somebody who was not yet of age on that local day."""
    events = events.filter(policy.in_period(events.sent_at)).inner_join(lookup(minors, "user_id", born=minors.birth_date), "user_id")
    return events.filter(sure(full_years(events.born, policy.date(events.sent_at)) < policy.years("adulthood")))


def with_age(users: ir.Table, policy: View) -> ir.Table:
    """Live accounts with a birth date, as of `live_users`, and `age`: in full years on the local day of registration."""
    u = live_users(users, policy)
    u = u.filter(u.birth_date.notnull())
    return u.mutate(age=full_years(u.birth_date, u.since))


@rule("MIN-01", severity="high", clauses=["CL-019"])
def account_below_age(users: ir.Table, policy: View) -> Check:
    """Nobody has an account below the minimum age."""
    u = with_age(users, policy)
    stated, law = policy.setting("policy_min_age"), policy.setting("law_min_age")
    silent, least = ibis.literal(stated is None), 0 if stated is None else policy.years("policy_min_age")
    conditions = [
        unknown("clock_future", policy.future(u.created_at)),
        unknown("birth_date_implausible", sure(u.birth_date > u.since) | too_old(u, policy)),
        unknown("region_missing", silent & u.law_region.isnull() & sure(u.age < max(law.values(), default=0))),
        violation("below_policy_age", ~silent & sure(u.age < least)),
        review("below_law_age", any_flag([sure((u.law_region == region) & (u.age < age)) for region, age in law.items()])),
    ]
    return Check(u, conditions, by=("law_region",))


@rule("MIN-02", severity="medium", clauses=["CL-019", "CL-156"])
def birth_date_not_believable(users: ir.Table, policy: View) -> Check:
    """Every account has a plausible birth date."""
    u = live_users(users, policy)
    u = join(u, repeated(u, users, policy), "birth_date")
    return Check(
        u,
        [
            violation("birth_date_missing", u.birth_date.isnull()),
            violation("born_after_creation", sure(u.birth_date > u.since)),
            violation("too_old", too_old(u, policy)),
            review("repeated_date", u.repeated),
        ],
        by=("law_region",),
    )


def minors_of_the_period(users: ir.Table, policy: View) -> ir.Table:
    """Live accounts, as of `live_users`, of people who were minors when the audit's period began."""
    (start, _), u = policy.period, live_users(users, policy)
    return u.filter(sure(full_years(u.birth_date, start) < policy.years("adulthood")))


def with_advertising(minors: ir.Table, disclosures: ir.Table, messages: ir.Table, policy: View) -> ir.Table:
    """Minors with `advertised` (their data was disclosed for advertising), `written_to` (marketing was sent to them) and `bounced_to` (it
    bounced) while they were."""
    d, m = disclosures, messages
    ads = reached(d.filter(d.kind == "advertising"), minors, policy)
    sends = reached(m.filter(m.category == "marketing", m.status != "suppressed"), minors, policy)
    minors = join(minors, has(ads, "user_id", advertised=ads.user_id.notnull()))
    bounced = sure(sends.status == "bounced")
    return join(minors, has(sends, "user_id", written_to=~bounced, bounced_to=bounced))


@rule("MIN-03", severity="high", clauses=[])
def minor_advertised_to(users: ir.Table, disclosures: ir.Table, outbound_messages: ir.Table, policy: View) -> Check:
    """No advertising reaches minors, and their profiles are not public."""
    u = with_advertising(minors_of_the_period(users, policy), disclosures, outbound_messages, policy)
    minor = sure(full_years(u.birth_date, policy.today) < policy.years("adulthood"))
    conditions = [
        unknown("birth_date_implausible", sure(u.birth_date > u.since)),
        violation("ad_disclosure", u.advertised),
        violation("marketing_send", u.written_to),
        review("bounced_send", u.bounced_to),
        review("public_profile", sure(u.profile_visibility == "public") & minor),
    ]
    return Check(u, conditions, by=("law_region",))
