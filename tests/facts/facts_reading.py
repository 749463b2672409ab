"""A second reading of the facts over a snapshot's files: written from their definitions, in plain Python, and counted by pandas."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import sys
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))

from access_reading import CLEAR, CLEAR_SCHEMES, ENCRYPTED_SCHEMES, FAST, NO_PASSWORD, SLOW, table_name
from declared_reading import CANONICAL, vendor
from rights_reading import Calendar, blank, key, lower, trim
from value_reading import filled, filled_email, filled_phone, special_value

from heytalk_audit import contract
from heytalk_audit.expressions.calendar import add_months
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of

DAY = dt.timedelta(days=1)
NEGATIVE = {"withdraw": "withdrawn", "opt_out": "opted out", "refuse": "refused"}
BANDS = ((13, "under 13"), (16, "13 to 15"), (18, "16 to 17"), (25, "18 to 24"), (65, "25 to 64"), (200, "65 and over"))
#: Tables with the column from which a row is held: those that go with the account, and those without a period.
ACCOUNT = {
    "profile_attributes": "created_at", "outbound_messages": "sent_at", "content_items": "created_at", "devices": "first_seen_at",
    "social_accounts": "linked_at",
}  # fmt: skip
ON_RECORD = ("country", "declared", "vetted", "contract", "transfer_tool")
UNSTATED = {
    "subscriptions": "start_at", "transactions": "purchased_at", "promotion_entries": "won_at", "rights_requests": "received_at",
    "disclosures": "sent_at", "retention_exceptions": "started_at", "staff_access_log": "accessed_at",
}  # fmt: skip


def age(birth: dt.date, day: dt.date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def band(birth: dt.date, day: dt.date) -> str:
    return next(label for limit, label in BANDS if age(birth, day) < limit)


def quantile(days: list[int], share: float) -> float | None:
    """The number that this share of the days does not exceed, between two of them by their distance."""
    if not days:
        return None
    days = sorted(days)
    place = share * (len(days) - 1)
    low, high = days[math.floor(place)], days[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


class FactsReading:
    """What each fact says of a delivered folder: its total, and the rows of each part, as dimensions with their numbers."""

    def __init__(self, folder: Path):
        descriptor = json.loads((folder / "datapackage.json").read_text("utf-8"))
        self.now = dt.datetime.fromisoformat(descriptor["as_of"]).astimezone(dt.UTC)
        self.settings = settings_of(load_policy(), {})
        self.calendar = Calendar({}, self.now)
        self.today, self.start = self.now.date(), add_months(self.now.date(), -3)
        self.tables = {file.stem: self.rows_of(file) for file in folder.glob("*.parquet")}
        every = defaultdict(list)
        for user in self.tables["users"]:
            every[user["user_id"]].append(user)
        self.testers = {id for id, rows in every.items() if all(row["is_test"] for row in rows)}
        newest = {id: max(rows, key=lambda row: (row["created_at"], row["status"])) for id, rows in every.items()}
        self.users = {id: row for id, row in newest.items() if id not in self.testers}
        self.everyone = newest

    def rows_of(self, file: Path) -> list[dict[str, Any]]:
        """A table's rows; what the contract's lists do not know is null."""
        listed = {column.name: column.values for column in contract.load()[file.stem].columns if column.values}
        rows = pq.read_table(file).to_pylist()
        return [
            {name: None if value and name in listed and value not in listed[name] else value for name, value in row.items()} for row in rows
        ]

    def of(self, table: str) -> list[dict[str, Any]]:
        """A table's rows without those of test accounts."""
        return [row for row in self.tables[table] if row.get("user_id") not in self.testers]

    def by_now(self, moment: dt.datetime | None) -> bool:
        return moment is not None and moment <= self.now

    def in_period(self, moment: dt.datetime | None) -> bool:
        return self.by_now(moment) and moment.date() >= self.start

    # accounts ----------------------------------------------------------------------------------------

    def gone(self, user: dict[str, Any]) -> dt.datetime | None:
        """The day of a deletion that nobody took back."""
        deleted, restored = user["deleted_at"], user["restored_at"]
        return None if deleted and self.by_now(restored) and deleted <= restored else deleted

    def live(self, user: dict[str, Any]) -> bool:
        return user["status"] in ("active", "suspended", "banned") and self.gone(user) is None

    def contact(self, user: dict[str, Any]) -> dt.datetime | None:
        """The last contact that was recorded."""
        back = user["restored_at"] if user["restored_by"] == "user" and self.by_now(user["restored_at"]) else None
        return max((t for t in (user["last_contact_at"], user["last_interactive_at"], back) if t), default=None)

    def unclear(self, user: dict[str, Any]) -> bool:
        gone, purged, restored = self.gone(user), user["purged_at"], user["restored_at"]
        taken_back = user["deleted_at"] is not None and gone is None
        return bool(
            (user["status"] == "deleted" and (user["deleted_at"] is None or taken_back))
            or any(t and t > self.now for t in (gone, purged, restored if gone else None))
            or (gone and purged and purged < gone)
            or (user["status"] in ("active", "suspended") and gone)
        )

    def state(self, user: dict[str, Any]) -> str:
        gone, since = self.gone(user), self.contact(user) or user["created_at"]
        if user["status"] == "anonymised":
            return "anonymised"
        if user["status"] == "purged" or self.by_now(user["purged_at"]):
            return "purged"
        if self.unclear(user):
            return "unclear"
        if gone:
            return "past the security period" if self.today > add_months(gone.date(), 6) else "in the security period"
        if self.live(user):
            return "inactive" if self.today > add_months(since.date(), 60) else "live"
        return "unclear"

    def premium(self, id: str) -> bool:
        mine = [s for s in self.tables["subscriptions"] if s["user_id"] == id and s["status"] == "active" and self.by_now(s["start_at"])]
        return any(not s["end_at"] or (s["end_at"] > self.now and s["end_at"] >= s["start_at"]) for s in mine)

    def people(self):
        rows = [
            {"person": id, "state": self.state(u), "status": u["status"], "law_region": u["law_region"], "age": self.age_today(u)}
            for id, u in self.users.items()
        ]
        return len(self.users), {"": counted(rows, ["state", "status", "law_region", "age"], people="person")}

    def age_today(self, user: dict[str, Any]) -> str:
        birth = user["birth_date"]
        return "not known" if birth is None or birth > self.today else band(birth, self.today)

    def inactivity(self):
        rows = []
        for id, u in self.users.items():
            if self.live(u):
                premium = "premium" if self.premium(id) else "not premium"
                rows.append({"person": id, "last_contact": self.contact_band(self.contact(u)), "premium": premium})
        return len(rows), {"": counted(rows, ["last_contact", "premium"], people="person")}

    def contact_band(self, contact: dt.datetime | None) -> str:
        if contact is None:
            return "none recorded"
        if contact > self.now:
            return "after the snapshot"
        if (self.today - contact.date()).days <= 30:
            return "up to 30 days"
        years = next((n for n in range(1, 6) if self.today <= add_months(contact.date(), 12 * n)), None)
        return "more than 5 years" if years is None else f"up to {years} year{'s' if years > 1 else ''}"

    # consent -----------------------------------------------------------------------------------------

    @cached_property
    def events(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        events = defaultdict(list)
        for c in self.of("consents"):
            if self.by_now(c["event_at"]):
                events[c["user_id"], c["purpose"]].append(c)
        return events

    def consent_at(self, person: str, purpose: str, at: dt.datetime, versions: bool = True) -> str:
        """What a person had said for a purpose by an instant."""
        events = [c for c in self.events.get((person, purpose), ()) if c["event_at"] <= at]
        if not events:
            return "no record"
        refused = max((c["event_at"] for c in events if c["action"] in NEGATIVE), default=None)
        grants = [c for c in events if c["action"] not in NEGATIVE and (refused is None or c["event_at"] > refused)]
        if not grants:
            last = [c["action"] for c in events if c["event_at"] == refused]
            return next(name for action, name in NEGATIVE.items() if action in last)
        in_force = [c for c in grants if c["expires_at"] is None or c["expires_at"] > at]
        if not in_force:
            return "expired"
        newest = [c for c in in_force if c["event_at"] == max(c["event_at"] for c in in_force)]
        good = [c for c in newest if c["action"] == "grant" and c["explicit"] and c["method"] not in ("bundled_terms", "default")]
        if not good:
            return "granted, not explicit"
        return "granted, version unknown" if versions and all(blank(c["policy_version"]) for c in good) else "granted"

    def expiries(self, person: str, purpose: str) -> int:
        """How often a consent became one that has expired, in the period."""
        events = self.events[person, purpose]
        instants = sorted({c["event_at"] for c in events} | {c["expires_at"] for c in events if self.by_now(c["expires_at"])})
        states = [(at, self.consent_at(person, purpose, at)) for at in instants]
        begun = [at for (at, now), before in zip(states, [None, *[s for _, s in states]], strict=False) if now == "expired" != before]
        return sum(self.in_period(at) for at in begun)

    def consent(self):
        now = [
            {"person": person, "purpose": purpose, "state": self.consent_at(person, purpose, self.now)} for person, purpose in self.events
        ]
        names = {"grant": "grant", "withdraw": "withdrawal", "refuse": "refusal", "opt_out": "opt-out"}
        rows = [
            {"person": p, "purpose": purpose, "event": names.get(c["action"]), "method": c["method"], "policy_version": c["policy_version"]}
            for (p, purpose), events in self.events.items()
            for c in events
            if self.in_period(c["event_at"])
        ]
        ended = [
            {"person": p, "purpose": purpose, "event": "expiry", "method": None, "policy_version": None}
            for p, purpose in self.events
            for _ in range(self.expiries(p, purpose))
        ]
        by = ["purpose", "event", "method", "policy_version"]
        parts = {
            "in force": counted(now, ["purpose", "state"], people="person"),
            "in the period": counted(rows + ended, by, people="person", size="events"),
        }
        return len({person for person, _ in self.events}), parts

    def marketing(self):
        rows = []
        for m in self.of("outbound_messages"):
            if m["category"] == "marketing" and m["status"] != "suppressed" and self.in_period(m["sent_at"]):
                state = self.consent_at(m["user_id"], f"marketing_{m['channel']}", m["sent_at"])
                rows.append({"person": m["user_id"], "channel": m["channel"], "month": f"{m['sent_at']:%Y-%m}", "consent": state})
        return len({row["person"] for row in rows}), {"": counted(rows, ["channel", "month", "consent"], people="person", size="sends")}

    def legal_basis(self):
        rows = [
            {"person": c["user_id"], "purpose": c["purpose"], "seen_in": "consents"}
            for c in self.of("consents")
            if self.by_now(c["event_at"])
        ]
        for m in self.of("outbound_messages"):
            if self.by_now(m["sent_at"]) and m["status"] != "suppressed":
                purpose = f"marketing_{m['channel']}" if m["category"] == "marketing" else m["category"]
                rows.append({"person": m["user_id"], "purpose": purpose, "seen_in": "messages"})
        for d in self.disclosed():
            rows.append({"person": d["user_id"], "purpose": self.purpose(d["purpose"]), "seen_in": "disclosures"})
        return distinct(rows), {"": counted(rows, ["purpose", "seen_in"], people="person", size="records")}

    def disclosed(self) -> list[dict[str, Any]]:
        return [d for d in self.of("disclosures") if self.by_now(d["sent_at"])]

    def purpose(self, text: str | None) -> str | None:
        codes = {key(code): code for code in load_policy().declared.purposes}
        return None if blank(text) else codes.get(key(text), key(text))

    def recipients(self):
        declared = {row["vendor_id"]: vendor(row) for row in self.tables["vendors"]}
        records = {row["vendor_id"]: self.on_record(row, declared[row["vendor_id"]]) for row in self.tables["vendors"]}
        names = {key(code): code for code in load_policy().declared.fields.codes}
        whole, fields = [], []
        for d in self.disclosed():
            code = declared.get(d["vendor_id"])
            recipient = code if code and code != "ambiguous" else d["vendor_id"]
            row = {"person": d["user_id"], "recipient": recipient, "at": d["sent_at"].date().isoformat()}
            whole.append(row | records.get(d["vendor_id"], dict.fromkeys(ON_RECORD, "not on record")))
            codes = {names.get(CANONICAL.get(key(f), key(f)), key(f)) for f in d["fields"] or () if f is not None}
            fields += [row | {"purpose": self.purpose(d["purpose"]), "field": field or None} for field in codes or {None}]
        by = ["recipient", "purpose", "field"]
        return distinct(whole), {
            "recipients": counted(whole, ["recipient", *ON_RECORD], people="person", size="disclosures"),
            "fields": counted(fields, by, people="person", size="disclosures", first="at", last="at"),
        }

    def on_record(self, row: dict[str, Any], code: str | None) -> dict[str, str]:
        """What the register says of a recipient on the audit's day."""
        ends, signed = row["contract_end"], [day for day in (row["first_contract_at"], row["contract_signed_at"]) if day]
        vetted = [day for day in (row["first_vetted_at"], row["vetted_at"]) if day]
        ended = bool(ends and ends < self.today)
        in_force = bool(signed and min(signed) <= self.today) and not ended
        return {
            "country": self.country(row["country"]) or "not on record",
            "declared": "declared" if code and code != "ambiguous" else "not declared",
            "vetted": "vetted" if vetted and min(vetted) <= self.today else "not vetted",
            "contract": "in force" if in_force else "ended" if ended else "none",
            "transfer_tool": "none" if blank(row["transfer_tool"]) else "on record",
        }

    def country(self, text: str | None) -> str | None:
        """A country by its code of two letters, which one of three may stand for."""
        short = {names[1]: code for code, names in load_policy().declared["countries"].by_key().items()}
        code = key(text or "")
        return code.upper() if re.fullmatch("[a-z]{2}", code) else short[code].upper() if code in short else None

    # children, sensitive data ------------------------------------------------------------------------

    def birth(self, user: dict[str, Any]) -> str | None:
        """Why the birth date of a live account tells no age; null where it tells one."""
        birth = user["birth_date"]
        if birth is None:
            return "birth date missing"
        odd = birth > user["created_at"].date() or birth > self.today or age(birth, self.today) > self.settings["oldest"]
        return "birth date implausible" if odd else None

    def children(self):
        live = {id: u for id, u in self.users.items() if self.live(u)}
        ages = []
        for id, u in live.items():
            why = self.birth(u)
            now, then = (why or band(u["birth_date"], day) for day in (self.today, u["created_at"].date()))
            ages.append({"person": id, "age_now": now, "age_at_registration": then})
        events = [(m, f"marketing by {m['channel']}") for m in self.of("outbound_messages") if m["category"] == "marketing"]
        events = [(m, what) for m, what in events if m["status"] != "suppressed"]
        events += [(d, "disclosure for advertising") for d in self.of("disclosures") if d["kind"] == "advertising"]
        reached = []
        for event, what in events:
            user, day = live.get(event["user_id"]), event["sent_at"].date()
            if user and not self.birth(user) and self.in_period(event["sent_at"]) and age(user["birth_date"], day) < 18:
                reached.append({"person": event["user_id"], "what": what, "age_then": band(user["birth_date"], day)})
        minors = [id for id, u in live.items() if not self.birth(u) and age(u["birth_date"], self.today) < 18]
        return len(minors), {
            "ages": counted(ages, ["age_now", "age_at_registration"], people="person"),
            "reached": counted(reached, ["what", "age_then"], people="person", size="events"),
        }

    def sensitive(self):
        rows = []
        for a in self.of("profile_attributes"):
            if not self.by_now(a["deleted_at"]) and special_value(a, self.settings):
                state = self.consent_at(a["user_id"], "sensitive_data", self.now, versions=False)
                category = key(re.sub(r"^[\s\S]*:", "", a["category"] or ""))
                what = {"source": a["source"], "visibility": a["visibility"], "consent": state}
                rows.append({"person": a["user_id"], "category": category} | what)
        return distinct(rows), {"stored": counted(rows, ["category", "source", "visibility", "consent"], people="person", size="values")}

    # requests, purges --------------------------------------------------------------------------------

    def rights(self):
        rows = []
        for r in self.of("rights_requests"):
            answered = r["answered_at"]
            if self.by_now(r["received_at"]) and (answered is None or answered.date() >= self.start):
                own = r["law_region"] or self.everyone.get(r["user_id"], {}).get("law_region")
                row = {"kind": r["kind"], "outcome": r["outcome"], "law_region": own, "answer": self.answer(r, own)}
                rows.append(row | {"days": (answered.date() - r["received_at"].date()).days if answered else None})
        return len(rows), {"": self.with_days(rows, ["kind", "outcome", "law_region", "answer"], "requests")}

    def answer(self, r: dict[str, Any], region: str | None) -> str:
        last = self.calendar.deadlines(r, region)[1] if region else None
        if r["outcome"] == "withdrawn":
            return "withdrawn"
        if r["answered_at"]:
            return "answered, no last day" if last is None else "in time" if r["answered_at"].date() <= last else "late"
        if r["outcome"] != "open":
            return "answer not dated"
        return "open, no last day" if last is None else "open" if self.today <= last else "overdue"

    def purges(self):
        rows = []
        for p in self.of("purge_log"):
            if self.in_period(p["purged_at"]):
                user = self.everyone.get(p["user_id"])
                gone = self.gone(user) if user else None
                days = (p["purged_at"].date() - add_months(gone.date(), 6)).days if gone else None
                rows.append({"table_name": p["table_name"], "method": p["method"], "trigger": p["trigger"], "days": days, "n": p["rows"]})
        return len(rows), {"": self.with_days(rows, ["table_name", "method", "trigger"], "entries", rows_purged="n")}

    def with_days(self, rows: list[dict[str, Any]], by: list[str], size: str, **sums: str) -> list[dict[str, Any]]:
        groups = defaultdict(list)
        for row in rows:
            groups[tuple(row[name] for name in by)].append(row)
        lines = []
        for dimensions, own in groups.items():
            days = [row["days"] for row in own if row["days"] is not None]
            line = {name: value or "(none)" for name, value in zip(by, dimensions, strict=True)} | {size: len(own)}
            line |= {name: sum(row[column] for row in own) for name, column in sums.items()}
            median, most = (None if (n := quantile(days, share)) is None else round(n, 2) for share in (0.5, 0.9))
            lines.append(line | {"median_days": median, "days_of_90_percent": most, "worst_days": max(days, default=None)})
        return lines

    # retention, security -----------------------------------------------------------------------------

    def retention(self):
        kept = {"users": [(u["user_id"], u["created_at"], self.account_due(u)) for u in self.users.values()]}
        kept["traffic_events"] = [(e["user_id"], e["event_at"], self.traffic_due(e)) for e in self.of("traffic_events")]
        kept["support_tickets"] = [(t["user_id"], t["opened_at"], self.ticket_due(t)) for t in self.of("support_tickets")]
        for table, at in ACCOUNT.items():
            kept[table] = [(r["user_id"], r[at], self.residue_due(r["user_id"])) for r in self.of(table)]
        for table, at in UNSTATED.items():
            kept[table] = [(r["user_id"], r[at], None) for r in self.of(table)]
        kept["consents"] = [(c["user_id"], c["event_at"], None) for c in self.of("consents")]
        lines = []
        for table, rows in kept.items():
            days = [at.date().isoformat() for _, at, _ in rows if at]
            line = {"data": table, "rows": len(rows), "people": len({person for person, _, _ in rows if not blank(person)})}
            line |= {"oldest": min(days, default=None), "newest": max(days, default=None)}
            line |= {} if table == "consents" else {"due": sum(due is not None and due < self.today for _, _, due in rows)}
            logged = [p for p in self.of("purge_log") if p["table_name"] == table and self.in_period(p["purged_at"])]
            lines.append(line | {"purged": sum(p["rows"] for p in logged)})
        return len({person for rows in kept.values() for person, _, _ in rows if not blank(person)}), {"": lines}

    def account_due(self, u: dict[str, Any]) -> dt.date | None:
        if not (filled(u["display_name"]) or filled_email(u["email"]) or filled_phone(u["phone"])):
            return None
        if self.gone(u):
            return add_months(self.gone(u).date(), 6)
        if not self.live(u) or self.premium(u["user_id"]):
            return None
        mine = [s for s in self.tables["subscriptions"] if s["user_id"] == u["user_id"] and s["status"] in ("active", "expired")]
        ends = [s["end_at"] for s in mine if self.by_now(s["start_at"]) and self.by_now(s["end_at"]) and s["end_at"] >= s["start_at"]]
        return add_months(max([self.contact(u) or u["created_at"], *ends]).date(), 60)

    def traffic_due(self, e: dict[str, Any]) -> dt.date | None:
        traced = any(not blank(e[name]) for name in ("user_id", "device_id", "ip"))
        return add_months(e["event_at"].date(), 12) if traced else None

    def ticket_due(self, t: dict[str, Any]) -> dt.date | None:
        closed = t["closed_at"] and not (t["reopened_at"] and t["reopened_at"] >= t["closed_at"])
        clocks = [t[name] for name in ("opened_at", "last_customer_at", "last_agent_at", "reopened_at") if t[name]]
        return add_months(max(clocks).date(), 72) if closed and not blank(t["text"]) else None

    def residue_due(self, person: str | None) -> dt.date | None:
        user = self.everyone.get(person)
        gone = self.gone(user) if user else None
        return add_months(gone.date(), 6) if gone else None

    def security(self):
        passwords = []
        for id, u in self.users.items():
            label = key(u["credential_format"] or "")
            if u["status"] not in ("purged", "anonymised") and label not in NO_PASSWORD:
                kinds = [(not label and blank(u["credential_format"]), "not stated"), (label.startswith(SLOW), "slow hash")]
                kinds += [(label.startswith(FAST), "fast hash"), (label.startswith(CLEAR), "readable"), (True, "not recognised")]
                passwords.append({"person": id, "stored_as": next(name for holds, name in kinds if holds)})
        addresses = []
        for c in self.of("content_items"):
            if not blank(c["url"]):
                url = lower(trim(c["url"]))
                kind = (
                    "encrypted"
                    if url.startswith(ENCRYPTED_SCHEMES)
                    else "not encrypted"
                    if url.startswith(CLEAR_SCHEMES)
                    else "not recognised"
                )
                addresses.append({"person": c["user_id"], "transport": kind})
        roles = {s["staff_id"]: s["role"] for s in self.tables["staff"]}
        accesses = [
            {"person": a["user_id"], "role": roles.get(a["staff_id"]), "table_read": table_name(a["table_name"])}
            for a in self.of("staff_access_log")
            if self.in_period(a["accessed_at"])
        ]
        training = [{"state": self.training(s)} for s in self.tables["staff"] if self.employed(s)]
        return len(passwords), {
            "passwords": counted(passwords, ["stored_as"], people="person"),
            "addresses": counted(addresses, ["transport"], people="person", size="addresses"),
            "accesses": counted(accesses, ["role", "table_read"], people="person", size="accesses"),
            "training": counted(training, ["state"], size="staff"),
        }

    def employed(self, s: dict[str, Any]) -> bool:
        return not (s["left_at"] and s["left_at"] < self.today) and not (s["started_at"] and s["started_at"] > self.today)

    def training(self, s: dict[str, Any]) -> str:
        days = [s["started_at"] + self.settings["training_start_days"] * DAY] if s["started_at"] else []
        days += [add_months(s["last_training_at"], self.settings["training_months"])] if s["last_training_at"] else []
        if not days:
            return "not known"
        if self.today <= max(days):
            return "in time"
        return "expired" if s["last_training_at"] else "never trained"


def distinct(rows: list[dict[str, Any]]) -> int:
    return len({row["person"] for row in rows if not blank(row["person"])})


def counted(rows: list[dict[str, Any]], by: list[str], people: str = "", size: str = "", first: str = "", last: str = "") -> list[dict]:
    """The rows counted by some columns: distinct people, all rows, the first and last day."""
    if not rows:
        return []
    frame = pd.DataFrame(rows, dtype="object")
    for name in by:
        frame[name] = [value if value is not None and str(value).strip() else "(none)" for value in frame[name]]
    lines = []
    for dimensions, own in frame.groupby(by):
        line = dict(zip(by, dimensions if isinstance(dimensions, tuple) else (dimensions,), strict=True))
        line |= {"people": int(own[people][[not blank(p) for p in own[people]]].nunique())} if people else {}
        line |= {size: len(own)} if size else {}
        line |= {"first": min(own[first]), "last": max(own[last])} if first else {}
        lines.append(line)
    return lines
