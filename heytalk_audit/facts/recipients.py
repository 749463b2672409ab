"""Recipients: who received which data of people, for what, and what is on record of each."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import PEOPLE, TablePart, Tally, fact
from heytalk_audit.expressions.calendar import earliest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import code_of, recipients
from heytalk_audit.rules.sharing_abroad import country
from heytalk_audit.rules.terms import join, lookup

COUNTS = {"disclosures": _.disclosure_id.nunique(), "people": PEOPLE}
DAYS = {"first": _.sent_at.min(), "last": _.sent_at.max()}
#: What is on record of a recipient.
ON_RECORD = ("country", "declared", "vetted", "contract", "transfer_tool")


@fact(
    "recipients",
    title="Recipients",
    limits=("What an SDK sends from a device without a record of it is not seen.", "What a recipient passes on is not seen."),
)
def disclosed_to(disclosures: ir.Table, vendors: ir.Table, policy: View) -> Tally:
    """What was disclosed up to the audit's instant, by recipient, purpose and field: disclosures, people, and the first and last day. A
    recipient that the policy names has its code, any other its id in the register of vendors. Then each recipient, with its country, and
    whether the policy declares it, and whether a vetting, a contract in force on the audit's day and a transfer tool are on record."""
    d = disclosures.filter(policy.by_now(disclosures.sent_at))
    d = join(d, on_record(vendors, policy), "vendor_id")
    d = d.mutate(
        recipient=ibis.coalesce(d.recipient, d.vendor_id),
        purpose=code_of(d.purpose, Codes(None, dict.fromkeys(policy.declared.purposes, ()))),
    )
    d = d.mutate(**{name: d[name].fill_null("not on record") for name in ON_RECORD})
    by_recipient = TablePart(
        d, ("recipient", *ON_RECORD), COUNTS, DAYS, name="recipients", title="Recipients, and what is on record of each"
    )
    by_field = TablePart(
        with_field(d, policy), ("recipient", "purpose", "field"), COUNTS, DAYS, name="fields", title="By purpose and field"
    )
    return Tally(d, [by_recipient, by_field])


def with_field(disclosures: ir.Table, policy: View) -> ir.Table:
    """Disclosures once for each field that they name, by its declared code; those that name none once, without."""
    d = disclosures.select("disclosure_id", "user_id", "recipient", "purpose", "sent_at", "fields")
    named = d.mutate(field=d.fields.unnest()).drop("fields")
    named = named.mutate(field=code_of(named.field, policy.declared.fields))
    nameless = d.anti_join(named.select("disclosure_id").distinct(), "disclosure_id")
    return ibis.union(named, nameless.drop("fields").mutate(field=ibis.null("string")).select(named.columns))


def on_record(vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor: `recipient`, its declared code, and ON_RECORD in words."""
    facts = {name: vendors[name] for name in ("vetted_at", "first_vetted_at", "contract_signed_at", "first_contract_at", "contract_end")}
    v = lookup(vendors, "vendor_id", **facts, place=vendors.country, tool=~blank(vendors.transfer_tool))
    v = join(v, recipients(vendors, policy), "vendor_id")
    vetted = earliest(v.first_vetted_at, v.vetted_at)
    bound = sure(earliest(v.first_contract_at, v.contract_signed_at) <= policy.today) & ~sure(v.contract_end < policy.today)
    ended = sure(v.contract_end < policy.today)
    return v.select(
        "vendor_id",
        "recipient",
        country=country(v.place, policy).upper(),
        declared=v.recipient.notnull().ifelse("declared", "not declared"),
        vetted=sure(vetted <= policy.today).ifelse("vetted", "not vetted"),
        contract=ibis.cases((bound, "in force"), (ended, "ended"), else_="none"),
        transfer_tool=v.tool.ifelse("on record", "none"),
    )
