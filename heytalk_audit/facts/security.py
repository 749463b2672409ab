"""Security: how passwords and media are protected, who of the staff looks at people's data, training, reports of leaks, incidents."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import PEOPLE, TablePart, Tally, fact
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.strings import blank, lower, trim
from heytalk_audit.facts.registered import incidents_reported
from heytalk_audit.policy.view import View
from heytalk_audit.rules.security import begins_with, is_format, with_password
from heytalk_audit.rules.security_access import leak_reports, with_employment


@fact(
    "security",
    title="Security",
    looks_in=["users.credential_format"],
    limits=(
        "The label of a password's format is taken as it stands: the stored form itself is not delivered.",
        "An incident that the register does not name is not seen.",
    ),
)
def security(users: ir.Table, policy: View, present: Present) -> Tally:
    """The accounts with a password, by the form in which it is stored; addresses of media by whether they are encrypted; what the staff
    looked at in the audit's period, by role and table; the training of the staff on the audit's day; reports of leaks that were opened in
    the period; and all incidents of the register. The total counts the people with a password."""
    u = with_form(with_password(one_row_each(users, policy), policy), policy)
    parts = [TablePart(u, ("stored_as",), name="passwords", title="Passwords")]
    parts += [addresses(present["content_items"], policy)] if "content_items" in present else []
    parts += [accesses(present["staff_access_log"], present["staff"], policy)] if {"staff_access_log", "staff"} <= set(present) else []
    parts += [training(present["staff"], policy)] if "staff" in present else []
    parts += [leaks(present["support_tickets"], policy)] if "support_tickets" in present else []
    parts += [incidents_reported(present["incidents"])] if "incidents" in present else []
    return Tally(u, parts)


def with_form(u: ir.Table, policy: View) -> ir.Table:
    """Accounts with the form in which their password is stored."""
    slow, fast, clear = (is_format(u.credential_format, how, policy) for how in ("slow", "fast", "clear"))
    words = [(slow, "slow hash"), (fast, "fast hash"), (clear, "readable"), (blank(u.credential_format), "not stated")]
    return u.mutate(stored_as=ibis.cases(*words, else_="not recognised"))


def addresses(content: ir.Table, policy: View) -> TablePart:
    """Addresses of media by whether what they begin with is encrypted."""
    c = content.filter(~blank(content.url))
    c = c.mutate(address=trim(lower(c.url)))
    clear, safe = (begins_with(c.address, policy.declared[f"schemes_{how}"].words) for how in ("clear", "encrypted"))
    c = c.mutate(transport=ibis.cases((safe, "encrypted"), (clear, "not encrypted"), else_="not recognised"))
    return TablePart(c, ("transport",), {"addresses": _.count(), "people": PEOPLE}, name="addresses", title="Addresses of media")


def accesses(log: ir.Table, staff: ir.Table, policy: View) -> TablePart:
    """What the staff looked at in the period."""
    a = with_employment(log.filter(policy.in_period(log.accessed_at)), staff, policy)
    a = a.mutate(table_read=a.read_table, nameless=blank(a.purpose_ref))
    counts, within = {"accesses": _.count(), "people": PEOPLE, "without_reference": _.nameless.sum()}, {"without_reference": "accesses"}
    return TablePart(a, ("role", "table_read"), counts, within=within, name="accesses", title="Access by the staff")


def training(staff: ir.Table, policy: View) -> TablePart:
    """The staff employed on the audit's day by how their training in privacy stands."""
    s = staff.filter(~sure(staff.left_at < policy.today), ~sure(staff.started_at > policy.today))
    due = latest(policy.plus_days(s.started_at, "training_start_days"), policy.due_date(s.last_training_at, "training_months"))
    overdue = sure(policy.today > due)
    words = [(s.last_training_at.isnull() & overdue, "never trained"), (overdue, "expired"), (due.isnull(), "not known")]
    s = s.mutate(state=ibis.cases(*words, else_="in time"))
    return TablePart(s, ("state",), {"staff": _.count()}, name="training", title="Training of the staff")


def leaks(tickets: ir.Table, policy: View) -> TablePart:
    """Reports of leaks that were opened in the period, by how soon they were acted on."""
    t = leak_reports(tickets, policy)
    t = t.filter(policy.in_period(t.opened_at))
    acted = t.first_action_at.fill_null(t.closed_at)
    late = sure(acted > policy.after(t.opened_at, "leak_triage"))
    words = [(late, "acted on late"), (acted.notnull(), "acted on in time"), (policy.passed(t.opened_at, "leak_triage"), "overdue")]
    t = t.mutate(state=ibis.cases(*words, else_="open"))
    return TablePart(t, ("state",), {"reports": _.count(), "people": PEOPLE}, name="leaks", title="Reports of leaks")
