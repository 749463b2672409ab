"""The glossary explains every word that an audit's results use, once, in order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heytalk_audit import vocabulary
from heytalk_audit.follow_up.changes import STATES
from heytalk_audit.vocabulary import KINDS, Ordered

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
TERMS = re.findall(r"^\* \*\*(.+?)\*\*: (.+?)(?=\n\n|\n\*)", GLOSSARY, re.M | re.S)
#: What a table's rows explain: one word in code, or several.
EXPLAINED = [word for cell in re.findall(r"^\| (`.+?`) \| \S.+\|$", GLOSSARY, re.M) for word in re.findall("`(.+?)`", cell)]
WORDS = [(words.__name__, word) for words in Ordered.__subclasses__() for word in words]


@pytest.mark.parametrize(("enumeration", "word"), WORDS, ids=[f"{name}-{word}" for name, word in WORDS])
def test_every_word_is_explained(enumeration, word):
    assert str(word) in EXPLAINED


def test_every_enumeration_has_a_section_with_its_words_in_order():
    sections = {section.partition("\n")[0]: section for section in GLOSSARY.split("\n## ")}
    for words in Ordered.__subclasses__():
        (section,) = [text for heading, text in sections.items() if all(f"| `{word}` |" in text for word in words)]
        assert re.findall(r"^\| `(.+?)` \|", section, re.M) == [str(word) for word in words]


def test_every_kind_of_value_is_explained_and_no_other():
    kinds = GLOSSARY.split("## Kinds of values in text")[1]
    assert sorted(re.findall("`(.+?)`", kinds)) == sorted(KINDS)


def test_every_enumeration_is_seen():
    """A new list of words in the vocabulary is found by what it is."""
    assert {words.__name__ for words in Ordered.__subclasses__()} == {
        name for name, value in vars(vocabulary).items() if isinstance(value, type) and issubclass(value, Ordered) and value is not Ordered
    }


def test_terms_stand_once_and_in_order():
    terms = [term for term, _ in TERMS]
    assert len(terms) > 40 and terms == sorted(set(terms))


def test_an_explanation_is_short_and_leads_nowhere():
    assert all(text.rstrip().endswith(".") and len(re.findall(r"\.(?=\s|$)", text)) <= 3 for _, text in TERMS)
    assert "](" not in GLOSSARY and "http" not in GLOSSARY


def test_follow_up_names_the_states_of_rows():
    (text,) = [text for term, text in TERMS if term == "follow-up"]
    assert all(re.search(rf"\b{state}\b", text) for state in ("new", "persisting", "changed", "resolved")) and "new" in STATES
