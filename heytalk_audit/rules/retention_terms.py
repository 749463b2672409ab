"""What several rules of retention share."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import (
    attribute_classes,
    content_classes,
    join,
)


def roll_forward(users: ir.Table, policy: View) -> dict[str, ir.Scalar]:
    """Deleted accounts that await their purge: at the period's start, those that came and went, and at its end."""
    start, end = policy.period
    gone, purged = policy.date(users.gone), policy.date(users.purged_at)
    at_start, at_end = (sure(gone < day) & ~sure(purged < day) for day in (start, end))
    return {
        "Awaiting purge at the start": at_start.sum(),
        "Deleted in the period": sure((gone >= start) & (gone < end)).sum(),
        "Purged in the period": sure((gone < end) & (purged >= start) & (purged < end)).sum(),
        "Awaiting purge at the end": at_end.sum(),
    }


def with_classes(users: ir.Table, attributes: ir.Table, content: ir.Table, policy: View) -> ir.Table:
    """Users with the classes of data that are held of them: `sensitive` and `profile` attributes, `media` and `posts`."""
    return join(join(users, attribute_classes(attributes, policy)), content_classes(content, policy))
