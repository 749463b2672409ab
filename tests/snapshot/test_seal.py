"""Sealing: what is stated of a snapshot, what nobody stated and who will ask, and a descriptor that other programs read."""

from __future__ import annotations

import json
from pathlib import Path

import checkers
import duckdb
import pytest
import worlds
from commands import heytalk_audit, refused

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.contract import sql
from heytalk_audit.errors import InputError
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.snapshot.seal import seal_folder
from heytalk_audit.snapshot.statements import from_options, read_totals

ROWS = {
    "users": [{"user_id": "u1", "created_at": "2020-01-01T00:00:00Z"}, {"user_id": ""}],
    "transactions": [{"user_id": "u1", "amount": 5, "purchased_at": "2025-01-01T00:00:00Z"}, {"user_id": "u1", "amount": 2}],
    "vendors": [{"vendor_id": "v1"}],
}


def world(folder: Path) -> Path:
    worlds.deliver(folder, worlds.tables_of([worlds.Case("", "", ROWS, None, 0, alone=True)]))
    (folder / "datapackage.json").unlink()
    return folder


def descriptor(folder: Path) -> dict:
    return json.loads((folder / "datapackage.json").read_text("utf-8"))


def resources(folder: Path) -> dict[str, dict]:
    return {resource["name"]: resource for resource in descriptor(folder)["resources"]}


def totals_of(folder: Path, file: Path) -> Path:
    """The totals as a source counts them: the SQL of the contract, over tables of these names."""
    con = duckdb.connect()
    for table in contract.load():
        con.execute(f"CREATE VIEW {table} AS SELECT * FROM '{folder / table}.parquet'")
    con.execute(f"COPY ({sql.totals('duckdb').rstrip(chr(10) + ';')}) TO '{file}' (HEADER)")
    return file


def test_all_that_may_be_stated(tmp_path):
    folder = world(tmp_path / "s")
    totals = totals_of(folder, tmp_path / "totals.csv")
    span = "TRANSACTIONS=2020-01-01T00:00:00Z..2025-03-31T12:00:00Z"
    options = ("--producer", "the export", "--source-system", "core", "--extracted-at", "2025-03-31T13:00:00Z", "--window", span)
    others = ",".join(table for table in contract.load() if table != "transactions")
    done = heytalk_audit("seal", folder, "--as-of", "2025-03-31T12:00:00Z", *options, "--complete", others, "--totals", totals)
    assert (done.returncode, " ".join(done.stdout.split())) == (0, f"{folder}: 21 tables sealed")
    document, tables = descriptor(folder), resources(folder)
    assert [document[k] for k in ("producer", "source_system", "extracted_at")] == ["the export", "core", "2025-03-31T13:00:00Z"]
    assert (tables["transactions"]["window_start"], tables["transactions"].get("complete")) == ("2020-01-01T00:00:00Z", None)
    assert tables["users"]["complete"] is True
    source = {entry["name"]: entry for entry in document["source_totals"]}
    assert source["transactions"]["rows"] == 2 and float(source["transactions"]["control_sum"]) == 7
    assert source["users"]["distinct_users"] == 1 and source["vendors"] == {"name": "vendors", "rows": 1}
    policy = load_policy()
    audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}))
    assert [worlds.evaluated(rule, audit).verdict for rule in ("DQ-01", "DQ-05")] == ["PASS", "PASS"]
    # what is sealed again keeps what was stated, and takes what is stated now
    seal_folder(folder, statements=from_options(producer="another", complete=["transactions"]))
    assert (descriptor(folder)["producer"], descriptor(folder)["source_totals"]) == ("another", document["source_totals"])
    assert resources(folder)["transactions"] == tables["transactions"] | {"complete": True}


def test_what_nobody_stated_is_listed_with_the_rule_that_will_ask(tmp_path):
    folder = world(tmp_path / "s")
    (tmp_path / "totals.csv").write_text("table,rows\nusers,2\n")
    window = ["consents=..2025-03-31T12:00:00Z"]
    options = from_options("job", complete=["users, vendors"], windows=window, totals=tmp_path / "totals.csv")
    gaps = {gap.option: gap for gap in seal_folder(folder, "2025-03-31T12:00:00Z", statements=options).gaps}
    assert {option: gap.rule for option, gap in gaps.items()} == {
        "--source-system": None,
        "--extracted-at": "DQ-05",
        "--complete or --window": "DQ-06",
        "--totals": "DQ-01",
    }
    untold = [table for table in contract.load() if table != "users"]
    assert list(gaps["--totals"].tables) == untold
    assert list(gaps["--complete or --window"].tables) == [table for table in untold if table != "vendors"]
    assert gaps["--extracted-at"].sentence == "not given: --extracted-at: DQ-05 will ask, and whether the snapshot is fresh stays unknown"


def test_columns_stand_as_they_were_delivered_and_unknown_keys_stay(tmp_path):
    folder = world(tmp_path / "s")
    (folder / "vendors.parquet").unlink()
    (folder / "vendors.csv").write_text('name,shoe size,vendor_id,vetted_at,aliases\nA,7,v1,soon,"[""b""]"\n')
    seal_folder(folder, "2025-03-31T12:00:00Z")
    document = descriptor(folder)
    vendors = next(r for r in document["resources"] if r["name"] == "vendors")
    assert (vendors["type"], vendors["$schema"].rsplit("/")[-1], vendors["encoding"]) == ("table", "dataresource.json", "utf-8")
    kinds = [(field["name"], field["type"]) for field in vendors["schema"]["fields"]]
    assert kinds == [("name", "string"), ("shoe size", "any"), ("vendor_id", "string"), ("vetted_at", "any"), ("aliases", "any")]
    vendors["schema"]["fields"][0]["title"] = "Name"
    vendors["schema"]["missingValues"] = ["", "-"]
    vendors["licence"] = document["licence"] = "none"
    (folder / "datapackage.json").write_text(json.dumps(document))
    seal_folder(folder)
    again = resources(folder)["vendors"]
    assert (again["licence"], descriptor(folder)["licence"], again["schema"]["missingValues"]) == ("none", "none", ["", "-"])
    assert again["schema"]["fields"][0] == {"name": "name", "type": "string", "title": "Name"}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"windows": ["users"]}, "is not TABLE=FROM..TO"),
        ({"windows": ["user=2020-01-01T00:00:00Z.."]}, "did you mean 'users'"),
        ({"windows": ["users=2020-01-01..2021-01-01"]}, "has no zone"),
        ({"windows": ["users=2022-01-01T00:00:00Z..2021-01-01T00:00:00Z"]}, "ends before it begins"),
        ({"complete": ["users,consent"]}, "did you mean 'consents'"),
        ({"producer": "x" * 501}, "longer than 500"),
        ({"extracted_at": "yesterday"}, "is no instant"),
    ],
)
def test_statements_that_are_none_are_refused(options, hint):
    with pytest.raises(InputError, match=hint):
        from_options(**options)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "does not have the columns"),
        ("table,row\nusers,1\n", "did you mean 'rows'"),
        ("table,rows\nuser,1\n", "line 2 user: is no table"),
        ("table,rows\nusers,1\nusers,1\n", "has users twice"),
        ("table,rows\nusers,1,2\n", "has 3 fields"),
        ("table,rows\nusers,1.5\n", "line 2: rows: is no whole number"),
        (f"table,rows\nusers,{'9' * 5000}\n", "at most 18 digits"),
        ("table,rows,control_sum\nusers,1,1e999999999\n", "is no number"),
        ("table,rows,max_ts\nusers,1,9999-12-31T23:59:59-05:00\n", "outside the years 1 to 9999"),
        ("table,rows\nusers,\n", "line 2: rows: is missing"),
        ("table,rows,min_ts\nusers,1,2020-01-01 00:00:00\n", "has no zone"),
        ("table,rows,control_sum\nusers,1,inf\n", "is no number"),
        ('table,rows\n"users,1', "cannot be read as CSV"),
    ],
)
def test_totals_that_are_none_are_refused(text, hint, tmp_path):
    (tmp_path / "totals.csv").write_text(text)
    with pytest.raises(InputError, match=hint):
        read_totals(tmp_path / "totals.csv")
    (tmp_path / "fine.csv").write_text("\ufeffTABLE,Rows,min_ts\n\nUsers,1,NULL\n")
    assert read_totals(tmp_path / "fine.csv") == {"users": {"rows": 1}}


def test_a_refusal_changes_nothing(tmp_path):
    folder = world(tmp_path / "s")
    (folder / "vendors.parquet").unlink()
    done = heytalk_audit("seal", folder, "--as-of", "2025-03-31T12:00:00Z", "--complete", "vendors")
    refused(done, folder / "datapackage.json", "was not delivered")


def test_the_open_tool_accepts_a_sealed_snapshot(tmp_path):
    folder = world(tmp_path / "s")
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for file in sorted(folder.glob("*.parquet")):
        described = con.execute(f"DESCRIBE SELECT * FROM '{file}'").fetchall()
        columns = ", ".join(f'to_json("{n}")::VARCHAR AS "{n}"' if kind.endswith("[]") else f'"{n}"' for n, kind, *_ in described)
        con.execute(f"COPY (SELECT {columns} FROM '{file}') TO '{file.with_suffix('.csv')}' (HEADER)")
        file.unlink()
    (folder / "shoes.csv").write_text("size\n7\n")
    seal_folder(folder, "2025-03-31T12:00:00Z")
    done = checkers.run("frictionless", "validate", "datapackage.json", "--json", cwd=folder)
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["valid"], done.stdout[-2000:]
    assert len(report["tasks"]) == 21 and all(task["type"] == "table" for task in report["tasks"])
