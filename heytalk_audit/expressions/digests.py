"""Unsalted digests of identifiers: the forms of a value that somebody may have hashed, and their digests, the same on every engine.

A digest without salt hides nobody: whoever has a list of e-mails, telephones or ids can compute theirs, and compare.
"""

from __future__ import annotations

import re
from typing import Any

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions import engine_function
from heytalk_audit.expressions.strings import has_two_cases, lower, lowered, raised, trim

#: Providers of e-mail to whom an address is the same with dots before the @ and without.
DOTS_IGNORED = ("gmail.com", "googlemail.com")
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


def in_small_letters(value: ir.StringValue) -> ir.StringValue:
    """An e-mail trimmed and in the small letters of every script; null where that is one of `email_forms`."""
    return lowered(trim(value)).nullif(trim(lower(value))).nullif(value)


def has_seldom_forms(value: ir.StringValue) -> ir.BooleanValue:
    """Whether an e-mail has `seldom_emails`."""
    return value.contains("+") | has_two_cases(value) | value.lower().re_search("@(" + "|".join(map(re.escape, DOTS_IGNORED)) + ")")


def seldom_emails(value: ir.StringValue) -> list[ir.StringValue]:
    """What those who receive digests make of some e-mails before they compare: without what follows a plus, and without dots where the
    provider ignores them; by Unicode's simple mapping to small letters, and by its full one where that differs. Null where it is not so."""
    trimmed = trim(value)
    fully = lowered(ibis.cases((has_two_cases(trimmed), trimmed)), fully=True)
    return [*_uniform(lowered(trimmed)), fully, *_uniform(fully)]


def _uniform(email: ir.StringValue) -> list[ir.StringValue]:
    """An e-mail in small letters without what follows a plus, without dots, and without both; null where it has none."""
    address = email.re_replace(r"@[^@]*\z", "")
    domain = email.re_extract(r"@[^@]*\z", 0)
    tagged = address.contains("+") & (domain != "")
    cut = address.re_replace(r"[+][\s\S]*\z", "")
    undotted = address.contains(".") & domain.isin([f"@{provider}" for provider in DOTS_IGNORED])
    return [
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


def has_uniform_form(value: ir.StringValue) -> ir.BooleanValue:
    """Whether a telephone has `uniform_phones`: it is written as at home, or with a zero in brackets."""
    return value.contains("(0)") | ~_is_international(trim(value))


def uniform_phones(value: ir.StringValue, abroad: ir.StringValue, at_home: ir.StringValue) -> list[ir.StringValue]:
    """What those who receive digests make of a telephone before they compare: without a zero in brackets its digits, and these with the
    country's code, with a plus and without.

    `abroad` is the country's code, null where unknown, and `at_home` what its numbers begin with there.
    """
    number = _without_first(trim(value), "(0)")
    digits = number.re_replace("[^0-9]+", "")
    national = ((at_home != "") & digits.startswith(at_home)).ifelse(digits.substr(at_home.length()), digits)
    whole = ibis.cases((_is_international(number), _after_prefix(number, digits)), (national != "", abroad + national))
    return [digits, whole, "+" + whole]


def _is_international(number: ir.StringValue) -> ir.BooleanValue:
    return number.startswith("00") | number.startswith("+")


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


def seldom_forms_of(table: ir.Table, forms: list[ir.StringValue]) -> ir.Table:
    """The same of values few of which have these forms, in one column: a row for each form."""
    return table.select(form_0=ibis.array([form.nullif("") for form in forms]).unnest()).filter(lambda t: t.form_0.notnull())


def digests_of(forms: ir.Table, kind: str, algorithm: str) -> list[ir.Table]:
    """For each of the forms (as of `forms_of`) a table of its digests: `kind` and `digest`, null where the form is."""
    return [forms.select(kind=ibis.literal(kind), digest=digest_of(forms[form], algorithm)) for form in forms.columns]
