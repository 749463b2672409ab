"""No connection to DuckDB reaches anything but the folders that it is for, whatever SQL it is handed."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from heytalk_audit.detect import digests
from heytalk_audit.evidence.row_files import opened_reader
from heytalk_audit.running.session import Session
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.importing.files import DuckSource
from heytalk_audit.snapshot.importing.sources import Deadline
from heytalk_audit.snapshot.locked import locked
from heytalk_audit.snapshot.open import open_snapshot

PACKAGE = Path(__file__).resolve().parents[2] / "heytalk_audit"
OPENED = re.compile(r"\bduckdb\.(connect|sql|execute|query|read_\w+|default_connection)\b|\bibis\.duckdb\.connect\b|\.memtable\b.*execute")


def test_connections_are_opened_in_one_place():
    places = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if OPENED.search(p.read_text("utf-8"))}
    assert places == {"snapshot/locked.py"}


def snapshot(demo, tmp_path):
    """As kernels, the profile, registers and the plan have it."""
    duck = Duck()
    open_snapshot(demo, duck)
    return duck.backend.con


def of_a_session(demo, tmp_path):
    from commands import params

    return Session(params(tmp_path, demo)).audit.snapshot.engine.backend.con


def reader(demo, tmp_path):
    """As exports, verify, diff and the follow-up have it."""
    with opened_reader(demo) as rows:
        yield rows._engine


def of_digests(demo, tmp_path):
    return digests._connect(1)


def source(demo, tmp_path):
    spill = tmp_path / "spill"
    spill.mkdir()
    return DuckSource(None, spill, Deadline(1), {"users": demo / "users.parquet"})._con


def of_a_file(demo, tmp_path):
    with duckdb.connect(str(tmp_path / "source.duckdb")) as made:
        made.execute("CREATE TABLE t AS SELECT 1 AS a")
    spill = tmp_path / "spill"
    spill.mkdir()
    return DuckSource(tmp_path / "source.duckdb", spill, Deadline(1))._con


def cursor(demo, tmp_path):
    return snapshot(demo, tmp_path).cursor()


REFUSED = {
    "read": "SELECT * FROM read_text('/etc/passwd')",
    "read as CSV": "SELECT * FROM read_csv('/etc/passwd', header = false)",
    "read by its name": "SELECT * FROM '/etc/hosts.csv'",
    "list": "SELECT * FROM glob('/etc/*')",
    "step out": "SELECT * FROM read_text('{demo}/../../../../../../../../etc/passwd')",
    "follow a link": "SELECT * FROM read_text('{link}')",
    "attach": "ATTACH '/tmp/other.duckdb' AS other",
    "attach elsewhere": "ATTACH 'md:other'",
    "copy": "COPY (SELECT 1) TO '{out}'",
    "export": "EXPORT DATABASE '{out}'",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "secret": "CREATE SECRET (TYPE s3)",
    "reach": "SELECT * FROM read_csv('https://audit.example/rows.csv')",
    "set": "SET threads = 1",
    "set for all": "SET GLOBAL memory_limit = '1TB'",
    "unlock": "SET lock_configuration = false",
    "open": "SET enable_external_access = true",
    "allow": "SET allowed_directories = ['/']",
    "collation": "SET default_collation = 'nocase'",
    "zone": "SET TimeZone = 'Asia/Shanghai'",
    "reset": "RESET memory_limit",
    "profile": "PRAGMA profiling_output = '{out}'",
    "variable of Python's": "SELECT * FROM REFUSED",
}


@pytest.mark.parametrize("kind", [snapshot, of_a_session, cursor, reader, of_digests, source, of_a_file], ids=lambda f: f.__name__)
def test_every_connection_refuses_to_reach_out(kind, demo, tmp_path, monkeypatch):
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", "k" * 32)
    connection = kind(demo, tmp_path)
    opened = None if isinstance(connection, duckdb.DuckDBPyConnection) else connection
    connection = next(opened) if opened else connection
    link = tmp_path / "link.csv"
    link.symlink_to("/etc/passwd")
    for name, sql in REFUSED.items():
        with pytest.raises(duckdb.Error):
            connection.execute(sql.format(demo=demo, link=link, out=tmp_path / "out")).fetchall()
            pytest.fail(f"{kind.__name__} does not refuse: {name}")
    assert not (tmp_path / "out").exists()
    assert connection.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_a_connection_reaches_its_folders_and_spills(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "inside-not"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("a\n1\n")
    with locked([inside], {"temp_directory": str(inside), "memory_limit": "64MB"}, begin=lambda connection: connection) as connection:
        assert connection.execute(f"SELECT a FROM '{inside}/a.csv'").fetchall() == [(1,)]
        connection.execute(f"COPY (SELECT 2 AS b) TO '{inside}/b.parquet' (FORMAT parquet)")
        connection.execute("CREATE TEMP TABLE wide AS SELECT i, repeat('x', 200) || i AS t FROM range(1000000) r(i)")
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"SELECT a FROM '{outside}/a.csv'")


def test_a_locked_connection_takes_no_further_folder(demo, tmp_path):
    duck = Duck(folders=[tmp_path])
    assert duck.backend
    duck.allow(tmp_path / "within")
    with pytest.raises(ValueError, match="locked"):
        duck.allow(demo)
    duck.close()
