"""What counts as a value, and as a special one: null words, placeholders and the terms of attributes, read a second time."""

from __future__ import annotations

import csv
import re
import unicodedata
from importlib.resources import files

from declared_reading import blank, key, lc, trim


def _words(text, between=None):
    """The words of a text."""
    return text.split(between)


#: Words that stand for null where a value is asked for.
NULL_WORDS = ("\\N", "NULL", "null", "(null)", "<null>", "None", "NaN", "nil")
PLACEHOLDERS = _words(
    "deleted deleteduser deletedaccount deletedmember removed removeduser erased eraseduser anonymous anonymoususer anonymised anonymized"
    " anonymiseduser anonymizeduser redacted formeruser unknown unknownuser none null user member"
)
OTHER_PLACEHOLDERS = _words(
    "已注销, 已注销用户, 已删除用户, 匿名用户, مستخدم محذوف, حساب محذوف, مستخدم مجهول, silinmiş kullanıcı, silinmiş hesap,"
    " anonim kullanıcı, usuario eliminado, cuenta eliminada, usuario anónimo, удалённый пользователь",
    ", ",
)
GONE = ("deleted", "removed", "erased", "anonym", "redacted", "former")
NOWHERE = ("invalid", "example", "test", "localhost")


def null_word(text):
    """Whether a value is a word for null."""
    return trim(text) in NULL_WORDS


def _entry(word, entries=PLACEHOLDERS):
    """Whether a key is one of the entries, alone or with digits after it."""
    return any(re.fullmatch(f"{entry}[0-9]*", word) for entry in entries)


def placeholder(text):
    """Whether a value that is not blank only marks the place of one that was."""
    if blank(text):
        return False
    if not any(unicodedata.category(c)[0] in "LN" for c in text):
        return True
    if text_is_ascii(text) and _entry(key(text)):
        return True
    return re.sub(" [0-9]+$", "", trim(text).lower()) in OTHER_PLACEHOLDERS or lc(trim(text)) in ("n/a", "n.a.", "na.")


def text_is_ascii(text):
    """Whether a trimmed text has no character above U+007F."""
    return trim(text).isascii()


def filled(text):
    """Whether a value says something."""
    return not blank(text) and not null_word(text) and not placeholder(text)


def filled_email(text):
    """The same of an e-mail address: one nobody can be written at, or of one who is gone, says nothing."""
    if not filled(text):
        return False
    local, at, domain = trim(text).partition("@")
    if not at or "@" in domain:
        return True
    labels = lc(domain).split(".")
    if labels[-1] in NOWHERE or ".".join(labels) in ("example.com", "example.net", "example.org"):
        return False
    return not _entry(key(local.partition("+")[0]), [p for p in PLACEHOLDERS if p.startswith(GONE)])


def filled_phone(text):
    """The same of a phone number: one of zeros alone says nothing."""
    return filled(text) and bool(set(re.findall("[0-9]", text)) - {"0"})


def _terms(special, *others):
    """Keys of the vocabulary's terms that are special, or not, and others."""
    source = files("heytalk_audit.policy") / "heytalk" / "dpv_pd_terms.csv"
    rows = csv.DictReader(source.read_text("utf-8").splitlines())
    return [row["term"] for row in rows if row["special"] == special] + " ".join(others).split()


SPECIAL_TERMS = _terms(
    "1",
    "race ethnicity religiousbeliefs faith sexualorientation sexlife orientation healthcondition healthconditions politicalviews",
    "unionmembership tradeunion faceprint voiceprint",
)
ORDINARY_TERMS = _terms("0", "interest interests bio nickname about hobby occupation education photo custom")
SPECIAL_FIELDS = _words(
    "race ethnicity ethnicorigin religion religiousbelief religiousbeliefs faith sexualorientation sexualpreference sexlife orientation"
    " health healthcondition healthconditions medicalcondition diagnosis disability hivstatus politics politicalview politicalviews"
    " politicalopinion politicalaffiliation unionmembership tradeunion biometric biometrics faceprint voiceprint fingerprint genetic"
)


def recognised(attribute, settings):
    """Whether an attribute is `special` or `ordinary` by its terms; else null."""
    category = key((attribute["category"] or "").rpartition(":")[2])
    special = {key(term) for term in settings["special_terms"]}
    if category in special or key(attribute["name"] or "") in special:
        return "special"
    return "ordinary" if category in {key(term) for term in settings["ordinary_terms"]} else None


def special_value(attribute, settings):
    """Whether an attribute is a special one whose value says something that is not as good as none."""
    stated = filled(attribute["value"]) and lc(trim(attribute["value"])) not in settings["null_like"]
    return stated and recognised(attribute, settings) == "special"
