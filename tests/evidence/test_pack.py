"""Evidence packs: stock tools accept them, a changed byte is named, a replay is identical or says since what it is not."""

from __future__ import annotations

import base64
import datetime as dt
import json
import random
import shutil
import subprocess
from pathlib import Path

import bagit
import pytest
import yaml
from commands import heytalk_audit, run

from heytalk_audit.canonical import PACKAGE
from heytalk_audit.evidence.sign_off import beside, read_sign_off
from heytalk_audit.evidence.signature import load_key, new_key
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.handover import sign_off

pytestmark = pytest.mark.xdist_group("pack")
SOME = {"chapters": ["evidence", "retention"], "rules": ["DQ-03", "RET-01", "RET-05", "RET-07"]}


@pytest.fixture(scope="module")
def signed(tmp_path_factory, demo):
    """A signed run of some rules, a bag of it, and the keys: run, bag, key, key2."""
    folder = tmp_path_factory.mktemp("pack")
    for name in ("key", "key2"):
        new_key(folder / name)
    register = {"signing": {"key": str(folder / "key")}}
    assert run(demo, folder / "run", **SOME, **register).returncode == 1
    done = heytalk_audit("pack", folder / "run", folder / "bag")
    assert done.returncode == 0, done.stderr
    return folder


def verified(folder: Path) -> list[str]:
    return [fault.file for fault in verify_pack(folder).faults]


def test_stock_tools_accept_a_pack(signed, tmp_path):
    assert verified(signed / "run") == verified(signed / "bag") == []
    assert bagit.Bag(str(signed / "bag")).validate()
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen")
    signers = tmp_path / "signers"
    signers.write_text("ann " + (signed / "key.pub").read_text("ascii"), "ascii")
    command = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "ann", "-n", "heytalk-audit", "-s", signed / "run" / "evidence.sig"]
    content = (signed / "run" / "evidence.json").read_bytes()
    assert subprocess.run(command, input=content, capture_output=True, check=False).returncode == 0
    assert subprocess.run(command, input=content + b" ", capture_output=True, check=False).returncode != 0


def test_a_changed_byte_is_named_wherever_it_is(signed, tmp_path):
    shutil.copytree(signed / "bag", tmp_path / "bag")
    files = sorted(p for p in (tmp_path / "bag").rglob("*") if p.is_file())
    pick = random.Random(5)
    places = [(file, n) for file in files for n in (0, file.stat().st_size - 1)]
    places += [(file, pick.randrange(file.stat().st_size)) for file in pick.choices(files, k=150)]
    for file, place in places:
        content = file.read_bytes()
        changed = bytearray(content)
        changed[place] ^= 1 << pick.randrange(8)
        file.write_bytes(changed)
        name = file.relative_to(tmp_path / "bag").as_posix()
        assert verified(tmp_path / "bag") == [name], (name, place)
        if name.startswith("data/"):
            assert verified(tmp_path / "bag" / "data") == [name.removeprefix("data/")], (name, place)
        file.write_bytes(content)
    assert verified(tmp_path / "bag") == []


def test_what_is_missing_or_foreign_is_named(signed, tmp_path):
    shutil.copytree(signed / "bag", tmp_path / "bag")
    (tmp_path / "bag" / "data" / "note.txt").write_text("x")
    assert verified(tmp_path / "bag") == ["data/note.txt"]
    (tmp_path / "bag" / "data" / "note.txt").unlink()
    for name in ("data/results.json", "data/evidence.json", "data/evidence.sig", "manifest-sha256.txt"):
        (tmp_path / "bag" / name).rename(tmp_path / "kept")
        assert verified(tmp_path / "bag") == [name]
        (tmp_path / "kept").rename(tmp_path / "bag" / name)
    (tmp_path / "bag" / "data" / "index.html").unlink()
    (tmp_path / "bag" / "data" / "index.html").symlink_to(signed / "run" / "index.html")
    assert verified(tmp_path / "bag") == ["data/index.html"]


def test_verify_says_who_signed_and_exits_one_where_it_is_somebody_else(signed, tmp_path):
    done = heytalk_audit("verify", signed / "bag")
    assert done.returncode == 0 and "SHA256:" in done.stdout
    signers = tmp_path / "signers"
    signers.write_text("ann " + (signed / "key.pub").read_text("ascii"), "ascii")
    assert "signed by ann" in heytalk_audit("verify", signed / "bag", "--signers", signers).stdout
    signers.write_text("bo " + (signed / "key2.pub").read_text("ascii"), "ascii")
    done = heytalk_audit("verify", signed / "bag", "--signers", signers)
    assert done.returncode == 1 and "not among the signers" in done.stdout
    assert heytalk_audit("verify", tmp_path).returncode == 2


def replayed(signed: Path, demo: Path, *more: object) -> tuple[int, list[str]]:
    done = heytalk_audit("replay", signed / "bag", "--snapshot", demo, *more)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_replay_is_identical(signed, demo):
    assert replayed(signed, demo) == (0, [f"{signed / 'bag'}: identical"])


def test_a_replay_names_a_changed_row_and_a_changed_parameter(signed, demo, tmp_path):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    shutil.copytree(demo, tmp_path / "demo")
    users = pq.read_table(tmp_path / "demo" / "users.parquet")
    row = pc.index(users["status"], "purged").as_py()
    names = users["display_name"].to_pylist()
    names[row] = "somebody else"
    users = users.set_column(users.schema.get_field_index("display_name"), users.schema.field("display_name"), [names])
    pq.write_table(users, tmp_path / "demo" / "users.parquet")
    status, lines = replayed(signed, tmp_path / "demo", "-p", "settings.unknown_limit=0.02")
    assert status == 1
    assert [line for line in lines if line.startswith("since")] == [
        "since parameters: settings.unknown_limit: not set before, 0.02 now",
        "since snapshot/users: changed",
    ]
    assert "differs: results.json: differs" in lines


def test_a_replay_names_a_changed_policy_number(signed, demo, tmp_path):
    own = tmp_path / "policy.yaml"
    shipped = PACKAGE / "policy" / "heytalk" / "policy.yaml"
    own.write_text(shipped.read_text("utf-8").replace("account_window: {value: 6,", "account_window: {value: 5,"), "utf-8")
    status, lines = replayed(signed, demo, "-p", f"policy.name={own}")
    assert status == 1 and "since policy/periods.account_window: changed" in lines
    assert "differs: exceptions/RET-01.parquet: differs" in lines


def test_two_people_sign_and_the_second_has_recomputed(signed, demo):
    run, now = signed / "run", dt.datetime(2025, 4, 2, tzinfo=dt.UTC)

    def sign(role: str, name: str, key: str, *more: str):
        return heytalk_audit("sign", run, "--role", role, "--name", name, "--key", signed / key, *more)

    shutil.rmtree(beside(run), ignore_errors=True)
    assert "not signed by its preparer" in sign("reviewer", "Bo", "key2", "--snapshot", demo).stderr
    sign_off.sign_off(run, "preparer", "Ann", load_key(signed / "key"), now, [], "")
    assert "a key of their own" in sign("reviewer", "Bo", "key", "--snapshot", demo).stderr
    assert "their own work" in sign("reviewer", " ANN", "key2", "--snapshot", demo).stderr
    assert "recomputes" in sign("reviewer", "Bo", "key2").stderr
    override = "retention=Limited: the owner accepts the late purge"
    done = sign("reviewer", "Bo <b>", "key2", "--snapshot", demo, "--override", override)
    assert done.returncode == 0, done.stderr
    cover = (beside(run) / "cover.html").read_text("utf-8")
    assert "Bo &lt;b&gt;" in cover and "only one signer states it" in cover and "complian" not in cover.replace("compliance with law", "")
    document = read_sign_off(run, "reviewer")
    assert document["replayed"] and document["evidence_sha256"] == read_sign_off(run, "preparer")["evidence_sha256"]
    assert "Report of procedures performed (no assurance)" in (run / "index.html").read_text("utf-8")
    assert verified(run) == []
    file = beside(run) / "reviewer.json"
    file.write_text(json.dumps(document | {"name": "Cy"}))
    assert "have it signed again" in sign("preparer", "Ann", "key").stderr


def test_keys_are_kept_and_refused(signed, tmp_path):
    assert (signed / "key").stat().st_mode & 0o077 == 0
    assert heytalk_audit("key", "new", signed / "key").returncode == 2
    env = {"HEYTALK_AUDIT_PASSPHRASE": "a long passphrase"}
    assert heytalk_audit("key", "new", tmp_path / "sealed", env=env).returncode == 0
    assert b"bcrypt" in base64.b64decode("".join((tmp_path / "sealed").read_text("ascii").splitlines()[1:-1]))
    done = heytalk_audit("sign", signed / "run", "--role", "preparer", "--name", "A", "--key", tmp_path / "sealed")
    assert done.returncode == 2 and "passphrase" in done.stderr
    parameters = yaml.safe_load((signed / "run" / "inputs" / "parameters.yaml").read_text("utf-8"))
    assert "signing" not in parameters and parameters["snapshot"] == "snapshot"
