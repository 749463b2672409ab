"""Keys and detached signatures that stock OpenSSH makes and verifies: ed25519, or a certificate of one, in the SSHSIG format.

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

from heytalk_audit.errors import InputError
from heytalk_audit.evidence.wire import Certificate, certificate_in, first_string, string, strings

#: What a signature is for: one made for another purpose does not pass as one over evidence.
NAMESPACE = "heytalk-audit"
_MAGIC, _VERSION, _KIND = b"SSHSIG", 1, b"ssh-ed25519"
_CERTIFICATE = b"ssh-ed25519-cert-v01@openssh.com"
_HASH = b"sha512"
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}
#: No signature is longer than this, armoured; a certificate may have many principals.
_LONGEST = 64_000
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


@dataclass(frozen=True)
class Signer:
    """Who made a signature: the public key, as OpenSSH writes it, without a comment, and the certificate that it was made with, if any."""

    public: str
    certificate: Certificate | None = None

    @property
    def blob(self) -> bytes:
        """The key, or the certificate, as OpenSSH compares it."""
        return self.certificate.blob if self.certificate else base64.b64decode(self.public.split()[1])

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
    blob = _MAGIC + struct.pack(">I", _VERSION) + string(_wire(key.public_key()))
    blob += string(namespace.encode()) + string(b"") + string(_HASH)
    blob += string(string(_KIND) + string(key.sign(_signed(content, namespace))))
    return _armoured(blob)


def verify(content: bytes, signature: bytes, namespace: str = NAMESPACE) -> Signer:
    """Who signed this content. Raises BadSignature. Whether that signer may sign is another question: see `allowed_signers`."""
    blob = _unarmoured(signature)
    if blob[:6] != _MAGIC or struct.unpack(">I", blob[6:10])[0] != _VERSION:
        raise BadSignature("is no SSH signature of version 1")
    try:
        public, purpose, reserved, algorithm, signed = strings(blob[10:], 5)
        kind, raw = strings(signed, 2)
        public_kind, _ = first_string(public)
    except ValueError as error:
        raise BadSignature("is cut short") from error
    if reserved or kind != _KIND or public_kind not in (_KIND, _CERTIFICATE) or algorithm not in _HASHES:
        raise BadSignature("is not made with ed25519 and SHA-512")
    if purpose != namespace.encode():
        raise BadSignature("was made for another purpose")
    try:
        certificate = certificate_in(public) if public_kind == _CERTIFICATE else None
        key = Ed25519PublicKey.from_public_bytes(certificate.key if certificate else strings(public, 2)[1])
        key.verify(raw, _signed(content, namespace, algorithm))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("is not one over this content") from error
    return _signer(key, certificate)


def _signed(content: bytes, namespace: str, algorithm: bytes = _HASH) -> bytes:
    parts = (namespace.encode(), b"", algorithm, _HASHES[algorithm](content).digest())
    return _MAGIC + b"".join(map(string, parts))


def _wire(key: Ed25519PublicKey) -> bytes:
    return string(_KIND) + string(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def _signer(key: Ed25519PublicKey, certificate: Certificate | None = None) -> Signer:
    return Signer("ssh-ed25519 " + base64.b64encode(_wire(key)).decode(), certificate)


def _armoured(blob: bytes) -> bytes:
    text = base64.b64encode(blob).decode()
    lines = [text[i : i + 70] for i in range(0, len(text), 70)]
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()


def _unarmoured(signature: bytes) -> bytes:
    if len(signature) > _LONGEST:
        raise BadSignature("is longer than any SSH signature")
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
