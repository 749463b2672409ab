"""A second reading of the rules of collection, visibility and moderation in plain Python, one sentence after the other."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal

from declared_reading import ALIASES, CLOCKS, SHADOW_TABLES, SOCIAL, blank, key, lc, trim
from second_reading import NOW, PASS, SecondReading, first

from heytalk_audit import contract

NUMBER, SEPARATOR = r"[+-]?[0-9]{1,3}(?:\.[0-9]+)?", "[,;/ ]+"
COORDINATE = re.compile(rf"({NUMBER}){SEPARATOR}({NUMBER})({SEPARATOR}[+-]?[0-9]+(?:\.[0-9]+)?)?")
ORDER = re.compile(r"GPA\.[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{5}(\.\.[0-9]+)?")
LIVE = ("active", "suspended", "banned")
AUDIENCES = ("public", "friends", "room", "private")


def place(text, shared=False, typed=False):
    """The outcome and reason of a trimmed place, which people may have typed themselves."""
    match = COORDINATE.fullmatch(text)
    if match and abs(Decimal(match[1])) <= 90 and abs(Decimal(match[2])) <= 180:
        return first(
            ("violation", "altitude", match[3]),
            ("review", "shared_centroid", shared),
            ("violation", "coordinates", any(len(n.partition(".")[2]) >= 2 for n in (match[1], match[2]))),
            ("review", "coarse_coordinates", True),
        )
    digits = ("review" if typed else "violation", "digits_in_place", re.search("[0-9]{3}", text))
    return first(digits, ("review", "fine_text", re.search("[0-9]", text)))


class CollectionReading(SecondReading):
    """The expected outcome of each row of a collection world, by rule."""

    def col_03(self):
        for u in self.rows["users"]:
            if blank(u["city"]) and blank(u["country"]):
                continue
            source = u["geo_source"]
            result = first(
                ("violation", "source_gps", source == "gps"),
                ("violation", "source_wifi", source == "wifi"),
                ("violation", "source_cell", source == "cell"),
                ("unknown", "source_missing", blank(source)),
                ("unknown", "source_contradiction", source == "none"),
                ("unknown", "source_unrecognised", source not in ("ip", "user")),
            )
            yield f"users:{u['user_id']}", u["user_id"], place(trim(u["city"]), typed=True) if result == PASS else result
        crowd = defaultdict(set)
        for e in self.rows["traffic_events"]:
            if not blank(e["user_id"]):
                crowd[trim(e["geo"])].add(e["user_id"])
        for e in self.rows["traffic_events"]:
            if not blank(e["geo"]):
                text = trim(e["geo"])
                shared = len(crowd[text]) >= self.settings["centroid_users"]
                yield f"traffic_events:{e['event_id']}", e["user_id"], place(text, shared)

    def col_04(self):
        purged = [p for p in self.rows["purge_log"] if p["table_name"] == "users" and p["purged_at"] and not blank(p["user_id"])]
        for u in self.rows["users"]:
            if u["status"] in LIVE:
                id, born = u["user_id"], u["created_at"]
                result = first(
                    ("violation", "user_id_reused", born and any(p["user_id"] == id and p["purged_at"] < born for p in purged)),
                    ("violation", "missing_name", blank(u["display_name"])),
                    ("violation", "missing_gender", blank(u["gender"])),
                    ("violation", "missing_birth_date", u["birth_date"] is None),
                )
                yield f"users:{id}", id, result

    def col_05(self):
        for a in self.rows["social_accounts"]:
            fields = a["fields_received"]
            means = [SOCIAL.get(key(f)) for f in fields or () if not blank(f)]
            google = not blank(a["provider"]) and ALIASES.get(key(a["provider"])) == "google"
            result = first(
                ("violation", "field_not_declared", None in means),
                ("unknown", "fields_missing", fields is None),
                ("unknown", "blank_field", any(blank(f) for f in fields or ())),
                ("unknown", "provider_missing", blank(a["provider"])),
                ("review", "beyond_openid", google and set(means) - {"openid"}),
            )
            yield f"social_accounts:{a['link_id']}", a["user_id"], result

    def col_06(self):
        for e in self.rows["promotion_entries"]:
            held, won = e["payout_details_held"], e["won_at"]
            result = first(
                ("unknown", "payout_flag_missing", held is None),
                ("unknown", "paid_without_win", held and not won and e["paid_at"]),
                ("violation", "held_without_win", held and not won),
                ("violation", "held_before_win", held and won and won > NOW + self.skew),
                ("review", "clock_skew", held and won and won > NOW),
            )
            yield f"promotion_entries:{e['entry_id']}", e["user_id"], result

    def col_08(self):
        for t in self.rows["transactions"]:
            store, id = t["store"], t["receipt_id"]
            result = first(
                ("unknown", "store_missing", store not in ("app_store", "google_play", "other")),
                ("violation", "undeclared_store", store == "other"),
                ("review", "receipt_format", store == "app_store" and not re.fullmatch("[0-9]{10,20}", id)),
                ("review", "receipt_format", store == "google_play" and not ORDER.fullmatch(id)),
            )
            yield f"transactions:{id}", t["user_id"], result

    def col_09(self):
        events = defaultdict(list)
        for e in self.rows["traffic_events"]:
            if e["event_at"] and not blank(e["device_id"]):
                events[e["device_id"]].append((lc(trim(e["event_type"])), e["event_at"]))
        for d in self.rows["devices"]:
            gone, own = d["uninstalled_at"], events[d["device_id"]]
            if gone is None:
                continue
            ends = [d["installed_at"], *(at for kind, at in own if kind == "open")]
            end = min((at for at in ends if at and at > gone), default=None)
            late = [at for kind, at in own if kind in ("page", "click", "call") and at > gone + self.hours("uninstall_allowance_h")]
            late = [at for at in late if end is None or at < end]
            result = first(
                ("unknown", "dates_contradict", d["first_seen_at"] and d["first_seen_at"] > gone),
                ("violation", "event_after_uninstall", any(end is None or at < end - self.skew for at in late)),
                ("review", "clock_skew", late),
            )
            yield f"devices:{d['device_id']}", d["user_id"], result

    def col_10(self):
        purged = {p["user_id"] for p in self.rows["purge_log"]}
        owners = {d["device_id"]: d["user_id"] for d in self.rows.get("devices", ()) if not blank(d["device_id"])}
        for table in SHADOW_TABLES.split():
            for row in self.rows.get(table, ()):
                id = row["user_id"]
                if not blank(id):
                    result = PASS if id in self.users or id in purged else ("violation", "user_unknown")
                elif table in ("support_tickets", "rights_requests") or (table == "disclosures" and row["identifier_form"] == "none"):
                    result = PASS
                elif table == "traffic_events":
                    nobody = blank(row["device_id"]) and blank(row["ip"])
                    result = PASS if nobody or owners.get(row["device_id"]) in self.users else ("review", "unlinked_event")
                else:
                    result = ("violation", "no_user")
                yield f"{table}:{row[contract.load()[table].key]}", id, result

    def col_11(self):
        clocks = defaultdict(list)
        for table, clock in CLOCKS.items():
            for row in self.rows[table]:
                if row[clock] and not blank(row["user_id"]) and (table != "consents" or row["action"] == "grant"):
                    opened = table == "traffic_events" and lc(trim(row["event_type"])) == "open"
                    clocks[row["user_id"]].append(("opened" if opened else table, row[clock]))
        for u in self.rows["users"]:
            deleted, status = u["deleted_at"], u["status"]
            back = bool(deleted and u["restored_at"] and u["restored_at"] > deleted)
            if (deleted is None and status not in ("deleted", "purged", "anonymised")) or (back and status in LIVE):
                continue
            base = deleted or (u["purged_at"] if status in ("purged", "anonymised") else None)
            clocks_of = clocks[u["user_id"]] if base else ()
            late = {table for table, at in clocks_of if at > base + self.hours("deleted_allowance_h")}
            stores = {"subscriptions", "transactions"}
            result = first(
                ("unknown", "status_contradiction", back or status in ("active", "suspended")),
                ("unknown", "deleted_at_missing", base is None),
                ("violation", "new_data", late - stores - {"opened"}),
                ("review", "store_renewal", late and not late - stores),
                ("review", "app_opened", late),
            )
            yield f"users:{u['user_id']}", u["user_id"], result

    def present(self):
        """Content that is not deleted."""
        return [c for c in self.rows["content_items"] if c["deleted_at"] is None or c["deleted_at"] > NOW]

    def vis_01(self):
        for c in self.present():
            chosen, actual = c["visibility"], c["effective_visibility"]
            result = first(
                ("unknown", "visibility_missing", chosen not in AUDIENCES),
                ("unknown", "effective_missing", actual not in AUDIENCES),
                ("violation", "wider_than_chosen", actual == "public" and chosen != "public"),
                ("violation", "wider_than_chosen", actual in ("friends", "room") and chosen == "private"),
                ("review", "audience_differs", {actual, chosen} == {"friends", "room"}),
            )
            yield f"content_items:{c['content_id']}", c["user_id"], result

    def mod_01(self):
        sla, removal = self.hours("mod_sla_h"), self.hours("mod_removal_h")
        for c in self.present():
            if (c["visibility"] if blank(c["effective_visibility"]) else c["effective_visibility"]) != "public":
                continue
            decision, created, judged = c["moderation_decision"], c["created_at"], c["moderated_at"]
            earliest = c["first_moderated_at"] or judged
            approved_at = earliest if decision == "approved" else judged
            result = first(
                ("unknown", "decision_missing", decision not in ("approved", "rejected", "pending", "none")),
                ("unknown", "clock_missing", created is None),
                ("unknown", "moderated_at_missing", decision in ("approved", "rejected") and approved_at is None),
            )
            if result == PASS and decision == "approved":
                result = first(
                    ("pass", None, earliest <= created),
                    ("review", "approved_after_publication", earliest <= created + sla),
                    ("violation", "approved_late", c["first_moderated_at"]),
                    ("review", "moderated_again", True),
                )
            elif result == PASS and decision == "rejected":
                result = ("violation", "rejected_but_public") if judged + removal < NOW else ("review", "removal_pending")
            elif result == PASS:
                result = ("violation", "no_decision") if created + sla < NOW else ("review", "pending_within_sla")
            yield f"content_items:{c['content_id']}", c["user_id"], result
