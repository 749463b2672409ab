"""Spellings that are one slip away from a term: a letter left out or starred, two swapped, a blank within. Found, with low confidence."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from heytalk_audit.detect.terms import Term, terms

#: Categories whose terms name groups of people, which are the ones that are disguised.
DISGUISED = ("ethnicity", "religion", "orientation", "health")
#: Slips that are words of their own, or begin them: folded.
WORDS = frozenset(
    """
    niger nigers nigar latins retar moron morons metis tuck trance trances transit migrate migrates migrat muslin muslins gluten casting
    indios indio perlas marc marca marcas martica copto morisca lesbos marcan caro sino sordo refuge refuges refugio refugios islas slam
    jus jaw jaws pagan pagans curds curd turks trunks urge rom roman queue queues queen queens quer guey fagot fagots alevler menzili
    menzilli korku korkma suni saban hindi hind ates kurt kurtler arp lezyon tatar engeli engelle hamle bruja brujas cubos humanos humano
    """.split()
)
#: Small words that a blank within a term would make of one half.
SMALL = frozenset(
    """
    is as in us or at an he me my no on of so to up we do go if it by be am al el la lo le de da en es se si su tu mi ni un ha va ya yo
    te os ve bu ne ki and man ate ten end sent ile var yok ama icin que con por los las una the are for not you all
    """.split()
)


@cache
def repaired(term: Term) -> frozenset[str]:
    """Folded spellings of the term with one slip, none of which is another term's."""
    if term.strength != "strong" or term.match == "case" or term.form == "self" or term.category not in DISGUISED:
        return frozenset()
    return frozenset(form for stem in term.stems for form in _slips(stem, term.language)) - _stems() - WORDS


@cache
def _stems() -> frozenset[str]:
    return frozenset(stem for term in terms() for stem in term.stems)


def _slips(stem: str, language: str) -> Iterator[str]:
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
        yield from (word[:at] + " " + word[at:] + rest for at in range(2, len(word) - 1) if SMALL.isdisjoint((word[:at], word[at:])))
    if len(word) >= (3 if rest else letter):
        yield from (word[:at] + word[at + 1 :] + rest for at in range(1, len(word) - 1))
    if len(word) >= (4 if rest else letter):
        yield from (word[:at] + word[at + 1] + word[at] + word[at + 2 :] + rest for at in range(1, len(word) - 2))
    if language != "ar":
        yield from (word[:at] + "*" + word[at + 1 :] + rest for at in range(1, len(word)) if word[at] in "aeiou")
        # a one may be an l, and is read as an i
        yield from (word[:at] + "i" + word[at + 1 :] + rest for at in range(1, len(word)) if word[at] == "l" and len(word) >= 5)
