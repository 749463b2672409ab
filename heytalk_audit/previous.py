"""An earlier run: which columns it was delivered, so that what changed since can be told."""

from __future__ import annotations

import json
from pathlib import Path

from heytalk_audit.errors import InputError

RESULTS = "results.json"


def columns_before(folder: Path) -> dict[str, list[str]]:
    """The columns that an earlier run was delivered, by table. Raises InputError where the folder holds no such run."""
    where = f"previous {folder.name}"
    try:
        found = json.loads((folder / RESULTS).read_text("utf-8"))["audit"]["columns"]
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(where, f"its {RESULTS} is missing or cannot be read", "name the folder of an earlier run") from error
    except (KeyError, TypeError) as error:
        raise InputError(where, f"its {RESULTS} lists no columns", "name the folder of a run of this version") from error
    if not (isinstance(found, dict) and all(isinstance(c, list) and all(isinstance(n, str) for n in c) for c in found.values())):
        raise InputError(where, f"its {RESULTS} lists no columns", "name the folder of a run of this version")
    return found
