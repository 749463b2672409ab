"""The errors that end a command in one line: it says where, what is wrong, and what to do. And what that line is written with."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self


class OneLine(Exception):
    """An error that is printed as one line."""

    def __init__(self, where: object, what: str, todo: str):
        # one line whatever the data holds: control characters never reach a terminal
        super().__init__(" ".join(printable(f"{where}: {what}; {todo}").split()))

    @classmethod
    def again(cls, line: str) -> Self:
        """The error again, from the line that another process printed of it."""
        where, _, rest = line.partition(": ")
        what, _, todo = rest.rpartition("; ")
        return cls(where, what, todo)


class InputError(OneLine):
    """Unusable input (parameters, snapshot, policy, key): exit status 2. `beside` are further such errors, each a line of its own."""

    beside: tuple[InputError, ...] = ()


class AuditFailure(OneLine):
    """The audit itself failed (a kernel died, the disk is full, an engine crashed), whatever its input is: exit status 4."""


class Faults:
    """Errors of input, gathered so that people see all of them at once."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """Go on after an error of input within, and keep it."""
        try:
            yield
        except InputError as error:
            self.errors += [error, *error.beside]

    def refuse(self) -> None:
        """Raise the first of the errors, with the others beside it, if there are any."""
        if self.errors:
            first, *others = self.errors
            first.beside = tuple(others)
            raise first


def printable(text: object) -> str:
    """`text` with every control character replaced, so that hostile data can't steer a terminal or a log."""
    plain = str(text)
    return plain if plain.isprintable() else "".join(c if c.isprintable() else " " for c in plain)


def visible(text: object) -> str:
    """`text` with U+FFFD for every character that can't be seen, but for line breaks, tabs and spaces that hold words together: it keeps
    its length and its lines."""
    plain = str(text)
    return plain if plain.isprintable() else "".join(c if c.isprintable() or c in "\n\t\u00a0" else "\ufffd" for c in plain)


def looked_in(path: Path) -> str:
    """In which folder something was looked for that is not there, as the end of a sentence."""
    return f"in {printable(path.absolute().parent)}"


def is_text(text: str) -> bool:
    """Whether a text can be written as UTF-8: a name or an argument that is none has halves of characters in it."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def nearest(word: str, choices: Iterable[str]) -> str:
    """A hint for a mistyped word: the choice closest to it, or all choices where none is close."""
    ordered = sorted(choices)
    match = closest(word, ordered)
    return f"did you mean {match!r}?" if match else f"known are {', '.join(ordered)}"


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice closest to a word; null where none is close."""
    match = difflib.get_close_matches(word, sorted(choices), n=1, cutoff=0.5)
    return str(match[0]) if match else None
