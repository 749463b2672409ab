"""Who receives data, which data, for what, and on what ground: each against what the policy declares by name."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import code_of, is_one_of, recipients
from heytalk_audit.rules.terms import any_flag, has, join, lookup

#: Kinds of disclosure by which a company has its data handled or used; the others follow a duty or a sale.
COMMERCIAL = ("sdk", "processor", "advertising")
NOT_COMMERCIAL = ("legal", "corporate")


def is_aggregate(disclosures: ir.Table) -> ir.BooleanValue:
    """Whether a disclosure names nobody: neither a person nor any form of identifier."""
    return blank(disclosures.user_id) & sure(disclosures.identifier_form == "none")


def only_codes(names: tuple[str, ...], codes: Codes) -> Codes:
    """Those of the codes that are named, with their synonyms."""
    return Codes(codes.clause, {name: codes.codes[name] for name in names})


@rule(
    "SHA-01",
    severity="high",
    clauses=["CL-008", "CL-062", "CL-068", "CL-073", "CL-077", "CL-081", "CL-094", "CL-099", "CL-137", "CL-145"],
)
def recipient_declared(vendors: ir.Table, disclosures: ir.Table, policy: View) -> Check:
    """Data goes only to recipients that the policy names.

    Every vendor of the register and every vendor that something was disclosed to, unless only on a legal ground or in a corporate
    transaction. A vendor is a named one by its name, else by its aliases, compared without case, spaces and punctuation. Others are a
    violation; where the policy declares their category without names, it is for a person to decide. A vendor that is not registered,
    whose aliases belong to several named ones, or without a name or category, is unknown.
    """
    seen = disclosures.filter(~blank(disclosures.vendor_id))
    seen = has(seen, "vendor_id", disclosed=seen.vendor_id.notnull(), commercial=~sure(seen.kind.isin(NOT_COMMERCIAL)))
    known = recipients(vendors, policy)
    rows = ibis.union(seen.select("vendor_id"), known.select("vendor_id")).distinct()
    rows = join(join(rows, seen, "vendor_id"), known, "vendor_id")
    rows = rows.filter(~rows.disclosed | rows.commercial)
    undeclared = rows.recipient.isnull()
    unnamed = list(policy.declared["unnamed_categories"].codes)
    return Check(
        rows,
        [
            unknown("vendor_not_registered", ~rows.registered),
            unknown("vendor_ambiguous", rows.ambiguous),
            unknown("vendor_name_missing", undeclared & blank(rows.vendor_name)),
            unknown("category_missing", undeclared & blank(rows.vendor_category)),
            review("declared_by_category_only", undeclared & sure(rows.vendor_category.isin(unnamed))),
            violation("undeclared_recipient", undeclared),
        ],
        record="vendors:" + rows.vendor_id,
        by=("vendor_id",),
    )


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
    found = []
    for v in policy.declared.vendors.values():
        codes = only_codes(tuple(field for part in parts for field in getattr(v, part) or ()), policy.declared.fields)
        if codes.codes:
            found.append(sure(names.recipient == v.code) & is_one_of(names.name, codes))
    return any_flag(found)


def judged_fields(disclosures: ir.Table, vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor, kind and list of fields: whether a field is in `excess` of the recipient's list, `coarse` or `empty`."""
    keys = ["vendor_id", "kind", "fields"]
    sent = with_list(disclosures.select(keys).distinct(), vendors, policy)
    names = sent.mutate(name=sent.fields.unnest())
    names = names.mutate(field=code_of(names.name, policy.declared.fields))
    register = vendors.select("vendor_id", field=vendors.declared_fields.unnest())
    register = register.mutate(field=code_of(register.field, policy.declared.fields))
    register = register.filter(register.field != "").distinct().mutate(in_register=True)
    names = join(names, register, ["vendor_id", "field"])
    accepted = names.own.ifelse(in_policy_list(names, policy, "fields", "also", "review"), names.in_register)
    coarse = names.own & in_policy_list(names, policy, "review")
    empty = blank(names.name)
    names = names.mutate(excess=names.listed & ~empty & ~accepted, coarse=coarse, empty=empty)
    found = names.group_by(keys).agg(excess=names.excess.any(), coarse=names.coarse.any(), empty=names.empty.any())
    return join(sent.select(*keys, "registered", "ambiguous", "listed"), found, keys)


@rule(
    "SHA-02",
    severity="high",
    clauses=["CL-064", "CL-065", "CL-066", "CL-070", "CL-071", "CL-075", "CL-079", "CL-083", "CL-095", "CL-096", "CL-139"],
)
def field_declared(disclosures: ir.Table, vendors: ir.Table, policy: View) -> Check:
    """A recipient gets only the fields that are declared for it.

    Every disclosure to what an app builds in, to a processor or to an advertiser, unless it names nobody. Fields are compared by name,
    with synonyms, with the policy's list for the recipient; where the policy has none, with the list of the vendor register. One field
    beyond the list makes a violation. Identifiers that a coarse wording of the policy may or may not cover are for a person to decide.
    Missing or blank names, a recipient that can't be told and one without any list are unknown.
    """
    d = disclosures.filter(disclosures.kind.isin(COMMERCIAL), ~is_aggregate(disclosures))
    d = join(d, judged_fields(d, vendors, policy), ["vendor_id", "kind", "fields"])
    return Check(
        d,
        [
            violation("field_not_declared", d.excess),
            unknown("fields_missing", d.fields.isnull()),
            unknown("vendor_unknown", ~d.registered | d.ambiguous),
            unknown("no_declared_list", ~d.listed),
            unknown("blank_field", d.empty),
            review("coarse_category", d.coarse),
        ],
        by=("vendor_id", "kind"),
    )


def judged_purposes(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per purpose as written: is it `said` at all, `listed`, `support`, and for each declared recipient `for_<code>`."""
    listed = Codes(None, dict.fromkeys(policy.declared.purposes, ()))
    p = disclosures.select("purpose").distinct()
    theirs = {f"for_{v.code}": is_one_of(p.purpose, only_codes(v.purposes, listed)) for v in policy.declared.vendors.values()}
    support = is_one_of(p.purpose, only_codes(("customer_support",), listed))
    return has(p, "purpose", said=~blank(p.purpose), listed=is_one_of(p.purpose, listed), support=support, **theirs)


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
    """Data is shared only for purposes that the policy declares, and for the recipient's own ones.

    Every disclosure. A purpose that the policy does not list is a violation, and so is support data in an advertising disclosure, and
    a purpose that is declared, but not for this recipient. A recipient that the policy does not name may have any listed purpose. A
    missing purpose, and a vendor that is not registered, are unknown.
    """
    d = join(disclosures, recipients(vendors, policy), "vendor_id")
    d = join(join(d, judged_purposes(disclosures, policy), "purpose"), support_fields(disclosures, policy), "fields")
    theirs = any_flag([sure(d.recipient == code) & d[f"for_{code}"] for code in policy.declared.vendors])
    return Check(
        d,
        [
            violation("purpose_not_declared", d.said & ~d.listed),
            violation("support_data_for_ads", sure(d.kind == "advertising") & (d.support | d.support_field)),
            unknown("purpose_missing", ~d.said),
            unknown("vendor_unknown", ~d.registered),
            violation("purpose_not_recipients", d.recipient.notnull() & ~theirs),
        ],
        by=("vendor_id", "kind", "purpose"),
    )


@rule("SHA-08", severity="high", clauses=["CL-125", "CL-126", "CL-127", "CL-142", "CL-143"])
def legal_ground_listed(disclosures: ir.Table, policy: View) -> Check:
    """Data is handed out for legal reasons only on a ground that the policy lists.

    Every legal disclosure. A missing ground, and one that is not listed, are violations. A listed ground without a reference, or
    without the name of who approved it, is for a person to decide.
    """
    d = disclosures.filter(disclosures.kind == "legal")
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
    """A vendor is vetted and bound by a contract before it gets data, and for as long as it does.

    Every vendor to which something was disclosed as to what an app builds in, a processor or an advertiser. Vetting and signature must
    not be later than the local day of the first disclosure, and the contract must not end before that of the last. A missing role is
    for a person to decide. A vendor that is not registered, disclosures without any time and a contract that ends before it is signed
    are unknown.
    """
    shares = disclosures.filter(disclosures.kind.isin(COMMERCIAL), ~blank(disclosures.vendor_id))
    shares = shares.group_by("vendor_id").agg(begun=shares.sent_at.min(), ended=shares.sent_at.max())
    facts = {name: vendors[name] for name in ("vetted_at", "contract_signed_at", "contract_end", "role")}
    v = join(shares, lookup(vendors, "vendor_id", registered=vendors.vendor_id.notnull(), **facts), "vendor_id")
    begun, ended = policy.date(v.begun), policy.date(v.ended)
    return Check(
        v,
        [
            unknown("vendor_not_registered", ~v.registered),
            unknown("share_clock_missing", v.begun.isnull()),
            unknown("contract_dates_contradict", sure(v.contract_end < v.contract_signed_at)),
            violation("not_vetted", v.vetted_at.isnull()),
            violation("vetted_late", sure(v.vetted_at > begun)),
            violation("no_contract", v.contract_signed_at.isnull()),
            violation("contract_late", sure(v.contract_signed_at > begun)),
            violation("contract_expired", sure(v.contract_end < ended)),
            review("role_missing", blank(v.role)),
        ],
        record="vendors:" + v.vendor_id,
        by=("vendor_id",),
    )
