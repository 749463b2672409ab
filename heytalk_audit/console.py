"""The console that all commands print to, and the tables that several of them print."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from heytalk_audit.errors import printable

#: Tables of verdicts are printed at least this wide, so that titles stay readable.
WIDE = 132


class Patient(Console):
    """A console whose reader may go away (as `head` does): the command goes on, and ends with its own status."""

    def on_broken_pipe(self) -> None:
        """See `Console`, which would end the process with status 1."""
        self.quiet = True
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self.file.fileno())
        os.close(nothing)


out = Patient(highlight=False)
err = Patient(stderr=True, highlight=False)


def wide() -> Console:
    """A console for wide tables."""
    return Patient(highlight=False, width=max(out.width, WIDE))


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
        table.add_row(r.id, r.verdict, r.severity, *shown, Text(printable(r.reason or r.title)))
    wide().print(table)


def print_seconds(seconds: Mapping[str, float]) -> None:
    """How long each step took, in seconds. Notebooks run side by side, so the steps may add up to more than the whole run."""
    out.print("Seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()), soft_wrap=True)
