"""Unsalted digests of identifiers: the forms of a value that somebody may have hashed, and their digests, the same on every engine.

A digest without salt hides nobody: whoever has a list of e-mails, telephones or ids can compute theirs, and compare.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions import engine_function
from heytalk_audit.expressions.strings import has_two_cases, lower, lowered, raised, trim

#: Providers of e-mail to whom an address is the same with dots before the @ and without.
DOTS_IGNORED = ("@gmail.com", "@googlemail.com")
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


def normal_emails(value: ir.StringValue) -> list[ir.StringValue]:
    """An e-mail as those who receive digests make it uniform before they compare: in small letters of every script, without what follows
    a plus, and without dots where the provider ignores them. Null where a form is none of its own."""
    return _uniform(lowered(trim(value)), among=[trim(lower(value)), value])


def rare_emails(value: ir.StringValue) -> list[ir.StringValue]:
    """The same by Unicode's full mapping to small letters; null unless that differs from its simple one."""
    return _uniform(lowered(trim(has_two_cases(value).ifelse(value, ibis.null("string"))), fully=True), among=[value])


def _uniform(email: ir.StringValue, among: list[ir.StringValue]) -> list[ir.StringValue]:
    """An e-mail in small letters, null where it is one of the forms `among`; without what follows a plus; and both without dots."""
    address = email.re_replace(r"@[^@]*\z", "")
    domain = email.re_extract(r"@[^@]*\z", 0)
    tagged = address.contains("+") & (domain != "")
    cut = address.re_replace(r"[+][\s\S]*\z", "")
    undotted = address.contains(".") & domain.isin(DOTS_IGNORED)
    new = email
    for form in among:
        new = new.nullif(form)
    return [
        new,
        ibis.cases((tagged, cut + domain)),
        ibis.cases((undotted, address.replace(".", "") + domain)),
        ibis.cases((undotted & tagged, cut.replace(".", "") + domain)),
    ]


def phone_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """A telephone as it is, trimmed, its digits; of an international number also the digits after its prefix, with and without a plus."""
    trimmed = trim(value)
    digits = trimmed.re_replace("[^0-9]+", "")
    after = _after_prefix(trimmed, digits)
    return [value, trimmed.nullif(value), digits.nullif(value), after.nullif(digits), ("+" + after).nullif(value)]


def _after_prefix(number: ir.StringValue, digits: ir.StringValue) -> ir.StringValue:
    """The digits of an international number after its plus or zeros; null of others."""
    return ibis.cases((number.startswith("00"), digits.substr(2)), (number.startswith("+"), digits))


def normal_phones(value: ir.StringValue, abroad: ir.StringValue, at_home: ir.StringValue) -> list[ir.StringValue]:
    """A telephone as those who receive digests make it uniform: without a zero in brackets its digits, and with the country's code,
    with a plus and without.

    `abroad` is the country's code, null where unknown, and `at_home` what its numbers begin with there. Null where a form is none of its
    own.
    """
    bracket = value.contains("(0)")
    number = _without_first(trim(value), "(0)")
    digits = number.re_replace("[^0-9]+", "")
    national = ((at_home != "") & digits.startswith(at_home)).ifelse(digits.substr(at_home.length()), digits)
    international = number.startswith("00") | number.startswith("+")
    whole = ibis.cases((international, _after_prefix(number, digits)), (national != "", abroad + national))
    changed = bracket | ~international
    return [ibis.cases((bracket, digits)), ibis.cases((changed, whole)), ibis.cases((changed, "+" + whole))]


def _without_first(value: ir.StringValue, part: str) -> ir.StringValue:
    """A text without the first place where it has a part."""
    place = value.find(part)
    return ibis.cases((value.contains(part), value.substr(0, place) + value.substr(place + len(part))), else_=value)


def id_forms(value: ir.StringValue) -> list[ir.StringValue]:
    """An id as it is, in small letters, and in capitals; null where that changes nothing."""
    return [value, lower(value).nullif(value), raised(value).nullif(value)]


def forms_of(table: ir.Table, forms: list[ir.StringValue]) -> ir.Table:
    """The forms of a table's values, each as a column of its own; null where they are empty."""
    return table.select(**{f"form_{i}": form.nullif("") for i, form in enumerate(forms)})


def digests_of(forms: ir.Table, kind: str, algorithm: str) -> list[ir.Table]:
    """For each of the forms (as of `forms_of`) a table of its digests: `kind` and `digest`, null where the form is."""
    return [forms.select(kind=ibis.literal(kind), digest=digest_of(forms[form], algorithm)) for form in forms.columns]
