"""The commands of a tutorial in docs, as its reader would type them."""

import re
import shlex
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def commands_of(page: str) -> list[list[str]]:
    """Each command that starts this program, as its words after the program's name."""
    text = (DOCS / page).read_text("utf-8").replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in re.findall(r"^    (heytalk-audit .*)$", text, re.M)]
