"""A source under other names becomes a snapshot: other columns, other codes, three columns unpivoted into rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.imports import import_snapshot
from heytalk_audit.snapshot.importing.mapping import read_mapping

EXAMPLE = Path(__file__).resolve().parents[2] / "params" / "mapping-example.yaml"


@pytest.fixture
def source(tmp_path):
    """A warehouse as the example's mapping expects it, and that mapping beside it."""
    with sqlite3.connect(tmp_path / "warehouse.sqlite") as con:
        con.executescript(
            """
            CREATE TABLE members (
                member_no, state, joined, left_on, nick, mail, seen, internal, terms_at, terms_version, mail_ok_at, push_ok_at
            );
            INSERT INTO members VALUES
              ('m1', 1, '2021-05-01 10:00:00', NULL, 'Ada', 'ada@mail.example', '2025-03-01 08:00:00', 0,
               '2021-05-01 10:00:00', '1', '2022-01-01 00:00:00', NULL),
              ('m2', 2, '2021-06-01 10:00:00', '2024-01-01 09:00:00', 'Bo', NULL, NULL, 1,
               '2021-06-01 10:00:00', '1', NULL, '2022-02-01 00:00:00');
            CREATE TABLE plans (id, member_no, begins, ends);
            CREATE TABLE fields (id, member_no, field, content, saved);
            CREATE TABLE mailings (id, member_no, sent);
            CREATE TABLE holds (id, member_no, why, what, who, since);
            """
        )
    document = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    document["source"] = {"sqlite": "warehouse.sqlite"}
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(document), "utf-8")
    return tmp_path


def test_a_source_under_other_names(source):
    rows = import_snapshot(source / "mapping.yaml", source / "snapshot").rows
    assert (rows["users"], rows["consents"]) == (2, 4)
    consents = pq.read_table(source / "snapshot" / "consents.parquet").to_pylist()
    assert sorted((c["user_id"], c["purpose"]) for c in consents) == [
        ("m1", "marketing_email"),
        ("m1", "policy_acceptance"),
        ("m2", "marketing_push"),
        ("m2", "policy_acceptance"),
    ]
    users = {u["user_id"]: u for u in pq.read_table(source / "snapshot" / "users.parquet").to_pylist()}
    assert (users["m2"]["status"], users["m2"]["is_test"], users["m2"]["deleted_at"].isoformat()) == (
        "deleted",
        True,
        "2024-01-01T09:00:00+00:00",
    )
    assert (source / "snapshot" / "datapackage.json").exists()


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda d: d.pop("zone"), "is wrong, each named above|things are wrong"),
        (lambda d: d["tables"].update(users="SELECT nothing FROM nowhere"), "the source has no table nowhere"),
        (lambda d: d["tables"].update(users="SELECT member_no AS user_idd FROM members"), "did you mean 'user_id'"),
        (lambda d: d["tables"].update(user="SELECT 1"), "did you mean 'users'"),
        (lambda d: d["source"].update(sqlite="none.sqlite"), "no such file"),
    ],
)
def test_a_wrong_mapping_writes_nothing(change, hint, source):
    document = yaml.safe_load((source / "mapping.yaml").read_text("utf-8"))
    change(document)
    (source / "mapping.yaml").write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(InputError, match=hint):
        import_snapshot(source / "mapping.yaml", source / "snapshot")
    assert not (source / "snapshot").exists()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("source: {dsn_env: 'postgresql://u:zanzibar@h/d'}", "holds a password or an address of a database; put the address into"),
        ("source: {dsn_env: 'host=h password=zanzibar'}", "holds a password"),
        ("source: {dsn_env: X, password: zanzibar}", "holds a password"),
        ("source: {sqlite: x}\nproducer: 'PWD=zanzibar'", "holds a password"),
        ("source: {dsn_env: 'host=zanzibar'}", "dsn_env is no name of an environment variable"),
        ("source: {sqlite: a, duckdb: b}", "names none or several"),
        ("source: {sqlite: a, dialect: mysql}", "dialect is for a database behind ODBC"),
        ("source: {sqlit: a}", "unknown key; did you mean 'sqlite'"),
        ("source: &a {sqlite: x}\nvalues: {status: *a}", "has an alias"),
        ("source: {sqlite: x}\nsource: {duckdb: x}", "line 2 has a key that stands twice; write each key once"),
        ("source: {sqlite: x}\nvalues: {statsu: {1: active}}", "values.statsu: is no column of the contract; did you mean 'status'"),
        ("source: {sqlite: x}\nrounds: 3", "rounds"),
        ("source: {sqlite: x}\nzone: Europe/Madird", "did you mean 'Europe/Madrid'"),
        ("source: {sqlite: x}\nas_of: 2025-03-31", "as_of: '2025-03-31' has no zone"),
        ("source: [" + "[" * 40, "line 1 lies deeper than 12 levels"),
        ("source: [", "cannot be read as YAML"),
        ("a: !!timestamp x", "cannot be read as YAML"),
        ("a: !!float ''", "cannot be read as YAML"),
        ("a: !!bool x", "cannot be read as YAML"),
        ("- 1", "is no mapping"),
        ("a: " + "x" * 1_000_001, "is larger than 1 MB"),
    ],
)
def test_a_mapping_is_read_strictly_and_quotes_no_secret(text, hint, tmp_path):
    if text.startswith("source"):
        text += ("" if "as_of" in text else "\nas_of: 2025-03-31T12:00:00Z") + "\ntables: {users: SELECT 1}\n"
    (tmp_path / "m.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError) as refused:
        read_mapping(tmp_path / "m.yaml")
    assert hint in str(refused.value) and "zanzibar" not in str(refused.value)


def test_words_of_yaml_mean_what_they_look_like(tmp_path):
    document = "source: {sqlite: x}\nas_of: 2025-03-31T12:00:00Z\nlimits: {rows: 5}\nvalues: {status: {on: active, no: deleted, 010: null}}"
    (tmp_path / "m.yaml").write_text(f"{document}\ntables: {{users: SELECT 1}}\n", "utf-8")
    mapping = read_mapping(tmp_path / "m.yaml")
    assert mapping.values_of("users", "status") == {"on": "active", "no": "deleted", "010": None}
    assert (mapping.as_of, mapping.limits.rows) == ("2025-03-31T12:00:00Z", 5)
