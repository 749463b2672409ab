"""Pseudonyms: what stands in results and exceptions for a row or a person. Those of rows are computed on the engine."""

from __future__ import annotations

import hashlib
import hmac
from functools import cache
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from heytalk_audit.expressions import engine_function
from heytalk_audit.snapshot.engines import Engine

#: How many hexadecimal digits of a digest a pseudonym has.
DIGITS = 16
#: The bytes that SHA-256 takes in at a time: a key is padded to so many.
_BLOCK = 64
_INNER, _OUTER = 0x36, 0x5C


@engine_function(name="hex", signature=((str,), str))
def _hex(text: Any) -> Any: ...


@engine_function(name="unhex", signature=((str,), bytes))
def _unhex(digits: Any) -> Any: ...


def pseudonym(key: bytes, record: str | None) -> str | None:
    """The first 16 hex digits of HMAC-SHA-256 with the engagement key over `<table>:<primary key>`; null where there is no record."""
    return None if record is None else hmac.digest(key, record.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:DIGITS]


@cache
def key_check(key: bytes) -> str:
    """What tells two keys apart and gives neither away: scrypt with fixed parameters, so that to guess at a weak key takes long.

    32 hex digits. Of a key that is no secret, as the demo's, it gives away which one that is.
    """
    return hashlib.scrypt(key, salt=b"heytalk-audit:key-check", n=2**14, r=8, p=1, dklen=16).hex()


def fingerprint(key: bytes) -> str:
    """What told keys apart before format 3 of the results, in the manner of a pseudonym: only earlier runs have it."""
    return str(pseudonym(key, "heytalk-audit:key-fingerprint"))


def is_key_of(key: bytes, check: str | None, earlier_fingerprint: str | None) -> bool:
    """Whether a run that has this `key_check`, or of an earlier format this fingerprint, was made with the key."""
    if check is not None:
        return hmac.compare_digest(check, key_check(key))
    return earlier_fingerprint is not None and hmac.compare_digest(earlier_fingerprint, fingerprint(key))


def key_pads(key: bytes, engine: Engine, table: str = "engagement_key_pads") -> ir.Table:
    """The key as HMAC uses it (RFC 2104), in a table of one row: it stands in no SQL text, and so in no plan, log or name of a file."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    pads = {name: [bytes(byte ^ pad for byte in block).hex()] for name, pad in (("inner_pad", _INNER), ("outer_pad", _OUTER))}
    return engine.put(table, pa.table(pads))


def with_pseudonyms(rows: ir.Table, pads: ir.Table) -> ir.Table:
    """Rows with `record`, and `subject` where they have one, as pseudonyms; `pads` as of `key_pads`."""
    keyed = rows.cross_join(pads)
    pseudonyms = {"record": _pseudonym_of(keyed.record, keyed)}
    if "subject" in rows.columns:
        pseudonyms["subject"] = _pseudonym_of("users:" + keyed.subject, keyed)
    return keyed.select(**{name: pseudonyms.get(name, keyed[name]) for name in rows.columns})


def _pseudonym_of(text: ir.StringValue, pads: ir.Table) -> ir.StringValue:
    """`pseudonym` on the engine."""
    return keyed_digest(text, pads).left(DIGITS)


def keyed_digest(text: ir.StringValue, pads: ir.Table) -> ir.StringValue:
    """The HMAC-SHA-256 of a text's UTF-8, in small hex digits; `pads` as of `key_pads`."""
    inner = _sha256(_unhex(pads.inner_pad + _hex(text)))
    return _sha256(_unhex(pads.outer_pad + inner))


def _sha256(message: ir.BinaryValue) -> ir.StringValue:
    digest: ir.StringValue = ops.HexDigest(message, "sha256").to_expr()
    return digest
