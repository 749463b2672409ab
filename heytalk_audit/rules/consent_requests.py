"""Requests to withdraw a consent or to opt out: whether each purpose that they cover was stopped in time."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import is_granted, refuses, states_without_versions
from heytalk_audit.rules.terms import has, join, lookup, only_if

#: Purposes that no request of this kind covers: without the terms there is no account.
NEVER_COVERED = ("policy_acceptance",)
#: What a request for advertising covers.
ADVERTISING = ("personalised_ads", "cookies")


def with_purposes(requests: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Requests to withdraw or opt out, with `covered`: how many purposes that they cover had a grant in force when they were received; and
    of these `stopped`: how many were withdrawn or refused since, at the latest `stopped_at`."""
    keys = ["user_id", "received_at", "scope"]
    requests = requests.filter(requests.kind.isin(["withdraw", "opt_out"]))
    scoped = requests.mutate(scope=requests.objection_scope.fill_null("all"))
    held = states_without_versions(consents, policy)
    r = scoped.select(keys).distinct().inner_join(held, [("user_id", "person")])
    r = r.filter(r.start <= r.received_at, r.received_at < r.until, is_granted(r.state), covers(r)).select(*keys, purpose="for_purpose")
    no = consents.filter(refuses(consents), policy.by_now(consents.event_at)).select("user_id", "purpose", stop="event_at")
    no = r.inner_join(no, ["user_id", "purpose"]).filter(lambda t: t.stop >= t.received_at)
    first = no.group_by([*keys, "purpose"]).agg(stop=no.stop.min())
    each = r.left_join(first, [*keys, "purpose"], rname="stop_{name}").select(*keys, "stop")
    facts = each.group_by(keys).agg(covered=each.count(), stopped=each.stop.count(), stopped_at=each.stop.max())
    return join(scoped, facts, keys)


def covers(r: ir.Table) -> ir.BooleanValue:
    """Whether a request of this `scope` covers a purpose (`for_purpose`)."""
    marketing = (r.scope == "marketing") & r.for_purpose.startswith("marketing_")
    advertising = (r.scope == "advertising") & r.for_purpose.isin(ADVERTISING)
    return ~r.for_purpose.isin(NEVER_COVERED) & ((r.scope == "all") | marketing | advertising)


def with_purge(requests: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Requests with `purged`: whether their person was purged by now, and when (`purged_at`)."""
    people = one_row_each(users, policy)
    done = policy.by_now(people.purged_at)
    person = lookup(people, "user_id", purged=done | (people.status == "purged"), purged_at=only_if(done, people.purged_at))
    return join(requests, person)


def done_late(r: ir.Table, done_at: ir.TimestampValue, policy: View) -> ir.BooleanValue:
    """Whether a request was carried out beyond its time: hours where it was made in the app, else days."""
    in_hours = sure(policy.after(r.received_at, "withdrawal_queue") < done_at)
    return (r.channel == "app").ifelse(in_hours, sure(policy.after(r.received_at, "withdrawal_hours") < done_at))


def carried_out(r: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether a request was carried out in time: every purpose that it covers has stopped, or its person was purged."""
    complete = sure(r.stopped == r.covered) & ~done_late(r, r.stopped_at, policy)
    return complete | (sure(r.purged_at >= r.received_at) & ~done_late(r, r.purged_at, policy))


def time_is_over(r: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether that time is over at the audit's instant."""
    in_hours, in_days = policy.passed(r.received_at, "withdrawal_queue"), policy.passed(r.received_at, "withdrawal_hours")
    return (r.channel == "app").ifelse(in_hours, in_days)


def harder_than_granting(requests: ir.Table, consents: ir.Table) -> dict[str, ir.Scalar]:
    """The figure of requests made outside the app by people who had granted in it."""
    by_app = has(consents, "user_id", in_app=(consents.action == "grant") & (consents.method == "in_app"))
    r = join(requests, by_app)
    return {"Asked for outside the app by people who had agreed in it": (r.in_app & (r.channel != "app")).sum()}


@rule("CON-06", severity="medium", clauses=["CL-057", "CL-134"])
def withdrawal_not_carried_out(rights_requests: ir.Table, consents: ir.Table, users: ir.Table, policy: View) -> Check:
    """A withdrawal takes effect when it is asked for."""
    r = with_purge(with_purposes(rights_requests, consents, policy), users, policy)
    conditions = [
        unknown("clock_future", policy.future(r.received_at)),
        unknown("user_missing", blank(r.user_id)),
        passes(sure(r.outcome == "withdrawn") | carried_out(r, policy) | ~time_is_over(r, policy)),
        unknown("user_purged", r.purged),
        passes(r.covered.isnull()),
        review("refused", sure(r.outcome == "refused")),
        violation("carried_out_late", sure(r.stopped == r.covered)),
        violation("not_carried_out", r.covered.notnull()),
    ]
    return Check(r, conditions, by=("kind", "channel"), figures=harder_than_granting(r, consents))
