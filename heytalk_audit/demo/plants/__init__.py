"""Planted rows. A story adds rows that violate a rule, and twins of them that pass by a day, an hour, a minute or a second.

It also writes down every finding that follows from its rows, of whatever rule. Each story is planted three times.
"""

from __future__ import annotations

from heytalk_audit.demo.plants import (
    advertising,
    collection,
    consent,
    evidence,
    free_texts,
    marketing,
    minors,
    objections,
    permissions,
    records,
    retention,
    rights,
    security,
    sensitive,
    sharing,
)
from heytalk_audit.demo.plants.story import STORIES
from heytalk_audit.demo.world import World

__all__ = ["NOT_PLANTABLE", "plant"]

TIMES = 3
#: The order in which stories are planted. Ids are counted through all of them, so another order gives other ids.
MODULES = (
    retention,
    records,
    evidence,
    consent,
    marketing,
    sensitive,
    free_texts,
    minors,
    collection,
    sharing,
    advertising,
    rights,
    objections,
    permissions,
    security,
)

#: Reason codes that a clean delivery can't carry, and why.
NOT_PLANTABLE = {
    ("RET-05", "stamped_contact"): "needs a share of all accounts, however many there are",
    ("*", "undetermined"): "a predicate without an answer is a fault of a rule, not of data",
    ("COL-01", "new_unmapped_column"): "needs a previous audit",
    ("COL-03", "source_cell"): "the contract knows no such source: the evidence rules stop the table",
    ("COL-03", "source_unrecognised"): "the contract knows no other source: the evidence rules stop the table",
    ("COL-05", "fields_missing"): "the contract allows no null there: the evidence rules stop the table",
    ("COL-06", "payout_flag_missing"): "the contract allows no null there: the evidence rules stop the table",
    ("MOD-01", "clock_missing"): "the contract allows no null there: the evidence rules stop the table",
    ("CON-03", "pre_tracking"): "needs the setting acceptance_tracking_start",
    ("SHA-03", "identifier_form_missing"): "the contract knows no disclosure without the form of its identifier",
    ("SHA-05", "clock_missing"): "the contract knows no disclosure without a time",
    ("SHA-14", "clock_missing"): "the contract knows no disclosure without a time",
    **{(f"PRM-0{n}", "before_log_start"): "the log of the demo begins long before the period" for n in (1, 2, 3)},
    ("SHA-11", "clock_missing"): "the contract knows no disclosure without a time",
    ("SHA-11", "visibility_missing"): "the contract knows no content without a visibility",
    ("RGT-01", "received_missing"): "the contract forbids a null there",
    ("RGT-02", "received_missing"): "the contract forbids a null there",
    **{(f"PRM-0{n}", "no_permission_log"): "the log is one table for all" for n in (1, 2, 3, 5, 6)},
    **{(f"PRM-0{n}", "clock_missing"): "the contract wants a time" for n in (1, 2, 3, 4, 5, 6)},
    ("PRM-05", "device_missing"): "a device without a key is no device",
    ("PRM-09", "user_missing"): "the contract wants a user",
    ("SEC-02", "readable"): "needs the setting encrypted_columns",
    ("SEC-02", "named_like_a_secret"): "the contract has no such column",
    ("SEC-03", "clock_missing"): "the contract wants a time",
    ("SEC-03", "role_not_allowed"): "needs the setting role_tables",
    ("SEC-04", "start_missing"): "the contract wants a day",
    ("SEC-06", "visibility_missing"): "the contract wants a visibility",
    ("SEC-07", "clock_missing"): "the contract wants a time",
    ("SEC-08", "not_in_contract"): "the demo delivers the contract's columns",
    ("MIN-01", "below_policy_age"): "needs the setting policy_min_age: the policy names none",
    ("SHA-02", "fields_missing"): "the contract knows no disclosure without a list of fields",
    ("SHA-09", "share_clock_missing"): "the contract knows no disclosure without a time",
}


def plant(world: World) -> None:
    """Plant every story three times, and then the findings that depend on all rows together."""
    for _ in range(TIMES):
        for module in MODULES:
            for write in STORIES[module.__name__]:
                write(world)
    records.holds_for_one_matter(world)
    sharing.seats(world)
    minors.repeated_dates(world)
    security.columns(world)
