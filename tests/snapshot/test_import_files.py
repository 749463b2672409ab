"""DuckDB, SQLite, folders of files and ODBC as sources: their types, odd names, bounds, and no value changed in silence."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.imports import check_mapping, import_snapshot

AS_OF = "2025-03-31T12:00:00Z"
USERS = "SELECT id AS user_id, made AS created_at FROM people"


@pytest.fixture
def mapped(tmp_path):
    """Write a mapping of a source; returns its path."""

    def write(source, tables, **more):
        document = {"source": source, "as_of": AS_OF, "tables": tables} | more
        (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(document), "utf-8")
        return tmp_path / "mapping.yaml"

    return write


def rows_of(folder: Path, table: str = "users") -> list[dict]:
    return pq.read_table(folder / f"{table}.parquet").to_pylist()


def refusals(path: Path, folder: Path) -> str:
    """All that an import says is wrong."""
    lines = []
    with pytest.raises(InputError) as refused:
        import_snapshot(path, folder, lines.append)
    assert not folder.exists()
    return "\n".join([*lines, str(refused.value)])


def test_instants_with_a_zone_come_from_duckdb_without_pytz(mapped, tmp_path):
    with duckdb.connect(str(tmp_path / "s.duckdb")) as con:
        con.execute("CREATE TABLE people AS SELECT n AS id, '2024-01-01 10:00+02'::TIMESTAMPTZ AS made FROM range(40000) t(n)")
        con.execute(
            "CREATE TABLE odd AS SELECT uuid() AS u, 5::HUGEINT AS h, '{\"a\": 1}'::JSON AS j, 'on'::ENUM('on') AS e, ['a', NULL] AS l"
        )
    path = mapped({"duckdb": "s.duckdb"}, {"users": USERS})
    code = (
        "import sys; sys.modules['pytz'] = None; from pathlib import Path; "
        "from heytalk_audit.snapshot.importing.imports import import_snapshot as i; print(i(Path(sys.argv[1]), Path(sys.argv[2])).rows)"
    )
    done = subprocess.run([sys.executable, "-c", code, path, tmp_path / "out"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "{'users': 40000}\n", done.stderr
    users = rows_of(tmp_path / "out")
    assert users[0]["created_at"] == dt.datetime(2024, 1, 1, 8, tzinfo=dt.UTC)
    assert [u["user_id"] for u in users] == sorted(str(n) for n in range(40000))
    odd = "SELECT u AS link_id, h AS user_id, e AS provider, l AS fields_received FROM odd"
    import_snapshot(mapped({"duckdb": "s.duckdb"}, {"social_accounts": odd}), tmp_path / "odd")
    (link,) = rows_of(tmp_path / "odd", "social_accounts")
    assert (link["user_id"], link["provider"], link["fields_received"], len(link["link_id"])) == ("5", "on", ["a", None], 36)
    text = refusals(mapped({"duckdb": "s.duckdb"}, {"users": "SELECT j AS user_id FROM odd"}), tmp_path / "none")
    assert text.startswith("users.user_id: 1 row holds nested values, where the contract has a string; convert it in the SELECT")


def test_sqlite_as_pandas_writes_it(mapped, tmp_path):
    """Keys that are REAL for the sake of one null, names as bytes, a list that is a bare JSON string, a column of several types."""
    with sqlite3.connect(tmp_path / "s.sqlite") as con:
        con.execute("CREATE TABLE users (id INTEGER, name, t TEXT)")
        con.executemany("INSERT INTO users VALUES (?, ?, '2024-01-01 00:00:00')", [(1, b"Ana"), (2, "Bo"), (3, b"\xff")])
        con.execute("CREATE TABLE tickets (id INTEGER, user REAL, t TEXT)")
        con.executemany("INSERT INTO tickets VALUES (?, ?, '2024-02-01 00:00:00')", [(1, 1.0), (2, 2.0), (3, None)])
        con.execute("CREATE TABLE links (id INTEGER, f TEXT)")
        con.executemany("INSERT INTO links VALUES (?, ?)", [(1, '["openid", null]'), (2, '"openid"')])
    con.close()
    users = "SELECT id AS user_id, name AS display_name, t AS created_at FROM users"
    tickets = "SELECT id AS ticket_id, user AS user_id, t AS opened_at FROM tickets"
    links = "SELECT id AS link_id, f AS fields_received FROM links"
    text = refusals(mapped({"sqlite": "s.sqlite"}, {"users": users, "social_accounts": links}, zone="UTC"), tmp_path / "out")
    assert "users.display_name: 2 rows hold bytes, where the contract has a string; convert it in the SELECT, as CAST(... AS TEXT)" in text
    assert "social_accounts.fields_received: 1 row holds text that is no array of texts" in text
    assert "Ana" not in text and "openid" not in text
    tables = {"users": users.replace("name AS", "CAST(name AS TEXT) AS") + " WHERE id < 3", "support_tickets": tickets}
    tables["social_accounts"] = links.replace("f AS", "CASE WHEN f LIKE '[%' THEN f ELSE '[' || f || ']' END AS")
    done = import_snapshot(mapped({"sqlite": "s.sqlite"}, tables, zone="UTC"), tmp_path / "out")
    assert done.rows == {"users": 2, "support_tickets": 3, "social_accounts": 2}
    assert [u["display_name"] for u in rows_of(tmp_path / "out")] == ["Ana", "Bo"]
    assert {t["user_id"] for t in rows_of(tmp_path / "out", "support_tickets")} == {"1", "2", None}
    assert [r["fields_received"] for r in rows_of(tmp_path / "out", "social_accounts")] == [["openid", None], ["openid"]]
    descriptor = json.loads((tmp_path / "out" / "datapackage.json").read_text("utf-8"))
    assert {r["name"]: r["rows"] for r in descriptor["resources"]} == done.rows
    assert done.notes[-1].startswith("the mapping has no subscriptions, consents, ") and all(r["hash"] for r in descriptor["resources"])


def test_a_path_of_sqlite_is_opened_to_be_read_whatever_its_name_holds(mapped, tmp_path):
    name = "s?mode=rwc&x=#1%20'.sqlite"
    with sqlite3.connect(tmp_path / name) as con:
        con.execute("PRAGMA journal_mode = wal")
        con.execute("CREATE TABLE people AS SELECT 1 AS id, '2024-01-01T00:00:00Z' AS made")
    con.close()
    before = sorted(p.name for p in tmp_path.iterdir())
    assert import_snapshot(mapped({"sqlite": name}, {"users": USERS}), tmp_path / "out").rows == {"users": 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*before, "mapping.yaml", "out"])
    with pytest.raises(InputError, match=r"source\.sqlite: no such file"):
        check_mapping(mapped({"sqlite": "new?mode=rwc"}, {"users": USERS}))
    assert not (tmp_path / "new").exists()


def test_a_folder_of_files(mapped, tmp_path):
    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "people.csv").write_text(
        'id;made;mail;note\n007;2024-01-01T00:00:00Z;\\N;""\n1e5;2024-01-02 00:00:00+01;a@b.example;\n', "utf-8"
    )
    (folder / "tickets.tsv").write_text("id\tuser\tsince\n1\t007\t2024-02-01\n", "utf-8")
    lines = [
        {"id": 1, "user": "007", "fields": ["a", None], "since": "2024-02-01T00:00:00Z"},
        {"id": 2, "user": "1e5", "fields": [], "since": "2024-02-02T00:00:00Z"},
    ]
    (folder / "links.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    pq.write_table(pa.table({"id": [1.0], "user": ["007"], "since": pa.array([0], pa.timestamp("us"))}), folder / "mails.parquet")
    (folder / "unused.csv").symlink_to("/etc/hostname")
    tables = {
        "users": "SELECT id AS user_id, made AS created_at, mail AS email, note AS display_name FROM people",
        "support_tickets": "SELECT id AS ticket_id, user AS user_id, since AS opened_at FROM tickets",
        "social_accounts": "SELECT id AS link_id, user AS user_id, fields AS fields_received, since AS linked_at FROM links",
        "outbound_messages": "SELECT id AS message_id, user AS user_id, since AS sent_at FROM mails",
    }
    more = {"zone": "Asia/Shanghai", "dates": "start of day", "nulls": ["\\N"]}
    done = import_snapshot(mapped({"folder": "dump"}, tables, **more), tmp_path / "out")
    assert done.rows == {"users": 2, "support_tickets": 1, "social_accounts": 2, "outbound_messages": 1}
    users = rows_of(tmp_path / "out")
    # text stays text, whatever it looks like; an unquoted empty field is null, a quoted one is empty
    assert [(u["user_id"], u["email"], u["display_name"]) for u in users] == [("007", None, ""), ("1e5", "a@b.example", None)]
    assert rows_of(tmp_path / "out", "support_tickets")[0]["opened_at"] == dt.datetime(2024, 1, 31, 16, tzinfo=dt.UTC)
    assert [r["fields_received"] for r in rows_of(tmp_path / "out", "social_accounts")] == [["a", None], []]
    assert rows_of(tmp_path / "out", "outbound_messages")[0]["message_id"] == "1"
    for table, hint in (
        ("SELECT * FROM unused", "is a link or no plain file"),
        ("SELECT * FROM nothing", "the source has no table nothing; "),
        ("SELECT * FROM people, read_text('dump/people.csv')", "calls read_text, which"),
        ("SELECT nothing AS user_id FROM people", r"\(binder exception: nothing\)"),
    ):
        with pytest.raises(InputError, match=hint):
            check_mapping(mapped({"folder": "dump"}, {"users": table}))
    (folder / "people.csv").write_text('id;made\n1;"zanzibar\n2;x\n', "utf-8")
    with pytest.raises(InputError, match=r"tables\.users: the source refuses the SELECT|source\.folder people\.csv") as refused:
        check_mapping(mapped({"folder": "dump"}, {"users": USERS}))
    assert "zanzibar" not in str(refused.value)


def test_rows_and_time_are_bounded(mapped, tmp_path):
    with duckdb.connect(str(tmp_path / "s.duckdb")) as con:
        con.execute("CREATE TABLE people AS SELECT n AS id FROM range(3000) t(n)")
    with sqlite3.connect(tmp_path / "s.sqlite") as con:
        con.execute("CREATE TABLE people (id)")
    con.close()
    one = "SELECT id AS user_id FROM people"
    with pytest.raises(InputError, match=r"yields more than 10 rows; narrow the SELECT, or raise limits.rows"):
        import_snapshot(mapped({"duckdb": "s.duckdb"}, {"users": one}, limits={"rows": 10}), tmp_path / "out")
    assert check_mapping(mapped({"duckdb": "s.duckdb"}, {"users": one})).rows == {"users": 1000}
    many = "SELECT count(*) AS user_id FROM people a, people b, people c, people d"
    endless = "WITH RECURSIVE n AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM n) SELECT count(*) AS user_id FROM n"
    for source, select in (({"duckdb": "s.duckdb"}, many), ({"sqlite": "s.sqlite"}, endless)):
        with pytest.raises(InputError, match=r"takes longer than 0.01 minutes"):
            import_snapshot(mapped(source, {"users": select}, limits={"minutes": 0.01}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_any_other_database_by_odbc(mapped, tmp_path, monkeypatch):
    drivers = Path("/etc/odbcinst.ini")
    if not drivers.exists() or "[SQLite3]" not in drivers.read_text("utf-8"):
        pytest.skip("no ODBC driver for SQLite (apt-get install unixodbc odbcinst libsqliteodbc)")
    pytest.importorskip("arrow_odbc", reason="arrow-odbc is not installed (make test EXTRAS=odbc)")
    with sqlite3.connect(tmp_path / "s.sqlite") as con:
        con.execute("CREATE TABLE people (id INTEGER, made TIMESTAMP, nick TEXT)")
        con.execute("INSERT INTO people VALUES (7, '2024-01-01 10:00:00', 'Ana')")
    con.close()
    monkeypatch.setenv("THE_SOURCE", f"Driver=SQLite3;Database={tmp_path / 's.sqlite'}")
    source = {"dsn_env": "THE_SOURCE", "dialect": "sqlite"}
    users = "SELECT id AS USER_ID, made AS Created_At, nick AS display_name FROM people"
    done = import_snapshot(mapped(source, {"users": users}, zone="UTC"), tmp_path / "out")
    assert rows_of(tmp_path / "out") == [{"user_id": "7", "created_at": dt.datetime(2024, 1, 1, 10, tzinfo=dt.UTC), "display_name": "Ana"}]
    assert done.notes[0].startswith("ODBC can't be held to reading")
    # the driver gives TIMESTAMP, whatever the database knows of its zone
    assert done.notes[1].startswith("tables.users: ODBC hands out instants without their zone (Created_At)")
    with sqlite3.connect(tmp_path / "s.sqlite") as con:
        con.execute("UPDATE people SET nick = ?", ["zanzibar" * 20_000])
    con.close()
    for change, select, hint in (
        ({}, users, "a text or bytes of more than 65,536 bytes"),
        ({"dialect": "none"}, users, "does not name the SQL of the database"),
        ({}, "SELECT nothing AS user_id FROM people", r"refuses the SELECT \("),
        ({"dialect": "postgres"}, "SELECT id AS user_id FROM people", "changes values in silence; give PostgreSQL's own address"),
        ({}, "DELETE FROM people", "is not one SELECT"),
        ({}, "SELECT name AS user_id FROM sqlite_master", "administration"),
    ):
        with pytest.raises(InputError, match=hint) as refused:
            import_snapshot(mapped(source | change, {"users": select}, zone="UTC"), tmp_path / "none")
        assert "zanzibar" not in str(refused.value) and "Driver" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "dialect", "hint"),
    [
        ("Driver={PostgreSQL Unicode};Server=127.0.0.1", "redshift", "PostgreSQL behind ODBC, whose driver changes values in silence"),
        ("driver=/usr/lib/odbc/psqlodbcw.so;Server=127.0.0.1", "postgres", "PostgreSQL behind ODBC"),
        ("DSN=club", "postgres", "PostgreSQL behind ODBC"),
        ("Driver={No such driver};Server=127.0.0.1", "mysql", "no such ODBC driver or data source on this machine"),
        ("DSN=nowhere", "mysql", "no such ODBC driver or data source on this machine"),
    ],
)
def test_a_driver_that_changes_values_or_is_not_there_is_refused(address, dialect, hint, mapped, tmp_path, monkeypatch):
    pytest.importorskip("arrow_odbc", reason="arrow-odbc is not installed (make test EXTRAS=odbc)")
    monkeypatch.setenv("THE_SOURCE", address)
    with pytest.raises(InputError, match=hint) as refused:
        import_snapshot(mapped({"dsn_env": "THE_SOURCE", "dialect": dialect}, {"users": "SELECT 1 AS user_id"}), tmp_path / "none")
    assert "127" not in str(refused.value) and "club" not in str(refused.value) and not (tmp_path / "none").exists()
