"""What follows a disclosure: word of an erasure, a change of owner, and the country where the data then lies."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, key
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import refusals
from heytalk_audit.rules.declared_terms import code_of, is_one_of
from heytalk_audit.rules.sharing_terms import is_aggregate, only_codes
from heytalk_audit.rules.terms import delivered, join, lookup, nothing, only_if

#: Kinds of disclosure to who handles data for the company, the purpose of the word that a person was erased, and what it may hold.
HANDLING, NOTICE, IDENTIFIERS = ("processor", "sdk"), "legalcompliance", ("user_id", "open_id", "device_identifier", "android_id")


def erased(users: ir.Table, purge_log: ir.Table, policy: View) -> ir.Table:
    """One row per person whose account was erased: `erased_at`, the last time on record, and `anew_at`, when somebody registered under the
    same id after it."""
    logged = purge_log.filter(purge_log.table_name == "users", policy.by_now(purge_log.purged_at))
    past = policy.by_now(users.purged_at)
    gone = users.filter(past | (users.status == "purged"))
    gone = gone.select("user_id", erased_at=only_if(policy.by_now(gone.purged_at), gone.purged_at))
    gone = ibis.union(gone, logged.select("user_id", erased_at=logged.purged_at))
    gone = gone.filter(~blank(gone.user_id)).group_by("user_id").agg(erased_at=gone.erased_at.max())
    gone = join(gone, lookup(users, "user_id", created_at=users.created_at))
    return gone.select("user_id", "erased_at", anew_at=only_if(sure(gone.created_at > gone.erased_at), gone.created_at))


def taken_back(users: ir.Table, purge_log: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """One row per person who was erased (`erased`), or who refuses personalised advertising now (`refused_at`), with `anew_at` as above.

    Who registered anew under the id of an erased person is another: what they refuse stands in a row of its own.
    """
    gone = erased(users, purge_log, policy)
    refused = refusals(consents, policy)
    refused = refused.filter(refused.purpose == "personalised_ads", ~blank(refused.user_id))
    refused = refused.group_by("user_id").agg(refused_at=refused.negative_since.min())
    alive = join(refused, gone)
    alive = alive.filter(alive.erased_at.isnull() | sure(alive.refused_at >= alive.anew_at))
    gone = join(gone, refused)
    gone = gone.mutate(refused_at=only_if(gone.anew_at.isnull(), gone.refused_at), erased=ibis.literal(True))
    alive = alive.select("user_id", "refused_at", "anew_at", erased_at=nothing(gone.erased_at), erased=ibis.literal(False))
    return ibis.union(gone, alive.select(gone.columns))


def shared(disclosures: ir.Table, policy: View) -> ir.Table:
    """What was disclosed by the audit's instant to recipients that must hear of an erasure: all but authorities; with `passed_on`, whether
    it may have been the word of one."""
    d = disclosures.filter(~blank(disclosures.vendor_id), policy.by_now(disclosures.sent_at), disclosures.kind != "legal")
    d = join(d, only_identifiers(d, policy), "fields")
    word = sure(d.kind.isin(HANDLING)) & sure(key(d.purpose) == NOTICE) & d.identifies
    return d.select("disclosure_id", "user_id", "vendor_id", "kind", "identifier_form", "sent_at", passed_on=word)


def only_identifiers(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per list of fields: does it hold identifiers, and nothing else (`identifies`)."""
    names = disclosures.select("fields").distinct()
    names = names.mutate(name=names.fields.unnest())
    identifier = is_one_of(names.name, only_codes(IDENTIFIERS, policy.declared.fields))
    return names.group_by("fields").agg(identifies=identifier.all())


def last_to_each(disclosures: ir.Table, people: ir.Table) -> ir.Table:
    """Of these people, the latest disclosure to each recipient that must hear of it, whether any of them was `identified`, and when the
    recipient was told (`notified_at`).

    Of the erased, every recipient; of those who refuse, each that was sent something for advertising before. The word of an erasure is
    no disclosure of its own.
    """
    d = disclosures.inner_join(people, "user_id")
    d = d.filter(~sure(d.erased.ifelse(d.sent_at >= d.anew_at, d.sent_at < d.anew_at)))
    d = d.filter(d.erased | (sure(d.sent_at < d.refused_at) & (d.kind == "advertising")))
    notice = d.passed_on & sure(d.sent_at >= d.erased_at)
    pair = ["user_id", "vendor_id", "erased"]
    d = d.mutate(notified_at=only_if(notice, d.sent_at).min().over(ibis.window(group_by=pair)), notice=notice)
    d = d.filter(~d.notice)
    latest = ibis.window(group_by=pair, order_by=[d.sent_at.desc(), d.disclosure_id.desc()])
    d = d.mutate(
        identified=(~sure(d.identifier_form == "none")).any().over(ibis.window(group_by=pair)), place=ibis.row_number().over(latest)
    )
    d = d.filter(d.place == 0)
    return d.select([name for name in d.columns if name not in ("place", "notice", "passed_on")])


def of_nobody(disclosures: ir.Table, like: ir.Table) -> ir.Table:
    """The latest disclosure to each recipient that has an identifier and no person, with the columns of `like`."""
    d = disclosures.filter(blank(disclosures.user_id), ~sure(disclosures.identifier_form == "none"))
    latest = ibis.window(group_by="vendor_id", order_by=[d.sent_at.desc(), d.disclosure_id.desc()])
    d = d.mutate(place=ibis.row_number().over(latest)).filter(lambda t: t.place == 0)
    return d.select(**{name: d[name] if name in d.columns else nothing(like[name]) for name in like.columns})


@rule("SHA-10", severity="medium", clauses=[])
def passed_on_to_recipients(disclosures: ir.Table, users: ir.Table, purge_log: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Recipients are notified when a person is erased or refuses personalised advertising, and receive nothing about an erased person."""
    sent = shared(disclosures, policy)
    d = last_to_each(sent, taken_back(users, purge_log, consents, policy))
    d = ibis.union(d, of_nobody(sent, d))
    return Check(d, not_passed_on(d, policy), by=("vendor_id", "kind"))


def not_passed_on(disclosures: ir.Table, policy: View) -> list[Condition]:
    """Disclosures (as of `last_to_each`) whose recipient got more after an erasure, or did not hear of it in time."""
    d = disclosures
    due = policy.plus_days(policy.date(d.erased_at.fill_null(d.refused_at)), "recipient_notice_days")
    return [
        unknown("user_missing", blank(d.user_id)),
        *sent_after_erasure(d, policy),
        passes(~d.identified | sure(policy.date(d.notified_at) <= due)),
        review("no_record_of_notice", sure(policy.today > due), due),
    ]


def sent_after_erasure(disclosures: ir.Table, policy: View) -> list[Condition]:
    """Disclosures of a person after the person was erased."""
    after = sure(disclosures.erased) & sure(disclosures.sent_at > disclosures.erased_at)
    return [
        unknown("clock_missing", sure(disclosures.erased) & disclosures.erased_at.isnull()),
        review("clock_skew", after & sure(disclosures.sent_at <= policy.after(disclosures.erased_at, "skew_seconds"))),
        violation("sent_after_erasure", after),
    ]


@rule("SHA-12", severity="low", clauses=["CL-146"])
def change_of_control_recorded(disclosures: ir.Table) -> Check:
    """Data passes to a new owner only in a recorded and approved transaction."""
    d = disclosures.filter(disclosures.kind == "corporate")
    return Check(
        d,
        [
            passes(is_aggregate(d)),
            violation("reference_missing", blank(d.reference)),
            review("approver_missing", blank(d.approved_by)),
        ],
        by=("vendor_id",),
    )


def country(text: ir.StringValue, policy: View) -> ir.StringValue:
    """A country's code of two letters, which three may stand for; null where it is none."""
    # one text in which every code of three letters is followed by that of two: a branch for each would be hundreds
    codes = ibis.literal("".join(f"|{long}{short}" for short, (_, long) in policy.declared["countries"].by_key().items()))
    at = codes.find("|" + key(text))
    three = only_if(sure(key(text).re_search("^[a-z]{3}$") & (at >= 0)), codes.substr(at + 4, 2))
    return ibis.coalesce(only_if(sure(key(text).re_search("^[a-z][a-z]$")), text), three)


def homes(disclosures: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Each vendor with each `home` of the people whose data it got: their law region, else that of their country; null if not known.

    A country that is of no region stands for itself.
    """
    d = disclosures.filter(~blank(disclosures.vendor_id), ~is_aggregate(disclosures))
    d = d.select("vendor_id", "user_id").distinct()
    d = join(d, lookup(users, "user_id", law_region=users.law_region, country=users.country))
    d = d.select("vendor_id", "law_region", "country").distinct()
    named = only_if(~blank(d.law_region) & (d.law_region != "OTHER"), d.law_region)
    home = named.fill_null(code_of(country(d.country, policy), policy.declared["law_regions"]))
    return d.select("vendor_id", home=home).distinct()


@rule("SHA-13", severity="high", clauses=[])
def transfer_declared(vendors: ir.Table, disclosures: ir.Table, users: ir.Table, policy: View) -> Check:
    """Data leaves a person's legal region only if the policy says so."""
    v = policy.named("receiving", receiving(vendors, homes(disclosures, users, policy), policy))
    record, row = "vendors:" + v.vendor_id, {"vendors": "vendor_id"}
    return Check(v, transferred(v, policy), record=record, by=("vendor_id", "category"), stands_for=row)


def transferred(vendors: ir.Table, policy: View) -> list[Condition]:
    """Vendors (as of `receiving`) that got data of people whose region they are not in."""
    v = vendors
    return [
        unknown("vendor_not_registered", ~v.registered),
        unknown("country_missing", blank(v.place)),
        unknown("country_unreadable", v.country.isnull()),
        review("transfer_without_tool", v.abroad & ~v.tool),
        review("transfer_with_tool", v.abroad),
        unknown("region_missing", v.homeless),
    ]


def receiving(vendors: ir.Table, homes: ir.Table, policy: View) -> ir.Table:
    """One row per vendor in `homes`: `registered`, `place` and `country` (as given, and its code), category, `tool` (a transfer tool is on
    record), and whether it got data from `abroad`, and of the `homeless`, whose region nobody can tell."""
    facts = {"registered": vendors.vendor_id.notnull(), "tool": ~blank(vendors.transfer_tool)}
    v = lookup(vendors, "vendor_id", **facts, place=vendors.country, **delivered(vendors, "category"))
    v = v.mutate(country=country(v.place, policy))
    d = join(homes, v, "vendor_id")
    abroad = d.home != code_of(d.country, policy.declared["law_regions"])
    d = d.group_by("vendor_id").agg(abroad=sure(abroad).any(), homeless=d.home.isnull().any())
    return join(d, v, "vendor_id")
