"""Keys and detached signatures that stock OpenSSH makes and verifies: ed25519 in the SSHSIG format.

`ssh-keygen -Y verify -f signers -I NAME -n heytalk-audit -s evidence.sig < evidence.json` accepts what is written here. The layout is
OpenSSH's PROTOCOL.sshsig; the cryptography is the library's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from heytalk_audit.errors import InputError, printable

#: What a signature is for: one made for another purpose does not pass as one over evidence.
NAMESPACE = "heytalk-audit"
_MAGIC, _VERSION, _KIND, _HASH = b"SSHSIG", 1, b"ssh-ed25519", b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


@dataclass(frozen=True)
class Signer:
    """Who made a signature: the public key, as OpenSSH writes it, without a comment."""

    public: str

    @property
    def fingerprint(self) -> str:
        """SHA256:..., as `ssh-keygen -l` prints it."""
        raw = base64.b64decode(self.public.split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


class BadSignature(Exception):
    """A signature that is malformed, or not one over this content."""


def new_key(path: Path, passphrase: bytes | None = None) -> Signer:
    """A new private key at `path` (readable by its owner alone) and its public half at `path`.pub. Raises InputError."""
    public_path = path.with_name(path.name + ".pub")
    for taken in (path, public_path):
        if os.path.lexists(taken):
            raise InputError(f"key {taken.name}", "is there already", "name another file: a key is never overwritten")
    if not path.parent.is_dir():
        raise InputError(f"key {path.name}", "its folder is not there", "make the folder first")
    key = Ed25519PrivateKey.generate()
    sealed = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, sealed)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(written)
    signer = _signer(key.public_key())
    public_path.write_text(signer.public + "\n", "ascii")
    return signer


def load_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """The private key in a file of OpenSSH's form. Raises InputError."""
    try:
        key = serialization.load_ssh_private_key(path.read_bytes(), passphrase)
    except OSError as error:
        raise InputError(f"key {path.name}", "cannot be read", "name a private key, as heytalk-audit key new makes one") from error
    except TypeError as error:
        raise InputError(f"key {path.name}", "needs its passphrase, or has none", "set the variable that holds it, or unset it") from error
    except (ValueError, UnsupportedAlgorithm, binascii.Error) as error:
        raise InputError(f"key {path.name}", "is no key of OpenSSH's form, or has another passphrase", "name the private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"key {path.name}", "is no ed25519 key", "make one with heytalk-audit key new")
    return key


def public_of(key: Ed25519PrivateKey) -> Signer:
    """The public half of a key."""
    return _signer(key.public_key())


def sign(content: bytes, key: Ed25519PrivateKey, namespace: str = NAMESPACE) -> bytes:
    """A detached signature; the same content and key give the same bytes."""
    blob = _MAGIC + struct.pack(">I", _VERSION) + _string(_wire(key.public_key()))
    blob += _string(namespace.encode()) + _string(b"") + _string(_HASH)
    blob += _string(_string(_KIND) + _string(key.sign(_signed(content, namespace))))
    return _armoured(blob)


def verify(content: bytes, signature: bytes, namespace: str = NAMESPACE) -> Signer:
    """Who signed this content. Raises BadSignature. Whether that signer may sign is another question: see `allowed`."""
    blob = _unarmoured(signature)
    if blob[:6] != _MAGIC or struct.unpack(">I", blob[6:10])[0] != _VERSION:
        raise BadSignature("is no SSH signature of version 1")
    try:
        public, rest = _take(blob[10:])
        purpose, rest = _take(rest)
        reserved, rest = _take(rest)
        algorithm, rest = _take(rest)
        signed, rest = _take(rest)
        kind, inner = _take(signed)
        raw, inner = _take(inner)
        public_kind, key_part = _take(public)
        key_bytes, key_rest = _take(key_part)
    except (struct.error, ValueError) as error:
        raise BadSignature("is cut short") from error
    if rest or inner or key_rest or reserved or (kind, public_kind, algorithm) != (_KIND, _KIND, _HASH):
        raise BadSignature("is not made with ed25519 and SHA-512")
    if purpose != namespace.encode():
        raise BadSignature("was made for another purpose")
    try:
        key = Ed25519PublicKey.from_public_bytes(key_bytes)
        key.verify(raw, _signed(content, namespace))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("is not one over this content") from error
    return _signer(key)


def allowed(path: Path) -> dict[str, str]:
    """The signers of an OpenSSH allowed-signers file: public key to name. Raises InputError."""
    names = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"signers {path.name}", "cannot be read", "name a file with lines: NAME ssh-ed25519 KEY") from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if "ssh-ed25519" not in words[1:-1]:
            raise InputError(f"signers {path.name} line {number}", "has no ed25519 key", "write NAME ssh-ed25519 KEY")
        at = words.index("ssh-ed25519", 1)
        names[f"ssh-ed25519 {words[at + 1]}"] = printable(words[0])
    return names


def _signed(content: bytes, namespace: str) -> bytes:
    parts = (namespace.encode(), b"", _HASH, hashlib.sha512(content).digest())
    return _MAGIC + b"".join(map(_string, parts))


def _wire(key: Ed25519PublicKey) -> bytes:
    return _string(_KIND) + _string(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def _signer(key: Ed25519PublicKey) -> Signer:
    return Signer("ssh-ed25519 " + base64.b64encode(_wire(key)).decode())


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _take(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack(">I", data[:4])
    if len(data) < 4 + length:
        raise ValueError
    return data[4 : 4 + length], data[4 + length :]


def _armoured(blob: bytes) -> bytes:
    text = base64.b64encode(blob).decode()
    lines = [text[i : i + 70] for i in range(0, len(text), 70)]
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()


def _unarmoured(signature: bytes) -> bytes:
    try:
        lines = signature.decode("ascii").splitlines()
        if lines[0] != _BEGIN or lines[-1] != _END:
            raise ValueError
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    except (ValueError, IndexError, binascii.Error) as error:
        raise BadSignature("is no SSH signature") from error
    if len(blob) < 10:
        raise BadSignature("is cut short")
    if _armoured(blob) != signature:
        raise BadSignature("is not written as OpenSSH writes it")
    return blob
