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
    """A table of verdicts and ledgers: one line per result of a rule, as `results.json` has it."""
    table = Table(box=None, pad_edge=False)
    for name, width in (("Rule", 7), ("Verdict", 13), ("Severity", 8)):
        table.add_column(name, no_wrap=True, min_width=width)
    for name in ("Scope", "Violation", "Review", "Unknown", "Exempt"):
        table.add_column(name, justify="right", no_wrap=True, min_width=9)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for r in results:
        numbers = [r.ledger[k] for k in ("in_scope", "violation", "review", "unknown", "exempt")]
        shown = ["\u2013" if n is None else f"{n:,}" for n in numbers]
        table.add_row(r.id, r.verdict, r.severity, *shown, r.reason or r.title)
    wide().print(table)


def print_seconds(seconds: Mapping[str, float]) -> None:
    """How long each step took, in seconds. Notebooks run side by side, so the steps may add up to more than the whole run."""
    out.print("Seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()), soft_wrap=True)
