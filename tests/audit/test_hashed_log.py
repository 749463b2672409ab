"""A purge log whose ids are hashes: compared under its key, or not at all."""

from __future__ import annotations

import hashlib
import hmac

import pytest
import worlds

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.hashed_log import with_compared_ids
from heytalk_audit.errors import InputError
from heytalk_audit.params import purge_key
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

KEY = b"a key of the company"
COMPLETE = {name: {"name": name, "complete": True} for name in contract.load()}
KEYED = {"resources": list((COMPLETE | {"purge_log": COMPLETE["purge_log"] | {"user_id_form": "hmac_sha256"}}).values())}
RULES = ("RET-04", "RET-10", "RET-15", "RET-18")


def digest(user: str) -> str:
    return hmac.digest(KEY, user.encode(), hashlib.sha256).hex()


def audit_of(folder, ids, key=None, **said):
    """People purged in time, of whom one left something behind; their log has these ids."""
    purged = {"user_id": "u1", "status": "purged", "deleted_at": "2024-07-10T00:00:00Z", "purged_at": "2025-01-11T12:00:00Z"}
    rows = {
        "users": [purged, {"user_id": "u0", "display_name": "Ana Berg"}],
        "purge_log": [{"purge_id": f"p{n}", "user_id": id, "purged_at": "2025-01-11T12:00:00Z"} for n, id in enumerate(ids)],
        "profile_attributes": [{"attribute_id": "a1", "user_id": "u2", "value": "Anna from Kiel"}],
    }
    given = worlds.Case("RET-18", "", rows, "pass", 0, alone=True)
    worlds.deliver(folder, worlds.tables_of([given]), **said)
    policy = load_policy()
    snapshot = with_compared_ids(open_snapshot(folder, connect()), key)
    return Audit(snapshot, policy, settings_of(policy, {}))


@pytest.mark.parametrize("said", [KEYED, {}], ids=["said so", "seen by its ids"])
@pytest.mark.parametrize("rule", RULES)
def test_without_a_key_what_compares_ids_is_not_evaluated(tmp_path, rule, said):
    audit = audit_of(tmp_path, [digest("u1"), digest("u2")], **said)
    done = worlds.evaluated(rule, audit)
    assert (done.verdict, done.blocked_by) == ("NOT_EVALUATED", ("hashed_purge_log:purge_log",))


def test_under_the_key_people_are_found(tmp_path):
    audit = audit_of(tmp_path, [digest("u1").upper(), digest("u2"), digest("u3")], KEY, **KEYED)
    assert worlds.evaluated("RET-18", audit).verdict == "PASS"
    rows = worlds.evaluated("RET-15", audit).rows
    assert rows[["record", "outcome"]].values.tolist() == [["profile_attributes:u2", "violation"]]


def test_a_wrong_key_finds_nobody(tmp_path):
    audit = audit_of(tmp_path, [digest("u1")], b"another", **KEYED)
    assert worlds.evaluated("RET-18", audit).rows.reason.tolist() == ["no_purge_log"]


@pytest.mark.parametrize("plain", [1, 2])
def test_a_log_is_hashed_where_nearly_all_of_its_ids_are(tmp_path, plain):
    ids = [digest(f"x{n}") for n in range(19)] + ["u1"] * plain
    expected = "NOT_EVALUATED" if plain == 1 else "PASS"
    assert worlds.evaluated("RET-18", audit_of(tmp_path, ids)).verdict == expected


def test_ids_that_are_hashes_everywhere_compare(tmp_path):
    audit = audit_of(tmp_path, ["u1"])
    assert not audit.log_is_hashed


def test_a_key_that_is_named_must_be_there(monkeypatch):
    monkeypatch.setenv("PURGE_KEY", "abc")
    assert purge_key("PURGE_KEY") == b"abc"
    assert purge_key(None) is None
    monkeypatch.delenv("PURGE_KEY")
    with pytest.raises(InputError):
        purge_key("PURGE_KEY")
