"""Random worlds for the rules of collection, visibility and moderation: dates at limits, places and receipts of every shape."""

from __future__ import annotations

import datetime as dt

from declared_reading import CLOCKS, SOCIAL_FIELDS
from second_reading import DAY, MICRO, NOW, Near

#: Places of every shape, between strokes.
PLACES = (
    "41.0,29.0|41.01,29.0|41.0;29.01|41.00 / 29|41,29|0,0|+41.5 -29.5|-90.0,-180.0|090.5,013.25|41.0 , 29.0 ; 12|90,180|90.1,180|"
    "90.00,180.00|90,180.1|-90.0000001,0|91 10|180,90|99 12 34|99.123,10|90,180,8849|90.5,1,2|41.0,29.0,100|41.01,29.01;-34.5|"
    "41,29,1234.5|41,29,5.|41.0,29.0,|,41.0,29.0|41.,29|.5,29|41,29,5,6|1234,5|41,29 m|N41 E29|41.0\u00a029.0|41.0\t29.0|"
    " 41.0,29.0 |\u00a041.01,29.0\u3000|\n41.0,29.0\n|41,29,1.5e3|41:29|Istanbul|\u0130stanbul|Istanbul 34|Istanbul 340|Paris 8e|"
    "Ankara 06420|12 Baker St 221B|Route 66|1 2 3 4 5 6|\uff11\uff12\uff13|\u0661\u0662\u0663|12\u0663|\xbd|-|+,-|41,-29|4 1,2 9|"
    "41.0, 29.0|--41,29|+41,+29,+5|\u200341.0,29.0|41.0,29.0\x85"
)
NAMES = [name for name in SOCIAL_FIELDS.replace(" = ", ",").replace("\n", ",").replace(" ", "").split(",") if name]
PROVIDERS = (
    "google",
    "Google",
    "GOOGLE-Login",
    "google llc",
    "ad mob",
    "Go\u00f6gle",
    "facebook",
    "Meta",
    "apple",
    "gooogle",
    " google ",
    "googlelogin.",
)
KINDS = (
    "page",
    "click",
    "call",
    " Page ",
    "CLICK",
    "call\u3000",
    "open",
    "Open",
    " OPEN\t",
    "api",
    "calls",
    "p age",
    "\u0441all",
    "clic\u212a",
    "",
)


class CollectionWorld(Near):
    """One random world of collection."""

    def __init__(self, seed, loose=False, size=90, **settings):
        super().__init__(seed, loose, **settings)
        self.places = PLACES.split("|")
        self.allowed = {k: dt.timedelta(hours=self.settings[k]) for k in self.settings if k.endswith("_h")}
        self.names = [*(f"u{n}" for n in range(50)), "U1", "u1 "]
        for id in [*self.names, " "]:
            self.user(id)
        busy = [*self.names[:20], *self.names[50:]]
        self.people = [*busy, *busy, *busy, "x1", "x2", "gone1", "gone2", "Gone1", " ", "\u3000", ""]
        for n in range(size):
            self.social()
            self.promotion()
            self.transaction(n)
            self.item()
            self.item()
        for n in range(size // 2):
            self.device(f"d{n}" if n else "D1")
        for geo in ("41.01,28.95", "39.9,32.8", "36.89 30.71,45", "Izmir 35", "60.17,24.94", "52.5,13.41"):
            self.crowd(geo)
        self.purges()
        self.late()
        self.shadows(size)

    def someone(self):
        """A user's id, or one that is not there."""
        return self.rough(self.pick.choice(self.people))

    def user(self, id):
        """A user, often one who was deleted and restored."""
        deleted = self.sometimes(0.5, self.time())
        self.row(
            "users",
            user_id=id,
            status=self.one("active", "active", "suspended", "banned", "deleted", "purged", "anonymised"),
            created_at=self.rough(self.time()),
            deleted_at=deleted,
            restored_at=self.sometimes(0.5, self.near(deleted) if deleted else self.time()),
            purged_at=self.sometimes(0.5, self.time()),
            display_name=self.one("Ann", "Ann", "Ann", "Ann", None, "", "\u00a0"),
            gender=self.one("f", "f", "f", "x", None, " "),
            birth_date=self.one(None, dt.date(1990, 1, 1), dt.date(1991, 2, 2), dt.date(2030, 1, 1)),
            country=self.one("TR", "TR", "34", None, " "),
            city=self.one(None, " ", *["Istanbul"] * 6, *self.places),
            geo_source=self.rough(
                self.one("ip", "ip", "ip", "ip", "ip", "user", "gps", "wifi", "none", None), "cell", "cell", "GPS", "", " ip", "None"
            ),
            is_test=self.rough(id != " " and self.chance(0.07)),
        )

    def social(self):
        """A linked account: mostly declared fields, in several spellings."""
        dress = [str, str.upper, lambda f: f.replace("_", "-"), lambda f: f.replace("_", " ") + "!", str.title]
        fields = [self.pick.choice(dress)(self.pick.choice(NAMES)) for _ in range(self.one(0, 1, 1, 2, 3))]
        if self.chance(0.4):
            fields = [self.one("openid", "Open-ID", "sub", "SUBJECT", "provider user id") for _ in fields]
        odd = self.one("email", "friends", "opened_id", "---", "\u0130sim", "s\u0435x")
        if self.chance(0.25):
            fields.append(self.one(odd, odd, "", " ", "\u3000", None))
        self.row(
            "social_accounts",
            user_id=self.someone(),
            provider=self.rough(self.one(*PROVIDERS, "", " ")),
            fields_received=self.rough(fields),
            linked_at=self.rough(self.time()),
        )

    def promotion(self):
        """An entry that was won about now, or never."""
        self.row(
            "promotion_entries",
            user_id=self.someone(),
            won_at=self.sometimes(0.7, self.near(NOW, self.skew, DAY)),
            paid_at=self.sometimes(0.5, self.time()),
            payout_details_held=self.rough(self.chance(0.7)),
        )

    def transaction(self, n):
        """A receipt with a number of about the right length, or in the other store's form; some have spaces around them."""
        number = f"{n:03}" + "".join(self.one(*"0123456789") for _ in range(17))
        apple = number[: self.one(9, 10, 11, 19, 20)] + self.one("", "", "", "0", "\n", " ", "a", "\u0661")
        parts = [number[:4], number[4:8], number[8:12], number[12 : self.one(17, 17, 17, 16, 18)]]
        google = self.one("GPA", "GPA", "GPA", "gpa", " GPA") + self.one(*".....x") + "-".join(parts)
        google += self.one("", "", "..0", "..12", "..", ".1", "\n", "..1..2")
        store = self.one("app_store", "google_play", "other")
        own = google if (store == "google_play") != self.chance(0.1) else apple
        self.row(
            "transactions",
            receipt_id=own,
            user_id=self.someone(),
            store=self.rough(store, "App_Store", "paypal", ""),
            purchased_at=self.rough(self.time()),
        )

    def item(self):
        """A content item whose clocks lie near the limits of moderation."""
        sla, removal = self.allowed["mod_sla_h"], self.allowed["mod_removal_h"]
        created = self.one(self.near(NOW - sla, self.skew), self.near(NOW - sla), self.time())
        judged = self.one(
            self.near(created),
            self.near(created + sla),
            self.near(created + sla),
            self.near(NOW - removal),
            self.near(NOW - removal, self.skew),
        )
        audience = ("public", "public", "friends", "room", "private")
        self.row(
            "content_items",
            user_id=self.someone(),
            kind=self.one("photo", "post", "voice"),
            visibility=self.rough(self.one(*audience), "Public", "everyone", ""),
            effective_visibility=self.rough(self.one(*audience, *audience, None), "Public", "everyone", "", " "),
            created_at=self.rough(created),
            deleted_at=self.sometimes(0.3, self.near(NOW, DAY)),
            moderation_decision=self.rough(
                self.one("approved", "rejected", "approved", "rejected", "pending", "none", None), "Approved", "", "held"
            ),
            moderated_at=self.sometimes(0.9, judged),
            first_moderated_at=self.sometimes(0.4, self.one(self.near(created), self.near(created + sla), judged)),
        )

    def device(self, id):
        """A device that may be gone, and events about the time at which it went and came back."""
        gone, gap = self.time(), self.allowed["uninstall_allowance_h"]
        back = self.near(gone + self.one(0, 1, 2) * gap, self.skew) + self.one(dt.timedelta(0), self.skew, DAY)
        self.row(
            "devices",
            device_id=id,
            user_id=self.someone(),
            uninstalled_at=self.sometimes(0.9, gone),
            first_seen_at=self.rough(self.one(self.near(gone), gone - 9 * DAY, gone - 9 * DAY, gone - 9 * DAY)),
            installed_at=self.sometimes(0.5, self.one(self.near(gone), back, back, gone - 9 * DAY)),
        )
        if self.chance(0.3):
            # nothing but one event where the gap ends, or where the clocks may differ
            end = self.one(self.near(back), self.near(back - self.skew))
            self.event(event_type=self.one("page", "Click "), device_id=id, event_at=end)
            return
        for _ in range(self.one(0, 1, 1, 2, 3)):
            at = self.one(
                self.near(gone), self.near(gone + gap), self.near(gone + gap, self.skew), self.near(back, self.skew), self.near(back)
            )
            self.event(event_type=self.pick.choice(KINDS), device_id=id, event_at=self.rough(at))
        for _ in range(self.one(0, 0, 1, 2)):
            self.event(event_type=self.one(*KINDS[:6]), device_id=id, event_at=self.rough(self.near(back - self.skew)))

    def event(self, **values):
        """A traffic event."""
        usual = {
            "user_id": self.one(None, self.pick.choice(self.people)),
            "device_id": self.one(None, "", " ", "d1", "d2", "d3", "D1", "d99"),
            "event_type": "api",
            "event_at": self.time(),
            "ip": self.one(None, "", "\u3000", "10.0.0.1"),
            "geo": self.one(None, None, None, " ", *self.places),
        }
        self.row("traffic_events", **usual | values)

    def crowd(self, geo):
        """A place that about as many people share as make it a centroid, some of them twice, and rows of no user."""
        n = max(self.settings["centroid_users"] + self.one(-1, -1, 0, 1), 0)
        shapes = (geo, geo, f" {geo}", f"{geo}\u3000", f"\u00a0{geo}\n")
        people = self.pick.sample([*self.names, "x1", "x2", "gone1"], min(n, 50))
        for id in [*people, *people[:3], None, "", " "]:
            self.event(user_id=id, geo=self.pick.choice(shapes), event_at=NOW - 999 * DAY)
        self.event(geo=geo.replace(",", " ,"))

    def purges(self):
        """Purges of ids that came back, and of some that did not."""
        born = {u["user_id"]: u["created_at"] or NOW for u in self.rows["users"]}
        for id in [*self.pick.sample(self.names, 20), "gone1", "gone2", " ", ""]:
            at = self.rough(self.near(born.get(id, NOW), self.skew))
            self.row("purge_log", user_id=self.rough(id), table_name=self.one("users", "users", "Users", " users", "devices"), purged_at=at)

    def late(self):
        """Rows of deleted people, about the time from which there may be none."""
        for u in self.pick.sample(self.rows["users"], 53):
            base = u["deleted_at"] or u["purged_at"] or NOW
            at = self.one(base + self.allowed["deleted_allowance_h"] + self.one(-1, 0, 1, 1) * MICRO, base)
            table = self.one(*CLOCKS, "consents", "consents", "traffic_events", "subscriptions")
            values = {CLOCKS[table]: self.rough(at), "user_id": u["user_id"]}
            if table == "transactions":
                values |= {"receipt_id": f"late {len(self.rows[table])}"}
            if table == "traffic_events":
                values |= {"event_type": self.one(" Open", "open", "api")}
            if table == "consents":
                values |= {"action": self.one("grant", "withdraw", "refuse")}
            self.row(table, **values)

    def shadows(self, size):
        """Rows of nobody, of strangers and of the purged."""
        old = NOW - 999 * DAY
        for _ in range(size // 5):
            for table in ("subscriptions", "consents", "profile_attributes", "outbound_messages", "retention_exceptions"):
                clock = CLOCKS.get(table)
                self.row(table, user_id=self.someone(), **({clock: old} if clock else {}))
            for table in ("support_tickets", "rights_requests"):
                self.row(table, user_id=self.one(None, self.someone(), self.someone()))
            form = self.rough(self.one("none", "none", "hashed", "plain"), "None", "")
            self.row("disclosures", user_id=self.one(None, self.someone()), identifier_form=form)
