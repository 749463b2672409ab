"""Which commit the code is, for those who look for its source: said only where the code is that commit's, to the byte."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache

from heytalk_audit.canonical import PACKAGE

#: What of the project a run executes.
_EXECUTED = ("heytalk_audit", "notebooks", "requirements.lock")
_SECONDS = 20


@cache
def commit_of_the_code() -> str | None:
    """The commit that is checked out, in hex; null outside of a clone, without git, and where what a run executes was changed since."""
    root = PACKAGE.parent
    if not (root / ".git").exists():
        return None
    commit = _git("rev-parse", "--verify", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=normal", "--", *_EXECUTED)
    return commit if commit and changed == "" and re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", commit) else None


def _git(*arguments: str) -> str | None:
    """What git prints of the project's clone; null where it can't."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(PACKAGE.parent), *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
