"""Folding: one character to one, so that an offset into the folded text is an offset into the original.

`fold` keeps case and makes digits, dashes, spaces and full-width forms ASCII. `key` also lowers and strips accents: it is for
comparing words, in any of the languages.
"""

from __future__ import annotations

import functools
import string
import unicodedata

import numpy as np

DASHES = "‐‑‒–—―−⁃﹘﹣"
DOTS = "․‧·・٫"
COMMAS = "،、，٬"
#: Spaces and invisible marks. The marks come with right-to-left numbers; read as spaces they separate digits and do not hide them.
SPACES = "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f" + (
    "\u00ad\u061c\u20e3\ufe0f\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2066\u2067\u2068\u2069\u3000\ufeff"
)
#: What may stand between two digits of one number.
SEPARATORS = " .-/()_"
SEPARATOR, LETTER, DIGIT = 1, 2, 16  # classes of characters; the class of a digit is DIGIT plus its value


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
    folded = {code: to.lower() if isinstance(to, str) else to for code, to in _FOLD.items()}
    return folded | _same_length(table | dict(zip("أإآٱةىک", "ااااهيك", strict=True)))


_FOLD = _folds()
_KEY = _keys()


def fold(text: str) -> str:
    """The text with digits, dashes, spaces, dots and full-width forms as ASCII; its length stays the same."""
    if text.isascii():
        return text
    return text.translate(_FOLD)


def fold_key(text: str) -> str:
    """The text folded, in small letters, without accents; its length stays the same."""
    return text.lower() if text.isascii() else text.translate(_KEY)


PLANE = 0x10000  # size of the look-up arrays, in code points: small enough for a processor's cache


def _lut(table: dict[int, str]) -> np.ndarray:
    """The table as an array from code point to code point."""
    points = np.arange(PLANE, dtype=np.uint16)
    replaced = {code: ord(char) for code, char in table.items() if code < PLANE}
    points[list(replaced)] = list(replaced.values())
    return points


@functools.cache
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    folded = _lut(_FOLD)
    kinds = np.zeros(128, np.uint8)
    kinds[[ord(char) for char in SEPARATORS]] = SEPARATOR
    kinds[[ord(char) for char in string.ascii_letters]] = LETTER
    kinds[ord("0") : ord("9") + 1] = DIGIT + np.arange(10)
    return folded, _lut(_KEY), np.where(folded < 128, kinds[np.minimum(folded, 127)], np.uint8(0))


def _points(text: str) -> np.ndarray:
    """The text's code points; those beyond the first plane folded, or the replacement character."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    beyond = points >= PLANE
    if beyond.any():
        points = points.copy()
        codes, place = np.unique(points[beyond], return_inverse=True)
        points[beyond] = np.array([ord(_FOLD.get(code, "\ufffd")) for code in codes.tolist()])[place]
    return points


class Lines:
    """Lines of text as arrays of code points: folded, as key, and the class of each (digit with its value, separator, letter)."""

    def __init__(self, text: str, sizes: np.ndarray | None = None):
        """`sizes`: the characters of each line, where a line may hold line feeds."""
        points = _points(text + "\n").astype(np.intp)
        self.end = np.flatnonzero(points == ord("\n")) if sizes is None else np.cumsum(sizes + 1) - 1
        self.start = np.append(0, self.end[:-1] + 1) if sizes is None else self.end - sizes
        folded, keys, kinds = (np.take(table, points, mode="clip") for table in _tables())
        self.kinds, self.codes, self.keys = kinds, folded, keys
        self.text = text + "\n" if text.isascii() else folded.tobytes().decode("utf-16-le")
        self.key = self.text.lower() if text.isascii() else keys.tobytes().decode("utf-16-le")

    def of(self, at: np.ndarray) -> np.ndarray:
        """The line of each place."""
        return np.searchsorted(self.end, at)
