"""The nightly purge: it erases each account, and each day of traffic, on the day that it falls due. For four weeks it stood still.

It looks at no earlier day. What fell due while it stood still was left, until somebody erased the accounts of the first half by hand.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.company.history import Company
from heytalk_audit.demo.world import months_later

#: Days before the end of the history: the first and the last on which the job stood still, the first whose accounts nobody erased by hand,
#: and the day on which those before were erased.
STILL_FROM, STILL_TO, LEFT_FROM, CAUGHT_UP = 58, 31, 45, 21
#: When the job runs, and the person who caught up.
NIGHT, AFTERNOON = dt.time(2, 10), dt.time(14, 20)


def stood_still(w: Company, due: dt.date) -> bool:
    """Whether the job did not run on a day."""
    return w.ago(STILL_FROM).date() <= due <= w.ago(STILL_TO).date()


def purge_day(w: Company, deleted_at: dt.datetime) -> dt.datetime | None:
    """When an account is purged; null if it never is, or only after the end of the history."""
    due = months_later(deleted_at.date(), 6)
    if not stood_still(w, due):
        at = dt.datetime.combine(due, NIGHT, dt.UTC)
        return at if at <= w.end else None
    return dt.datetime.combine(w.ago(CAUGHT_UP).date(), AFTERNOON, dt.UTC) if due < w.ago(LEFT_FROM).date() else None


def purged() -> dict[str, Any]:
    """What is left of an account after its purge: its number, its dates, and the region whose law applied."""
    gone = ("display_name", "email", "phone", "gender", "birth_date", "country", "city", "credential_format", "last_contact_at")
    return dict.fromkeys((*gone, "last_interactive_at")) | {"geo_source": "none", "profile_visibility": "hidden"}


def purge_findings(w: Company, user: str, deleted_at: dt.datetime) -> None:
    """Write down what an ideal audit finds of an account that the job should have purged.

    That an account fell due in the quarter and was not purged, every world writes down by itself.
    """
    due, purged_at = months_later(deleted_at.date(), 6), purge_day(w, deleted_at)
    if not stood_still(w, due) or due >= w.today:
        return
    if not w.has_come(purged_at):
        w.find("RET-01", "users", user, "violation", "overdue")
    elif purged_at and w.in_quarter(purged_at):
        w.find("RET-01", "users", user, "violation", "late_purge")


def is_kept(w: Company, day: dt.date) -> bool:
    """Whether the traffic of a day is stored by now: its year is not over, or the job stood still when it was."""
    due = months_later(day, 12)
    return due >= w.today or is_overdue(w, day)


def is_overdue(w: Company, day: dt.date) -> bool:
    """Whether the traffic of a day should have been erased, and is stored."""
    due = months_later(day, 12)
    return due < w.today and stood_still(w, due)
