"""The commands of a tutorial in docs, as its reader would type them, with the exit status that it states, and the files that it has."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
PROGRAM = "heytalk-audit"
#: The exit status that a command's remark states, where it is not 0.
_STATUS = re.compile(r"# status (\d+)")
_FILE = re.compile(r"^`([\w.-]+)`:\n\n```\w+\n(.*?)```\n", re.M | re.S)
_LINE = re.compile(r"^    ([a-z].*)$", re.M)


@dataclass(frozen=True)
class Command:
    """A line that a reader types: as it stands, its words, and the exit status that the page states."""

    line: str
    status: int

    @property
    def words(self) -> list[str]:
        """The words of the line, without its remark."""
        return shlex.split(self.line, comments=True)

    @property
    def is_own(self) -> bool:
        """Whether it starts this program."""
        return self.words[0] == PROGRAM


def text_of(page: str) -> str:
    """A page, with the commands that go over several lines in one."""
    return (DOCS / page).read_text("utf-8").replace("\\\n", " ")


def lines_of(page: str) -> list[Command]:
    """Each line that a reader types, in order; what exports a variable is left out."""
    lines = [line for line in _LINE.findall(text_of(page)) if not line.startswith("export ")]
    return [Command(line, int(stated[1]) if (stated := _STATUS.search(line)) else 0) for line in lines]


def commands_of(page: str) -> list[list[str]]:
    """Each command that starts this program, as its words after the program's name."""
    return [command.words[1:] for command in lines_of(page) if command.is_own]


def files_of(page: str) -> dict[str, str]:
    """The files that a page shows whole, by name."""
    return dict(_FILE.findall(text_of(page)))
