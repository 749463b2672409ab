"""Terms of facts that read a register: what people state, in the shape of tables."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import TablePart

#: So many hours after its detection an incident must be with the authority (GDPR 33(1)).
AUTHORITY_HOURS = 72


def incidents_reported(incidents: ir.Table) -> TablePart:
    """The incidents of the register by kind, and by whether and when the authority and the people were told."""
    i = incidents
    in_time = i.authority_hours <= AUTHORITY_HOURS
    authority = ibis.cases((i.authority_hours.isnull(), "not told"), (in_time, f"within {AUTHORITY_HOURS} hours"), else_="later")
    i = i.mutate(authority=authority, people_informed=i.people_told.ifelse("told", "not told"))
    counts = {"incidents": _.count(), "people_concerned": _.people.sum()}
    return TablePart(
        i, ("kind", "authority", "people_informed"), counts, name="incidents", title="Incidents of the register", own=("kind",)
    )
