"""How a command ends that can't go on: in one line, with a status of its own, and with nothing left behind.

Status 1 is a verdict, and no other end has it. A signal ends a command within seconds, also where it is busy outside of Python.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from heytalk_audit.console import err
from heytalk_audit.disk.failures import failure_of
from heytalk_audit.disk.working import lies_within, sweep
from heytalk_audit.errors import AuditFailure, InputError, printable

#: Exit statuses: unusable input, and the audit's own failure.
UNUSABLE, FAILED = 2, 4
#: Signals that end a command in good order.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Refusals of the operating system that come of what the user named.
_REFUSED = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR),
    *(errno.EISDIR, errno.ELOOP, errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY),
}
#: Seconds that a command has to end in good order after a signal.
_PATIENCE = 4.0


class Ending:
    """The end of this process's command: the signal that came, if one did."""

    def __init__(self) -> None:
        self.signum = 0
        self.is_said = False
        self._woken: int | None = None
        self._is_watched = False

    def listen(self) -> None:
        """From now on a signal ends the command, once, also where it is busy outside of Python; one that was ignored stays so (nohup)."""
        self.signum, self.is_said = 0, False
        if self._woken is None:
            self._woken, written = os.pipe()
            os.set_blocking(written, False)
            signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        for signum in ENDING:
            if signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, self._end)
        if not self._is_watched:
            threading.Thread(target=self._watch, args=(self._woken,), daemon=True).start()
            self._is_watched = True

    def _end(self, signum: int, frame: FrameType | None) -> None:
        self.signum = signum
        self.finish()
        sys.exit(128 + signum)

    def finish(self) -> None:
        """What the command does is done, and no signal ends it any more."""
        for signum in ENDING:
            signal.signal(signum, signal.SIG_IGN)

    def _watch(self, woken: int) -> None:
        """End the process where the signal's handler cannot: an engine may be busy for minutes, or not end what it was doing."""
        while (signum := os.read(woken, 1)[0]) not in ENDING:
            pass
        threading.Event().wait(_PATIENCE)
        # the kernels' server and the guardian of the folders clean up once this process is gone
        if not self.is_said:
            os.write(2, (_stopped(None) + "\n").encode())
        os._exit(128 + signum)


#: The end of this process's command.
COMMAND = Ending()


def ended(command: Callable[[], object]) -> int:
    """Run a command to its end, whichever that is; returns its exit status."""
    before = os.umask(0o077)
    try:
        COMMAND.listen()
        _sweep()
        command()
        if sys.stdout is not None:
            sys.stdout.flush()
    except SystemExit as end:
        return _status_of(end)
    except KeyboardInterrupt:
        return _by_signal(signal.SIGINT)
    except Exception as error:
        return _of_error(error)
    finally:
        os.umask(before)
    return 0


def _sweep() -> None:
    removed = sweep()
    if removed:
        err.print(f"removed what a command that was killed had left: {removed} working folder{'s' * (removed > 1)}", soft_wrap=True)


def _status_of(end: SystemExit) -> int:
    status = end.code if isinstance(end.code, int) else 0 if end.code is None else FAILED
    if COMMAND.signum or status in (128 + signum for signum in ENDING):
        return _by_signal(COMMAND.signum or status - 128, end)
    # who read the output has gone: what there was to do is done
    return 0 if isinstance(end.__context__, BrokenPipeError) else status


def _by_signal(signum: int, error: BaseException | None = None) -> int:
    COMMAND.is_said = True
    _say(_stopped(error))
    return 128 + signum


def _stopped(error: BaseException | None) -> str:
    """The line of a command that was stopped; what it had written by then is noted with the error that ended it."""
    return f"stopped; {'; '.join(getattr(error, '__notes__', ())) or 'nothing was written'}"


def _of_error(error: Exception) -> int:
    if COMMAND.signum:
        # an engine makes an error of its own of a signal that comes within a query
        return _by_signal(COMMAND.signum, error)
    if isinstance(error, BrokenPipeError):
        return 0
    if isinstance(error, InputError):
        return max(_error(str(one), UNUSABLE) for one in (error, *error.beside))
    failure = failure_of(error)
    if failure is None and isinstance(error, OSError) and error.errno in _REFUSED and not _is_own(error.filename):
        named = printable(error.filename or "a file")[-80:]
        return _error(f"{named}: {(error.strerror or '').lower()}; name one that this account may use", UNUSABLE)
    if "--debug" in sys.argv:
        for line in "".join(traceback.format_exception(error)).splitlines():
            _say(printable(line))
    return _error(str(failure or unforeseen(error)), FAILED)


def _is_own(file: object) -> bool:
    """Whether a file is one of a working folder, and nothing that the user named."""
    return isinstance(file, str) and lies_within(Path(file))


def unforeseen(error: BaseException) -> AuditFailure:
    """An error that nobody foresaw: its kind and place, as its message may quote data."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "heytalk_audit" in Path(f.filename).parts]
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return AuditFailure("the audit itself failed", f"{type(error).__name__}{place}", "run it again with --debug, and report what it shows")


def _error(line: str, status: int) -> int:
    _say(f"error: {line}")
    return status


def _say(line: str) -> None:
    # where nobody can read it, the status says enough
    with contextlib.suppress(OSError):
        err.print(line, markup=False, soft_wrap=True)
