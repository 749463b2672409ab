"""Deliveries that real exports resemble, each from its files to what the rules say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.results import summarise
from heytalk_audit.errors import InputError
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.report.outcomes import of_population
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.snapshot.seal import seal_folder

USERS = "user_id,status,created_at,display_name,email,phone,deleted_at,purged_at,is_test,restored_at,deletion_requested_at\n"
SOMEBODY = "u{},active,2024-12-01T00:00:00Z,Ana,,,,,false,,\n"
#: Tables that these deliveries leave out: the smallest delivery is opened the fastest.
OPTIONAL = [table.name for table in contract.load().values() if not table.required]


def rows_of(folder: Path, *rules: str, **settings) -> dict[str, tuple[str, str | None, dict[str, str]]]:
    """By rule: its verdict, what blocked it, and the reason of each record that does not pass."""
    policy = load_policy()
    audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, settings), None)
    evaluated = {rule: worlds.evaluated(rule, audit) for rule in rules}
    return {
        rule: (one.verdict, one.reason, {r.record.partition(":")[2]: f"{r.outcome} {r.reason}" for r in one.rows.itertuples()})
        for rule, one in evaluated.items()
    }


def delivered(folder: Path, rows: dict | None = None, also: tuple[str, ...] = ()) -> Path:
    """The required tables, and those that have rows or are named."""
    tables = worlds.tables_of([worlds.Case("", "", rows or {}, None, 0, alone=True)])
    return worlds.deliver(folder, tables, absent=[name for name in OPTIONAL if not tables[name] and name not in also])


def as_csv(folder: Path, table: str, content: str) -> None:
    (folder / f"{table}.parquet").unlink(missing_ok=True)
    (folder / f"{table}.csv").write_text(content)


def test_dates_alone_are_no_instants(tmp_path):
    """-29 at the end of a date is no zone: the column has another type, whatever the audit's own zone."""
    folder = delivered(tmp_path)
    as_csv(folder, "users", USERS + "u1,deleted,2024-01-01T00:00:00Z,Ana,,,2024-09-29,,false,,\n" + SOMEBODY.format(2))
    found = rows_of(folder, "DQ-02", "RET-01", audit_tz="America/New_York")
    assert found["DQ-02"][2]["users.deleted_at"] == "violation wrong_type"
    assert found["RET-01"][:2] == ("NOT_EVALUATED", "users.deleted_at has another type than the contract says")


def test_a_column_in_which_no_value_can_be_read_stops_its_rules_and_the_report_says_so(tmp_path):
    """Whether every row holds such a value or a few: nothing of the column is left to judge by."""
    for name, values in (("every", ["soon"] * 120), ("few", ["soon", *[""] * 119])):
        folder = delivered(tmp_path / name)
        as_csv(folder, "users", USERS + "".join(f"u{n},active,2024-12-01T00:00:00Z,Ana,,,,,false,{v},\n" for n, v in enumerate(values)))
        policy = load_policy()
        audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}))
        found = worlds.evaluated("RET-01", audit).evaluation
        assert (found.verdict, found.blocked_by) == ("NOT_EVALUATED", ("wrong_type:users.restored_at",))
        result = summarise(found, audit, key_pads(b"a key that is long enough to be one", audit.snapshot.engine))
        page = "".join(map(str, of_population(result, "internal")))
        assert "This was not tested: users.restored_at has another type than the contract says." in page


def test_consents_with_dates_alone_cover_no_message(tmp_path):
    folder = delivered(tmp_path, {"users": [{"user_id": "u1"}]}, ("outbound_messages",))
    as_csv(folder, "consents", "consent_id,user_id,purpose,action,event_at,expires_at\nc1,u1,marketing_email,grant,2024-03-01,2025-03-01\n")
    found = rows_of(folder, "DQ-02", "CON-01")
    assert found["DQ-02"][2]["consents.event_at"] == "violation wrong_type" and found["CON-01"][0] == "NOT_EVALUATED"


def test_one_date_among_instants_makes_its_row_unknown(tmp_path):
    """Of 150 rows one is wrong: that row is unknown to the rules that read the column, the others are judged."""
    folder = delivered(tmp_path)
    gone = "u{},deleted,2020-01-01T00:00:00Z,Ana,,,{},,false,,\n"
    rows = [gone.format(0, "2024-01-01"), gone.format(1, "2024-01-01T00:00:00Z"), *(SOMEBODY.format(n) for n in range(2, 150))]
    as_csv(folder, "users", USERS + "".join(rows))
    found = rows_of(folder, "DQ-02", "DQ-04", "RET-01")
    assert found["DQ-02"][2]["users.deleted_at"] == "violation wrong_value"
    assert found["RET-01"][2] == {"u0": "unknown wrong_value", "u1": "violation overdue"}
    assert found["DQ-04"][0] == "PASS"


def test_a_number_that_is_none_is_its_columns_fault_alone(tmp_path):
    """NaN in one amount: the column is named, and every other table and rule goes on."""
    folder = delivered(tmp_path, {"users": [{"user_id": "u1"}], "transactions": [{"user_id": "u1"}, {"user_id": "u1"}]})
    table = pq.read_table(folder / "transactions.parquet")
    nan = table.set_column(table.column_names.index("amount"), "amount", pa.array([1.0, float("nan")]))
    pq.write_table(nan, folder / "transactions.parquet")
    found = rows_of(folder, "DQ-02", "COL-08", "RET-05")
    assert found["DQ-02"][2]["transactions.amount"] == "violation wrong_value"
    assert found["COL-08"][0] != "NOT_EVALUATED" and found["RET-05"][0] != "NOT_EVALUATED"


def test_an_end_that_never_comes_is_a_wrong_value_or_a_placeholder(tmp_path):
    """The last second of 9999 west of Greenwich lies in the year 10000, and infinity nowhere; east of it, it is a placeholder."""
    never = "9999-12-31T23:59:59{}"
    rows = [{"user_id": "u1", "end_at": never.format("+00:00")}, {"user_id": "u1"}, {"user_id": "u1"}]
    folder = delivered(tmp_path, {"users": [{"user_id": "u1"}], "subscriptions": rows})
    table = pq.read_table(folder / "subscriptions.parquet")
    ends = pa.array([253_402_300_799_000_000, 253_402_318_799_000_000, 2**63 - 1], pa.int64()).cast(pa.timestamp("us", "UTC"))
    pq.write_table(table.set_column(table.column_names.index("end_at"), "end_at", ends), folder / "subscriptions.parquet")
    found = rows_of(folder, "DQ-02", "DQ-04", "RET-05")
    assert found["DQ-02"][2]["subscriptions.end_at"] == "violation wrong_value"
    assert found["DQ-04"][2] == {"subscriptions-1": "violation sentinel_time"}
    assert found["RET-05"][:2] == ("NOT_EVALUATED", "more than 1 % of the values of subscriptions.end_at are wrong")


def test_columns_in_capitals_are_the_contracts(tmp_path):
    folder = delivered(tmp_path, {"users": [{"user_id": "u1", "last_contact_at": "2019-01-01T00:00:00Z", "created_at": "2018-01-01"}]})
    before = rows_of(folder, "DQ-02", "RET-05")
    for file in folder.glob("*.parquet"):
        table = pq.read_table(file)
        pq.write_table(table.rename_columns([name.upper() for name in table.column_names]), file)
    assert rows_of(folder, "DQ-02", "RET-05") == before and before["RET-05"][0] == "FAIL"


def test_a_table_with_versions_is_refused(tmp_path):
    """The part with the erased account is still there: only the table's own log says that it is gone."""
    folder = delivered(tmp_path)
    (folder / "users" / "_delta_log").mkdir(parents=True)
    for part in ("part-00000-old.snappy.parquet", "part-00001-new.snappy.parquet"):
        pq.write_table(pa.table({"user_id": [part]}), folder / "users" / part)
    (folder / "users.parquet").unlink()
    with pytest.raises(InputError, match=r"users: is a Delta table.*export its current version.*COPY"):
        open_snapshot(folder, connect())


def test_words_for_null_are_no_residue(tmp_path):
    r"""\N, NULL and null are what an exporter writes for nothing: the column is named, and nobody is accused of keeping them."""
    folder = delivered(tmp_path)
    purged = "{},deleted,2020-01-01T00:00:00Z,{},2024-01-01T00:00:00Z,2024-02-01T00:00:00Z,false,,\n"
    as_csv(folder, "users", USERS + purged.format("u1", r"\N,NULL,null") + purged.format("u2", "Ana,,") + purged.format("u3", ",,"))
    found = rows_of(folder, "DQ-02", "RET-01")
    assert found["DQ-02"][2]["users.display_name"] == "review null_word"
    assert found["RET-01"][2] == {"u2": "violation residue_after_purge"}


def test_a_table_is_sealed_in_any_form(tmp_path):
    """Sealing counts the same of a table as CSV with semicolons in UTF-16 as of its Parquet, but for its bytes."""
    folder = delivered(tmp_path, {"users": [{"user_id": "u1", "created_at": "2024-01-01T00:00:00Z"}]})
    (folder / "users.parquet").unlink()
    (folder / "users.csv").write_bytes("USER_ID;created_at;status\nu1;2024-01-01 00:00:00+00;active\n".encode("utf-16"))
    seal_folder(folder)
    described = {r["name"]: r for r in json.loads((folder / "datapackage.json").read_text("utf-8"))["resources"]}["users"]
    assert (described["rows"], described["distinct_users"], described["min_ts"]) == (1, 1, "2024-01-01T00:00:00Z")
    assert rows_of(folder, "DQ-01")["DQ-01"][2]["users"] == "review no_source_totals"
