"""The process that kernels are forked from. It outlives the run's own by a moment, to end them.

It reads requests, one JSON document a line, and answers each with a number: the process of a new kernel, else 0.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from typing import IO, Any

#: What a kernel of an audit imports anyhow.
PRELOADED = (
    "heytalk_audit.running.kernel_app",
    "ipykernel.ipkernel",
    "heytalk_audit.notebook",
    "heytalk_audit.report.drawing",
    "ibis.backends.duckdb",
    "pyarrow.parquet",
)
#: Signals that would end the server: whoever ends the process that asks it ends itself, too, and that is what the server waits for.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: What prctl is asked for: the signal that a process gets when its parent ends.
_DEATH_SIGNAL = 1


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer requests until there are no more, then end the kernels."""
    import gc
    import importlib

    # it has yet to end its kernels; and what it or they are signalled is no signal to the run
    signal.set_wakeup_fd(-1)
    for signum in ENDING:
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    for name in PRELOADED:
        importlib.import_module(name)
    _read_shipped()
    gc.freeze()
    # Ibis makes and drops many small objects, none of which the rare collections of old ones would free sooner
    gc.set_threshold(100_000, 50, 100)
    forks = Forks()
    signal.signal(signal.SIGCHLD, forks.reap)
    for line in requests:
        request = json.loads(line)
        if "stop" in request:
            forks.stop()
        print(forks.start(request) if "argv" in request else 0, file=answers, flush=True)
    forks.stop()


def _read_shipped() -> None:
    """What every notebook reads of the package itself, read once: it is the same for all."""
    from heytalk_audit import contract
    from heytalk_audit.policy import load_policy

    contract.load()
    load_policy()


class Forks:
    """The server's kernels that are running."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._stopped = False

    def start(self, request: dict[str, Any]) -> int:
        """The process of a new kernel; 0 once they have been stopped."""
        if self._stopped:
            return 0
        # one that ends at once is reaped only after it is noted
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            _become_kernel(request)
        self._running.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        return pid

    def reap(self, *_: Any) -> None:
        """Note which have ended."""
        with contextlib.suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self._running.discard(pid)

    def stop(self) -> None:
        """End all, and wait for their end."""
        self._stopped = True
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0)[0]:
                pass
        self._running.clear()


def _become_kernel(request: dict[str, Any]) -> None:
    server = os.getppid()
    # where the server is killed, nobody is left to end its kernels
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    os.setsid()
    for signum in (signal.SIGCHLD, *ENDING):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    arguments = [*request["argv"], f"--IPKernelApp.parent_handle={server}"]
    sys.argv = ["ipykernel_launcher", *arguments]
    from heytalk_audit.running.kernel_app import launch

    try:
        launch(arguments)
    finally:
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
