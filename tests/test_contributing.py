"""The guide in CONTRIBUTING.md, followed to the letter in a copy of the project: its blocks add a rule that works."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest
from conftest import KEY

ROOT = Path(__file__).resolve().parents[1]
RULE = "RET-90"
pytestmark = pytest.mark.xdist_group("run")


def blocks() -> dict[str, str]:
    """The guide's blocks, by the file that each is for."""
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    guide = guide[guide.index("## How to add a rule") :].split("\n## ")[0]
    found = re.findall(r"`([\w./-]+)`:\n\n +```\w+\n(.*?)\n +```", guide, re.DOTALL)
    return {file: textwrap.dedent(text) + "\n" for file, text in found}


def apply(root: Path, file: str, text: str) -> None:
    """A block put where the guide says: a cell at the notebook's end, text at a file's end, or a file of its own."""
    path = root / file
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(text.strip()))
        nbformat.write(notebook, path)
    else:
        path.write_text((path.read_text("utf-8") if path.exists() else "") + text, "utf-8")


def in_copy(root: Path, *command: object) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(root), "HEYTALK_AUDIT_KEY": KEY}
    return subprocess.run([sys.executable, *map(str, command)], cwd=root, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_guides_rule_is_one_short_function():
    files = blocks()
    assert len(files) == 4
    (source,) = [text for file, text in files.items() if file.startswith("heytalk_audit/rules/")]
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    assert [f.end_lineno - f.lineno < 20 for f in functions] == [True]


def test_the_guide_adds_a_rule(tmp_path, demo):
    root = tmp_path / "project"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".*", "__pycache__", "data", "reports", "benchmarks", "docs"))
    for file, text in blocks().items():
        apply(root, file, text)
    recipe = re.search(r"^rules: setup\n\t(.+)$", (root / "Makefile").read_text("utf-8"), re.MULTILINE)[1]
    code = re.search(r"-c '(.+)' > RULES\.md", recipe)[1]
    (root / "RULES.md").write_text(in_copy(root, "-c", code).stdout, "utf-8")
    assert f"### {RULE}" in (root / "RULES.md").read_text("utf-8")

    guards = f"(duckdb and {RULE}) or (metadata and {RULE}) or (both_sides and {RULE}) or fresh or fenced or narrate or name_each_other"
    files = ["tests/rules/test_cases.py", "tests/test_house.py", "tests/audit/test_clauses.py"]
    tested = in_copy(root, "-m", "pytest", "-q", "-n", 0, "-p", "no:cacheprovider", *files, "-k", guards)
    assert tested.returncode == 0, tested.stdout[-3000:]

    out, snapshot = tmp_path / "out", f"snapshot={demo}"
    run = ["run", "params/quarterly.yaml", "-p", snapshot, "-p", "chapters=[retention]", "-p", f"rules=[{RULE}]", "--out", out]
    audited = in_copy(root, "-m", "heytalk_audit.cli", *run)
    assert audited.returncode in (0, 1, 3), audited.stderr
    result = next(r for r in json.loads((out / "results.json").read_text("utf-8"))["rules"] if r["id"] == RULE)
    assert result["verdict"] in ("PASS", "REVIEW") and result["ledger"]["in_scope"] > 0
    page = (out / "retention.html").read_text("utf-8")
    assert f'<h2 id="{RULE}">' in page and result["promise"] in page
