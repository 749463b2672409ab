"""Random worlds of few devices, people of the staff and addresses, whose times lie at the limits that rules count from each other."""

from __future__ import annotations

import datetime as dt
from typing import Any

from access_reading import (
    CLEAR,
    CLEAR_SCHEMES,
    ENCRYPTED_SCHEMES,
    EXPIRIES,
    FAST,
    NO_PASSWORD,
    ORDINARY,
    OTHERS,
    PERMISSIONS,
    SIGNATURES,
    SLOW,
    permission,
)
from rights_reading import codes
from rights_world import DAY, MICRO, Dice

from heytalk_audit.expressions.calendar import add_months

#: How long before the audit permissions were first logged.
LOGGED = 210 * DAY
CODES = codes(PERMISSIONS)
ACTIONS = ("granted", "granted", "denied", "revoked", "feature_blocked")
UNLISTED = ("contacts", "location", "camera2", "micro phones", "networ\u212a", "b\u00edtacora", "...", "android.permission.", "sms")
LONG = (
    *("com.google.android.gms.permission.AD_ID", "permission_adid_", "my_ad_id", "com.android.vending.BILLING", "vending_billing_2"),
    *("com.x.DYNAMIC_RECEIVER_NOT_EXPORTED_PERMISSION", "com.google.android.c2dm.permission.RECEIVE", "foreground_service_microphone"),
    *("com.google.android.finsky.permission.BIND_GET_INSTALL_REFERRER_SERVICE", "billing2", "my_foreground_service"),
)
NULLS = ("", " ", "\t\n", "\u00a0", "\u3000")
HOSTS = [
    *("cdn.heytalk.example", "localhost", "localhosts", "LOCALHOST", "a.local", "local", "a.localx", "b.internal", "internal.example"),
    *("127.0.0.1", "127.255.255.255", "127.0.0.256", "10.0.0.1", "10.1.2", "10.1.2.3.4", "1.10.0.1", "100.0.0.1", "10.a.0.1", "10.0.0."),
    *("192.168.1.9", "192.169.1.9", "193.168.0.1", "172.15.0.1", "172.16.0.1", "172.31.255.0", "172.32.0.1", "172.20.0.300", "173.16.0.1"),
    *("8.8.8.8", "10.0.0.1.example", "me@10.0.0.1", "10.0.0.1@cdn.example", "a:b@c@192.168.0.1:8443", "a.local:80", "10.0.0.255"),
    *("a.local:b@cdn.example:443", "gate.example", "x.gate.example"),
]
PATHS = ("", "/", "/a/b.jpg", "/a@10.0.0.1/b", "/a:1", "/10.0.0.1.local")


class World(Dice):
    """One random world: `rows` by table, and the instant and settings that it is audited under; with `log` it has permission events."""

    def __init__(self, seed: int, size: int = 450, broken: bool = False, log: bool = True, **settings: Any):
        super().__init__(seed, broken, settings)
        self.skew = self.calendar.skew
        self.moments = [self.turn(self.today - n * DAY) for n in (0, 1, 30, 200)] + [self.now, self.now + MICRO]
        self.people, self.staff_ids = [f"u{n}" for n in range(30)], [f"s{n}" for n in range(60)]
        self.devices = [self.device(f"d{n}") for n in range(size // 15)]
        self.log = self.events(size * 3 // 2) if log else []
        self.by_code: dict[str | None, list[dict[str, Any]]] = {}
        for e in self.log:
            self.by_code.setdefault(CODES.get(permission(e["permission"])), []).append(e)
        self.rows: dict[str, list[dict[str, Any]]] = {
            "users": [self.user(p) for p in (*self.people, *(f"v{n}" for n in range(size // 4)))],
            "devices": self.devices,
            "permission_events": self.log,
            "content_items": [self.item(n) for n in range(size)],
            "outbound_messages": [self.send(n) for n in range(size // 2)],
            "staff": [self.member(s) for s in self.staff_ids],
        }
        self.rows["staff_access_log"] = [self.access(n) for n in range(size)]
        self.spoil(self.rows["users"], "status", "is_test", "credential_format")
        self.spoil(self.devices, "platform", "first_seen_at", "att_status", "user_id")
        self.spoil(self.rows["permission_events"][1:], "permission", "action", "event_at", "device_id")
        self.spoil(self.rows["content_items"], "kind", "capture_source", "selection_method", "visibility", "created_at")
        self.spoil(self.rows["outbound_messages"], "channel", "status", "sent_at", "user_id")
        self.spoil(self.rows["staff"], "role", "started_at")
        self.spoil(self.rows["staff_access_log"], "staff_id", "table_name", "accessed_at")

    def written(self, name: str) -> str:
        """A permission's name in one of its spellings."""
        dressed = name.upper().replace("_", self.one(" ", "-", "", ".", "\u00a0"))
        return self.one(name, name, dressed, f"android.permission.{name.upper()}", f"Android_Permission {name}", f" {name}\u3000")

    def moment(self) -> dt.datetime:
        """An instant at or beside a limit that counts from an earlier one."""
        moment = self.near(self.pick.choice(self.moments), self.skew, -self.skew, 2 * self.skew, DAY, -DAY)
        self.moments += [moment] if self.pick.random() < 0.2 else []
        return moment

    def somebody(self) -> str:
        return self.one(*self.people, *self.people, "ghost", "U1", "\u3000")

    # people and devices ------------------------------------------------------------------------------

    def user(self, id: str) -> dict[str, Any]:
        label = self.one(self.pick.choice(SLOW), self.pick.choice(FAST), self.pick.choice(CLEAR), self.pick.choice(NO_PASSWORD))
        odd = self.one(None, None, *NULLS, "$2b$", "$$", "not bcrypt", "\u00c0es", "nonesuch", "sha512crypt$6$", "SHA-512")
        dressed = self.one(label.upper(), f"${label}$v=19", f"{label[:2]}-{label[2:]}", f" {label}.", f"{label} sha256crypt")
        odd = self.one(odd, "crypt", "M\u212a")
        return {
            "user_id": id,
            "status": self.one(*["active"] * 8, "suspended", "banned", "deleted", "purged", "anonymised"),
            "created_at": self.now - 900 * DAY,
            "credential_format": self.one(label, label, dressed, dressed, odd),
            "is_test": self.pick.random() < 0.08,
        }

    def device(self, id: str) -> dict[str, Any]:
        seen = self.one(*[self.moment()] * 8, self.now - LOGGED, self.now - LOGGED - MICRO)
        return {
            "device_id": id,
            "user_id": self.somebody(),
            "platform": self.one(*["ios"] * 3, *["android"] * 4, "web"),
            "ad_id": self.one("ab-0", "AB", "00a-0", "0000-00", "0", "-", "--", "0-0 0", None, *NULLS),
            "att_status": self.one("authorized", "authorized", "denied", "restricted", "not_determined", None, None),
            "first_seen_at": seen,
            "installed_at": self.sometimes(0.6, self.one(self.moment(), self.moment(), seen)),
        }

    def held(self) -> str:
        return self.one(*(d["device_id"] for d in self.devices), "lost", "lost-2", "D1")

    def events(self, size: int) -> list[dict[str, Any]]:
        """Permission events: more than one at an instant, about the instants at which devices were first seen and installed."""
        row = {"device_id": "d0", "permission": "sms", "action": self.one(*ACTIONS), "event_at": self.now - LOGGED}
        rows = [row]
        for _ in range(size):
            device = self.one(self.pick.choice(self.devices), self.pick.choice(self.devices), {"device_id": self.held()})
            near = [t for t in (device.get("first_seen_at"), device.get("installed_at"), self.moment()) if t]
            at = self.near(self.pick.choice(near), self.skew, -self.skew, -DAY)
            code = self.one("album", "microphone", "camera", "push", "push", "device_info", "device_info", "network", "floating_window")
            name = self.written(self.one(code, self.pick.choice([code, *PERMISSIONS[code]])))
            other = self.one(*UNLISTED, *LONG, *map(self.written, OTHERS), *map(self.written, ORDINARY), *NULLS)
            new = {"device_id": device["device_id"], "permission": self.one(*[name] * 7, other), "event_at": max(at, rows[0]["event_at"])}
            if self.pick.random() < 0.3:
                # one more event of the same permission: at the same instant, or a turn of the clock away
                at = max(self.near(row["event_at"], self.skew), rows[0]["event_at"])
                new = {k: row[k] for k in ("device_id", "permission")} | {"event_at": at}
            row = new | {"action": self.one(*ACTIONS)}
            rows.append(row)
        rows[1]["device_id"] = ""
        return [{"event_id": f"e{n}"} | r for n, r in enumerate(rows)]

    def item(self, n: int) -> dict[str, Any]:
        source = self.one("camera", "mic", "album", "none", None)
        device, at = self.held(), self.moment()
        if self.log and self.pick.random() < 0.7:
            e = self.pick.choice(self.by_code[source if source in ("camera", "album") else "microphone"])
            device = e["device_id"]
            again = self.sometimes(0.4, next((d["installed_at"] for d in self.devices if d["device_id"] == device), None))
            at = self.near(again or e["event_at"], self.skew, self.skew, -self.skew, -self.skew, DAY)
        return {
            "content_id": f"i{n}",
            "user_id": self.somebody(),
            "kind": self.one("photo", "video", "voice", "voice", "post"),
            "capture_source": source,
            "selection_method": self.one(*["user_selected"] * 4, "auto", None),
            "device_id": self.one(*[device] * 16, None, "\u3000"),
            "visibility": self.one("public", "friends", "room", "private", "private"),
            "created_at": self.one(*[at] * 10, self.now - LOGGED, self.now - LOGGED - MICRO),
            "url": self.url(),
        }

    def send(self, n: int) -> dict[str, Any]:
        at, person = self.moment(), self.somebody()
        if self.pick.random() < 0.85:
            # near what its person's device says of push, or near the day on which it came
            d = self.pick.choice(self.devices)
            near = [e["event_at"] for e in self.by_code.get("push", []) if e["device_id"] == d["device_id"]]
            near += [d["first_seen_at"], d["installed_at"] or d["first_seen_at"]]
            at, person = self.near(self.pick.choice(near), self.skew, -self.skew), d["user_id"]
        return {
            "message_id": f"m{n}",
            "user_id": person,
            "channel": self.one(*["push"] * 6, "email"),
            "category": "service",
            "sent_at": at,
            "status": self.one("sent", "sent", "delivered", "bounced", "suppressed"),
        }

    # addresses ---------------------------------------------------------------------------------------

    def url(self) -> str | None:
        odd = self.one("//", "//", "gs://", "https:/", "", "h\u0131ttp://")
        scheme = self.one("https://", "https://", "https://", "HTTP://", *CLEAR_SCHEMES, *ENCRYPTED_SCHEMES, odd, odd)
        if self.pick.random() < 0.12:
            return self.one(None, *NULLS, "/a.jpg", "http", " //cdn", "HtTpS:", "x http://a")
        pairs = []
        for names in (SIGNATURES, EXPIRIES, ("x", "signatures", "to\u212aen", "sig-", "x_amz_expires")):
            for _ in range(self.one(0, 1, 1, 2)):
                name = self.pick.choice(names)
                pairs.append(self.one(name, name.upper(), name, name) + self.one("=1", "=1", "=1", "=a=b", "=", "", "==", "=%20"))
        self.pick.shuffle(pairs)
        query = self.one("?", "?", "?", "?", "?", "??", "#?", "?#", "?a?", ";") + self.one("&", "&", "&", "&", "#", ";", "&&").join(pairs)
        host = self.one("cdn.heytalk.example", self.pick.choice(HOSTS))
        return self.one("", "", "", " ", "\u00a0") + scheme + host + self.one(*PATHS) + query + self.one("", "", "\t", "\u3000")

    # staff -------------------------------------------------------------------------------------------

    def member(self, id: str) -> dict[str, Any]:
        start, course = self.settings.get("training_start_days", 30), self.settings.get("training_months", 12)
        year, off = add_months(self.today, -course), self.one(-1, 0, 0, 1) * DAY
        begun = self.one(self.today - start * DAY + off, self.today + off, self.today - 400 * DAY, dt.date(2024, 2, 29))
        left = self.sometimes(0.4, self.one(self.today + off, self.today + off, begun, begun - DAY, begun + DAY, self.today + 9 * DAY))
        trained = self.one(None, None, year + off, year - off, self.today + off, dt.date(2024, 2, 29), dt.date(2023, 3, 31), begun - DAY)
        role = self.one("agent", "agent", "moderator", "dba")
        return {"staff_id": id, "role": role, "started_at": begun, "left_at": left, "last_training_at": trained}

    def access(self, n: int) -> dict[str, Any]:
        s = self.pick.choice(self.rows["staff"])
        begun, left = s["started_at"], s["left_at"] or self.today
        at = self.turn(self.one(begun, begun, left, left, begun - DAY, left + DAY, begun + self.one(1, 2, 5) * DAY))
        tables = ("users", "content_items", "profile_attributes", "support_tickets", "rights_requests", "devices")
        return {
            "access_id": f"a{n}",
            "staff_id": self.one(*[s["staff_id"]] * 24, "nobody", s["staff_id"].upper(), " "),
            "user_id": self.one(None, "\u3000", self.somebody(), self.somebody()),
            "table_name": self.one(
                *tables, *tables, "Content_Items", " users", "", "dbo.users", "a.b.Devices", "users.", "x.content_items"
            ),
            "purpose_ref": self.one("T-1", "T-1", None, *NULLS),
            "accessed_at": at,
        }
