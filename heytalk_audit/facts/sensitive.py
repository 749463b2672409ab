"""Sensitive data: values of special categories where they are declared, and texts that seem to hold some."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import PEOPLE, TablePart, Tally, fact
from heytalk_audit.facts.consent import state_in_words
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import states_without_versions, with_state
from heytalk_audit.rules.sensitive import special_values
from heytalk_audit.rules.sensitive_traces import texts_of, with_category
from heytalk_audit.rules.terms import alive, category_key, is_special, join


@fact(
    "sensitive",
    title="Sensitive data",
    looks_in=["profile_attributes.value"],
    optional=["content_items"],
    limits=(
        "A text is a candidate, found by words: it may hold nothing sensitive, and others may be missed.",
        "Unless two people have read a random sample of the texts, nothing is known of how many are right.",
        "The state of consent is that on the audit's day: the rules look at the day on which a value was stored.",
    ),
)
def sensitive(profile_attributes: ir.Table, content_items: ir.Table, consents: ir.Table, detections: ir.Table, policy: View) -> Tally:
    """The values of special categories that are stored, by category, source, visibility and the state of the person's consent to sensitive
    data on the audit's day. Deleted values, empty ones and answers that say nothing are left out. Then the texts in which the detectors see
    a special category, by place, category and form: said of oneself, or mentioned. The total counts the people with a stored value."""
    a = special_values(profile_attributes.filter(alive(profile_attributes, policy)), policy)
    a = a.mutate(category=category_key(a), purpose=ibis.literal("sensitive_data"))
    a = with_state(a, "state", policy.as_of, states_without_versions(consents, policy, "sensitive_data"))
    a = a.mutate(consent=state_in_words(a.state))
    values = {"values": _.count(), "people": PEOPLE}
    stored = TablePart(a, ("category", "source", "visibility", "consent"), values, name="stored", title="Values stored")
    texts = candidates(profile_attributes, content_items, detections, policy)
    counts = {"texts": _.count(), "people": PEOPLE}
    return Tally(
        a, [stored, TablePart(texts, ("place", "category", "form", "confidence"), counts, name="texts", title="Texts with candidates")]
    )


def candidates(attributes: ir.Table, content: ir.Table, detections: ir.Table, policy: View) -> ir.Table:
    """Texts outside the fields for special categories in which one was detected: user_id, place, `category`, form and confidence."""
    a = texts_of("profile_attributes.value", attributes.filter(alive(attributes, policy), ~is_special(attributes, policy)))
    rows = ibis.union(a, texts_of("content_items.text", content.filter(alive(content, policy))))
    rows = join(rows, with_category(detections, "profile_attributes.value", "content_items.text"), "record")
    rows = rows.filter(rows.detected)
    return rows.mutate(category=rows.finding, form=rows.own.ifelse("of oneself", "mentioned"))
