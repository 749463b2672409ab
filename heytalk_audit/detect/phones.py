"""Telephone numbers. They have no checksum: shape, numbering plans (`phonenumbers`) and the words near them decide."""

from __future__ import annotations

import functools
import re

import phonenumbers
from phonenumbers import PhoneMetadata

from heytalk_audit.detect.context import NO_KIND

#: Regions whose plans a number without country code may be of: those of the app's users, and their neighbours.
REGIONS = ("TR", "CN", "US", "ES", "SA", "EG", "AE", "MX", "GB", "DE", "FR", "IT", "NL", "TW", "AU", "IN", "BR")
_NANP = re.compile(r"(?:(?:\+?1|001)[ .-]?)?(?:\([0-9]{3}\) ?|[0-9]{3}([ .-]))[0-9]{3}[ .-][0-9]{4}(?: ?(?:x|ext|#).*)?")
_STRICT = re.compile(r"\([0-9]{3}\) ?[0-9]{3}[.-][0-9]{4}|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}")  # a telephone by its form alone
_CN_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_CN_GROUPED = re.compile(r"(?:86[ -]?)?1[3-9][0-9]([ -])[0-9]{4}\1[0-9]{4}")
_TRUNK = re.compile(r"\(?0[0-9]{1,4}(?:[ ./)-]{1,3}[0-9]{2,8})+")  # an area's prefix, then groups of two digits or more, unlike scores
_TRUNK_MOBILE = re.compile(r"05[0-9]{8,9}|07[0-9]{9}|01[0125][0-9]{8}")  # of Turkey and Arabia, Britain, Egypt
#: Not in threes with dots or spaces, as amounts are.
_ES_MOBILE = re.compile(r"[67][0-9]{2}(?:-[0-9]{3}-[0-9]{3}|([ .-])[0-9]{2}\1[0-9]{2}\1[0-9]{2})")
_ASCENDING = re.compile(r"[0-9]{2}(?:[ .-][0-9]{2}){4,6}")  # as of a lottery, where each number is greater than the one before
_PAIRS = re.compile("[0-9]{2} [0-9]{2} [0-9]{2}")
_YEAR = r"(?:19|20)[0-9]{2}"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
DATE = re.compile(
    rf"(?:{_YEAR}[-./ ]{{1,2}}(?:0?[1-9]|1[0-2])[-./ ]{{1,2}}{_DAY}|{_DAY}[-./ ]{{1,2}}{_DAY}[-./ ]{{1,2}}{_YEAR})(?:[ -].{{0,16}})?"
    r"|[0-9]{1,2}([-./])[0-9]{1,2}\1[0-9]{1,2}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[ _-]?[0-9]{{2,9}})?|{_YEAR} ?- ?{_YEAR}"
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_DOTTED_QUAD = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
#: Seconds, milliseconds or microseconds since 1970, of this half-century.
_EPOCH = re.compile(r"1[3-9][0-9]{8}(?:[0-9]{3}){0,2}")


_KINDS = "fixed_line mobile toll_free premium_rate shared_cost personal_number voip pager uan voicemail"


def _plan(region: str) -> str:
    """The numbers of a region's plan, with or without its trunk prefix, as a pattern: `phonenumbers` has the plans, but is slow."""
    plan = PhoneMetadata.metadata_for_region(region)
    kinds = [getattr(plan, kind) for kind in _KINDS.split()] if plan else []
    patterns = dict.fromkeys(kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern not in (None, "NA"))
    return f"(?:{plan.national_prefix})?(?:{'|'.join(patterns)})" if plan and plan.national_prefix else "|".join(patterns) or "(?!)"


@functools.cache
def _plans(code: int | None) -> re.Pattern[str]:
    """The plans of a country code, or of all `REGIONS`."""
    regions = REGIONS if code is None else phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    return re.compile("|".join(f"(?:{_plan(region)})" for region in regions if region != "001"))


@functools.cache
def _of(region: str) -> re.Pattern[str]:
    return re.compile(_plan(region))


def valid(digits: str, region: str | None = None) -> bool:
    """Whether the digits are in the plan of the region, or of any of `REGIONS`."""
    return bool((_of(region) if region else _plans(None)).fullmatch(digits))


def valid_abroad(digits: str) -> bool:
    """Whether the digits are in the plan of the country with whose code they begin."""
    for length in (1, 2, 3):
        if int(digits[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return bool(_plans(int(digits[:length])).fullmatch(digits[length:]))
    return False


def _inner(text: str) -> str:
    """The text without what may be an extension after a dash."""
    rest = re.fullmatch(r"(\+[0-9 ()]{9,18})-[0-9]{2,5}", text)
    return rest[1] if rest and valid_abroad(re.sub("[^0-9]", "", rest[1])) else text


def _other(text: str) -> bool:
    """Whether the text is a date, a time, a network address or a row of a lottery's numbers."""
    drawn = _ASCENDING.fullmatch(text) and re.findall("[0-9]{2}", text)
    return bool(drawn and drawn == sorted(set(drawn))) or any(pattern.fullmatch(text) for pattern in (DATE, _DOTTED_QUAD, _EPOCH))


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", re.split(r"x|ext|#", text)[0])


def confidence(text: str, label: str | None, glued: bool, own: bool = False) -> str | None:
    """The confidence that a folded text is a telephone number; None where it does not count as one.

    `label` is that of the nearest word; `glued`: the number seems part of a longer code; `own`: the word stands right before it.
    """
    text = _inner(text)
    digits = _digits(text)
    if text.startswith("+") or (digits.startswith("00") and label not in NO_KIND):
        return _international(digits, label, text.startswith("+")) if text[0] == "+" or not glued else None
    if label in (*NO_KIND, "identity") and _STRICT.fullmatch(text):
        return None if glued or own else "medium"
    if label not in ("phone", "pay", None) or not 5 < len(digits) < 16 or _other(text):
        return None
    if label == "phone":
        return _named(text, digits)
    return None if glued else _unnamed(text, digits)


def _international(digits: str, label: str | None, plus: bool) -> str | None:
    digits = digits.removeprefix("00") if not plus else digits
    if not 7 <= len(digits) <= 15 or digits[0] == "0":
        return None
    if not plus and label is None and len(digits) < 11:
        return None  # may as well be a number with leading zeros
    if valid_abroad(digits):
        return "high" if plus or label == "phone" else "medium"
    if label in NO_KIND:
        return None
    return "medium" if label == "phone" or (plus and len(digits) >= 9) else "low" if len(digits) >= 11 and plus else None


def _named(text: str, digits: str) -> str | None:
    if (len(digits) < 7 and not _PAIRS.fullmatch(text)) or (text.isdigit() and len(digits) > 13):
        return None
    return "high" if valid(digits) else "medium"


def _unnamed(text: str, digits: str) -> str | None:
    """Without a word for it a number must be in a plan, and written as telephones are, or of a mobile's form."""
    if text.isdigit():
        mobile = _CN_MOBILE.fullmatch(digits) or _TRUNK_MOBILE.fullmatch(digits)
        return "medium" if mobile and valid(digits) else None
    if _NANP.fullmatch(text):
        return "medium"
    national = 10 <= len(digits) <= 12 and _TRUNK.fullmatch(text) and valid(digits)
    chinese = _CN_GROUPED.fullmatch(text) and valid(digits.removeprefix("86"), "CN")
    return "medium" if national or chinese or (_ES_MOBILE.fullmatch(text) and valid(digits, "ES")) else None
