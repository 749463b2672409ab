"""The lexicon as data: columns, spelling, counts, and no term that another one makes superfluous."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from importlib.resources import files

import pytest
import yaml

from heytalk_audit.detect import special_categories
from heytalk_audit.detect.letters import SIMPLE, TRADITIONAL, fold_letters
from heytalk_audit.detect.repairs import repaired
from heytalk_audit.detect.terms import CATEGORIES, LANGUAGES, term_rows, terms

COLUMNS = ["term", "category", "language", "strength", "match", "form", "notes"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_are_known(language):
    for row in term_rows(language):
        assert list(row) == COLUMNS and row["language"] == language
        assert row["category"] in CATEGORIES
        assert row["strength"] in ("strong", "noun", "weak", "never")
        assert row["match"] in ("word", "whole", "accent", "case")
        assert row["form"] in ("mention", "self")


@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_are_clean(language):
    for row in term_rows(language):
        term = row["term"]
        assert term == unicodedata.normalize("NFC", " ".join(term.split())), term
        assert row["match"] == "case" or term == term.lower(), term
        assert len(term) >= (2 if language == "zh" else 3), term


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_term_stands_twice(language):
    keys = Counter((row["term"], row["strength"] == "never") for row in term_rows(language))
    assert [key for key, times in keys.items() if times > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_are_sorted(language):
    strengths = ("strong", "noun", "weak", "never")
    keys = [(CATEGORIES.index(row["category"]), strengths.index(row["strength"]), row["term"]) for row in term_rows(language)]
    assert keys == sorted(keys)


def test_every_language_covers_every_category():
    counts = Counter((term.language, term.category) for term in terms() if term.strength != "never")
    assert all(counts[language, category] >= 40 for language in LANGUAGES for category in CATEGORIES), counts
    assert sum(counts.values()) >= 2000


def test_both_sides_of_ambiguous_words():
    """A pattern of another sense belongs to a term, in a language of the lexicon, and is no term's own words."""
    senses = yaml.safe_load((files("heytalk_audit.detect") / "lexicon" / "senses.yaml").read_text("utf-8"))
    stems = {fold_letters(term.term)[0].removeprefix("ال") for term in terms()}
    assert set(senses) == set(LANGUAGES)
    for patterns in senses.values():
        for term, pattern in patterns.items():
            assert not re.search(pattern, ""), term
    used = [term for patterns in senses.values() for term in patterns if fold_letters(term)[0].removeprefix("ال") in stems]
    assert len(used) >= 0.8 * sum(map(len, senses.values()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_are_never_meant_are_not_found(language):
    never = [term.term for term in terms() if term.language == language and term.strength == "never"]
    category = {(term.term, term.category) for term in terms() if term.strength == "never"}
    mentions = special_categories(never)
    assert [never[row] for row, kind in zip(mentions.row, mentions.category, strict=True) if (never[row], kind) in category] == []


def test_slips_are_of_no_other_term():
    slips = Counter(form for term in terms() for form in repaired(term))
    assert not set(slips) & {stem for term in terms() for stem in term.stems}
    assert len(slips) > 10_000


def test_short_terms_are_read_with_care():
    short = [t for t in terms() if len(fold_letters(t.term)[0]) < 3 and t.language != "zh"]
    assert short == []


def test_characters_pair_up():
    assert len(SIMPLE) == len(TRADITIONAL) == len(set(TRADITIONAL))
    assert not set(SIMPLE) & set(TRADITIONAL)
