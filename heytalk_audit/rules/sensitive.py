"""Sensitive data: values of special categories, and the output of recognising voices and images."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.check import Check, review, rule, violation
from heytalk_audit.periods import sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import alive, any_flag, has, is_special, join
from heytalk_audit.strings import blank, lower, trim


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
    return any_flag([sure(parts.contains(f"_{word}")) for word in words])


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
