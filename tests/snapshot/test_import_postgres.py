"""PostgreSQL, a real one: its types, one instant for all tables, and what its role may not do."""

from __future__ import annotations

import datetime as dt

import pyarrow.parquet as pq
import pytest
import yaml

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.imports import check_mapping, import_snapshot

pytestmark = pytest.mark.xdist_group("postgres")

SCHEMA = """
CREATE SCHEMA app;
CREATE TYPE app.state AS ENUM ('on', 'off');
CREATE TABLE app.people (id uuid PRIMARY KEY, state app.state NOT NULL, made timestamptz NOT NULL, left_at timestamp, born date,
  nick varchar(20), internal boolean NOT NULL, photo bytea, prefs jsonb, age_range interval, credit money);
INSERT INTO app.people SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'on', '2024-01-01 12:00+02', '2024-06-01 10:00',
  '1990-01-01', 'zanzibar-' || n, n = 2, '\\x00', '["a", null]', '1 day', 12.5 FROM generate_series(1, 3) AS n;
CREATE TABLE app.links (id numeric(20) PRIMARY KEY, person uuid, got text[], at timestamptz);
INSERT INTO app.links SELECT n, ('00000000-0000-0000-0000-00000000000' || (4 - n))::uuid, ARRAY['x', NULL], now()
  FROM generate_series(1, 3) AS n;
CREATE TABLE app.receipts (id bigint, person uuid, amount numeric, at timestamptz);
INSERT INTO app.receipts VALUES (1, '00000000-0000-0000-0000-000000000001', 1.005, now()), (2, NULL, 'NaN', 'infinity');
CREATE ROLE reader LOGIN;
GRANT USAGE ON SCHEMA app TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO reader;
CREATE TABLE app.closed (id int);
CREATE FUNCTION app.lower(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
"""
USERS = """SELECT id AS user_id, state AS status, made AS created_at, left_at AS deleted_at, born AS birth_date, nick AS display_name,
  internal AS is_test FROM app.people"""
#: Some 3 to the 16th rows.
ENDLESS = f"SELECT count(*)::text AS user_id FROM {', '.join(f'app.people p{n}' for n in range(16))}"
LINKS = "SELECT id AS link_id, person AS user_id, 'google' AS provider, got AS fields_received, at AS linked_at FROM app.links"


@pytest.fixture(scope="module")
def reader(postgres):
    """The address of a role that may only read the tables of an application."""
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(postgres, autocommit=True) as con, con.cursor() as cursor:
        for statement in SCHEMA.strip().split(";\n"):
            cursor.execute(statement)
    return postgres.replace("user=admin", "user=reader")


@pytest.fixture
def mapped(reader, tmp_path, monkeypatch):
    """Write a mapping of these tables; returns its path."""
    monkeypatch.setenv("THE_SOURCE", reader)

    def write(tables, **more):
        document = {"source": {"dsn_env": "THE_SOURCE"}, "as_of": "2025-03-31T12:00:00Z", "tables": tables} | more
        (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(document), "utf-8")
        return tmp_path / "mapping.yaml"

    return write


def test_types_of_postgresql_come_as_the_contract_has_them(mapped, tmp_path):
    mapping = mapped({"users": USERS, "social_accounts": LINKS}, zone="Europe/Madrid", values={"status": {"on": "active"}})
    done = import_snapshot(mapping, tmp_path / "snapshot")
    assert done.rows == {"users": 3, "social_accounts": 3}
    assert not any("role" in note for note in done.notes)
    user = pq.read_table(tmp_path / "snapshot" / "users.parquet").to_pylist()[1]
    assert user == {
        "user_id": "00000000-0000-0000-0000-000000000002",
        "status": "active",
        "created_at": dt.datetime(2024, 1, 1, 10, tzinfo=dt.UTC),
        "deleted_at": dt.datetime(2024, 6, 1, 8, tzinfo=dt.UTC),
        "birth_date": dt.date(1990, 1, 1),
        "display_name": "zanzibar-2",
        "is_test": True,
    }
    links = pq.read_table(tmp_path / "snapshot" / "social_accounts.parquet").to_pylist()
    # sorted by person, where the source has them the other way round
    assert [(row["link_id"], row["fields_received"]) for row in links] == [(n, ["x", None]) for n in ("3", "2", "1")]


@pytest.mark.parametrize("run", [check_mapping, lambda path, report: import_snapshot(path, path.parent / "snapshot", report)])
def test_everything_that_does_not_fit_is_reported_at_once(run, mapped, tmp_path):
    lines = []
    tables = {
        "users": "SELECT id AS user_id, state AS status, made AS created_at, left_at AS deleted_at, photo AS display_name, prefs AS email, "
        "age_range AS phone, credit AS gender, nick FROM app.people",
        "transactions": "SELECT id AS receipt_id, person AS user_id, amount, at AS purchased_at FROM app.receipts",
    }
    with pytest.raises(InputError, match="9 things are wrong"):
        run(mapped(tables), lines.append)
    text = "\n".join(lines)
    for part in (
        "tables.users: the contract has no column nick; known are",
        "users.deleted_at: 3 rows hold instants without a zone, where the contract has a timestamp; add zone: to the mapping",
        "users.display_name: 3 rows hold bytes",
        "users.email: 3 rows hold nested values",
        "users.phone: 3 rows hold intervals",
        "users.gender: 3 rows hold values of the type money",
        "transactions.purchased_at: 1 row holds instants outside the years",
        "transactions.amount: 1 row holds not-a-number",
        "transactions.amount: 1 row holds decimals of more than two places, where the contract has a number; add rounds: 2",
    ):
        assert part in text
    assert "zanzibar" not in text and [p.name for p in tmp_path.iterdir()] == ["mapping.yaml"]


@pytest.mark.parametrize(
    ("select", "hint"),
    [
        ("SELECT nothing AS user_id FROM app.people", r"\(no such column: nothing\); mend"),
        ("SELECT id AS user_id FROM app.nowhere", r"\(no such table: app, nowhere\); mend"),
        ("SELECT id AS user_id FROM app.closed", r"\(no permission: closed\); mend"),
        ("SELECT nick::int AS user_id FROM app.people", r"\(a value that it can't compute with\); mend"),
        ("SELECT passwd AS user_id FROM pg_shadow", "administration"),
        ("WITH pg_authid AS (SELECT * FROM pg_authid) SELECT rolname AS user_id FROM pg_authid", "administration"),
        ("SELECT table_name AS user_id FROM information_schema.tables", "administration"),
        (ENDLESS, "takes longer than 0.01"),
    ],
)
def test_what_the_server_refuses_is_told_without_its_values(select, hint, mapped, tmp_path):
    with pytest.raises(InputError, match=hint) as refused:
        import_snapshot(mapped({"users": select}, limits={"minutes": 0.01} if "0.01" in hint else {}), tmp_path / "snapshot")
    assert "zanzibar" not in str(refused.value)
    assert not (tmp_path / "snapshot").exists()


def test_a_superuser_is_warned_of_and_functions_are_the_databases_own(postgres, mapped, monkeypatch):
    mapping = mapped({"users": USERS.replace("nick AS", "lower(nick) AS")}, zone="UTC")
    monkeypatch.setenv("THE_SOURCE", postgres + "&options=-csearch_path%3Dapp,pg_catalog")
    done = check_mapping(mapping)
    assert done.notes[0] == "the role is a superuser: use one that may only read these tables"
    assert not any("display_name" in note for note in done.notes)


def test_an_address_that_does_not_work_is_not_quoted(mapped, monkeypatch):
    mapping = mapped({"users": USERS})
    for address, hint in (("postgresql://zanzibar:zanzibar@localhost:1/x", "cannot be connected to"), ("", "is not set")):
        monkeypatch.setenv("THE_SOURCE", address)
        with pytest.raises(InputError, match=hint) as refused:
            check_mapping(mapping)
        assert "zanzibar" not in str(refused.value)
