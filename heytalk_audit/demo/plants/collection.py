"""Collection: undeclared columns and values, too exact places, data without a user, after uninstalling and after deletion."""

from __future__ import annotations

from heytalk_audit.demo.plants.records import RESIDUE
from heytalk_audit.demo.plants.story import DAY, HOUR, SECOND, SKEW, deleted, story, unclear
from heytalk_audit.demo.world import World

BASE = "https://app.heytalk.example/"
#: Tables with few rows, so that a sample of them is all of them; each round of planting takes the next.
SMALL = ("promotion_entries", "retention_exceptions", "purge_log")
COMPANY = ("staff", "vendors", "policy_versions")


@story
def undeclared_columns(w: World) -> None:
    """Columns outside the contract: personal data by name, by value, a card number, and one without any meaning."""
    n = sum("memo" in names for names in w.extra.values())
    for table, name, rule, outcome, reason in (
        (COMPANY[n], "home_address", "COL-01", "violation", "undeclared_column"),
        (COMPANY[n], "tier", "COL-01", "review", "unmapped_column"),
        (SMALL[n], "memo", "COL-01", "violation", "undeclared_column"),
        (SMALL[n], "memo", "COL-02", "violation", "value_in_column"),
        (SMALL[n], "bill", "COL-01", "violation", "undeclared_column"),
        (SMALL[n], "bill", "COL-07", "violation", "card_in_column"),
    ):
        if w.column(table, name):
            w.find("SEC-08", "column_inventory", f"{table}.{name}", "violation", "not_in_contract")
        w.find(rule, "column_inventory", f"{table}.{name}", outcome, reason)
    w.rows[COMPANY[n]][-1].update(home_address="Mill Lane 4", tier="gold")
    values = {"promotion_entries": {}, "retention_exceptions": {}, "purge_log": {"table_name": "devices"}}[SMALL[n]]
    for memo, bill in (("MAC address 00:1B:44:11:3A:B7", None), (None, "card 4111 1111 1111 1111"), ("none", "none")):
        w.add(SMALL[n], user_id=w.user(), memo=memo, bill=bill, **values)


@story
def undeclared_values(w: World) -> None:
    u = w.user()
    for url, rule, outcome, reason in (
        ("near?lat=41.0082&lon=28.9784", "COL-02", "violation", "value_in_address"),
        ("near?ll=41.0082%2C28.9784", "COL-02", "review", "value_in_address_in_doubt"),
        ("near?city=Izmir", None, None, None),
        ("pay?card=4111111111111111", "COL-07", "violation", "card_in_address"),
        ("pay?q=5500005555555559", "COL-07", "review", "card_in_address_in_doubt"),
        ("pay?card=4111111111111112", None, None, None),
    ):
        e = w.add("traffic_events", user_id=u, url=BASE + url)
        if rule and outcome and reason:
            w.find(rule, "traffic_events", e, outcome, reason)
        if rule == "COL-07":
            w.find("SEN-07", "traffic_events", e, "review", "value_in_address")
    for text, rule, reason in (
        ("My phone says IMEI 490154203237518, what now?", "COL-02", "value_in_text"),
        ("My phone says nothing, what now?", None, None),
        ("Use my credit card 4111-1111-1111-1111", "COL-07", "card_in_text"),
        ("Use my voucher 4111-1111-1111-1112", None, None),
    ):
        c = w.add("content_items", user_id=u, kind="chat", text=text)
        if rule and reason:
            w.find(rule, "content_items", c, "review", reason)


@story
def exact_places(w: World) -> None:
    for place, outcome, reason in (
        ({"geo_source": "gps"}, "violation", "source_gps"),
        ({"geo_source": "wifi"}, "violation", "source_wifi"),
        ({"geo_source": "user"}, None, None),
        ({"geo_source": None}, "unknown", "source_missing"),
        ({"geo_source": "none"}, "unknown", "source_contradiction"),
        ({"city": "52.1, 5.1"}, "review", "coarse_coordinates"),
        ({"city": "52.1, 5.12"}, "violation", "coordinates"),
        ({"city": "Leeds 12"}, "review", "fine_text"),
        ({"city": "Leeds 123"}, "review", "digits_in_place"),
        ({"city": None, "country": "GB"}, None, None),
    ):
        u = w.user(**{"city": "Leeds"} | place)
        if outcome:
            w.find("COL-03", "users", u, outcome, str(reason))
    u = w.user()
    for geo, outcome, reason in (
        ("TR / Izmir", None, None),
        ("38.42;27.14", "violation", "coordinates"),
        ("38.4;27.1", "review", "coarse_coordinates"),
        ("38.4;27.1;5", "violation", "altitude"),
        ("91.42;27.14", "review", "fine_text"),
    ):
        e = w.add("traffic_events", user_id=u, geo=geo)
        if outcome:
            w.find("COL-03", "traffic_events", e, outcome, str(reason))


@story
def shared_points(w: World) -> None:
    """A point that twenty people share is taken for the middle of a country; one of nineteen is a position."""
    people = [w.user() for _ in range(20)]
    for count, outcome, reason in ((20, "review", "shared_centroid"), (19, "violation", "coordinates")):
        point = f"{w.serial % 80}.{w.serial:06d},30.125"
        for u in people[:count]:
            w.find("COL-03", "traffic_events", w.add("traffic_events", user_id=u, geo=point), outcome, reason)


@story
def registration(w: World) -> None:
    for values in ({"display_name": " "}, {"gender": None}, {"display_name": "Robin Aydin", "gender": "x"}):
        w.user(**values)
    for early in (SECOND, 0 * SECOND):
        u = w.user()
        w.add("purge_log", user_id=u, purged_at=w.rows["users"][-1]["created_at"] - early)
        if early:
            w.find("COL-04", "users", u, "violation", "user_id_reused")
            for table in RESIDUE:
                w.find("RET-15", table, u, "unknown", "user_id_reused")
        else:
            w.find("RET-15", "users", u, "violation", "residue")


@story
def fields_of_logins(w: World) -> None:
    u = w.user()
    for provider, fields, outcome, reason in (
        ("facebook", ["Full Name", "profile_picture", "dob"], None, None),
        ("facebook", ["name", "friends"], "violation", "field_not_declared"),
        ("google", ["sub"], None, None),
        ("Google Login", ["sub", "picture"], "review", "beyond_openid"),
        ("facebook", ["name", " "], "unknown", "blank_field"),
        (" ", ["name"], "unknown", "provider_missing"),
    ):
        s = w.add("social_accounts", user_id=u, provider=provider, fields_received=fields)
        if outcome:
            w.find("COL-05", "social_accounts", s, outcome, str(reason))


@story
def prizes(w: World) -> None:
    u = w.user()
    for won, paid, held, outcome, reason in (
        (w.ago(30), None, True, None, None),
        (None, None, False, None, None),
        (None, w.ago(30), True, "unknown", "paid_without_win"),
        (w.now + SKEW, None, True, "review", "clock_skew"),
        (w.now + SKEW + SECOND, None, True, "violation", "held_before_win"),
    ):
        e = w.add("promotion_entries", user_id=u, won_at=won, paid_at=paid, payout_details_held=held)
        if outcome:
            w.find("COL-06", "promotion_entries", e, outcome, str(reason))
        if won and won > w.now:
            w.find("RET-20", "promotion_entries", e, "unknown", "clock_future")
        if reason == "held_before_win":
            w.find("DQ-04", "promotion_entries", e, "violation", "future_time")


@story
def receipts(w: World) -> None:
    u = w.user()
    number = f"{w.serial:09d}"
    for store, receipt, outcome, reason in (
        ("app_store", f"1{number}", None, None),
        ("app_store", number, "review", "receipt_format"),
        ("google_play", f"GPA.3300-0000-0000-{w.serial % 90000 + 10000}", None, None),
        ("google_play", f"GPA.3300-0000-0000-{w.serial % 9000 + 1000}", "review", "receipt_format"),
        ("other", f"2{number}", "violation", "undeclared_store"),
        ("", f"3{number}", "unknown", "store_missing"),
    ):
        t = w.add("transactions", user_id=u, store=store, receipt_id=receipt)
        if outcome:
            w.find("COL-08", "transactions", t, outcome, str(reason))


@story
def uninstalled(w: World) -> None:
    gone, back = w.ago(40), w.ago(20)
    for at, values, outcome, reason in (
        (gone + DAY, {}, None, None),
        (gone + DAY + SECOND, {}, "violation", "event_after_uninstall"),
        (gone + DAY + SECOND, {"event_type": "api"}, None, None),
        (back, {"installed_at": back}, None, None),
        (back - SECOND, {"installed_at": back}, "review", "clock_skew"),
        (back - SKEW, {"installed_at": back}, "review", "clock_skew"),
        (back - SKEW - SECOND, {"installed_at": back}, "violation", "event_after_uninstall"),
        (back, {"opened": back - DAY}, None, None),
        (back, {"first_seen_at": gone + SECOND}, "unknown", "dates_contradict"),
    ):
        u = w.user()
        device = {k: v for k, v in values.items() if k.endswith("_at")}
        d = w.add("devices", user_id=u, uninstalled_at=gone, **device)
        kind = values.get("event_type", ("page", "click", "call")[w.serial % 3])
        w.add("traffic_events", user_id=u, device_id=d, event_at=at, event_type=kind)
        if "opened" in values:
            w.add("traffic_events", user_id=u, device_id=d, event_at=values["opened"], event_type="open")
        if outcome:
            w.find("COL-09", "devices", d, outcome, str(reason))


@story
def rows_without_user(w: World) -> None:
    w.find("COL-10", "promotion_entries", w.add("promotion_entries", user_id="\u3000"), "violation", "no_user")
    t = w.add("transactions", user_id=w.id("ghost"))
    w.find("COL-10", "transactions", t, "violation", "user_unknown")
    w.find("DQ-03", "transactions", t, "violation", "user_unknown")
    w.add("support_tickets", user_id=None)
    w.add("rights_requests", user_id=None, law_region="EEA")
    w.add("traffic_events", user_id=None, device_id=None, ip=None)
    w.add("traffic_events", user_id=None, device_id=w.add("devices", user_id=w.user()))
    for lost in (None, w.id("d")):
        w.find("COL-10", "traffic_events", w.add("traffic_events", user_id=None, device_id=lost), "review", "unlinked_event")


@story
def data_after_deletion(w: World) -> None:
    gone = w.ago(30)
    for table, clock in (
        ("traffic_events", "event_at"),
        ("subscriptions", "start_at"),
        ("consents", "event_at"),
        ("devices", "first_seen_at"),
        ("transactions", "purchased_at"),
        ("social_accounts", "linked_at"),
    ):
        for late in (0 * SECOND, SECOND):
            u = deleted(w, deleted_at=gone)
            w.add(table, user_id=u, **{clock: gone + DAY + late})
            if late:
                renewed = table in ("subscriptions", "transactions")
                w.find("COL-11", "users", u, *(("review", "store_renewal") if renewed else ("violation", "new_data")))
    for late in (0 * SECOND, SECOND):
        u = deleted(w, deleted_at=gone)
        w.add("traffic_events", user_id=u, event_type="open", event_at=gone + DAY + late)
        if late:
            w.find("COL-11", "users", u, "review", "app_opened")
    w.agree(u, "cookies", gone - HOUR)
    w.add("consents", user_id=u, purpose="cookies", action="withdraw", event_at=w.ago(3))
    u = deleted(w, status="purged", deleted_at=None, purged_at=gone)
    w.add("purge_log", user_id=u, purged_at=gone)
    w.add("traffic_events", user_id=u, event_at=gone + DAY + SECOND)
    w.find("COL-11", "users", u, "violation", "new_data")
    w.user(deleted_at=gone, restored_at=w.ago(20), restored_by="user")
    unclear(w, deleted(w, deleted_at=gone, restored_at=w.ago(20), restored_by="user"), "status_contradiction")


@story
def wider_than_chosen(w: World) -> None:
    u = w.user()
    for chosen, effective, outcome, reason in (
        ("private", "friends", "violation", "wider_than_chosen"),
        ("private", "room", "violation", "wider_than_chosen"),
        ("friends", "public", "violation", "wider_than_chosen"),
        ("friends", "room", "review", "audience_differs"),
        ("room", "friends", "review", "audience_differs"),
        ("public", "private", None, None),
        ("room", "room", None, None),
        ("", "private", "unknown", "visibility_missing"),
        ("private", None, "unknown", "effective_missing"),
    ):
        c = w.add("content_items", user_id=u, visibility=chosen, effective_visibility=effective)
        if outcome:
            w.find("VIS-01", "content_items", c, outcome, str(reason))


@story
def moderation(w: World) -> None:
    u, at, limit = w.user(), w.ago(50), w.ago(hours=24)
    for first_decided_at, outcome, reason in (
        (at, None, None),
        (at + DAY, "review", "approved_after_publication"),
        (at + DAY + SECOND, "violation", "approved_late"),
    ):
        decided_again = {"created_at": at, "first_moderated_at": first_decided_at, "moderated_at": w.ago(3)}
        c = w.add("content_items", user_id=u, visibility="public", **decided_again)
        if outcome:
            w.find("MOD-01", "content_items", c, outcome, str(reason))
    for decision, created_at, decided_at, outcome, reason in (
        ("approved", at, at, None, None),
        ("approved", at, at + SECOND, "review", "approved_after_publication"),
        ("approved", at, at + DAY, "review", "approved_after_publication"),
        ("approved", at, at + DAY + SECOND, "review", "moderated_again"),
        ("approved", at, None, "unknown", "moderated_at_missing"),
        ("rejected", at, limit, "review", "removal_pending"),
        ("rejected", at, limit - SECOND, "violation", "rejected_but_public"),
        ("pending", limit, None, "review", "pending_within_sla"),
        ("none", limit - SECOND, None, "violation", "no_decision"),
        (None, at, None, "unknown", "decision_missing"),
    ):
        values = {"moderation_decision": decision, "created_at": created_at, "moderated_at": decided_at}
        c = w.add("content_items", user_id=u, visibility="public", **values)
        if outcome:
            w.find("MOD-01", "content_items", c, outcome, str(reason))
    w.add("content_items", user_id=u, visibility="public", effective_visibility="friends", moderation_decision="none")
