"""Ordinary words that are spelled as a form of a term, and the language that a text's small words show. The words are data."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from heytalk_audit.canonical import parse_yaml
from heytalk_audit.detect.frames import Sides
from heytalk_audit.detect.terms import Term

#: Languages in Latin letters, which their small words tell apart; folded.
_SMALL = {
    "en": "the of and to is are was were for with that this it on you he she they we have has had be as at by from not but my your his her",
    "es": "el la los las de del y que es en un una por con para no se su al lo como mas pero muy mi tu me te soy eres son fue esta este",
    "tr": "ve bir bu da de icin ile cok ne gibi daha kadar olan olarak var yok ben sen o biz siz mi ama degil ki her en sonra diye",
}
_WORD = re.compile(r"[a-z]+")
#: Small words of a language that must be more than those of any other, to show that a text is of it.
CLEAR = 2


@cache
def _lists(name: str) -> dict[str, frozenset[str]]:
    data: dict[str, Any] = parse_yaml((files(__package__) / "lexicon" / "ordinary.yaml").read_text("utf-8"))
    return {language: frozenset(words.split()) for language, words in data[name].items()}


@cache
def _small() -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in _SMALL.items()}


def language_of(sides: Sides) -> str | None:
    """The language in Latin letters that the words around a term show; null where they are too few to tell."""
    words = _WORD.findall(f"{sides.earlier} {sides.later}")
    counts = sorted(((sum(word in small for word in words), language) for language, small in _small().items()), reverse=True)
    return counts[0][1] if counts[0][0] >= counts[1][0] + CLEAR else None


def is_foreign(term: Term, sides: Sides) -> bool:
    """Whether the text is clearly of another language than the term's, both in Latin letters."""
    shown = language_of(sides) if term.language in _SMALL else None
    return shown not in (None, term.language)


def is_ordinary(term: Term, word: str, ending: str, sides: Sides) -> bool:
    """Whether a folded word is spelled as a form of the term, but is another word: of its own language, or of another one's.

    Where the text does not show its language, the term itself counts, and a form of it does not.
    """
    if word in _lists("forms").get(term.language, ()):
        return True
    if any(word in words for language, words in _lists("words").items() if language != term.language):
        shown = language_of(sides)
        return bool(ending) if shown is None else shown != term.language
    return False
