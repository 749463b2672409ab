"""The folder of a run: what its files are called, and where they lie when the run is the payload of a bag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = "results.json"
#: What a run carries of single rows for the next one, beyond its exceptions.
CARRIED = "follow-up.parquet"
STATEMENT = "evidence.json"
SIGNATURE = "evidence.sig"
EXCEPTIONS = "exceptions"
NOTEBOOKS = "notebooks"
#: What a replay needs and may be shown: the parameters without paths, and the registers and policy that they name.
INPUTS = "inputs"
PARAMETERS = f"{INPUTS}/parameters.yaml"
INDEX = "index.html"
#: The folder of a bag that holds the run.
PAYLOAD = "data"


def payload(folder: Path) -> Path:
    """The run's own folder, of a run or a bag of one."""
    inner = folder / PAYLOAD
    return inner if inner.is_dir() and not inner.is_symlink() else folder


def exceptions_file(folder: Path, rule: str) -> Path:
    """The file of a rule's exception rows."""
    return folder / EXCEPTIONS / f"{rule}.parquet"


def results_of(folder: Path) -> dict[str, Any]:
    """The results of a run, or of a bag of one, as they were written. Raises OSError or ValueError where they can't be read."""
    results: dict[str, Any] = json.loads((payload(folder) / RESULTS).read_text("utf-8"))
    return results


def stated_in(folder: Path) -> list[str]:
    """The texts of what was stated to a run, its parameters, registers and policy, and of what the audit was."""
    inputs = sorted(file for file in (folder / INPUTS).rglob("*") if file.is_file())
    return [*(file.read_text("utf-8", "replace") for file in inputs), json.dumps(results_of(folder)["audit"], ensure_ascii=False)]
