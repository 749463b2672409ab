"""Keys that are revoked: a list of public keys, or OpenSSH's binary list (KRL), as `ssh-keygen -Y verify -r` reads both.

The layout is OpenSSH's PROTOCOL.krl.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from heytalk_audit.canonical import bytes_bounded
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.signature import Signer
from heytalk_audit.evidence.wire import first_string, string, strings

_MAGIC, _VERSION = b"SSHKRL\n\0", 1
_CERTIFICATES, _KEYS, _SHA1, _SHA256 = 1, 2, 3, 5
_SERIALS, _RANGE, _BITMAP, _KEY_IDS = 0x20, 0x21, 0x22, 0x23
#: A file of them is no larger, in bytes.
_MOST = 64_000_000


@dataclass
class RevokedByAuthority:
    """Certificates of one authority, or of any (empty), that are revoked: by serial, as single ones, ranges and bitmaps, or by key id."""

    authority: bytes
    serials: set[int] = field(default_factory=set)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    bitmaps: list[tuple[int, int]] = field(default_factory=list)
    key_ids: set[bytes] = field(default_factory=set)

    def has(self, serial: int, key_id: bytes) -> bool:
        """Whether a certificate is revoked. The serial 0 is that of certificates without one, and is not asked for."""
        if key_id in self.key_ids:
            return True
        in_bitmap = any(serial >= offset and bits >> (serial - offset) & 1 for offset, bits in self.bitmaps)
        in_range = any(low <= serial <= high for low, high in self.ranges)
        return serial != 0 and (serial in self.serials or in_bitmap or in_range)


@dataclass
class Revoked:
    """What is revoked: keys by their binary form or by a digest of it, and certificates."""

    keys: set[bytes] = field(default_factory=set)
    digests: set[bytes] = field(default_factory=set)
    certificates: list[RevokedByAuthority] = field(default_factory=list)

    def has(self, signer: Signer) -> bool:
        """Whether a signer's key is revoked, or their certificate, or the authority that gave it."""
        certificate = signer.certificate
        keys = [base64.b64decode(signer.public.split()[1])] + ([certificate.authority] if certificate else [])
        if any(k in self.keys or hashlib.sha1(k).digest() in self.digests or hashlib.sha256(k).digest() in self.digests for k in keys):
            return True
        if certificate is None:
            return False
        by = [part for part in self.certificates if part.authority in (b"", certificate.authority)]
        return any(part.has(certificate.serial, certificate.key_id) for part in by)


def revoked_in(path: Path) -> Revoked:
    """What a file revokes. Raises InputError where it cannot be read in full: nothing passes for valid then."""
    where = f"revoked {path.name}"
    content = bytes_bounded(path, where, "name a list of public keys, or one that ssh-keygen -k wrote", _MOST)
    try:
        return _binary(content) if content.startswith(_MAGIC) else Revoked(keys=set(_listed(content)))
    except (ValueError, struct.error, binascii.Error) as error:
        raise InputError(
            where, "holds something that is no revoked key", "write it again with ssh-keygen -k, or one key per line"
        ) from error


def _listed(content: bytes) -> Iterator[bytes]:
    for raw in content.split(b"\n"):
        line = raw.strip(b" \t\r")
        if line and not line.startswith(b"#"):
            kind, blob = line.split(None, 2)[:2]
            key = base64.b64decode(blob, validate=True)
            if first_string(key)[0] != kind:
                raise ValueError("another key than its name says")
            yield _plain(key)


def _plain(key: bytes) -> bytes:
    """The key itself, of a certificate of an ed25519 key."""
    kind, rest = first_string(key)
    if kind != b"ssh-ed25519-cert-v01@openssh.com":
        return key
    _nonce, rest = first_string(rest)
    return string(b"ssh-ed25519") + string(first_string(rest)[0])


def _binary(content: bytes) -> Revoked:
    (version,) = struct.unpack(">I", content[8:12])
    if version != _VERSION:
        raise ValueError("another version")
    _reserved, rest = first_string(content[36:])
    _comment, rest = first_string(rest)
    revoked = Revoked()
    while rest:
        kind, (section, rest) = rest[0], first_string(rest[1:])
        if kind == _CERTIFICATES:
            revoked.certificates.append(_of_authority(section))
        elif kind == _KEYS:
            revoked.keys |= set(strings(section))
        elif kind in (_SHA1, _SHA256):
            revoked.digests |= set(strings(section))
        else:
            raise ValueError("a section of another kind")
    return revoked


def _of_authority(section: bytes) -> RevokedByAuthority:
    authority, rest = first_string(section)
    _reserved, rest = first_string(rest)
    part = RevokedByAuthority(authority)
    while rest:
        kind, (data, rest) = rest[0], first_string(rest[1:])
        if kind == _SERIALS:
            part.serials |= {n for (n,) in struct.iter_unpack(">Q", data)}
        elif kind == _RANGE:
            part.ranges.append(struct.unpack(">QQ", data))
        elif kind == _BITMAP:
            part.bitmaps.append((struct.unpack(">Q", data[:8])[0], int.from_bytes(first_string(data[8:])[0], "big")))
        elif kind == _KEY_IDS:
            part.key_ids |= set(strings(data))
        else:
            raise ValueError("certificates of another kind")
    return part
