"""The mapping of Mastodon's database works on rows of its shape."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from heytalk_audit.snapshot.importing.imports import import_snapshot

pytestmark = pytest.mark.xdist_group("postgres")

MAPPING = Path(__file__).resolve().parents[2] / "params" / "mapping-mastodon.yaml"
#: The columns that the mapping reads, in the types that Mastodon has them in.
ROWS = """
CREATE SCHEMA mastodon;
SET search_path TO mastodon;
CREATE TABLE accounts (id bigint, domain varchar, display_name varchar NOT NULL DEFAULT '', created_at timestamp, updated_at timestamp,
  suspended_at timestamp, fields jsonb);
CREATE TABLE users (id bigint, account_id bigint, email varchar, disabled boolean, current_sign_in_at timestamp, last_sign_in_at timestamp);
CREATE TABLE account_deletion_requests (id bigint, account_id bigint, created_at timestamp);
CREATE TABLE statuses (id bigint, account_id bigint, in_reply_to_id bigint, reblog_of_id bigint, visibility int, created_at timestamp,
  deleted_at timestamp, url varchar, text text);
CREATE TABLE login_activities (id bigint, user_id bigint, success boolean, ip inet, created_at timestamp);
CREATE TABLE identities (id bigint, user_id bigint, provider varchar, uid varchar, created_at timestamp);
INSERT INTO accounts VALUES
  (109, NULL, 'Ana', '2022-01-01 10:00:00', '2024-01-01', NULL,
  '[{"name": "pronouns", "value": "she"}, {"name": "site", "value": "x"}]'),
  (110, NULL, '', '2022-01-02', '2024-01-01', '2024-06-01', 'null'), (111, NULL, '', '2022-01-03', '2024-01-01', NULL, NULL),
  (112, 'other.example', 'Far', '2022-01-01', '2024-01-01', NULL, NULL);
INSERT INTO users VALUES (1, 109, 'ana@mail.example', false, '2025-03-01 08:00', '2025-02-01 08:00'),
  (2, 110, 'bo@mail.example', false, NULL, NULL);
INSERT INTO account_deletion_requests VALUES (1, 110, '2024-06-01');
INSERT INTO statuses VALUES (1, 109, NULL, NULL, 1, '2024-01-01', NULL, NULL, 'hi'),
  (2, 109, 1, NULL, 3, '2024-01-02', '2024-02-01', NULL, 'psst'),
  (3, 109, NULL, 1, 0, '2024-01-03', NULL, NULL, ''),
  (4, 112, NULL, NULL, 0, '2024-01-03', NULL, NULL, 'far');
INSERT INTO login_activities VALUES (1, 1, true, '198.51.100.7', '2025-03-01 08:00'),
  (2, 2, false, '2001:db8::1', '2025-03-01 09:00');
INSERT INTO identities VALUES (1, 1, 'saml', 'a-1', '2022-01-01')
"""


def test_the_mapping_of_mastodon(postgres, tmp_path, monkeypatch):
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(postgres, autocommit=True) as con, con.cursor() as cursor:
        for statement in ROWS.strip().split(";\n"):
            cursor.execute(statement)
    monkeypatch.setenv("MASTODON", f"{postgres}&options=-csearch_path%3Dmastodon")
    shutil.copy(MAPPING, tmp_path / "mapping.yaml")
    done = import_snapshot(tmp_path / "mapping.yaml", tmp_path / "out")
    empty = {"consents": 0, "subscriptions": 0, "outbound_messages": 0, "retention_exceptions": 0}
    filled = {"users": 3, "profile_attributes": 2, "content_items": 2, "traffic_events": 2, "social_accounts": 1}
    assert done.rows == filled | empty
    assert done.notes == ["the role is a superuser: use one that may only read these tables"]
    rows = {table: pq.read_table(tmp_path / "out" / f"{table}.parquet").to_pylist() for table in filled}
    assert [(u["user_id"], u["status"], u["display_name"], u["profile_visibility"]) for u in rows["users"]] == [
        ("109", "active", "Ana", "public"),
        ("110", "deleted", None, "public"),
        ("111", "purged", None, "public"),
    ]
    assert rows["users"][0]["last_contact_at"] == dt.datetime(2025, 3, 1, 8, tzinfo=dt.UTC)
    assert [(c["content_id"], c["parent_id"], c["visibility"]) for c in rows["content_items"]] == [
        ("1", None, "public"),
        ("2", "1", "private"),
    ]
    assert [(a["attribute_id"], a["name"], a["value"]) for a in rows["profile_attributes"]] == [
        ("109-1", "pronouns", "she"),
        ("109-2", "site", "x"),
    ]
    assert [(e["user_id"], e["event_type"], e["ip"]) for e in rows["traffic_events"]] == [
        ("109", "login", "198.51.100.7"),
        ("110", "login_failed", "2001:db8::1"),
    ]
