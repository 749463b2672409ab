"""Retention: what is held of people table by table, from when, for how long, and what is past its time."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import TablePart, Tally, fact
from heytalk_audit.audit.present import Present
from heytalk_audit.facts.retention_terms import LABELS, PURGED, everything_kept, purged_rows, with_due_state
from heytalk_audit.policy.view import View

#: The counts of a table: what is held, and what was purged. A row is of one or the other.
COUNTS = {
    "rows": _.is_kept.sum(),
    "people": _.user_id.nunique(where=_.is_kept),
    "due": _.is_due.sum(),
    "overdue": (_.is_due & ~_.is_held).sum(),
    "held": (_.is_due & _.is_held).sum(),
    **{column: _[column].sum() for column in PURGED},
}
WITHIN = {"due": "rows", "overdue": "due", "held": "due"} | {column: "purged" for column in PURGED if column != "purged"}
DAYS = {"oldest": _.at.min(), "newest": _.at.max()}


@fact(
    "retention",
    title="Retention",
    limits=(
        "Only delivered tables are counted: not backups, copies at vendors or search indexes.",
        "Of data without a stated period nothing is due, however old it is.",
    ),
)
def retention(
    users: ir.Table, subscriptions: ir.Table, retention_exceptions: ir.Table, purge_log: ir.Table, policy: View, present: Present
) -> Tally:
    """What is held of people, table by table, with the categories of personal data that the data contract names: rows, people, the oldest
    and the newest day, the policy's period and its clause. A row is due when the last day of its period is over: held where a valid hold
    covers it, else overdue. Data of an account is due with the account, once that is deleted. What was purged in the audit's period is
    counted in rows, as the purge log states them."""
    kept = everything_kept(users, subscriptions, present, policy)
    rows = ibis.union(*[with_due_state(table, of_table, retention_exceptions, policy) for table, of_table in kept.items()])
    rows = ibis.union(rows, purged_rows(purge_log, policy).select(rows.columns))
    part = TablePart(rows, ("data", *LABELS), COUNTS, DAYS, WITHIN, own=LABELS)
    return Tally(ibis.union(*[of_table.select("user_id") for of_table in kept.values()]), [part])
