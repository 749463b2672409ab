"""Sensitive data: values of special categories, the consent that they need, how long they stay, who sees them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.audit.holds import hold
from heytalk_audit.audit.people import one_row_each
from heytalk_audit.expressions.calendar import earliest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import (
    EXPIRED,
    acceptances,
    grants,
    in_force,
    is_negative,
    is_valid,
    refusals,
    refuses,
    states_without_versions,
    with_state,
)
from heytalk_audit.rules.terms import (
    alive,
    deletion_unclear,
    doubt_columns,
    doubts_of,
    is_special,
    join,
    lookup,
    of_no_known_category,
    only_if,
    with_deletion,
)


def special_values(attributes: ir.Table, policy: View) -> ir.Table:
    """Values of a special category, with `stored_at`: when the value was stored as it is."""
    a = attributes.filter(is_special(attributes, policy))
    return a.mutate(stored_at=ibis.coalesce(a.updated_at, a.created_at))


def values_in_question(attributes: ir.Table, policy: View) -> ir.Table:
    """Values of a special category, and those of a category that nobody knows (`unrecognised`): none is deleted."""
    a = attributes.filter(alive(attributes, policy), ~blank(attributes.value))
    a = a.mutate(unrecognised=of_no_known_category(a, policy))
    return a.filter(a.unrecognised | is_special(a, policy))


def category_unclear(a: ir.Table) -> Condition:
    """Whether it can't be told if a value is of a special category (`a` as of `values_in_question`)."""
    return unknown("category_unrecognised", a.unrecognised)


def storage_unclear(a: ir.Table, policy: View) -> list[Condition]:
    """Why it can't be told when a value was stored."""
    return [
        unknown("clock_future", policy.future(a.created_at, a.updated_at)),
        unknown("clock_contradiction", sure(a.updated_at < a.created_at)),
    ]


def with_consent(a: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Values with `explicit` (a valid grant for sensitive data by the storing, that had not expired then, no refusal since, and not
    expired now) and `accepted` (the policy, by the storing)."""
    a = a.mutate(stored_at=ibis.coalesce(a.updated_at, a.created_at))
    stored = a.select("user_id", "stored_at").distinct()
    good = standing_grants(consents, policy)
    near = stored.inner_join(good, "user_id")
    near = near.filter(near.event_at <= policy.after(near.stored_at, "clock_skew"), near.ends.isnull() | (near.ends > near.stored_at))
    now = in_force(states_without_versions(consents, policy, "sensitive_data"))
    expired = now.filter(now.state == EXPIRED).select(user_id="person", expired=ibis.literal(True))
    terms = acceptances(consents, policy)
    a = join(a, near.select("user_id", "stored_at").distinct().mutate(granted=ibis.literal(True)), ["user_id", "stored_at"])
    a = join(join(a, expired), terms.group_by("user_id").agg(agreed=terms.event_at.min()))
    return a.mutate(explicit=a.granted & ~a.expired, accepted=sure(a.agreed <= policy.after(a.stored_at, "clock_skew")))


def standing_grants(consents: ir.Table, policy: View) -> ir.Table:
    """The grants for sensitive data that count, with no refusal since: `user_id`, `event_at`, and when each `ends`."""
    c = consents.filter(consents.purpose == "sensitive_data", policy.by_now(consents.event_at))
    c = c.mutate(ends=c.expires_at if "expires_at" in c.columns else ibis.null("timestamp(6)"))
    refused = c.filter(refuses(c)).group_by("user_id").agg(refused=lambda t: t.event_at.max())
    good = join(c.filter(sure(grants(c))), refused)
    return good.filter(good.refused.isnull() | (good.event_at > good.refused)).select("user_id", "event_at", "ends")


@rule("SEN-01", severity="critical", clauses=["CL-024", "CL-025", "CL-037", "CL-038"], looks_in=["profile_attributes.value"])
def sensitive_without_consent(profile_attributes: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Sensitive data is stored only if the person provided it and agreed to its use."""
    a = with_consent(values_in_question(profile_attributes, policy), consents, policy)
    own = sure(a.source == "user")
    conditions = [
        *storage_unclear(a, policy),
        category_unclear(a),
        passes(a.explicit),
        review("no_explicit_consent", own & a.accepted),
        violation("not_from_user", ~own),
        violation("no_acceptance", own),
    ]
    return Check(a, conditions, by=("category", "source"))


@rule("SEN-01L", severity="critical", clauses=["CL-024", "CL-025", "CL-037", "CL-038"], basis="law")
def sensitive_without_explicit_consent(profile_attributes: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Sensitive data is stored only with explicit consent."""
    a = with_consent(values_in_question(profile_attributes, policy), consents, policy)
    return Check(
        a,
        [
            *storage_unclear(a, policy),
            category_unclear(a),
            violation("no_explicit_consent", ~a.explicit),
        ],
        by=("category", "source"),
    )


@rule("SEN-02", severity="critical", clauses=["CL-021", "CL-024"], looks_in=["profile_attributes.value"])
def sensitive_not_provided(profile_attributes: ir.Table, policy: View) -> Check:
    """Sensitive data comes only from the person it is about."""
    a = values_in_question(profile_attributes, policy)
    return Check(
        a,
        [
            category_unclear(a),
            *[violation(f"source_{source}", sure(a.source == source)) for source in ("inferred", "partner", "staff", "import")],
            review("source_social_login", sure(a.source == "social_login")),
        ],
        by=("category", "source"),
    )


def withdrawn_or_gone(attributes: ir.Table, users: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Special values, deleted or not, of people who refuse now (`negative_since`) or whose account is deleted (`is_gone`, `gone`), with
    the doubts about that deletion as columns."""
    u = with_deletion(one_row_each(users, policy), policy)
    doubts = doubt_columns(deletion_unclear(u, policy))
    a = join(special_values(attributes, policy), lookup(u, "user_id", gone=u.gone, is_gone=u.is_gone, **doubts))
    refused = refusals(consents, policy)
    a = join(a, refused.filter(refused.purpose == "sensitive_data").drop("purpose"))
    return a.filter(a.is_gone | a.negative_since.notnull())


def kept_beyond(a: ir.Table, refused: ir.TimestampValue, policy: View) -> list[Condition]:
    """Values kept beyond the allowance after a withdrawal (`refused`), or after the account's deletion."""
    after_withdrawal, after_deletion = policy.passed(refused, "withdrawal_hours"), policy.passed(a.gone, "withdrawal_hours")
    since = earliest(only_if(after_withdrawal, refused), only_if(after_deletion, a.gone))
    due = policy.date(policy.after(since, "withdrawal_hours"))
    public = alive(a, policy) & (a.visibility == "public")
    return [
        violation("still_public", (after_withdrawal | after_deletion) & public, due, held=False),
        violation("stored_after_withdrawal", after_withdrawal, due),
        violation("stored_after_deletion", after_deletion & policy.over(a.gone, "account_window"), due),
        review("kept_in_window", after_deletion, due),
    ]


@rule("SEN-03", severity="critical", clauses=["CL-134"], looks_in=["profile_attributes.value"])
def sensitive_kept_after_withdrawal(
    profile_attributes: ir.Table, users: ir.Table, consents: ir.Table, retention_exceptions: ir.Table, policy: View
) -> Check:
    """Sensitive data is erased when consent to it is withdrawn or the account is deleted."""
    a = withdrawn_or_gone(profile_attributes, users, consents, policy)
    refused = only_if(sure(a.stored_at <= a.negative_since), a.negative_since)
    conditions = [
        *storage_unclear(a, policy),
        *doubts_of(a, deletion_unclear(with_deletion(users, policy), policy), where=a.is_gone & refused.isnull()),
        *kept_beyond(a, refused, policy),
    ]
    return Check(a, conditions, exempt=hold(retention_exceptions, "profile_attributes", {"value": True}), by=("category",))


def published(attributes: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Public values in question, with `state` (of the consent to publish, now) and `negative_since`."""
    a = values_in_question(attributes.filter(attributes.visibility == "public"), policy)
    a = a.mutate(purpose=ibis.literal("sensitive_publication"))
    a = with_state(a, "state", policy.as_of, states_without_versions(consents, policy, "sensitive_publication"))
    return join(a, refusals(consents, policy), ["user_id", "purpose"])


@rule("SEN-06", severity="high", clauses=["CL-022", "CL-038"], looks_in=["profile_attributes.value"])
def sensitive_public(profile_attributes: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Sensitive data is public only if the person separately chose to publish it."""
    a = published(profile_attributes, consents, policy)
    return Check(
        a,
        [
            *storage_unclear(a, policy),
            category_unclear(a),
            passes(is_valid(a.state) | (is_negative(a.state) & ~policy.passed(a.negative_since, "withdrawal_hours"))),
            violation("publication_withdrawn", is_negative(a.state)),
            review("upload_only", sure(a.source == "user")),
            violation("not_from_user", a.attribute_id.notnull()),
        ],
        by=("category", "source"),
    )


@rule("SEN-06L", severity="high", clauses=["CL-022", "CL-038"], basis="law")
def sensitive_public_without_explicit_consent(profile_attributes: ir.Table, consents: ir.Table, policy: View) -> Check:
    """Sensitive data is public only with explicit consent."""
    a = published(profile_attributes, consents, policy)
    return Check(
        a,
        [
            *storage_unclear(a, policy),
            category_unclear(a),
            passes(is_valid(a.state)),
            passes(is_negative(a.state) & ~policy.passed(a.negative_since, "withdrawal_hours")),
            violation("publication_withdrawn", is_negative(a.state)),
            violation("no_explicit_consent", a.attribute_id.notnull()),
        ],
        by=("category", "source"),
    )
