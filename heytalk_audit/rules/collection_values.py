"""Data that nobody declared: columns that no clause covers, and values that give themselves away."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Check, Condition, passes, review, rule, violation
from heytalk_audit.audit.present import Present
from heytalk_audit.detect.places import PLACES
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.collection_terms import speaks_of
from heytalk_audit.rules.terms import has, join, only_if

#: Texts that the app writes; people write the others.
LOGGED = ("traffic_events.url",)
#: Columns of places: how close these may be is a rule of its own.
LOCATIONS = ("users.city", "traffic_events.geo")


@rule(
    "COL-01",
    severity="high",
    clauses=[
        *("CL-008", "CL-011", "CL-013", "CL-014", "CL-015", "CL-021", "CL-026", "CL-035", "CL-041", "CL-042"),
        *("CL-043", "CL-044", "CL-046", "CL-047", "CL-048", "CL-049", "CL-052", "CL-053", "CL-090"),
    ],
)
def undeclared_column(column_inventory: ir.Table, column_contents: ir.Table, policy: View) -> Check:
    """The policy declares every kind of personal data that is stored.

    Every column delivered. A column that the contract marks as personal must be one that a clause of the policy declares. A column that the
    contract does not know is a violation where its values look personal on a sample, or its name is one of personal data; otherwise it
    is for a person to decide, and one that the previous audit was not delivered is told apart. Other columns of the contract describe
    accounts and events, and pass.
    """
    k = column_inventory
    columns = {f"{table.name}.{column.name}": column.category for table in contract.load().values() for column in table.columns}
    known = k.column_name.isin(list(columns))
    personal = k.column_name.isin([name for name, category in columns.items() if category])
    declared = k.column_name.isin(list(policy.declared.columns))
    k = k.mutate(strange=~known, undeclared=personal & ~declared, named=speaks_of(k.name, policy.setting("personal_names")))
    found = column_contents.finding.isin(policy.setting("personal_kinds"))
    k = join(k, has(column_contents, "column_name", looks_personal=found), "column_name")
    return Check(
        k,
        [
            passes(~k.strange & ~k.undeclared),
            violation("undeclared_column", k.undeclared | k.looks_personal | k.named),
            review("new_unmapped_column", k.is_new),
            review("unmapped_column", k.strange),
        ],
        by=("table_name", "column_name"),
    )


@rule("COL-02", severity="high", clauses=["CL-090"])
def high_risk_values(column_contents: ir.Table, detections: ir.Table, present: Present, policy: View) -> Check:
    """Places, identity numbers, bank accounts and numbers of devices are not gathered where nobody declared them.

    Every text that people wrote or that was logged, and every other column of text, known or not. What the app logged in an address is a
    violation where the words beside it say what it is, and for a person to decide otherwise; so is what people wrote of themselves. A
    column is a violation where a sample of it holds such values more often than by luck; coordinates in the columns of city and place
    are left to COL-03. What only looks like such a value is counted, and passes.
    """
    return _found("value", policy.setting("high_risk_kinds"), column_contents, detections, present)


@rule("COL-07", severity="critical", clauses=["CL-034"])
def card_number_stored(column_contents: ir.Table, detections: ir.Table, present: Present) -> Check:
    """No number of a payment card is stored.

    Every text that people wrote or that was logged, and every other column of text, known or not. A number counts that has the length, the
    issuer and the check digit of a card. In an address, which the app writes, it is a violation where the words beside it speak of a card,
    and for a person to decide otherwise; so is one in what people wrote. A column is a violation where a sample of it holds such numbers
    more often than by luck. A number without any such word near it is counted, and passes: one random number in forty looks like a card.
    """
    return _found("card", ["card"], column_contents, detections, present)


def _found(what: str, kinds: list[str], column_contents: ir.Table, detections: ir.Table, present) -> Check:
    """Every text, and every column that is not read text by text, with the kinds that were found there."""
    in_texts = detections.filter(detections.what == "value", detections.finding.isin(kinds))
    doubtful = in_texts.confidence == "low"
    c = column_contents.filter(~column_contents.column_name.isin(list(PLACES)))
    c = c.mutate(finding=only_if((c.finding != "gps") | ~c.column_name.isin(LOCATIONS), c.finding))
    c = c.select("finding", place=c.column_name, record="column_inventory:" + c.column_name)
    in_columns = c.filter(c.finding.isin(kinds)).mutate(confidence=ibis.literal("high"))
    names = ("place", "record", "finding", "confidence")
    hits = ibis.union(in_texts.filter(~doubtful).select(*names), in_columns.select(*names))
    columns = c.select("place", "record").distinct().select(user_id=ibis.null("string"), place=c.place, record=c.record)
    rows = ibis.union(columns, *_texts(present))
    found = join(rows, _by_text(hits), ["place", "record"])
    in_column, logged = ~found.place.isin(list(PLACES)), found.place.isin(LOGGED)
    return Check(
        found,
        [
            *_conditions(what, found, in_column, logged),
        ],
        record=found.record,
        by=("place", "finding", "confidence"),
        figures={"Texts with a number that may be one, and nothing near it that says so": in_texts.filter(doubtful).count()},
        population=rows,
    )


def _conditions(what: str, rows: ir.Table, in_column: ir.BooleanValue, logged: ir.BooleanValue) -> list[Condition]:
    return [
        passes(~rows.found),
        violation(f"{what}_in_column", in_column),
        violation(f"{what}_in_address", logged & rows.certain),
        review(f"{what}_in_address_in_doubt", logged),
        review(f"{what}_in_text", ~logged),
    ]


def _texts(present) -> list[ir.Table]:
    """The texts of each place that was delivered: whose they are, `place` and `record`."""
    places = [(place, present[place.table]) for place in PLACES.values() if place.is_in(present)]
    return [
        rows.filter(~blank(place.text(rows))).select("user_id", place=ibis.literal(place.name), record=place.record(rows))
        for place, rows in places
    ]


def _by_text(hits: ir.Table) -> ir.Table:
    """One row per text or column with a hit: `found`, `finding` (or several), `certain` and the surest `confidence`."""
    certain = hits.confidence == "high"
    one = hits.group_by(["place", "record"]).agg(certain=certain.any(), kind=hits.finding.max(), kinds=hits.finding.nunique())
    return one.select(
        "place",
        "record",
        "certain",
        found=ibis.literal(True),
        finding=(one.kinds > 1).ifelse("several", one.kind),
        confidence=one.certain.ifelse("high", "medium"),
    )
