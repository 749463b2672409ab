"""The rules of consent, row by row against a second reading of them in plain Python, over worlds in which clocks meet and tie."""

from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest
import worlds

from heytalk_audit.audit import Audit, evaluate
from heytalk_audit.engine import connect
from heytalk_audit.params import settings_of
from heytalk_audit.periods import add_months
from heytalk_audit.policy import load
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import open_snapshot

NOW = dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC)
NEVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
SKEW, DAY = dt.timedelta(minutes=5), dt.timedelta(days=1)
STATE = {"withdraw": "withdrawn", "opt_out": "opted_out", "refuse": "refused"}
MARKETING = ("marketing_push", "marketing_email", "marketing_sms")
PURPOSES = (*MARKETING, "media", "personalised_ads", "cookies", "policy_acceptance")
#: Distances at which a verdict turns, and a microsecond on either side of them.
STEPS = [dt.timedelta(minutes=5)] * 4 + [dt.timedelta(0)] * 3 + [dt.timedelta(hours=h) for h in (24, 72, 720)]
TURNS = [sign * step + dt.timedelta(microseconds=n) for step in STEPS for n in (-1, 0, 1) for sign in (-1, 1)]
#: Instants that most others lie near: the audit's, a working day's, a local midnight of Shanghai, a Friday's.
ANCHORS = ["2025-03-01T12:00+00:00", "2025-01-20T09:00+00:00", "2024-12-01T00:00+00:00", "2025-01-31T16:00+00:00", "2025-02-07T00:00+00:00"]


class World:
    """Random rows of few people whose times lie at each other's turning points."""

    def __init__(self, seed: int, zone: str, **settings):
        self.pick, self.zone, self.settings = random.Random(seed), ZoneInfo(zone), settings
        self.times = [dt.datetime.fromisoformat(t) for t in ANCHORS]
        self.people = [f"u{n}" for n in range(60)]
        self.rows = {
            "policy_versions": [self.version(n) for n in range(4)],
            "users": [self.user(p) for p in self.people[:-3]],
            "consents": [self.consent(n) for n in range(900)],
            "outbound_messages": [self.send(n) for n in range(900)],
            "content_items": [self.item(n) for n in range(300)],
            "devices": [self.device(n) for n in range(300)],
            "subscriptions": [self.subscription(n) for n in range(30)],
        }

    def one(self, *values):
        return self.pick.choice(values)

    def time(self):
        moment = self.pick.choice(self.times) + self.pick.choice(TURNS)
        if self.pick.random() < 0.3:
            self.times.append(moment)
        return moment if moment < NOW + 4 * DAY else NOW

    def sometimes(self, share, value):
        return value if self.pick.random() < share else None

    def version(self, n):
        return {"policy_version": f"v{n}", "sha256": "x", "effective_at": self.time() - 35 * DAY * n, "material": n != 1, "language": "en"}

    def user(self, id):
        old = NOW - dt.timedelta(days=5 * 365 + self.pick.randint(0, 30))
        return {
            "user_id": id,
            "status": self.one("active", "active", "active", "suspended", "banned", "deleted", "purged"),
            "created_at": self.one(self.time(), old),
            "deleted_at": self.sometimes(0.3, self.time()),
            "restored_at": self.sometimes(0.2, self.time()),
            "purged_at": self.sometimes(0.1, self.time()),
            "last_contact_at": self.sometimes(0.5, self.one(self.time(), old)),
            "last_interactive_at": self.sometimes(0.6, self.one(self.time(), old)),
            "law_region": self.one("EEA", "UK", "TR", "CN", None),
            "is_test": self.pick.random() < 0.08,
        }

    def consent(self, n):
        return {
            "consent_id": f"c{n}",
            "user_id": self.pick.choice(self.people),
            "purpose": self.pick.choice(PURPOSES),
            "action": self.one("grant", "grant", "grant", "withdraw", "opt_out", "refuse"),
            "event_at": self.time(),
            "explicit": self.pick.random() < 0.8,
            "method": self.one("in_app", "in_app", "web", "double_optin", "bundled_terms", "default", "import", "staff"),
            "policy_version": self.one("v0", "v1", "v2", "v3", "v9", None, " "),
        }

    def send(self, n):
        return {
            "message_id": f"m{n}",
            "user_id": self.pick.choice(self.people),
            "channel": self.one("push", "email", "sms"),
            "category": self.one("marketing", "marketing", "marketing", "unknown", "service"),
            "sent_at": self.time(),
            "status": self.one("sent", "delivered", "bounced", "suppressed"),
        }

    def item(self, n):
        return {
            "content_id": f"i{n}",
            "user_id": self.pick.choice(self.people),
            "parent_id": self.one(None, None, None, " ", "i0"),
            "kind": self.one("photo", "video", "post"),
            "selection_method": self.one("user_selected", "auto", None),
            "visibility": "private",
            "created_at": self.time(),
        }

    def device(self, n):
        return {
            "device_id": f"d{n}",
            "user_id": self.pick.choice(self.people),
            "platform": self.one("ios", "android", "web"),
            "ad_id": self.one("ab", "ab", "0-0", " ", None),
            "att_status": self.one("authorized", "denied", None),
            "first_seen_at": self.time(),
        }

    def subscription(self, n):
        return {
            "subscription_id": f"s{n}",
            "user_id": self.pick.choice(self.people),
            "kind": self.one("paid", "gift"),
            "start_at": self.one(self.time(), NOW - 2500 * DAY),
            "end_at": self.sometimes(0.7, self.one(self.time(), NOW - 1900 * DAY)),
            "status": self.one("active", "expired", "refunded"),
        }

    # what the rules share ----------------------------------------------------------------------------

    def local(self, moment):
        return moment.astimezone(self.zone).date()

    def person(self, id):
        return next((u for u in self.rows["users"] if u["user_id"] == id), None)

    def events(self, id, purpose):
        return [c for c in self.rows["consents"] if c["user_id"] == id and c["purpose"] == purpose and c["event_at"] <= NOW]

    def state(self, id, purpose, test):
        """State and its instant over the events whose time passes the test."""
        events = [c for c in self.events(id, purpose) if test(c["event_at"])]
        if not events:
            return "no_record", None
        at = max(c["event_at"] for c in events)
        last = [c for c in events if c["event_at"] == at]
        for action, name in STATE.items():
            if any(c["action"] == action for c in last):
                return name, at
        good = [c for c in last if c["explicit"] and c["method"] not in ("bundled_terms", "default")]
        if not good:
            return "not_explicit", at
        return ("valid" if any((c["policy_version"] or "").strip() for c in good) else "version_unknown"), at

    def around(self, id, purpose, t):
        return self.state(id, purpose, lambda e: e < t - SKEW)[0], self.state(id, purpose, lambda e: e <= t + SKEW)[0]

    def consent_test(self, id, purpose, t):
        state, _ = self.state(id, purpose, lambda e: e <= t)
        if state == "valid":
            return "pass", None
        if state == "version_unknown":
            return "review", state
        if {"valid", "version_unknown"} & set(self.around(id, purpose, t)):
            return "review", "clock_skew"
        return "violation", state

    def in_period(self, t):
        return add_months(self.local(NOW), -3) <= self.local(t) and t <= NOW

    def deletion(self, u):
        """The deletion in effect, whether the account is live, and why its state can't be told."""
        back = u["restored_at"] if u["restored_at"] and u["restored_at"] <= NOW else None
        restored = bool(back and u["deleted_at"] and u["deleted_at"] <= back)
        gone = None if restored else u["deleted_at"]
        live = u["status"] in ("active", "suspended", "banned") and gone is None
        later = [gone, u["purged_at"], u["restored_at"] if gone else None]
        doubt = None
        if u["status"] == "deleted" and u["deleted_at"] is None:
            doubt = "clock_missing"
        elif any(t and t > NOW for t in later):
            doubt = "clock_future"
        elif gone and u["purged_at"] and u["purged_at"] < gone:
            doubt = "clock_contradiction"
        elif (u["status"] == "deleted" and restored) or (u["status"] in ("active", "suspended") and gone):
            doubt = "status_contradiction"
        return gone, live, doubt

    def acceptances(self, id):
        return [c for c in self.events(id, "policy_acceptance") if c["action"] == "grant"]

    def effective(self, version):
        return next((v["effective_at"] for v in self.rows["policy_versions"] if v["policy_version"] == version), None)

    def inactive_due(self, u, sent):
        """Whether a live account that was not premium had passed the end of its inactivity on the day of a send."""
        _, live, _ = self.deletion(u)
        subs = [s for s in self.rows["subscriptions"] if s["user_id"] == u["user_id"] and s["start_at"] <= NOW]
        subs = [s for s in subs if s["status"] in ("active", "expired")]
        over = [s for s in subs if s["end_at"] and s["end_at"] <= NOW]
        bad = [s for s in subs if (s["end_at"] and s["start_at"] > s["end_at"]) or (s["status"] == "expired" and s not in over)]
        premium = any(s["status"] == "active" and s not in bad and s not in over for s in subs)
        contacts = [t for t in (u["last_contact_at"], u["last_interactive_at"]) if t]
        c1, c2 = max(contacts, default=u["created_at"]), u["last_interactive_at"] or u["created_at"]
        late = any(self.local(NOW) > add_months(self.local(c), 60) for c in (c1, c2))
        doubt = any(t > NOW for t in (u["created_at"], *contacts)) or c1 < u["created_at"] - SKEW or u["purged_at"] or (bad and late)
        anchor = max([c1, *(s["end_at"] for s in over if s not in bad)])
        return live and not premium and not doubt and self.local(sent) > add_months(self.local(anchor), 60)

    # the rules: record, person, outcome, reason ------------------------------------------------------

    def sends(self, *categories):
        for m in self.rows["outbound_messages"]:
            if self.in_period(m["sent_at"]) and m["category"] in categories and m["status"] != "suppressed":
                yield m, "marketing_" + m["channel"]

    def con_01(self):
        for m, purpose in self.sends("marketing", "unknown"):
            outcome, reason = self.consent_test(m["user_id"], purpose, m["sent_at"])
            if outcome == "violation" and m["category"] == "unknown":
                outcome, reason = "review", "category_unknown"
            yield m["message_id"], m["user_id"], outcome, reason

    def con_02(self):
        off = ("withdrawn", "opted_out")
        for m, purpose in self.sends("marketing"):
            id, t = m["user_id"], m["sent_at"]
            if not any(c["action"] in ("withdraw", "opt_out") and c["event_at"] <= t for c in self.events(id, purpose)):
                continue
            state, w = self.state(id, purpose, lambda e, t=t: e <= t)
            if state not in off:
                yield m["message_id"], id, "pass", None
            elif any(s not in off for s in self.around(id, purpose, t)):
                yield m["message_id"], id, "review", "clock_skew"
            elif m["status"] == "bounced":
                yield m["message_id"], id, "review", "bounced"
            else:
                days = [d for n in range(1, 8) if (d := self.local(w) + n * DAY).weekday() < 5]
                late = "within_24h" if t <= w + DAY else "within_3_business_days" if self.local(t) <= days[2] else "beyond"
                yield m["message_id"], id, "violation", late

    def con_03(self):
        start = self.settings.get("acceptance_tracking_start")
        for u in self.rows["users"]:
            id, born, given = u["user_id"], u["created_at"], self.acceptances(u["user_id"])
            if not self.deletion(u)[1]:
                continue
            if born > NOW:
                yield id, id, "unknown", "clock_future"
            elif any(c["event_at"] <= born and self.effective(c["policy_version"]) for c in given):
                yield id, id, "pass", None
            elif any(c["event_at"] <= born for c in given):
                yield id, id, "review", "version_unknown"
            elif any(c["event_at"] <= born + SKEW for c in given):
                yield id, id, "review", "clock_skew"
            elif start and self.local(born) < start:
                yield id, id, "review", "pre_tracking"
            else:
                yield id, id, "violation", "accepted_late" if given else "no_acceptance"

    def con_04(self):
        def second(c):
            return c["method"], c["event_at"].replace(microsecond=0)

        grants, crowd = [c for c in self.rows["consents"] if c["action"] == "grant"], {}
        for c in grants:
            if not (self.person(c["user_id"]) or {}).get("is_test"):
                crowd.setdefault(second(c), set()).add(c["user_id"])
        for c in grants:
            born, own = (self.person(c["user_id"]) or {}).get("created_at"), c["purpose"] != "policy_acceptance"
            tests = [
                ("unknown", "clock_future", c["event_at"] > NOW),
                ("violation", "method_not_affirmative", c["method"] in ("default", "import", "staff", "signal_gpc")),
                ("violation", "bundled", own and c["method"] == "bundled_terms"),
                ("violation", "version_missing", not (c["policy_version"] or "").strip()),
                ("violation", "before_account", own and born and c["event_at"] < born - SKEW),
                ("review", "clock_skew", own and born and c["event_at"] < born),
                ("review", "bulk", len(crowd.get(second(c), ())) > self.settings.get("bulk_users", 20)),
                ("pass", None, True),
            ]
            yield c["consent_id"], c["user_id"], *next(t[:2] for t in tests if t[2])

    def con_05(self):
        for i in self.rows["content_items"]:
            if i["kind"] not in ("photo", "video") or (i["parent_id"] or "").strip():
                continue
            outcome, reason = self.consent_test(i["user_id"], "media", i["created_at"])
            if i["created_at"] > NOW:
                outcome, reason = "unknown", "clock_future"
            elif reason == "no_record" and i["selection_method"] == "user_selected":
                outcome, reason = ("pass", None) if self.settings.get("picker_is_consent") else ("review", "picker_only")
            yield i["content_id"], i["user_id"], outcome, reason

    def con_07(self):
        notice = self.settings.get("notice_days", 30) * DAY
        for u in self.rows["users"]:
            id, used, given = u["user_id"], u["last_interactive_at"], self.acceptances(u["user_id"])
            if not self.deletion(u)[1] or not given:
                continue
            at, effective = max((c["event_at"], self.effective(c["policy_version"]) or NEVER) for c in given)
            known = effective != NEVER
            told = [v["effective_at"] for v in self.rows["policy_versions"] if v["material"]]
            told = [t for t in told if used and self.local(t) + notice < self.local(used)]
            if used and used > NOW:
                yield id, id, "unknown", "clock_future"
            elif not told or (known and effective >= max(told)):
                yield id, id, "pass", None
            elif known and at < max(told):
                yield id, id, "violation", "outdated"
            else:
                yield id, id, "review", "old_version_shown" if known else "version_unknown"

    def con_08(self):
        for d in self.rows["devices"]:
            id, region = d["user_id"], (self.person(d["user_id"]) or {}).get("law_region")
            if not (d["ad_id"] or "").strip(" 0-") or region not in ("EEA", "UK", "TR", None):
                continue
            purpose = "cookies" if d["platform"] == "web" else "personalised_ads"
            now, _ = self.state(id, purpose, lambda e: True)
            first, _ = self.state(id, purpose, lambda e, d=d: e <= d["first_seen_at"])
            events = self.events(id, purpose)
            granted = max((c["event_at"] for c in events if c["action"] == "grant"), default=None)
            refused = [c["event_at"] for c in events if c["action"] != "grant" and (not granted or c["event_at"] >= granted)]
            outcome, reason = "violation", "not_explicit" if now == "not_explicit" else "no_choice"
            if region is None:
                outcome, reason = "unknown", "region_missing"
            elif d["first_seen_at"] > NOW:
                outcome, reason = "unknown", "clock_future"
            elif now in ("valid", "version_unknown"):
                outcome, reason = ("pass", None) if first in ("valid", "version_unknown") else ("review", "granted_later")
            elif now in STATE.values():
                outcome, reason = ("violation", "present_after_refusal") if min(refused) + 3 * DAY < NOW else ("pass", None)
            elif now == "no_record" and d["att_status"] == "authorized":
                outcome, reason = "review", "os_permission_only"
            yield d["device_id"], id, outcome, reason

    def con_09(self):
        for m, _ in self.sends("marketing"):
            u, t = self.person(m["user_id"]), m["sent_at"]
            if u is None:
                yield m["message_id"], m["user_id"], "unknown", "user_missing"
                continue
            deleted, back, _, _, doubt = u["deleted_at"], u["restored_at"], *self.deletion(u)
            gone = [u["purged_at"], None if deleted and back and deleted <= back <= t else deleted]
            gone = min((g for g in gone if g), default=None)
            tests = [
                ("unknown", doubt, doubt),
                ("violation", "after_deletion", gone and t > gone + SKEW),
                ("violation", "inactive_due", self.inactive_due(u, t)),
                ("review", "clock_skew", gone and t > gone),
                ("review", "suspended", u["status"] in ("suspended", "banned")),
                ("pass", None, True),
            ]
            yield m["message_id"], m["user_id"], *next(t[:2] for t in tests if t[2])

    def expected(self, rule):
        """Outcome and reason by record; test accounts are excluded before anything else."""
        tests = {u["user_id"] for u in self.rows["users"] if u["is_test"]}
        found = getattr(self, rule.lower().replace("-", "_"))()
        return {record: ("excluded", "test_account") if person in tests else (outcome, reason) for record, person, outcome, reason in found}


EXACT = ("CON-01", "CON-02", "CON-03", "CON-04", "CON-05", "CON-07", "CON-08", "CON-09")
SETTINGS = [
    {},
    {"audit_tz": "Asia/Shanghai", "picker_is_consent": True, "notice_days": 10, "bulk_users": 1},
    {"audit_tz": "America/New_York", "acceptance_tracking_start": dt.date(2025, 1, 31), "bulk_users": 3},
]


@pytest.mark.parametrize("seed", range(3))
def test_rules_of_consent_are_their_second_reading(seed, tmp_path):
    settings = SETTINGS[seed % len(SETTINGS)]
    world = World(seed, settings.get("audit_tz", "UTC"), **settings)
    folder = worlds.deliver(tmp_path / "world", world.rows, NOW.isoformat())
    policy = load()
    audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, settings))
    for rule in EXACT:
        done = evaluate(RULES[rule], audit, keep_pass=True)
        assert done.verdict not in ("ERROR", "NOT_EVALUATED"), f"{rule}: {done.reason}"
        rows = done.rows.astype(object).where(done.rows.notna(), None).to_dict("records")
        found = {row["record"].partition(":")[2]: (row["outcome"], row["reason"]) for row in rows}
        assert found == world.expected(rule), rule
