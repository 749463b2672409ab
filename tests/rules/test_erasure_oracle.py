"""Erasure, row by row against a second reading: accounts kept too long, anonymised ones, and what is left of the purged."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict

import pytest
from declared_reading import blank, lc, trim
from second_reading import DAY, MICRO, NOW, Near, SecondReading, compare, first, rare_reasons
from value_reading import filled, filled_email, filled_phone

from heytalk_audit.expressions.calendar import add_months
from heytalk_audit.snapshot.engines import connect

RULES = ("RET-01", "RET-14", "RET-15")
TABLES = ("users", "profile_attributes", "outbound_messages", "content_items", "devices", "social_accounts", "promotion_entries")
NAMES = (
    "Anna",
    "Anna",
    None,
    "",
    "\u3000",
    "Deleted User 7",
    "nil",
    "User",
    "\u5df2\u6ce8\u9500 3",
    "\u5df2\u6ce8\u95003",
    "...",
    "N/A",
    "na",
)
EMAILS = (
    *("a@b.de", None, None, "x@mail.invalid", "x@EXAMPLE.com", "x@example.org.de", "deleted.123@b.de", "Former-User+a@b.de", "user5@b.de"),
    *("removed@x@y", "<null>", "a@localhost", "unknown", "anonymous+deleted@b.de", "xdeleted@b.de"),
)
PHONES = ("+4915", None, None, "000", "+00 0", "none", "-", "NaN", "0001")
SCOPES = (
    *("*", "users", "users.display_name", "Users.EMAIL; users.phone, users.display_name", "content_items", "devices", "promotion_entries"),
    *("profile_attributes,outbound_messages", "promotion_entries.payout_details_held", "traffic_events", "profile_attributes.value", ""),
    ",".join((*TABLES[1:], "traffic_events")),
)
SETTINGS = ({}, {"audit_tz": "Asia/Shanghai", "k_anonymity": 2}, {"audit_tz": "America/Los_Angeles", "period_from": dt.date(2025, 1, 20)})


class World(Near):
    """People who left, and what is left of them."""

    def __init__(self, seed, size=120, **settings):
        super().__init__(seed, **settings)
        self.people = [f"u{n}" for n in range(size)]
        self.rows = {name: [] for name in (*TABLES, "traffic_events", "purge_log", "retention_exceptions")}
        for id in self.people:
            self.user(id)
        for _ in range(size):
            self.leftover(self.one(*self.people, "gone1", "gone2"))
            self.hold(self.one(*self.people))
        for id in (*self.pick.sample(self.people, size // 5), "gone1", "gone2"):
            self.row("purge_log", user_id=id, table_name=self.one("users", "users", "consents"), purged_at=self.time())

    def months_ago(self, n):
        """An instant near the local day some months before the audit's."""
        return self.midnight(add_months(self.local(NOW), -n)) + self.one(0, 0, 1, 5) * DAY + self.one(-1, 0, 1) * MICRO

    def user(self, id):
        deleted = self.sometimes(
            0.6, self.one(self.months_ago(6), self.months_ago(6), self.months_ago(8), self.months_ago(14), self.time())
        )
        after = (deleted or self.time()) + self.one(-1, 0, 1) * MICRO
        values = {"country": self.one("DE", "DE", None, ""), "city": self.one("Kiel", None, " "), "gender": self.one("f", None, "")}
        self.row(
            "users",
            user_id=id,
            status=self.one("active", "banned", "deleted", "deleted", "purged", "anonymised", "anonymised", "anonymised"),
            created_at=self.one(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 1, tzinfo=dt.UTC), self.time()),
            deletion_requested_at=self.sometimes(0.4, self.one(self.months_ago(6), self.months_ago(7), self.time())),
            deleted_at=deleted,
            restored_at=self.sometimes(0.15, self.one(after, self.time())),
            purged_at=self.sometimes(0.35, self.one(after, self.time(), self.time(), self.months_ago(1))),
            display_name=self.pick.choice(NAMES),
            email=self.pick.choice(EMAILS),
            phone=self.pick.choice(PHONES),
            birth_date=self.one(None, None, dt.date(1990, 3, 1), dt.date(1990, 3, 2)),
            is_test=self.chance(0.08),
            **values,
        )

    def leftover(self, id):
        table = self.one(*TABLES[1:], "content_items", "content_items", "devices", "promotion_entries", "traffic_events")
        extra = {}
        if table == "profile_attributes":
            extra = {"value": self.one("x", None, "null", "deleted", "-", "")}
        elif table == "content_items":
            extra = {"kind": self.one("chat", "chat", "chat", "photo", "template")}
        elif table == "promotion_entries":
            won = self.sometimes(0.8, self.one(self.months_ago(12), self.months_ago(13), self.time()))
            paid = self.sometimes(0.5, self.one(self.months_ago(120), self.months_ago(121), self.time()))
            extra = {"won_at": won, "paid_at": paid, "payout_details_held": self.chance(0.7)}
        self.row(table, user_id=id, **extra)

    def hold(self, id):
        started = self.one(self.months_ago(11), self.months_ago(13), self.months_ago(1), self.time())
        self.row(
            "retention_exceptions",
            user_id=id,
            type=self.one("legal_hold", "dispute", "statutory", "fraud", "ban"),
            reason_code=self.one("R", "R", ""),
            reference=self.one(None, "M", " "),
            owner=self.one("legal", "legal", "legal", " "),
            scope=self.pick.choice(SCOPES),
            started_at=started,
            ended_at=self.sometimes(0.5, self.one(self.months_ago(1), NOW - 30 * DAY, self.time(), NOW, started - MICRO)),
            reviewed_at=self.sometimes(0.4, self.one(self.months_ago(12), self.time())),
        )


class Reading(SecondReading):
    """The expected outcomes, one sentence of their definition after the other."""

    def __init__(self, world):
        super().__init__(world)
        self.today = self.local(NOW)
        self.start = self.settings["period_from"] or add_months(self.today, -3)
        self.of = {table: defaultdict(list) for table in self.rows}
        for table, rows in self.rows.items():
            for row in rows:
                self.of[table][row["user_id"]].append(row)

    def due(self, moment, n):
        return add_months(self.local(moment), n)

    def over(self, moment, n):
        return moment is not None and self.today > self.due(moment, n)

    def deletion(self, u):
        """Whether the account is deleted, since when, and why that is in doubt."""
        restored = u["deleted_at"] and u["restored_at"] and u["deleted_at"] <= u["restored_at"] <= NOW
        gone, purged = None if restored else u["deleted_at"], u["purged_at"]
        reason = first(
            ("unknown", "clock_missing", u["status"] == "deleted" and not u["deleted_at"]),
            ("unknown", "clock_future", any(t and t > NOW for t in (gone, purged, gone and u["restored_at"]))),
            ("unknown", "clock_contradiction", gone and purged and purged < gone),
            (
                "unknown",
                "status_contradiction",
                (u["status"] == "deleted" and restored) or (u["status"] in ("active", "suspended") and gone),
            ),
        )[1]
        return bool(gone) or u["status"] == "deleted", gone, reason

    def offending(self, u):
        """The columns that identify a person."""
        tests = {"display_name": filled, "email": filled_email, "phone": filled_phone}
        return {f"users.{name}" for name, says in tests.items() if says(u[name])}

    def excuse(self, id, parts, due):
        """Why what was due is excused, and the day to which holds moved it: `parts` are tables, each with its offending columns."""

        def covers(scope):
            tokens = {lc(trim(token)) for token in scope.replace(";", ",").split(",")}
            return "*" in tokens or all(table in tokens or (columns and columns <= tokens) for table, columns in parts.items())

        valid = [h for h in self.of["retention_exceptions"][id] if h["type"] != "ban" and not blank(h["owner"]) and covers(h["scope"])]
        valid = [h for h in valid if not (blank(h["reason_code"]) and blank(h["reference"])) and h["started_at"] <= NOW]
        valid = [h for h in valid if not (h["ended_at"] and h["ended_at"] < h["started_at"])]
        closed = [h for h in valid if h["ended_at"] and h["ended_at"] <= NOW]
        moved = max([due, *(self.local(h["ended_at"]) + 30 * DAY for h in closed if self.local(h["started_at"]) <= due)])
        for h in valid:
            seen = max(t for t in (h["started_at"], h["reviewed_at"]) if t and t <= NOW)
            if h not in closed and self.local(h["started_at"]) <= moved and not self.over(seen, 12):
                return "hold_open", moved, False
        return None, moved, any(self.local(h["started_at"]) <= due for h in closed)

    def excused(self, result, id, parts, due, day=None):
        """A violation or review, or the exemption that a hold makes of it; and its due day."""
        reason, moved, closing = self.excuse(id, parts, due)
        if reason is None and closing and (day or self.today) <= moved:
            reason = "hold_closing"
        return (("exempt", reason) if reason else result), moved

    def banned(self, id):
        bans = [h for h in self.of["retention_exceptions"][id] if h["type"] == "ban" and h["started_at"] <= NOW]
        return self.users.get(id, {}).get("status") == "banned" or any(not h["ended_at"] or h["ended_at"] > NOW for h in bans)

    def tax_records(self, row):
        """Whether a prize's payout details are held within their periods, or by a hold."""
        won, paid = row["won_at"], row["paid_at"]
        if not row["payout_details_held"] or (won is None and paid is None) or any(t and t > NOW for t in (won, paid)):
            return False
        late = self.due(paid, 120) if self.over(paid, 120) else self.due(won, 12) if paid is None and self.over(won, 12) else None
        parts = {"promotion_entries": {"promotion_entries.payout_details_held"}}
        return late is None or self.excused(("violation", ""), row["user_id"], parts, late)[0][0] == "exempt"

    def left(self, id, table):
        """What a table holds of a person: `residue`, what is for a person to decide, or null."""
        rows = self.of[table][id]
        if table == "users":
            return "residue" if any(self.offending(u) for u in rows) else None
        if table == "profile_attributes":
            rows = [r for r in rows if filled(r["value"])]
        if table == "promotion_entries":
            rows = [r for r in rows if not self.tax_records(r)]
        if table == "content_items" and rows and all(r["kind"] == "chat" for r in rows):
            return "peer_messages"
        if table == "devices" and rows and self.banned(id):
            return "ban_block_list"
        return "residue" if rows else None

    def elsewhere(self, id):
        return {table: set() for table in TABLES[1:] if self.left(id, table) == "residue"}

    def ret_01(self):
        for u in self.rows["users"]:
            id, purged, asked_at = u["user_id"], u["purged_at"], u["deletion_requested_at"]
            deleted, gone, doubt = self.deletion(u)
            if asked_at and u["restored_at"] and asked_at <= u["restored_at"] <= NOW:
                asked_at = None
            if not deleted and asked_at is None:
                continue
            columns, tables, late = self.offending(u), self.elsewhere(id), self.over(gone, 6)
            chat = self.left(id, "content_items") == "peer_messages"
            in_period = purged and self.start <= self.local(purged) and purged <= NOW
            result = first(
                ("unknown", doubt, doubt),
                ("unknown", "clock_future", asked_at and asked_at > NOW),
                ("violation", "residue_after_purge", late and columns and purged),
                ("violation", "overdue", late and columns),
                ("violation", "overdue_elsewhere", late and not purged and tables),
                ("violation", "late_purge", gone and not columns and in_period and self.local(purged) > self.due(gone, 6)),
                ("review", "peer_messages_kept", late and not purged and chat),
                ("review", "unrecorded_purge", late and not columns and not purged),
                ("review", "overdue_from_request", self.over(asked_at, 6) and (columns or tables)),
            )
            if result[0] not in ("violation", "review"):
                yield f"users:{id}", id, result
                continue
            by_request = result[1] == "overdue_from_request"
            parts = {"users": columns}
            if result[1] == "overdue_elsewhere" or (by_request and not columns):
                parts = tables
            elif result[1] == "peer_messages_kept":
                parts = {"content_items": set()}
            day = self.local(purged) if result[1] == "late_purge" else None
            yield f"users:{id}", id, *self.excused(result, id, parts, self.due(asked_at if by_request else gone, 6), day), NOW

    def group(self, u):
        """What an anonymised person shares with others."""
        birth, born = u["birth_date"], self.local(u["created_at"])
        age = birth and self.today.year - birth.year - ((self.today.month, self.today.day) < (birth.month, birth.day))
        return *(None if blank(u[name]) else u[name] for name in ("country", "city", "gender")), age, born.year, born.month

    def ret_14(self):
        people = [u for u in self.rows["users"] if u["status"] == "anonymised"]
        sizes = Counter(self.group(u) for u in people if not u["is_test"])
        for u in people:
            id, size = u["user_id"], sizes[self.group(u)]
            tables = self.elsewhere(id) | ({"traffic_events": set()} if self.of["traffic_events"][id] else {})
            counted = any(not blank(u[name]) for name in ("country", "city", "gender")) or u["birth_date"]
            result = first(
                ("unknown", "clock_future", u["created_at"] > NOW),
                ("violation", "direct_identifier", self.offending(u)),
                ("violation", "linked_rows", tables),
                ("violation", "singled_out", counted and size == 1),
                ("review", "linked_messages", self.left(id, "content_items") == "peer_messages"),
                ("review", "small_group", counted and size < self.settings.get("k_anonymity", 10)),
            )
            if result[1] in ("linked_rows", "linked_messages"):
                result, _ = self.excused(result, id, tables or {"content_items": set()}, self.today)
            yield f"users:{id}", id, result

    def ret_15(self):
        logged = [p for p in self.rows["purge_log"] if p["table_name"] == "users" and p["purged_at"] <= NOW]
        purged = {u["user_id"] for u in self.rows["users"] if u["purged_at"] or u["status"] == "purged"} | {p["user_id"] for p in logged}
        for id in purged:
            u = self.users.get(id, {})
            times = [t for t in (u.get("purged_at"), *(p["purged_at"] for p in logged if p["user_id"] == id)) if t]
            for table in TABLES:
                left = self.left(id, table)
                result = first(
                    ("unknown", "clock_future", u.get("purged_at") and u["purged_at"] > NOW),
                    ("unknown", "user_id_reused", u and times and u["created_at"] > min(times)),
                    ("violation", "residue", left == "residue"),
                    ("review", left, left),
                )
                if result[0] in ("violation", "review"):
                    columns = self.offending(u) if table == "users" else set()
                    result, _ = self.excused(result, id, {table: columns}, self.local(min(times)) if times else self.today)
                yield f"{table}:{id}", id, result


def world_of(seed):
    return World(seed, **SETTINGS[seed % len(SETTINGS)])


def differences(seed, engine, folder, rules=RULES):
    world = world_of(seed)
    return compare(world, Reading(world), rules, engine, folder)


@pytest.mark.parametrize("seed", range(3))
def test_rules_of_erasure_are_their_second_reading(seed, tmp_path):
    assert differences(seed, connect(), tmp_path / "world") == []


def test_worlds_of_erasure_hold_every_reason():
    wanted = {
        "RET-01": "clock_missing clock_future clock_contradiction status_contradiction residue_after_purge overdue overdue_elsewhere"
        " late_purge peer_messages_kept unrecorded_purge overdue_from_request hold_open hold_closing",
        "RET-14": "clock_future direct_identifier linked_rows singled_out linked_messages small_group hold_open",
        "RET-15": "clock_future user_id_reused residue peer_messages ban_block_list hold_open hold_closing",
    }
    assert rare_reasons(world_of, Reading, wanted, range(12), least=1) == {}
