"""Purges: what was erased in the audit's period, and how long after its due day."""

from __future__ import annotations

import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import TablePart, Tally, fact
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import days_between
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import join, lookup, with_gone

#: Days of purges after their due days, as columns: the middle one, that which 90 % do not exceed, and the worst.
DAYS = {"median_days": _.days.quantile(0.5), "days_of_90_percent": _.days.quantile(0.9), "worst_days": _.days.max()}


@fact(
    "purges",
    title="Purges",
    limits=(
        "A purge that the log does not record is not seen.",
        "The due day is known only where the account is still in the users with the day of its deletion.",
    ),
)
def purges(purge_log: ir.Table, users: ir.Table, policy: View) -> Tally:
    """The entries of the purge log in the audit's period, by table, method and trigger, with the rows that they say were purged. Days are
    counted from the due day of the account to the purge, and are negative where the purge came before it; an account is due when the
    policy's period after its deletion is over."""
    log = purge_log.filter(policy.in_period(purge_log.purged_at))
    gone = with_gone(one_row_each(users, policy), policy)
    p = join(log, lookup(gone, "user_id", due=policy.due(gone.gone, "account_window")))
    p = p.mutate(days=days_between(p.due, policy.date(p.purged_at)))
    counts = {"entries": _.count(), "rows_purged": _.rows.sum(), "entries_with_due_day": _.days.count()}
    part = TablePart(p, ("table_name", "method", "trigger"), counts, DAYS, within={"entries_with_due_day": "entries"})
    return Tally(p, [part], counts="entries of the purge log")
