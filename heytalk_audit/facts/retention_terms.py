"""Terms of the fact on retention: which rows each table keeps of people, from when, and until when by the policy."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.holds import excuse, hold, with_holds
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.retention_records_terms import with_reliance
from heytalk_audit.rules.terms import join, lookup, only_if, with_contact, with_deletion, with_gone, with_identifiers

#: Tables whose rows go with the account once it is deleted, and the column from which they are held.
WITH_ACCOUNT = {
    "profile_attributes": "created_at",
    "outbound_messages": "sent_at",
    "content_items": "created_at",
    "devices": "first_seen_at",
    "social_accounts": "linked_at",
}
#: Tables for which the policy states no period, likewise.
UNSTATED = {
    "subscriptions": "start_at",
    "transactions": "purchased_at",
    "promotion_entries": "won_at",
    "rights_requests": "received_at",
    "disclosures": "sent_at",
    "retention_exceptions": "started_at",
    "staff_access_log": "accessed_at",
}
#: The policy's periods of each table that has any.
PERIODS = {
    "users": ("account_window", "inactivity"),
    "consents": ("consent_records",),
    "traffic_events": ("traffic",),
    "support_tickets": ("support",),
    **dict.fromkeys(WITH_ACCOUNT, ("account_window",)),
}
NOT_STATED = "none stated"
#: What is said of each table beside its counts.
LABELS = ("categories", "period", "clause")
#: What the purge log says of a table in the period: the rows purged, and by which trigger.
TRIGGERS = {"schedule": "purged_on_schedule", "request": "purged_on_request", "manual": "purged_by_hand"}
PURGED = ("purged", *TRIGGERS.values())


def everything_kept(users: ir.Table, subscriptions: ir.Table, present: Present, policy: View) -> dict[str, ir.Table]:
    """What each delivered table keeps of people: `user_id`, `at`, and `due`, the last day of its period, null where there is none."""
    kept = {"users": _accounts(users, subscriptions, policy)}
    if "consents" in present:
        c = with_reliance(present["consents"], users, present, policy)
        kept["consents"] = in_shape(c, c.event_at, policy.due(c.end, "consent_records"))
    kept |= {"traffic_events": _traffic(present["traffic_events"], policy)} if "traffic_events" in present else {}
    kept |= {"support_tickets": _tickets(present["support_tickets"], policy)} if "support_tickets" in present else {}
    account = with_gone(one_row_each(users, policy), policy)
    ends = lookup(account, "user_id", account_due=policy.due(account.gone, "account_window"))
    for table in [table for table in WITH_ACCOUNT if table in present]:
        rows = join(present[table], ends)
        kept[table] = in_shape(rows, rows[WITH_ACCOUNT[table]], rows.account_due)
    return kept | {
        table: in_shape(present[table], present[table][at], ibis.null("date")) for table, at in UNSTATED.items() if table in present
    }


def in_shape(rows: ir.Table, at: ir.TimestampValue, due: ir.DateValue) -> ir.Table:
    """Rows of one table in the shape of all."""
    return rows.select("user_id", at=at, due=due)


def _accounts(users: ir.Table, subscriptions: ir.Table, policy: View) -> ir.Table:
    """Accounts: due while they name their person, some months after deletion, or long after the last contact without premium."""
    u = with_contact(with_deletion(one_row_each(users, policy), policy), subscriptions, policy)
    u = with_identifiers(u, policy)
    idle = only_if(u.live & ~u.premium, policy.due(u.anchor, "inactivity"))
    return in_shape(u, u.created_at, only_if(u.named, ibis.coalesce(policy.due(u.gone, "account_window"), idle)))


def _traffic(events: ir.Table, policy: View) -> ir.Table:
    """Events: due while they can be traced to a person."""
    named = ~blank(events.user_id) | ~blank(events.device_id) | ~blank(events.ip)
    return in_shape(events, events.event_at, only_if(named, policy.due(events.event_at, "traffic")))


def _tickets(tickets: ir.Table, policy: View) -> ir.Table:
    """Tickets: due while their text is there, years after the last message, once they are closed."""
    t, clocks = tickets, ("opened_at", "last_customer_at", "last_agent_at", "reopened_at")
    last = latest(*(t[c] for c in clocks))
    closed = t.closed_at.notnull() & ~sure(t.reopened_at >= t.closed_at)
    written = ~blank(t.text) if "text" in t.columns else ibis.literal(True)
    return in_shape(t, t.opened_at, only_if(closed & written, policy.due(last, "support")))


def with_due_state(table: str, rows: ir.Table, exceptions: ir.Table, policy: View) -> ir.Table:
    """The rows of a table with what they are counted by: whether each `is_due` and `is_held`, and LABELS."""
    is_held: ir.BooleanValue = ibis.literal(False)
    if table in PERIODS:
        rows = with_holds(rows, "user_id", "due", hold(exceptions, table), policy)
        is_held = excuse(rows.due, rows.hold_closes, rows.hold_opened, policy.today).notnull()
    flags = {"is_kept": ibis.literal(True), "is_due": sure(rows.due < policy.today), "is_held": is_held}
    none = {column: ibis.literal(0, type="int64") for column in PURGED}
    return rows.select("user_id", "at", **flags, **none, data=ibis.literal(table), **labels_of(table, policy))


def labels_of(table: str, policy: View) -> dict[str, ir.StringScalar]:
    """What is said of a table: the contract's categories of personal data, and the policy's periods with their clauses."""
    categories = sorted({column.category for column in contract.load()[table].columns if column.category})
    numbers = {name: policy.number(name) for name in PERIODS.get(table, ())}
    read = [policy.read[name] for name in numbers]
    periods = ", ".join(f"{number.value} {number.unit}: {number.means}" for number in read)
    clauses = ", ".join(number.clause for number in read if number.clause)
    words = {"categories": ", ".join(categories), "period": periods or NOT_STATED, "clause": clauses or NOT_STATED}
    return {name: ibis.literal(words[name]) for name in LABELS}


def purged_rows(purge_log: ir.Table, policy: View) -> ir.Table:
    """What the log says was purged in the period of the tables that hold people's data: nothing of it is kept."""
    tables = list(dict.fromkeys((*PERIODS, *UNSTATED)))
    p = purge_log.filter(policy.in_period(purge_log.purged_at), purge_log.table_name.isin(tables))
    purged = {"purged": p.rows.fill_null(0)}
    purged |= {column: sure(p.trigger == trigger).ifelse(p.rows, 0).fill_null(0) for trigger, column in TRIGGERS.items()}
    by_table = {table: labels_of(table, policy) for table in tables}
    labels = {name: ibis.cases(*[(p.table_name == t, words[name]) for t, words in by_table.items()], else_="") for name in LABELS}
    flags = {name: ibis.literal(False) for name in ("is_kept", "is_due", "is_held")}
    return p.select("user_id", at=ibis.null("timestamp(6)"), **flags, **purged, data=p.table_name, **labels)
