"""Sensitive data where it was not declared: shared, told in free text, logged, or made by recognising voices and pictures."""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, passes, review, rule, violation
from heytalk_audit.detect.places import PLACES
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, key, lower, plain_key
from heytalk_audit.policy.view import View
from heytalk_audit.rules.collection_terms import is_measured
from heytalk_audit.rules.terms import alive, any_flag, has, is_special, join, only_if


def special_fields(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per list of fields: does it name a special category (`hit`), by what stands after a name's last dot, colon or slash, and
    does it by a name that means nothing else (`plain`)."""
    names = disclosures.select("fields").distinct()
    names = names.mutate(name=names.fields.unnest())
    last = key(names.name.re_replace(r"^[\s\S]*[.:/]", ""))
    hit = last.isin([plain_key(word) for word in (*policy.setting("special_fields"), *policy.setting("special_terms"))])
    return has(names, "fields", hit=hit, plain=hit & ~last.isin(ambiguous_names(policy)))


def ambiguous_names(policy: View) -> list[str]:
    """The keys of names of special categories that mean other things too."""
    return [plain_key(word) for word in policy.setting("ambiguous_fields")]


@rule("SEN-05", severity="critical", clauses=["CL-095", "CL-096", "CL-098", "CL-115"])
def sensitive_shared(disclosures: ir.Table, policy: View) -> Check:
    """Sensitive data is not shared for advertising, nor with SDKs in the app."""
    d = disclosures.filter(policy.in_period(disclosures.sent_at))
    d = join(d, special_fields(d, policy), "fields")
    return Check(
        d,
        [
            passes(~d.hit),
            review("ambiguous_name", ~d.plain),
            review("aggregate", d.user_id.isnull()),
            *[review(f"shared_{kind}", d.kind == kind) for kind in ("processor", "legal", "corporate")],
            *[violation(f"shared_{kind}", d.kind == kind) for kind in ("sdk", "advertising")],
        ],
        by=("vendor_id", "kind"),
    )


def with_category(detections: ir.Table, *places: str) -> ir.Table:
    """One row per text in which a special category was `detected`: `finding` (or several), `own` (said of oneself), `confidence` (the
    surest)."""
    d = detections.filter(detections.place.isin(places), detections.what == "category")
    rank = ibis.cases((d.confidence == "high", 0), (d.confidence == "medium", 1), else_=2)
    texts = d.group_by("record").agg(
        detected=d.record.notnull().any(), own=(d.form == "self").any(), kinds=d.finding.nunique(), one=d.finding.min(), rank=rank.min()
    )
    return texts.select(
        "record",
        "detected",
        "own",
        finding=(texts.kinds == 1).ifelse(texts.one, "several"),
        confidence=ibis.cases((texts.rank == 0, "high"), (texts.rank == 1, "medium"), else_="low"),
    )


def texts_of(place: str, rows: ir.Table) -> ir.Table:
    """The rows in which something is written there: whose, `record` and `place`."""
    p = PLACES[place]
    rows = rows.filter(~blank(p.text(rows)))
    return rows.select("user_id", record=p.record(rows), place=ibis.literal(place))


@rule("SEN-04", severity="medium", clauses=["CL-024", "CL-037"], judged=True, optional=["content_items"])
def sensitive_in_free_text(profile_attributes: ir.Table, content_items: ir.Table, detections: ir.Table, policy: View) -> Check:
    """Sensitive facts are kept in the fields provided for them, not scattered over free text."""
    a, c = profile_attributes, content_items
    a = texts_of("profile_attributes.value", a.filter(alive(a, policy), ~is_special(a, policy)))
    rows = ibis.union(a, texts_of("content_items.text", c.filter(alive(c, policy))))
    rows = join(rows, with_category(detections, "profile_attributes.value", "content_items.text"), "record")
    conditions = [
        review("stated_of_oneself", rows.detected & rows.own),
        review("mentioned", rows.detected),
    ]
    return Check(rows, conditions, record=rows.record, by=("place", "finding", "confidence"))


def holding(detections: ir.Table, policy: View, what: str) -> ir.Table:
    """One row per ticket or event in which `what` (category or value) was found, as a flag of that name."""
    d = detections.filter(detections.what == what)
    if what == "value":
        d = d.filter(d.finding.isin(policy.setting("sensitive_kinds")), d.confidence != "low")
    return has(d, "record", **{what: d.place.isin(["support_tickets.topic", "support_tickets.text", "traffic_events.url"])})


def names_in_address(url: ir.StringValue, words: Iterable[str]) -> ir.BooleanValue:
    """Whether a query or form in an address gives one of the names a value. Names are compared by their key, after their last dot;
    brackets are dropped with what they hold, also where they are encoded."""
    flat = lower(url).re_replace(r"(?:\[|%5b)[^\]=&;#?]*?(?:\]|%5d)", "")
    between = "[^a-z0-9=&;#?.]*"
    wanted = "|".join(between.join(name) for name in map(plain_key, words) if name)
    return sure(flat.re_search(rf"[?&;]([^=&;#]*[.])?{between}(?:{wanted}){between}=[^&;#]")) if wanted else ibis.literal(False)


def tickets_and_addresses(tickets: ir.Table, events: ir.Table, policy: View) -> ir.Table:
    """Tickets that hold a topic or a text, and logged events with an address: user_id, `record`, `place` (ticket or address), and whether
    the address carries a field of a special category with a value, by a name that means nothing else (`named`), or others (`perhaps`)."""
    t, e = tickets.filter(~blank(tickets.topic) | ~blank(tickets.text)), events.filter(~blank(events.url))
    other = ambiguous_names(policy)
    plain = [word for word in policy.setting("special_fields") if plain_key(word) not in other]
    never = t.user_id.isnull() & t.user_id.notnull()
    t = t.select("user_id", record="support_tickets:" + t.ticket_id, place=ibis.literal("ticket"), named=never, perhaps=never)
    named = {"named": names_in_address(e.url, plain), "perhaps": names_in_address(e.url, policy.setting("ambiguous_fields"))}
    e = e.select("user_id", record="traffic_events:" + e.event_id, place=ibis.literal("address"), **named)
    return ibis.union(t, e)


@rule("SEN-07", severity="medium", clauses=[])
def sensitive_in_logs_and_tickets(support_tickets: ir.Table, traffic_events: ir.Table, detections: ir.Table, policy: View) -> Check:
    """Logs and tickets hold no sensitive data."""
    rows = tickets_and_addresses(support_tickets, traffic_events, policy)
    for what in ("category", "value"):
        rows = join(rows, holding(detections, policy, what), "record")
    conditions = [
        violation("special_field_in_address", rows.named),
        review("ambiguous_field_in_address", rows.perhaps),
        *[review(f"category_in_{place}", rows.category & (rows.place == place)) for place in ("ticket", "address")],
        *[review(f"value_in_{place}", rows.value & (rows.place == place)) for place in ("ticket", "address")],
    ]
    return Check(rows, conditions, record=rows.record, by=("place",))


def named_like(name: ir.StringValue, words: list[str]) -> ir.BooleanValue:
    """Whether one of the words begins somewhere in a column's name, as `embedding` in `face_embeddings`; case does not matter."""
    parts = "_" + lower(name).re_replace("[^a-z0-9]+", "_")
    return any_flag([sure(parts.contains(f"_{word.lower()}")) for word in words])


def can_hold_a_template(inventory: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether a column can hold more than a flag, a number or a time of what it is named after: by its type, its length or its name."""
    text = (inventory.kind == "text") & (inventory.long | ~is_measured(inventory.name, policy.setting("measure_words")))
    return inventory.kind.isin(["binary", "list"]) | text


def named_columns(inventory: ir.Table, policy: View) -> ir.Table:
    """Every column that holds a value, of nobody: `record`, `table_name`, and whether it is named like a `template` or another `output`."""
    k = inventory.filter(inventory.filled)
    able = can_hold_a_template(k, policy)
    return k.select(
        user_id=only_if(k.name.isnull(), k.name),
        record="column_inventory:" + k.column_name,
        table_name=k.table_name,
        template=able & named_like(k.name, policy.setting("template_names")),
        output=able & named_like(k.name, policy.setting("recognition_names")),
        transcript=k.name.isnull(),
    )


def derived_items(content: ir.Table, policy: View) -> ir.Table:
    """Content items made from another and not deleted, in the same shape: whether each is a `transcript`."""
    c = content.filter(alive(content, policy), (content.kind == "transcript") | ~blank(content.parent_id))
    never = c.kind.isnull()
    return c.select(
        "user_id",
        record="content_items:" + c.content_id,
        table_name=ibis.literal("content_items"),
        template=never,
        output=never,
        transcript=c.kind == "transcript",
    )


@rule("SEN-08", severity="critical", clauses=["CL-071", "CL-169", "CL-172"])
def recognition_undeclared(column_inventory: ir.Table, content_items: ir.Table, policy: View) -> Check:
    """Output of voice and image recognition is not stored, as the policy does not declare it."""
    items = derived_items(content_items, policy)
    rows = ibis.union(named_columns(column_inventory, policy), items)
    conditions = [
        violation("template_stored", rows.template),
        violation("output_stored", rows.output),
        review("transcript_stored", rows.transcript),
    ]
    return Check(rows, conditions, record=rows.record, by=("table_name",))
