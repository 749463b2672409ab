"""Kernels that start warm: one process imports what every notebook needs, and each notebook's kernel is a fork of it.

That process is itself a fork of the run's, which has imported most of it, or starts from nothing where the run has threads: these could
hold locks that nobody would free. A kernel is as fresh as any other: at the fork nothing of an audit has been computed, opened or
connected. Only Linux forks safely after these imports; elsewhere notebooks start kernels of the ordinary kind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from heytalk_audit.running import forks
from heytalk_audit.running.session import WORK


class Forked:
    """A kernel's process, forked by the server: what a provisioner asks of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs. The server reaps it, so that its own status is not known here."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def wait(self) -> int:
        """Its end, which the provisioner has polled for."""
        return self.poll() or 0

    def send_signal(self, signum: int) -> None:
        """Signal it."""
        os.kill(self.pid, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Server:
    """The process that kernels are forked from; it ends with this one, at the latest."""

    def __init__(self) -> None:
        self._wait, self._requests, self._answers = _started() if threading.active_count() > 1 else _forked()
        self._lock = threading.Lock()

    def clean(self, folder: Path) -> None:
        """Have this folder removed when this process ends, in whatever way; its kernels end before."""
        with self._lock:
            self._ask({"clean": str(folder)})

    def stop(self) -> None:
        """End the kernels now; none starts any more."""
        with self._lock:
            self._ask({"stop": True})

    def start(self, argv: list[str], env: dict[str, str], cwd: str) -> Forked:
        """A fork that becomes the kernel of these arguments."""
        with self._lock:
            pid = self._ask({"argv": argv, "env": env, "cwd": cwd})
        if not pid:
            raise RuntimeError("the run has been stopped")
        return Forked(pid)

    def _ask(self, request: dict[str, Any]) -> int:
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        return int(self._answers.readline())

    def close(self) -> None:
        """End the server, and with it the kernels that are still there."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        self._wait()
        self._answers.close()


#: How to wait for the server's end, what to write requests to, and what to read its answers from.
Started = tuple[Callable[[], object], IO[str], IO[str]]


def _started() -> Started:
    """A server that starts from nothing."""
    # errors of a kernel's own logging are no part of the audit: what a cell says comes through its channels
    process = subprocess.Popen(
        [sys.executable, "-m", forks.__name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    return process.wait, process.stdin, process.stdout


def _forked() -> Started:
    """A server that is a fork of this process."""
    (its_requests, requests), (answers, its_answers) = os.pipe(), os.pipe()
    # what ends this process may come before the server is ready to outlive it
    signal.pthread_sigmask(signal.SIG_BLOCK, forks.ENDING)
    pid = os.fork()
    if pid == 0:
        _become_server(its_requests, its_answers, (requests, answers))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, forks.ENDING)
    os.close(its_requests)
    os.close(its_answers)
    return lambda: os.waitpid(pid, 0), open(requests, "w", encoding="utf-8"), open(answers, encoding="utf-8")


def _become_server(requests: int, answers: int, others: tuple[int, int]) -> NoReturn:
    try:
        for other in others:
            os.close(other)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        with open(requests, encoding="utf-8") as lines, open(answers, "w", encoding="utf-8") as numbers:
            forks.serve(lines, numbers)
    finally:
        os._exit(0)


def manager(work: Path, server: Server | None = None) -> type[AsyncKernelManager]:
    """A manager for papermill whose kernels live in a run's working folder, and have its path in an environment of their own.

    With a server, kernels are forks of it.
    """

    class Provisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
            if server is None:
                return await super().launch_kernel(cmd, **kwargs)
            # cmd is python -m ipykernel_launcher, and then the kernel's own arguments
            kernel = server.start(cmd[3:], kwargs["env"], kwargs["cwd"])
            self.process = cast("subprocess.Popen[bytes]", kernel)  # it has all that a provisioner asks of one
            self.pid = self.pgid = kernel.pid
            return self.connection_info

    class Manager(AsyncKernelManager):
        async def _async_pre_start_kernel(self, **kwargs: Any) -> tuple[list[str], dict[str, Any]]:
            self.kernel_id = self.kernel_id or os.urandom(8).hex()
            self.provisioner = Provisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
            # else it would lie in the system's folder for temporary files, and stay there where a kernel is killed
            self.connection_file = str(work / f"kernel-{self.kernel_id}.json")
            own = {"env": dict(kwargs.get("env") or os.environ) | {WORK: str(work)}, "cwd": str(work)}
            return await super()._async_pre_start_kernel(**(kwargs | own))

    return Manager


@dataclass(frozen=True)
class Kernels:
    """The kernels of a run: what papermill starts each with, and how all are ended at once."""

    manager: type[AsyncKernelManager]
    stop: Callable[[], None] = lambda: None


@contextlib.contextmanager
def warm(work: Path, also: Sequence[Path] = ()) -> Iterator[Kernels]:
    """The kernels of a run; they start warm while it lasts, where the system forks safely.

    There, the working folder and these others are removed even if this process is killed.
    """
    server = Server() if sys.platform == "linux" else None
    try:
        if server is None:
            yield Kernels(manager(work))
        else:
            for folder in (work, *also):
                server.clean(folder)
            yield Kernels(manager(work, server), server.stop)
    finally:
        if server is not None:
            server.close()
