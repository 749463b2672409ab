"""Legal basis: the purposes that the data shows, beside the register of processing."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import TablePart, Tally, fact
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.strings import key
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import code_of
from heytalk_audit.rules.terms import join

#: What the register states of a purpose.
STATED = ("legal_basis", "categories", "recipients", "period")


@fact(
    "legal_basis",
    title="Legal basis",
    limits=(
        "Which legal basis is the right one is for counsel to confirm: the register's is shown as it stands.",
        "Processing that leaves no consent, message or disclosure behind is not seen.",
    ),
)
def legal_basis(consents: ir.Table, outbound_messages: ir.Table, policy: View, present: Present) -> Tally:
    """The purposes for which the data shows consents, messages or disclosures up to the audit's instant, each beside what the register of
    processing states of it: legal basis, categories, recipients and period. A purpose is found and not registered, or registered and not
    found, or both. The purpose of a message is its category, and of marketing its channel too. The total counts the people concerned."""
    seen = purposes_seen(consents, outbound_messages, present, policy)
    seen = seen.mutate(is_found=ibis.literal(True))
    rows = beside_register(seen, present["processing"]) if "processing" in present else without_register(seen)
    counts = {"records": _.is_found.sum(), "people": _.user_id.nunique()}
    return Tally(seen, [TablePart(rows, ("purpose", "seen_in", "register", *STATED), counts, own=STATED)])


def purposes_seen(consents: ir.Table, messages: ir.Table, present: Present, policy: View) -> ir.Table:
    """Each consent, message and disclosure up to the audit's instant: user_id, its `purpose` as a code, and `seen_in`."""
    c = consents.filter(policy.by_now(consents.event_at)).select("user_id", "purpose", seen_in=ibis.literal("consents"))
    m = messages.filter(policy.by_now(messages.sent_at), messages.status != "suppressed")
    purpose = (m.category == "marketing").ifelse("marketing_" + m.channel, m.category)
    seen = [c, m.select("user_id", purpose=purpose, seen_in=ibis.literal("messages"))]
    if "disclosures" in present:
        d = present["disclosures"].filter(policy.by_now(present["disclosures"].sent_at))
        declared = code_of(d.purpose, Codes(None, dict.fromkeys(policy.declared.purposes, ())))
        seen.append(d.select("user_id", purpose=declared, seen_in=ibis.literal("disclosures")))
    return ibis.union(*seen)


def beside_register(seen: ir.Table, processing: ir.Table) -> ir.Table:
    """What was seen, with what the register states of its purpose; and the purposes of the register that were not seen, without anybody."""
    rows = seen.mutate(code=key(seen.purpose))
    codes = rows.select("code").distinct()
    rows = join(rows, processing.drop("purpose").mutate(is_registered=ibis.literal(True)), "code")
    missing = processing.anti_join(codes, "code")
    missing = missing.mutate(user_id=ibis.null("string"), seen_in=ibis.literal("nothing"), is_found=False, is_registered=True)
    rows = ibis.union(rows, missing.select(rows.columns))
    one, both = (~rows.is_found, "registered, not found"), (rows.is_registered, "found and registered")
    state = ibis.cases(one, both, else_="found, not registered")
    return rows.mutate(register=state, **{name: rows[name].fill_null("not registered") for name in STATED})


def without_register(seen: ir.Table) -> ir.Table:
    """What was seen, where no register was handed in: nothing can be said of whether it is registered."""
    return seen.mutate(**dict.fromkeys(("register", *STATED), ibis.literal("no register")))
