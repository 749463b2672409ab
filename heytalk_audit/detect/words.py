"""Borders of words: where they begin and end in a text, and what may stand before a stem and after it."""

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
#: By the pattern of a term's endings, the end of a word and whether its last letter is one: the ending; null where it is none.
Endings = dict[tuple[re.Pattern[str], str, bool], str | None]


class Stem(NamedTuple):
    """A folded stem of the automaton: its term, and how it was altered (not at all, `glued` as in `gaypeople`, a `slip` as in `musilm`)."""

    term: Term
    alteration: str
    begins: bool  # its first character needs no border before it
    ends: bool  # its last character needs no border after it
    bare: bool  # it is a word without an ending
    gluable: bool  # it may count within a longer word
    exact: bool  # its letters must be compared as they are written

    @staticmethod
    def of(stem: str, term: Term, alteration: str) -> Stem:
        gluable = term.strength == "strong" and term.match == "word" and term.form == "mention" and term.language not in ("ar", "zh")
        exact = term.match in ("case", "accent")
        gluable = gluable and alteration != "slip" and " " not in stem
        return Stem(term, alteration, _runs_on(stem[0]), _runs_on(stem[-1]), _is_bare(term.tail), gluable, exact)


@cache
def _is_bare(tail: re.Pattern[str]) -> bool:
    return bool(tail.fullmatch(""))


class WordBorders:
    """The borders of words in a text. The end of a word is kept, so that it is searched for once, however many terms are in it."""

    def __init__(self, text: str, folded: str, offsets: Sequence[int], kinds: bytes, endings: Endings) -> None:
        self.text, self.folded, self.offsets, self.kinds, self.endings = text, folded, offsets, kinds, endings
        self.followed = range(0)

    def begins(self, stem: Stem, start: int) -> bool:
        """Whether a word begins here, or only clitics stand before it."""
        kinds = self.kinds
        if start == 0 or not kinds[start - 1] & LETTER or stem.begins or kinds[start] & APART:
            return True
        if stem.term.language != "ar":
            return False
        word = start
        while word > 0 and start - word <= LONGEST_CLITIC and kinds[word - 1] & LETTER:
            word -= 1
        return self.folded[word:start] in ARABIC_CLITICS

    def around(self, start: int, end: int) -> str:
        """The letters from one place to another, and those of the same word on either side of them."""
        kinds = self.kinds
        while start > 0 and end - start <= REMEMBERED and kinds[start - 1] & LETTER:
            start -= 1
        while end < len(kinds) and end - start <= 2 * REMEMBERED and kinds[end] & LETTER:
            end += 1
        return self.folded[start:end]

    def ending(self, stem: Stem, end: int) -> str | None:
        """What follows the stem in the same word, if it is an ending of the term."""
        kinds = self.kinds
        if stem.ends:
            return ""
        # in letters that stand apart, a blank ends every one
        if end == len(kinds) or not kinds[end] & (LETTER | JOINS) or (stem.bare and kinds[end] & APART):
            return "" if stem.bare else None
        stop = self._stop(end)
        if stop - end > REMEMBERED:
            return self._ending(stem.term.tail, end, stop)
        key = (stem.term.tail, self.folded[end:stop], self.text[self.offsets[stop - 1]].isalpha())
        if key not in self.endings:
            self.endings[key] = self._ending(stem.term.tail, end, stop)
        return self.endings[key]

    def _ending(self, tail: re.Pattern[str], end: int, stop: int) -> str | None:
        """The ending between two places that fits the pattern, with or without signs at its end."""
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
    """Whether a letter is of a script without borders of words."""
    return char.isalpha() and not is_letter(char)
