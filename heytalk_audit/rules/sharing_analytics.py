"""Analytics and what people chose: nothing more of those who opted out."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.advertising_terms import with_choices
from heytalk_audit.rules.declared_terms import is_one_of, order_test
from heytalk_audit.rules.sharing_terms import is_aggregate
from heytalk_audit.rules.terms import delivered, join, lookup

#: Kinds of disclosure by which a company has its app observed.
OBSERVING = ("sdk", "processor")


@rule("SHA-14", severity="high", clauses=["CL-060", "CL-147"])
def analytics_after_opt_out(disclosures: ir.Table, users: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Nobody's data is used for analytics after they opted out."""
    u = one_row_each(users, policy)
    d = join(observed(disclosures, policy), lookup(u, "user_id", has_account=~blank(u.user_id), **delivered(u, "law_region")))
    d = with_choices(d, "sent_at", "analytics", consents, policy)
    return Check(d, not_agreed(d), by=("vendor_id", "purpose", "law_region"))


def observed(disclosures: ir.Table, policy: View) -> ir.Table:
    """What was disclosed in the period for analytics of single persons."""
    wanted = Codes(None, dict.fromkeys(policy.setting("analytics_purposes"), ()))
    d = disclosures.filter(disclosures.kind.isin(OBSERVING), policy.in_period_or_undated(disclosures.sent_at))
    return d.filter(~is_aggregate(d), policy.depending(is_one_of(d.purpose, wanted), "analytics_purposes"))


def not_agreed(disclosures: ir.Table) -> list[Condition]:
    """Disclosures (as of `with_choices`) whose person had last said anything but yes to analytics."""
    d = disclosures
    ok = {name: ~d[f"{name}_chosen"] | d[f"{name}_granted"] for name in ("then", "earlier", "later")}
    return [
        unknown("user_unknown", ~d.has_account),
        unknown("clock_missing", d.sent_at.isnull()),
        passes(ok["then"]),
        *order_test(ok["then"], ok["earlier"], ok["later"]),
        review("analytics_expired", d.then_expired),
        violation("analytics_opt_out", ~ok["then"]),
    ]
