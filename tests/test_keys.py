"""The engagement key: which is refused, which is weak, and what a run says of its own."""

from __future__ import annotations

import hashlib

import pytest
from commands import heytalk_audit, params, refused

from heytalk_audit.audit.pseudonym import fingerprint, is_key_of, key_check
from heytalk_audit.errors import InputError
from heytalk_audit.params import engagement_key

KEY = b"0123456789abcdef"


@pytest.mark.parametrize(("length", "usable"), [(1, False), (15, False), (16, True), (31, True), (32, True)])
def test_a_short_key_is_refused(length, usable, monkeypatch):
    monkeypatch.setenv("KEY_OF_TESTS", "k" * length)
    if usable:
        assert engagement_key("KEY_OF_TESTS") == b"k" * length
    else:
        with pytest.raises(InputError, match="shorter than 16 bytes"):
            engagement_key("KEY_OF_TESTS")


def test_bytes_are_counted_and_not_letters(monkeypatch):
    monkeypatch.setenv("KEY_OF_TESTS", "ş" * 8)
    assert len(engagement_key("KEY_OF_TESTS")) == 16


def test_a_run_refuses_a_short_key_and_warns_of_a_weak_one(demo, tmp_path):
    given = params(tmp_path, demo, rules=["DQ-05"])
    done = heytalk_audit("run", given, "--out", tmp_path / "out", env={"HEYTALK_AUDIT_KEY": "fifteen-letters"})
    refused(done, tmp_path / "out", "is shorter than 16 bytes")
    weak = heytalk_audit("run", given, "--out", tmp_path / "weak", env={"HEYTALK_AUDIT_KEY": "sixteen-letters!"})
    assert weak.returncode in (0, 1, 3), weak.stderr
    assert "warning: the key in HEYTALK_AUDIT_KEY is shorter than 32 bytes" in weak.stderr


def test_a_check_of_a_key_is_scrypt_with_fixed_parameters():
    wanted = hashlib.scrypt(KEY, salt=b"heytalk-audit:key-check", n=16384, r=8, p=1, dklen=16).hex()
    assert key_check(KEY) == wanted and wanted != key_check(KEY + b"g") and fingerprint(KEY) not in wanted
    assert is_key_of(KEY, wanted, None) and not is_key_of(KEY + b"g", wanted, None)
    assert is_key_of(KEY, None, fingerprint(KEY)) and not is_key_of(KEY, None, None)
    # where both stand, as in no run of any format, the stronger one decides
    assert not is_key_of(KEY, key_check(KEY + b"g"), fingerprint(KEY))
