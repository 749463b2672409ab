"""What stands in a column where no value does: a database's words for null, and what is written over the name of somebody who left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, key, lower, plain, plain_key, trim

#: How exports write null. Compared as they stand, but for white space around them.
NULL_WORDS = ("\\N", "NULL", "null", "(null)", "<null>", "None", "NaN", "nil")
#: What is written where a question does not apply, in small letters.
NOT_APPLICABLE = ("n/a", "n.a.", "na.")
#: Domains that no mail reaches: reserved top levels, and reserved names.
RESERVED_DOMAIN = r"@(?:(?:[^@]*\.)?(?:invalid|example|test|localhost)|example\.(?:com|net|org))\z"
#: How the local part of an e-mail begins that was written over a real one.
ERASED_BEGINNINGS = ("deleted", "removed", "erased", "anonym", "redacted", "former")


def null_word(value: ir.StringValue) -> ir.BooleanValue:
    """Whether a value is a word for null. Never null itself."""
    return sure(trim(value).isin(NULL_WORDS))


def placeholder(value: ir.StringValue, words: Iterable[str], others: Iterable[str]) -> ir.BooleanValue:
    """Whether a value stands for nobody: no letter and no digit in it, or one of the words, which digits may follow.

    `words` are compared by their key, and name nobody only in a text of ASCII alone; `others`, of any script, as they stand in small
    letters. Never null itself; a blank value is no placeholder.
    """
    trimmed = trim(value)
    ascii_words = ~trimmed.re_search(r"[^\x00-\x7f]") & key(value).re_search(_numbered(dict.fromkeys(plain_key(w) for w in words), ""))
    other_words = trimmed.lower().re_search(_numbered([plain(w).lower() for w in others], " "))
    empty = ~value.re_search(r"[\p{L}\p{N}]")
    return ibis.cases((blank(value), False), else_=sure(empty | ascii_words | other_words | trim(lower(value)).isin(NOT_APPLICABLE)))


def identifies(column: str, value: ir.StringValue, words: Sequence[str], others: Iterable[str]) -> ir.BooleanValue:
    """Whether a value of a column of users tells who somebody is: no blank, no word for null, nothing that stands for nobody."""
    nobody = placeholder(value, words, others)
    if column == "email":
        nobody |= placeholder_email(value, words)
    if column == "phone":
        nobody |= placeholder_phone(value)
    return ~blank(value) & ~null_word(value) & ~nobody


def placeholder_email(value: ir.StringValue, words: Iterable[str]) -> ir.BooleanValue:
    """Whether an e-mail reaches nobody by its form: at a reserved domain, or of a local part that was written over a real one."""
    trimmed = trim(lower(value))
    erased = [plain_key(w) for w in words if plain_key(w).startswith(ERASED_BEGINNINGS)]
    local = key(trimmed.re_replace(r"[+@][\s\S]*", ""))
    return sure(trimmed.re_search(r"^[^@]*@[^@]*\z") & (trimmed.re_search(RESERVED_DOMAIN) | local.re_search(_numbered(erased, ""))))


def placeholder_phone(value: ir.StringValue) -> ir.BooleanValue:
    """Whether a telephone number has no digit but zeros; a blank one is no placeholder."""
    return sure(~blank(value) & ~value.re_search(r"[^\P{Nd}0]"))


def _numbered(words: Iterable[str], space: str) -> str:
    """The whole text is one of the words, alone or with a number behind it, as a regular expression; nothing where there are no words."""
    listed = [word for word in words if word]
    number = "[0-9]*" if not space else f"(?:{space}[0-9]+)?"
    return rf"^(?:{'|'.join(map(re.escape, listed))}){number}\z" if listed else r"^[^\s\S]\z"
