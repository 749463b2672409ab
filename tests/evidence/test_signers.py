"""Who may sign: the same files of allowed signers and revoked keys, the same answers as `ssh-keygen -Y verify` gives."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from heytalk_audit.errors import InputError
from heytalk_audit.evidence.patterns import absolute_time, is_listed
from heytalk_audit.evidence.signature import NAMESPACE, BadSignature, load_key, sign, verify
from heytalk_audit.evidence.signers import allowed_signers

pytestmark = [
    pytest.mark.xdist_group("signers"),
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen: it is the reference"),
]
CONTENT = b"what is signed\n"
AT = "20250615120000Z"
NAMES = ("ann", "bo@example.org", "cy")


def keygen(*arguments: object, content: bytes = b"") -> int:
    command = ["ssh-keygen", *map(str, arguments)]
    return subprocess.run(command, input=content, capture_output=True, timeout=60, check=False).returncode


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """Keys a, b and an authority's, certificates of a, and a signature over CONTENT with each of them."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("a", "b", "ca"):
        assert keygen("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name) == 0
    for name in ("rsa", "ecdsa"):
        assert keygen("-q", "-t", name, "-N", "", "-C", "", "-f", folder / name) == 0
    made = {
        "cert": ["-n", "ann,bo@example.org", "-V", "20240101Z:20260101Z", "-z", "7"],
        "expired": ["-n", "ann", "-V", "20230101Z:20240101Z"],
        "nameless": ["-V", "always:forever"],
        "host": ["-h", "-n", "ann", "-V", "always:forever"],
        "by-rsa": ["-n", "ann", "-V", "always:forever", "-z", "9"],
    }
    for name, options in made.items():
        shutil.copy(folder / "a", folder / name)
        shutil.copy(folder / "a.pub", folder / f"{name}.pub")
        authority = "rsa" if name == "by-rsa" else "ca"
        assert keygen("-q", "-s", folder / authority, "-I", f"id of {name}", *options, folder / f"{name}.pub") == 0
    for name in ("a", "b", *made):
        (folder / f"{name}.txt").write_bytes(CONTENT)
        key = folder / (f"{name}-cert.pub" if name in made else name)
        assert keygen("-q", "-Y", "sign", "-f", key, "-n", NAMESPACE, folder / f"{name}.txt") == 0
    return folder


def public(keys: Path, name: str) -> str:
    return (keys / f"{name}.pub").read_text("ascii").strip()


def ours(keys: Path, signers: Path, signature: str, identity: str, at: str = AT, revoked: Path | None = None) -> bool:
    signer = verify(CONTENT, (keys / f"{signature}.txt.sig").read_bytes())
    return allowed_signers(signers, 0, at, identity, revoked).name_of(signer, NAMESPACE) is not None


def theirs(keys: Path, signers: Path, signature: str, identity: str, at: str = AT, revoked: Path | None = None) -> bool:
    more = ["-r", revoked] if revoked else []
    status = keygen(
        *("-Y", "verify", "-f", signers, "-I", identity, "-n", NAMESPACE, "-s", keys / f"{signature}.txt.sig"),
        *(f"-Overify-time={at}", *more),
        content=CONTENT,
    )
    return status == 0


PRINCIPALS = [
    "ann",
    "ann,cy",
    "*",
    "a?n",
    "!ann,*",
    "*,!ann",
    '"ann"',
    '"bo@example.org,ann"',
    "*@example.org",
    "cy",
    '"ann',
    "ann,",
    ",",
    "a*,!*n",
]
OPTIONS = [
    *("", "cert-authority", "CERT-AUTHORITY", "cert-authorityx", "cert-authority,", "nonsense", "no-cert-authority"),
    *(
        'namespaces="heytalk-audit"',
        'namespaces="git,heytalk-*"',
        'namespaces="git"',
        'namespaces="!heytalk-audit,*"',
        "namespaces=heytalk-audit",
    ),
    *('Namespaces="heytalk-audit"', 'namespaces="a b,heytalk-audit"', 'namespaces="git",namespaces="heytalk-audit"', 'namespaces=""'),
    *('namespaces="heytalk-audit', 'namespaces="x\\"y,heytalk-audit"', 'namespaces="*"extra', 'namespaces="HEYTALK-AUDIT"'),
    *(
        'valid-after="20250101Z"',
        'valid-after="20250101"',
        'valid-after="20250701Z"',
        'valid-after="20250615120000Z"',
        'valid-after="2025061512Z"',
    ),
    *(
        'valid-after="20250615120001Z"',
        'valid-after="202506151200Z"',
        'valid-after="20251301Z"',
        'valid-after="19700101Z"',
        'valid-after="x"',
    ),
    *('valid-before="20250101Z"', 'valid-before="20250701Z"', 'valid-before="20250615120000Z"', 'valid-before="20250615115959Z"'),
    *(
        'valid-before="20250701utc"',
        'valid-before="20250701z"',
        'valid-before="20250231Z"',
        'valid-before="20260230"',
        "valid-before=20260101Z",
    ),
    *('valid-after="20250101Z",valid-before="20250701Z"', 'valid-after="20250701Z",valid-before="20250101Z"'),
    *('valid-after="20250101Z",valid-after="20250102Z"', 'valid-before="20250701Z",valid-after="20250701Z"', 'valid-after=" 2025010Z"'),
    *(
        'namespaces="heytalk-audit",valid-before="20260101Z"',
        'cert-authority,namespaces="heytalk-audit"',
        'cert-authority,valid-before="20250101Z"',
    ),
    *('namespaces="heytalk-audit" ,cert-authority', ",cert-authority", 'cert-authority,,namespaces="*"', 'valid-after="2025010112Z"'),
]


def generated_lines(keys: Path, pick: random.Random) -> list[str]:
    """Lines that take every option, and every list of principals, with this key or that one; and lines with something wrong in them."""
    named = [public(keys, name) for name in ("a", "ca", "b", "rsa", "ecdsa")]
    lines = [f"ann {option} {key}" for option in OPTIONS for key in named[:2]]
    lines += [f"{principal} {option} {key}" for principal in PRINCIPALS for option in ("", "cert-authority") for key in named[:2]]
    for _ in range(80):
        option = ",".join(filter(None, pick.sample(OPTIONS, k=pick.choice([1, 1, 2, 3]))))
        space = pick.choice([" ", "  ", "\t", " \t "])
        lines.append(
            pick.choice(["", " ", "\t"])
            + space.join([pick.choice(PRINCIPALS), option, pick.choice(named)])
            + pick.choice(["", " me", "\r"])
        )
    key = named[0]
    kind, blob = key.split()
    lines += [
        f"ann {kind}",
        "ann",
        f"ann {kind} {blob[:-4]}",
        f"ann {kind} {blob[:20]} {blob[20:]}",
        f"ann ssh-rsa {blob}",
        f"#ann {key}",
        f" # {key}",
    ]
    lines += [
        f"ann {kind}\t{blob}",
        f"ann {kind}  {blob}",
        f"ann {key}\0 more",
        f"ann x y {key}",
        f'ann "x y" {key}',
        f"ann {(keys / 'cert-cert.pub').read_text()}",
    ]
    return lines


def test_lines_of_allowed_signers_mean_what_they_mean_to_ssh_keygen(keys, tmp_path):
    lines = generated_lines(keys, random.Random(11))
    assert len(lines) > 200
    signers, accepted = tmp_path / "signers", 0
    for line in lines:
        signers.write_bytes(line.encode() + b"\n")
        signature = "cert" if "cert-authority" in line.lower() or "cert-v01" in line else "a"
        mine, reference = (check(keys, signers, signature, "ann") for check in (ours, theirs))
        assert mine == reference, line
        accepted += mine
    assert 40 < accepted < len(lines) - 40


def test_files_of_several_lines_and_any_signer(keys, tmp_path):
    pick, signers, accepted = random.Random(12), tmp_path / "signers", 0
    lines = generated_lines(keys, pick)
    for _ in range(40):
        signers.write_bytes("\n".join(pick.choices(lines, k=pick.randrange(2, 9))).encode())
        signature = pick.choice(["a", "a", "b", "cert", "cert", "expired", "nameless", "host", "by-rsa"])
        answers = {name: theirs(keys, signers, signature, name) for name in NAMES}
        assert {name: ours(keys, signers, signature, name) for name in NAMES} == answers, (signers.read_bytes(), signature)
        accepted += any(answers.values())
        # without a name, somebody signed it wherever one of these did
        assert ours(keys, signers, signature, "") >= any(answers.values())
    assert accepted > 5


def test_certificates_are_their_authoritys(keys, tmp_path):
    signers = tmp_path / "signers"
    for authority in ("ca", "rsa", "b"):
        signers.write_text(f"* cert-authority {public(keys, authority)}\n")
        for signature in ("cert", "expired", "nameless", "host", "by-rsa", "a"):
            for name in NAMES:
                for at in (AT, "20231231235959Z", "20240101Z", "20260101Z"):
                    assert ours(keys, signers, signature, name, at) == theirs(keys, signers, signature, name, at), (
                        authority,
                        signature,
                        name,
                        at,
                    )


def test_revoked_keys_are_refused(keys, tmp_path):
    signers, serials = tmp_path / "signers", tmp_path / "serials"
    signers.write_text(f"ann {public(keys, 'a')}\n* cert-authority {public(keys, 'ca')}\n* cert-authority {public(keys, 'rsa')}\n")
    lists = {name: tmp_path / f"{name}.krl" for name in ("a", "b", "ca", "rsa")}
    for name, file in lists.items():
        assert keygen("-q", "-k", "-f", file, keys / f"{name}.pub") == 0
    said = {
        "serial": "serial: 7\n",
        "range": "serial: 5-80\n",
        "many": "".join(f"serial: {n}\n" for n in range(1, 200, 2)),
        "few": "serial: 3\nserial: 90000000000\n",
        "id": "id: id of cert\n",
        "sha256": f"sha256: {public(keys, 'a')}\n",
        "sha1": f"sha1: {public(keys, 'b')}\n",
        "key": f"key: {public(keys, 'a')}\n",
    }
    for name, text in said.items():
        serials.write_text(text)
        lists[name] = tmp_path / f"{name}.krl"
        assert keygen("-q", "-k", "-f", lists[name], "-s", keys / "ca.pub", serials) == 0
    for name in ("a", "ca", "cert-cert"):
        lists[f"list of {name}"] = tmp_path / f"{name}.txt"
        lists[f"list of {name}"].write_text(f"# revoked\n\n{public(keys, name)} comment\n")
    answers = set()
    for name, file in lists.items():
        for signature in ("a", "cert", "by-rsa"):
            mine, reference = (check(keys, signers, signature, "ann", revoked=file) for check in (ours, theirs))
            assert mine == reference, (name, signature)
            answers.add(mine)
    assert answers == {True, False}
    (tmp_path / "broken").write_bytes(lists["serial"].read_bytes()[:-3])
    for broken in (tmp_path / "broken", tmp_path / "none"):
        assert not theirs(keys, signers, "a", "ann", revoked=broken)
        with pytest.raises(InputError, match="revoked"):
            ours(keys, signers, "a", "ann", revoked=broken)


def test_instants_are_openssh_s():
    assert absolute_time(b"20250101Z") == 1735689600 == absolute_time(b"202501010000utc") == absolute_time(b"20250101000000Z")
    assert [absolute_time(text) for text in (b"", b"Z", b"2025", b"20251301Z", b"2025010100000", b"19691231Z", b"2025-01-01")] == [None] * 7
    assert not is_listed(b"a" * 5_000, b"a*" * 400 + b"b")


def test_a_signature_with_sha256_is_read_and_no_other_form(keys, tmp_path):
    (tmp_path / "m").write_bytes(CONTENT)
    assert keygen("-q", "-Y", "sign", "-f", keys / "a", "-n", NAMESPACE, "-Ohashalg=sha256", tmp_path / "m") == 0
    assert verify(CONTENT, (tmp_path / "m.sig").read_bytes()).public == public(keys, "a")
    signature = sign(CONTENT, load_key(keys / "a"))
    for wrong in (signature[:-40], signature * 2, b"", signature.replace(b"U1NI", b"U1NJ"), b"\xff" + signature, signature + b" " * 70_000):
        with pytest.raises(BadSignature):
            verify(CONTENT, wrong)
