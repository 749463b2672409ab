"""Advertising data that is said to be anonymous, put to the test: whoever knows an address knows its digest."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.digests import (
    ALGORITHMS,
    digests_of,
    email_forms,
    forms_of,
    has_seldom_forms,
    has_uniform_form,
    id_forms,
    in_small_letters,
    phone_forms,
    seldom_emails,
    seldom_forms_of,
    uniform_phones,
)
from heytalk_audit.expressions.strings import blank, lower, raised, trim
from heytalk_audit.policy.view import View
from heytalk_audit.rules.advertising_terms import advertised, is_zeros, sampled
from heytalk_audit.rules.terms import has, join

DIGEST = r"^[0-9a-f]{32,128}\z"
#: What a digest may be of, in the order in which a match is named.
KINDS = ("email", "phone", "user_id", "device_id")


def sampled_digests(tokens: ir.Table) -> ir.Table:
    """One row per sample and digest in it: `payload_sample`, `digest`."""
    t = tokens.mutate(digest=lower(tokens.token))
    return t.filter(t.digest.re_search(DIGEST)).select("payload_sample", "digest").distinct()


def stored_forms(users: ir.Table, devices: ir.Table, policy: View) -> list[tuple[str, ir.Table]]:
    """Everything stored that a digest may be of, in the forms in which it may have been written: its kind, and a table of forms."""
    emails = users.filter(~blank(users.email))
    seldom = emails.filter(has_seldom_forms(emails.email))
    phones = users.filter(~blank(users.phone))
    at_home = with_calling_codes(phones.filter(has_uniform_form(phones.phone)), policy)
    ad_ids = devices.filter(~blank(devices.ad_id), ~is_zeros(devices.ad_id))
    stored = (
        ("user_id", users, "user_id", id_forms),
        ("device_id", devices, "device_id", id_forms),
        ("device_id", ad_ids, "ad_id", id_forms),
    )
    held = [(kind, table.filter(~blank(table[column])), column, written) for kind, table, column, written in stored]
    return [
        ("email", forms_of(emails, [*email_forms(emails.email), in_small_letters(emails.email)])),
        ("email", seldom_forms_of(seldom, seldom_emails(seldom.email))),
        ("phone", forms_of(phones, phone_forms(phones.phone))),
        ("phone", seldom_forms_of(at_home, uniform_phones(at_home.phone, at_home.abroad, at_home.at_home))),
        *[(kind, forms_of(table, written(table[column]))) for kind, table, column, written in held],
    ]


def with_calling_codes(users: ir.Table, policy: View) -> ir.Table:
    """Users with what telephone numbers of their country begin with `abroad` and `at_home`; null where the country is not known."""
    codes = policy.calling_codes
    c = users.select("country").distinct()
    name = raised(trim(c.country))
    abroad = name.cases(*[(country, code) for country, (code, _) in codes.items()])
    at_home = name.cases(*[(country, prefix) for country, (_, prefix) in codes.items()])
    c = policy.named("calling_codes", c.filter(c.country.notnull()).mutate(abroad=abroad, at_home=at_home))
    return join(users.select("phone", "country"), c, "country")


def recomputed(digests: ir.Table, stored: list[tuple[str, ir.Table]]) -> ir.Table:
    """One row per digest that is one of something stored: of which kinds.

    Each algorithm is joined to the digests of its own length, so that an engine computes none where none of that length was sent.
    """
    sent, matches = digests.select(sent_digest="digest").distinct(), []
    for algorithm, length in ALGORITHMS.items():
        computed = ibis.union(*[digest for kind, forms in stored for digest in digests_of(forms, kind, algorithm)])
        s = sent.filter(sent.sent_digest.length() == length)
        # by plain equality, or a filter of nulls, an engine computes each digest twice: first to ask whether it is null; and a semi join
        # would be made anew within each part of the union
        matches.append(computed.inner_join(s, computed.digest.identical_to(s.sent_digest)).drop("sent_digest"))
    m = ibis.union(*matches)
    return m.group_by("digest").agg(**{f"is_{kind}": (m.kind == kind).any() for kind in KINDS})


def followed(disclosures: ir.Table, digests: ir.Table, policy: View) -> ir.Table:
    """One row per person, vendor and digest that was sent to it on several days for that person, and nowhere for another."""
    d = disclosures.filter(disclosures.kind == "advertising", ~blank(disclosures.user_id))
    d = d.select("user_id", "vendor_id", "payload_sample", day=policy.date(d.sent_at))
    d = d.inner_join(digests, "payload_sample")
    d = d.group_by("digest", "user_id", "vendor_id").agg(begun=d.day.min(), ended=d.day.max())
    owners = d.group_by("digest").agg(least=d.user_id.min(), most=d.user_id.max())
    stable = d.filter(sure(d.begun < d.ended), ~blank(d.vendor_id))
    return stable.semi_join(owners.filter(owners.least == owners.most), "digest").select("digest", "user_id", "vendor_id")


def what_is_traced(disclosures: ir.Table, digests: ir.Table, policy: View) -> ir.Table:
    """One row per sample, person and vendor that a digest in it follows from day to day: `stable`."""
    f = followed(disclosures, digests, policy)
    f = f.inner_join(digests.view(), "digest")
    return f.select("payload_sample", "user_id", "vendor_id", stable=ibis.literal(True)).distinct()


@rule("SHA-04", severity="critical", clauses=["CL-100", "CL-102", "CL-107", "CL-108"])
def digests_that_name_people(disclosures: ir.Table, users: ir.Table, devices: ir.Table, policy: View) -> Check:
    """Data that advertising partners receive as anonymous cannot be traced to a person."""
    tokens = sampled(disclosures, policy)
    digests = policy.named("sent_digests", sampled_digests(tokens))
    population = said_to_be_anonymous(disclosures, tokens, digests, policy)
    d = join(population, what_is_recognised(digests, stored_forms(users, devices, policy)), "payload_sample")
    d = join(d, what_is_traced(disclosures, digests, policy), ["payload_sample", "user_id", "vendor_id"])
    return Check(d, traceable(d), by=("vendor_id", "identifier_form"), population=population)


def traceable(disclosures: ir.Table) -> list[Condition]:
    """Disclosures that can be traced to a person, or that nobody can put to the test."""
    return [
        unknown("no_sample", ~disclosures.sampled),
        *[violation(f"{kind}_digest", disclosures[f"is_{kind}"]) for kind in KINDS],
        violation("stable_pseudonym", disclosures.stable),
    ]


def said_to_be_anonymous(disclosures: ir.Table, tokens: ir.Table, digests: ir.Table, policy: View) -> ir.Table:
    """Disclosures for advertising in the period whose identifier is said to be hashed or whose sample holds a digest, with `sampled`: it
    has a sample."""
    d = join(advertised(disclosures, policy), has(tokens, "payload_sample", sampled=tokens.token.notnull()), "payload_sample")
    d = join(d, has(digests, "payload_sample", digested=digests.digest.notnull()), "payload_sample")
    return d.filter(sure(d.identifier_form.isin(["hashed", "keyed_hash"])) | d.digested)


def what_is_recognised(digests: ir.Table, stored: list[tuple[str, ir.Table]]) -> ir.Table:
    """One row per sample with a digest of something stored, and for each of KINDS whether it is of that: `is_<kind>`."""
    matches = digests.inner_join(recomputed(digests, stored), "digest")
    return has(matches, "payload_sample", **{f"is_{kind}": matches[f"is_{kind}"] for kind in KINDS})
