"""Whether a signer may sign: OpenSSH's files of allowed signers and of revoked keys, as `ssh-keygen -Y verify` means them.

A line that OpenSSH would pass over is passed over here too. The instant at which a key must be valid is the one that the person who
verifies names, or else now, as with `-Overify-time`; it decides over a signer, and never over a byte of a report.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.canonical import bytes_bounded
from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence.patterns import BadOptions, KeyOptions, absolute_time, first_word, is_listed, options_in, past_options
from heytalk_audit.evidence.revoked import Revoked, revoked_in
from heytalk_audit.evidence.signature import Signer
from heytalk_audit.evidence.wire import Certificate, first_string


@dataclass(frozen=True)
class AllowedLine:
    """A line of a file of allowed signers: who (a list of patterns), under which options, with which key, as OpenSSH compares it."""

    number: int
    principals: bytes
    options: KeyOptions
    key: bytes


@dataclass(frozen=True)
class Trust:
    """Whom the person who verifies trusts: lines of allowed signers, revoked keys, the instant, and whom alone, if they say so.

    `passed_over` says of lines that OpenSSH would pass over which they are, and why.
    """

    lines: tuple[AllowedLine, ...]
    passed_over: tuple[str, ...]
    revoked: Revoked | None
    at: int
    identity: bytes | None = None

    def name_of(self, signer: Signer, namespace: str) -> str | None:
        """The name under which a signer may sign in this namespace; null where they may not."""
        if self.revoked is not None and self.revoked.has(signer):
            return None
        for line in self.lines:
            name = self._name_by(line, signer, namespace.encode())
            if name is not None:
                return printable(name.decode("utf-8", "replace"))
        return None

    def _name_by(self, line: AllowedLine, signer: Signer, namespace: bytes) -> bytes | None:
        """The name that a line gives a signer; null where it does not."""
        options, certificate = line.options, signer.certificate
        if options.authority:
            candidates = _vouched(certificate, self.at) if certificate and certificate.authority == line.key else ()
        else:
            candidates = _literal(line.principals) if line.key == signer.blob else ()
            candidates = (self.identity,) if candidates and self.identity is not None else candidates
        valid = options.valid_after <= self.at and (not options.valid_before or self.at <= options.valid_before)
        if not valid or (options.namespaces is not None and not is_listed(namespace, options.namespaces)):
            return None
        wanted = [name for name in candidates if self.identity in (None, name)]
        return next((name for name in wanted if is_listed(name, line.principals)), None)


def _vouched(certificate: Certificate, at: int) -> tuple[bytes, ...]:
    """The names that a certificate vouches for at an instant."""
    valid = certificate.of_user and certificate.valid_after <= at < certificate.valid_before
    return certificate.principals if valid else ()


def _literal(principals: bytes) -> tuple[bytes, ...]:
    """The patterns of a list as names: what stands there is what a person would be called by."""
    return tuple(pattern for pattern in principals.split(b",") if not pattern.startswith(b"!"))


def allowed_signers(path: Path, now: int, at: str = "", identity: str = "", revoked: Path | None = None) -> Trust:
    """Whom a file of allowed signers names. `now` is in seconds since 1970, `at` another instant in OpenSSH's form. Raises InputError."""
    instant = absolute_time(at.encode()) if at else now
    if instant is None:
        raise InputError(f"--at {at[:40]}", "is no instant", "write YYYYMMDD[HHMM[SS]], with a Z behind for UTC, as 20250331Z")
    content = bytes_bounded(path, f"signers {path.name}", "name a file with lines: NAME ssh-ed25519 KEY")
    lines: list[AllowedLine] = []
    passed_over = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        try:
            lines += _line(number, raw.split(b"\0")[0])
        except BadOptions as error:
            passed_over.append(f"signers {path.name} line {number} {error}, and is passed over")
    keys = revoked_in(revoked) if revoked else None
    return Trust(tuple(lines), tuple(passed_over), keys, instant, identity.encode() if identity else None)


def _line(number: int, raw: bytes) -> Iterator[AllowedLine]:
    """The line, if it names a signer. Raises BadOptions where OpenSSH would pass over it."""
    text = raw.lstrip(b" \t\r")
    if not text or text.startswith(b"#"):
        return
    words = first_word(text + b"\n")
    if words is None:
        raise BadOptions("is no line of a signer")
    principals, rest = words
    key, options = key_in(rest), b""
    if key is None:
        end = past_options(rest)
        if end is None:
            raise BadOptions("has a quote that stays open")
        options, key = rest[:end], key_in(rest[end + 1 :].lstrip(b" \t"))
    if key is None:
        raise BadOptions("has no key")
    yield AllowedLine(number, principals, options_in(options), key)


def key_in(text: bytes) -> bytes | None:
    """The binary form of the key at the beginning of a text, as `ssh-ed25519 AAAA...`; null where there is none."""
    kind, _, rest = text.replace(b"\t", b" ").partition(b" ")
    encoded = rest.lstrip(b" ").partition(b" ")[0]
    try:
        blob = base64.b64decode(b"".join(encoded.split()), validate=True)
        return blob if kind and first_string(blob)[0] == kind else None
    except (ValueError, binascii.Error):
        return None
