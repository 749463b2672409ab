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
from heytalk_audit.rules.collection_terms import names_personal_data, speaks_of
from heytalk_audit.rules.terms import has, join, only_if

#: Texts that the app writes; people write the others.
LOGGED = ("traffic_events.url",)
#: Columns of places: how close these may be is a rule of its own.
LOCATIONS = ("users.city", "traffic_events.geo")
#: Words of columns by which a table is seen to be about people.
_CONTACTS = ("email", "mail", "phone", "mobile", "surname", "lastname", "last_name", "customer_id", "member_id", "person_id")
#: What is known of a detection, in a text or in a column.
HIT = ("place", "record", "finding", "confidence")


@rule(
    "COL-01",
    severity="high",
    clauses=[
        *("CL-008", "CL-011", "CL-013", "CL-014", "CL-015", "CL-021", "CL-026", "CL-035", "CL-041", "CL-042"),
        *("CL-043", "CL-044", "CL-046", "CL-047", "CL-048", "CL-049", "CL-052", "CL-053", "CL-090"),
    ],
)
def undeclared_column(column_inventory: ir.Table, column_contents: ir.Table, policy: View) -> Check:
    """The policy declares every kind of personal data that is stored."""
    k = with_standing(column_inventory, column_contents, policy)
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


def with_standing(inventory: ir.Table, contents: ir.Table, policy: View) -> ir.Table:
    """Columns with `strange` (to the contract), `undeclared` (personal), `named` like personal data, and `looks_personal` (its values)."""
    columns = {f"{table.name}.{column.name}": column.category for table in contract.load().values() for column in table.columns}
    undeclared = [name for name, category in columns.items() if category and name not in policy.declared.columns]
    of_people = speaks_of(inventory.name, ["user_id", *policy.setting("birth_names"), *_CONTACTS])
    rows = join(inventory.filter(inventory.filled), has(inventory, "table_name", of_people=of_people), "table_name")
    rows = rows.mutate(
        strange=~rows.column_name.isin(list(columns)),
        undeclared=rows.column_name.isin(undeclared) if undeclared else ibis.literal(False),
        named=names_personal_data(rows, policy),
    )
    looks_personal = contents.finding.isin(policy.setting("personal_kinds"))
    return join(rows, has(contents, "column_name", looks_personal=looks_personal), "column_name")


@rule("COL-02", severity="high", clauses=["CL-090"])
def high_risk_values(column_contents: ir.Table, detections: ir.Table, present: Present, policy: View) -> Check:
    """Exact places, identity numbers, bank accounts and device numbers are not stored where the policy does not declare them."""
    return _check_of_values("value", policy.setting("high_risk_kinds"), column_contents, detections, present)


@rule("COL-07", severity="critical", clauses=["CL-034"])
def card_number_stored(column_contents: ir.Table, detections: ir.Table, present: Present) -> Check:
    """No payment card number is stored."""
    return _check_of_values("card", ["card"], column_contents, detections, present)


def _check_of_values(what: str, kinds: list[str], contents: ir.Table, detections: ir.Table, present: Present) -> Check:
    """Every text, and every column that is not read text by text, with what was detected in it of these kinds."""
    in_texts = detections.filter(detections.what == "value", detections.finding.isin(kinds))
    doubtful = in_texts.confidence == "low"
    columns = _columns_as_a_whole(contents)
    in_columns = columns.filter(columns.finding.isin(kinds)).mutate(confidence=ibis.literal("high"))
    hits = ibis.union(in_texts.filter(~doubtful).select(*HIT), in_columns.select(*HIT))
    population = ibis.union(_without_person(columns), *_texts(present))
    rows = join(population, _by_text(hits), ["place", "record"])
    return Check(
        rows,
        _detected(what, rows),
        record=rows.record,
        by=("place", "finding", "confidence"),
        figures={"Texts with a number that may be one, and nothing near it that says so": in_texts.filter(doubtful).count()},
        population=population,
    )


def _detected(what: str, rows: ir.Table) -> list[Condition]:
    """What was detected, by where: in a column, in an address that the app wrote, or in a text that a person wrote."""
    in_column, logged = ~rows.place.isin(list(PLACES)), rows.place.isin(LOGGED)
    return [
        passes(~rows.hit),
        violation(f"{what}_in_column", in_column),
        violation(f"{what}_in_address", logged & rows.certain),
        review(f"{what}_in_address_in_doubt", logged),
        review(f"{what}_in_text", ~logged),
    ]


def _columns_as_a_whole(contents: ir.Table) -> ir.Table:
    """What a sample of each column that is not read text by text holds: `finding`, `place`, `record`."""
    c = contents.filter(~contents.column_name.isin(list(PLACES)))
    c = c.mutate(finding=only_if((c.finding != "gps") | ~c.column_name.isin(LOCATIONS), c.finding))
    return c.select("finding", place=c.column_name, record="column_inventory:" + c.column_name)


def _without_person(columns: ir.Table) -> ir.Table:
    """One row per column, which is of nobody: user_id (null), `place`, `record`."""
    each = columns.select("place", "record").distinct()
    return each.select(user_id=ibis.null("string"), place=each.place, record=each.record)


def _texts(present: Present) -> list[ir.Table]:
    """The texts of each place that was delivered: whose they are, `place` and `record`."""
    places = [(place, present[place.table]) for place in PLACES.values() if place.is_in(present)]
    return [
        rows.filter(~blank(place.text(rows))).select("user_id", place=ibis.literal(place.name), record=place.record(rows))
        for place, rows in places
    ]


def _by_text(hits: ir.Table) -> ir.Table:
    """One row per text or column with a hit: `hit`, `finding` (or several), `certain` and the surest `confidence`."""
    certain = hits.confidence == "high"
    one = hits.group_by(["place", "record"]).agg(certain=certain.any(), kind=hits.finding.max(), kinds=hits.finding.nunique())
    return one.select(
        "place",
        "record",
        "certain",
        hit=ibis.literal(True),
        finding=(one.kinds > 1).ifelse("several", one.kind),
        confidence=one.certain.ifelse("high", "medium"),
    )
