"""A notebook opened in JupyterLab: "Run All" with the default parameters shows what the audit shows."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from conftest import KEY
from nbclient import NotebookClient

from heytalk_audit.report import page

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("run")


def sections(notebook: nbformat.NotebookNode) -> list[str]:
    """The HTML of each cell that shows a rule's section."""
    shown = [c for c in notebook.cells if c.cell_type == "code" and ".section(" in c.source]
    return [output.data["text/html"] for cell in shown for output in cell.outputs]


def test_run_all_reproduces_the_chapter_on_the_demo(tmp_path, audited, demo, monkeypatch):
    for name in ("notebooks", "params"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo").symlink_to(demo)
    monkeypatch.setitem(os.environ, "HEYTALK_AUDIT_KEY", KEY)
    monkeypatch.delitem(os.environ, "HEYTALK_AUDIT_WORK", raising=False)
    opened = nbformat.read(tmp_path / "notebooks" / "10-retention.ipynb", as_version=4)
    resources = {"metadata": {"path": str(tmp_path / "notebooks")}}
    run = NotebookClient(opened, timeout=300, kernel_name="python3", resources=resources).execute()
    kept = nbformat.read(audited / "notebooks" / "10-retention.ipynb", as_version=4)
    assert len(sections(kept)) == 20
    assert sections(page.normalise(run)) == sections(kept)
    assert str(tmp_path) not in json.dumps(run)
