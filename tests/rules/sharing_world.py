"""Worlds for the rules of sharing: vendors by every name, fields in every spelling, digests of stored values, grants and withdrawals."""

from __future__ import annotations

import hashlib
import re

from declared_reading import (
    ADJUST,
    ADJUST_REVIEW,
    AGORA,
    BLANKS,
    CANONICAL,
    GROUNDS,
    PRIVATE_FIELDS,
    PURPOSES,
    PURPOSES_OF,
    RONG_CLOUD,
    SUPPORT_FIELDS,
    VENDORS,
    blank,
    canonicals,
)
from payload_reading import email_forms, id_forms, phone_forms
from second_reading import DAY, MICRO, NOW, Near, workday

LISTS = {"rong_cloud": RONG_CLOUD, "agora": AGORA, "google": "open_id", "adjust": f"{ADJUST} {ADJUST} {ADJUST_REVIEW}"}
OWN_LIST = ["device_id", "E-mail", "os", "city", "Ip Address"]
EMAILS = (
    "Ann.B{n}@Example.COM",
    " ann{n}@x.tr ",
    " Ann.{n}.B+tag+1@GMail.com ",
    "a.{n}@googlemail.com",
    "A.b+x{n}@x.tr",
    "\u0130.{n}+z@gmail.com",
    "\u0130{n}@x.tr",
    "\u00a0Z{n}@y.z\n",
    "\u212a{n}@x.tr",
    "b{n}@x.tr",
    None,
    "",
    " ",
    "\u3000",
)
PHONES = (
    "+90 555-{n}-11",
    "0090 (555) {n}",
    " +90555{n}",
    "0555 {n}",
    "+49 (0) 30 {n}",
    "0049(0)30{n}",
    "(0)30 {n}",
    "30 {n}",
    "0",
    "{n} ext. 7",
    "+\u0661{n} 99",
    "00-{n}",
    " 0555 {n} x\u3000",
    None,
    "",
    " ",
)
NOBODY = (None, "", " ", "\u3000")
ANALYTICS = "event_manager install_attribution ad_measurement research_analysis develop_features"
ZEROS = ("00000000-0000-0000-0000-000000000000", "0", "0-0", "00")
AD_IDS = ("ABCDEF01-2345-6789-abcd-ef0123456{n:03}", "a{n}b", "-", "--", "0 0", " 0", "00x")
CATEGORIES = ("hosting", "support", "payment", "security", "anti_fraud", "analytics", "messaging", "authority", "other", None)
FORMS = ("hashed", "hashed", "keyed_hash", "plain", "ad_id", "ad_id", "none")


#: Words of a payload, clear and not.
WORDS = (
    "ann@x.tr a@b @x.tr a@b@c.d +491511 +4915112 +4915112345 +0915112345 +123456789012345 +1234567890123456 10.0.0.255 10.0.0.256"
    " 1.2.3 1.2.3.4.5 v1.2.3.4 \u0661.2.3.4 u3 U3 u99 u1= 7 Ann x1 campaign=7 gggggggggggggggggggggggggggggggg - - + @"
    " abcdef01-2345-6789-abcd-ef0123456789 ABCDEF01-2345-6789-ABCD-EF0123456789 abcdef01-2345-6789-abcd-ef012345678g"
    " abcdef01-2345-6789-abcd-ef0123456789 ABCDEF01-2345-6789-ABCD-EF0123456789 abcdef0123456789abcdef012345"
)


class SharingWorld(Near):
    """One random world of sharing."""

    def __init__(self, seed, loose=False, size=600, **settings):
        super().__init__(seed, loose, **settings)
        self.names = [*(f"u{n}" for n in range(30)), "U1", "Ann-K\u0131", "7"]
        for n, id in enumerate([*self.names, " "]):
            self.user(n, id)
        self.people = [*self.names, *self.names, *self.names, "x1", "x2"]
        for n in range(40):
            self.device(n)
        for n in range(40):
            self.item(n)
        self.words = {id: self.history(id) for id in [*self.people, " "]}
        self.vendors = {f"v{n}": self.name(n) for n in range(48)} | {"V1": ("adjust", "Adjust"), "v98": (None, ""), "v99": (None, "")}
        self.digests = self.digested()
        for _ in range(size):
            self.disclosure()
        for id in self.vendors:
            self.vendor(id)

    def user(self, n, id):
        """A user with an address, a number and a name in one of their shapes."""
        self.row(
            "users",
            user_id=id,
            status=self.one("active", "active", "deleted", "purged"),
            display_name=self.one("Ann Bee", " Zo\u00eb ", f"Kim{n}", "\u3000Lee\u00a0", "K\u0131m", None, "", " "),
            email=(self.pick.choice(EMAILS) or "").format(n=100 + n) or None,
            country=self.one("TR", "TR", " tr ", "DE", "US", "ES", "ZZ", None),
            phone=self.one(None, "", self.pick.choice(PHONES)) if self.chance(0.2) else (self.one(*PHONES[:12])).format(n=1000 + n),
            law_region=self.rough(self.one("EEA", "UK", "TR", "CN", "US-CA", "US-CA", "OTHER", "OTHER", None), "eea", "", "BR", " "),
            is_test=self.rough(id != " " and self.chance(0.06)),
        )

    def device(self, n):
        """A device, with an advertising id in one of its shapes."""
        self.row(
            "devices",
            device_id=f"D{n}-aB",
            user_id=self.rough(self.one(*self.names[:24], "x1", " ", "")),
            platform=self.one("ios", "ios", "android", "android", "web"),
            ad_id=(self.one(*AD_IDS[:2], *AD_IDS[:2], *AD_IDS, *ZEROS, *ZEROS, *NOBODY) or "").format(n=n) or None,
            att_status=self.one("authorized", "authorized", "denied", "restricted", "not_determined", None),
            limit_ad_tracking=self.one(True, False, None),
        )

    def item(self, n):
        """A content item, public or not, that may be gone."""
        self.row(
            "content_items",
            content_id=f"c{n}",
            user_id=self.pick.choice(self.people),
            kind=self.one(*["photo", "post", "video", "template"] * 5, "chat", "voice", "room", "transcript"),
            visibility=self.rough(self.one(*["public"] * 8, "friends", "room", "private"), None, "", "Public"),
            deleted_at=self.sometimes(0.3, self.time()),
        )

    def history(self, id):
        """A person's answers on personalised advertising, some at the same instant. Returns the instants at which they change."""
        turns = []
        for _ in range(self.one(0, 1, 1, 2, 3, 4)):
            at = self.near(self.one(self.pick.choice(self.times), *turns[-1:]), self.skew)
            for _ in range(self.one(1, 1, 1, 2)):
                self.row(
                    "consents",
                    user_id=id,
                    purpose=self.one(*["personalised_ads"] * 6, *["analytics"] * 4, "marketing_push", "cookies"),
                    action=self.one("grant", "grant", "withdraw", "refuse", "opt_out", "opt_out"),
                    event_at=self.rough(at),
                    expires_at=self.sometimes(
                        0.4, self.one(at, self.near(self.pick.choice(self.times), self.skew), at + DAY, at + 90 * DAY)
                    ),
                    method=self.one("in_app", "web", "bundled_terms", *["signal_gpc"] * self.one(0, 0, 3)),
                )
            holidays = self.settings["holidays"]
            known = self.one(*holidays.values(), ()) if isinstance(holidays, dict) else holidays
            day = workday(self.local(at), self.settings["opt_out_business_days"], known)
            ends = [c["expires_at"] for c in self.rows["consents"][-1:] if c["expires_at"]]
            turns += [at, self.midnight(day + DAY), self.midnight(day + 5 * DAY), *ends]
        return turns

    # vendors -----------------------------------------------------------------------------------------

    def name(self, n):
        """The code that a vendor is meant to be, and its name."""
        codes = list(VENDORS)
        code = codes[n % 9] if n % 9 < 7 and n < 36 else None
        return code, self.pick.choice([code, *VENDORS[code].split(", ")]) if code else self.one(
            "Acme", "Hetzner", "Zendesk GmbH", "Facebok", ""
        )

    def vendor(self, id):
        """A vendor in one of its spellings, with dates near those of its disclosures."""
        if id in ("v98", "v99"):
            return
        name = self.vendors[id][1]
        aliases = self.one(None, [], [" ", ""], ["Acme Inc"], ["Acme", None])
        if name and self.chance(0.3):
            # recognised by an alias alone, or not at all; an alias of two vendors is ambiguous
            others = self.one([], [], ["Admob"], ["Agora.io", "adx"], [" ", name.upper()])
            name, aliases = self.one("Acme", " ", "", "???"), [name, *others]
        name = self.one(name, name.upper(), name.title(), name.replace(" ", "-") + ".", f"\u00a0{name} ", self.legal(name))
        days = [self.local(d["sent_at"]) for d in self.rows["disclosures"] if d["vendor_id"] == id and d["sent_at"]] or [NOW.date()]
        first, last = min(days), max(days)
        early = self.one(first, first, first - DAY, first - 99 * DAY)
        self.row(
            "vendors",
            vendor_id=id,
            name=self.rough(name),
            aliases=aliases,
            role=self.rough(self.one("processor", "controller", "joint"), ""),
            category=self.rough(self.pick.choice(CATEGORIES), "Hosting", "", "anti fraud"),
            declared_fields=self.one(None, [], OWN_LIST, OWN_LIST, [*OWN_LIST, None, " "], ["IDFA", "open_id"]),
            vetted_at=self.one(early, early, early, first + DAY, None),
            first_vetted_at=self.one(None, None, early, early, first + DAY),
            contract_signed_at=self.one(early, early, early, first + DAY, None),
            first_contract_at=self.one(None, None, early, early, first + DAY),
            contract_end=self.one(None, early, last, last + DAY, last, last + 99 * DAY, last - DAY, early - DAY),
        )

    def legal(self, name):
        """A name with its legal form and place, in brackets or not, or with what looks like them."""
        odd = (" Labs", " SAP", " (", " ()", ") Inc (", " Inc x", " B. V. 2")
        return name + self.one(
            " Inc.", ", LLC", " Ireland Ltd", " S.A.", " B.V. (Netherlands)", " A. S.", " T\u00fcrkiye A.\u015e.", " (formerly X)", *odd
        )

    # what they get -----------------------------------------------------------------------------------

    def dressed(self, name):
        """A name as somebody writes it."""
        return self.one(
            name, name, name.upper(), name.replace("_", "-"), f" {name.replace('_', ' ')}", name.title().replace("_", ""), f"{name}\u00a0."
        )

    def fields(self, code):
        """Names of fields: mostly those that the vendor may get."""
        own = sorted(canonicals(LISTS[code])) if code in LISTS and self.chance(0.9) else OWN_LIST
        stated = [name for name, means in CANONICAL.items() if means in own] if code in LISTS else own
        names = [self.dressed(self.pick.choice(stated or own)) for _ in range(self.one(0, 1, 1, 2, 3))]
        odd = ["contacts", "Open-ID", "uid", "\u0130p", "---", *PRIVATE_FIELDS.split(), *SUPPORT_FIELDS.split()]
        if self.chance(0.15):
            names.append(self.dressed(self.pick.choice(odd)))
        return [*names, self.one("", " ", "\u3000", None)] if self.chance(0.1) else names

    def digested(self):
        """Digests of stored values in every form that counts, and of some that do not."""
        users, devices = self.rows["users"], self.rows["devices"]
        emails = [sorted(email_forms(u["email"])) for u in users if not blank(u["email"])]
        phones = [sorted(phone_forms(u["phone"], u["country"])) for u in users if not blank(u["phone"])]
        ids = [sorted(id_forms(u["user_id"])) for u in users] + [sorted(id_forms(d["device_id"])) for d in devices]
        ids += [sorted(id_forms(d["ad_id"])) for d in devices if not blank(d["ad_id"])]
        wrong = [" ", *ZEROS, "nobody@x.tr", *["ANN-KI"] * 5, *[re.sub(r"\D", "", u["phone"] or "") for u in users]]
        wrong += [f(u["email"] or "-") for u in users for f in (str.upper, str.lower)]
        wrong = [[text] for text in wrong]
        return [emails, emails, emails, phones, phones, phones, ids, ids, wrong, wrong]

    def digest(self, text):
        """A digest of a text."""
        how = self.one("md5", "sha1", "sha256", "sha256", "sha512")
        return hashlib.new(how, text.encode()).hexdigest()[: self.one(128, 128, 128, 128, 128, 128, 31)]

    def token(self, id, at):
        """A token of a payload: a clear value, an id, or a digest of what is stored, of the person, of the day or of nothing."""
        day = at.date().isoformat() if at else ""
        kind = self.pick.random()
        if kind < 0.35:
            forms = self.pick.choice(self.pick.choice(self.digests))
            return self.digest(self.pick.choice(forms) or "-")
        if kind < 0.45:
            return hashlib.sha256(f"salt{id}".encode()).hexdigest()
        if kind < 0.55:
            return hashlib.sha256(f"salt{self.one('u1', 'u2', 'shared')}".encode()).hexdigest()
        if kind < 0.65:
            return hashlib.md5(f"{id}{day}".encode()).hexdigest()
        return self.pick.choice([*WORDS.split(), *ZEROS, *ZEROS, "\u2003"])

    def payload(self, id, at):
        """A payload of some tokens, the person's name, or null."""
        if self.chance(0.12):
            return self.one(None, "", " ", "\u3000", ";|", "\n,")
        if self.chance(0.08):
            name = next((u["display_name"] for u in self.rows["users"] if u["user_id"] == id), None) or "Ann Bee"
            return self.one(name, name.strip(BLANKS), f"\t{name}\u3000", name.upper(), f"{name};")
        if self.chance(0.1):
            return self.one(" ", ";").join(self.one(*ZEROS) for _ in range(self.one(1, 2)))
        words = [self.token(id, at) for _ in range(self.one(1, 1, 1, 2))]
        words = [self.one(w, w, w.upper(), f"{w}=", f"\u00a0{w}") for w in words]
        return self.one(" ", ",", ";", "|", "\u3000", "\u00a0", " ; ").join(words)

    def purpose(self, code):
        """A purpose, mostly the vendor's own; gates let no other spelling through."""
        own = self.one(*PURPOSES_OF[code].split()) if code and self.chance(0.8) else self.pick.choice(PURPOSES)
        return self.rough(own, self.dressed(own), self.dressed(own), "selling", "", "!")

    def disclosure(self):
        """A disclosure, mostly to a partner, near a change of the person's consent; a few have no vendor or no person."""
        id = self.one(*self.people, *self.people[:3], *NOBODY)
        at = self.near(self.pick.choice(self.words.get(id) or self.times), self.skew, DAY)
        vendor = self.pick.choice([v for v in self.vendors if v != "v44"]) if self.chance(0.97) else self.one("x9", "", " ")
        payload = self.payload(id, at)
        if self.rows.get("disclosures") and self.chance(0.3):
            # the same once more: at a turn of the day, or of another person, or to another vendor
            same = self.rows["disclosures"][-1]
            id, vendor = self.one(id, *[same["user_id"]] * 5), self.one(vendor, *[same["vendor_id"]] * 5)
            then = same["sent_at"] or at
            at = self.near(self.one(then, self.midnight(self.local(then)), self.midnight(self.local(then) + DAY)))
            payload = self.one(same["payload_sample"], (same["payload_sample"] or "").upper())
        kind = self.one(*["advertising"] * 6, "sdk", "sdk", "processor", "processor", "legal", "corporate")
        if vendor in ("v45", "v46", "v98"):
            kind = self.one("legal", "corporate")
        code = self.vendors.get(vendor, (None, ""))[0]
        grounds = [self.dressed(g) for g in GROUNDS.split()]
        self.row(
            "disclosures",
            user_id=id,
            vendor_id=self.rough(vendor),
            kind=self.rough(kind, "Advertising", "") if vendor != "v47" else "advertising",
            purpose=self.one(*ANALYTICS.split()) if kind in ("sdk", "processor") and self.chance(0.7) else self.purpose(code),
            fields=self.rough(self.fields(code)),
            identifier_form=self.rough(self.pick.choice(FORMS), "raw", "", "Plain"),
            payload_sample=payload if kind == "advertising" else self.one(None, "u1", "0"),
            legal_ground=self.one(*grounds, *grounds, None, "", " ", "court", "crimes", "---"),
            reference=self.one("r", "r", "r", *NOBODY),
            approved_by=self.one("a", "a", "a", *NOBODY),
            sent_at=None if self.loose and vendor == "v47" else self.rough(at),
            device_id=self.one(*NOBODY, *[f"D{n}-aB" for n in range(8)], "d1-ab", "D99"),
            content_ids=self.contents(at),
        )

    def contents(self, at):
        """Ids of content, one of them deleted about then."""
        if self.chance(0.4):
            return self.one(None, [], [" "], ["", None])
        item = self.pick.choice(self.rows["content_items"])
        if item["deleted_at"]:
            item["deleted_at"] = at + self.one(-1, 0, 1) * MICRO
        ids = [item["content_id"], *(self.one("c1", "c2", "c3", "c4", "C1", "c99", " ") for _ in range(self.one(0, 0, 0, 1)))]
        return [*ids, *self.one([], [], [" "], [None])]
