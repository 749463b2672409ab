"""The command line: one module per group of commands. Each parses, calls, prints and exits; nothing is computed here."""

from __future__ import annotations

import errno
import signal
import sys

# importing a module registers its commands, and --help lists them in that order
from heytalk_audit.cli import snapshots, audits, follow_up, packs, custody  # isort: skip
from heytalk_audit.cli.app import app
from heytalk_audit.console import err
from heytalk_audit.errors import AuditFailure, InputError, printable

__all__ = ["audits", "custody", "follow_up", "main", "packs", "snapshots"]


#: Exit statuses of a process that a signal ended.
_BY_SIGNAL = (128 + signal.SIGINT, 128 + signal.SIGTERM)
#: Refusals of the operating system that come of what the user named.
_UNUSABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}
#: What DuckDB makes of a signal that comes within a query.
_INTERRUPTED = "Query interrupted"


def main() -> None:
    """Entry point: unusable input is one line on standard error and exit status 2. Ended by a signal, it cleans up before it goes."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except InputError as error:
        for one in (error, *error.beside):
            err.print(f"error: {one}", markup=False, soft_wrap=True)
        sys.exit(2)
    except AuditFailure as error:
        err.print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(4)
    except OSError as error:
        if error.errno not in _UNUSABLE:
            raise
        named = printable(error.filename or "a file")[-80:]
        err.print(f"error: {named}: {(error.strerror or '').lower()}; name one that this account may use", markup=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as end:
        # Ctrl-C has become one of these on its way
        if end.code in _BY_SIGNAL:
            err.print("stopped; nothing was written")
        raise
    except RuntimeError as error:
        if str(error) != _INTERRUPTED:
            raise
        err.print("stopped; nothing was written")
        sys.exit(_BY_SIGNAL[signal.getsignal(signal.SIGTERM) == signal.SIG_IGN])


def _end(signum: int, frame: object) -> None:
    """End in good order, once."""
    signal.signal(signum, signal.SIG_IGN)
    sys.exit(128 + signum)
