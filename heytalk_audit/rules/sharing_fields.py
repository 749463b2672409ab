"""Which data a recipient gets: field by field, against the list that binds it."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import code_of, is_one_of, recipients
from heytalk_audit.rules.sharing_terms import COMMERCIAL, is_aggregate, only_codes
from heytalk_audit.rules.terms import any_flag, has, join


def with_list(sent: ir.Table, vendors: ir.Table, policy: View) -> ir.Table:
    """Vendors, kinds and lists of fields, with who the recipient is and whether a list binds it: `own` (the policy's), `listed` (any).

    Where the policy has no list for it, what the register declares is the list, unless nobody can tell who the recipient is.
    """
    sent = join(sent, recipients(vendors, policy), "vendor_id")
    sent = join(sent, has(vendors, "vendor_id", registers=vendors.declared_fields.notnull()), "vendor_id")
    lists = [v for v in policy.declared.vendors.values() if v.fields is not None]
    own = any_flag([sure(sent.recipient == v.code) & (sure(sent.kind.isin(v.kinds)) if v.kinds else True) for v in lists])
    return sent.mutate(own=own, listed=own | (sent.registered & ~sent.ambiguous & sent.registers))


def in_policy_list(names: ir.Table, policy: View, *parts: str) -> ir.BooleanValue:
    """Whether a name is in these parts of the policy's list for its recipient."""
    in_list = []
    for v in policy.declared.vendors.values():
        codes = only_codes(tuple(field for part in parts for field in getattr(v, part) or ()), policy.declared.fields)
        if codes.codes:
            in_list.append(sure(names.recipient == v.code) & is_one_of(names.name, codes))
    return any_flag(in_list)


def registered_fields(vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor and field that the vendor register declares for it: vendor_id, `field`, `in_register`."""
    register = vendors.select("vendor_id", field=vendors.declared_fields.unnest())
    register = register.mutate(field=code_of(register.field, policy.declared.fields))
    return register.filter(register.field != "").distinct().mutate(in_register=True)


def judged_fields(disclosures: ir.Table, vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor, kind and list of fields: whether a field is in `excess` of the recipient's list, `coarse` or `empty`."""
    keys = ["vendor_id", "kind", "fields"]
    sent = with_list(disclosures.select(keys).distinct(), vendors, policy)
    names = sent.mutate(name=sent.fields.unnest())
    names = names.mutate(field=code_of(names.name, policy.declared.fields))
    names = join(names, registered_fields(vendors, policy), ["vendor_id", "field"])
    accepted = names.own.ifelse(in_policy_list(names, policy, "fields", "also", "review"), names.in_register)
    coarse = names.own & in_policy_list(names, policy, "review")
    empty = blank(names.name)
    names = names.mutate(excess=names.listed & ~empty & ~accepted, coarse=coarse, empty=empty)
    by_list = names.group_by(keys).agg(excess=names.excess.any(), coarse=names.coarse.any(), empty=names.empty.any())
    return join(sent.select(*keys, "registered", "ambiguous", "listed"), by_list, keys)


@rule(
    "SHA-02",
    severity="high",
    clauses=["CL-064", "CL-065", "CL-066", "CL-070", "CL-071", "CL-075", "CL-079", "CL-083", "CL-095", "CL-096", "CL-139"],
)
def field_declared(disclosures: ir.Table, vendors: ir.Table, policy: View) -> Check:
    """A recipient receives only the fields that are declared for it."""
    d = disclosures.filter(disclosures.kind.isin(COMMERCIAL), policy.in_period_or_undated(disclosures.sent_at))
    d = d.filter(~is_aggregate(d))
    d = join(d, judged_fields(d, vendors, policy), ["vendor_id", "kind", "fields"])
    return Check(d, beyond_its_list(d), by=("vendor_id", "kind"))


def beyond_its_list(disclosures: ir.Table) -> list[Condition]:
    """Disclosures (as of `judged_fields`) with a field beyond the list that binds the recipient."""
    d = disclosures
    return [
        violation("field_not_declared", d.excess),
        unknown("fields_missing", d.fields.isnull()),
        unknown("vendor_unknown", ~d.registered | d.ambiguous),
        unknown("no_declared_list", ~d.listed),
        unknown("blank_field", d.empty),
        review("coarse_category", d.coarse),
    ]
