"""A second reading of what a payload holds: its tokens, clear values, and the forms of a stored value that may have been digested."""

from __future__ import annotations

import re

from declared_reading import BLANKS, lc, raised, trim

CLEAR = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+[1-9][0-9]{6,14}", re.ASCII)
UUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
DIGEST = re.compile("[0-9a-f]{32,128}")


def tokens(text):
    """The tokens of a payload."""
    return [t for t in re.split(f"[{BLANKS},;|]", text or "") if t]


def zero(id):
    """Only 0 and -, at least one 0."""
    return not set(id) - {"0", "-"} and "0" in id


def dotted(token):
    """Whether a token is an IPv4 address."""
    return bool(re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", token)) and all(int(part) <= 255 for part in token.split("."))


def email_forms(raw):
    """The forms of an e-mail address that may have been digested."""
    return {raw, trim(raw), lc(raw), lc(trim(raw))}


def phone_forms(raw):
    """The forms of a phone number that may have been digested."""
    t = trim(raw)
    forms = {raw, t, re.sub("[^0-9]", "", t)}
    if t.startswith(("+", "00")):
        digits = re.sub("[^0-9]", "", t.removeprefix("00"))
        forms |= {digits, "+" + digits}
    return forms


def id_forms(raw):
    """The forms of an id that may have been digested."""
    return {raw, lc(raw), raised(raw)}
