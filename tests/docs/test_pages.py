"""README, CONTRIBUTING and the pages of docs speak of what is there."""

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


def test_the_rule_in_the_readme_is_the_rule():
    (shown,) = re.findall(r"```python\n(@rule.*?)\n```", (ROOT / "README.md").read_text("utf-8"), re.S)
    id = re.search(r'"([A-Z]+-\d+)"', shown)[1]
    assert shown == textwrap.dedent(RULES[id].source).rstrip()


def test_commands_in_the_readme_are_there():
    from heytalk_audit.cli import app

    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    groups = {group.name for group in app.registered_groups}
    shown = set(re.findall(r"heytalk-audit ([a-z]+)", (ROOT / "README.md").read_text("utf-8")))
    assert shown <= names | groups
