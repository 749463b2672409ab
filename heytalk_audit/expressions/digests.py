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


def digest_of(value: ir.StringValue, algorithm: str) -> ir.StringValue:
    """The digest of the value's UTF-8 by one of ALGORITHMS, in small letters."""
    return _sha1(value) if algorithm == "sha1" else value.hexdigest(algorithm)


def email_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """An e-mail as it is, trimmed, and both in small letters; a form that is the same as the one before it is null."""
    trimmed = trim(value)
    return [value, trimmed.nullif(value), lower(value).nullif(value), trim(lower(value)).nullif(trimmed)]


def phone_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """A telephone as it is, trimmed, its digits; of an international number also the digits after its prefix, with and without a plus."""
    trimmed = trim(value)
    digits = trimmed.re_replace("[^0-9]+", "")
    after = ibis.cases((trimmed.startswith("00"), digits.substr(2)), (trimmed.startswith("+"), digits))
    return [value, trimmed.nullif(value), digits.nullif(value), after.nullif(digits), ("+" + after).nullif(value)]


def id_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """An id as it is, in small letters, and in capitals; null where that changes nothing."""
    return [value, lower(value).nullif(value), raised(value).nullif(value)]


def forms_of(table: ir.Table, forms: list[ir.StringValue]) -> ir.Table:
    """The forms of a table's values, each as a column of its own; null where they are empty."""
    return table.select(**{f"form_{i}": form.nullif("") for i, form in enumerate(forms)})


def digests_of(forms: ir.Table, kind: str, algorithm: str) -> list[ir.Table]:
    """For each of the forms (as of `forms_of`) a table of its digests: `kind` and `digest`, null where the form is."""
    return [forms.select(kind=ibis.literal(kind), digest=digest_of(forms[form], algorithm)) for form in forms.columns]
