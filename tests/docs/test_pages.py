"""README, CONTRIBUTING and the pages of docs name what is there, and README leads to each page."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from heytalk_audit.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *sorted((ROOT / "docs").rglob("*.md"))]
#: Paths of the project in running text or code: a folder of it, and what follows.
PATH = re.compile(r"(?<![\w/.-])(?:heytalk_audit|tests|docs|notebooks|params|benchmarks)/[\w./-]*\w")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def made_by_a_guide() -> set[str]:
    """Files that the guides of CONTRIBUTING.md tell to make."""
    return set(re.findall(r"`([\w./-]+)`:\n\n +```", (ROOT / "CONTRIBUTING.md").read_text("utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_paths_and_links_lead_to_something(page):
    text = page.read_text("utf-8")
    paths = {ROOT / path for path in PATH.findall(text) if path not in made_by_a_guide()}
    links = {page.parent / link for link in LINK.findall(text)}
    assert [path for path in paths | links if not path.exists()] == []


def test_the_rule_on_a_page_is_the_rule():
    (shown,) = re.findall(r"```python\n(@rule.*?)\n```", (ROOT / "docs" / "numbers.md").read_text("utf-8"), re.S)
    id = re.search(r'"([A-Z]+-\d+)"', shown)[1]
    assert shown == textwrap.dedent(RULES[id].source).rstrip()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_that_a_page_names_are_there(page):
    from heytalk_audit.cli import app

    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    groups = {group.name for group in app.registered_groups}
    shown = set(re.findall(r"(?:^ {4,}|`|\$ )heytalk-audit ([a-z]+)", page.read_text("utf-8"), re.M))
    assert shown <= names | groups


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_targets_of_make_that_a_page_names_are_there(page):
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)[1].split()
    assert set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", page.read_text("utf-8"), re.M)) <= set(phony)


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as Markdown's readers make them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_link_into_a_page_leads_to_a_heading(page):
    links = re.findall(r"\]\(([^)#:]*\.md|)#([^)]+)\)", page.read_text("utf-8"))
    assert [(file, part) for file, part in links if part not in headings(page.parent / file if file else page)] == []


def test_the_readme_is_short_and_leads_to_every_page():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 120
    links = {(ROOT / link).resolve() for link in LINK.findall(text)}
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if page not in links] == []
