"""The forms of values that name a person or a device, as Python finds them in the output and as DuckDB finds them in the snapshot.

DuckDB brings both sides to one form: lower case, digits alone for telephone numbers, words with one blank between for names. What is found
in the output is a superset: only what stands in the snapshot too is a hit.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Collection, Iterator
from enum import StrEnum


class Form(StrEnum):
    """What a value looks like. An `identifier` may look like anything, and is looked for among identifiers alone."""

    EMAIL = "email"
    PHONE = "phone"
    IP = "ip"
    DEVICE = "device"
    IDENTIFIER = "identifier"
    NAME = "name"


#: A name has two words or more, and so many characters; of a longer text the first words are compared.
SHORTEST_NAME, MOST_WORDS = 8, 6
#: How many characters a value has that may be an identifier.
SHORTEST_ID, LONGEST_ID = 8, 40
#: How many digits a telephone number has, without noughts before it.
FEWEST_DIGITS = 7
_EMAIL = re.compile(r"[\w.%+-]+@(?![0-9]+\.)[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_PHONE = re.compile(r"(?<![\w.-])(\+|00)?\(?[0-9]+(?:(?:[ .()-]{1,2}|/)[0-9]+)*(?![\w-])")
_IPV4 = re.compile(r"(?<![\w.-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.-])")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?::[0-9.]+)?(?![\w:])")
_DEVICE = re.compile(
    r"(?<![0-9A-Za-z.])(?:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{14,40})(?![0-9A-Za-z])"
)
_TOKENS = (re.compile(r"(?<![\w-])[A-Za-z0-9_-]{8,40}(?![\w-])"), re.compile(r"(?<![\w.:-])[A-Za-z0-9_.:-]{8,40}(?![\w.:-])"))
#: Digits that are no telephone number, however they stand beside each other: days, times, and numbers with a fraction.
_NO_PHONE = re.compile(
    r"\b[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?(?:[T ][0-9:.]+Z?)?\b|(?<![0-9.])[0-9]*\.[0-9]+(?![0-9.])|\b[0-9]+[eE][-+]?[0-9]+\b"
)
_DIGIT, _SHORT_NUMBER, _SOME_DIGITS = re.compile("[0-9]"), re.compile(r"[0-9.:_-]{1,11}"), re.compile(r"[0-9][0-9 ()./-]{4}")
_GROUPS = re.compile(r"[0-9]+")
_UUID = re.compile(r"(?<!\w)[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?!\w)")
WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")

#: The same in the regular expressions of DuckDB.
SQL_PATTERNS = {
    Form.EMAIL: r"[\p{L}\p{N}_.%+-]+@[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*\.\p{L}{2,}",
    Form.PHONE: r"[0-9]+(?:(?:[ .()-]{1,2}|/)[0-9]+)*",
    Form.IP: r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}",
    Form.DEVICE: r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{14,40}",
}


def sql_form(form: Form, value: str) -> str:
    """SQL of DuckDB that brings a value to its form."""
    match form:
        case Form.PHONE:
            return f"ltrim(regexp_replace({value}, '[^0-9]', '', 'g'), '0')"
        case Form.EMAIL:
            return f"lower(ltrim({value}, '.-'))"
        case Form.NAME:
            tokens = f"regexp_extract_all(lower(nfc_normalize({value})), '[\\p{{L}}\\p{{N}}_]+')"
            words = f"list_filter({tokens}, lambda token: regexp_full_match(token, '\\p{{L}}+'))"
            return f"array_to_string(list_slice({words}, 1, {MOST_WORDS}), ' ')"
    return f"lower(trim({value}))"


def shapes_in(piece: str) -> Iterator[tuple[Form, str]]:
    """What looks like an address, a number or an identifier in a piece of text."""
    if "@" in piece:
        yield from ((Form.EMAIL, email) for email in _EMAIL.findall(piece))
    has_points = "." in piece or ":" in piece
    if has_points:
        yield from _addresses(piece)
    if _DIGIT.search(piece):
        yield from ((Form.DEVICE, device) for device in _DEVICE.findall(piece) if not device.isdigit())
        for pattern in _TOKENS[: 1 + has_points]:
            yield from ((Form.IDENTIFIER, token) for token in pattern.findall(piece) if _may_be_id(token))
        yield from ((Form.PHONE, digits) for digits in _phones(piece))


def _addresses(piece: str) -> Iterator[tuple[Form, str]]:
    for pattern in (_IPV4, _IPV6) if piece.count(":") > 1 else (_IPV4,):
        for address in pattern.findall(piece):
            try:
                ipaddress.ip_address(address)
            except ValueError:
                continue
            yield Form.IP, address


def _may_be_id(token: str) -> bool:
    """Whether a word may be an identifier: it has a digit, and is neither a day nor a number."""
    return bool(_DIGIT.search(token)) and not _NO_PHONE.fullmatch(token) and not _SHORT_NUMBER.fullmatch(token)


def _phones(piece: str) -> Iterator[str]:
    """The digits of what may be a telephone number: also of a part of a run, as another number may stand beside it."""
    if not _SOME_DIGITS.search(piece):
        return
    for run in _PHONE.finditer(_NO_PHONE.sub("|", piece)):
        groups = _GROUPS.findall(run[0])[:10]
        for first in range(len(groups)):
            for last in range(first, len(groups)):
                digits = "".join(groups[first : last + 1])
                least = 7 if run[1] and first == 0 else 8 if first == last else 9
                if least <= len(digits) <= 15 and len(digits.lstrip("0")) >= FEWEST_DIGITS:
                    yield digits


def full_names_in(piece: str, own_words: Collection[str]) -> Iterator[str]:
    """Runs of two to six words of a piece in which one at least is none of the audit's own words. Groups of a UUID are no words."""
    piece = _UUID.sub("0", piece) if piece.count("-") > 3 else piece
    words = WORD.findall(piece if piece.isascii() else unicodedata.normalize("NFC", piece))
    strange = [at for at, word in enumerate(words) if word.lower() not in own_words] if len(words) > 1 else ()
    for at in strange:
        for first in range(max(0, at - MOST_WORDS + 1), at + 1):
            for end in range(max(at + 1, first + 2), min(len(words), first + MOST_WORDS) + 1):
                name = " ".join(words[first:end])
                if len(name) >= SHORTEST_NAME:
                    yield name
