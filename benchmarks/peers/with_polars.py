"""Four rules in Polars, lazy and streaming: python with_polars.py FOLDER AS_OF TODAY PERIOD_START TRAFFIC_LIMIT, naive UTC.

Prints, per rule, the counts per outcome and the seconds. Blank texts count as missing, as in the audit.
"""

import datetime as dt
import json
import sys
import time
from pathlib import Path

import polars as pl

folder = Path(sys.argv[1])
as_of, today, period_start, traffic_limit = (dt.datetime.fromisoformat(text) for text in sys.argv[2:])
col, SKEW = pl.col, dt.timedelta(seconds=300)


def scan(table, *columns):
    paths = folder / f"{table}.parquet"
    frame = pl.scan_parquet(paths if paths.exists() else folder / table / "*.parquet").select(columns)
    return frame.with_columns(pl.selectors.datetime().dt.convert_time_zone("UTC").dt.replace_time_zone(None))


def says(name):
    return col(name).is_not_null() & (col(name) != "")


testers = scan("users", "user_id", "is_test").filter("is_test").select("user_id", excluded=pl.lit(True))


def counted(rows):
    """How many of the rows, which have `outcome`, have each; those of test accounts are excluded."""
    rows = rows.join(testers, on="user_id", how="left").with_columns(
        outcome=pl.when(col("excluded")).then(pl.lit("excluded")).otherwise("outcome")
    )
    counts = rows.filter(col("outcome").is_not_null()).group_by("outcome").len().collect(engine="streaming")
    return dict(counts.iter_rows())


def ret_07():
    rows = scan("traffic_events", "user_id", "device_id", "ip", "event_at")
    named = says("user_id") | says("device_id") | says("ip")
    old = col("event_at").dt.date() <= traffic_limit.date()
    outcome = pl.when(~named).then(None).when(col("event_at") > as_of).then(pl.lit("unknown")).when(old).then(pl.lit("violation"))
    return counted(rows.with_columns(outcome=outcome))


def vis_01():
    rows = scan("content_items", "user_id", "visibility", "effective_visibility", "deleted_at").filter(
        col("deleted_at").is_null() | (col("deleted_at") > as_of)
    )
    chosen, shown, some, every = (
        col("visibility"),
        col("effective_visibility"),
        ["friends", "room"],
        ["public", "friends", "room", "private"],
    )
    unclear = ~chosen.is_in(every).fill_null(False) | ~shown.is_in(every).fill_null(False)
    wider = ((shown == "public") & (chosen != "public")) | (shown.is_in(some) & (chosen == "private"))
    differs = shown.is_in(some) & chosen.is_in(some) & (shown != chosen)
    outcome = pl.when(unclear).then(pl.lit("unknown")).when(wider).then(pl.lit("violation")).when(differs).then(pl.lit("review"))
    return counted(rows.with_columns(outcome=outcome))


def con_04():
    rows = scan("consents", "user_id", "purpose", "action", "event_at", "method", "policy_version").filter(col("action") == "grant")
    rows = rows.with_columns(second=col("event_at").dt.truncate("1s"))
    crowd = (
        rows.join(testers, on="user_id", how="anti")
        .group_by("method", "second")
        .agg(people=col("user_id").n_unique())
        .filter(col("people") > 20)
    )
    rows = rows.join(crowd, on=["method", "second"], how="left").join(scan("users", "user_id", "created_at"), on="user_id", how="left")
    own = col("purpose") != "policy_acceptance"
    passive = col("method").is_in(["default", "import", "staff", "signal_gpc"]) | ((col("method") == "bundled_terms") & own)
    broken = passive | ~says("policy_version") | (own & (col("event_at") + SKEW < col("created_at"))).fill_null(False)
    doubtful = (own & (col("event_at") < col("created_at"))).fill_null(False) | col("people").is_not_null()
    outcome = (
        pl.when(col("event_at") > as_of)
        .then(pl.lit("unknown"))
        .when(broken)
        .then(pl.lit("violation"))
        .when(doubtful)
        .then(pl.lit("review"))
    )
    return counted(rows.with_columns(outcome=outcome))


def con_01():
    events = scan("consents", "user_id", "purpose", "action", "event_at", "explicit", "method", "policy_version")
    events = events.filter(col("purpose").str.starts_with("marketing_"), col("event_at") <= as_of)
    refused = pl.when(col("action") == "withdraw").then(6).when(col("action") == "opt_out").then(5).when(col("action") == "refuse").then(4)
    state = (
        refused.when(~col("explicit") | col("method").is_in(["bundled_terms", "default"]))
        .then(1)
        .when(says("policy_version"))
        .then(3)
        .otherwise(2)
    )
    states = (
        events.select("user_id", channel=col("purpose").str.slice(10), since="event_at", state=state)
        .group_by("user_id", "channel", "since")
        .agg(col("state").max())
        .sort("since")
    )
    sends = scan("outbound_messages", "message_id", "user_id", "channel", "category", "sent_at", "status")
    sends = sends.filter(
        col("category").is_in(["marketing", "unknown"]),
        col("status") != "suppressed",
        col("sent_at") >= period_start,
        col("sent_at") <= as_of,
    )
    for name, at in (("state", col("sent_at")), ("early", col("sent_at") - SKEW), ("late", col("sent_at") + SKEW)):
        asof = {"left_on": "at", "right_on": "since", "by": ["user_id", "channel"], "allow_exact_matches": name != "early"}
        sends = (
            sends.with_columns(at=at)
            .sort("at")
            .join_asof(states.rename({"state": f"{name}_"}), **asof)
            .rename({f"{name}_": f"{name}_state"})
            .drop("since", strict=False)
        )
    state, doubt = (
        col("state_state").fill_null(0),
        col("early_state").is_in([2, 3]).fill_null(False) | col("late_state").is_in([2, 3]).fill_null(False),
    )
    review = (state == 2) | doubt | (col("category") == "unknown")
    return counted(
        sends.with_columns(outcome=pl.when(state == 3).then(None).when(review).then(pl.lit("review")).otherwise(pl.lit("violation")))
    )


measured = {}
for name, rule in {"RET-07": ret_07, "VIS-01": vis_01, "CON-04": con_04, "CON-01": con_01}.items():
    begun, used = time.perf_counter(), time.process_time()
    counts = rule()
    measured[name] = {"counts": counts, "wall": time.perf_counter() - begun, "cpu": time.process_time() - used}
print("\n" + json.dumps(measured))
