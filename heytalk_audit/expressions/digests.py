"""Unsalted digests of identifiers: which forms of a value somebody may have hashed, and how, the same on every engine.

Whoever knows e-mails, telephones or ids can tell whose digest it is.
"""

from __future__ import annotations

import string

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions.strings import lower, trim

#: Each kind of digest, and its number of hexadecimal digits.
ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64}


@ibis.udf.scalar.builtin(name="sha1")
def _sha1(value: str) -> str: ...


def digest(value: ir.StringValue, length: ir.IntegerValue) -> ir.StringValue:
    """The digest of the value's UTF-8 that has so many hexadecimal digits, lowered; null where none has."""
    made = {"md5": value.hexdigest("md5"), "sha1": _sha1(value), "sha256": value.hexdigest("sha256")}
    return ibis.cases(*[(length == digits, made[name]) for name, digits in ALGORITHMS.items()], else_=ibis.null("string"))


def raised(value: ir.StringValue) -> ir.StringValue:
    """a to z raised, and nothing else."""
    return value.translate(string.ascii_lowercase, string.ascii_uppercase)


def email_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """As it is, trimmed, and both lowered; null where that changes nothing."""
    trimmed = trim(value)
    return [value, trimmed.nullif(value), lower(value).nullif(value), lower(trimmed).nullif(trimmed)]


def phone_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """As it is, trimmed, its digits; of an international number also the digits after its prefix, with and without a plus."""
    trimmed = trim(value)
    digits = trimmed.re_replace("[^0-9]+", "")
    after = ibis.cases((trimmed.startswith("00"), digits.substr(2)), (trimmed.startswith("+"), digits))
    return [value, trimmed.nullif(value), digits.nullif(value), after.nullif(digits), ("+" + after).nullif(value)]


def id_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """As it is, lowered, and raised; null where that changes nothing."""
    return [value, lower(value).nullif(value), raised(value).nullif(value)]


def forms_of(table: ir.Table, kind: str, written: list[ir.StringValue]) -> ir.Table:
    """One row per row of the table and form of its value: `kind`, `form`. Forms that are null or empty are none."""
    t = table.select(kind=ibis.literal(kind), form=ibis.array(written).unnest())
    return t.filter(t.form != "")
