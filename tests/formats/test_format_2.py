"""A run of format 2, which tells its key by a fingerprint: a run of today follows it up with the key, and without it compares counts."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from commands import KEY, heytalk_audit

from heytalk_audit.audit.document import FORMAT, read_results
from heytalk_audit.audit.pseudonym import fingerprint, key_check
from heytalk_audit.evidence.folder import results_of
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.follow_up.compare import same_key
from heytalk_audit.follow_up.earlier import read_run

pytestmark = pytest.mark.xdist_group("format-2")
OTHER = "another-key-which-is-long-enough-for-anybody"


@pytest.fixture(scope="session")
def format_2(shared) -> Path:
    """The kept run's folder."""

    def unpack(folder: Path) -> None:
        with tarfile.open(Path(__file__).with_name("format-2.tar.xz")) as archive:
            archive.extractall(folder, filter="data")

    return shared("format-2", unpack) / "format-2"


def test_it_is_verified_and_read(format_2):
    assert verify_pack(format_2).faults == ()
    assert results_of(format_2)["format"] == 2 and "format" not in json.loads((format_2 / "evidence.json").read_bytes())
    results = read_results(results_of(format_2))
    assert results.format == FORMAT and results.audit.key_check is None
    assert results.audit.key_fingerprint == fingerprint(KEY.encode())
    assert results.audit.is_made_with(KEY.encode()) and not results.audit.is_made_with(OTHER.encode())


def test_a_run_of_today_has_a_check_of_its_key_and_formats(audited):
    audit = results_of(audited)["audit"]
    assert audit["key_check"] == key_check(KEY.encode()) and "key_fingerprint" not in audit
    assert results_of(audited)["format"] == FORMAT and json.loads((audited / "evidence.json").read_bytes())["format"] == 2


def test_whether_two_formats_have_one_key_is_known_with_the_key(format_2, audited):
    old, new = read_run(format_2), read_run(audited)
    assert [same_key(old, new, key) for key in (KEY.encode(), OTHER.encode(), None)] == [True, False, None]
    assert same_key(new, new, None) is True and same_key(old, old, None) is True


@pytest.mark.parametrize(
    ("key", "keys"), [(KEY, "same"), ("", "not known without the key: counts only"), (OTHER, "different: counts only")]
)
def test_it_is_set_beside_a_run_of_today(format_2, audited, key, keys, tmp_path):
    done = heytalk_audit("diff", format_2, audited, "--json", tmp_path / "diff.json", env={"HEYTALK_AUDIT_KEY": key})
    assert done.returncode in (0, 1), done.stderr
    document = json.loads((tmp_path / "diff.json").read_text("utf-8"))
    assert document["keys"] == keys
    assert any(rule["rows"] for rule in document["rules"]) == (keys == "same")
    assert ("export HEYTALK_AUDIT_KEY" in done.stdout) == (not key)
