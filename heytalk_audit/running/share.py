"""What each of a run's connections may use of the machine: written in the working folder before kernels start, and read by each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from heytalk_audit.snapshot.budget import Budget

#: The file in the working folder. The parameters beside it keep what a person wrote: it is recorded, and compared with earlier runs.
FILE = "share.json"


def write_share(budget: Budget, connections: int, work: Path) -> None:
    """From now on so many connections to DuckDB are open at the same time."""
    (work / FILE).write_text(json.dumps(budget.share(connections)), "utf-8")


def read_share(work: Path) -> dict[str, Any]:
    """The options of one of the connections that are open now."""
    return cast(dict[str, Any], json.loads((work / FILE).read_text("utf-8")))
