"""What an address on the web carries: e-mails in its path or query."""

from __future__ import annotations

import string
from collections.abc import Iterable

import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import lower

#: What stands before and behind an e-mail's sign: no white space, none of the signs that part an address.
_PART, _PARTING = r"[^@%\x09-\x0d /?&=]", r"[@%\x09-\x0d /?&=]"
_MARK = "(?:@|%40)"
#: How a part may go on behind its last ending of two letters or more, without another such ending.
_REST = r"(?:[^@%\x09-\x0d /?&=a-z.][a-z]*|\.[a-z]?)*"


def has_email(url: ir.StringValue, endings: Iterable[str]) -> ir.BooleanValue:
    """Whether an address has the form of an e-mail in it, `@` written out or encoded. One with an ending of `endings` is a file's name."""
    ending = words_other_than(word for word in endings)
    form = rf"{_PART}{_MARK}{_PART}+\.{ending}{_REST}(?:{_PARTING}|\z)"
    # most addresses have no such sign at all, and are not searched
    return sure((url.contains("@") | url.contains("%40")).ifelse(lower(url).re_search(form), False))


def words_other_than(words: Iterable[str]) -> str:
    """Words of two small letters or more but for these, as a regular expression: engines have no look-ahead in common."""
    return _other_than({"", *string.ascii_lowercase, *words})


def _other_than(words: set[str]) -> str:
    following: dict[str, set[str]] = {}
    for word in words:
        if word:
            following.setdefault(word[0], set()).add(word[1:])
    branches = [f"{letter}{_other_than(rest)}" for letter, rest in sorted(following.items())]
    free = "".join(letter for letter in string.ascii_lowercase if letter not in following)
    branches += [f"[{free}][a-z]*"] if free else []
    branches += [""] if "" not in words else []
    return f"(?:{'|'.join(branches)})"
