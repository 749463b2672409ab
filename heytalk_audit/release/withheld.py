"""What holds values of people is withheld: kept where only its user may look, named by files and columns, and never published."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from heytalk_audit.errors import AuditFailure
from heytalk_audit.release.search import Hit

#: The file beside what is withheld that lists the hits.
LIST = "withheld.txt"
_NAMED = 3


def withhold(staged: Path, target: Path, hits: Sequence[Hit]) -> AuditFailure:
    """Keep a finished folder in a private one beside its target, and return the error that says so. No value is named."""
    target.parent.mkdir(parents=True, exist_ok=True)
    private = Path(tempfile.mkdtemp(prefix=f"{target.name}.withheld-", dir=target.parent))
    shutil.copytree(staged, private / target.name)
    lines = [f"{hit.file} holds what stands in {hit.column}" for hit in hits]
    (private / LIST).write_text("\n".join(lines) + "\n", "utf-8")
    more = f", and {len(lines) - _NAMED:,} more such places" if len(lines) > _NAMED else ""
    what = f"personal data would get out: {', '.join(lines[:_NAMED])}{more}"
    return AuditFailure(target.name, what, f"nothing was published; look into {private}, which only this account may enter")
