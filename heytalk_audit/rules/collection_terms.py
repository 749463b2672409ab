"""Terms about what is collected: how closely a text says where somebody is, and when a person's data last grew."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import lower
from heytalk_audit.rules.terms import any_flag

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


def speaks_of(name: ir.StringValue, words: list[str]) -> ir.BooleanValue:
    """Whether one of the words stands in a column's name, as `mac` in `wifi_mac` and not in `machine`."""
    written = "_" + lower(name).re_replace("[^a-z0-9]+", "_") + "_"
    return any_flag([sure(written.contains(f"_{word}_")) for word in words])


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
