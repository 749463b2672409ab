"""JupyterLab on a case's own notebook, or on copies of the notebooks: the installed ones are evidence of what a run executed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from heytalk_audit.canonical import PACKAGE
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.materials import NOTEBOOKS
from heytalk_audit.investigation.case_file import CASE_FILE, INVESTIGATION

#: JupyterLab without news, without a look for updates, and without a manager of extensions: none of these is the audit's, and each asks
#: a server on the internet.
_QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)
_PARAMETERS = "parameters"
#: Where copies of the notebooks go, unless a person says otherwise.
COPIES = Path("lab")


def run_lab(folder: Path, options: Sequence[str]) -> int:
    """JupyterLab on a case's folder, or on a folder of copies that is written where it is not there; returns its exit status.

    Raises InputError.
    """
    if str(folder).startswith("-"):  # an option of JupyterLab's that stands first
        folder, options = COPIES, [str(folder), *options]
    is_case = (folder / CASE_FILE).is_file()
    if not is_case:
        write_copies(folder)
    page_config = str(PACKAGE / "investigation" / "jupyter")
    environment = os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join([page_config, os.environ.get("JUPYTER_CONFIG_PATH", "")])}
    target = folder / INVESTIGATION if is_case else folder
    return subprocess.call([sys.executable, "-m", "jupyter", "lab", str(target), *_QUIET, *options], env=environment)


def write_copies(folder: Path) -> None:
    """Copy the notebooks of the report to a folder, unless they are there; each names its parameters file by its whole path.

    Raises InputError where the folder holds something else.
    """
    if folder.exists() and not (folder.is_dir() and any(folder.glob("*.ipynb"))) and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"lab {folder.name}", "holds no notebooks and is no case's folder", "name a new folder, or a case's")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(NOTEBOOKS.glob("*.ipynb")):
        copy = folder / source.name
        if source.name != INVESTIGATION and not copy.exists():
            notebook = nbformat.read(source, as_version=4)
            for cell in notebook.cells:
                if _PARAMETERS in cell.metadata.get("tags", []):
                    cell.source = cell.source.replace('"../params/', f'"{(NOTEBOOKS.parent / "params").as_posix()}/')
            nbformat.write(notebook, copy)
