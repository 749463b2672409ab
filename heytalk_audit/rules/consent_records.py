"""The records of consent themselves: acceptance of the policy, what makes a record count, withdrawals carried out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.audit.people import one_row_each, without_tests
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import acceptances, in_force, is_granted, states
from heytalk_audit.rules.terms import any_flag, has, join, lookup, only_if, with_deletion

#: How a grant was recorded that is no affirmative act of the person.
NOT_AFFIRMATIVE = ("default", "import", "staff", "signal_gpc")
#: What people choose at the first launch, before they have an account.
BEFORE_AN_ACCOUNT = ("policy_acceptance", "cookies", "personalised_ads", "analytics")


def first_acceptances(consents: ir.Table, versions: ir.Table, policy: View) -> ir.Table:
    """One row per person: `accepted`, their first acceptance of the policy, and `accepted_listed`, the first of a known version."""
    a = acceptances(consents, policy)
    listed = a.policy_version.isin(versions.policy_version)
    return a.group_by("user_id").agg(accepted=a.event_at.min(), accepted_listed=only_if(sure(listed), a.event_at).min())


def before_tracking(u: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an account was created before acceptances were tracked; false where no such day is set."""
    start = policy.setting("acceptance_tracking_start")
    before = sure(policy.date(u.created_at) < ibis.literal(start)) if start else ibis.literal(False)
    return policy.depending(before, "acceptance_tracking_start")


@rule("CON-03", severity="high", clauses=["CL-001", "CL-004", "CL-010"])
def no_acceptance_of_the_policy(users: ir.Table, consents: ir.Table, policy_versions: ir.Table, policy: View) -> Check:
    """Everybody accepts the policy before using the app."""
    u = with_deletion(users, policy)
    u = join(u.filter(u.live), first_acceptances(consents, policy_versions, policy))
    untracked = before_tracking(u, policy)
    conditions = [
        unknown("clock_future", policy.future(u.created_at)),
        passes(sure(u.accepted_listed <= u.created_at)),
        review("version_unknown", sure(u.accepted <= u.created_at)),
        review("clock_skew", sure(u.accepted <= policy.after(u.created_at, "clock_skew"))),
        review("pre_tracking", untracked),
        violation("accepted_late", u.accepted.notnull()),
        violation("no_acceptance", u.accepted.isnull()),
    ]
    return Check(u, conditions, by=("law_region",))


def with_circumstances(grants: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """Grants that are `crowded` (very many people, test accounts apart, granted by that method in that second), with `created_at`: the
    account's creation, null if it is not in users."""
    # an engine may count fractions of a second
    g = grants.mutate(second=grants.event_at.epoch_seconds().floor().cast("int64"))
    people = without_tests(g, users)
    crowd = people.group_by(["method", "second"]).agg(people=people.user_id.nunique())
    crowd = crowd.filter(crowd.people > policy.value("bulk_users")).select("method", "second", crowded=ibis.literal(True))
    accounts = one_row_each(users, policy)
    return join(join(g, crowd, ["method", "second"]), lookup(accounts, "user_id", created_at=accounts.created_at))


@rule("CON-04", severity="high", clauses=[])
def consent_not_demonstrable(consents: ir.Table, users: ir.Table, policy: View) -> Check:
    """A record of consent shows an affirmative act of the account's owner towards a known text."""
    g = with_circumstances(consents.filter(consents.action == "grant"), users, policy)
    own, late = g.purpose != "policy_acceptance", ~g.purpose.isin(BEFORE_AN_ACCOUNT)
    conditions = [
        unknown("clock_future", policy.future(g.event_at)),
        violation("method_not_affirmative", g.method.isin(NOT_AFFIRMATIVE)),
        violation("bundled", (g.method == "bundled_terms") & own),
        violation("version_missing", blank(g.policy_version)),
        violation("before_account", late & sure(policy.after(g.event_at, "clock_skew") < g.created_at)),
        review("clock_skew", late & sure(g.event_at < g.created_at)),
        review("bulk", g.crowded),
    ]
    return Check(g, conditions, by=("purpose", "method"))


def last_acceptances(consents: ir.Table, versions: ir.Table, policy: View) -> ir.Table:
    """One row per person: `accepted`, their latest acceptance of the policy, and since when its version is `effective`, null if unknown."""
    v = versions.group_by("policy_version").agg(effective=versions.effective_at.max())
    a = acceptances(consents, policy).left_join(v, "policy_version", rname="version_{name}")
    newest = a.group_by("user_id").agg(accepted=a.event_at.max())
    a = a.inner_join(newest, "user_id", rname="newest_{name}").filter(lambda t: t.event_at == t.accepted)
    return a.group_by("user_id").agg(accepted=a.event_at.max(), effective=a.effective.max())


def with_material(u: ir.Table, versions: ir.Table, policy: View) -> ir.Table:
    """Users with `material`: when the latest material version took effect whose notice was over on the day `used_on`."""
    material = versions.filter(versions.material).select(material="effective_at")
    days = u.select("used_on").distinct().cross_join(material)
    days = days.filter(policy.plus_days(policy.date(days.material), "notice_days") < days.used_on)
    return join(u, days.group_by("used_on").agg(material=days.material.max()), "used_on")


@rule("CON-07", severity="medium", clauses=[])
def outdated_version_relied_on(users: ir.Table, consents: ir.Table, policy_versions: ir.Table, policy: View) -> Check:
    """Nobody is held to a version of the policy that a material change has replaced."""
    accepted = last_acceptances(consents, policy_versions, policy)
    u = with_deletion(users, policy)
    u = join(u.filter(u.live).mutate(used_on=policy.date(u.last_interactive_at)), accepted)
    u = with_material(u.filter(u.accepted.notnull()), policy_versions, policy)
    due = policy.plus_days(policy.date(u.material), "notice_days")
    conditions = [
        unknown("clock_future", policy.future(u.last_interactive_at)),
        passes(u.material.isnull() | sure(u.effective >= u.material)),
        violation("outdated", u.effective.notnull() & sure(u.accepted < u.material), due),
        review("version_unknown", u.effective.isnull(), due),
        review("old_version_shown", u.effective.notnull(), due),
    ]
    return Check(u, conditions, by=("law_region",))


@rule("CON-10", severity="medium", clauses=[])
def flag_against_the_log(users: ir.Table, consents: ir.Table, policy: View) -> Check:
    """The marketing settings of an account match the latest recorded consent."""
    flags = {"marketing_push": users.marketing_push, "marketing_email": users.marketing_email, "marketing_sms": users.marketing_sms}
    held = in_force(states(consents, policy))
    agreed = {name: (held.for_purpose == name) & is_granted(held.state) for name in flags}
    u = users.filter(any_flag([flag.notnull() for flag in flags.values()]))
    u = join(u, has(held.rename(user_id="person"), "user_id", **{f"log_{n}": f for n, f in agreed.items()}))
    differs = [sure(u[name] != u[f"log_{name}"]) for name in flags]
    return Check(
        u,
        [
            *[violation(f"{name}_differs", flag) for name, flag in zip(flags, differs, strict=True)],
        ],
    )
