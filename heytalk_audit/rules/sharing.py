"""Who receives data, for what, and on what ground: each against what the policy declares by name."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import is_one_of, recipients
from heytalk_audit.rules.sharing_terms import COMMERCIAL, only_codes
from heytalk_audit.rules.terms import any_flag, has, join, lookup

#: Kinds of disclosure that follow a duty or a sale.
NOT_COMMERCIAL = ("legal", "corporate")


@rule(
    "SHA-01",
    severity="high",
    clauses=["CL-008", "CL-062", "CL-068", "CL-073", "CL-077", "CL-081", "CL-094", "CL-099", "CL-137", "CL-145"],
)
def recipient_declared(vendors: ir.Table, disclosures: ir.Table, policy: View) -> Check:
    """Data goes only to recipients that the policy names."""
    rows = every_vendor(vendors, disclosures, policy)
    record, row = "vendors:" + rows.vendor_id, {"vendors": "vendor_id"}
    return Check(rows, not_named(rows, policy), record=record, by=("vendor_id",), stands_for=row)


def every_vendor(vendors: ir.Table, disclosures: ir.Table, policy: View) -> ir.Table:
    """The vendors of the register and those that something was disclosed to commercially, with what `recipients` says of
    each, and its `vendor_category`."""
    seen = disclosures.filter(~blank(disclosures.vendor_id))
    seen = has(seen, "vendor_id", disclosed=seen.vendor_id.notnull(), commercial=~sure(seen.kind.isin(NOT_COMMERCIAL)))
    register = recipients(vendors, policy)
    rows = ibis.union(seen.select("vendor_id"), register.select("vendor_id")).distinct()
    rows = join(join(rows, seen, "vendor_id"), register, "vendor_id")
    rows = join(rows, lookup(vendors, "vendor_id", vendor_category=vendors.category), "vendor_id")
    return rows.filter(~rows.disclosed | rows.commercial)


def not_named(vendors: ir.Table, policy: View) -> list[Condition]:
    """Vendors (as of `every_vendor`) that are no recipient whom the policy names."""
    undeclared = vendors.recipient.isnull()
    unnamed = list(policy.declared["unnamed_categories"].codes)
    return [
        unknown("vendor_not_registered", ~vendors.registered),
        unknown("vendor_ambiguous", vendors.ambiguous),
        unknown("vendor_name_missing", undeclared & blank(vendors.vendor_name)),
        unknown("category_missing", undeclared & blank(vendors.vendor_category)),
        review("declared_by_category_only", undeclared & sure(vendors.vendor_category.isin(unnamed))),
        violation("undeclared_recipient", undeclared),
    ]


def judged_purposes(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per purpose as written: is it `stated` at all, `listed`, `support`, and for each declared recipient `for_<code>`."""
    listed = Codes(None, dict.fromkeys(policy.declared.purposes, ()))
    p = disclosures.select("purpose").distinct()
    theirs = {f"for_{v.code}": is_one_of(p.purpose, only_codes(v.purposes, listed)) for v in policy.declared.vendors.values()}
    support = is_one_of(p.purpose, only_codes(("customer_support",), listed))
    return has(p, "purpose", stated=~blank(p.purpose), listed=is_one_of(p.purpose, listed), support=support, **theirs)


def support_fields(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per list of fields: does it hold support data (`support_field`)."""
    names = disclosures.select("fields").distinct()
    names = names.mutate(name=names.fields.unnest())
    return has(names, "fields", support_field=is_one_of(names.name, policy.declared["support_fields"]))


@rule(
    "SHA-07",
    severity="high",
    clauses=[
        *("CL-036", "CL-050", "CL-051", "CL-059", "CL-063", "CL-069", "CL-074", "CL-078", "CL-082", "CL-105", "CL-110", "CL-111", "CL-112"),
        *("CL-113", "CL-114", "CL-115", "CL-117", "CL-118", "CL-119", "CL-120", "CL-121", "CL-122", "CL-123", "CL-125", "CL-127", "CL-138"),
    ],
)
def purpose_declared(disclosures: ir.Table, vendors: ir.Table, policy: View) -> Check:
    """Data is shared only for purposes that the policy declares for the recipient."""
    d = with_purpose(disclosures, vendors, policy)
    theirs = any_flag([sure(d.recipient == code) & d[f"for_{code}"] for code in policy.declared.vendors])
    return Check(
        d,
        [
            violation("purpose_not_declared", d.stated & ~d.listed),
            violation("support_data_for_ads", sure(d.kind == "advertising") & (d.support | d.support_field)),
            unknown("purpose_missing", ~d.stated),
            unknown("vendor_unknown", ~d.registered),
            violation("purpose_not_recipients", d.recipient.notnull() & ~theirs),
        ],
        by=("vendor_id", "kind", "purpose"),
    )


def with_purpose(disclosures: ir.Table, vendors: ir.Table, policy: View) -> ir.Table:
    """Disclosures with who the recipient is, how the purpose is judged, and whether a field is of support data."""
    d = disclosures.filter(policy.in_period_or_undated(disclosures.sent_at))
    d = join(d, recipients(vendors, policy), "vendor_id")
    return join(join(d, judged_purposes(disclosures, policy), "purpose"), support_fields(disclosures, policy), "fields")


@rule("SHA-08", severity="high", clauses=["CL-125", "CL-126", "CL-127", "CL-142", "CL-143"])
def legal_ground_listed(disclosures: ir.Table, policy: View) -> Check:
    """Data is disclosed for legal reasons only on a ground that the policy lists."""
    d = disclosures.filter(disclosures.kind == "legal", policy.in_period_or_undated(disclosures.sent_at))
    return Check(
        d,
        [
            violation("ground_missing", blank(d.legal_ground)),
            violation("ground_not_listed", ~is_one_of(d.legal_ground, policy.declared["disclosure_grounds"])),
            review("reference_missing", blank(d.reference)),
            review("approver_missing", blank(d.approved_by)),
        ],
        by=("vendor_id",),
    )


@rule("SHA-09", severity="high", clauses=["CL-104", "CL-137", "CL-138", "CL-140", "CL-141"])
def vetted_before_use(vendors: ir.Table, disclosures: ir.Table, policy: View) -> Check:
    """A vendor is vetted and under contract before it receives data, and for as long as it does."""
    v = in_use(vendors, disclosures)
    record, row = "vendors:" + v.vendor_id, {"vendors": "vendor_id"}
    return Check(v, not_bound(v, policy), record=record, by=("vendor_id",), stands_for=row)


def in_use(vendors: ir.Table, disclosures: ir.Table) -> ir.Table:
    """One row per vendor with commercial disclosures: when these `begun` and `ended`, and what the register says of its contract."""
    shares = disclosures.filter(disclosures.kind.isin(COMMERCIAL), ~blank(disclosures.vendor_id))
    shares = shares.group_by("vendor_id").agg(begun=shares.sent_at.min(), ended=shares.sent_at.max())
    facts = {
        name: vendors[name] for name in ("vetted_at", "first_vetted_at", "contract_signed_at", "first_contract_at", "contract_end", "role")
    }
    return join(shares, lookup(vendors, "vendor_id", registered=vendors.vendor_id.notnull(), **facts), "vendor_id")


def not_bound(vendors: ir.Table, policy: View) -> list[Condition]:
    """Vendors (as of `in_use`) that got data before they were vetted, or outside their contract."""
    v = vendors
    begun, ended = policy.date(v.begun), policy.date(v.ended)
    vetted, bound = v.first_vetted_at.notnull(), v.first_contract_at.notnull()
    return [
        unknown("vendor_not_registered", ~v.registered),
        unknown("share_clock_missing", v.begun.isnull()),
        unknown("contract_dates_contradict", sure(v.contract_end < v.contract_signed_at)),
        violation("not_vetted", v.vetted_at.isnull() & ~vetted),
        violation("vetted_late", sure(v.first_vetted_at > begun)),
        violation("no_contract", v.contract_signed_at.isnull() & ~bound),
        violation("contract_late", sure(v.first_contract_at > begun)),
        violation("contract_expired", sure(v.contract_end < ended)),
        review("vetted_again", ~vetted & sure(v.vetted_at > begun)),
        review("contract_renewed", ~bound & sure(v.contract_signed_at > begun)),
        review("role_missing", blank(v.role)),
    ]
