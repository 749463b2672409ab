"""The one error a user can mend: it names where, what, and what to do."""

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
        """The error whose one line came back from another process."""
        where, _, rest = line.partition(": ")
        what, _, todo = rest.rpartition("; ")
        return cls(where, what, todo)


def printable(text: object) -> str:
    """`text` with every control character replaced, so that hostile data can't steer a terminal or a log."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word closest to a mistyped one."""
    known = sorted(known)
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {match[0]!r}?" if match else f"known are {', '.join(known)}"
