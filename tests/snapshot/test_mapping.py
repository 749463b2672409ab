"""A source under other names becomes a snapshot: other columns, other codes, three columns unpivoted into rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.imports import import_snapshot

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
