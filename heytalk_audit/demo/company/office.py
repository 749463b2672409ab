"""The office: vendors and their contracts, versions of the policy, staff and their training, authorities, a sale that was looked into."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from heytalk_audit.demo.company.history import Company
from heytalk_audit.demo.people import VENDORS
from heytalk_audit.demo.world import VERSIONS, months_later

#: The region of law in which a vendor has its seat.
SEATS = {"CN": "CN", "US": "US-CA", "DE": "EEA", "TR": "TR"}
#: Days before the end of the history: when vendors were first vetted and bound, and when the contract with Admost ended, was renewed after
#: weeks without any, and ended again.
VETTED, BOUND = 1700, 1690
ENDED, RENEWED, ENDED_AGAIN = 212, 160, 59
#: The members of staff who answer tickets, and days before the end of the history on which each was trained.
STAFF, TRAINED = 5, (650, 360, 70)
#: When a contractor left.
LEFT = 70
#: The member of staff whose training ran out in the second quarter, and the contractor who kept a password.
LATE, CONTRACTOR = "staff-5", "staff-6"


def open_office(w: Company) -> None:
    """All of it: before anybody else, as accounts refer to it."""
    for key, (name, category, country, tool, fields) in VENDORS.items():
        row = {"vendor_id": key, "name": name, "category": category, "country": country, "transfer_tool": tool, "declared_fields": fields}
        first = {"first_vetted_at": w.ago(VETTED).date(), "first_contract_at": w.ago(BOUND).date()}
        w.add("vendors", since=w.ago(VETTED), vetted_at=w.ago(400).date(), **row, **first, **contract(w, key))
    for version, days, material in VERSIONS:
        w.add("policy_versions", policy_version=version, effective_at=w.ago(days), material=material)
    for n in range(STAFF):
        trained = latest(w, [w.ago(days + n).date() for days in TRAINED])
        w.add("staff", staff_id=f"staff-{n}", started_at=w.ago(VETTED - n).date(), last_training_at=trained)
    training_that_ran_out(w)
    contractor_who_kept_a_password(w)


def latest(w: Company, days: Sequence[dt.date]) -> dt.date | None:
    """The last of some days that has come."""
    return max((day for day in days if day <= w.today), default=None)


def contract(w: Company, vendor: str) -> dict[str, Any]:
    """When the contract with a vendor was signed last, and when it ends."""
    if vendor != "admost":
        return {"contract_signed_at": w.ago(390).date()}
    signed, ends = w.by_now(w.ago(RENEWED), (RENEWED, ENDED_AGAIN), (BOUND, ENDED))
    return {"contract_signed_at": w.ago(signed).date(), "contract_end": w.ago(ends).date()}


def contract_that_ran_out(w: Company, person: str) -> None:
    """Advertising goes through Admost every few days, also while no contract binds it: mended by a renewal, which ran out again."""
    ad = {"kind": "advertising", "purpose": "advertising", "vendor_id": "admost", "fields": ["event_name"], "identifier_form": "none"}
    sent = [w.ago(days) for days in range(3, 400, 6)]
    for at in sent:
        w.add("disclosures", user_id=person, sent_at=at, **ad)
    if max(at for at in sent if at <= w.now).date() > contract(w, "admost")["contract_end"]:
        w.find("SHA-09", "vendors", "admost", "violation", "contract_expired")


def training_that_ran_out(w: Company) -> None:
    """One member of staff was trained a month and more too late."""
    days = [w.ago(days).date() for days in (520, 75)]
    w.add("staff", staff_id=LATE, started_at=w.ago(900).date(), last_training_at=latest(w, days))
    if months_later(days[0], 12) < w.today < days[1]:
        w.find("SEC-04", "staff", LATE, "violation", "training_expired")


def contractor_who_kept_a_password(w: Company) -> None:
    """A contractor left, and looked into profiles for a week more."""
    left = w.ago(LEFT).date()
    w.add("staff", staff_id=CONTRACTOR, role="moderation", started_at=w.ago(290).date(), last_training_at=w.ago(280).date(), left_at=left)
    for n in range(24):
        at = w.ago(100 - 2 * n - 0.02 * n)
        access = {"staff_id": CONTRACTOR, "table_name": "profile_attributes", "purpose_ref": f"MOD-{300 + n}", "user_id": None}
        key = w.add("staff_access_log", accessed_at=at, **access)
        if w.has_come(at) and at.date() > left:
            w.find("SEC-03", "staff_access_log", key, "violation", "after_leave")


# authorities and a sale ------------------------------------------------------------------------------


def authorities_and_a_sale(w: Company, people: Sequence[str]) -> None:
    """A court that asked with a ground, a reference and an approval each time, and a buyer who saw figures alone."""
    row = {"category": "authority", "country": "NL", "since": w.ago(300)}
    w.add("vendors", vendor_id="court", name="District court of Utrecht", role="controller", **row)
    sound = {"kind": "legal", "purpose": "legal_compliance", "vendor_id": "court", "legal_ground": "process", "fields": ["user_id"]}
    for n, (days, person) in enumerate(zip((300, 230, 150, 110, 64, 28), people, strict=False)):
        w.add("disclosures", user_id=person, sent_at=w.ago(days), reference=f"C-{n + 11}", approved_by="legal", **sound)
    w.add("vendors", vendor_id="buyer", name="Blue Fox Holding", role="controller", category="other", country="NL", since=w.ago(240))
    figures = {"kind": "corporate", "purpose": "enforce_rights", "vendor_id": "buyer", "fields": ["accounts"], "identifier_form": "none"}
    w.add("disclosures", user_id=None, sent_at=w.ago(240), reference="M-7", approved_by="board", **figures)


def holds(w: Company, people: Sequence[str]) -> None:
    """Disputes, for which some accounts are kept whatever becomes of them: each with an owner, a matter and a review in time."""
    for n, person in enumerate(people):
        reviewed = latest(w, [w.ago(days + n).date() for days in (300, 120)])
        at = None if reviewed is None else dt.datetime.combine(reviewed, dt.time(9), dt.UTC)
        ended = w.ago(25) if n % 3 == 2 else None
        row = {"type": "dispute", "reason_code": "complaint", "reference": f"D-{n + 1}", "owner": "legal", "scope": "users,content_items"}
        w.add("retention_exceptions", user_id=person, started_at=w.ago(420 + n), reviewed_at=at, ended_at=ended, **row)


def seats(w: Company) -> None:
    """Write down which vendors get data of people from outside their region: the company does so with all of them."""
    for key, (_, _, country, tool, _) in VENDORS.items():
        if w.recipients[key] - {None, SEATS[country]}:
            w.find("SHA-13", "vendors", key, "review", "transfer_with_tool" if tool else "transfer_without_tool")


def free_texts(w: Company) -> None:
    """Write down that two columns of free text are delivered, which is for a person to agree to."""
    for column in ("content_items.text", "support_tickets.text"):
        w.find("SEC-08", "column_inventory", column, "review", "free_text_delivered")
