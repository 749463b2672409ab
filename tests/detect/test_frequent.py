"""Frequent words of five languages against the lexicon and the words of context: none may look like either unless it is meant."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from heytalk_audit.detect import context, special_categories
from heytalk_audit.detect.fold import fold_key
from heytalk_audit.detect.terms import LANGUAGES

wordfreq = pytest.importorskip("wordfreq", reason="wordfreq, which ranks words by how often they are used, is not installed")

MOST = 20_000
LISTED = {
    group: {language: set(words.split()) for language, words in languages.items()}
    for group, languages in yaml.safe_load(Path(__file__).with_name("frequent.yaml").read_text("utf-8")).items()
}


def frequent(language: str) -> list[str]:
    """The most frequent words of a language, the commonest first."""
    return list(wordfreq.get_frequency_dict(language, "small"))[:MOST]


@pytest.mark.parametrize("language", LANGUAGES)
def test_frequent_words_are_terms_only_where_they_are_meant(language):
    words = frequent(language)
    mentions = special_categories(words)
    assert {words[row] for row in mentions.row} - LISTED["meant"][language] == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_frequent_word_is_taken_for_a_disguise(language):
    words = frequent(language)
    mentions = special_categories(words)
    assert [words[row] for row in mentions.row[mentions.confidence == "low"]] == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_frequent_words_are_labels_only_as_they_are_listed(language):
    """Of the labels that find a number by themselves: a word that only begins as a listed one has none."""
    vocabulary = yaml.safe_load(files("heytalk_audit.detect").joinpath("context.yaml").read_text("utf-8"))
    own = {fold_key(word).rstrip("$*") for languages in vocabulary.values() for word in languages.get(language, ())}
    plural = own | {word + end for word in own for end in ("s", "es")}
    labelled = {
        word
        for word in frequent(language)
        if fold_key(word) not in plural and context.label(f" {fold_key(word)} ", "") in ("phone", "card", "us_ssn", "bank_account")
    }
    assert labelled - LISTED["context"][language] == set()
