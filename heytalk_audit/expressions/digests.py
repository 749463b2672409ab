"""Unsalted digests of identifiers: the forms of a value that somebody may have hashed, and their digests, the same on every engine.

A digest without salt hides nobody: whoever has a list of e-mails, telephones or ids can compute theirs, and compare.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions import engine_function
from heytalk_audit.expressions.strings import lower, raised, trim

#: Each kind of digest, and its number of hexadecimal digits.
ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64}


@engine_function(name="sha1", signature=((str,), str))
def _sha1(value: Any) -> Any: ...


def digest_of(value: ir.StringValue, length: ir.IntegerValue) -> ir.StringValue:
    """The digest of the value's UTF-8, in small letters, by the algorithm whose digests have `length` hexadecimal digits; else null."""
    digests = {"md5": value.hexdigest("md5"), "sha1": _sha1(value), "sha256": value.hexdigest("sha256")}
    return ibis.cases(*[(length == digits, digests[name]) for name, digits in ALGORITHMS.items()], else_=ibis.null("string"))


def email_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """An e-mail as it is, trimmed, and both in small letters; a form that is the same as the one before it is null."""
    trimmed = trim(value)
    return [value, trimmed.nullif(value), lower(value).nullif(value), lower(trimmed).nullif(trimmed)]


def phone_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """A telephone as it is, trimmed, its digits; of an international number also the digits after its prefix, with and without a plus."""
    trimmed = trim(value)
    digits = trimmed.re_replace("[^0-9]+", "")
    after = ibis.cases((trimmed.startswith("00"), digits.substr(2)), (trimmed.startswith("+"), digits))
    return [value, trimmed.nullif(value), digits.nullif(value), after.nullif(digits), ("+" + after).nullif(value)]


def id_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """An id as it is, in small letters, and in capitals; null where that changes nothing."""
    return [value, lower(value).nullif(value), raised(value).nullif(value)]


def forms_of(table: ir.Table, kind: str, written: list[ir.StringValue]) -> ir.Table:
    """One row per row of the table and form of its value: `kind` and `form`. Forms that are null or empty are left out."""
    t = table.select(kind=ibis.literal(kind), form=ibis.array(written).unnest())
    return t.filter(t.form != "")
