"""Advertising: what is sent to it in clear, and from private content."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, plain_key, trim
from heytalk_audit.policy.view import View
from heytalk_audit.rules.advertising_terms import advertised, is_zeros, sampled
from heytalk_audit.rules.declared_terms import is_one_of, recipients
from heytalk_audit.rules.terms import any_flag, has, join, lookup, only_if

_BYTE = "(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
#: Values that say by their form whom they are of: an e-mail address, a telephone number, a network address.
CLEAR = (r"^[^@]+@[^@]+\.[^@]+\z", r"^\+[1-9][0-9]{6,14}\z", rf"^({_BYTE}\.){{3}}{_BYTE}\z")
UUID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z"
PRIVATE_KINDS = ("chat", "voice", "room", "transcript")


def what_samples_hold(disclosures: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """One row per sample: `sampled` (it holds anything), `clear`, `uuid` (zeros are none), `beside_zeros` (anything but zeros)."""
    t = sampled(disclosures, policy)
    accounts = users.filter(~blank(users.user_id))
    accounts = accounts.select(token=accounts.user_id, account=ibis.literal(True))
    t = join(t, lookup(accounts, "token", account=accounts.account), "token")
    clear = t.account
    for form in CLEAR:
        clear = clear | t.token.re_search(form)
    zeros = is_zeros(t.token)
    return has(t, "payload_sample", sampled=t.token.notnull(), clear=clear, uuid=t.token.re_search(UUID) & ~zeros, beside_zeros=~zeros)


def declared_for_ad_ids(vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor id: is it a recipient that device identifiers are declared for."""
    wanted = {plain_key(name) for name in policy.setting("ad_id_declared_for")}
    v = recipients(vendors, policy)
    takes = any_flag([sure(v.recipient == code) for code in policy.declared.vendors if plain_key(code) in wanted])
    return v.select("vendor_id", takes_ad_ids=policy.depending(takes, "ad_id_declared_for"))


@rule("SHA-03", severity="critical", clauses=["CL-102", "CL-103", "CL-107", "CL-139"], looks_in=["disclosures.payload_sample"])
def clear_identifier_to_advertisers(disclosures: ir.Table, users: ir.Table, vendors: ir.Table, policy: View) -> Check:
    """Advertising partners receive no value that identifies a person in clear."""
    d = join(advertised(disclosures, policy), what_samples_hold(disclosures, users, policy), "payload_sample")
    u = one_row_each(users, policy)
    d = join(d, lookup(u, "user_id", person_name=only_if(~blank(u.display_name), trim(u.display_name))))
    d = join(d, declared_for_ad_ids(vendors, policy), "vendor_id")
    return Check(d, sent_in_clear(d), by=("vendor_id", "identifier_form"))


def sent_in_clear(disclosures: ir.Table) -> list[Condition]:
    """Disclosures with an identifier or a value in clear."""
    d = disclosures
    ad_id = sure(d.identifier_form == "ad_id")
    return [
        unknown("identifier_form_missing", blank(d.identifier_form)),
        passes(ad_id & d.sampled & ~d.beside_zeros),
        violation("plain_identifier", sure(d.identifier_form == "plain")),
        violation("clear_value", d.clear | sure(trim(d.payload_sample) == d.person_name)),
        violation("raw_ad_id", ad_id & ~d.takes_ad_ids),
        review("ad_id_declared", ad_id),
        review("uuid_value", d.uuid),
    ]


def private_fields(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per list of fields: is one of them of private words or voices."""
    names = disclosures.select("fields").distinct()
    names = names.mutate(name=names.fields.unnest())
    return has(names, "fields", private=is_one_of(names.name, policy.declared.lists["private_fields"]))


def privacy(content: ir.Table) -> ir.Table:
    """One row per content id: `exists`, `secret` (by its kind), `hidden` (not public), `unsaid` (nobody can tell), deleted_at."""
    return lookup(
        content,
        "content_id",
        exists=content.content_id.notnull(),
        secret=sure(content.kind.isin(PRIVATE_KINDS)),
        hidden=~blank(content.visibility) & sure(content.visibility != "public"),
        unsaid=blank(content.visibility),
        deleted_at=content.deleted_at,
    )


def content_named(disclosures: ir.Table, content: ir.Table) -> ir.Table:
    """One row per list of content ids: `named` (it names any), `lost` (some is not among the items), what the others are, and when the
    first of them was deleted."""
    ids = disclosures.select("content_ids").distinct()
    ids = ids.mutate(content_id=ids.content_ids.unnest())
    ids = ids.filter(~blank(ids.content_id))
    ids = join(ids, privacy(content.semi_join(ids, "content_id")), "content_id")
    return ids.group_by("content_ids").agg(
        named=ids.content_id.notnull().any(),
        lost=(~ids.exists).any(),
        first_deleted=ids.deleted_at.min(),
        **{flag: ids[flag].any() for flag in ("secret", "hidden", "unsaid")},
    )


@rule("SHA-11", severity="critical", clauses=["CL-102"], looks_in=["disclosures.content_ids", "disclosures.fields"])
def private_content_to_advertisers(disclosures: ir.Table, content_items: ir.Table, policy: View) -> Check:
    """Advertising partners receive nothing from chats, voice messages or content that is not public."""
    # what a list holds is asked of every kind: one that is a wrong value stays in the population
    sent = disclosures.filter(policy.in_period_or_undated(disclosures.sent_at))
    d = sent.filter(sent.kind == "advertising")
    d = join(join(d, private_fields(sent, policy), "fields"), content_named(sent, content_items), "content_ids")
    d = d.filter(d.private | d.named)
    return Check(d, out_of_private_content(d), by=("vendor_id",))


def out_of_private_content(disclosures: ir.Table) -> list[Condition]:
    """Disclosures with a private field, or that name content which is private or deleted."""
    d = disclosures
    return [
        violation("private_field", d.private),
        violation("private_content", d.secret),
        violation("content_deleted", sure(d.first_deleted <= d.sent_at)),
        violation("content_not_public", d.hidden),
        unknown("content_not_found", d.lost),
        unknown("visibility_missing", d.unsaid),
        unknown("clock_missing", d.sent_at.isnull()),
    ]
