"""Only aggregates and pseudonyms leave the engine: no id in anything that Python holds, and nothing that grows with the data."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.audit.exceptions import write_exceptions
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

MARK = "planted-id"


def planted(demo: Path, folder: Path) -> Path:
    """The demo with MARK in every key and every key of another table."""
    folder.mkdir()
    document = json.loads((demo / "datapackage.json").read_text("utf-8"))
    # the digests of the demo's own files would keep the rules from being evaluated
    (folder / "datapackage.json").write_text(json.dumps(document | {"resources": []}), "utf-8")
    for name, table in contract.load().items():
        file = demo / f"{name}.parquet"
        if file.exists():
            keys = (c for c in table.columns if c.kind == "string" and (c.foreign or c.name in (table.key, "user_id")))
            # names of vendors and versions are no ids of people: a report may show them
            ids = {c.name for c in keys if not c.reportable}
            columns = ", ".join(f'\'{MARK}-\' || "{c}" AS "{c}"' if c in ids else f'"{c}"' for c in pq.read_schema(file).names)
            duckdb.sql(f"COPY (SELECT {columns} FROM read_parquet('{file}')) TO '{folder / file.name}' (FORMAT parquet)")
    return folder


@pytest.fixture(scope="module")
def marked(demo, tmp_path_factory) -> Path:
    return planted(demo, tmp_path_factory.mktemp("marked") / "snapshot")


def look(marked: Path, work: Path, *more: str) -> list[str]:
    work.mkdir()
    program = Path(__file__).with_name("ids_in_python.py")
    done = subprocess.run([sys.executable, str(program), str(marked), str(work), *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_python_holds_no_id_after_rules_that_read_no_text(marked, tmp_path):
    assert look(marked, tmp_path / "work") == []
    written = [pq.read_metadata(file).num_rows for file in (tmp_path / "work").glob("*-*.parquet")]
    assert sum(rows > 0 for rows in written) > 40


def test_the_look_for_ids_sees_one(marked, tmp_path):
    assert any("str" in line for line in look(marked, tmp_path / "work", "with one"))


USERS, DAYS_OLD = 4_000, 400


def access_logs(folder: Path, rows: int) -> Path:
    """A snapshot of access logs, 30 % of which are older than the year for which they may be kept."""
    worlds.deliver(folder, worlds.tables_of([worlds.Case("", "", {"users": []}, None, 0, alone=True)]))
    old, young = "TIMESTAMPTZ '2023-06-01 00:00:00Z'", "TIMESTAMPTZ '2025-02-01 00:00:00Z'"
    log = f"""
        SELECT 'e' || i AS event_id, 'u' || (i % {USERS}) AS user_id, 'open' AS event_type,
            CASE WHEN i % 10 < 3 THEN {old} ELSE {young} END + to_seconds(i) AS event_at
        FROM range({rows}) AS numbers(i)
    """
    people = f"SELECT 'u' || i AS user_id, 'active' AS status, {old} AS created_at, false AS is_test FROM range({USERS}) AS numbers(i)"
    for name, sql in (("traffic_events", log), ("users", people)):
        filled = {row[0] for row in duckdb.sql(f"DESCRIBE {sql}").fetchall()}
        table = contract.load()[name]
        columns = [f'"{c.name}"' if c.name in filled else f'{SQL_NULL[c.kind]} AS "{c.name}"' for c in table.columns]
        duckdb.sql(f"COPY (SELECT {', '.join(columns)} FROM ({sql})) TO '{folder / name}.parquet' (FORMAT parquet)")
    return folder


SQL_NULL = {
    "string": "NULL::VARCHAR",
    "timestamp": "NULL::TIMESTAMPTZ",
    "date": "NULL::DATE",
    "boolean": "NULL::BOOLEAN",
    "integer": "NULL::BIGINT",
    "number": "NULL::DECIMAL(18, 2)",
    "array": "NULL::VARCHAR[]",
}


def peak(folder: Path, rows: int) -> tuple[int, int]:
    """The most bytes that Python, and Arrow in it, held while a rule was evaluated on so many rows and its exceptions were written."""
    engine, policy = connect("duckdb", {"memory_limit": "200MB", "threads": 2}), load_policy()
    audit = Audit(open_snapshot(access_logs(folder / "snapshot", rows), engine, folder), policy, settings_of(policy, {}))
    evaluate(RULES["RET-08"], audit)  # whatever is made once
    pads = key_pads(b"a key of more than thirty-two bytes", engine)
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    evaluation = evaluate(RULES["RET-07"], audit, raises=True)
    write_exceptions(evaluation, engine, pads, folder / "exceptions.parquet")
    _, python = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert evaluation.ledger["violation"] == rows * 3 // 10
    assert pq.read_metadata(folder / "exceptions.parquet").num_rows == rows * 3 // 10
    return python, pa.total_allocated_bytes() - before


def test_nothing_in_python_grows_with_the_data(tmp_path):
    few, _ = peak(tmp_path / "few", 20_000)
    many, left = peak(tmp_path / "many", 200_000)
    # sixty thousand rows as Python objects would be fifty megabytes
    assert many < few + 1_000_000
    assert left < 1_000_000
