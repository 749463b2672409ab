"""Requests to the company: deletions carried out, answers in time, refusals, what an answer reveals, proof of identity."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import hold
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import code_of, order_test
from heytalk_audit.rules.rights_terms import ACCEPTED, has_region, with_deadline
from heytalk_audit.rules.terms import any_flag, join, lookup, only_if

#: Kinds that are answered; withdrawals and opt-outs take effect by themselves.
ANSWERED = ("access", "portability", "erasure", "rectify", "object", "restrict")
#: What of an account shows whether it was deleted.
STATE = ("deleted_at", "restored_at", "restored_by", "purged_at")
COPIES = ("access", "portability")


def requested_deletions(requests: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Everything that asked for a deletion, once: the register's entries, and the accounts that asked in the app without one of about
    that time.

    Columns: record, user_id, asked_at, outcome, channel, law_region, the days of `with_deadline`, and the state of the account.
    """
    r = requests.filter(requests.kind == "erasure")
    r = r.filter(~sure(r.outcome.isin(["refused", "withdrawn"])))
    registered = with_account(with_deadline(r, users, policy), users, policy)
    registered = registered.select(
        "user_id", "outcome", "channel", "law_region", "last_day", "strict_day", "latest_day", "has_account", *STATE,
        record="rights_requests:" + registered.request_id, asked_at=registered.received_at,
    )  # fmt: skip
    u = not_registered(users.filter(users.deletion_requested_at.notnull()), r, policy)
    no_day = ibis.null("date")
    in_app = u.select(
        "user_id", "law_region", *STATE, outcome=ibis.null("string"), channel=ibis.literal("app"), last_day=no_day, strict_day=no_day,
        latest_day=no_day, has_account=~blank(u.user_id), record="users:" + u.user_id, asked_at=u.deletion_requested_at,
    )  # fmt: skip
    return ibis.union(registered, in_app.select(registered.columns))


def not_registered(users: ir.Table, erasures: ir.Table, policy: View) -> ir.Table:
    """Accounts that asked for their deletion in the app, save those of whom the register has a request of about the same day."""
    pairs = users.filter(~blank(users.user_id)).select("user_id", "deletion_requested_at").distinct()
    pairs = pairs.inner_join(erasures.select("user_id", "received_at").distinct(), "user_id")
    in_app, received = policy.date(pairs.deletion_requested_at), policy.date(pairs.received_at)
    near = (in_app <= policy.plus_days(received, "same_request_days")) & (received <= policy.plus_days(in_app, "same_request_days"))
    return users.anti_join(pairs.filter(near), ["user_id", "deletion_requested_at"])


def with_account(requests: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Requests with `has_account` and STATE of their person's account."""
    u = one_row_each(users, policy)
    u = u.filter(~blank(u.user_id))
    state = {column: u[column] for column in STATE}
    return join(requests, lookup(u, "user_id", has_account=u.user_id.notnull(), **state))


def with_execution(deletions: ir.Table, policy: View) -> ir.Table:
    """Deletions with `executed_at` (deleted and not undone since, else purged) and `undone`: those of the period, and those open."""
    r = deletions.mutate(undone=sure(deletions.restored_at > deletions.deleted_at))
    r = r.mutate(executed_at=ibis.coalesce(only_if(~r.undone, r.deleted_at), r.purged_at))
    return r.filter(policy.in_period_or_undated(r.executed_at))


@rule("RGT-01", severity="critical", clauses=["CL-148", "CL-149", "CL-150"])
def deletion_not_carried_out(rights_requests: ir.Table, users: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """An account is deleted when its owner asks for it."""
    r = with_execution(requested_deletions(rights_requests, users, policy), policy)
    return Check(
        r,
        [*nothing_to_delete(r), *deleted_late(r, policy)],
        exempt=hold(retention_exceptions, "users"),
        record=r.record,
        until=policy.date(r.executed_at),
        by=("law_region", "channel"),
    )


def nothing_to_delete(deletions: ir.Table) -> list[Condition]:
    """Deletions of which nobody can tell what was to be deleted by when, whose account is no longer there, or that were cancelled."""
    d = deletions
    cancelled = d.undone & d.executed_at.isnull() & sure(d.restored_by == "user") & sure(d.restored_at >= d.asked_at)
    return [
        unknown("received_missing", d.asked_at.isnull()),
        passes(~blank(d.user_id) & ~d.has_account & sure(d.outcome == "done")),
        unknown("user_not_found", blank(d.user_id) | ~d.has_account),
        unknown("region_missing", ~sure(d.channel == "app") & ~has_region(d)),
        review("cancelled_by_user", cancelled, held=False),
    ]


def deleted_late(deletions: ir.Table, policy: View) -> list[Condition]:
    """Deletions after their deadline or not at all: within hours if asked for in the app, otherwise by the law of the region."""
    d = deletions
    in_app = sure(d.channel == "app")
    limit = policy.after(d.asked_at, "erasure_app_h")
    due = in_app.ifelse(policy.date(limit), d.last_day)
    ended_on = ibis.coalesce(policy.date(d.executed_at), policy.today)
    late = in_app.ifelse(sure(ibis.coalesce(d.executed_at, policy.as_of) > limit), sure(ended_on > d.last_day))
    slow = ~in_app & sure(ended_on > d.strict_day)
    done = sure(d.outcome == "done")
    reasons = {"executed_late": d.executed_at.notnull(), "done_not_deleted": done, "not_executed": ~done}
    return [
        review("holidays_not_given", ~in_app & late & sure(ended_on <= d.latest_day), d.last_day),
        *[violation(reason, late & when, due) for reason, when in reasons.items()],
        *[review(reason, slow & when, d.strict_day) for reason, when in reasons.items()],
    ]


@rule("RGT-02", severity="high", clauses=["CL-009", "CL-151", "CL-152"])
def answered_late(rights_requests: ir.Table, users: ir.Table, policy: View) -> Check:
    """Every request is answered within the time that the law of its region allows."""
    r = with_deadline(to_be_answered(rights_requests, policy), users, policy)
    return Check(
        r,
        [*answer_unclear(r, policy), *late_answer(r, policy)],
        until=policy.date(r.answered_at),
        by=("law_region", "kind"),
    )


def to_be_answered(requests: ir.Table, policy: View) -> ir.Table:
    """Requests that need an answer and were not taken back: those answered in the period, and those that were not answered."""
    r = requests.filter(requests.kind.isin(ANSWERED), ~sure(requests.outcome == "withdrawn"))
    return r.filter(policy.in_period_or_undated(r.answered_at))


def answer_unclear(requests: ir.Table, policy: View) -> list[Condition]:
    """Requests whose dates contradict each other or the outcome, or whose deadline nobody can tell."""
    r = requests
    earliest = policy.before(r.received_at, "skew_seconds")
    after_receipt = (r.identity_asked_at, r.identity_ok_at, r.extended_at, r.answered_at)
    too_early = any_flag([sure(at < earliest) for at in after_receipt]) | sure(r.identity_ok_at < r.identity_asked_at)
    closed = sure(r.outcome.isin([*ACCEPTED, "refused"]))
    return [
        unknown("received_missing", r.received_at.isnull()),
        unknown("dates_contradict", too_early),
        unknown("outcome_contradiction", r.answered_at.notnull() & sure(r.outcome == "open")),
        unknown("answer_date_missing", r.answered_at.isnull() & closed),
        unknown("region_missing", ~has_region(r)),
    ]


def late_answer(requests: ir.Table, policy: View) -> list[Condition]:
    """Requests that were answered after their last day, or not at all."""
    r = requests
    ended_on = ibis.coalesce(policy.date(r.answered_at), policy.today)
    reasons = {"extension_late": r.extension_late, "answered_late": r.answered_at.notnull(), "unanswered": r.answered_at.isnull()}
    perhaps = sure(ended_on > r.last_day) & sure(ended_on <= r.latest_day)
    return [
        review("holidays_not_given", perhaps, r.last_day),
        *[violation(reason, sure(ended_on > r.last_day) & when, r.last_day) for reason, when in reasons.items()],
        *[review(reason, sure(ended_on > r.strict_day) & when, r.strict_day) for reason, when in reasons.items()],
    ]


@rule("RGT-03", severity="high", clauses=["CL-154", "CL-156"])
def refused_without_reason(rights_requests: ir.Table, policy: View) -> Check:
    """A request is refused only for a reason that the policy allows, and the day of the notice is recorded."""
    r = rights_requests.filter(rights_requests.outcome == "refused", policy.in_period_or_undated(rights_requests.answered_at))
    reason = code_of(r.refusal_reason, policy.declared["refusal_reasons"])
    return Check(
        r,
        [
            violation("reason_missing", blank(r.refusal_reason)),
            violation("reason_not_permitted", ~sure(reason.isin(list(policy.declared["refusal_reasons"].codes)))),
            unknown("notice_date_missing", r.answered_at.isnull()),
            unknown("identity_contradiction", sure(reason == "identity_unproven") & r.identity_ok_at.notnull()),
            review("reason_not_for_kind", sure(reason == "service_impossible") & r.kind.isin([*COPIES, "erasure", "rectify"])),
        ],
        by=("kind",),
    )


@rule("RGT-04", severity="high", clauses=["CL-027", "CL-155"])
def released_without_consent(rights_requests: ir.Table, policy: View) -> Check:
    """Other people's messages are released only after these people agreed in writing."""
    r = rights_requests.filter(rights_requests.kind.isin(COPIES), rights_requests.outcome.isin(ACCEPTED))
    r = r.filter(policy.in_period_or_undated(r.answered_at), ~sure(~r.third_party_content))
    return Check(
        r,
        [
            unknown("content_flag_missing", r.third_party_content.isnull()),
            violation("no_consent", r.third_party_consent_at.isnull()),
            unknown("delivery_date_missing", r.answered_at.isnull()),
            *released_too_soon(r, policy),
        ],
        by=("kind",),
    )


def released_too_soon(requests: ir.Table, policy: View) -> list[Condition]:
    """Answers with data of other people that left before these had consented."""
    consented, released = requests.third_party_consent_at, requests.answered_at
    in_time = [sure(consented <= at) for at in (policy.before(released, "skew_seconds"), policy.after(released, "skew_seconds"))]
    return [
        *order_test(sure(consented <= released), *in_time),
        violation("consent_after_release", ~sure(consented <= released)),
    ]


@rule("RGT-06", severity="high", clauses=["CL-153"])
def identity_proof_kept(rights_requests: ir.Table, retention_exceptions: ir.Table, policy: View) -> Check:
    """Proof of identity is asked for only where it is needed, and not kept once the request is answered."""
    r = with_proof(rights_requests)
    held, due = sure(r.id_document_held), policy.plus_days(policy.date(r.answered_at), "id_document_days")
    return Check(
        r,
        [
            unknown("held_flag_missing", r.id_document_held.isnull()),
            unknown("closing_date_missing", held & ~sure(r.outcome == "open") & r.answered_at.isnull()),
            violation("kept_too_long", held & sure(policy.today > due), due),
            review("asked_when_logged_in", sure(r.channel == "app") & r.identity_asked_at.notnull(), held=False),
        ],
        exempt=hold(retention_exceptions, "rights_requests"),
        by=("channel",),
    )


def with_proof(requests: ir.Table) -> ir.Table:
    """Requests in which a proof of identity was asked for, accepted or is held."""
    r = requests
    return r.filter(r.identity_asked_at.notnull() | r.identity_ok_at.notnull() | sure(r.id_document_held))
