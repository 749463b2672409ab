"""A second reading of the rules of sharing in plain Python, one sentence after the other."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import cached_property

from declared_reading import (
    ADJUST,
    ADJUST_REVIEW,
    AGORA,
    BY_CATEGORY,
    GROUNDS,
    PRIVATE_FIELDS,
    PURPOSES,
    PURPOSES_OF,
    RONG_CLOUD,
    SUPPORT_FIELDS,
    blank,
    canonical,
    canonicals,
    key,
    keys,
    lc,
    trim,
    vendor,
)
from payload_reading import CLEAR, DIGEST, UUID, dotted, email_forms, id_forms, phone_forms, tokens, zero
from second_reading import DAY, PASS, SecondReading, first, workday

TO_PARTNERS = ("sdk", "processor", "advertising")
#: Reasons of one device, in their order.
DEVICE_REASONS = (
    "ad_id_missing",
    "platform_contradiction",
    "att_status_missing",
    "att_not_authorized",
    "lat_missing",
    "ad_tracking_limited",
    None,
)


class SharingReading(SecondReading):
    """The expected outcome of each row of a sharing world, by rule."""

    def __init__(self, world):
        super().__init__(world)
        self.vendors = {v["vendor_id"]: v for v in self.rows["vendors"] if not blank(v["vendor_id"])}
        self.devices = {d["device_id"]: d for d in self.rows["devices"] if not blank(d["device_id"])}
        self.items = {c["content_id"]: c for c in self.rows["content_items"] if not blank(c["content_id"])}
        self.codes = {id: vendor(v) for id, v in self.vendors.items()}
        self.consents = defaultdict(list)
        for c in self.rows["consents"]:
            if c["event_at"] and not blank(c["user_id"]):
                self.consents[c["user_id"], c["purpose"]].append(c)

    def of(self, *kinds):
        """Disclosures of these kinds in the period, or of no known time, that are no aggregates."""
        disclosures = [d for d in self.in_the_period() if d["kind"] in kinds]
        return [d for d in disclosures if not (blank(d["user_id"]) and d["identifier_form"] == "none")]

    def in_the_period(self):
        """Disclosures in the period, or of no known time."""
        return [d for d in self.rows["disclosures"] if d["sent_at"] is None or self.in_period(d["sent_at"])]

    def by_vendor(self):
        """Disclosures by vendor id; those that name no vendor are ignored."""
        by_vendor = defaultdict(list)
        for d in self.rows["disclosures"]:
            if not blank(d["vendor_id"]):
                by_vendor[d["vendor_id"]].append(d)
        return by_vendor

    # recipients and what they get --------------------------------------------------------------------

    def sha_01(self):
        sent = self.by_vendor()
        for id in self.vendors.keys() | sent.keys():
            if id in sent and all(d["kind"] in ("legal", "corporate") for d in sent[id]):
                continue
            row = self.vendors.get(id)
            result = ("unknown", "vendor_not_registered")
            if row:
                none, category = self.codes[id] is None, row["category"]
                result = first(
                    ("unknown", "vendor_ambiguous", self.codes[id] == "ambiguous"),
                    ("unknown", "vendor_name_missing", none and blank(row["name"])),
                    ("unknown", "category_missing", none and blank(category)),
                    ("review", "declared_by_category_only", none and category in BY_CATEGORY),
                    ("violation", "undeclared_recipient", none),
                )
            yield f"vendors:{id}", None, result

    def allowed(self, d):
        """The recipient's field list and its review fields; null where there is no list."""
        code, row = self.codes.get(d["vendor_id"]), self.vendors.get(d["vendor_id"])
        if row is None or code == "ambiguous":
            return None, set()
        if code in ("rong_cloud", "agora"):
            return canonicals({"rong_cloud": RONG_CLOUD, "agora": AGORA}[code]), set()
        if code == "google" and d["kind"] != "advertising":
            return canonicals("open_id"), set()
        if code == "adjust":
            return canonicals(ADJUST), canonicals(ADJUST_REVIEW)
        own = row["declared_fields"]
        return None if own is None else {canonical(f) for f in own if not blank(f)}, set()

    def sha_02(self):
        for d in self.of(*TO_PARTNERS):
            listed, doubtful = self.allowed(d)
            names = {canonical(f) for f in d["fields"] or () if not blank(f)}
            unknown = d["vendor_id"] not in self.vendors or self.codes[d["vendor_id"]] == "ambiguous"
            result = first(
                ("violation", "field_not_declared", listed is not None and names - listed - doubtful),
                ("unknown", "fields_missing", d["fields"] is None),
                ("unknown", "vendor_unknown", unknown),
                ("unknown", "no_declared_list", listed is None),
                ("unknown", "blank_field", any(blank(f) for f in d["fields"] or ())),
                ("review", "coarse_category", names & doubtful),
            )
            yield f"disclosures:{d['disclosure_id']}", d["user_id"], result

    def sha_07(self):
        declared, support = {key(p) for p in PURPOSES}, keys(SUPPORT_FIELDS)
        for d in self.in_the_period():
            purpose = None if blank(d["purpose"]) else key(d["purpose"])
            about_support = purpose == "customersupport" or any(not blank(f) and key(f) in support for f in d["fields"] or ())
            own = PURPOSES_OF.get(self.codes.get(d["vendor_id"]))
            result = first(
                ("violation", "purpose_not_declared", purpose is not None and purpose not in declared),
                ("violation", "support_data_for_ads", d["kind"] == "advertising" and about_support),
                ("unknown", "purpose_missing", purpose is None),
                ("unknown", "vendor_unknown", d["vendor_id"] not in self.vendors),
                ("violation", "purpose_not_recipients", own is not None and purpose not in keys(own)),
            )
            yield f"disclosures:{d['disclosure_id']}", d["user_id"], result

    def sha_08(self):
        for d in self.in_the_period():
            if d["kind"] == "legal":
                ground = d["legal_ground"]
                result = first(
                    ("violation", "ground_missing", blank(ground)),
                    ("violation", "ground_not_listed", key(ground or "") not in keys(GROUNDS)),
                    ("review", "reference_missing", blank(d["reference"])),
                    ("review", "approver_missing", blank(d["approved_by"])),
                )
                yield f"disclosures:{d['disclosure_id']}", d["user_id"], result

    def sha_09(self):
        for id, sent in self.by_vendor().items():
            days = [d["sent_at"] and self.local(d["sent_at"]) for d in sent if d["kind"] in TO_PARTNERS]
            if not days:
                continue
            row, dated = self.vendors.get(id), [day for day in days if day]
            result = first(("unknown", "vendor_not_registered", row is None), ("unknown", "share_clock_missing", not dated))
            if result == PASS:
                vetted, signed, end = row["vetted_at"], row["contract_signed_at"], row["contract_end"]
                vetted_first, signed_first, begun = row["first_vetted_at"], row["first_contract_at"], min(dated)
                result = first(
                    ("unknown", "contract_dates_contradict", end and signed and end < signed),
                    ("violation", "not_vetted", vetted is None and vetted_first is None),
                    ("violation", "vetted_late", vetted_first and vetted_first > begun),
                    ("violation", "no_contract", signed is None and signed_first is None),
                    ("violation", "contract_late", signed_first and signed_first > begun),
                    ("violation", "contract_expired", end and end < max(dated)),
                    ("review", "vetted_again", vetted_first is None and vetted and vetted > begun),
                    ("review", "contract_renewed", signed_first is None and signed and signed > begun),
                    ("review", "role_missing", blank(row["role"])),
                )
            yield f"vendors:{id}", None, result

    # advertising -------------------------------------------------------------------------------------

    def sha_03(self):
        for d in self.of("advertising"):
            form, words, payload = d["identifier_form"], tokens(d["payload_sample"]), trim(d["payload_sample"])
            name = trim(self.users.get(d["user_id"], {}).get("display_name"))
            clear = any(CLEAR.fullmatch(t) or dotted(t) or t in self.users for t in words) or (name and payload == name)
            zeros = bool(words) and all(zero(t) for t in words)
            declared = self.codes.get(d["vendor_id"]) in self.settings["ad_id_declared_for"]
            result = first(
                ("unknown", "identifier_form_missing", blank(form)),
                ("violation", "plain_identifier", form == "plain"),
                ("violation", "clear_value", clear),
                ("pass", None, form == "ad_id" and zeros),
                ("violation", "raw_ad_id", form == "ad_id" and not declared),
                ("review", "ad_id_declared", form == "ad_id"),
                ("review", "uuid_value", any(UUID.fullmatch(t) and not zero(t) for t in words)),
            )
            yield f"disclosures:{d['disclosure_id']}", d["user_id"], result

    @cached_property
    def stored(self):
        """The digests of stored values, by the reason that they give."""
        users, devices = self.rows["users"], self.rows["devices"]
        forms = {
            "email_digest": [email_forms(u["email"]) for u in users if not blank(u["email"])],
            "phone_digest": [phone_forms(u["phone"], u["country"]) for u in users if not blank(u["phone"])],
            "user_id_digest": [id_forms(u["user_id"]) for u in users if not blank(u["user_id"])],
            "device_id_digest": [id_forms(d["device_id"]) for d in devices if not blank(d["device_id"])]
            + [id_forms(d["ad_id"]) for d in devices if not blank(d["ad_id"]) and not zero(d["ad_id"])],
        }
        return {
            reason: {hashlib.new(how, f.encode()).hexdigest() for fs in values for f in fs if f for how in ("md5", "sha1", "sha256")}
            for reason, values in forms.items()
        }

    def sha_04(self):
        def digests(d):
            return {lc(t) for t in tokens(d["payload_sample"]) if DIGEST.fullmatch(lc(t))}

        days, people = defaultdict(set), defaultdict(set)
        for d in self.rows["disclosures"]:
            if d["kind"] == "advertising" and not blank(d["user_id"]):
                for digest in digests(d):
                    people[digest].add(d["user_id"])
                    if d["sent_at"] and not blank(d["vendor_id"]):
                        days[digest, d["user_id"], d["vendor_id"]].add(self.local(d["sent_at"]))
        for d in self.of("advertising"):
            own = digests(d)
            if d["identifier_form"] not in ("hashed", "keyed_hash") and not own:
                continue
            stable = [g for g in own if people[g] == {d["user_id"]} and len(days.get((g, d["user_id"], d["vendor_id"]), ())) > 1]
            result = first(
                ("unknown", "no_sample", not tokens(d["payload_sample"])),
                *(("violation", reason, own & stored) for reason, stored in self.stored.items()),
                ("violation", "stable_pseudonym", stable),
            )
            yield f"disclosures:{d['disclosure_id']}", d["user_id"], result

    def answer(self, id, purpose, t):
        """A person's answer at an instant: grant, expired, or the last refusal; null where there is none."""
        events = [c for c in self.consents[id, purpose] if c["event_at"] <= t]
        last = max((c["event_at"] for c in events), default=None)
        refused = max((c["event_at"] for c in events if c["action"] != "grant"), default=None)
        if refused is not None and refused == last:
            return "refused"
        grants = [c for c in events if refused is None or c["event_at"] > refused]
        counting = [c for c in grants if not (c["expires_at"] and c["expires_at"] <= t)]
        return "grant" if counting else "expired" if grants else None

    def run(self, id, t):
        """The refusals since the last grant, whether or not that expired."""
        events = [c for c in self.consents[id, "personalised_ads"] if c["event_at"] <= t]
        since = max((c["event_at"] for c in events if c["action"] == "grant"), default=None)
        return [c for c in events if c["action"] != "grant" and (since is None or c["event_at"] >= since)]

    def last_day(self, id, t):
        """The last day on which data may still be used after an opt-out; null if it may not."""
        run = self.run(id, t)
        if any(c["method"] == "signal_gpc" for c in run):
            return None
        begun = self.local(min(c["event_at"] for c in run))
        return workday(begun, self.settings["opt_out_business_days"], self.holidays(self.users[id]["law_region"]) or ())

    def sha_05(self):
        for d in self.of("advertising"):
            record, id, t = f"disclosures:{d['disclosure_id']}", d["user_id"], d["sent_at"]
            user = self.users.get(id)
            if user is None or t is None:
                yield record, id, ("unknown", "clock_missing" if user else "user_unknown")
            elif user["law_region"] in ("EEA", "UK", "TR", "CN"):
                reason = {"expired": "expired", None: "no_grant"}.get(self.answer(id, "personalised_ads", t), "refused")
                yield record, id, self.order(lambda at, id=id: self.answer(id, "personalised_ads", at) == "grant", t, reason)
            elif user["law_region"] in ("US-CA", "OTHER"):
                yield record, id, *self.opted_out(id, t, self.holidays(user["law_region"]) is None)
            else:
                yield record, id, PASS if self.answer(id, "personalised_ads", t) == "grant" else ("review", "region_unknown")

    def opted_out(self, id, t, unlisted):
        """The outcome of an opt-out, the day until which data may be used, and the instant; `unlisted`: no holidays are given."""

        def ok(at):
            last = self.last_day(id, at) if self.run(id, at) else self.local(at)
            return last is not None and self.local(at) <= last

        result = self.order(ok, t, "opt_out")
        last = self.last_day(id, t) if result != PASS else None
        if result[0] == "violation" and unlisted and last and self.local(t) <= last + 4 * DAY:
            result = ("review", "holidays_not_given")
        return result, last, t

    def sha_14(self):
        purposes = {key(p) for p in self.settings["analytics_purposes"]}
        for d in self.of("sdk", "processor"):
            record, id, t = f"disclosures:{d['disclosure_id']}", d["user_id"], d["sent_at"]
            if key(d["purpose"] or "") not in purposes:
                continue
            if id not in self.users or t is None:
                yield record, id, ("unknown", "clock_missing" if id in self.users else "user_unknown")
                continue
            result = self.order(lambda at, id=id: self.answer(id, "analytics", at) in ("grant", None), t, "analytics_opt_out")
            if result[0] == "violation" and self.answer(id, "analytics", t) == "expired":
                result = ("review", "analytics_expired")
            yield record, id, result

    def sha_06(self):
        for d in self.in_the_period():
            if d["identifier_form"] != "ad_id" or blank(d["user_id"]):
                continue
            record, id = f"disclosures:{d['disclosure_id']}", d["user_id"]
            if not blank(d["device_id"]):
                devices = [self.devices[d["device_id"]]] if d["device_id"] in self.devices else []
                result = ("unknown", "device_unknown")
            else:
                with_id = [v for v in self.rows["devices"] if v["user_id"] == id and not blank(v["ad_id"])]
                devices = [v for v in with_id if not zero(v["ad_id"])] or with_id
                result = ("unknown", "ad_id_missing")
            if devices:
                each = [self.device(v) for v in devices]
                least = min(each, key=lambda one: DEVICE_REASONS.index(one[1]))
                result = least if len({outcome for outcome, _ in each}) == 1 else ("unknown", "device_ambiguous")
            yield record, id, result

    def device(self, v):
        """The outcome that one device gives for its advertising id."""
        ios, android = v["platform"] == "ios", v["platform"] == "android"
        return first(
            ("unknown", "ad_id_missing", blank(v["ad_id"])),
            ("pass", None, zero(v["ad_id"] or "")),
            ("unknown", "platform_contradiction", v["platform"] == "web"),
            ("unknown", "att_status_missing", ios and blank(v["att_status"])),
            ("violation", "att_not_authorized", ios and v["att_status"] != "authorized"),
            ("unknown", "lat_missing", android and v["limit_ad_tracking"] is None),
            ("violation", "ad_tracking_limited", android and v["limit_ad_tracking"]),
        )

    def sha_11(self):
        private = keys(PRIVATE_FIELDS)
        for d in self.in_the_period():
            ids = [c for c in d["content_ids"] or () if not blank(c)]
            spoken = any(not blank(f) and key(f) in private for f in d["fields"] or ())
            if d["kind"] == "advertising" and (ids or spoken):
                items, t = [self.items[c] for c in ids if c in self.items], d["sent_at"]
                result = first(
                    ("violation", "private_field", spoken),
                    ("violation", "private_content", any(c["kind"] in ("chat", "voice", "room", "transcript") for c in items)),
                    ("violation", "content_deleted", t and any(c["deleted_at"] and c["deleted_at"] <= t for c in items)),
                    ("violation", "content_not_public", any(not blank(c["visibility"]) and c["visibility"] != "public" for c in items)),
                    ("unknown", "content_not_found", any(c not in self.items for c in ids)),
                    ("unknown", "visibility_missing", any(blank(c["visibility"]) for c in items)),
                    ("unknown", "clock_missing", t is None),
                )
                yield f"disclosures:{d['disclosure_id']}", d["user_id"], result
