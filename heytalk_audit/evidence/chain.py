"""A log whose lines are chained: each carries the digest of the line before, and a head beside the log says how many there are.

A line that was changed, taken out or put in breaks the chain; a last line that was cut off is missed by the head. Whoever may write the
log and its head could cut both: a head that somebody signed with a key of their own holds against that too, up to the line that it covers.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from heytalk_audit.canonical import bytes_bounded, canonical, digest, write_whole
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.signature import BadSignature, Signer, sign, verify

#: What the first line has for the digest of the line before it.
START = "0" * 64
NAMESPACE = "heytalk-audit-custody"
#: A log is no larger, in bytes.
_MOST = 256_000_000
_TODO = "keep the file as it is, find out who changed it, and go on in another --log"
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Head(_Written):
    """How many lines a log has, and the digest of the last; for a log without lines START."""

    lines: Annotated[int, Field(ge=0)]
    head: _Digest


class SignedHead(Head):
    """A head, and the signature of somebody over it."""

    signature: Annotated[str, StringConstraints(max_length=64_000)]


class _HeadFile(Head):
    signed: SignedHead | None = None


@dataclass(frozen=True)
class Chain:
    """The lines of a log whose chain holds, the digest of each, the head that somebody signed last, and who."""

    entries: list[dict[str, Any]]
    digests: list[str]
    signed: SignedHead | None = None
    signer: Signer | None = None

    @property
    def head(self) -> str:
        """What the next line will carry."""
        return self.digests[-1] if self.digests else START


def entries(log: Path) -> list[dict[str, Any]]:
    """Every entry of a log whose chain holds. Raises InputError, naming the first line that does not fit."""
    return chain_of(log).entries


def chain_of(log: Path) -> Chain:
    """A log whose chain holds, to its last line. Raises InputError, naming the first line that does not fit, or what is missing."""
    todo = "receive the snapshot first, or name its log with --log"
    return _checked(bytes_bounded(log, f"custody log {log.name}", todo, _MOST), log)


def append(log: Path, entry: dict[str, Any], key: Ed25519PrivateKey | None = None) -> str:
    """Add a line at the end of a log whose chain holds, and sign its head, where there is a key. Returns the line's digest.

    Raises InputError.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.fdopen(os.open(log, flags, 0o600), "rb+")
    except OSError as error:
        raise InputError(f"custody log {log.name}", "cannot be written", "name another with --log") from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        chain = _checked(handle.read(), log)
        raw = _line(entry | {"line": len(chain.digests) + 1, "previous": chain.head})
        handle.write(raw)
        handle.flush()
        os.fsync(handle.fileno())
        _write_head(log, Head(lines=len(chain.digests) + 1, head=digest(raw)), chain.signed, key)
    return digest(raw)


def sign_head(log: Path, key: Ed25519PrivateKey) -> Chain:
    """Sign the head of a log whose chain holds; returns the chain. Raises InputError."""
    with log.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        chain = chain_of(log)
        _write_head(log, Head(lines=len(chain.digests), head=chain.head), chain.signed, key)
    return chain_of(log)


def head_file(log: Path) -> Path:
    """The file beside a log that has its head."""
    return log.with_name(log.name + ".head")


def _write_head(log: Path, head: Head, signed: SignedHead | None, key: Ed25519PrivateKey | None) -> None:
    """Write the head, whole or not at all; an earlier signature is kept until there is a new one."""
    if key is not None:
        signed = SignedHead(**head.model_dump(), signature=sign(canonical(head.model_dump()), key, NAMESPACE).decode())
    write_whole(canonical(_HeadFile(**head.model_dump(), signed=signed).model_dump()), head_file(log))


def _checked(content: bytes, log: Path) -> Chain:
    """The chain of a log's content, held against its head. Raises InputError."""
    chained = list(_chained(content, log.name))
    lines, digests = [entry for entry, _ in chained], [sha256 for _, sha256 in chained]
    head, where = _read_head(log), f"custody log {log.name}"
    if head is None:
        if lines and "line" in lines[-1]:
            raise InputError(f"custody log {head_file(log).name}", "is missing: lines may have been cut off", _TODO)
        return Chain(lines, digests)
    signer = _signer_of(head.signed, log) if head.signed else None
    for stated in (head, head.signed):
        if stated is not None and not _reaches(stated, digests):
            raise InputError(where, f"does not have the {stated.lines:,} lines that its head says: the last were cut off", _TODO)
    # a line may have been written, and its head not any more
    if len(digests) > head.lines + 1:
        raise InputError(f"{where} line {head.lines + 2}", "was put in past the head", _TODO)
    return Chain(lines, digests, head.signed, signer)


def _signer_of(signed: SignedHead, log: Path) -> Signer:
    """Who signed a head. Raises InputError where nobody did."""
    try:
        return verify(canonical(signed.model_dump(exclude={"signature"})), signed.signature.encode(), NAMESPACE)
    except (BadSignature, ValueError) as error:
        raise InputError(f"custody log {head_file(log).name}", f"its signature {error}", _TODO) from error


def _reaches(head: Head, digests: list[str]) -> bool:
    """Whether a log with these lines has the one that a head is the digest of, in its place."""
    return len(digests) >= head.lines and [START, *digests][head.lines] == head.head


def _read_head(log: Path) -> _HeadFile | None:
    file = head_file(log)
    if not file.exists() and not file.is_symlink():
        return None
    content = bytes_bounded(file, f"custody log {file.name}", _TODO)
    try:
        return _HeadFile.model_validate_json(content)
    except (ValidationError, ValueError) as error:
        raise InputError(f"custody log {file.name}", "was changed", _TODO) from error


def _chained(content: bytes, name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Each entry of a log with the digest of its line. Raises InputError at the first line that was changed or does not follow."""
    before = START
    for number, raw in enumerate(content.splitlines(keepends=True), 1):
        where = f"custody log {name} line {number}"
        try:
            entry = json.loads(raw.decode("utf-8"))
            intact = isinstance(entry, dict) and _line(entry) == raw
        except (ValueError, RecursionError):
            raise InputError(where, "was changed or cut short", _TODO) from None
        if not intact:
            raise InputError(where, "was changed", _TODO)
        if entry.get("previous") != before or entry.get("line", number) != number:
            raise InputError(where, f"does not follow line {number - 1}" if number > 1 else "is not the first line", _TODO)
        before = digest(raw)
        yield entry, before


def _line(entry: dict[str, Any]) -> bytes:
    return (json.dumps(entry, sort_keys=True, ensure_ascii=True, separators=(", ", ": "), allow_nan=False) + "\n").encode()
