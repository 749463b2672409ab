"""The gates: what a delivery says of itself, what it holds, and which rules a fault takes out."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.errors import InputError
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.gate import columns_of
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.snapshot.seal import seal_folder

TRAFFIC = {"traffic_events": [{"user_id": "u1", "ip": "192.0.2.1"}], "users": [{"user_id": "u1", "display_name": "A"}]}


def world(folder: Path, rows: dict | None = None, **stated) -> Path:
    case = worlds.Case("", "", TRAFFIC if rows is None else rows, None, 0, alone=True)
    return worlds.deliver(folder, worlds.tables_of([case]), **stated)


def verdicts(folder: Path, *rules: str, drift=None) -> dict:
    policy = load_policy()
    audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}), drift)
    return {r: worlds.evaluated(r, audit) for r in rules}


def descriptor(folder: Path, change) -> None:
    document = json.loads((folder / "datapackage.json").read_text("utf-8"))
    change({r["name"]: r for r in document["resources"]}, document)
    (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")


def test_a_sealed_snapshot_proves_integrity_not_completeness(tmp_path):
    seal_folder(world(tmp_path / "s"))
    results = verdicts(tmp_path / "s", "DQ-01", "DQ-02", "RET-07")
    assert results["DQ-01"].verdict == "REVIEW"
    assert set(results["DQ-01"].rows.reason) == {"no_source_totals"}
    assert results["DQ-02"].verdict == "PASS"
    assert results["RET-07"].verdict == "PASS"


def test_seal_keeps_what_the_source_said(tmp_path):
    folder = world(tmp_path / "s", source_totals=[{"name": "users", "rows": 1}], producer="export job", extra={"kept": True})
    seal_folder(folder)
    document = json.loads((folder / "datapackage.json").read_text("utf-8"))
    assert document["source_totals"] == [{"name": "users", "rows": 1}]
    assert (document["producer"], document["extra"]) == ("export job", {"kept": True})


def test_seal_needs_an_instant(tmp_path):
    folder = world(tmp_path / "s")
    (folder / "datapackage.json").unlink()
    with pytest.raises(InputError, match="--as-of"):
        seal_folder(folder)
    seal_folder(folder, "2025-03-01T12:00:00Z")
    # nobody states any more that the log is complete
    assert verdicts(folder, "RET-07")["RET-07"].limited_by == ("coverage",)


FAULTS = {
    "hash": ("sha256:00", "digest_differs"),
    "bytes": (1, "digest_differs"),
    "rows": (7, "rows_differ"),
    "distinct_users": (9, "distinct_users_differ"),
    "min_ts": ("2001-01-01T00:00:00Z", "time_range_differs"),
    "max_ts": (None, "time_range_differs"),
}


@pytest.mark.parametrize("total", FAULTS)
def test_a_total_that_does_not_match_blocks_the_rules_of_its_table(total, tmp_path):
    value, reason = FAULTS[total]
    seal_folder(world(tmp_path / "s"))
    descriptor(tmp_path / "s", lambda r, d: r["traffic_events"].update({total: value}))
    results = verdicts(tmp_path / "s", "DQ-01", "RET-07", "RET-01")
    assert results["DQ-01"].verdict == "FAIL"
    assert reason in set(results["DQ-01"].rows.reason)
    assert results["RET-07"].verdict == "NOT_EVALUATED"
    assert "traffic_events" in results["RET-07"].reason
    assert results["RET-01"].verdict == "NO_POPULATION"


def test_the_sources_own_totals_must_match_too(tmp_path):
    seal_folder(world(tmp_path / "s", source_totals=[{"name": "traffic_events", "rows": 2}]))
    results = verdicts(tmp_path / "s", "DQ-01", "RET-07")
    assert "source_totals_differ" in set(results["DQ-01"].rows.reason)
    assert results["RET-07"].verdict == "NOT_EVALUATED"


def rewrite(folder: Path, table: str, change) -> None:
    file = folder / f"{table}.parquet"
    pq.write_table(change(pq.read_table(file)), file)


def column(name: str, make):
    return lambda t: t.set_column(t.column_names.index(name), name, make(t[name]))


BROKEN = {
    "wrong_type": column("event_at", lambda c: c.cast(pa.timestamp("us"))),
    "null_not_allowed": column("event_type", lambda c: pa.nulls(len(c), pa.string())),
}


@pytest.mark.parametrize(("reason", "verdict"), [("wrong_type", "NOT_EVALUATED"), ("null_not_allowed", "PASS")])
def test_a_broken_column_blocks_the_rules_that_read_it(reason, verdict, tmp_path):
    rewrite(world(tmp_path / "s"), "traffic_events", BROKEN[reason])
    results = verdicts(tmp_path / "s", "DQ-02", "RET-07", "DQ-03")
    assert list(results["DQ-02"].rows.reason[results["DQ-02"].rows.outcome == "violation"]) == [reason]
    assert results["RET-07"].verdict == verdict
    assert results["DQ-03"].verdict == "PASS"


def test_an_unknown_value_is_a_violation_and_an_empty_string_is_none(tmp_path):
    rewrite(world(tmp_path / "s"), "users", column("status", lambda c: pa.array(["gone"])))
    assert "unknown_value" in set(verdicts(tmp_path / "s", "DQ-02")["DQ-02"].rows.reason)
    rewrite(tmp_path / "s", "users", column("status", lambda c: pa.array([""])))
    assert verdicts(tmp_path / "s", "DQ-02")["DQ-02"].verdict == "PASS"


def test_a_missing_column_takes_the_rules_that_read_it_and_no_other(tmp_path):
    rewrite(world(tmp_path / "s"), "traffic_events", lambda t: t.drop_columns(["ip"]))
    results = verdicts(tmp_path / "s", "DQ-02", "RET-07", "RET-08")
    assert "optional_column_missing" in set(results["DQ-02"].rows.reason)
    assert (results["RET-07"].verdict, results["RET-07"].reason) == ("NOT_EVALUATED", "not delivered: traffic_events.ip")
    assert results["RET-08"].verdict == "REVIEW"


def test_all_null_columns_fit_any_type(tmp_path):
    folder = world(tmp_path / "s")
    rewrite(folder, "users", column("birth_date", lambda c: pa.nulls(len(c), pa.float64())))
    rewrite(folder, "users", column("purged_at", lambda c: pa.nulls(len(c))))
    results = verdicts(folder, "DQ-02", "RET-05")
    assert (results["DQ-02"].verdict, results["RET-05"].verdict) == ("PASS", "FAIL")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Voice print", "template_stored"), ("speaker_id", "template_stored"), ("FACE_embeddings", "output_stored"), ("invoice_print", None)],
)
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_column_that_no_contract_knows_is_judged_by_its_name(name, reason, form, tmp_path):
    folder = world(tmp_path / "s", {"content_items": [{"user_id": "u1"}], "devices": [{"device_id": "d1"}]})
    if form == "parquet":
        rewrite(folder, "devices", lambda t: t.append_column(name, pa.array(["a7"] * len(t))))
    else:
        (folder / "devices.parquet").unlink()
        (folder / "devices.csv").write_text(f'device_id,"{name}"\nd1,a7\n')
    result = verdicts(folder, "SEN-08")["SEN-08"]
    assert list(result.rows.record) == ([f"column_inventory:devices.{name}"] if reason else [])
    assert list(result.rows.reason) == ([reason] if reason else [])
    assert result.ledger["in_scope"] > 5 and result.verdict == ("FAIL" if reason else "PASS")


LONG = "a7" * 51
TEMPLATES = [
    ("faceprint", pa.array(["a7"]), True),
    ("faceprint", pa.array([b"a7"]), True),
    ("faceprint", pa.array([[0.1, 0.2]]), True),
    ("faceprint", pa.array([True]), False),
    ("faceprint", pa.array(["yes"]), False),
    ("faceprint", pa.array([7]), False),
    ("faceprint", pa.array(["0.7"]), False),
    ("faceprint", pa.array([None], pa.string()), False),
    ("faceprint", pa.array(["NULL"]), False),
    ("faceprint", pa.array([[]], pa.list_(pa.float64())), False),
    ("faceprint", pa.array([b""]), False),
    ("faceprint_enabled", pa.array(["a7"]), False),
    ("faceprint_enabled", pa.array([b"a7"]), True),
    ("faceprint_consent", pa.array([LONG]), True),
    ("faceprint_consent", pa.array([LONG[:100]]), False),
    ("faceprint_at", pa.array(["soon"]), False),
    ("faceprint_date", pa.array(["soon"]), False),
    ("faceprint_count", pa.array(["some"]), False),
    ("faceprint_asked", pa.array(["once"]), False),
    ("has_faceprint", pa.array(["once"]), False),
]


@pytest.mark.parametrize(("name", "cells", "held"), TEMPLATES)
def test_what_cannot_hold_a_template_is_none(name, cells, held, tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}]})
    pq.write_table(pa.table({name: cells}), folder / "scans.parquet")
    assert list(verdicts(folder, "SEN-08")["SEN-08"].rows.record) == ([f"column_inventory:scans.{name}"] if held else [])


def test_long_means_most_of_them(tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}]})
    for cells, held in (([LONG, LONG, "a7", None, ""], True), ([LONG, "a7"], False)):
        pq.write_table(pa.table({"faceprint_asked": pa.array(cells)}), folder / "scans.parquet")
        assert bool(len(verdicts(folder, "SEN-08")["SEN-08"].rows)) == held


PERSONAL = [
    ("street", ["Main St"], True),
    ("email_count", [3], False),
    ("email_verified", [True], False),
    ("email_verified", ["yes"], False),
    ("phone_verified_at", ["soon"], False),
    ("address_changed", ["often"], False),
    ("has_photo", ["often"], False),
    ("phone", [31600], True),
    ("age", [31], True),
    ("birth_date", [dt.date(1990, 1, 1)], True),
    ("birthday", ["1990-01-01"], True),
    ("birth_date_changed_at", [dt.date(1990, 1, 1)], False),
    ("gps_at", [dt.date(1990, 1, 1)], False),
    ("gps", [dt.date(1990, 1, 1)], False),
    ("gps_on", ["often"], False),
    ("job_name", ["purge"], False),
    ("template_name", ["welcome"], False),
    ("file_name", ["a.png"], False),
    ("name", ["purge"], False),
    ("first_name", ["purge"], True),
    ("customer_name", ["purge"], True),
    ("surname", ["purge"], True),
]


@pytest.mark.parametrize(("name", "cells", "held"), PERSONAL)
def test_type_and_context_say_whether_a_column_is_named_like_personal_data(name, cells, held, tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}]})
    pq.write_table(pa.table({"n": [1], name: cells}), folder / "jobs.parquet")
    wanted = ("violation", "undeclared_column") if held else ("review", "unmapped_column")
    found = verdicts(folder, "COL-01")["COL-01"].rows
    rows = {r.record: (r.outcome, r.reason) for r in found.itertuples()}
    assert rows == {"column_inventory:jobs.n": ("review", "unmapped_column"), f"column_inventory:jobs.{name}": wanted}


@pytest.mark.parametrize(("beside", "held"), [("user_id", True), ("customer_id", True), ("email", True), ("order_id", False)])
def test_a_name_is_a_persons_where_its_table_is_about_people(beside, held, tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}]})
    pq.write_table(pa.table({beside: ["x1"], "Name": ["Anna"]}), folder / "jobs.parquet")
    found = verdicts(folder, "COL-01")["COL-01"].rows
    assert dict(zip(found.record, found.outcome, strict=True))["column_inventory:jobs.Name"] == ("violation" if held else "review")


def test_nothing_delivered_is_nothing_tested(tmp_path):
    folder = world(tmp_path / "s", {})
    found = verdicts(folder, "COL-01", "COL-02", "COL-07", "SEC-02", "SEN-08")
    assert {rule: result.verdict for rule, result in found.items()} == dict.fromkeys(found, "NO_POPULATION")


CARDS = [f"41111111111{n:04d}{check}" for n, check in ((1, 5), (2, 3), (3, 1), (4, 9), (5, 6), (6, 4), (7, 2))]


def test_values_are_looked_for_in_every_table_keys_included(tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}], "vendors": [{"vendor_id": n} for n in CARDS[:6]]})
    shop = {"order_id": CARDS, "n": pa.array(map(int, CARDS)), "note": ["card 4111 1111\n1111 1111", *[None] * 6]}
    pq.write_table(pa.table(shop), folder / "shop.parquet")
    (folder / "more.csv").write_text("a,b\n" + "".join(f"{n},x\n" for n in CARDS))
    found = verdicts(folder, "COL-07")["COL-07"].rows
    assert set(found.reason) == {"card_in_column"}
    assert {record.removeprefix("column_inventory:") for record in found.record} == {"shop.order_id", "shop.n", "shop.note", "more.a"}


def test_a_column_without_a_value_is_no_population(tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}]})
    before = {rule: result.ledger["in_scope"] for rule, result in verdicts(folder, "COL-01", "COL-02").items()}
    pq.write_table(pa.table({"a": pa.array([None, ""]), "b": pa.array([" ", "NULL"]), "c": pa.array(["x", None])}), folder / "more.parquet")
    after = {rule: result.ledger["in_scope"] for rule, result in verdicts(folder, "COL-01", "COL-02").items()}
    assert after == {rule: n + 1 for rule, n in before.items()}


def test_a_column_that_no_contract_knows_is_surplus(tmp_path):
    folder = world(tmp_path / "s", {"traffic_events": [{"user_id": "u1"}]})
    for name in ("app_key", "shoe_size"):
        rewrite(folder, "traffic_events", lambda t, name=name: t.append_column(name, pa.array(["x"] * len(t))))
    results = verdicts(folder, "SEC-08", "SEC-02")
    surplus = [(f"column_inventory:traffic_events.{name}", "not_in_contract") for name in ("app_key", "shoe_size")]
    assert sorted(zip(results["SEC-08"].rows.record, results["SEC-08"].rows.reason, strict=True)) == surplus
    assert list(zip(results["SEC-02"].rows.record, results["SEC-02"].rows.reason, strict=True)) == [(surplus[0][0], "named_like_a_secret")]


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [
        ({"window_start": "2024-02-28T00:00:00Z", "window_end": "2025-03-01T12:00:00Z"}, "PASS"),
        ({"window_start": "2024-06-01T00:00:00Z"}, "REVIEW"),
        ({"window_start": "2024-06-01T00:00:00Z", "complete": True}, "PASS"),
        ({}, "REVIEW"),
        ({"complete": "true"}, "REVIEW"),
        ({"complete": True}, "PASS"),
        ({"complete": True, "window_end": "2025-02-28T00:00:00Z"}, "REVIEW"),
        ({"complete": True, "filter": "country = 'NL'"}, "REVIEW"),
        ({"complete": True, "filter": 0}, "PASS"),
        ({"complete": True, "filter": " "}, "PASS"),
    ],
)
def test_a_window_that_cuts_the_look_back_cannot_pass(stated, verdict, tmp_path):
    seal_folder(world(tmp_path / "s"))
    descriptor(tmp_path / "s", lambda r, d: r["traffic_events"].update({"complete": False} | stated))
    result = verdicts(tmp_path / "s", "RET-07")["RET-07"]
    assert result.verdict == verdict
    assert ("coverage" in (result.reason or "")) == (verdict == "REVIEW")


@pytest.mark.parametrize(
    ("extracted", "verdict"),
    [
        ("2025-03-01T12:00:00Z", "PASS"),
        ("2025-03-01T11:59:59Z", "FAIL"),
        ("2025-04-05T12:00:00Z", "PASS"),
        ("2025-04-05T12:00:01Z", "REVIEW"),
        (None, "REVIEW"),
    ],
)
def test_freshness(extracted, verdict, tmp_path):
    world(tmp_path / "s", extracted_at=extracted)
    assert verdicts(tmp_path / "s", "DQ-05")["DQ-05"].verdict == verdict


WHOLE = {"window_start": "2020-01-01T00:00:00Z", "window_end": "2025-03-01T12:00:00Z"}


@pytest.mark.parametrize(
    ("table", "stated", "reason"),
    [
        ("users", WHOLE, None),
        ("users", {"complete": True}, None),
        ("users", {}, "window_not_stated"),
        ("users", WHOLE | {"window_end": None}, "window_not_stated"),
        ("users", WHOLE | {"window_start": "2024-12-01T23:00:00Z"}, None),
        ("users", WHOLE | {"window_start": "2024-12-02T00:00:00Z"}, "window_starts_late"),
        ("users", WHOLE | {"window_start": "2024-12-02T00:00:00Z", "complete": True}, None),
        ("users", WHOLE | {"window_end": "2025-03-01T11:59:59Z"}, "window_ends_early"),
        ("users", WHOLE | {"window_end": "2025-03-01T11:59:59Z", "complete": True}, "window_ends_early"),
        ("users", WHOLE | {"filter": "country = 'NL'"}, "filter_applied"),
        ("users", WHOLE | {"filter": " "}, None),
        ("consents", WHOLE, None),
        ("consents", WHOLE | {"window_start": "2020-01-01T00:00:01Z"}, "not_complete"),
        ("consents", WHOLE | {"window_start": "2020-01-01T00:00:01Z", "complete": True}, None),
        ("consents", {"window_end": "2025-03-01T12:00:00Z"}, "not_complete"),
        ("consents", {"complete": 1}, "not_complete"),
        ("staff", {"complete": True}, "empty_table"),
        ("staff", {}, "empty_table"),
        ("staff", {"filter": "x"}, "filter_applied"),
    ],
)
def test_what_a_table_leaves_out(table, stated, reason, tmp_path):
    rows = {"users": [{"user_id": "u1"}], "consents": [{"user_id": "u1"}]}
    world(tmp_path / "s", rows, resources=[{"name": table} | stated])
    found = verdicts(tmp_path / "s", "DQ-06")["DQ-06"].rows
    assert dict(zip(found.record, found.reason, strict=True)).get(f"delivered_tables:{table}") == reason


def test_a_state_table_that_is_not_complete_leaves_the_look_back_open(tmp_path):
    rows = PEOPLE | {"users": [{"user_id": "u1", "created_at": "2020-01-02T00:00:00Z"}]}
    every = [{"name": name, "complete": True} for name in contract.load() if name != "consents"]
    for start, verdict in (("2020-01-02T00:00:00Z", "PASS"), ("2020-01-02T00:00:01Z", "REVIEW"), (None, "REVIEW")):
        folder = world(tmp_path / f"s{start}", rows, resources=[*every, {"name": "consents", "window_start": start}])
        assert verdicts(folder, "CON-03")["CON-03"].verdict == verdict


def test_a_table_that_was_looked_for_and_is_not_there_leaves_no_pass(tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}]})
    assert verdicts(folder, "DQ-03")["DQ-03"].verdict == "PASS"
    (folder / "purge_log.parquet").unlink()
    found = verdicts(folder, "DQ-03", "DQ-04")
    assert (found["DQ-03"].verdict, found["DQ-04"].verdict) == ("REVIEW", "PASS")
    assert found["DQ-03"].reason == "coverage: not delivered: purge_log"


@pytest.mark.parametrize(("logged", "held", "hashed"), [(19, 0, True), (18, 0, False), (19, 18, True), (19, 19, False), (20, 20, False)])
def test_ids_are_digests_from_nineteen_of_twenty_on(logged, held, hashed, tmp_path):
    def ids(digests: int, plain: str) -> list[dict]:
        return [{"user_id": f"{plain}{n:031x}" if n < digests else f"{plain}{n}"} for n in range(20)]

    folder = world(tmp_path / "s", {"users": ids(held, "a"), "purge_log": ids(logged, "b"), "devices": [{"user_id": "stranger"}]})
    assert list(verdicts(folder, "DQ-03")["DQ-03"].rows.reason) == ["hashed_purge_log" if hashed else "user_unknown"]


def test_totals_are_compared_as_what_they_are(tmp_path):
    seal_folder(world(tmp_path / "s", {"users": [{"user_id": "u1"}], "transactions": [{"amount": 5}]}))
    spelled = {"max_ts": "2020-01-01T05:30:00+05:30", "min_ts": "2019-12-31T19:00:00-05:00"}
    descriptor(tmp_path / "s", lambda r, d: (r["users"].update(spelled), r["transactions"].update({"control_sum": "5.00"})))
    descriptor(tmp_path / "s", lambda r, d: r["vendors"].update({"distinct_users": 0}))
    assert set(verdicts(tmp_path / "s", "DQ-01")["DQ-01"].rows.reason) == {"no_source_totals"}
    for table, wrong in (("users", 0), ("vendors", 1), ("vendors", False), ("users", True)):
        descriptor(tmp_path / "s", lambda r, d: r[table].update({"distinct_users": wrong}))  # noqa: B023
        assert "distinct_users_differ" in set(verdicts(tmp_path / "s", "DQ-01")["DQ-01"].rows.reason)
        descriptor(tmp_path / "s", lambda r, d: r[table].update({"distinct_users": 1 if table == "users" else None}))  # noqa: B023


ORDER = [
    ("digest_differs", {"hash": "sha256:00"}),
    ("rows_differ", {"rows": 7}),
    ("distinct_users_differ", {"distinct_users": 9}),
    ("time_range_differs", {"max_ts": "2001-01-01T00:00:00Z"}),
    ("control_sum_differs", {"control_sum": "1"}),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_of_several_differences_the_first_in_order_is_the_reason(first, tmp_path):
    rows = {"users": [{"user_id": "u1"}], "transactions": [{"user_id": "u1", "amount": 5}]}
    seal_folder(world(tmp_path / "s", rows, source_totals=[{"name": "transactions", "rows": 3}]))
    for _, wrong in ORDER[first:]:
        descriptor(tmp_path / "s", lambda r, d: r["transactions"].update(wrong))  # noqa: B023
    found = verdicts(tmp_path / "s", "DQ-01")["DQ-01"].rows
    assert dict(zip(found.record, found.reason, strict=True))["delivered_tables:transactions"] == ORDER[first][0]


def test_the_sources_totals_come_after_the_descriptors_own(tmp_path):
    world(tmp_path / "s", {"users": [{"user_id": "u1"}]}, resources=[], source_totals=[{"name": "users", "rows": 3}])
    found = verdicts(tmp_path / "s", "DQ-01")["DQ-01"].rows
    reasons = dict(zip(found.record, found.reason, strict=True))
    assert (reasons["delivered_tables:users"], reasons["delivered_tables:staff"]) == ("source_totals_differ", "not_described")


WORDS = ("\\N", "NULL", "null", "(null)", "<null>", "None", "NaN", "nil")


def columns_found(folder: Path) -> dict[str, str]:
    found = verdicts(folder, "DQ-02")["DQ-02"].rows
    return {record.removeprefix("delivered_columns:"): reason for record, reason in zip(found.record, found.reason, strict=True)}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_none_is_named(word, tmp_path):
    found = columns_found(world(tmp_path / "s", {"users": [{"user_id": "u1", "display_name": f" {word}\u3000"}, {"user_id": "u2"}]}))
    assert found == {"users.display_name": "null_word"}


@pytest.mark.parametrize("word", ["Null", "none", "N", "nan", "null.", "", " "])
def test_any_other_word_is_none(word, tmp_path):
    assert columns_found(world(tmp_path / "s", {"users": [{"user_id": "u1", "display_name": word}]})) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_takes_the_rules_that_read_its_column(value, tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}], "transactions": [{"user_id": "u1", "amount": 1}, {"user_id": "u1"}]})
    rewrite(folder, "transactions", column("amount", lambda c: pa.array([1.0, value])))
    assert columns_found(folder) == {"transactions.amount": "wrong_value"}
    assert verdicts(folder, "COL-08", "RET-05")["COL-08"].verdict != "NOT_EVALUATED"
    rewrite(folder, "transactions", column("amount", lambda c: pa.array([1.0, None])))
    assert columns_found(folder) == {}


def test_files_that_the_contract_does_not_know_are_named(tmp_path):
    folder = world(tmp_path / "s", {"users": [{"user_id": "u1"}]})
    pq.write_table(pa.table({"street": ["Main St 1"], "empty": pa.array([None], pa.string())}), folder / "shipping.parquet")
    (folder / "loyalty.csv").write_text("points,mail\n1,a@example.org\n")
    (folder / "old").mkdir()
    pq.write_table(pa.table({"n": [1]}), folder / "old" / "part-0.parquet")
    (folder / "readme.txt").write_text("hello")
    (folder / "broken.parquet").write_bytes(b"PAR1")
    (folder / "truth.csv").write_text("rule,table,record,outcome,reason\n")
    names = ["broken.parquet", "loyalty.csv", "old", "readme.txt", "shipping.parquet"]
    assert columns_found(folder) == dict.fromkeys(names, "unknown_file")
    snapshot = open_snapshot(folder, connect())
    delivered = columns_of(snapshot.profile, snapshot.unknown)
    assert (delivered["shipping"], delivered["loyalty"], delivered["old"]) == (["street", "empty"], ["points", "mail"], ["n"])
    (folder / "truth.csv").write_text("name,mail\nAnna,anna@example.org\n")
    assert columns_found(folder)["truth.csv"] == "unknown_file"


def test_policy_drift_names_the_clauses(tmp_path):
    world(tmp_path / "s")
    drift = [
        {"clause_id": "CL-001", "status": "same"},
        {"clause_id": "CL-002", "status": "changed"},
        {"clause_id": "CL-003", "status": "truncated"},
    ]
    result = verdicts(tmp_path / "s", "DQ-07", drift=drift)["DQ-07"]
    rows = dict(zip(result.rows.record, result.rows.reason, strict=True))
    assert rows == {"policy_clauses:CL-002": "sentence_changed", "policy_clauses:CL-003": "text_truncated"}
    assert verdicts(tmp_path / "s", "DQ-07")["DQ-07"].verdict == "NOT_EVALUATED"


def test_csv_and_parts_say_the_same_as_parquet(tmp_path):
    folder = world(
        tmp_path / "s",
        {"users": [{"user_id": "u1", "email": ""}, {"user_id": "u2"}], "traffic_events": [{"event_at": "2023-01-01T00:00:00Z", "ip": "x"}]},
    )
    users = pq.read_table(folder / "users.parquet")
    (folder / "users.parquet").unlink()
    lines = [",".join(users.column_names)]
    for row in users.to_pylist():
        lines.append(",".join("" if v is None else f'"{v.isoformat() if hasattr(v, "isoformat") else v}"' for v in row.values()))
    (folder / "users.csv").write_text("\n".join(lines) + "\n", "utf-8")
    events = pq.read_table(folder / "traffic_events.parquet")
    (folder / "traffic_events.parquet").unlink()
    (folder / "traffic_events").mkdir()
    for n, part in enumerate((events, events.slice(0, 0))):
        pq.write_table(part, folder / "traffic_events" / f"part-{n}.parquet")
    results = verdicts(folder, "DQ-02", "RET-05", "RET-07")
    assert (results["DQ-02"].verdict, results["RET-07"].verdict) == ("PASS", "FAIL")
    assert results["RET-05"].ledger["in_scope"] == 2
    # the engine's folder goes with the engine
    engine = connect()
    audit_users = open_snapshot(folder, engine).tables["users"].order_by("user_id").to_pyarrow()
    assert audit_users["email"].to_pylist() == ["", None]
    assert pc.all(pc.is_valid(audit_users["created_at"])).as_py()


def test_a_time_without_zone_in_csv_is_a_wrong_type(tmp_path):
    folder = world(tmp_path / "s")
    (folder / "traffic_events.parquet").unlink()
    (folder / "traffic_events.csv").write_text("event_id,user_id,event_at,event_type\ne1,u1,2025-01-01 10:00:00,api\n")
    assert "wrong_type" in set(verdicts(folder, "DQ-02")["DQ-02"].rows.reason)


PEOPLE = {
    "users": [{"user_id": "u1", "birth_date": "1990-01-01"}],
    "consents": [{"user_id": "u1", "policy_version": "1"}],
    "policy_versions": [{"policy_version": "1"}],
}


def without(folder: Path, table: str, column: str) -> Path:
    path = folder / f"{table}.parquet"
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    return folder


def test_a_missing_column_takes_a_breakdown_and_not_its_rule(tmp_path):
    results = verdicts(without(world(tmp_path / "s", PEOPLE), "users", "law_region"), "CON-03", "CON-07", "MIN-01", "MIN-02")
    assert {r: e.verdict for r, e in results.items()} == {"CON-03": "PASS", "CON-07": "PASS", "MIN-01": "NOT_EVALUATED", "MIN-02": "PASS"}
    assert results["CON-03"].by == ()


@pytest.mark.parametrize("column", ["is_test", "user_id"])
def test_without_knowing_test_accounts_no_rule_on_people_is_evaluated(column, tmp_path):
    results = verdicts(without(world(tmp_path / "s", PEOPLE), "users", column), "CON-02", "CON-03", "CON-06", "MIN-02")
    assert {e.verdict for e in results.values()} == {"NOT_EVALUATED"}
    assert all(f"users.{column}" in e.reason for e in results.values())
