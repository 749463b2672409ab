"""Collection: only what the policy declares, and only from the sources that it names."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, trim
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.collection_terms import closeness, stores_receipt
from heytalk_audit.rules.declared_terms import is_one_of
from heytalk_audit.rules.terms import LIVE, has, join

#: Sources of a place that are more exact than the policy's; each with the reason that it gives.
EXACT_SOURCES = ("gps", "wifi", "cell")


@rule("COL-03", severity="high", clauses=["CL-058"], optional=["traffic_events"])
def location_too_close(users: ir.Table, traffic_events: ir.Table, policy: View) -> Check:
    """The app knows the country and city that an IP address reveals, and no closer location."""
    accounts = users.filter(~blank(users.city) | ~blank(users.country))
    events = traffic_events.filter(~blank(traffic_events.geo))
    places = ibis.union(places_of_accounts(accounts), places_of_events(events, policy))
    return Check(
        places,
        [*bad_source(places), *too_close(places)],
        record=places.record,
        population=ibis.union(accounts.select("user_id"), events.select("user_id")),
    )


def bad_source(places: ir.Table) -> list[Condition]:
    """A source that is more exact than the policy's, missing, contradicting the place, or not recognised; null needs none."""
    source = places.source
    return [
        *[violation(f"source_{exact}", sure(source == exact)) for exact in EXACT_SOURCES],
        unknown("source_missing", sure(source == "")),
        unknown("source_contradiction", sure(source == "none")),
        unknown("source_unrecognised", source.notnull() & ~source.isin(["ip", "user"])),
    ]


def too_close(places: ir.Table) -> list[Condition]:
    """A place that is closer than a city."""
    close = places.closeness
    return [
        violation("altitude", sure(close == "altitude")),
        review("shared_centroid", places.shared),
        violation("coordinates", sure(close == "coordinates")),
        review("coarse_coordinates", sure(close == "coarse_coordinates")),
        review("digits_in_place", sure(close == "digits_in_place") & places.typed),
        violation("digits_in_place", sure(close == "digits_in_place")),
        review("fine_text", sure(close == "fine_text")),
    ]


def places_of_accounts(accounts: ir.Table) -> ir.Table:
    """Where each account says somebody is: user_id, record, `source` (empty where missing), `place` (`typed` by
    people, perhaps), `closeness`, `shared` (never)."""
    source = blank(accounts.geo_source).ifelse("", accounts.geo_source)
    record = "users:" + accounts.user_id
    places = accounts.select("user_id", record=record, source=source, place=trim(accounts.city), typed=ibis.literal(True))
    return places.mutate(closeness=closeness(places.place), shared=ibis.literal(False))


def places_of_events(events: ir.Table, policy: View) -> ir.Table:
    """The same of each event; events have no source, and a pair of coordinates may be `shared` by very many people."""
    record = "traffic_events:" + events.event_id
    places = events.select("user_id", record=record, source=ibis.null("string"), place=trim(events.geo), typed=ibis.literal(False))
    places = places.mutate(closeness=closeness(places.place))
    return join(places, middles(places, policy), "place")


def middles(events: ir.Table, policy: View) -> ir.Table:
    """One row per pair of coordinates that so many people share that it is the middle of an area: `shared`."""
    pairs = events.filter(events.closeness.isin(["coordinates", "coarse_coordinates"]), ~blank(events.user_id))
    people = pairs.group_by("place").agg(people=pairs.user_id.nunique())
    return people.filter(people.people >= policy.setting("centroid_users")).select("place", shared=ibis.literal(True))


@rule("COL-04", severity="low", clauses=["CL-011", "CL-012", "CL-019", "CL-020", "CL-156"], optional=["purge_log"])
def registration_incomplete(users: ir.Table, purge_log: ir.Table) -> Check:
    """Every account has the name, gender and birth date that the policy requires, and a number that was never used before."""
    u, p = users.filter(users.status.isin(LIVE)), purge_log
    p = p.filter(p.table_name == "users", ~blank(p.user_id))
    u = join(u, p.group_by("user_id").agg(erased_at=p.purged_at.min()))
    return Check(
        u,
        [
            violation("user_id_reused", sure(u.erased_at < u.created_at)),
            violation("missing_name", blank(u.display_name)),
            violation("missing_gender", blank(u.gender)),
            violation("missing_birth_date", u.birth_date.isnull()),
        ],
        by=("status",),
    )


@rule("COL-05", severity="medium", clauses=["CL-016", "CL-017", "CL-031", "CL-032", "CL-079"])
def social_login_took_more(social_accounts: ir.Table, policy: View) -> Check:
    """A social login brings only the fields that the policy lists."""
    google = Codes(None, {"google": policy.declared.vendors["google"].aliases})
    s = join(social_accounts, fields_received(social_accounts, policy), "fields_received")
    return Check(
        s,
        [
            violation("field_not_declared", s.foreign),
            unknown("fields_missing", s.fields_received.isnull()),
            unknown("blank_field", s.unnamed),
            unknown("provider_missing", blank(s.provider)),
            review("beyond_openid", is_one_of(s.provider, google) & s.more),
        ],
    )


def fields_received(social_accounts: ir.Table, policy: View) -> ir.Table:
    """One row per list of fields: does it hold one that is `foreign` to the policy, `unnamed`, or `more` than an account number."""
    allowed = policy.declared["social_fields"]
    names = social_accounts.select("fields_received").distinct()
    names = names.mutate(name=names.fields_received.unnest())
    empty = blank(names.name)
    return has(
        names,
        "fields_received",
        foreign=~empty & ~is_one_of(names.name, allowed),
        unnamed=empty,
        more=~empty & ~is_one_of(names.name, Codes(None, {"openid": allowed.codes["openid"]})),
    )


@rule("COL-06", severity="high", clauses=["CL-029", "CL-030"])
def payout_details_before_a_win(promotion_entries: ir.Table, policy: View) -> Check:
    """Payout details are collected only from winners."""
    e = promotion_entries
    held, no_win = sure(e.payout_details_held), e.won_at.isnull()
    return Check(
        e,
        [
            unknown("payout_flag_missing", e.payout_details_held.isnull()),
            unknown("paid_without_win", held & no_win & e.paid_at.notnull()),
            violation("held_without_win", held & no_win),
            violation("held_before_win", held & sure(policy.before(e.won_at, "skew_seconds") > policy.as_of)),
            review("clock_skew", held & policy.future(e.won_at)),
        ],
    )


@rule("COL-08", severity="medium", clauses=["CL-033"])
def payment_without_a_receipt(transactions: ir.Table) -> Check:
    """Every payment goes through one of the two app stores and has its receipt."""
    t = transactions
    return Check(
        t,
        [
            unknown("store_missing", ~sure(t.store.isin(["app_store", "google_play", "other"]))),
            violation("undeclared_store", sure(t.store == "other")),
            review("receipt_format", ~sure(stores_receipt(t))),
        ],
        by=("store",),
    )
