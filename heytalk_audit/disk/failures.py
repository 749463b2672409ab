"""What the machine refuses an audit: no space, no memory, a disk that fails, an engine that is ended. No rule and no input is at fault."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from heytalk_audit.errors import AuditFailure

#: What the system says where there is no space, and what else it says where the machine is at fault.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FAULTY = {errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ESTALE}
#: What Python makes of a signal that comes within a query.
INTERRUPTED = "Query interrupted"
_SPACE = "make space there, or name a larger disk with TMPDIR"
_MEMORY = "raise engine.options.memory_limit, or free memory"


def failure_of(error: BaseException) -> AuditFailure | None:
    """The failure that an error tells of; null where it tells of something else."""
    if isinstance(error, AuditFailure):
        return error
    if isinstance(error, OSError):
        return _of_system(error.errno, error.filename)
    if isinstance(error, MemoryError):
        return AuditFailure("memory", "there is not enough of it", _MEMORY)
    return _of_engine(error)


def _of_system(number: int | None, file: object = None) -> AuditFailure | None:
    if number is None or number not in _FULL | _FAULTY:
        return None
    what = os.strerror(number).lower()
    where = f"disk {Path(os.fsdecode(file)).name[:60]}" if isinstance(file, str | bytes) else "disk"
    if number in _FULL:
        return AuditFailure(where, f"is full ({what})", _SPACE)
    return AuditFailure(where, f"the system refuses ({what})", "see to the machine, then run it again")


def _of_engine(error: BaseException) -> AuditFailure | None:
    """What the engine tells of: its errors have no number, but quote the system's words."""
    duckdb = sys.modules.get("duckdb")
    if isinstance(error, RuntimeError) and str(error) == INTERRUPTED:
        return AuditFailure("engine duckdb", "a query was interrupted", "run it again")
    if duckdb is None or not isinstance(error, duckdb.Error):
        return None
    if isinstance(error, duckdb.InterruptException):
        return AuditFailure("engine duckdb", "a query was interrupted", "run it again")
    if isinstance(error, duckdb.OutOfMemoryException):
        return AuditFailure("engine duckdb", "has not enough memory, or no disk to spill to", f"{_MEMORY}, or make space")
    if isinstance(error, duckdb.FatalException | duckdb.InternalException):
        return AuditFailure("engine duckdb", f"crashed ({type(error).__name__})", "run it again, and report it")
    if isinstance(error, duckdb.IOException):
        quoted = (n for n in _FULL | _FAULTY if os.strerror(n) in str(error))
        return _of_system(next(quoted, None))
    return None


def refuse_failure(error: BaseException) -> None:
    """Raise the failure that an error tells of, where it tells of one: called where errors are taken for something else."""
    failure = failure_of(error)
    if failure is not None:
        raise failure from error


@contextlib.contextmanager
def failures_named() -> Iterator[None]:
    """What fails within for want of the machine's is raised as the failure that it is."""
    try:
        yield
    except Exception as error:
        refuse_failure(error)
        raise
