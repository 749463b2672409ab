"""Random worlds of few people and many requests, whose times lie at the limits that rules count from each other."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from rights_reading import BLANKS, KINDS, REFUSALS, REGIONS, Calendar, Reading, blank

from heytalk_audit.expressions.calendar import add_months

DAY, MICRO, SKEW = dt.timedelta(days=1), dt.timedelta(microseconds=1), dt.timedelta(seconds=300)
#: Instants of the audit: a Saturday's noon, a Monday that is Tuesday further east, a month's end that is 30 March further west, a new year.
NOWS = ("2025-03-01T12:00", "2025-03-03T23:30", "2025-03-31T05:00", "2025-01-02T00:00")
#: Days that periods begin or end at: ends of months, a leap day, days before holidays.
DAYS = ("2024-11-30", "2024-12-31", "2025-01-31", "2025-01-30", "2025-01-29", "2024-02-29", "2024-08-31", "2024-12-25", "2025-02-01")
#: What stands for nothing, or for nothing that a contract knows.
ODD = (None, "", "\u3000", "odd", "EEA ", "Erasure")


class Dice:
    """Random choices of a world: values, and instants where local days begin and end."""

    def __init__(self, seed: int, broken: bool, settings: dict[str, Any]):
        self.pick, self.broken, self.settings = random.Random(seed), broken, settings
        self.now = dt.datetime.fromisoformat(NOWS[(seed + seed // 4) % len(NOWS)]).replace(tzinfo=dt.UTC)
        self.calendar = Calendar(settings, self.now)
        self.today = self.calendar.today

    def one(self, *values: Any) -> Any:
        return self.pick.choice(values)

    def sometimes(self, share: float, value: Any) -> Any:
        return value if self.pick.random() < share else None

    def midnight(self, day: dt.date) -> dt.datetime:
        """The instant at which a local day begins."""
        return dt.datetime.combine(day, dt.time(), self.calendar.zone).astimezone(dt.UTC)

    def turn(self, day: dt.date) -> dt.datetime:
        """An instant on a local day or at either of its ends."""
        first, last = self.midnight(day), self.midnight(day + DAY)
        return self.one(first, first - MICRO, first + dt.timedelta(hours=9), last - MICRO, last, last)

    def near(self, moment: dt.datetime, *steps: dt.timedelta) -> dt.datetime:
        """An instant one of the steps after another, or a microsecond off."""
        return moment + self.one(dt.timedelta(0), *steps) + self.one(-1, 0, 0, 1) * MICRO

    def spoil(self, rows: list[dict[str, Any]], *columns: str) -> None:
        """In a broken world, put values that the contract does not allow into a few cells."""
        for row in rows if self.broken else ():
            for column in columns:
                if self.pick.random() < 0.05:
                    row[column] = self.pick.choice(ODD) if row[column] is None or isinstance(row[column], str) else None


class World(Dice):
    """One random world: `rows` by table, and the instant and settings that it is audited under."""

    def __init__(self, seed: int, size: int = 450, broken: bool = False, **settings: Any):
        super().__init__(seed, broken, settings)
        self.allowance = dt.timedelta(hours=settings.get("erasure_app_h", 24))
        self.people = [self.user(f"u{n}") for n in range(size // 4)]
        self.rows: dict[str, list[dict[str, Any]]] = {"users": self.people, "retention_exceptions": []}
        quiet = self.people[size // 16 :]
        self.rows["rights_requests"] = [self.request(n, quiet) for n in range(size)]
        self.acts()
        self.spoil(self.people, "law_region", "is_test", "restored_by")
        self.spoil(self.rows["rights_requests"], "kind", "channel", "outcome", "law_region", "received_at", "objection_scope")
        self.spoil(self.rows["outbound_messages"], "status", "category", "channel", "sent_at", "user_id")
        self.spoil(self.rows["disclosures"], "kind", "sent_at")
        self.spoil(self.rows["consents"], "purpose", "action", "event_at", "user_id")
        self.holds()
        self.spoil(self.rows["retention_exceptions"], "type", "reason_code", "scope", "owner", "started_at")

    # a row per table ---------------------------------------------------------------------------------

    def user(self, id: str) -> dict[str, Any]:
        requested = self.turn(self.today - self.one(0, 1, 1, 2, 20, 40, 100) * DAY)
        requested = self.one(requested, requested, self.near(self.now - self.allowance))
        gone = self.sometimes(0.5, self.near(requested, self.allowance, self.allowance, 10 * DAY, -DAY))
        back = self.sometimes(0.4, self.near(self.one(gone or requested, requested), SKEW, DAY))
        if gone and back and self.pick.random() < 0.3:
            gone, back = requested - DAY, requested
        return {
            "user_id": id,
            "status": "active",
            "created_at": self.now - 900 * DAY,
            "deletion_requested_at": self.sometimes(0.7, self.one(requested, requested, requested - 30 * DAY, requested + 31 * DAY)),
            "deleted_at": gone,
            "restored_at": back,
            "restored_by": self.one("user", "user", "staff", "system", None) if back else None,
            "purged_at": self.sometimes(0.15, self.near(requested, self.allowance, 30 * DAY)),
            "law_region": self.one(*REGIONS, None),
            "is_test": self.pick.random() < 0.06,
        }

    def received(self, u: dict[str, Any]) -> dt.datetime:
        """When a request came in: as long ago as a deadline is long, or before the account was deleted."""
        days = self.one(*range(13, 25), *range(27, 36), *range(27, 36), *range(40, 52), *range(86, 100))
        ended = u.get("deleted_at") or u.get("purged_at") or self.now
        return self.one(
            self.turn(self.today - days * DAY),
            self.turn(self.today - days * DAY),
            self.turn(dt.date.fromisoformat(self.one(*DAYS))),
            self.turn(self.calendar.local(ended) - days * DAY),
            self.near(ended - self.allowance),
            self.near(u.get("restored_at") or ended),
        )

    def request(self, n: int, people: list[dict[str, Any]]) -> dict[str, Any]:
        u = {"user_id": self.one("ghost", "\u3000", "", None, "U1")} if self.pick.random() < 0.07 else self.pick.choice(people)
        begun, prompt = self.received(u), self.settings.get("identity_prompt_days", 7)
        before = self.near(begun - self.calendar.skew, dt.timedelta(0), -DAY)
        identity_asked = self.sometimes(0.4, self.turn(self.calendar.local(begun) + self.one(0, 1, prompt, prompt + 1) * DAY))
        identity_asked = self.one(*[max(identity_asked, begun)] * 7, identity_asked, begun, before) if identity_asked else None
        proved = self.near(identity_asked, *(d * DAY for d in (1, 2, 5, 20, -3))) if identity_asked else self.sometimes(0.05, begun)
        proved = self.one(proved, max(identity_asked, proved), max(identity_asked, proved)) if identity_asked else proved
        r = {
            "request_id": f"r{n}",
            "user_id": u["user_id"],
            "kind": self.one(*KINDS, "erasure", "erasure", "access", "object", "restrict", "withdraw", "opt_out"),
            "channel": self.one("app", "form", "email", "other"),
            "law_region": self.sometimes(0.5, self.one(*REGIONS)),
            "received_at": begun,
            "identity_asked_at": identity_asked,
            "identity_ok_at": self.sometimes(0.6, proved),
            "extended_at": None,
            "answered_at": None,
            "refusal_reason": self.reason(),
            "third_party_content": self.one(True, True, True, False, None),
            "id_document_held": self.one(True, True, False, False, None),
            "objection_scope": self.one("marketing", "advertising", "all", "all", None),
        }
        self.answer(r, r["law_region"] or u.get("law_region") or self.one(*REGIONS), before)
        out = self.one(r["answered_at"] or begun, begun)
        r["third_party_consent_at"] = self.sometimes(0.8, self.near(out, self.calendar.skew, 2 * self.calendar.skew, -DAY))
        return r

    def answer(self, r: dict[str, Any], region: str, before: dt.datetime) -> None:
        """Extend and answer a request at the ends of its periods."""
        first, *_ = self.calendar.deadlines(r, region)
        r["extended_at"] = self.sometimes(
            0.4, self.one(*[self.turn(first)] * 4, self.turn(first + DAY), self.turn(first + self.calendar.slack(region) + DAY), before)
        )
        days = {d for d in self.calendar.deadlines(r, region) if d}
        slack = self.calendar.slack(region)
        days = sorted(days | {d + slack for d in days} if slack and self.pick.random() < 0.4 else days)
        edge = [self.turn(d) for d in (*days, *days, *days, self.today - self.settings.get("id_document_days", 30) * DAY)]
        start = self.settings.get("period_from") or add_months(self.today, -3)
        edge += [before, r["identity_ok_at"] or edge[0], self.turn(start), self.turn(start - DAY)]
        r["answered_at"] = self.sometimes(0.7, self.pick.choice(edge))
        r["outcome"] = self.one("done", "done", "partial", "refused", "refused") if r["answered_at"] else "open"
        if self.pick.random() < 0.12:
            r["outcome"] = self.one("done", "partial", "refused", "withdrawn", "open")

    def reason(self) -> str | None:
        names = [name for code, others in REFUSALS.items() for name in (code, *others, code.upper().replace("_", " - "))]
        bad = [None, "", *BLANKS, " \t\u00a0", "busy", "...", "law.", "l\u00e1w", "trade secret \u212a", "identity"]
        return self.one(self.pick.choice(names), self.pick.choice(names), "service_impossible", "identity unproven", self.pick.choice(bad))

    # what happened after an objection ----------------------------------------------------------------

    def acts(self) -> None:
        """Marketing, disclosures and consents around the answers to objections."""
        messages, shared, consents = [], [], []
        allowed = dt.timedelta(hours=self.settings.get("objection_allowance_h", 24))
        waiting = dt.timedelta(hours=self.settings.get("withdrawal_hours", 72))
        heard = [r for r in self.rows["rights_requests"] if r["kind"] in ("object", "restrict") and (r["answered_at"] or r["received_at"])]
        for n, r in enumerate(self.pick.choices(heard, k=2 * len(heard))):
            id, a = r["user_id"], r["received_at"] if r["outcome"] == "open" else r["answered_at"] or r["received_at"]
            s, channel = self.near(a, allowed, allowed, waiting, -DAY, 5 * DAY), self.one("push", "email", "sms")
            message = {"message_id": f"m{n}", "user_id": id or "", "channel": channel, "sent_at": s}
            category = self.one("marketing", "marketing", "marketing", "service")
            messages.append(message | {"category": category, "status": self.one("sent", "delivered", "bounced", "suppressed")})
            kind = self.one("advertising", "advertising", "advertising", "sdk")
            row = {"disclosure_id": f"x{n}", "user_id": id, "vendor_id": "v", "kind": kind, "purpose": "advertising", "fields": []}
            shared.append(row | {"identifier_form": "none", "sent_at": self.one(s, self.near(a, allowed, allowed, -DAY))})
            for m in range(self.one(0, 0, 1, 1, 2, 3)):
                consent = {"consent_id": f"c{n}-{m}", "user_id": id or "", "explicit": True, "method": "in_app"}
                consent["purpose"] = self.one(
                    f"marketing_{channel}", f"marketing_{channel}", "personalised_ads", "personalised_ads", "media"
                )
                consent["action"] = self.one("grant", "grant", "grant", "withdraw", "opt_out", "refuse")
                consent["expires_at"] = self.sometimes(0.4, self.one(s, self.near(s), a, a + 9 * DAY))
                consents.append(consent | {"event_at": self.one(s, s, a, a, self.near(s), self.near(a))})
        quiet = self.pick.choices(heard, k=len(heard) // 3)
        still = {r["user_id"] for r in quiet}
        self.rows["outbound_messages"] = [m for m in messages if m["user_id"] not in still]
        self.rows["disclosures"] = [d for d in shared if d["user_id"] not in still or self.pick.random() < 0.3]
        self.rows["consents"] = consents

    # holds -------------------------------------------------------------------------------------------

    def holds(self) -> None:
        """Holds of people who have violations, begun and ended about the days on which these fell due."""
        reading, late = Reading(self), []
        for rule in ("RGT-01", "RGT-06"):
            people = {record: person for record, person, _ in getattr(reading, rule.lower().replace("-", "_"))()}
            late += [(people[record], result[2]) for record, result in reading.expected(rule).items() if result[2] or result[0] == "review"]
        for n, (person, due) in enumerate(self.pick.sample(late, len(late) * 2 // 3)):
            if not blank(person):
                self.rows["retention_exceptions"] += self.hold(n, person, due or self.today - 40 * DAY)

    def hold(self, n: int, person: str, due: dt.date) -> list[dict[str, Any]]:
        year = add_months(self.today, -12)
        begun = self.one(self.turn(due), self.turn(due), self.turn(due - 20 * DAY), self.turn(year), self.turn(year - DAY))
        ends = (self.turn(self.today - 30 * DAY), self.turn(self.today - 31 * DAY), self.turn(due + self.one(0, 3, 9) * DAY))
        ended = self.sometimes(0.5, self.one(*ends, *ends[:1] * 3, self.now, self.now + MICRO, begun, begun - MICRO))
        bad = self.one("users.email", "rights_requests.user_id", " ", "consents", "users rights_requests")
        values = {
            "exception_id": f"h{n}",
            "user_id": person,
            "type": self.one("legal_hold", "legal_hold", "dispute", "statutory", "fraud", "ban"),
            "reason_code": self.one("R", "R", "R", "", " "),
            "reference": self.one("M-1", None, "\u3000"),
            "scope": self.one("*", "*", "users,rights_requests", "users", "rights_requests", "\u00a0USERS ;x", "; Rights_Requests\t", bad),
            "owner": self.one("legal", "legal", "legal", "legal", "", "\u00a0"),
            "started_at": begun,
            "ended_at": ended,
            "reviewed_at": self.sometimes(0.3, self.one(self.turn(year), self.turn(year - DAY), self.now, self.now + MICRO)),
        }
        if ended and self.pick.random() < 0.5:
            # another one, begun as the first one's last day ends
            later = self.one(self.turn(self.calendar.local(ended) + 30 * DAY), self.turn(due), self.now)
            more = {"exception_id": f"h{n}-2", "scope": "*", "started_at": later, "ended_at": None, "reviewed_at": None}
            return [values, values | more]
        return [values]
