"""Telephone numbers: no checksum, so the shape, the numbering plans (`phonenumbers`) and the words near it decide."""

from __future__ import annotations

import functools
import re

import phonenumbers

from heytalk_audit.detect.context import OTHER

#: Plans that a number without country code is tried against: where the app's users write, and their neighbours.
REGIONS = ("TR", "CN", "US", "ES", "SA", "EG", "AE", "MX", "GB", "DE", "FR", "IT", "NL")
_NANP = re.compile(r"(?:(?:\+?1|001)[ .-]?)?(?:\([0-9]{3}\) ?|[0-9]{3}([ .-]))[0-9]{3}[ .-][0-9]{4}(?:x.*)?")
_CN_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_ES_MOBILE = re.compile(r"[67][0-9]{2}[ .-][0-9]{2,3}[ .-][0-9]{2,3}(?:[ .-][0-9]{2})?")
_YEAR = r"(?:19|20)[0-9]{2}"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
DATE = re.compile(
    rf"(?:{_YEAR}[-./ ]{{1,2}}(?:0?[1-9]|1[0-2])[-./ ]{{1,2}}{_DAY}|{_DAY}[-./ ]{{1,2}}{_DAY}[-./ ]{{1,2}}{_YEAR})(?:[ -].{{0,16}})?"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[ _-]?[0-9]{{2,9}})?|{_YEAR} ?- ?{_YEAR}"
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_DOTTED_QUAD = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
#: Seconds, milliseconds or microseconds since 1970, of this half-century.
_EPOCH = re.compile(r"1[3-9][0-9]{8}(?:[0-9]{3}){0,2}")


@functools.lru_cache(1 << 16)
def valid(text: str, region: str | None = None) -> bool:
    """In a numbering plan; without a region the number begins with + and its country."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False


def _other(text: str) -> bool:
    """A date, a time or an address on a network."""
    return any(pattern.fullmatch(text) for pattern in (DATE, _DOTTED_QUAD, _EPOCH))


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", re.split(r"x|ext|#", text)[0])


def confidence(text: str, label: str | None, glued: bool) -> str | None:
    """How sure that this folded text is a telephone number; None when it is not taken for one.

    `label` is what the nearest word speaks of, `glued` that the number seems part of a longer code.
    """
    digits = _digits(text)
    if text.startswith("+") or (digits.startswith("00") and label != OTHER):
        return _international(digits, label, text.startswith("+"))
    if label not in ("phone", None) or not 5 < len(digits) < 16 or _other(text):
        return None
    if label == "phone":
        return _named(text, digits)
    return None if glued else _unnamed(text, digits)


def _international(digits: str, label: str | None, plus: bool) -> str | None:
    digits = digits.removeprefix("00") if not plus else digits
    if not 7 <= len(digits) <= 15 or digits[0] == "0":
        return None
    if valid(f"+{digits}"):
        return "high" if plus or label == "phone" else "medium"
    if label == OTHER:
        return None
    return "medium" if label == "phone" or (plus and len(digits) >= 9) else "low" if len(digits) >= 11 and plus else None


def _named(text: str, digits: str) -> str | None:
    if text.isdigit() and (len(digits) < 7 or len(digits) > 13):
        return None
    return "high" if any(valid(digits, region) for region in REGIONS) else "medium"


def _unnamed(text: str, digits: str) -> str | None:
    spread = not text.isdigit()
    if _NANP.fullmatch(text) and spread:
        return "medium"
    if _CN_MOBILE.fullmatch(digits) and valid(digits, "CN"):
        return "medium"
    if (
        re.match(r"\(?0[0-9]{2}", text)
        and 9 <= len(digits) <= 12
        and any(valid(digits, region) for region in REGIONS if region not in ("CN", "US"))
    ):
        return "medium"
    return "medium" if _ES_MOBILE.fullmatch(text) and valid(digits, "ES") else None
