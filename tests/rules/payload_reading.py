"""A second reading of what a payload holds: its tokens, clear values, and the forms of a stored value that may have been digested."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from declared_reading import BLANKS, lc, raised, trim

from heytalk_audit import policy

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
    """The forms of an e-mail address that may have been digested, the recipients' own among them."""
    forms, t = {raw, trim(raw), lc(raw), lc(trim(raw))}, trim(raw)
    for e in (t.lower(), "".join("i" if c == "\u0130" else c.lower() for c in t)):
        local, at, domain = e.partition("@")
        locals_ = {local, local.partition("+")[0]}
        if domain in ("gmail.com", "googlemail.com"):
            locals_ |= {text.replace(".", "") for text in locals_}
        forms |= {text + at + domain for text in locals_}
    return forms


def _calling_codes():
    path = Path(policy.__file__).parent / "heytalk" / "calling_codes.csv"
    with path.open(encoding="utf-8") as file:
        return {row["country"]: (row["calling_code"], row["national_prefix"]) for row in csv.DictReader(file)}


CALLING_CODES = _calling_codes()


def phone_forms(raw, country=None):
    """The forms of a phone number that may have been digested, the recipients' own among them: these add the code of the country."""
    forms, t = {raw, trim(raw)}, trim(raw)
    for text in (t, t.replace("(0)", "", 1)):
        forms.add(re.sub("[^0-9]", "", text))
        if text.startswith(("+", "00")):
            digits = re.sub("[^0-9]", "", text.removeprefix("00"))
            forms |= {digits, "+" + digits}
    code, prefix = CALLING_CODES.get(raised(trim(country)), (None, None))
    national = re.sub("[^0-9]", "", t.replace("(0)", "", 1)).removeprefix(prefix or "")
    if code and national and not t.startswith(("+", "00")):
        forms |= {code + national, f"+{code}{national}"}
    return forms


def id_forms(raw):
    """The forms of an id that may have been digested."""
    return {raw, lc(raw), raised(raw)}
