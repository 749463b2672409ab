"""What of a delivery keeps rules from a verdict, and what it does to their rows: wrong values, columns without a value, cut windows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate, outline
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.needs import empty_audit
from heytalk_audit.audit.verdict import judge
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

LONG_GONE = {"status": "deleted", "deleted_at": "2024-01-01T00:00:00Z", "email": "a@x.org"}


def users(n: int, **said) -> list[dict]:
    return [{"user_id": f"u{i}", "display_name": "A"} | said for i in range(n)]


def deliver(folder: Path, rows: dict[str, list[dict]], blanks: tuple[tuple[str, str, str], ...] = (), absent=(), **stated) -> Path:
    """A snapshot of these rows; `blanks` are values (table, key, column) that are null where none may be."""
    tables = worlds.tables_of([worlds.Case("", "", rows, None, 0, alone=True)])
    for table, key, column in blanks:
        for row in tables[table]:
            if key in row.values():
                row[column] = None
    return worlds.deliver(folder, tables, absent=absent, **stated)


def audit(folder: Path, **settings) -> Audit:
    policy = load_policy()
    return Audit(open_snapshot(folder, connect()), policy, settings_of(policy, settings))


def reasons(rule: str, folder: Path) -> dict[str, tuple[str, str]]:
    found = worlds.evaluated(rule, audit(folder))
    return {row.record: (row.outcome, row.reason) for row in found.rows.itertuples()}


def test_a_row_with_a_wrong_value_is_unknown_and_stays_in_the_population(tmp_path):
    folder = deliver(tmp_path, {"users": [*users(200), {"user_id": "x", "status": "gone", "email": "x@x.org"}]})
    found = worlds.evaluated("RET-01", audit(folder))
    assert reasons("RET-01", folder) == {"users:x": ("unknown", "wrong_value")}
    assert found.ledger["in_scope"] == found.ledger["unknown"] == 1 and found.verdict == "REVIEW"
    assert found.limited_by == ("unknown_limit",)


def test_what_the_rule_does_not_read_does_not_matter(tmp_path):
    given = {"users": [*users(200), {"user_id": "x", "geo_source": "moon"} | LONG_GONE, {"user_id": "y"}]}
    assert reasons("RET-01", deliver(tmp_path, given)) == {"users:x": ("violation", "overdue")}


def test_the_other_conditions_of_the_population_still_hold(tmp_path):
    """CON-03 is about live accounts, and reads when they were made: a deleted one without that is out."""
    given = {"users": [*users(300, created_at="2025-01-01T00:00:00Z"), {"user_id": "x"} | LONG_GONE, {"user_id": "y"}]}
    folder = deliver(tmp_path, given, (("users", "x", "created_at"), ("users", "y", "created_at")))
    found = reasons("CON-03", folder)
    assert found["users:y"] == ("unknown", "wrong_value") and "users:x" not in found


def test_a_test_account_stays_one(tmp_path):
    given = {"users": [*users(200), {"user_id": "x", "status": "gone", "is_test": True}]}
    assert reasons("RET-01", deliver(tmp_path, given)) == {"users:x": ("excluded", "test_account")}


def test_an_empty_string_is_no_wrong_value(tmp_path):
    assert reasons("RET-01", deliver(tmp_path, {"users": [*users(200), {"user_id": "x", "status": ""}]})) == {}


def test_a_wrong_value_of_another_table_reads_as_null(tmp_path):
    consents = [{"consent_id": f"e{i}", "user_id": f"u{i}", "event_at": "2019-12-31T00:00:00Z"} for i in range(300)]
    consents.append({"consent_id": "e", "user_id": "x", "event_at": "2019-12-31T00:00:00Z", "action": "nodded"})
    folder = deliver(
        tmp_path, {"users": [*users(300), {"user_id": "x"}], "consents": consents, "policy_versions": [{"policy_version": "1"}]}
    )
    assert reasons("CON-03", folder)["users:x"] == ("violation", "no_acceptance")


SEVERAL = {
    "users": [
        {"user_id": "a", "display_name": "A", "law_region": "EEA"},
        {"user_id": "p", "status": "gone", "purged_at": "2025-01-05T00:00:00Z", "display_name": "P"},
        {"user_id": "q", "status": "purged", "purged_at": "2025-01-05T00:00:00Z", "display_name": "Q"},
    ],
    "traffic_events": [
        {"event_id": "e1", "user_id": "a", "device_id": "d1", "event_type": "bubble", "event_at": "2025-01-05T00:00:00Z"},
        {"event_id": "e2", "user_id": "a", "device_id": "d2", "event_type": "bubble"},
        {"event_id": "e3", "user_id": "a", "device_id": "d2", "event_type": "api", "event_at": "2025-01-05T00:00:00Z"},
    ],
    "consents": [
        {"consent_id": "c1", "user_id": "a", "action": "nodded", "purpose": "marketing_push", "event_at": "2025-01-05T00:00:00Z"},
        {"consent_id": "c2", "user_id": "a", "action": "withdraw", "purpose": "marketing_push", "event_at": "2025-01-05T00:00:00Z"},
    ],
    "devices": [{"device_id": "d1", "user_id": "a", "platform": "toaster"}, {"device_id": "d2", "user_id": "a"}],
    "permission_events": [
        {"event_id": "m1", "device_id": "d1", "permission": "camera", "action": "denied"},
        {"event_id": "m2", "device_id": " ", "permission": "camera", "action": "shrugged"},
        {"event_id": "m3", "device_id": "d2", "permission": "camera", "action": "denied"},
    ],
    "disclosures": [{"disclosure_id": f"s{n}", "user_id": "a", "vendor_id": f"v{n}"} for n in (1, 2)],
    "vendors": [{"vendor_id": "v1"}, {"vendor_id": "v2", "country": "FR"}],
    "profile_attributes": [{"attribute_id": f"t{n}", "user_id": "a", "value": "I am a Muslim"} for n in (1, 2)],
}
BLANKS = (("traffic_events", "e2", "event_at"), ("vendors", "v1", "country"), ("profile_attributes", "t1", "category"))
UNKNOWN = ("unknown", "wrong_value")
OF_SEVERAL = {
    # joined to what stands first among the rule's tables
    "PRM-06": {"traffic_events:e2": UNKNOWN},
    "PRM-09": {"devices:d1": UNKNOWN, "devices:d2": ("violation", "never_agreed")},
    # rows of two tables
    "RET-10": {"consents:c1": UNKNOWN, "consents:c2": ("unknown", "record_age_unknown")},
    "SEN-04": {"profile_attributes:t1": UNKNOWN, "profile_attributes:t2": ("review", "stated_of_oneself")},
    # groups, each of which stands for a row
    "PRM-08": {"devices:d1": UNKNOWN, "permission_events:m2": UNKNOWN},
    "RET-15": {"users:p": UNKNOWN, "devices:p": UNKNOWN, "users:q": ("violation", "residue")},
    "SHA-13": {"vendors:v1": UNKNOWN},
}


@pytest.fixture(scope="module")
def of_several(tmp_path_factory):
    """An audit with wrong values in several tables, any share of which is let through."""
    opened = audit(deliver(tmp_path_factory.mktemp("several"), SEVERAL, BLANKS), floating_window_events=["bubble"])
    opened.settings["unknown_limit"] = 1
    return opened


@pytest.mark.parametrize("rule", OF_SEVERAL)
def test_a_row_with_a_wrong_value_is_unknown_whichever_table_it_is_of(rule, of_several):
    found = {row.record: (row.outcome, row.reason) for row in worlds.evaluated(rule, of_several).rows.itertuples()}
    expected = OF_SEVERAL[rule]
    assert {record: found.get(record) for record in expected} == expected


def test_what_only_tells_which_row_of_a_person_counts_is_not_read(tmp_path):
    given = {"users": [*users(200), {"user_id": "x"} | LONG_GONE]}
    assert reasons("RET-01", deliver(tmp_path, given, (("users", "x", "created_at"),))) == {"users:x": ("violation", "overdue")}


def test_a_null_that_the_rule_itself_looks_for_is_no_wrong_value(tmp_path):
    consents = [{"consent_id": f"c{n}", "user_id": "u0"} for n in range(200)]
    folder = deliver(tmp_path, {"users": users(1), "consents": consents}, (("consents", "c7", "user_id"),))
    assert reasons("COL-10", folder) == {"consents:c7": ("violation", "no_user")}


@pytest.mark.parametrize(("n", "verdict"), [(99, "REVIEW"), (98, "NOT_EVALUATED")])
def test_too_many_wrong_values_take_the_rules_that_read_the_column(n, verdict, tmp_path):
    folder = deliver(tmp_path, {"users": [*users(n), {"user_id": "x", "status": "gone"}]})
    found = worlds.evaluated("RET-01", audit(folder))
    assert found.verdict == verdict
    assert found.blocked_by == (("wrong_value:users.status",) if verdict == "NOT_EVALUATED" else ())
    assert worlds.evaluated("SHA-08", audit(folder)).verdict == "NO_POPULATION"


def test_a_column_of_another_type_takes_the_rules_that_read_it(tmp_path):
    folder = deliver(tmp_path, {"users": users(3), "traffic_events": [{"user_id": "u0"}]})
    file = folder / "traffic_events.parquet"
    table = pq.read_table(file)
    pq.write_table(table.set_column(table.column_names.index("event_at"), "event_at", pa.array(["now"])), file)
    found = worlds.evaluated("RET-07", audit(folder))
    assert (found.verdict, found.blocked_by) == ("NOT_EVALUATED", ("wrong_type:traffic_events.event_at",))
    assert worlds.evaluated("RET-01", audit(folder)).verdict == "NO_POPULATION"


def test_a_masked_export_gives_no_verdict(tmp_path):
    masked = {"display_name": "deleted user", "email": "a@mail.invalid", "phone": "+00 000"}
    people = [{"user_id": "a", **LONG_GONE} | masked, {"user_id": "b", "display_name": "NULL", "phone": " "}]
    found = worlds.evaluated("RET-01", audit(deliver(tmp_path / "masked", {"users": people})))
    assert found.verdict == "NOT_EVALUATED" and found.reason == "no value: users.display_name, users.email, users.phone"
    assert found.blocked_by == ("no_value:users.display_name", "no_value:users.email", "no_value:users.phone")
    people[1]["phone"] = "+491"
    assert worlds.evaluated("RET-01", audit(deliver(tmp_path / "one", {"users": people}))).verdict != "NOT_EVALUATED"
    assert worlds.evaluated("RET-01", audit(deliver(tmp_path / "empty", {}))).verdict == "NO_POPULATION"
    lists = {"users": users(1), "disclosures": [{"user_id": "u0", "fields": [], "sent_at": "2025-02-01"}]}
    found = worlds.evaluated("SEN-05", audit(deliver(tmp_path / "lists", lists)))
    assert found.blocked_by == ("no_value:disclosures.fields",)


def state(folder: Path, **stated) -> Path:
    """What the descriptor states of each table; `complete` of all, unless it is said otherwise."""
    document = json.loads((folder / "datapackage.json").read_text("utf-8"))
    document["resources"] = [resource | stated.get(resource["name"], {}) for resource in document["resources"]]
    (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")
    return folder


WINDOWS = {
    "complete": ({}, True),
    "complete, whatever its window": ({"complete": True, "window_start": "2025-02-01T00:00:00Z"}, True),
    "nothing stated": ({"complete": None}, False),
    "not complete": ({"complete": False}, False),
    "complete in words": ({"complete": "true"}, False),
    "filtered": ({"filter": "region = 'EEA'"}, False),
    "ends too early": ({"window_end": "2025-02-28T00:00:00Z"}, False),
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize(("rule", "table"), [("RET-07", "traffic_events"), ("CON-01", "consents")])
def test_what_a_descriptor_states_of_logs_and_of_states(rule, table, name, tmp_path):
    stated, covered = WINDOWS[name]
    given = {
        "users": users(1),
        "traffic_events": [{"user_id": "u0"}],
        "outbound_messages": [{"user_id": "u0", "category": "marketing", "sent_at": "2025-02-01T00:00:00Z"}],
        "consents": [{"user_id": "u0", "purpose": "marketing_push", "policy_version": "1"}],
    }
    found = worlds.evaluated(rule, audit(state(deliver(tmp_path, given), **{table: stated})))
    assert (found.verdict, found.limited_by) == (("PASS", ()) if covered else ("REVIEW", ("coverage",))), found.reason


@pytest.mark.parametrize(
    ("rule", "table", "start", "covered"),
    [
        ("RET-07", "traffic_events", "2024-03-01T00:00:00Z", True),
        ("RET-07", "traffic_events", "2024-03-01T00:00:01Z", False),
        ("CON-01", "consents", "2020-01-01T00:00:00Z", True),
        ("CON-01", "consents", "2020-01-01T00:00:01Z", False),
    ],
)
def test_a_window_reaches_back_as_far_as_the_rule_looks(rule, table, start, covered, tmp_path):
    given = {
        "users": users(1),
        "traffic_events": [{"user_id": "u0"}],
        "outbound_messages": [{"user_id": "u0", "category": "marketing", "sent_at": "2025-02-01T00:00:00Z"}],
        "consents": [{"user_id": "u0", "purpose": "marketing_push", "policy_version": "1"}],
    }
    folder = state(deliver(tmp_path, given), **{table: {"complete": None, "window_start": start}})
    assert worlds.evaluated(rule, audit(folder)).verdict == ("PASS" if covered else "REVIEW")


def test_who_is_a_test_account_is_so_in_every_row(tmp_path):
    twice = [{"user_id": "t", "is_test": True} | LONG_GONE, {"user_id": "t", "is_test": False} | LONG_GONE]
    given = {"users": [*twice, {"user_id": "s", "is_test": True} | LONG_GONE]}
    found = worlds.evaluated("RET-01", audit(deliver(tmp_path, given)))
    assert found.ledger["excluded"] == 1 and found.ledger["violation"] == 2


LEDGERS = {
    "unknown, at the limit": ({"unknown": 3}, ()),
    "unknown, above it": ({"unknown": 4}, ("unknown_limit",)),
    "exempt, at the limit": ({"exempt": 3}, ()),
    "exempt, above it": ({"exempt": 4}, ("exempt_limit",)),
    "excluded, few": ({"excluded": 5, "in_scope": 100}, ()),
    "excluded, at the limit": ({"excluded": 6}, ()),
    "excluded, above it": ({"excluded": 7}, ("excluded_limit",)),
}


@pytest.mark.parametrize("name", LEDGERS)
def test_the_limits_of_a_pass(name):
    changed, limits = LEDGERS[name]
    ledger = dict.fromkeys(("in_scope", "pass", "violation", "review", "unknown", "exempt", "excluded"), 0) | {"in_scope": 300} | changed
    found = judge(ledger, [], Limits.usual())
    assert (found.verdict, found.limited_by) == (("REVIEW" if limits else "PASS"), limits)
    broken = judge(ledger | {"violation": 1}, [], Limits.usual())
    assert (broken.verdict, broken.limited_by) == ("FAIL", limits)
    assert judge(ledger | {"violation": 1}, [], Limits.usual(), accepted=1).verdict == ("REVIEW" if limits else "ACCEPTED")


def test_a_rule_without_population_names_the_tables_that_are_empty(tmp_path):
    found = worlds.evaluated("SHA-08", audit(deliver(tmp_path / "empty", {"users": users(1)})))
    assert (found.verdict, found.blocked_by) == ("NO_POPULATION", ("empty:disclosures",))
    stated = [{"name": "disclosures", "rows": 0}]
    found = worlds.evaluated("SHA-08", audit(deliver(tmp_path / "said", {"users": users(1)}, source_totals=stated)))
    assert (found.verdict, found.blocked_by) == ("NO_POPULATION", ())
    given = {"users": users(1), "disclosures": [{"user_id": "u0", "kind": "sdk"}]}
    assert worlds.evaluated("SHA-08", audit(deliver(tmp_path / "none", given))).blocked_by == ()


def test_an_optional_column_that_is_absent_reads_as_null(tmp_path):
    folder = deliver(tmp_path, {"users": users(1), "traffic_events": [{"user_id": "u0"}]})
    file = folder / "traffic_events.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["url"]), file)
    assert worlds.evaluated("RET-07", audit(folder)).verdict == "PASS"
    assert worlds.evaluated("SEN-07", audit(folder)).verdict != "NOT_EVALUATED"


def test_an_optional_table_that_is_absent_reads_as_empty_and_leaves_no_pass(tmp_path):
    rule = replace(RULES["RET-07"], optional=("retention_exceptions",))
    given = {"users": users(1), "traffic_events": [{"user_id": "u0"}]}
    here = audit(deliver(tmp_path / "whole", given))
    assert evaluate(rule, here).verdict == "PASS"
    less = audit(deliver(tmp_path / "less", given))
    del less.snapshot.tables["retention_exceptions"]
    found = evaluate(rule, less, raises=True)
    assert (found.verdict, found.limited_by) == ("REVIEW", ("coverage",)) and "not delivered: retention_exceptions" in found.reason


def test_a_wrong_value_in_any_column_stops_no_rule():
    # a condition may be of relations that the check's rows were made of, and is then to be of the marked rows
    with empty_audit() as audit:
        audit.__dict__["wrong"] = {(t.name, c.name): 0.001 for t in contract.load().values() for c in t.columns if c.required or c.values}
        outlines = {rule.id: outline(rule, audit) for rule in RULES.values()}
        assert [id for id, check in outlines.items() if check is None] == []
        reasons = {id: [c.reason for c in check.conditions] for id, check in outlines.items() if check is not None}
    marked = [id for id, said in reasons.items() if "wrong_value" in said]
    assert {"RET-14", "SEC-01", "PRM-06", "COL-03"} <= set(marked) and len(marked) > 60


def test_a_key_that_rows_are_compared_with_is_read(tmp_path):
    """A version without its name can't be the one that was accepted: where too many lack it, nobody can say who accepted a known one."""
    given = {"users": [*users(3)], "policy_versions": [{"policy_version": "1"}, {"policy_version": "2", "sha256": "no-name"}]}
    found = worlds.evaluated("CON-03", audit(deliver(tmp_path, given, (("policy_versions", "no-name", "policy_version"),))))
    assert found.blocked_by == ("wrong_value:policy_versions.policy_version",)
