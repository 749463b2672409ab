"""Terms about what is collected: how closely a text says where somebody is, and when a person's data last grew."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import alternatives, lower
from heytalk_audit.policy.view import View

#: A pair of numbers that can be a place on Earth, with a third one or not. `\\z` is the end of a text on every engine, `$` is not.
_LATITUDE = "[+-]?(0?[0-8]?[0-9]([.][0-9]+)?|0?90([.]0+)?)"
_LONGITUDE = "[+-]?((0?[0-9]?[0-9]|1[0-7][0-9])([.][0-9]+)?|180([.]0+)?)"
_THIRD = "[+-]?[0-9]+([.][0-9]+)?"
_BETWEEN = "[,;/ ]+"
PAIR = rf"^{_LATITUDE}{_BETWEEN}{_LONGITUDE}\z"
TRIPLE = rf"^{_LATITUDE}{_BETWEEN}{_LONGITUDE}{_BETWEEN}{_THIRD}\z"
#: What the receipts of each store look like.
RECEIPTS = {
    "app_store": r"^[0-9]{10,20}\z",
    "google_play": r"^GPA[.][0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{5}([.][.][0-9]+)?\z",
}


def closeness(place: ir.StringValue) -> ir.StringValue:
    """How closely a trimmed text says where somebody is: `town`, or by its digits; null where there is no text."""
    digit = place.re_search("[0-9]")
    return ibis.cases(
        (~digit, "town"),
        (place.re_search(TRIPLE), "altitude"),
        (place.re_search(PAIR), place.re_search("[.][0-9]{2}").ifelse("coordinates", "coarse_coordinates")),
        (place.re_search("[0-9]{3}"), "digits_in_place"),
        (digit, "fine_text"),
        else_=ibis.null("string"),
    )


def is_measured(name: ir.StringValue, words: list[str]) -> ir.BooleanValue:
    """Whether a column's name ends in one of the words, as `email_count`, or asks, as `has_photo`: it counts, flags or dates a thing."""
    written = lower(name).re_replace("[^a-z0-9]+", "_")
    return sure(written.re_search(f"_({alternatives(words)})_?$|^(is|has|num|no_of)_"))


def names_personal_data(columns: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether a column is named like personal data, of those of `column_inventory` with `of_people` (its table is about people).

    What only counts, flags or dates such a thing is none of its own, but for a day of birth; a name is a person's by the word before it,
    or by its table.
    """
    name, words = columns.name, policy.setting("personal_names")
    born = policy.depending(speaks_of(name, policy.setting("birth_names")), "birth_names")
    measures = policy.setting("measure_words")
    measured = policy.depending(is_measured(name, measures), "measure_words")
    day = born & ~policy.depending(is_measured(name, [word for word in measures if word not in ("date", "day")]), "measure_words")
    thing = policy.depending(speaks_of(name, [word for word in words if word != "name"]), "personal_names")
    of_a_person = speaks_of(name, [f"{word}_name" for word in policy.setting("person_words")])
    of_a_person = policy.depending(of_a_person, "person_words")
    named = of_a_person | (columns.of_people & (lower(name) == "name"))
    return ibis.cases(
        (columns.kind == "boolean", False),
        (columns.kind == "time", day),
        (columns.kind == "number", thing & (day | ~measured)),
        else_=(thing | named) & (day | ~measured),
    )


def speaks_of(name: ir.StringValue, words: list[str]) -> ir.BooleanValue:
    """Whether one of the words stands in a column's name, as `mac` in `wifi_mac` and not in `machine`."""
    written = "_" + lower(name).re_replace("[^a-z0-9]+", "_") + "_"
    return sure(written.re_search(f"_({alternatives(words)})_"))


def stores_receipt(transactions: ir.Table) -> ir.BooleanValue:
    """Whether a receipt looks like those of its store; false for other stores."""
    t = transactions
    return ibis.cases(*[(t.store == store, t.receipt_id.re_search(form)) for store, form in RECEIPTS.items()], else_=False)


def newest(people: ir.Table, *clocks: ir.Table) -> ir.Table:
    """One row per person of `people` (a table of ids) with the latest of each of the times that `clocks` have beside `user_id`."""
    never = ibis.null("timestamp(6)")
    names = list(dict.fromkeys(name for clock in clocks for name in clock.columns if name != "user_id"))
    rows = []
    for clock in clocks:
        t = clock.semi_join(people, "user_id")
        latest = {name: t[name].max().cast("timestamp(6)") if name in t.columns else never for name in names}
        rows.append(t.group_by("user_id").agg(**latest).select("user_id", *names))
    together = ibis.union(*rows)
    return together.group_by("user_id").agg(**{name: together[name].max() for name in names})
