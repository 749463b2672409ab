"""A second reading of the rules of data subjects' rights in plain Python, one sentence of their definition after the other."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from zoneinfo import ZoneInfo

from heytalk_audit.expressions.calendar import add_months

BLANKS = "\t\n\v\f\r \u00a0\u3000"
DAY = dt.timedelta(days=1)
REGIONS = ("EEA", "UK", "TR", "US-CA", "CN", "OTHER")
KINDS = ("access", "portability", "erasure", "rectify", "object", "restrict")
CLOSED = ("done", "partial", "refused")
REFUSALS = {
    "unlawful": [],
    "trade_secret": ["trade_secrets"],
    "ip": ["intellectual_property"],
    "other_users_privacy": ["third_party_privacy"],
    "service_impossible": [],
    "identity_unproven": ["identity_not_proven"],
    "law": ["legal_obligation"],
}
PASS = ("pass", None)


def trim(text: str) -> str:
    """A text without the white space at its ends."""
    return text.strip(BLANKS)


def blank(text: str | None) -> bool:
    """Whether a text says nothing: it counts as null."""
    return not trim(text or "")


def lower(text: str) -> str:
    """A text whose A-Z are lowered, and nothing else."""
    return re.sub("[A-Z]", lambda match: chr(ord(match.group()) + 32), text)


def key(text: str) -> str:
    """The form in which names are compared."""
    return re.sub("[^a-z0-9]", "", lower(text))


def codes(declared: dict[str, list[str]]) -> dict[str, str]:
    """Declared codes by the key of every name they go by, their own included."""
    return {key(name): code for code, names in declared.items() for name in (code, *names)}


class Calendar:
    """Local days, working days and the days by which a request must have been answered."""

    def __init__(self, settings: dict, now: dt.datetime):
        self.settings, self.now, self.zone = settings, now, ZoneInfo(settings.get("audit_tz", "UTC"))
        self.today = self.local(now)
        self.skew = dt.timedelta(seconds=settings.get("skew_seconds", 300))

    def local(self, moment: dt.datetime | None) -> dt.date | None:
        """The local date of an instant."""
        return None if moment is None else moment.astimezone(self.zone).date()

    def in_period(self, moment: dt.datetime) -> bool:
        """Whether an instant lies in the audited period, and not after the audit."""
        begins = self.settings.get("period_from") or add_months(self.today, -3)
        return begins <= self.local(moment) < (self.settings.get("period_to") or self.today + DAY) and moment <= self.now

    def holidays(self, region: str) -> list[dt.date] | None:
        """The holidays of a region; null where there is no list of them. A plain list is that of every region."""
        holidays = self.settings.get("holidays", {})
        return holidays.get(region) if isinstance(holidays, dict) else holidays

    def slack(self, region: str) -> dt.timedelta:
        """How much later a deadline may end by holidays of which there is no list."""
        return (10 if region in ("CN", "TR") else 4) * DAY if self.holidays(region) is None else 0 * DAY

    def works(self, day: dt.date, region: str) -> bool:
        """Whether a day is neither of a weekend nor a holiday of the region."""
        return day.weekday() < 5 and day not in (self.holidays(region) or ())

    def roll(self, day: dt.date, region: str) -> dt.date:
        """The day, or the next working day."""
        while not self.works(day, region):
            day += DAY
        return day

    def working(self, day: dt.date, count: int, region: str) -> dt.date:
        """The `count`-th working day after a day."""
        while count:
            day += DAY
            count -= self.works(day, region)
        return day

    def deadlines(self, request: dict, region: str) -> tuple[dt.date, dt.date | None, dt.date | None, dt.date]:
        """The day before an extension, the deadline, the strict deadline, and the day after an extension (where none counts, the first)."""
        a, extended = self.local(request["received_at"]), self.local(request["extended_at"])
        setting = self.settings.get
        if region in ("EEA", "UK"):
            identity_asked, pause = self.local(request["identity_asked_at"]), 0
            if identity_asked and 0 <= (identity_asked - a).days <= setting("identity_prompt_days", 7):
                until = self.local(request["identity_ok_at"] or request["answered_at"] or self.now)
                pause = max((until - identity_asked).days, 0)
            first, longer = (self.roll(add_months(a, months) + pause * DAY, region) for months in (1, 3))
        elif region == "US-CA":
            first, longer = self.roll(a + setting("ccpa_days", 45) * DAY, region), self.roll(a + 90 * DAY, region)
        elif region == "TR":
            first = longer = self.roll(a + setting("kvkk_days", 30) * DAY, region)
        elif region == "CN":
            first = self.roll(a + setting("pipl_days", 30) * DAY, region)
            return first, first, self.working(a, setting("pipl_working_days", 15), region), first
        else:
            strict = self.roll(a + setting("other_days", 45) * DAY, region)
            return strict, None, strict, strict
        return first, longer if extended and extended <= first else first, None, longer


class Reading:
    """The expected outcome of each row, by rule: (record, user_id, (outcome, reason, due day, closing event, table of holds))."""

    def __init__(self, world):
        self.rows, self.settings = world.rows, world.settings
        self.calendar = Calendar(world.settings, world.now)
        self.now, self.today, self.local, self.skew = world.now, self.calendar.today, self.calendar.local, self.calendar.skew
        self.users = {u["user_id"]: u for u in self.rows["users"] if not blank(u["user_id"])}
        self.refusals = codes(REFUSALS)

    def hours(self, name, default):
        return dt.timedelta(hours=self.settings.get(name, default))

    def region(self, r):
        """The region whose law counts; null where none is known."""
        region = r["law_region"]
        if blank(region):
            region = self.users.get(r["user_id"], {}).get("law_region")
        return region if region in REGIONS else None

    def past(self, r, end):
        """Outcome and due day of a request that ends at an instant, and the reason if holidays give it; null where it is in time."""
        region, ended, extended = self.region(r), self.local(end), self.local(r["extended_at"])
        first, deadline, strict, longer = self.calendar.deadlines(r, region)
        slack = self.calendar.slack(region)
        if deadline and ended > deadline:
            told_late = extended and longer > first and first < extended <= first + slack
            if slack and (ended <= deadline + slack or (told_late and ended <= longer + slack)):
                return "review", deadline, "holidays_not_given"
            return "violation", deadline, None
        return ("review", strict, None) if strict and ended > strict else None

    def requests(self, kinds=None, outcomes=None):
        for r in self.rows["rights_requests"]:
            if (kinds is None or r["kind"] in kinds) and (outcomes is None or r["outcome"] in outcomes):
                yield r, f"rights_requests:{r['request_id']}"

    def answered_in_period(self, kinds=None, outcomes=None):
        """Requests answered in the period, or not at all."""
        for r, record in self.requests(kinds, outcomes):
            if r["answered_at"] is None or self.calendar.in_period(r["answered_at"]):
                yield r, record

    # holds -------------------------------------------------------------------------------------------

    def covering(self, user, table):
        for e in self.rows["retention_exceptions"]:
            scope = {lower(trim(token)) for token in re.split("[,;]", e["scope"] or "")}
            good = e["user_id"] == user and e["type"] in ("legal_hold", "dispute", "statutory", "fraud")
            good = good and not blank(e["owner"]) and not (blank(e["reason_code"]) and blank(e["reference"]))
            good = good and e["started_at"] and e["started_at"] <= self.now and scope & {"*", table}
            if good and not (e["ended_at"] and e["ended_at"] < e["started_at"]):
                yield e

    def hold(self, user, table, day):
        """The hold that exempts a row which fell due on a day, and the day to which an ended hold moved that."""
        if blank(user) or day is None:
            return None, day
        exceptions = list(self.covering(user, table))
        done = [e for e in exceptions if e["ended_at"] and e["ended_at"] <= self.now and self.local(e["started_at"]) <= day]
        closes = max((self.local(e["ended_at"]) + 30 * DAY for e in done), default=None)
        moved = max(day, closes or day)
        for e in exceptions:
            reviewed = e["reviewed_at"] if e["reviewed_at"] and e["reviewed_at"] <= self.now else e["started_at"]
            fresh = self.today <= add_months(self.local(max(e["started_at"], reviewed)), 12)
            if not (e["ended_at"] and e["ended_at"] <= self.now) and fresh and self.local(e["started_at"]) <= moved:
                return "hold_open", moved
        return "hold_closing" if closes and self.today <= closes else None, moved

    # the rules ---------------------------------------------------------------------------------------

    def rgt_01(self):
        requests = defaultdict(list)
        for r, record in self.requests(["erasure"]):
            if r["outcome"] in ("refused", "withdrawn"):
                continue
            if r["received_at"]:
                requests[r["user_id"]].append(self.local(r["received_at"]))
            if self.closed_in_period(r["user_id"]):
                yield record, r["user_id"], self.erasure(r["received_at"], r["user_id"], r)
        for id, u in self.users.items():
            t = u["deletion_requested_at"]
            alone = t and not any(abs((self.local(t) - day).days) <= 30 for day in requests[id])
            if alone and self.closed_in_period(id):
                yield f"users:{id}", id, self.erasure(t, id, {"channel": "app", "outcome": None})

    def closing(self, u):
        """When a person was deleted, else purged, and whether a restoration undid the deletion."""
        back, gone = u["restored_at"], u["deleted_at"]
        undone = bool(back and gone and back > gone)
        return gone if gone and not undone else u["purged_at"], undone

    def closed_in_period(self, id):
        x = self.closing(self.users[id])[0] if id in self.users else None
        return x is None or self.calendar.in_period(x)

    def erasure(self, t, id, r):
        if t is None:
            return "unknown", "received_missing"
        u = self.users.get(id)
        if u is None:
            return PASS if not blank(id) and r["outcome"] == "done" else ("unknown", "user_not_found")
        if r["channel"] != "app" and self.region(r) is None:
            return "unknown", "region_missing"
        x, undone = self.closing(u)
        if undone and x is None and u["restored_by"] == "user" and u["restored_at"] >= t:
            return "review", "cancelled_by_user", None, None, "users"
        end = x or self.now
        if r["channel"] == "app":
            limit = t + self.hours("erasure_app_h", 24)
            missed = ("violation", self.local(limit), None) if end > limit else None
        else:
            missed = self.past(r, end)
        if missed is None:
            return PASS
        reason = "executed_late" if x else "done_not_deleted" if r["outcome"] == "done" else "not_executed"
        return missed[0], missed[2] or reason, missed[1], end, "users"

    def rgt_02(self):
        for r, record in self.answered_in_period(KINDS):
            if r["outcome"] != "withdrawn":
                yield record, r["user_id"], self.answer(r, r["answered_at"])

    def answer(self, r, done):
        begun, identity_asked, proved, extended = r["received_at"], r["identity_asked_at"], r["identity_ok_at"], r["extended_at"]
        if begun is None:
            return "unknown", "received_missing"
        if any(t and t < begun - self.skew for t in (identity_asked, proved, extended, done)) or (
            identity_asked and proved and proved < identity_asked
        ):
            return "unknown", "dates_contradict"
        if done and r["outcome"] == "open":
            return "unknown", "outcome_contradiction"
        if not done and r["outcome"] in CLOSED:
            return "unknown", "answer_date_missing"
        if (region := self.region(r)) is None:
            return "unknown", "region_missing"
        missed = self.past(r, done or self.now)
        if missed is None:
            return PASS
        first, *_ = self.calendar.deadlines(r, region)
        late = region in ("EEA", "UK", "US-CA") and extended and self.local(extended) > first
        return missed[0], missed[2] or ("extension_late" if late else "answered_late" if done else "unanswered"), missed[1], done

    def rgt_03(self):
        for r, record in self.answered_in_period(None, ["refused"]):
            reason = None if blank(r["refusal_reason"]) else self.refusals.get(key(r["refusal_reason"]), "")
            result = PASS
            if not reason:
                result = "violation", "reason_missing" if reason is None else "reason_not_permitted"
            elif r["answered_at"] is None:
                result = "unknown", "notice_date_missing"
            elif reason == "identity_unproven" and r["identity_ok_at"]:
                result = "unknown", "identity_contradiction"
            elif reason == "service_impossible" and r["kind"] in ("access", "portability", "erasure", "rectify"):
                result = "review", "reason_not_for_kind"
            yield record, r["user_id"], result

    def rgt_04(self):
        for r, record in self.answered_in_period(["access", "portability"], ["done", "partial"]):
            consented, out = r["third_party_consent_at"], r["answered_at"]
            result = PASS
            if r["third_party_content"] is False:
                continue
            if r["third_party_content"] is None:
                result = "unknown", "content_flag_missing"
            elif consented is None:
                result = "violation", "no_consent"
            elif out is None:
                result = "unknown", "delivery_date_missing"
            elif consented > out:
                result = ("review", "clock_skew") if consented <= out + self.skew else ("violation", "consent_after_release")
            yield record, r["user_id"], result

    def rgt_06(self):
        for r, record in self.requests():
            held, done, identity_asked = r["id_document_held"], r["answered_at"], r["identity_asked_at"]
            if not (identity_asked or r["identity_ok_at"] or held):
                continue
            due = self.local(done) + self.settings.get("id_document_days", 30) * DAY if done else None
            result = PASS
            if held is None:
                result = "unknown", "held_flag_missing"
            elif held and r["outcome"] != "open" and done is None:
                result = "unknown", "closing_date_missing"
            elif held and due and self.today > due:
                result = "violation", "kept_too_long", due, None, "rights_requests"
            elif r["channel"] == "app" and identity_asked:
                result = "review", "asked_when_logged_in"
            yield record, r["user_id"], result

    def happened(self, act):
        """Whether something was sent in the period."""
        return act["sent_at"] is not None and self.calendar.in_period(act["sent_at"])

    def rgt_09(self):
        events, acts = defaultdict(list), defaultdict(list)
        for c in self.rows["consents"]:
            if c["event_at"]:
                events[c["user_id"], c["purpose"]].append(c)
        for m in self.rows["outbound_messages"]:
            if m["category"] == "marketing" and m["status"] != "suppressed" and self.happened(m):
                acts[m["user_id"], "marketing"].append((m["sent_at"], f"marketing_{m['channel']}"))
        for d in self.rows["disclosures"]:
            if d["kind"] == "advertising" and self.happened(d):
                acts[d["user_id"], "advertising"].append((d["sent_at"], "personalised_ads"))

        def agreed(user, purpose, a, s):
            after = [c for c in events[user, purpose] if a < c["event_at"] <= s]
            refused = max((c["event_at"] for c in after if c["action"] != "grant"), default=a)
            return any(c["event_at"] > refused and not (c["expires_at"] and c["expires_at"] <= s) for c in after if c["action"] == "grant")

        for r, record in self.requests(["object", "restrict"], ["done", "partial", "open"]):
            still = r["outcome"] == "open"
            user, a, scope = r["user_id"], r["received_at"] if still else r["answered_at"], r["objection_scope"]
            if blank(user):
                result = "unknown", "user_missing"
            elif a is None:
                result = "unknown", "answer_date_missing"
            elif scope not in ("marketing", "advertising", "all"):
                result = "unknown", "scope_missing"
            else:
                kinds = [k for k in ("marketing", "advertising") if scope in (k, "all")]
                broken = [(k, s) for k in kinds for s, purpose in acts[user, k] if s > a and not agreed(user, purpose, a, s)]
                allowed = self.hours("withdrawal_hours", 72) if still else self.hours("objection_allowance_h", 24)
                late = [k for k, s in broken if s > a + allowed and not (still and k == "advertising")]
                result = PASS
                if broken:
                    result = (
                        "violation" if late else "review",
                        f"{(late or [broken[0][0]])[0]}_{'while_objecting' if still else 'after_objection'}",
                    )
            yield record, user, result

    def expected(self, rule):
        """Outcome, reason, due day and days over it by record; test accounts are excluded before anything else."""
        expected = {}
        for record, person, result in getattr(self, rule.lower().replace("-", "_"))():
            outcome, reason, due, closing, table = (*result, None, None, None)[:5]
            if self.users.get(person, {}).get("is_test"):
                outcome, reason, due = "excluded", "test_account", None
            elif table:
                excuse, due = self.hold(person, table, due)
                outcome, reason = ("exempt", excuse) if excuse else (outcome, reason)
            days = (self.local(closing or self.now) - due).days if due else 0
            expected[record] = outcome, reason, due, days if days > 0 else None
        return expected
