"""The lawyer's page names what is there: each page, heading and word of the report, as it is rendered, and of a letter's review."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from commands import heytalk_audit
from tutorial import lines_of, text_of

from heytalk_audit.letters.answer import LetterAnswers
from heytalk_audit.letters.review import write_review
from heytalk_audit.policy import load_policy
from heytalk_audit.report.words import CLAUSES, VERDICTS
from heytalk_audit.vocabulary import Rating

pytestmark = pytest.mark.xdist_group("run")
PAGE = text_of("lawyer.md")
REPORT, LETTER = PAGE.split("## Before it leaves the house")
ITALICS = re.compile(r"(?<![*\w])\*(?!\*)([^*\n][^*]*?)\*(?![*\w])")


def words_in(text: str) -> list[str]:
    return [" ".join(word.split()) for word in ITALICS.findall(text)]


def shown(path: Path) -> str:
    """The text that a reader sees, with single spaces."""
    return " ".join(BeautifulSoup(path.read_text("utf-8"), "html.parser").get_text(" ").split())


@pytest.fixture(scope="module")
def seen(audited) -> str:
    return "\n".join(shown(page) for page in sorted(audited.glob("*.html")))


#: Verdicts and states that nothing of the small demo has; that they are those of the report is tested below.
ABSENT = {"Attested", "Expired", "Error", "Accepted"}


@pytest.mark.parametrize("word", sorted(set(words_in(REPORT)) - ABSENT))
def test_each_word_in_italics_stands_in_the_report(word, seen):
    assert word in seen or f"{word[:1].lower()}{word[1:]}" in seen


def test_each_page_that_it_names_is_there(audited):
    named = set(re.findall(r"`([\w-]+\.html)`", REPORT))
    assert {"index.html", "clauses.html", "document.html", "numbers.html"} <= named
    assert [page for page in named if not (audited / page).exists()] == []


def first_cells(head: str) -> list[str]:
    """The words in the first column of the table that begins with this head."""
    table = re.search(rf"^\| {head} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M)[1]
    return [word for line in table.splitlines() for word in words_in(line.split("|")[1])]


def test_every_verdict_every_state_of_a_clause_and_every_rating_is_explained():
    assert {word.replace(" ", "_").upper() for word in first_cells("word")} == set(VERDICTS)
    assert {word.replace(" ", "_").upper() for word in first_cells("state")} == set(CLAUSES)
    assert set(Rating) <= set(words_in(PAGE))


@pytest.mark.parametrize("state", CLAUSES)
def test_a_state_is_explained_as_the_report_explains_it(state):
    (line,) = re.findall(rf"^\| \*{state.replace('_', ' ').capitalize()}\* \| (.+) \|$", PAGE.split("## Clause by clause")[1], re.M)
    plain = line.replace(". It was", "; it was").rstrip(".")
    assert plain[:1].lower() + plain[1:] == CLAUSES[state]


def test_the_policy_has_as_many_clauses_as_it_says():
    assert f"all {len(load_policy().clauses)} clauses" in PAGE


def test_a_report_that_nobody_signed_verifies_as_it_says(audited):
    (command,) = [command for command in lines_of("lawyer.md") if command.is_own]
    words = [str(audited) if word == "reports/demo" else word for word in command.words[1:]]
    assert heytalk_audit(*words).returncode == command.status == 3


def test_the_review_of_a_letter_has_the_tables_that_it_names(tmp_path):
    answers = LetterAnswers.model_construct(letter={"id": "A-1"}, answers=[])
    write_review(tmp_path, answers, [], load_policy())
    assert [word for word in words_in(LETTER) if word not in shown(tmp_path / "review.html")] == []
