"""Words in a text: where they begin and end, and what may stand before a stem and after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from heytalk_audit.detect.letters import APART, JOINS, LETTER, is_letter
from heytalk_audit.detect.terms import Term

ARABIC_CLITICS = tuple(
    sorted(
        {a + b for a in ("", "و", "ف") for b in ("", "ب", "ك", "ل", "ال", "بال", "كال", "لل", "س", "ه", "هال", "عال")},
        key=len,
        reverse=True,
    )
)
LONGEST_CLITIC = max(map(len, ARABIC_CLITICS))
#: Ends of words up to this length are remembered.
REMEMBERED = 16


class Known(NamedTuple):
    """A folded stem of the automaton: its term, what was done to it (nothing, glued as in `gaypeople`, a slip as in `musilm`), borders."""

    term: Term
    done: str
    #: Whether its first and last characters need no border, and whether it is a word without an ending.
    begins: bool
    ends: bool
    bare: bool
    #: Whether it may count within a longer word; whether its letters must be compared as they are written.
    gluable: bool
    exact: bool

    @staticmethod
    def of(stem: str, term: Term, done: str) -> Known:
        gluable = term.strength == "strong" and term.match == "word" and term.form == "mention" and term.language not in ("ar", "zh")
        exact = term.match in ("case", "accent")
        return Known(
            term, done, _runs_on(stem[0]), _runs_on(stem[-1]), _is_bare(term.tail), gluable and done != "slip" and " " not in stem, exact
        )


@cache
def _is_bare(tail: re.Pattern[str]) -> bool:
    return bool(tail.fullmatch(""))


class Words:
    """The borders of words in a text. A word that was followed to its end is not followed again, however many terms are in it."""

    def __init__(self, text: str, folded: str, offsets: Sequence[int], kinds: bytes, endings: dict) -> None:
        self.text, self.folded, self.offsets, self.kinds, self.endings = text, folded, offsets, kinds, endings
        self.followed = range(0)

    def begins(self, one: Known, start: int) -> bool:
        """Whether a word begins here, or only clitics stand before it."""
        kinds = self.kinds
        if start == 0 or not kinds[start - 1] & LETTER or one.begins or kinds[start] & APART:
            return True
        if one.term.language != "ar":
            return False
        word = start
        while word > 0 and start - word <= LONGEST_CLITIC and kinds[word - 1] & LETTER:
            word -= 1
        return self.folded[word:start] in ARABIC_CLITICS

    def ending(self, one: Known, end: int) -> str | None:
        """What follows the stem in the same word, if it is an ending of the term."""
        kinds = self.kinds
        if one.ends:
            return ""
        # in letters that stand apart, a blank ends every one
        if end == len(kinds) or not kinds[end] & (LETTER | JOINS) or (one.bare and kinds[end] & APART):
            return "" if one.bare else None
        stop = self._stop(end)
        if stop - end > REMEMBERED:
            return self._ending(one.term.tail, end, stop)
        key = (one.term.tail, self.folded[end:stop], self.text[self.offsets[stop - 1]].isalpha())
        if key not in self.endings:
            self.endings[key] = self._ending(one.term.tail, end, stop)
        return self.endings[key]

    def _ending(self, tail: re.Pattern[str], end: int, stop: int) -> str | None:
        while stop > end and not tail.fullmatch(self.folded, end, stop) and not self.text[self.offsets[stop - 1]].isalpha():
            stop -= 1
        return self.folded[end:stop] if tail.fullmatch(self.folded, end, stop) else None

    def _stop(self, end: int) -> int:
        """Where the word ends."""
        if end in self.followed:
            return self.followed.stop
        stop, kinds, folded = end, self.kinds, self.folded
        while stop < len(kinds) and (kinds[stop] & LETTER or (kinds[stop] & JOINS and folded[stop + 1 : stop + 2].isalpha())):
            stop += 1
        self.followed = range(end, stop)
        return stop


def _runs_on(char: str) -> bool:
    """Whether words of this script have no borders."""
    return char.isalpha() and not is_letter(char)
