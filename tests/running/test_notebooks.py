"""A notebook opened in JupyterLab: "Run All" with the default parameters shows what the audit shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from conftest import KEY
from nbclient import NotebookClient

from heytalk_audit.audit.exceptions import EXCEPTIONS
from heytalk_audit.notebook import Chapter
from heytalk_audit.report import page
from heytalk_audit.vocabulary import Outcome

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("notebooks")


def sections(notebook: nbformat.NotebookNode) -> list[str]:
    """The HTML of each cell that shows rules' sections."""
    shown = [c for c in notebook.cells if c.cell_type == "code" and ".sections(" in c.source]
    return [output.data["text/html"] for cell in shown for output in cell.outputs]


@pytest.fixture
def opened(tmp_path, demo, monkeypatch) -> Path:
    """The notebooks beside their parameters and a demo, as a user has them open; no run is under way."""
    for name in ("notebooks", "params"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "data" / "demo").mkdir(parents=True)
    (tmp_path / "data" / "demo" / "2025-Q1").symlink_to(demo)
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", KEY)
    monkeypatch.delenv("HEYTALK_AUDIT_WORK", raising=False)
    return tmp_path / "notebooks"


def test_run_all_reproduces_the_chapter_on_the_demo(opened, audited, tmp_path):
    notebook = nbformat.read(opened / "10-retention.ipynb", as_version=4)
    run = NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(opened)}}).execute()
    kept = nbformat.read(audited / "notebooks" / "10-retention.ipynb", as_version=4)
    assert re.findall(r'<h2 id="(RET-\d\d)">', "".join(sections(kept))) == [f"RET-{n:02}" for n in range(1, 21)]
    assert sections(page.normalise(run)) == sections(kept)
    assert str(tmp_path) not in json.dumps(run)


def test_nbconvert_by_itself_makes_a_whole_page_in_which_nothing_runs(audited, tmp_path):
    templates = f"--TemplateExporter.extra_template_basedirs={ROOT / 'heytalk_audit' / 'report' / 'template'}"
    words = [
        "--to",
        "html",
        "--template",
        "heytalk",
        templates,
        "--output-dir",
        str(tmp_path),
        str(audited / "notebooks" / "80-security.ipynb"),
    ]
    done = subprocess.run([sys.executable, "-m", "nbconvert", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "80-security.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and "default-src 'none'" in text and "<script" not in text
    assert "@media print" in text and [f"SEC-{n:02}" for n in range(1, 9)] == re.findall(r'<h2 id="(SEC-\d\d)">', text)


def test_papermill_takes_overrides_and_help_names_every_parameter(opened):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            "10-retention.ipynb",
            "out.ipynb",
            "-y",
            "{overrides: ['rules=[RET-07]', 'audit.id=x']}",
        ],
        cwd=opened,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    shown = "".join(sections(nbformat.read(opened / "out.ipynb", as_version=4)))
    assert shown.count("it was not tested") == 19 and "Traffic data" in shown
    parameters = papermill.inspect_notebook(str(opened / "10-retention.ipynb"))
    assert set(parameters) == {"params", "overrides"} and all(p["help"] for p in parameters.values())


def test_a_chapter_gives_data_frames(opened):
    chapter = Chapter("retention", opened.parent / "params" / "quarterly.yaml", ["rules=[RET-07]"])
    rows = chapter.exceptions("RET-07")  # the first that is asked of the chapter: it is evaluated then
    assert len(chapter.exceptions("RET-08")) == 0  # left out by the parameters
    assert chapter.sections() == chapter.sections()
    ledger = chapter.ledger()
    assert list(ledger.index) == ["RET-07"] and ledger.loc["RET-07", "verdict"] == "FAIL"
    assert ledger.loc["RET-07", "in_scope"] == sum(ledger.loc["RET-07", outcome] for outcome in Outcome)
    assert list(rows.columns) == EXCEPTIONS.names
    assert len(rows) == ledger.loc["RET-07", "in_scope"] - ledger.loc["RET-07", "pass"]
    assert list(chapter.exceptions("RET-07", limit=2).record) == list(rows.record[:2])
    assert chapter.exceptions("RET-07", limit=None).equals(rows)
