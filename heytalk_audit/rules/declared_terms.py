"""Terms about what the policy declares by name: codes under their synonyms, and who a recipient is."""

from __future__ import annotations

from string import ascii_lowercase

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, review
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, key, latin_words, trim
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import join, lookup, only_if


def is_one_of(value: ir.StringValue, codes: Codes) -> ir.BooleanValue:
    """Whether a text is a code of the list, or a synonym of one; false where it is null."""
    return sure(key(value).isin(codes.keys()))


def code_of(value: ir.StringValue, codes: Codes) -> ir.StringValue:
    """The code that a text is written for; its own key where it is none, null where it is null."""
    written = key(value)
    return ibis.cases(*[(written.isin(keys), code) for code, keys in codes.by_key().items()], else_=written)


#: A pair of brackets at the end of a name, and a name that is nothing else.
BRACKETS = r"[(][^()]*[)]\z"
ONLY_BRACKETS = rf"^{BRACKETS}"


def company(name: ir.StringValue, policy: View) -> ir.StringValue:
    """The key of a company's name without what stands in brackets at its end, and without legal forms and places there.

    Letters that stand alone one after another are one word, as S.A. One word is left, whatever it is.
    """
    trimmed = trim(name)
    words = latin_words(trimmed.re_search(ONLY_BRACKETS).ifelse(trimmed, trimmed.re_replace(BRACKETS, "")))
    for letter in ascii_lowercase:
        words = words.replace(f" {letter} ", f"<{letter}>")
    words = words.replace("><", "").re_replace("[<> ]+", "  ")
    ends = "|".join([*policy.declared["legal_forms"].keys(), *policy.declared["places_in_names"].keys()])
    left = words.re_replace(rf"( ({ends}) )+ *\z", "").replace(" ", "")
    return (left == "").ifelse(words.re_extract("[a-z0-9]+", 0), left)


def vendors_by_name(names: ir.Table, policy: View) -> ir.Table:
    """One row per name of a table of them in `called` that is a declared vendor's: `called`, and the vendor's code in `meant`."""
    # made distinct twice, so that an engine computes what is left of a name once, and not for each vendor that it may be
    n = names.select("called").distinct()
    n = n.mutate(company=company(n.called, policy)).distinct()
    meant = ibis.cases(*[(n.company.isin(v.alias_keys()), v.code) for v in policy.declared.vendors.values()])
    return n.select("called", meant=meant).filter(meant.notnull())


def order_test(ok: ir.BooleanValue, earlier: ir.BooleanValue, later: ir.BooleanValue, due: ir.DateValue | None = None) -> list[Condition]:
    """Of rows that are not `ok`, those that are if clocks differ by the skew: for a person to decide. Violations come after it."""
    return [review("clock_skew", ~sure(ok) & (sure(earlier) | sure(later)), due)]


def recipients(vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor id: `recipient` (its declared code, null where it is none), `ambiguous`, `registered`, and its `vendor_name`.

    A vendor is the declared one that its name is an alias of; else the one that its aliases are of, where they are of one alone. Both
    are compared as of `company`. A row with a blank id registers nobody; a name without any letter or digit that counts is an alias of
    nothing.
    """
    vendors = vendors.filter(~blank(vendors.vendor_id))
    v = lookup(vendors, "vendor_id", vendor_name=vendors.name)
    named = vendors_by_name(v.select(called="vendor_name"), policy).select(vendor_name="called", named="meant")
    v = join(join(v, named, "vendor_name"), _meant_by_aliases(vendors, policy), "vendor_id")
    v = v.select(
        "vendor_id",
        "vendor_name",
        recipient=v.named.fill_null(only_if(sure(v.kinds == 1), v.meant)),
        ambiguous=v.named.isnull() & sure(v.kinds > 1),
        registered=v.vendor_id.notnull(),
    )
    return policy.named("recipients", v)


def _meant_by_aliases(vendors: ir.Table, policy: View) -> ir.Table:
    """One row per vendor id with an alias that is a declared code's: `meant`, that code, and `kinds`, how many codes its aliases are of."""
    also = vendors.select("vendor_id", called=vendors.aliases.unnest())
    also = also.inner_join(vendors_by_name(also, policy), "called")
    return also.group_by("vendor_id").agg(meant=also.meant.max(), kinds=also.meant.nunique())
