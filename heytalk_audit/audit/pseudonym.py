"""Pseudonyms: what stands in results and exceptions for a row or a person."""

from __future__ import annotations

import hashlib
import hmac


def pseudonym(key: bytes, record: str | None) -> str | None:
    """The first 16 hex digits of HMAC-SHA-256 with the engagement key over `<table>:<primary key>`; null where there is no record."""
    return None if record is None else hmac.digest(key, record.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:16]


def fingerprint(key: bytes) -> str:
    """What tells two keys apart and gives neither away."""
    return str(pseudonym(key, "heytalk-audit:key-fingerprint"))
