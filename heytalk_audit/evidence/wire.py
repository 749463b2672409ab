"""OpenSSH's binary forms, as far as they are read here: strings with their length before them, and certificates of ed25519 keys."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)


@dataclass(frozen=True)
class Certificate:
    """An OpenSSH certificate whose own signature holds: the ed25519 key that it is of (raw), and what its authority says of that.

    `authority` is the public key of the authority as OpenSSH compares it; `valid_after` and `valid_before` are seconds since 1970.
    """

    blob: bytes
    key: bytes
    authority: bytes
    of_user: bool
    serial: int
    key_id: bytes
    principals: tuple[bytes, ...]
    valid_after: int
    valid_before: int


def string(value: bytes) -> bytes:
    """A string as OpenSSH writes it."""
    return struct.pack(">I", len(value)) + value


def first_string(data: bytes) -> tuple[bytes, bytes]:
    """The first string of some bytes, and what follows it. Raises ValueError."""
    if len(data) < 4:
        raise ValueError("no length")
    (length,) = struct.unpack(">I", data[:4])
    if len(data) < 4 + length:
        raise ValueError("cut short")
    return data[4 : 4 + length], data[4 + length :]


def strings(data: bytes, number: int | None = None) -> list[bytes]:
    """The strings that some bytes are, so many if that is said, and nothing else. Raises ValueError."""
    parts = []
    while data:
        part, data = first_string(data)
        parts.append(part)
    if number is not None and len(parts) != number:
        raise ValueError("other strings than expected")
    return parts


def certificate_in(blob: bytes) -> Certificate:
    """The certificate of an ed25519 key in its binary form. Raises ValueError, also where its authority did not sign it."""
    kind, _ = first_string(blob)
    try:
        identity = load_ssh_public_identity(kind + b" " + base64.b64encode(blob))
        if not isinstance(identity, SSHCertificate):
            raise ValueError("no certificate")
        identity.verify_cert_signature()
        key = identity.public_key()
        authority = identity.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        raise ValueError("its authority did not sign it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no certificate of an ed25519 key")
    return Certificate(
        blob=blob,
        key=key.public_bytes(Encoding.Raw, PublicFormat.Raw),
        authority=base64.b64decode(authority.split()[1]),
        of_user=identity.type is SSHCertificateType.USER,
        serial=identity.serial,
        key_id=bytes(identity.key_id),
        principals=tuple(bytes(principal) for principal in identity.valid_principals),
        valid_after=identity.valid_after,
        valid_before=identity.valid_before,
    )
