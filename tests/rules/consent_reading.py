"""A second reading of the rules of consent and minors in plain Python, one sentence of their definition after the other."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict

from consent_world import DAY, NOW, World

from heytalk_audit.expressions.calendar import add_months

SKEW = dt.timedelta(minutes=5)
BLANKS = "\t\n\v\f\r \u00a0\u3000"
NEGATIVE = {"withdraw": "withdrawn", "opt_out": "opted_out", "refuse": "refused"}
#: What stands for null where a value is asked for.
NULL_WORDS = ("\\N", "NULL", "null", "(null)", "<null>", "None", "NaN", "nil")
#: Purposes that are chosen at first launch, before there is an account.
AT_FIRST_LAUNCH = ("policy_acceptance", "cookies", "personalised_ads", "analytics")
LAW_AGES = {"EEA": 16, "UK": 13, "TR": 18, "US-CA": 13, "CN": 14, "OTHER": 13}
PASS = ("pass", None)


def blank(text):
    return not (text or "").strip(BLANKS)


def first(*tests):
    """The first outcome whose condition holds; else a pass."""
    return next(((outcome, reason) for outcome, reason, when in tests if when), PASS)


class Reading:
    """The expected outcome of each row of a world, by rule: (record, user_id, (outcome, reason), due_on)."""

    def __init__(self, world: World):
        self.rows, self.zone, self.settings = world.rows, world.zone, world.settings
        self.today = self.local(NOW)
        self.start = self.settings.get("period_from", add_months(self.today, -3))
        self.end = self.settings.get("period_to", self.today + DAY)
        # where a key stands twice, the row created last speaks for it, and it is a test account only if every row is
        self.users, self.tests = {}, {}
        for u in sorted(self.rows["users"], key=lambda u: (u["created_at"], u["status"])):
            self.users[u["user_id"]] = u
            self.tests[u["user_id"]] = u["is_test"] and self.tests.get(u["user_id"], True)
        self.versions = {v["policy_version"]: v["effective_at"] for v in self.rows["policy_versions"]}
        self.by_purpose = defaultdict(list)
        for c in self.rows["consents"]:
            if c["event_at"] <= NOW:
                self.by_purpose[c["user_id"], c["purpose"]].append(c)

    # notation ----------------------------------------------------------------------------------------

    def local(self, moment):
        return moment.astimezone(self.zone).date()

    def in_period(self, moment):
        return self.start <= self.local(moment) < self.end and moment <= NOW

    def state(self, key, covers, ended=None):
        """The state of (user, purpose) over the events whose time passes a test, and since when; `ended` tests a grant's expiry."""
        ended = ended or covers
        events = [c for c in self.by_purpose[key] if covers(c["event_at"])]
        if not events:
            return "no_record", None
        at = max(c["event_at"] for c in events)
        for action, name in NEGATIVE.items():
            if any(c["action"] == action and c["event_at"] == at for c in events):
                return name, at
        refused = max((c["event_at"] for c in events if c["action"] in NEGATIVE), default=None)
        grants = [c for c in events if c["action"] == "grant" and not (refused and c["event_at"] <= refused)]
        open_ones = [c for c in grants if not (c["expires_at"] and c["expires_at"] <= NOW and ended(c["expires_at"]))]
        if not open_ones:
            return "expired", max(c["expires_at"] for c in grants if c["expires_at"])
        at = max(c["event_at"] for c in open_ones)
        good = [c for c in open_ones if c["event_at"] == at and c["explicit"] and c["method"] not in ("bundled_terms", "default")]
        if not good:
            return "not_explicit", at
        return ("version_unknown" if all(blank(c["policy_version"]) for c in good) else "valid"), at

    def around(self, key, t):
        """The states over the events, and the expiries, before the skew before an instant and up to the skew after it."""
        return self.state(key, lambda e: e < t - SKEW)[0], self.state(key, lambda e: e <= t + SKEW)[0]

    def consent_test(self, key, t):
        state, _ = self.state(key, lambda e: e <= t)
        if state == "valid":
            return PASS
        if state == "version_unknown":
            return "review", state
        return ("review", "clock_skew") if {"valid", "version_unknown"} & set(self.around(key, t)) else ("violation", state)

    def deletion(self, u):
        """When the account was deleted, whether it is live, and why its deletion is in doubt, if it is."""
        back = u["restored_at"] if u["restored_at"] and u["restored_at"] <= NOW else None
        restored = bool(back and u["deleted_at"] and u["deleted_at"] <= back)
        gone = None if restored else u["deleted_at"]
        live = u["status"] in ("active", "suspended", "banned") and gone is None
        if u["status"] == "deleted" and u["deleted_at"] is None:
            return gone, live, "clock_missing"
        if any(t and t > NOW for t in (gone, u["purged_at"], u["restored_at"] if gone else None)):
            return gone, live, "clock_future"
        if gone and u["purged_at"] and u["purged_at"] < gone:
            return gone, live, "clock_contradiction"
        odd = (u["status"] == "deleted" and restored) or (u["status"] in ("active", "suspended") and gone)
        return gone, live, "status_contradiction" if odd else None

    def live(self):
        return [u for u in self.rows["users"] if self.deletion(u)[1]]

    def acceptances(self, id):
        return [c for c in self.by_purpose[id, "policy_acceptance"] if c["action"] == "grant"]

    def age(self, birth, day):
        return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))

    def inactive_since(self, u):
        """The last day of the five years of inactivity, as of RET-05; null where the account is in doubt, premium or not live."""
        subs = [s for s in self.rows["subscriptions"] if s["user_id"] == u["user_id"] and s["start_at"] <= NOW]
        subs = [s for s in subs if s["status"] in ("active", "expired")]
        over = [s for s in subs if s["end_at"] and s["end_at"] <= NOW]
        bad = [s for s in subs if (s["end_at"] and s["start_at"] > s["end_at"]) or (s["status"] == "expired" and s not in over)]
        premium = any(s["status"] == "active" and s not in bad and s not in over for s in subs)
        contacts = [t for t in (u["last_contact_at"], u["last_interactive_at"]) if t]
        back = [u["restored_at"]] if u["restored_by"] == "user" and u["restored_at"] and u["restored_at"] <= NOW else []
        c1 = max(contacts + back, default=u["created_at"])
        c2 = max([t for t in (u["last_interactive_at"],) if t] + back, default=u["created_at"])
        if not any(person["last_interactive_at"] for person in self.rows["users"]):
            c2 = c1
        late = any(self.today > add_months(self.local(c), 60) for c in (c1, c2))
        doubt = any(t > NOW for t in (u["created_at"], *contacts)) or c1 < u["created_at"] - SKEW or u["purged_at"] or (bad and late)
        anchor = max([c1, *(s["end_at"] for s in over if s not in bad)])
        return None if doubt or premium or not self.deletion(u)[1] else add_months(self.local(anchor), 60)

    # consent where data is used ----------------------------------------------------------------------

    def sends(self, *categories):
        for m in self.rows["outbound_messages"]:
            if self.in_period(m["sent_at"]) and m["category"] in categories and m["status"] != "suppressed":
                yield m, (m["user_id"], "marketing_" + m["channel"])

    def con_01(self):
        for m, key in self.sends("marketing", "unknown"):
            result = self.consent_test(key, m["sent_at"])
            doubt = result[0] == "violation" and m["category"] == "unknown"
            yield m["message_id"], m["user_id"], ("review", "category_unknown") if doubt else result, None

    def con_02(self):
        off = ("withdrawn", "opted_out")
        for m, key in self.sends("marketing"):
            t = m["sent_at"]
            if any(c["action"] in ("withdraw", "opt_out") and c["event_at"] <= t for c in self.by_purpose[key]):
                state, w = self.state(key, lambda e, t=t: e <= t)
                days = [d for n in range(1, 8) if (d := self.local(w) + n * DAY).weekday() < 5]
                result = first(
                    ("pass", None, state not in off),
                    ("review", "clock_skew", any(s not in off for s in self.around(key, t))),
                    ("review", "bounced", m["status"] == "bounced"),
                    ("violation", "within_24h", t <= w + DAY),
                    ("violation", "within_3_business_days", self.local(t) <= days[2]),
                    ("violation", "beyond", True),
                )
                yield m["message_id"], m["user_id"], result, None

    def con_05(self):
        for i in self.rows["content_items"]:
            if i["kind"] not in ("photo", "video") or not blank(i["parent_id"]):
                continue
            result = self.consent_test((i["user_id"], "media"), i["created_at"])
            if i["created_at"] > NOW:
                result = ("unknown", "clock_future")
            elif result in (("violation", "no_record"), ("violation", "expired")) and i["selection_method"] == "user_selected":
                result = PASS if self.settings.get("picker_is_consent") else ("review", "picker_only")
            yield i["content_id"], i["user_id"], result, None

    def con_08(self):
        valid = ("valid", "version_unknown")
        for d in self.rows["devices"]:
            region = self.users.get(d["user_id"], {}).get("law_region")
            ad_id = (d["ad_id"] or "").strip(BLANKS)
            if blank(ad_id) or ad_id in NULL_WORDS or not set(d["ad_id"]) - {"0", "-"} or region not in ("EEA", "UK", "TR", None):
                continue
            key = d["user_id"], "cookies" if d["platform"] == "web" else "personalised_ads"
            now, since = self.state(key, lambda e: True)
            began, _ = self.state(key, lambda e, d=d: e <= d["first_seen_at"])
            granted = max((c["event_at"] for c in self.by_purpose[key] if c["action"] == "grant"), default=None)
            refused = [c["event_at"] for c in self.by_purpose[key] if c["action"] != "grant" and (not granted or c["event_at"] >= granted)]
            negative = now in NEGATIVE.values()
            result = first(
                ("unknown", "region_missing", region is None),
                ("unknown", "clock_future", d["first_seen_at"] > NOW),
                ("pass", None, now in valid and began in valid),
                ("review", "granted_later", now in valid),
                ("pass", None, negative and min(refused, default=NOW) + 3 * DAY >= NOW),
                ("violation", "present_after_refusal", negative),
                ("pass", None, now == "expired" and since + 3 * DAY >= NOW),
                ("violation", "expired", now == "expired"),
                ("violation", "not_explicit", now == "not_explicit"),
                ("review", "os_permission_only", d["att_status"] == "authorized"),
                ("violation", "no_choice", True),
            )
            yield d["device_id"], d["user_id"], result, None

    def con_09(self):
        for m, _ in self.sends("marketing"):
            u, t = self.users.get(m["user_id"]), m["sent_at"]
            if u is None:
                yield m["message_id"], m["user_id"], ("unknown", "user_missing"), None
                continue
            deleted, back, doubt, due = u["deleted_at"], u["restored_at"], self.deletion(u)[2], self.inactive_since(u)
            gone = [u["purged_at"], None if deleted and back and deleted <= back <= t else deleted]
            gone = min((g for g in gone if g), default=None)
            result = first(
                ("unknown", doubt, doubt),
                ("violation", "after_deletion", gone and t > gone + SKEW),
                ("violation", "inactive_due", due and self.local(t) > due),
                ("review", "clock_skew", gone and t > gone),
                ("review", "suspended", u["status"] in ("suspended", "banned")),
            )
            yield m["message_id"], m["user_id"], result, None

    # records of consent ------------------------------------------------------------------------------

    def con_03(self):
        start = self.settings.get("acceptance_tracking_start")
        for u in self.live():
            id, born, grants = u["user_id"], u["created_at"], self.acceptances(u["user_id"])
            result = first(
                ("unknown", "clock_future", born > NOW),
                ("pass", None, any(c["event_at"] <= born and c["policy_version"] in self.versions for c in grants)),
                ("review", "version_unknown", any(c["event_at"] <= born for c in grants)),
                ("review", "clock_skew", any(c["event_at"] <= born + SKEW for c in grants)),
                ("review", "pre_tracking", start and self.local(born) < start),
                ("violation", "accepted_late", grants),
                ("violation", "no_acceptance", True),
            )
            yield id, id, result, None

    def con_04(self):
        def second(c):
            return c["method"], c["event_at"].replace(microsecond=0)

        grants, crowd = [c for c in self.rows["consents"] if c["action"] == "grant"], defaultdict(set)
        for c in grants:
            if not self.tests.get(c["user_id"]):
                crowd[second(c)].add(c["user_id"])
        for c in grants:
            born, t = self.users.get(c["user_id"], {}).get("created_at"), c["event_at"]
            own, later = c["purpose"] != "policy_acceptance", c["purpose"] not in AT_FIRST_LAUNCH
            result = first(
                ("unknown", "clock_future", t > NOW),
                ("violation", "method_not_affirmative", c["method"] in ("default", "import", "staff", "signal_gpc")),
                ("violation", "bundled", own and c["method"] == "bundled_terms"),
                ("violation", "version_missing", blank(c["policy_version"])),
                ("violation", "before_account", later and born and t < born - SKEW),
                ("review", "clock_skew", later and born and t < born),
                ("review", "bulk", len(crowd[second(c)]) > self.settings.get("bulk_users", 20)),
            )
            yield c["consent_id"], c["user_id"], result, None

    def con_07(self):
        notice, never = self.settings.get("notice_days", 30) * DAY, dt.datetime(1, 1, 1, tzinfo=dt.UTC)
        for u in self.live():
            id, used, grants = u["user_id"], u["last_interactive_at"], self.acceptances(u["user_id"])
            if not grants:
                continue
            at, effective = max((c["event_at"], self.versions.get(c["policy_version"], never)) for c in grants)
            changed = [v["effective_at"] for v in self.rows["policy_versions"] if v["material"]]
            changed = max((t for t in changed if used and self.local(t) + notice < self.local(used)), default=None)
            result = first(
                ("unknown", "clock_future", used and used > NOW),
                ("pass", None, changed is None or (effective != never and effective >= changed)),
                ("violation", "outdated", effective != never and at < (changed or never)),
                ("review", "version_unknown", effective == never),
                ("review", "old_version_shown", True),
            )
            yield id, id, result, self.local(changed) + notice if result[0] in ("violation", "review") else None

    # minors ------------------------------------------------------------------------------------------

    def min_01(self):
        least, law = self.settings.get("policy_min_age"), self.settings.get("law_min_age", LAW_AGES)
        for u in self.live():
            if (birth := u["birth_date"]) is None:
                continue
            begun, region = self.local(u["created_at"]), u["law_region"]
            a = self.age(birth, begun)
            result = first(
                ("unknown", "clock_future", u["created_at"] > NOW),
                ("unknown", "birth_date_implausible", birth > begun or self.age(birth, self.today) > 110),
                ("unknown", "region_missing", region is None and least is None and a < max(law.values())),
                ("violation", "below_policy_age", least is not None and a < least),
                ("review", "below_law_age", region in law and a < law[region]),
            )
            yield u["user_id"], u["user_id"], result, None

    def min_02(self):
        dated = [u["birth_date"] for u in self.live() if u["birth_date"] and not self.tests[u["user_id"]]]
        for u in self.live():
            birth, times = u["birth_date"], dated.count(u["birth_date"])
            often = times >= self.settings.get("birth_repeat", 20) and times / len(dated) > self.settings.get("birth_share", 0.01)
            result = first(
                ("violation", "birth_date_missing", birth is None),
                ("violation", "born_after_creation", birth and birth > self.local(u["created_at"])),
                ("violation", "too_old", birth and self.age(birth, self.today) > 110),
                ("review", "repeated_date", often),
            )
            yield u["user_id"], u["user_id"], result, None

    def min_03(self):
        for u in self.live():
            id, birth = u["user_id"], u["birth_date"]
            if birth is None or self.age(birth, self.start) >= 18:
                continue
            ads = [d for d in self.rows["disclosures"] if d["user_id"] == id and d["kind"] == "advertising"]
            sends = [m for m in self.rows["outbound_messages"] if m["user_id"] == id and m["category"] == "marketing"]
            bounced = [m for m in sends if m["status"] == "bounced"]
            sends = [m for m in sends if m["status"] not in ("suppressed", "bounced")]
            early = [
                any(self.in_period(x["sent_at"]) and self.age(birth, self.local(x["sent_at"])) < 18 for x in rows)
                for rows in (ads, sends, bounced)
            ]
            result = first(
                ("unknown", "birth_date_implausible", birth > self.local(u["created_at"])),
                ("violation", "ad_disclosure", early[0]),
                ("violation", "marketing_send", early[1]),
                ("review", "bounced_send", early[2]),
                ("review", "public_profile", u["profile_visibility"] == "public" and self.age(birth, self.today) < 18),
            )
            yield id, id, result, None

    def expected(self, rule):
        """Record, outcome, reason and due day of every row, counted; test accounts are excluded before anything else."""
        expected = Counter()
        for record, person, result, due in getattr(self, rule.lower().replace("-", "_"))():
            expected[(record, "excluded", "test_account", None) if self.tests.get(person) else (record, *result, due)] += 1
        return expected
