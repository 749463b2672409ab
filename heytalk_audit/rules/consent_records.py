"""The records of consent themselves: acceptance of the policy, what makes a record count, withdrawals carried out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import NO_RECORD, acceptances, in_force, is_negative, states
from heytalk_audit.rules.terms import any_flag, has, join, lookup, only_if, with_deletion

#: How a grant was recorded that is no affirmative act of the person.
NOT_AFFIRMATIVE = ("default", "import", "staff", "signal_gpc")


@rule("CON-03", severity="high", clauses=["CL-001", "CL-004", "CL-010"])
def no_acceptance_of_the_policy(users: ir.Table, consents: ir.Table, policy_versions: ir.Table, policy: View) -> Check:
    """Everybody accepts the policy before using the app.

    Every live account has an acceptance of a known version, at or before its creation. One of an unknown version, one within the
    clocks' tolerance after it, and accounts from before acceptances were tracked are for a person to decide. Without a record the
    policy was not accepted. An account created after the audit is unknown.
    """
    u, a = with_deletion(users, policy), acceptances(consents, policy)
    known = a.policy_version.isin(policy_versions.policy_version)
    per_person = a.group_by("user_id").agg(accepted=a.event_at.min(), known=only_if(sure(known), a.event_at).min())
    u = join(u.filter(u.live), per_person)
    start = policy.setting("acceptance_tracking_start")
    untracked = sure(policy.date(u.created_at) < ibis.literal(start)) if start else ibis.literal(False)
    return Check(
        u,
        [
            unknown("clock_future", policy.future(u.created_at)),
            passes(sure(u.known <= u.created_at)),
            review("version_unknown", sure(u.accepted <= u.created_at)),
            review("clock_skew", sure(u.accepted <= policy.after(u.created_at, "clock_skew"))),
            review("pre_tracking", untracked),
            violation("accepted_late", u.accepted.notnull()),
            violation("no_acceptance", u.accepted.isnull()),
        ],
        by=("law_region",),
    )


@rule("CON-04", severity="high", clauses=[])
def consent_not_demonstrable(consents: ir.Table, users: ir.Table, policy: View) -> Check:
    """A record of consent shows an affirmative act, to a known text, of somebody who was there.

    Every grant. Granted by default, import, staff or a signal, bundled with other terms, without a version, or before the account
    existed, it shows no such act. The last within the clocks' tolerance, and grants of very many people by one method in one second,
    are for a person to decide. A grant dated after the audit is unknown; of a person who is not in users it can't be told whether the
    account existed, and only the other faults are found.
    """
    g = consents.filter(consents.action == "grant")
    # an engine may count fractions of a second
    g = g.mutate(second=g.event_at.epoch_seconds().floor().cast("int64"))
    people = g.anti_join(users.filter(users.is_test), "user_id")
    crowd = people.group_by(["method", "second"]).agg(people=people.user_id.nunique())
    crowd = crowd.filter(crowd.people > policy.setting("bulk_users")).select("method", "second", crowded=ibis.literal(True))
    g = join(join(g, crowd, ["method", "second"]), lookup(users, "user_id", created_at=users.created_at))
    own = g.purpose != "policy_acceptance"
    return Check(
        g,
        [
            unknown("clock_future", policy.future(g.event_at)),
            violation("method_not_affirmative", g.method.isin(NOT_AFFIRMATIVE)),
            violation("bundled", (g.method == "bundled_terms") & own),
            violation("version_missing", blank(g.policy_version)),
            violation("before_account", own & sure(policy.after(g.event_at, "clock_skew") < g.created_at)),
            review("clock_skew", own & sure(g.event_at < g.created_at)),
            review("bulk", g.crowded),
        ],
        by=("purpose", "method"),
    )


@rule("CON-06", severity="medium", clauses=["CL-057", "CL-134"])
def withdrawal_not_carried_out(rights_requests: ir.Table, consents: ir.Table, policy: View) -> Check:
    """A withdrawal takes effect when it is asked for.

    Every request to withdraw or to opt out, unless it was taken back. A withdrawal, opt-out or refusal of that person must be on
    record soon after: within hours where it was asked for in the app, within days elsewhere. A request without a person is unknown;
    one that was refused is for a person to decide.
    """
    r = rights_requests.filter(rights_requests.kind.isin(["withdraw", "opt_out"]))
    stops = consents.filter(consents.action != "grant", policy.by_now(consents.event_at)).select("user_id", at="event_at")
    near = stops.inner_join(r.select("request_id", "user_id", "received_at"), "user_id")
    near = near.filter(near["at"] >= policy.before(near.received_at, "clock_skew"))
    r = join(r, near.group_by("request_id").agg(stopped_at=near["at"].min()), "request_id")
    in_app = r.channel == "app"
    late = in_app.ifelse(
        sure(policy.after(r.received_at, "withdrawal_hours") < r.stopped_at),
        sure(policy.after(r.received_at, "removal_allowance") < r.stopped_at),
    )
    waited = in_app.ifelse(policy.passed(r.received_at, "withdrawal_hours"), policy.passed(r.received_at, "removal_allowance"))
    by_app = has(consents, "user_id", in_app=(consents.action == "grant") & (consents.method == "in_app"))
    harder = join(r, by_app)
    return Check(
        r,
        [
            unknown("clock_future", policy.future(r.received_at)),
            unknown("user_missing", blank(r.user_id)),
            passes(sure(r.outcome == "withdrawn")),
            passes(r.stopped_at.notnull() & ~late),
            passes(~waited),
            review("refused", sure(r.outcome == "refused")),
            violation("carried_out_late", r.stopped_at.notnull()),
            violation("not_carried_out", r.stopped_at.isnull()),
        ],
        by=("kind", "channel"),
        figures={"Asked for outside the app by people who had agreed in it": (harder.in_app & (harder.channel != "app")).sum()},
    )


@rule("CON-07", severity="medium", clauses=[])
def outdated_version_relied_on(users: ir.Table, consents: ir.Table, policy_versions: ir.Table, policy: View) -> Check:
    """Nobody is held to a version that was replaced by a materially different one.

    Live accounts with an acceptance, in use after a material version took effect and its notice was over. Their latest acceptance
    must be of that version or a later one. If it was given before that version, it is a violation; of an unknown version, or given
    later but of an older text, it is for a person to decide. An account that was not used since passes; a use dated after the audit
    is unknown.
    """
    v = policy_versions.group_by("policy_version").agg(effective=policy_versions.effective_at.max())
    a = acceptances(consents, policy).left_join(v, "policy_version", rname="version_{name}")
    newest = a.group_by("user_id").agg(accepted=a.event_at.max())
    a = a.inner_join(newest, "user_id", rname="newest_{name}").filter(lambda t: t.event_at == t.accepted)
    last = a.group_by("user_id").agg(accepted=a.event_at.max(), effective=a.effective.max())
    u = with_deletion(users, policy)
    u = u.filter(u.live).mutate(used_on=policy.date(u.last_interactive_at))
    u = join(u, last).filter(lambda t: t.accepted.notnull())
    told = policy_versions.filter(policy_versions.material).select(material="effective_at")
    days = u.select("used_on").distinct().cross_join(told)
    days = days.filter(policy.plus_days(policy.date(days.material), "notice_days") < days.used_on)
    u = join(u, days.group_by("used_on").agg(material=days.material.max()), "used_on")
    due = policy.plus_days(policy.date(u.material), "notice_days")
    return Check(
        u,
        [
            unknown("clock_future", policy.future(u.last_interactive_at)),
            passes(u.material.isnull() | sure(u.effective >= u.material)),
            violation("outdated", u.effective.notnull() & sure(u.accepted < u.material), due),
            review("version_unknown", u.effective.isnull(), due),
            review("old_version_shown", u.effective.notnull(), due),
        ],
        by=("law_region",),
    )


@rule("CON-10", severity="medium", clauses=[])
def flag_against_the_log(users: ir.Table, consents: ir.Table, policy: View) -> Check:
    """What an account shows as its choice is what was last recorded of it.

    Accounts with an exported marketing flag (push, e-mail, SMS). Each flag that is set must rest on a grant in force at the audit's
    instant, and each that is not set on none. A flag that contradicts the log is a violation; one that was not exported says nothing.
    """
    flags = {"marketing_push": users.marketing_push, "marketing_email": users.marketing_email, "marketing_sms": users.marketing_sms}
    held = in_force(states(consents, policy))
    agreed = {name: (held.asked == name) & (held.state > NO_RECORD) & ~is_negative(held.state) for name in flags}
    u = users.filter(any_flag([flag.notnull() for flag in flags.values()]))
    u = join(u, has(held.rename(user_id="person"), "user_id", **{f"log_{n}": f for n, f in agreed.items()}))
    differs = [sure(u[name] != u[f"log_{name}"]) for name in flags]
    return Check(
        u,
        [
            *[violation(f"{name}_differs", flag) for name, flag in zip(flags, differs, strict=True)],
        ],
    )
