"""OpenSSH's own small languages, read as it reads them: lists of patterns, words that may be quoted, options, instants.

Bytes throughout, as OpenSSH is written in C: a name in UTF-8 is compared as its bytes.
"""

from __future__ import annotations

import calendar
import re
import time
from dataclasses import dataclass

_SPACE = b" \t\r\n"
#: A pattern of a list that is this long matches nothing.
_LONGEST = 1023
_TIME = re.compile(rb"(\d{4})-([ \d]\d|\d)-([ \d]\d|\d)(?:T([ \d]\d|\d):([ \d]\d|\d)(?::([ \d]\d|\d))?)?", re.ASCII)


class BadOptions(Exception):
    """Options of a line that OpenSSH would refuse."""


@dataclass(frozen=True)
class KeyOptions:
    """The options of a line: whether its key is an authority's, for which namespaces, and from when to when (since 1970, in s; 0: open)."""

    authority: bool = False
    namespaces: bytes | None = None
    valid_after: int = 0
    valid_before: int = 0


def is_listed(name: bytes, patterns: bytes) -> bool:
    """Whether a name matches a list of patterns with `*` and `?`, and none of those with `!` before them."""
    matched = False
    for pattern in patterns.split(b",") if patterns else ():
        bare = pattern.removeprefix(b"!")
        if len(bare) >= _LONGEST:
            return False
        if _matches(name, bare):
            if pattern.startswith(b"!"):
                return False
            matched = True
    return matched


def _matches(name: bytes, pattern: bytes) -> bool:
    """Whether a name matches a pattern, in a time that grows with their lengths alone."""
    at, star, back = 0, -1, 0
    place = 0
    while at < len(name):
        if place < len(pattern) and pattern[place : place + 1] == b"*":
            star, back, place = place, at, place + 1
        elif place < len(pattern) and pattern[place : place + 1] in (b"?", name[at : at + 1]):
            at, place = at + 1, place + 1
        elif star >= 0:
            back, place = back + 1, star + 1
            at = back
        else:
            return False
    return not pattern[place:].strip(b"*")


def first_word(line: bytes) -> tuple[bytes, bytes] | None:
    """The first word of a line, of which a part may be quoted, and what follows; null where nothing does, or a quote stays open."""
    at = next((n for n, byte in enumerate(line) if byte in _SPACE + b'"'), None)
    if at is None:
        return None
    if line[at : at + 1] != b'"':
        return line[:at], line[at:].lstrip(_SPACE)
    rest = line[:at] + line[at + 1 :]
    end = rest.find(b'"', at)
    return None if end < 0 else (rest[:end], rest[end + 1 :].lstrip(_SPACE))


def past_options(text: bytes) -> int | None:
    """Where the options at the beginning of a text end: at the first space that is not quoted; null where a quote stays open."""
    at, quoted = 0, False
    while at < len(text) and (quoted or text[at : at + 1] not in (b" ", b"\t")):
        if text[at : at + 2] == b'\\"':
            at += 1
        elif text[at : at + 1] == b'"':
            quoted = not quoted
        at += 1
    return None if quoted and at >= len(text) else min(at, len(text))


def options_in(text: bytes) -> KeyOptions:
    """The options that a text states. Raises BadOptions."""
    flags, stated = False, dict[bytes, bytes]()
    rest = text
    while rest and rest[:1] not in (b" ", b"\t"):
        if rest[:14].lower() == b"cert-authority":
            flags, rest = True, rest[14:]
        else:
            name = next((n for n in (b"namespaces", b"valid-after", b"valid-before") if rest.lower().startswith(n + b"=")), None)
            if name is not None:
                if name in stated:
                    raise BadOptions(f"has {name.decode()} twice")
                stated[name], rest = _quoted(rest[len(name) + 1 :])
        if not rest or rest[:1] in (b" ", b"\t"):
            break
        if rest[:1] != b",":
            raise BadOptions("has an option that OpenSSH does not know")
        rest = rest[1:]
        if not rest:
            raise BadOptions("has no option after a comma")
    after, before = (_instant(stated, name) for name in (b"valid-after", b"valid-before"))
    if after and before and before <= after:
        raise BadOptions("ends before it begins")
    return KeyOptions(flags, stated.get(b"namespaces"), after, before)


def _quoted(text: bytes) -> tuple[bytes, bytes]:
    """A value in quotes, and what follows it."""
    match = re.match(rb'"((?:\\"|[^"])*)"', text, re.DOTALL)
    if match is None:
        raise BadOptions("has a value without its quotes")
    return match[1].replace(b'\\"', b'"'), text[match.end() :]


def _instant(stated: dict[bytes, bytes], name: bytes) -> int:
    if name not in stated:
        return 0
    instant = absolute_time(stated[name])
    if not instant:
        raise BadOptions(f"has a {name.decode()} that is no instant")
    return instant


def absolute_time(text: bytes) -> int | None:
    """Seconds since 1970 of YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS; null of anything else.

    In this machine's zone, or in UTC with a Z or UTC behind.
    """
    utc = 1 if text[1:] and text[-1:].lower() == b"z" else 3 if text[3:] and text[-3:].lower() == b"utc" else 0
    digits = text[: len(text) - utc]
    if len(digits) not in (8, 12, 14):
        return None
    day = b"%b-%b-%b" % (digits[:4], digits[4:6], digits[6:8])
    clock = b":".join(digits[n : n + 2] for n in range(8, len(digits), 2))
    match = _TIME.fullmatch(day + (b"T" + clock if clock else b""))
    if match is None:
        return None
    year, month, of_month, *rest = (int(part or b"0") for part in match.groups())
    hour, minute, second = rest
    if not (1 <= month <= 12 and 1 <= of_month <= 31 and hour <= 23 and minute <= 59 and second <= 61):
        return None
    parts = (year, month, of_month, hour, minute, second, 0, 0, 0)
    try:
        instant = int(calendar.timegm(parts) if utc else time.mktime(parts))
    except (ValueError, OverflowError):
        return None
    return instant if instant >= 0 else None
