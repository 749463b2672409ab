"""Evidence packs: stock tools accept them, a changed byte is named, a replay is identical or says since what it is not."""

from __future__ import annotations

import base64
import datetime as dt
import json
import random
import shutil
import subprocess
import urllib.parse
from pathlib import Path

import bagit
import checkers
import pytest
import yaml
from commands import heytalk_audit, run
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from heytalk_audit import __version__
from heytalk_audit.canonical import PACKAGE, canonical, digest
from heytalk_audit.evidence import statement
from heytalk_audit.evidence.commit import commit_of_the_code
from heytalk_audit.evidence.sign_off import beside, checked_sign_offs, sign_offs_of
from heytalk_audit.evidence.signature import load_key, new_key, public_of, sign
from heytalk_audit.evidence.signers import allowed_signers
from heytalk_audit.evidence.verify import PackState, pack_standing, verify_pack
from heytalk_audit.evidence.words import lines_of
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


def test_verify_says_who_signed_and_that_nobody_known_did(signed, audited, tmp_path):
    done = heytalk_audit("verify", signed / "bag")
    assert done.returncode == 3 and "SHA256:" in done.stdout and "nobody said whom to trust" in done.stdout
    signers, (public, other) = tmp_path / "signers", ((signed / f"{name}.pub").read_text("ascii") for name in ("key", "key2"))
    lines = {
        f"ann {public}": (0, "signed by ann"),
        f"bo {other}": (3, "not among the signers"),
        f'ann namespaces="git" {public}': (3, "not among the signers"),
        f'ann valid-before="20240101Z" {public}': (3, "not among the signers"),
        f"ann nonsense {public}": (3, "not among the signers"),
    }
    for line, (status, words) in lines.items():
        signers.write_text(line, "ascii")
        done = heytalk_audit("verify", signed / "bag", "--signers", signers)
        assert done.returncode == status and words in done.stdout, line
    assert "line 1 has an option that OpenSSH does not know" in done.stderr
    signers.write_text(f'ann valid-before="20240101Z" {public}', "ascii")
    assert heytalk_audit("verify", signed / "run", "--signers", signers, "--at", "20231231Z").returncode == 0
    assert heytalk_audit("verify", signed / "run", "--signers", signers, "--at", "20231231Z", "--identity", "bo").returncode == 3
    assert heytalk_audit("verify", signed / "run", "--at", "20231231Z").returncode == 2
    done = heytalk_audit("verify", audited, "--signers", signers)
    assert done.returncode == 3 and "nothing changed since it was written; nothing says who wrote it" in done.stdout
    assert heytalk_audit("verify", tmp_path).returncode == 2
    assert heytalk_audit("verify", ".", cwd=audited).returncode == heytalk_audit("verify", "..", cwd=audited / "inputs").returncode == 3


def resealed(run: Path, change) -> None:
    """Write a run's statement anew, as a forger does, after a change of it."""
    document = json.loads((run / "evidence.json").read_bytes())
    document["subject"] = statement.subjects(run)
    change(document)
    document["predicate"]["runDetails"]["metadata"]["invocationId"] = statement.own_digest(document)
    (run / "evidence.json").write_bytes(canonical(document))


def test_a_signature_that_was_made_is_missed(signed, tmp_path):
    run_ = tmp_path / "run"
    shutil.copytree(signed / "run", run_)
    (run_ / "evidence.sig").unlink()
    done = heytalk_audit("verify", run_)
    assert done.returncode == 1 and "changed: evidence.sig: is missing" in done.stdout
    assert pack_standing(run_).state is PackState.CHANGED
    # who signs with another key has to say so in the evidence, and then is another signer
    (run_ / "evidence.sig").write_bytes(sign((run_ / "evidence.json").read_bytes(), load_key(signed / "key2")))
    assert verified(run_) == ["evidence.sig"]
    resealed(run_, lambda document: document["predicate"]["buildDefinition"].update(internalParameters={}))
    assert verified(run_) == ["evidence.sig"]
    (run_ / "evidence.sig").unlink()
    assert pack_standing(run_).state is PackState.UNSIGNED and heytalk_audit("verify", run_).returncode == 3


def test_the_standing_of_a_pack_is_one_of_five(signed, audited, tmp_path):
    signers = tmp_path / "signers"
    signers.write_text("ann " + (signed / "key.pub").read_text("ascii"), "ascii")
    trust = allowed_signers(signers, 0)
    standing = pack_standing(signed / "run", trust)
    assert (standing.state, standing.name, standing.state.status) == (PackState.SIGNED, "ann", 0)
    assert pack_standing(signed / "run").state is PackState.SIGNER_UNKNOWN
    assert pack_standing(audited, trust).state is PackState.UNSIGNED
    assert [pack_standing(place).state for place in (tmp_path, tmp_path / "none", signers)] == [PackState.UNREADABLE] * 3


def test_the_statement_names_builder_release_and_the_commit_that_the_code_is(signed):
    predicate = json.loads((signed / "run" / "evidence.json").read_text("utf-8"))["predicate"]
    builder = predicate["runDetails"]["builder"]
    assert urllib.parse.urlsplit(builder["id"]).scheme == "https" and builder["version"] == {"heytalk-audit": __version__}
    used = {m["name"]: m["digest"] for m in predicate["buildDefinition"]["resolvedDependencies"]}
    commit = commit_of_the_code()
    assert used.get("commit") == ({"gitCommit": commit} if commit else None)
    assert predicate["buildDefinition"]["internalParameters"] == {"signingKey": public_of(load_key(signed / "key")).fingerprint}
    assert predicate["buildDefinition"]["externalParameters"]["engine"] == "duckdb"


#: The signature of an envelope, verified by another library with a key: its last line is an error where it is not that key's.
VERIFIED_BY_KEY = """
import json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
key = SSlibKey.from_crypto(load_pem_public_key(sys.argv[2].encode()))
assert list(Envelope.from_dict(json.load(open(sys.argv[1]))).verify([key], 1)) == [key.keyid]
"""


def test_an_envelope_is_verified_by_other_tools(signed, audited, tmp_path):
    done = heytalk_audit("export", signed / "run", "--format", "dsse", "--out", tmp_path / "out", "--key", signed / "key")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out" / "evidence.dsse.json").read_text("utf-8"))
    assert base64.b64decode(written["payload"]) == (signed / "run" / "evidence.json").read_bytes()
    for more in ([], ["--key", signed / "key2"]):
        assert heytalk_audit("export", signed / "run", "--format", "dsse", "--out", tmp_path / "no", *more).returncode == 2
    assert heytalk_audit("export", audited, "--format", "dsse", "--out", tmp_path / "any", "--key", signed / "key2").returncode == 0
    public = [load_key(signed / name).public_key() for name in ("key", "key2")]
    pem = [key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii") for key in public]
    for key, verified in zip(pem, (True, False), strict=True):
        done = checkers.run_script(VERIFIED_BY_KEY, tmp_path / "out" / "evidence.dsse.json", key)
        assert (done.returncode == 0) is verified, done.stderr
        assert verified or "VerificationError" in done.stderr


def replayed(signed: Path, demo: Path, *more: object) -> tuple[int, list[str]]:
    done = heytalk_audit("replay", signed / "bag", "--snapshot", demo, *more)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_replay_is_identical(signed, demo):
    equal = "verdicts, ledgers and exception rows are equal"
    assert replayed(signed, demo) == (0, [equal, f"{signed / 'bag'}: identical"])


def rewritten(signed: Path, folder: Path, change, material: dict[str, str]) -> Path:
    """A run whose results were written otherwise, with a statement over them, as other code or an earlier version wrote it."""
    shutil.copytree(signed / "run", folder)
    results = json.loads((folder / "results.json").read_bytes())
    change(results)
    (folder / "results.json").write_bytes(canonical(results))
    (folder / "evidence.sig").unlink()

    def others(document) -> None:
        build = document["predicate"]["buildDefinition"]
        build["internalParameters"] = {}
        build["resolvedDependencies"] = [
            m | {"digest": {"sha256": material.get(m["name"], m["digest"].get("sha256"))}}
            for m in build["resolvedDependencies"]
            if m["name"] != "commit"
        ]

    resealed(folder, others)
    return folder


def test_a_replay_with_other_code_says_first_whether_the_data_say_the_same(signed, demo, tmp_path):
    def other_code(results) -> None:
        results["audit"]["tool"]["code_sha256"] = "0" * 64

    run_ = rewritten(signed, tmp_path / "run", other_code, {"code/rules/retention.py": "0" * 64})
    done = heytalk_audit("replay", run_, "--snapshot", demo)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and lines[0] == "verdicts, ledgers and exception rows are equal", done.stderr
    assert "since code/rules/retention.py: changed" in lines and "differs: results.json: differs" in lines


def test_a_replay_of_an_earlier_format_compares_what_the_data_say(signed, demo, tmp_path):
    def format_1(results) -> None:
        del results["format"]
        for rule in results["rules"]:
            over_time = rule["over_time"]
            rule["over_time"] = over_time and {"said": over_time["words"], "points": over_time["points"]}

    run_ = rewritten(signed, tmp_path / "run", format_1, {})
    done = heytalk_audit("replay", run_, "--snapshot", demo)
    assert done.returncode == 0 and "format 1 can't be written any more" in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == "verdicts, ledgers and exception rows are equal"


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
    assert (
        "Bo &lt;b&gt;" in cover
        and "only one signer states it" in cover
        and 'href="../run/index.html#limits"' in cover
        and "complian" not in cover.replace("compliance with law", "")
    )
    signed_off = checked_sign_offs(run).signed
    assert signed_off["reviewer"].replayed and signed_off["reviewer"].evidence_sha256 == signed_off["preparer"].evidence_sha256
    done = heytalk_audit("verify", run)
    assert done.returncode == 3 and "signed off by its preparer: Ann" in done.stdout and "signed off by its reviewer: Bo" in done.stdout
    assert "Report of procedures performed (no assurance)" in (run / "index.html").read_text("utf-8")
    assert verified(run) == []
    file = beside(run) / "reviewer.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"name": "Cy"}))
    assert "have the run signed again" in sign("preparer", "Ann", "key").stderr
    assert verified(run) == ["run.sign-off/reviewer.json"] and heytalk_audit("verify", run).returncode == 1
    for command in (("diff", run, run), ("export", run, "--out", signed / "x"), ("replay", run, "--snapshot", demo)):
        done = heytalk_audit(*command)
        assert done.returncode in (1, 2) and "reviewer.json" in done.stdout + done.stderr, command
    shutil.rmtree(beside(run))


def test_a_sign_off_is_checked_where_it_is_read(signed, tmp_path):
    now, run_ = dt.datetime(2025, 4, 2, tzinfo=dt.UTC), tmp_path / "run"
    shutil.copytree(signed / "run", run_)
    folder = beside(run_)

    def stands() -> list[str]:
        return [f"{fault.file.rpartition('/')[2]}: {fault.what}" for fault in sign_offs_of(run_, run_ / "evidence.json").faults]

    def write(role: str, key: str, **more: object) -> None:
        document = json.loads((folder / "preparer.json").read_text("utf-8")) | {"role": role, "replayed": True} | more
        document |= {"public_key": public_of(load_key(signed / key)).public}
        sign_off._write(folder, role, canonical(document), load_key(signed / key))

    sign_off.sign_off(run_, "preparer", "Ann Lee", load_key(signed / "key"), now, [], "")
    for name in ("reviewer.json", "reviewer.json.sig"):
        shutil.copy(folder / name.replace("reviewer", "preparer"), folder / name)
    assert stands() == ["reviewer.json: was signed as preparer"]
    write("reviewer", "key", name="Bo")
    assert stands() == ["reviewer.json: was signed with the preparer's key"]
    for name in ("ann lee", "\uff21nn\u200b Lee", "Ann-Lee", "\u0410nn Lee", "ANN  L\u0435e"):
        write("reviewer", "key2", name=name)
        assert stands() == ["reviewer.json: was signed by the preparer: nobody reviews their own work"], name
    write("reviewer", "key2", name="Bo \x1b[2J\u202e")
    assert stands() == [] and not any("\x1b" in line or "\u202e" in line for line in lines_of(pack_standing(run_), run_))
    write("reviewer", "key2", name="Bo", replayed=False)
    assert stands() == ["reviewer.json: was signed by a reviewer who has not recomputed the run"]
    write("reviewer", "key2", name="Bo", evidence_sha256="0" * 64)
    assert stands() == ["reviewer.json: is on other evidence than this run's"]
    write("reviewer", "key2", name="Bo", overrides=[{"area": "none", "rating": "High", "reason": "x"}])
    assert stands() == ["reviewer.json: is no sign-off (overrides.0.area)"]
    write("reviewer", "key2", name="Bo")
    assert stands() == []
    (folder / "preparer.json").unlink()
    assert stands() == ["preparer.json: is missing, and the reviewer has signed"]
    (folder / "preparer.json").symlink_to(folder / "reviewer.json")
    assert stands() == ["preparer.json: it or its signature cannot be read"]


def test_an_old_sign_off_is_told_apart_and_set_aside(signed, audited, tmp_path):
    now, run_ = dt.datetime(2025, 4, 2, tzinfo=dt.UTC), tmp_path / "run"
    shutil.copytree(signed / "run", run_)
    sign_off.sign_off(run_, "preparer", "Ann", load_key(signed / "key"), now, [], "")
    sign_off.sign_off(run_, "reviewer", "Bo", load_key(signed / "key2"), now, [], "")
    evidence = digest((run_ / "evidence.json").read_bytes())
    shutil.rmtree(run_)
    shutil.copytree(audited, run_)
    done = heytalk_audit("verify", run_)
    assert done.returncode == 3 and f"the sign-off beside it is of other evidence ({evidence[:12]})" in done.stdout
    assert (
        "preparer signs this run first"
        in heytalk_audit("sign", run_, "--role", "reviewer", "--name", "Bo", "--key", signed / "key2").stderr
    )
    done = heytalk_audit("sign", run_, "--role", "preparer", "--name", "Bo", "--key", signed / "key2")
    place = tmp_path / f"run.sign-off.{evidence[:12]}"
    assert done.returncode == 0 and f"{place}: set aside" in done.stdout
    assert sorted(p.name for p in place.iterdir()) == [
        "cover.html",
        *(f"{r}.json{s}" for r in ("preparer", "reviewer") for s in ("", ".sig")),
    ]
    assert list(checked_sign_offs(run_).signed) == ["preparer"]


def test_keys_are_kept_and_refused(signed, tmp_path):
    assert (signed / "key").stat().st_mode & 0o077 == 0
    assert heytalk_audit("key", "new", signed / "key").returncode == 2
    env = {"HEYTALK_AUDIT_PASSPHRASE": "a long passphrase"}
    assert heytalk_audit("key", "new", tmp_path / "sealed", env=env).returncode == 0
    assert b"bcrypt" in base64.b64decode("".join((tmp_path / "sealed").read_text("ascii").splitlines()[1:-1]))
    done = heytalk_audit("sign", signed / "run", "--role", "preparer", "--name", "A", "--key", tmp_path / "sealed")
    assert done.returncode == 2 and "passphrase" in done.stderr
    parameters = yaml.safe_load((signed / "run" / "inputs" / "parameters.yaml").read_text("utf-8"))
    assert "signing" not in parameters and "engine" not in parameters and parameters["snapshot"] == "snapshot"
    assert "key_env" not in parameters["report"]
