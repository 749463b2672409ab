"""The command line: one module per group of commands. Each parses, calls, prints and exits; nothing is computed here."""

from __future__ import annotations

import sys

# importing a module registers its commands, and --help lists them in that order
from heytalk_audit.cli import snapshots, audits, follow_up, packs, custody, letters, cases  # isort: skip
from heytalk_audit import ending
from heytalk_audit.cli.app import app

__all__ = ["audits", "cases", "custody", "follow_up", "letters", "main", "packs", "snapshots"]


def main() -> None:
    """Entry point: whatever ends a command is one line on standard error, with a status that says what it was."""
    sys.exit(ending.ended(lambda: app()))
