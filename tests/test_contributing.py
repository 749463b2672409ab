"""The guides in CONTRIBUTING.md, followed to the letter in a copy of the project: what they add works, and they name all that it takes."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from conftest import KEY

from heytalk_audit.demo.audit import differences

ROOT = Path(__file__).resolve().parents[1]
#: A line of a guide ends with the file that a block is for, and the text in the line that the block goes below, if it goes below one.
BLOCK = re.compile(r"`([\w./-]+)`(?:,\s+below\s+`([^`]+)`)?:\n\n +```\w+\n(.*?)\n +```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of a guide: for which file, below which line of it (the one that has this text), and what it says."""

    file: str
    below: str | None
    text: str


@dataclass(frozen=True)
class Guide:
    """A guide, the rule that it adds, and the rule's chapter; `beside` are other rules, by chapter, that see what it adds."""

    heading: str
    rule: str
    chapter: str
    beside: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def text(self) -> str:
        """The guide as CONTRIBUTING.md has it."""
        page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        return page[page.index(f"## {self.heading}\n") :].split("\n## ")[0]

    @property
    def blocks(self) -> list[Block]:
        """Its blocks, in order."""
        return [Block(file, below or None, textwrap.dedent(text)) for file, below, text in BLOCK.findall(self.text)]


RULE = Guide("How to add a rule", "RET-90", "retention")
#: Rules over whatever was delivered, and those that read tickets.
OVER_COLUMNS = {
    "retention": ("RET-11", "RET-15", "RET-16"),
    "collection": ("COL-01", "COL-02", "COL-07", "COL-10"),
    "security": ("SEC-02", "SEC-08"),
}
COLUMN = Guide("How to add a column that a rule uses", "RET-91", "retention", OVER_COLUMNS)
CHAPTER = Guide("How to add a chapter with one rule", "LNK-01", "linked-accounts")
GUIDES = (RULE, COLUMN, CHAPTER)
#: Tests of one guide share its copy of the project, and go to one process.
EVERY_GUIDE = pytest.mark.parametrize("guide", [pytest.param(g, id=g.rule, marks=pytest.mark.xdist_group(g.rule)) for g in GUIDES])


def put(root: Path, block: Block) -> None:
    """A block put where the guide says: below the one line that has its text, at a file's end, or into a file of its own."""
    path = root / block.file
    text = path.read_text("utf-8") if path.exists() else ""
    if block.below:
        (line,) = [line for line in text.splitlines() if block.below in line]
        indent = line[: len(line) - len(line.lstrip())]
        text = text.replace(f"{line}\n", f"{line}\n{textwrap.indent(block.text, indent)}\n")
    else:
        between = "\n\n" if text and path.suffix == ".py" else ""
        text = f"{text}{between}{block.text}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def in_copy(root: Path, *command: object) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(root), "HEYTALK_AUDIT_KEY": KEY}
    return subprocess.run([sys.executable, *map(str, command)], cwd=root, env=env, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which a guide was followed: `project(guide)`."""
    copies: dict[str, Path] = {}

    def followed(guide: Guide) -> Path:
        if guide.rule not in copies:
            root = tmp_path_factory.mktemp(guide.rule) / "project"
            left_out = shutil.ignore_patterns(".*", "__pycache__", "data", "reports", "benchmarks", "docs", "formats")
            shutil.copytree(ROOT, root, ignore=left_out)
            for block in guide.blocks:
                put(root, block)
            print_catalogue(root)
            copies[guide.rule] = root
        return copies[guide.rule]

    return followed


def print_catalogue(root: Path) -> None:
    """What `make rules` does."""
    recipe = re.search(r"^rules: setup\n\t(.+)$", (root / "Makefile").read_text("utf-8"), re.MULTILINE)[1]
    code = re.search(r"-c '(.+)' > RULES\.md", recipe)[1]
    (root / "RULES.md").write_text(in_copy(root, "-c", code).stdout, "utf-8")


def audit(root: Path, guide: Guide, snapshot: Path, out: Path) -> dict:
    """The guide's rule in an audit of its chapter and of the rules beside it, by the copy's own parameters."""
    chapters, rules = {guide.chapter, *guide.beside}, [guide.rule, *(rule for ids in guide.beside.values() for rule in ids)]
    chosen = ["-p", f"snapshot={snapshot}", "-p", f"chapters=[{', '.join(chapters)}]", "-p", f"rules=[{', '.join(rules)}]"]
    done = in_copy(root, "-m", "heytalk_audit.cli", "run", "params/quarterly.yaml", *chosen, "--out", out)
    assert done.returncode in (0, 1, 3), done.stderr
    return next(r for r in json.loads((out / "results.json").read_text("utf-8"))["rules"] if r["id"] == guide.rule)


@EVERY_GUIDE
def test_a_guides_rule_is_one_short_function(guide):
    (source,) = [block.text for block in guide.blocks if block.file.startswith("heytalk_audit/rules/")]
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    assert [f.end_lineno - f.lineno < 20 for f in functions] == [True]


def test_every_block_of_a_guide_is_followed():
    """No block is missed: each names the file that it is for."""
    for guide, count in zip(GUIDES, (5, 7, 7), strict=True):
        assert guide.text.count("```") == 2 * len(guide.blocks) == 2 * count


@EVERY_GUIDE
def test_a_guide_keeps_what_guards_a_rule(guide, project):
    root = project(guide)
    assert f"### {guide.rule}" in (root / "RULES.md").read_text("utf-8")
    (module,) = [block.file.removeprefix("heytalk_audit/") for block in guide.blocks if block.file.startswith("heytalk_audit/rules/")]
    of_rule = " or ".join(f"({guard} and {guide.rule})" for guard in ("duckdb", "metadata", "is_short", "both_sides"))
    of_all = "fresh or narrate or name_each_other or personal_data_is_declared or one_meaning_and_a_clause or standards_own_schema"
    of_house = f"((fenced or says_what_it_holds) and {module.removeprefix('rules/')}) or knows_no_rule or rooms_import_in_one_order"
    files = ["tests/rules/test_cases.py", "tests/test_house.py", "tests/audit/test_clauses.py"]
    guards = f"{of_rule} or {of_all} or {of_house}"
    tested = in_copy(root, "-m", "pytest", "-q", "-n", 0, "-p", "no:cacheprovider", *files, "-k", guards)
    assert tested.returncode == 0, tested.stdout[-3000:]
    assert " skipped" not in tested.stdout


@EVERY_GUIDE
def test_what_a_guide_adds_is_audited_and_stands_on_its_page(guide, project, tmp_path):
    """The copy's own demo, audited by the copy: it finds what the guide plants and what was planted before, and nothing else."""
    root, demo, out = project(guide), tmp_path / "demo", tmp_path / "out"
    assert in_copy(root, "-m", "heytalk_audit.cli", "demo", demo, "--users", 300).returncode == 0
    result = audit(root, guide, demo, out)
    assert result["verdict"] == "REVIEW" and result["ledger"]["review"] == 3
    assert differences(out, demo, KEY.encode()) == []
    page = (out / f"{guide.chapter}.html").read_text("utf-8")
    assert f'<h2 id="{guide.rule}">' in page and result["promise"] in page
    assert f'href="{guide.chapter}.html"' in (out / "index.html").read_text("utf-8")


@pytest.mark.xdist_group(COLUMN.rule)
def test_a_column_that_was_not_delivered_blocks_its_rule(project, demo, tmp_path):
    """The demo as it is without the guide has no such column."""
    result = audit(project(COLUMN), replace(COLUMN, beside={}), demo, tmp_path / "out")
    assert result["verdict"] == "NOT_EVALUATED" and result["blocked_by"] == ["absent:support_tickets.ip"]
    assert "absent:support_tickets.ip" in COLUMN.text
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert COLUMN.rule in page[page.index('id="not-evaluated"') : page.index('id="review"')]
