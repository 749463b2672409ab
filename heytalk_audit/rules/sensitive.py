"""Sensitive data: values of special categories, and the output of recognising voices and images."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.holds import hold
from heytalk_audit.periods import earliest, sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import accepted, standing
from heytalk_audit.rules.terms import alive, any_flag, deletion_unclear, has, is_special, join, lookup, only_if, with_deletion
from heytalk_audit.strings import blank, lower, trim


def special_values(attributes: ir.Table, policy: View) -> ir.Table:
    """Values of special categories that say something, with the time of their last change (`changed`) and whether they are `there`."""
    a = attributes.filter(is_special(attributes, policy))
    return a.mutate(changed=ibis.coalesce(a.updated_at, a.created_at), there=alive(a, policy))


def value_unclear(a: ir.Table, policy: View) -> list[Condition]:
    """Why the time of a value can't be told."""
    return [
        unknown("clock_future", policy.future(a.created_at, a.updated_at)),
        unknown("clock_contradiction", sure(a.updated_at < a.created_at)),
    ]


def with_consent(attributes: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Values that are there, with `explicit` (a valid grant given in time, and not taken back since) and `agreed` (the policy accepted)."""
    a = special_values(attributes, policy)
    a = join(join(a.filter(a.there), standing(consents, "sensitive_data", policy)), accepted(consents, policy))
    in_time = policy.after(a.changed, "clock_skew")
    return a.mutate(explicit=sure(a.valid_since <= in_time), agreed=sure(a.accepted_at <= in_time))


def published(attributes: ir.Table, consents: ir.Table, policy: View) -> tuple[ir.Table, list[Condition]]:
    """Public values that are there, and what a choice about their publication says of them: chosen, or taken back."""
    a = special_values(attributes, policy)
    a = join(a.filter(a.there, a.visibility == "public"), standing(consents, "sensitive_publication", policy))
    return a, [
        *value_unclear(a, policy),
        passes(a.valid),
        violation("publication_withdrawn", policy.passed(a.negative_since, "removal_allowance")),
        passes(a.negative),
    ]


def deletions(users: ir.Table, policy: View) -> tuple[ir.Table, tuple[str, ...]]:
    """One row per user: `gone`, `is_gone`, and a flag for each reason why the state of a deleted account can't be told; these reasons."""
    u = with_deletion(users, policy)
    doubts = {c.reason: c.when for c in deletion_unclear(u, policy)}
    return lookup(u, "user_id", gone=u.gone, is_gone=u.is_gone, **doubts), tuple(doubts)


def special_fields(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per list of fields: does it name a special category (`hit`), by a field's name after its last dot or by its category."""
    names = disclosures.select("fields").distinct()
    names = names.mutate(name=names.fields.unnest())
    last = lower(trim(names.name)).re_replace(r"^[\s\S]*\.", "")
    hit = last.isin(policy.setting("special_fields")) | names.name.isin(policy.setting("special_categories"))
    return has(names, "fields", hit=hit)


def named(name: ir.StringValue, words: list[str]) -> ir.BooleanValue:
    """Whether one of the words begins somewhere in a column's name, as `embedding` in `face_embeddings`; case does not matter."""
    parts = "_" + lower(name).re_replace("[^a-z0-9]+", "_")
    return any_flag([sure(parts.contains(f"_{word.lower()}")) for word in words])


@rule("SEN-01", severity="critical", clauses=["CL-024", "CL-025", "CL-037", "CL-038"])
def value_without_consent(profile_attributes, consents, users, policy):
    """Sensitive data is processed with the consent of the person whom it describes.

    Values of special categories that are not deleted and say something. An explicit consent to it, given before the value was last changed
    (or within the clocks' tolerance after) and not taken back, keeps the promise. Without one, a value that the person entered after
    accepting the policy is consent in the policy's own reading only: a person decides. A value that changed after the audit,
    or before it was stored, is unknown.
    """
    a = with_consent(profile_attributes, consents, policy)
    return Check(
        a,
        *value_unclear(a, policy),
        passes(a.explicit),
        review("no_explicit_consent", (a.source == "user") & a.agreed),
        violation("not_from_user", a.source != "user"),
        violation("no_acceptance", a.source == "user"),
        by=("source", "visibility"),
    )


@rule("SEN-01L", severity="critical", clauses=["CL-024", "CL-025", "CL-037", "CL-038"], basis="law")
def value_without_explicit_consent(profile_attributes, consents, users, policy):
    """Sensitive data is processed with explicit consent.

    The law's reading: the same values, but an explicit consent in force when the value was last changed, and not taken back since, is all
    that counts. To upload a value, and to accept a policy that says so, is none.
    """
    a = with_consent(profile_attributes, consents, policy)
    return Check(
        a,
        *value_unclear(a, policy),
        violation("no_explicit_consent", ~a.explicit),
        by=("source", "visibility"),
    )


@rule("SEN-02", severity="critical", clauses=["CL-021", "CL-024"])
def value_not_from_the_person(profile_attributes, users, policy):
    """Sensitive data is what people chose to enter themselves.

    Values of special categories that are not deleted and say something. One that was inferred, bought, entered by staff or imported is a
    violation; one that came with a social login is for a person to decide.
    """
    a = profile_attributes
    a = a.filter(is_special(a, policy), alive(a, policy))
    return Check(
        a,
        *[violation(f"source_{source}", a.source == source) for source in ("inferred", "partner", "staff", "import")],
        review("source_social_login", a.source == "social_login"),
        by=("source",),
    )


@rule("SEN-03", severity="critical", clauses=["CL-134"])
def value_outlives_consent(profile_attributes, consents, users, retention_exceptions, policy):
    """Sensitive data goes when consent is withdrawn or the account is deleted.

    Values of special categories, marked deleted or not, of people who withdrew or refused consent to it, or whose account is deleted.
    Beyond the allowance after that, a value still public, one kept after a withdrawal that it did not change since, and one kept beyond
    the period after the account's deletion are violations; one kept within that period is for a person to decide. A hold may excuse
    keeping a value, but not showing it. Times that can't be told are unknown.
    """
    deleted, doubts = deletions(users, policy)
    a = join(special_values(profile_attributes, policy), deleted)
    a = join(a, standing(consents, "sensitive_data", policy))
    a = a.filter(a.is_gone | a.negative)
    a = a.mutate(withdrawn=only_if(sure(a.changed <= a.negative_since), a.negative_since))
    by_choice, by_deletion = (policy.passed(w, "removal_allowance") for w in (a.withdrawn, a.gone))
    start = earliest(only_if(by_choice, a.withdrawn), only_if(by_deletion, a.gone))
    due = policy.date(policy.after(start, "removal_allowance"))
    shown = a.there & (a.visibility == "public")
    return Check(
        a,
        *value_unclear(a, policy),
        *[unknown(reason, a.is_gone & a.withdrawn.isnull() & a[reason]) for reason in doubts],
        violation("still_public", (by_choice | by_deletion) & shown, due, held=False),
        violation("stored_after_withdrawal", by_choice, due),
        violation("stored_after_deletion", by_deletion & policy.over(a.gone, "account_window"), due),
        review("kept_in_window", by_deletion, due),
        exempt=hold(retention_exceptions, "profile_attributes", {"value": a.value.notnull()}),
        by=("visibility",),
    )


@rule("SEN-05", severity="critical", clauses=["CL-095", "CL-096", "CL-098", "CL-115"])
def sensitive_data_shared(disclosures, users, policy):
    """Sensitive data does not go to advertisers, nor into recommendations by others.

    Disclosures in the audit's period whose list of fields names a special category, as `religion` or `profile.religion`. To an advertiser
    or through an SDK it is a violation; to a processor, under the law, in a sale of the company, or in a table about nobody in
    particular it is for a person to decide.
    """
    d = disclosures.filter(policy.in_period(disclosures.sent_at))
    d = join(d, special_fields(d, policy), "fields")
    return Check(
        d,
        review("aggregate", d.hit & d.user_id.isnull()),
        *[review(f"shared_{kind}", d.hit & (d.kind == kind)) for kind in ("processor", "legal", "corporate")],
        *[violation(f"shared_{kind}", d.hit & (d.kind == kind)) for kind in ("sdk", "advertising")],
        by=("kind", "purpose"),
    )


@rule("SEN-06", severity="high", clauses=["CL-022", "CL-038"])
def value_public(profile_attributes, consents, users, policy):
    """Sensitive data is public only by the choice of the person whom it describes.

    Public values of special categories that are not deleted and say something. A valid consent to publication in force now keeps the
    promise; once it was taken back or refused, the value may stay public for the allowance and no longer. Without either, a value that
    the person entered was published by the upload, in the policy's reading: a person decides. A value that changed after the audit,
    or before it was stored, is unknown.
    """
    a, chosen = published(profile_attributes, consents, policy)
    return Check(
        a,
        *chosen,
        review("upload_only", a.source == "user"),
        violation("not_from_user", a.source != "user"),
        by=("source",),
    )


@rule("SEN-06L", severity="high", clauses=["CL-022", "CL-038"], basis="law")
def value_public_without_explicit_consent(profile_attributes, consents, users, policy):
    """Sensitive data is public only with a separate explicit consent to publish it.

    The law's reading: the same values, but a valid consent to publication is all that counts, apart from the allowance after it was taken
    back. To type a value into a public profile is none.
    """
    a, chosen = published(profile_attributes, consents, policy)
    return Check(
        a,
        *chosen,
        violation("no_explicit_consent", a.source.notnull()),
        by=("source",),
    )


@rule("SEN-08", severity="critical", clauses=["CL-071", "CL-169", "CL-172"])
def recognition_undeclared(column_inventory, content_items, users, policy):
    """What recognising voices and pictures yields is not kept, as the policy does not list it among the data it collects.

    Every column delivered, whether or not the contract knows it, and the content items made from another item. A column named like a
    template by which a voice or face can be told again, or like another output of recognition, is a violation. A transcript that is not
    deleted is for a person to decide: it is content, not biometric, and people write transcripts too. Columns are judged by
    their names, whatever they hold.
    """
    k, c = column_inventory, content_items
    c = c.filter(alive(c, policy), (c.kind == "transcript") | ~blank(c.parent_id))
    columns = k.select(
        user_id=ibis.null("string"),
        record="column_inventory:" + k.column_name,
        table_name=k.table_name,
        template=named(k.name, policy.setting("template_names")),
        output=named(k.name, policy.setting("recognition_names")),
        transcript=k.name.isnull(),
    )
    no = c.kind.isnull()
    items = c.select(
        user_id=c.user_id,
        record="content_items:" + c.content_id,
        table_name=ibis.literal("content_items"),
        template=no,
        output=no,
        transcript=c.kind == "transcript",
    )
    rows = ibis.union(columns, items)
    return Check(
        rows,
        violation("template_stored", rows.template),
        violation("output_stored", rows.output),
        review("transcript_stored", rows.transcript),
        record=rows.record,
        by=("table_name",),
    )
