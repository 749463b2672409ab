"""Spellings that are one slip away from a term: a letter left out or starred, two swapped, a blank within. Of low confidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from heytalk_audit.canonical import parse_yaml
from heytalk_audit.detect.terms import Term, terms

#: Categories whose terms name groups of people, which are the ones that are disguised.
DISGUISED = ("ethnicity", "religion", "orientation", "health")


@cache
def _words(kind: str) -> frozenset[str]:
    """The listed words of a kind: slips that are words of their own (`words`), small words that a half of a term may be (`small`),
    and frequent words that are no slips (`frequent`, `pairs`, `within`).
    """
    listed = parse_yaml((files(__package__) / "lexicon" / "slips.yaml").read_text("utf-8"))[kind]
    return frozenset(listed.split() if isinstance(listed, str) else listed)


@cache
def repaired(term: Term) -> frozenset[str]:
    """Folded spellings of the term with one slip, none of which is another term's."""
    slips = _slips_of(term, term.stems) - _stems() - _words("words")
    return frozenset(form for form in slips if not _is_plain(form, term))


def _is_plain(form: str, term: Term) -> bool:
    """Whether the first word of a slip is a frequent word as it stands, or two of them: such a text shows no disguise."""
    first, second, *_ = [*form.split(" "), ""]
    split = form.count(" ") > term.stems[0].count(" ")
    return f"{first} {second}" in _words("pairs") if split else first in _words("frequent")


def is_frequent(word: str) -> bool:
    """Whether a folded word is a frequent one in which no part counts as a term."""
    return word in _words("within")


@cache
def accented(term: Term) -> frozenset[str]:
    """Spellings with one slip as they are written, with accents, of terms that have accents."""
    written = "" if term.language in ("ar", "zh") or term.term.isascii() else term.term.replace("İ", "i").lower()
    slips = _slips_of(term, [written[: len(stem)] for stem in term.stems]) if written else frozenset()
    return slips - _words("frequent")


def _slips_of(term: Term, stems: Iterable[str]) -> frozenset[str]:
    if term.strength != "strong" or term.match == "case" or term.form == "self" or term.category not in DISGUISED:
        return frozenset()
    return frozenset(form for stem in stems for form in _slips(stem, term.language))


@cache
def _stems() -> frozenset[str]:
    return frozenset(stem for term in terms() for stem in term.stems)


def _slips(stem: str, language: str) -> Iterator[str]:
    """The slips in the first word of a stem."""
    word = stem.split(" ")[0]
    if language == "zh":
        yield from (stem[:at] + " " + stem[at:] for at in range(1, len(stem)) if len(stem) <= 4)
        return
    if not word.isalpha() or len(stem) > 16:
        return
    rest = stem[len(word) :]
    # the shorter a word, and the more its language inflects, the more slips are other words
    blank, letter = {"en": (5, 6), "es": (5, 6), "ar": (4, 6 if word.endswith(("ين", "ون")) else 8)}.get(language, (5, 7))
    if len(word) >= (4 if rest else blank):
        yield from (
            word[:at] + " " + word[at:] + rest for at in range(2, len(word) - 1) if _words("small").isdisjoint((word[:at], word[at:]))
        )
    if len(word) >= (3 if rest else letter):
        yield from (word[:at] + word[at + 1 :] + rest for at in range(1, len(word) - 1))
    if len(word) >= (4 if rest else letter):
        yield from (word[:at] + word[at + 1] + word[at] + word[at + 2 :] + rest for at in range(1, len(word) - 2))
    if language == "ar" and len(word) >= 4 and not word.startswith("ال"):
        # the second letter of the article comes after the first of the word
        yield "ا" + word[0] + "ل" + word[1:] + rest
    if language != "ar":
        yield from (word[:at] + "*" + word[at + 1 :] + rest for at in range(1, len(word)) if word[at] in "aeiouy")
        # the digit 1 may stand for an l, but is folded to an i
        yield from (word[:at] + "i" + word[at + 1 :] + rest for at in range(1, len(word)) if word[at] == "l" and len(word) >= 5)
