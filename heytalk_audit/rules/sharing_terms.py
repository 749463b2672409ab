"""Terms that the rules of sharing have in common: which disclosures are commercial, and which name nobody."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.declared import Codes

#: Kinds of disclosure by which a company has its data handled or used; the others follow a duty or a sale.
COMMERCIAL = ("sdk", "processor", "advertising")


def is_aggregate(disclosures: ir.Table) -> ir.BooleanValue:
    """Whether a disclosure names nobody: neither a person nor any form of identifier."""
    return blank(disclosures.user_id) & sure(disclosures.identifier_form == "none")


def only_codes(names: tuple[str, ...], codes: Codes) -> Codes:
    """Those of the codes that are named, with their synonyms."""
    return Codes(codes.clause, {name: codes.codes[name] for name in names})
