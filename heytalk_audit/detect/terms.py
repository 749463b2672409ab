"""The lexicon's terms: how each is written, inflected and bordered. The terms themselves are data, in `lexicon/*.csv`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from heytalk_audit.detect.letters import LEET, SIMPLE, TRADITIONAL, fold_letters

CATEGORIES = ("ethnicity", "religion", "orientation", "health", "politics", "union")
LANGUAGES = ("en", "es", "tr", "ar", "zh")
#: Only terms of this many letters or more count within a longer word or hashtag (#blacklivesmatter).
GLUED = 6

# What may follow a folded stem, up to the word's end. Turkish letters are folded, so that i stands for ı and u for ü.
_TURKISH = (
    r"'?(?:l[iu]|s[iu]z|c[iu])?(?:l[iu][kg])?(?:l[ae]r)?(?:[iu]m[iu]z|[iu]n[iu]z|m[iu]z|[iu]m|[iu]n|s[iu]|m|[iu])?"
    r"(?:y?[aeiu]|n[aeiu]|n?[dt][ae]n?|n?[iu]n|y?l[ae])?(?:k[iu](?:l[ae]r)?)?"
    r"(?:y?[iu]m|s[iu]n(?:[iu]z)?|y?[iu]z|[dt][iu]r(?:l[ae]r)?|y?[dt][iu](?:m|n|k|l[ae]r)?|ym[iu]s|m[iu]s|ken|ys[ae])?"
)
_ARABIC = r"(?:يين|يون|يات|يه|ين|ون|ات|ان|تي|تك|هم|ها|نا|وا|ي|ه|ا|و|ك|ت)?"
#: The gate reads commas and colons as blanks.
_COMMAS = str.maketrans(",:", "  ")
_SOFT = {"k": "[kg]", "p": "[pb]", "c": "[c]", "t": "[td]"}


# compared by identity, as hashing its fields took much of the time of a mention
@dataclass(frozen=True, eq=False)
class Term:
    """A term of the lexicon. `stems` are folded literals with which it begins; `tail` matches what may follow up to the word's end."""

    term: str
    category: str
    language: str
    strength: str
    match: str
    form: str
    stems: tuple[str, ...]
    tail: re.Pattern[str]


@cache
def terms() -> tuple[Term, ...]:
    """Every term of the lexicon, in the order of the files."""
    return tuple(_term(row) for language in LANGUAGES for row in term_rows(language))


def term_rows(language: str) -> list[dict[str, str]]:
    """The rows of one language's file: term, category, language, strength, match, form, notes."""
    text = (files(__package__) / "lexicon" / f"{language}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _term(row: dict[str, str]) -> Term:
    literal, tail = _inflected(fold_letters(row["term"])[0], row["language"], row["match"])
    stems = dict.fromkeys([literal, *(_with_articles(literal) if row["language"] == "ar" else ())])
    kept = {name: row[name] for name in ("term", "category", "language", "strength", "match", "form")}
    return Term(**kept, stems=tuple(stems), tail=re.compile(tail))


def _inflected(word: str, language: str, match: str) -> tuple[str, str]:
    """The literal with which every form of the word begins, and a pattern of the rest."""
    if language == "zh" or match in ("whole", "case"):
        return word, "" if match == "whole" or language == "zh" else "(?:'?s|'[a-z]+)?"
    if language == "en":
        return (word[:-1], "(?:y(?:'s)?|ies)") if re.search("[^aeiou]y$", word) else (word, "(?:'?s|es|s's?)?")
    if language == "es" and len(word) > 3 and word[-1] in "oa":
        return word[:-1], r"[oaex@](?:/[oa])?s?" if len(word) > 4 else "[oa]s?"
    if language == "es":
        return word, "e?s?a?s?"
    if language == "tr":
        return (word[:-1], _SOFT[word[-1]] + _TURKISH) if word[-1] in _SOFT else (word, _TURKISH)
    return (word[:-1], "(?:ه|ات|ي|تي|تنا|تك|تها|تهم)") if word.endswith("ه") and " " not in word else (word, _ARABIC)


def _with_articles(literal: str) -> Iterator[str]:
    """An Arabic term with the article before its later words, or with the preposition l- and the article before the first."""
    first, *rest = literal.split(" ")
    if rest:
        yield " ".join([first, *(word if word.startswith("ال") else "ال" + word for word in rest)])
    if literal.startswith("ال"):
        yield "لل" + literal[2:]


def spellings(term: Term) -> set[str]:
    """How the start of a term may be written before folding, for the gate: in small letters, but for capitals with accents."""
    nexts = _nexts(term)
    plain = {stem + char for stem in term.stems for char in nexts}
    plain |= {stem.replace(" ", "") for stem in plain}
    lower = term.term.replace("İ", "i").lower()
    lower = lower if nexts != ("",) else lower[: max(len(stem) for stem in term.stems)]
    upper = (lower.replace("i", "İ") if term.language == "tr" else lower).upper()
    titled = re.sub(r"(?<!\w)\w", lambda initial: upper[initial.start()], lower)
    accented = {lower, titled, upper[0] + lower[1:], _accents_up(lower, upper), _accents_up(lower, lower.upper())}
    if term.language == "zh":
        # of several traditional characters the first is the common one
        accented = {lower, lower.translate(str.maketrans(SIMPLE[::-1], TRADITIONAL[::-1]))}
    if nexts != ("",):
        accented = {form[:-1] + char for form in accented for char in (*nexts, form[-1])}
    if term.language == "ar":
        plain |= {stem.replace("ا", hamza, 1) for stem in plain for hamza in "أإآ"} | {re.sub("ه( |$)", r"ة\1", stem) for stem in plain}
        plain |= {stem.replace(" ا", " " + hamza) for stem in plain for hamza in "أإ"}
    return {form.translate(_COMMAS) for form in plain | {_as_bytes_are_read(form) for form in accented if not form.isascii()}}


def _nexts(term: Term) -> tuple[str, ...]:
    """The letters of which one follows a stem that was cut before an inflected ending; an empty text where any may."""
    letter = fold_letters(term.term)[0][-1]
    if len(term.term) > GLUED:
        return ("",)
    if term.tail.pattern.startswith("["):
        return tuple(_SOFT[letter][1:-1]) if term.language == "tr" else tuple("oaex@" if "@" in term.tail.pattern else "oa")
    return ("y", "ie") if term.tail.pattern.startswith("(?:y") else ("",)


def _as_bytes_are_read(text: str) -> str:
    small = "".join(char.lower() if char.isascii() else char for char in text)
    return small.replace("-", " ").replace("’", "'").translate(LEET)


def _accents_up(lower: str, upper: str) -> str:
    """The small letters, but capitals where these have an accent."""
    return "".join(small if big.isascii() else big for small, big in zip(lower, upper, strict=False))
