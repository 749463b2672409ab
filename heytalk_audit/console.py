"""The console that all commands print to, and the tables that several of them print.

Nothing else in the package writes to a terminal. What is printed comes from data, paths and parameters as well: here, and only here, it
is made harmless, whoever prints it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from heytalk_audit.errors import visible

#: Tables of verdicts are printed at least this wide, so that titles stay readable.
WIDE = 132


#: Columns of the table of verdicts that are never left out, with their widths, and those of its numbers of rows.
_FIXED = {"Rule": 7, "Verdict": 13, "Severity": 8}
_NUMBERS = {"in_scope": "Scope", "violation": "Violation", "review": "Review", "unknown": "Unknown", "exempt": "Exempt"}
#: So many characters of a reason or a title are always there.
_FEWEST_WORDS = 16


class Screen(Console):
    """A console on which text is text: no markup and no emoji code is read in it, and no character of it steers the terminal.

    Each character that has no glyph of its own (control, format and bidirectional ones) is printed as U+FFFD.
    """

    def __init__(self, **options: Any):
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def on_broken_pipe(self) -> None:
        """See `Console`, which would end the process with status 1: a reader may go away (as `head` does), and the command goes on."""
        self.quiet = True
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self.file.fileno())
        os.close(nothing)

    def render_str(self, text: str, **options: Any) -> Text:
        """See `Console`; cleaned before it is laid out, so that columns keep their width."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `Console`. Whatever was not a string passes here too; control segments are the console's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


out = Screen()
err = Screen(stderr=True)


def wide() -> Screen:
    """A console for wide tables."""
    return Screen(width=max(out.width, WIDE))


def print_document(text: str) -> None:
    """A document that is made to be kept in a file, as it is: no line of it is wrapped. What steers a terminal is no part of one."""
    sys.stdout.write(visible(text))
    sys.stdout.flush()


class VerdictRow(Protocol):
    """A rule's result, as far as the verdict table shows it."""

    @property
    def id(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def ledger(self) -> Counts: ...


class Counts(Protocol):
    """A ledger: rows by outcome, and `in_scope`; null where a number is hidden."""

    def __getitem__(self, name: str, /) -> int | None: ...


def print_verdicts(results: Iterable[VerdictRow]) -> None:
    """A table of verdicts and ledgers: one line per result of a rule, as `results.json` has it.

    Rule, verdict and severity are always there in full. In a narrow terminal the numbers of rows that do not fit are left out from the
    right, and the reason is cut.
    """
    screen = out if out.is_terminal else wide()
    lines = [(r, [_number(r.ledger[k]) for k in _NUMBERS]) for r in results]
    widest = [max([len(name), *(len(numbers[n]) for _, numbers in lines)]) for n, name in enumerate(_NUMBERS.values())]
    kept = _that_fit(widest, screen.width)
    table = Table(box=None, pad_edge=False)
    for name, width in _FIXED.items():
        table.add_column(name, no_wrap=True, width=width)
    for name, width in list(zip(_NUMBERS.values(), widest, strict=True))[:kept]:
        table.add_column(name, justify="right", no_wrap=True, width=width)
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=max(_FEWEST_WORDS, screen.width - _taken(widest[:kept])))
    for r, numbers in lines:
        table.add_row(r.id, r.verdict, r.severity, *numbers[:kept], r.reason or r.title)
    screen.print(table)


def _number(count: int | None) -> str:
    return "\u2013" if count is None else f"{count:,}"


def _that_fit(widest: list[int], width: int) -> int:
    """How many of the columns of numbers, as wide as these, fit beside rule, verdict, severity and a few words of the reason."""
    return next((kept for kept in range(len(widest), 0, -1) if _taken(widest[:kept]) + _FEWEST_WORDS <= width), 0)


def _taken(numbers: list[int]) -> int:
    """How wide all columns but the last are; two spaces part one from the next."""
    return sum(_FIXED.values()) + sum(numbers) + 2 * (len(_FIXED) + len(numbers))


def print_seconds(seconds: Mapping[str, float]) -> None:
    """How long each step took, in seconds. Notebooks run side by side, so the steps may add up to more than the whole run."""
    out.print("Seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()), soft_wrap=True)
