"""Security as people keep it: who of the staff reads what, who was trained, and whether a report of a leak was acted on."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.strings import blank, lower, plain, says_one_of
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import is_one_of
from heytalk_audit.rules.terms import any_flag, delivered, join, lookup


def allowed_tables(role: ir.StringValue, table: ir.StringValue, roles: dict[str, list[str]]) -> ir.BooleanValue:
    """Whether a role may read a table (by its bare name); false for a role that is not listed."""
    return any_flag([sure((role == name) & table.isin(list(map(bare, tables)))) for name, tables in roles.items() if tables])


def bare(table: str) -> str:
    """The name of a table in the settings without its schema, in small letters, as `with_employment` has those of the log."""
    return plain(table.rpartition(".")[2])


@rule("SEC-03", severity="high", clauses=["CL-088", "CL-144"])
def staff_access_beyond_need(staff_access_log: ir.Table, staff: ir.Table, policy: View) -> Check:
    """Staff open people's data only while they are employed, within their role and for a case."""
    a = with_employment(staff_access_log, staff, policy)
    roles = policy.setting("role_tables")
    not_allowed = ~allowed_tables(a.role, a.read_table, roles) if roles else ibis.literal(False)
    private = sure(policy.among(a.read_table, "reference_tables", bare))
    return Check(
        a,
        [
            *outside_employment(a),
            violation("role_not_allowed", policy.depending(not_allowed, "role_tables")),
            review("no_reference", blank(a.purpose_ref) & private),
        ],
        by=("table_name",),
    )


def with_employment(accesses: ir.Table, staff: ir.Table, policy: View) -> ir.Table:
    """Accesses with their local `day`, the bare name of the `read_table`, and who made them: `employed` (is there such a
    member of staff), role, started_at, left_at."""
    s = staff.filter(~blank(staff.staff_id))
    members = lookup(s, "staff_id", **delivered(s, "role"), started_at=s.started_at, left_at=s.left_at, employed=s.staff_id.notnull())
    a = accesses.mutate(day=policy.date(accesses.accessed_at), read_table=lower(accesses.table_name.re_replace(r"^[\s\S]*[.]", "")))
    return join(a, members, "staff_id")


def outside_employment(accesses: ir.Table) -> list[Condition]:
    """Accesses before the first or after the last working day of who made them."""
    a = accesses
    return [
        unknown("staff_unknown", ~a.employed),
        unknown("clock_missing", a.accessed_at.isnull()),
        unknown("staff_dates_contradict", sure(a.left_at < a.started_at)),
        violation("before_start", sure(a.day < a.started_at)),
        violation("after_leave", sure(a.day > a.left_at)),
    ]


@rule("SEC-04", severity="low", clauses=["CL-089"])
def training_overdue(staff: ir.Table, policy: View) -> Check:
    """Staff are trained in privacy when they begin and regularly after that."""
    s = staff
    s = s.filter(s.left_at.isnull() | (s.left_at >= policy.today), s.started_at.isnull() | (s.started_at <= policy.today))
    first_due = policy.plus_days(s.started_at, "training_start_days")
    due = latest(first_due, policy.due_date(s.last_training_at, "training_months"))
    return Check(
        s,
        [
            unknown("start_missing", s.started_at.isnull()),
            unknown("training_in_future", sure(s.last_training_at > policy.today)),
            violation("never_trained", s.last_training_at.isnull() & sure(policy.today > due), due),
            violation("training_expired", sure(policy.today > due), due),
        ],
    )


@rule("SEC-07", severity="high", clauses=["CL-091"])
def leak_report_ignored(support_tickets: ir.Table, policy: View) -> Check:
    """A report that an account or a password leaked is acted on within three days."""
    t = leak_reports(support_tickets, policy)
    acted = t.first_action_at.fill_null(t.closed_at)
    return Check(
        t,
        [
            unknown("clock_missing", t.opened_at.isnull()),
            unknown("clock_future", policy.future(t.opened_at, t.first_action_at, t.closed_at)),
            unknown("clock_contradiction", sure(acted < policy.before(t.opened_at, "skew_seconds"))),
            violation("not_acted_on", acted.isnull() & policy.passed(t.opened_at, "leak_triage")),
            violation("acted_late", sure(acted > policy.after(t.opened_at, "leak_triage"))),
            review("closed_without_action", t.first_action_at.isnull() & t.closed_at.notnull()),
        ],
    )


def leak_reports(tickets: ir.Table, policy: View) -> ir.Table:
    """The tickets whose topic is one of leaks, or says so in words."""
    t = tickets.select("ticket_id", "user_id", "topic", "opened_at", "first_action_at", "closed_at")
    wanted = Codes(None, {name: () for name in policy.setting("leak_topics")})
    in_words = policy.depending(sure(says_one_of(t.topic, policy.setting("leak_phrases"))), "leak_phrases")
    return t.filter(policy.depending(is_one_of(t.topic, wanted), "leak_topics") | in_words)
