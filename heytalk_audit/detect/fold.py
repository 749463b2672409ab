"""Folding: one character to one, so that an offset into the folded text is an offset into the original.

`fold` keeps case and makes digits, dashes, spaces and full-width forms ASCII. `key` also lowers and strips accents: it is for
comparing words, in any of the languages.
"""

from __future__ import annotations

import functools
import unicodedata

import numpy as np

DASHES = "‐‑‒–—―−⁃﹘﹣"
DOTS = "․‧·・٫"
COMMAS = "،、，٬"
#: Invisible marks come with right-to-left numbers; as a space they separate, and never hide, digits.
SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f" + (
    "\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2066\u2067\u2068\u2069\u3000\ufeff"
)
#: Between two digits of one number.
SEPARATORS = " .-/()_"
SEPARATOR, LETTER, DIGIT = 1, 2, 16  # classes of a character; a digit's is DIGIT plus its value


def _same_length(table: dict[str, str]) -> dict[int, str]:
    return {ord(char): to for char, to in table.items() if len(to) == 1 and to != char}


def _folds() -> dict[int, str]:
    table = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width ASCII
    for group, to in ((DASHES, "-"), (DOTS, "."), (COMMAS, ","), (SPACES, " ")):
        table |= dict.fromkeys(group, to)
    digits = (chr(code) for code in range(0x80, 0x20000) if unicodedata.category(chr(code)) == "Nd")
    return _same_length(table | {char: str(unicodedata.decimal(char)) for char in digits})


def _keys() -> dict[int, str]:
    table = {chr(code): chr(code).lower() for code in range(0x41, 0x250)} | {"İ": "i", "ı": "i"}
    for char, lowered in list(table.items()):
        table[char] = unicodedata.normalize("NFD", lowered)[:1]
    return _FOLD | _same_length(table | dict(zip("أإآٱةىک", "ااااهيك", strict=True)))


_FOLD = _folds()
_KEY = _keys()


def fold(text: str) -> str:
    """Digits, dashes, spaces, dots and full-width forms as ASCII; as long as the text."""
    return text if text.isascii() else text.translate(_FOLD)


def key(text: str) -> str:
    """Folded, lowered, without accents; as long as the text."""
    return text.lower() if text.isascii() else text.translate(_KEY)


@functools.cache
def classes() -> np.ndarray:
    """The class of each code point: digit (with its value), separator within a number, Latin letter, or 0."""
    table = np.zeros(0x110000, np.uint8)
    for code in [*range(0x80), *_FOLD]:
        char = fold(chr(code))
        if "0" <= char <= "9":
            table[code] = DIGIT + int(char)
        elif char in SEPARATORS:
            table[code] = SEPARATOR
        elif "a" <= char.lower() <= "z":
            table[code] = LETTER
    return table
