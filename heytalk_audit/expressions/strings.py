"""What counts as blank, and how strings are compared: the same on every engine, so no engine's own rules for white space or case."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable
from typing import Any

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions import engine_function

#: Tab to carriage return, space, no-break space, ideographic space, as a regular expression's set. The control characters are
#: written as escapes: an engine may read those of a string literal in its own way (Spark takes a form feed for an f).
BLANKS = "\\x09-\\x0d \u00a0\u3000"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: What parts words, as a regular expression.
_APART = r"[^\p{L}\p{M}\p{N}]+"
_EDGES = f"^[{BLANKS}]+|[{BLANKS}]+$"


def _to_latin() -> tuple[str, str]:
    """The capitals A to Z and every letter that Unicode takes apart into a Latin one and marks; and their small letters, in that order."""
    small = dict(zip(string.ascii_uppercase, string.ascii_lowercase, strict=True))
    for letter in map(chr, range(0xA0, 0x10000)):
        first, *marks = list(unicodedata.normalize("NFD", letter))
        if first in string.ascii_letters and all(unicodedata.category(mark).startswith("M") for mark in marks):
            small[letter] = first.lower()
    return "".join(small), "".join(small.values())


_TO_LATIN = _to_latin()


@engine_function(name="bit_length", signature=((str,), int))
def _bit_length(value: Any) -> Any: ...


def blank(value: ir.StringValue) -> ir.BooleanValue:
    """Whether a value is null, empty, or nothing but white space. Never null itself."""
    # a comparison is several times cheaper than a regular expression, and nearly every value is decided by its first character;
    # the most common branch names the value once, as an engine may compute it for each time that it is named
    return ibis.cases(
        (value.between("!", "\x7f"), False),
        (value.between("\u00a1", "\u2fff") | (value >= "\u3001"), False),
        (value == "", True),
        else_=~value.re_search(f"[^{BLANKS}]"),
    ).fill_null(True)


def trim(value: ir.StringValue) -> ir.StringValue:
    """The value without white space at both ends."""
    return value.re_replace(_EDGES, "")


def lower(value: ir.StringValue) -> ir.StringValue:
    """The value with A to Z as small letters, and nothing else changed: no other letter may turn into a Latin one.

    It names the value several times: of `trim(lower(column))` and `lower(trim(column))`, which are the same, the first is the cheaper.
    """
    return _as_the_engine(value, value.lower(), value.translate(string.ascii_uppercase, string.ascii_lowercase))


def raised(value: ir.StringValue) -> ir.StringValue:
    """The value with a to z as capitals, and nothing else changed."""
    return _as_the_engine(value, value.upper(), value.translate(string.ascii_lowercase, string.ascii_uppercase))


def _as_the_engine(value: ir.StringValue, changed: ir.StringValue, translated: ir.StringValue) -> ir.StringValue:
    """What an engine makes of letters where it is sure to be the same as their translation, which takes twenty times as long."""
    only_ascii = _bit_length(value) == value.length() * 8
    return (only_ascii | (changed == value)).ifelse(changed, translated)


def lowered(value: ir.StringValue, fully: bool = False) -> ir.StringValue:
    """The value in the small letters of every script, by Unicode's simple mapping or by its full one, the same on every engine.

    The two differ in the dotted capital I, which the full mapping takes apart, and in a sigma at the end of a word, here at the end of
    the value and before what can't be part of a word in an address.
    """
    dotted, sigma = "\u0130", "\u03a3"
    ends = [f"{sigma}{mark}" for mark in "@+_-0123456789"] if fully else []
    changed = value.re_replace(rf"{sigma}\z", "\u03c2") if fully else value
    for end in ends:
        changed = changed.replace(end, end.replace(sigma, "\u03c2"))
    changed = changed.replace(sigma, "\u03c3").replace(dotted, "i\u0307" if fully else "i")
    return has_two_cases(value).ifelse(changed, value).lower()


def has_two_cases(value: ir.StringValue) -> ir.BooleanValue:
    """Whether a value has a letter that Unicode's simple and full mappings make different small letters of."""
    return value.contains("\u0130") | value.contains("\u03a3")


def plain(word: str) -> str:
    """A word of the settings as `trim` and `lower` would leave it."""
    return re.sub(_EDGES, "", word).translate(_LOWER)


def key(value: ir.StringValue) -> ir.StringValue:
    """What names are compared by: A to Z as small letters, and everything outside a-z and 0-9 dropped."""
    return lower(value).re_replace("[^a-z0-9]+", "")


def plain_key(word: str) -> str:
    """A word of the settings as `key` would leave it."""
    return re.sub("[^a-z0-9]+", "", word.translate(_LOWER))


def latin_words(value: ir.StringValue) -> ir.StringValue:
    """The words of a text in small Latin letters and digits, marks dropped, each between two spaces of its own; all else parts words."""
    return " " + value.translate(*_TO_LATIN).re_replace(r"\p{M}+", "").re_replace("[^a-z0-9]+", "  ") + " "


def tokens(value: ir.StringValue) -> ir.StringValue:
    """A list written with commas or semicolons as `;one;two;`, trimmed and in small letters: test it with `contains(";one;")`."""
    separated = trim(lower(value)).re_replace(f"[{BLANKS}]*[,;][{BLANKS}]*", ";")
    return ";" + separated + ";"


def says_one_of(value: ir.StringValue, phrases: Iterable[str]) -> ir.BooleanValue:
    """Whether a text says one of these phrases, in letters of any size and script, whatever parts the words.

    Dotted and dotless are one letter, as an export may have raised either. A phrase of a script without spaces may stand within a word.
    """
    spaced: list[str] = []
    unspaced: list[str] = []
    for phrase in phrases:
        words = re.findall(r"[^\W_]+", phrase.replace("\u0130", "i").lower().replace("\u0131", "i"))
        if words:
            (unspaced if re.search("[\u3040-\u9fff]", phrase) else spaced).append(_APART.join(words))
    patterns = [rf"(?:^|{_APART})(?:{'|'.join(spaced)})(?:{_APART}|\z)"] if spaced else []
    pattern = "|".join([*patterns, *unspaced]) or r"[^\s\S]"
    return lowered(value).replace("\u0131", "i").re_search(pattern)


def alternatives(words: Iterable[str]) -> str:
    """Any of these words, in small letters, as a regular expression that every engine reads alike; nothing where there are none."""
    return "|".join(re.escape(word.translate(_LOWER)) for word in words) or r"[^\s\S]"
