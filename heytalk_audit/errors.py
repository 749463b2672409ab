"""The error that a user can mend: it says where, what is wrong, and what to do. And what its one line is written with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """Unusable input (parameters, snapshot, policy, key): printed as one line, exit status 2."""

    def __init__(self, where: object, what: str, todo: str):
        # one line whatever the data holds: control characters never reach a terminal
        super().__init__(" ".join(printable(f"{where}: {what}; {todo}").split()))

    @classmethod
    def again(cls, line: str) -> InputError:
        """The error again, from the line that another process printed of it."""
        where, _, rest = line.partition(": ")
        what, _, todo = rest.rpartition("; ")
        return cls(where, what, todo)


def printable(text: object) -> str:
    """`text` with every control character replaced, so that hostile data can't steer a terminal or a log."""
    plain = str(text)
    return plain if plain.isprintable() else "".join(c if c.isprintable() else " " for c in plain)


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
