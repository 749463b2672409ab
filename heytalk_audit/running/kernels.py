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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from heytalk_audit.disk.working import guardian_handle, working_folder
from heytalk_audit.errors import AuditFailure
from heytalk_audit.running import forks, kernel_app
from heytalk_audit.running.session import WORK

#: The longest path of a socket, in bytes, less what ZeroMQ's number of a channel takes.
_LONGEST = 107 - len("-9")
#: Where sockets may lie if the folder for temporary files has too long a path.
_SHORT = (Path("/tmp"), Path("/var/tmp"))


class Forked:
    """A kernel's process, forked by the server: what a provisioner asks of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs. The server reaps it, so that its own status is not known here."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
        except OSError:
            return 0
        # where the server was killed, it may be that nobody reaps it
        return 0 if state in "ZX" else None

    def wait(self) -> int:
        """Its end, which the provisioner has polled for."""
        return self.poll() or 0

    def send_signal(self, signum: int) -> None:
        """Signal it."""
        with contextlib.suppress(ProcessLookupError):
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

    def stop(self) -> None:
        """End the kernels now; none starts any more. Where the server was killed, they have ended with it."""
        with self._lock, contextlib.suppress(AuditFailure):
            self._ask({"stop": True})

    def start(self, argv: list[str], env: dict[str, str], cwd: str) -> Forked:
        """A fork that becomes the kernel of these arguments."""
        with self._lock:
            pid = self._ask({"argv": argv, "env": env, "cwd": cwd})
        if not pid:
            raise AuditFailure("kernels", "the run has been stopped", "run it again")
        return Forked(pid)

    def _ask(self, request: dict[str, Any]) -> int:
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
            return int(self._answers.readline())
        except (OSError, ValueError) as error:
            raise AuditFailure("kernels", "the process that they are forks of has ended", "run it again") from error

    def close(self) -> None:
        """End the server, and with it the kernels that are still there."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        with contextlib.suppress(ChildProcessError):
            self._wait()
        self._answers.close()


#: How to wait for the server's end, what to write requests to, and what to read its answers from.
Started = tuple[Callable[[], object], IO[str], IO[str]]


def _started() -> Started:
    """A server that starts from nothing."""
    # errors of a kernel's own logging are no part of the audit: what a cell says comes through its channels
    handle = guardian_handle()
    process = subprocess.Popen(
        [sys.executable, "-m", forks.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        pass_fds=() if handle is None else (handle,),
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


def manager(work: Path, sockets: Path, server: Server | None = None) -> type[AsyncKernelManager]:
    """A manager for papermill whose kernels live in a run's working folder, and have its path in an environment of their own.

    They are talked to through sockets in a private folder. With a server, they are forks of it.
    """

    class Provisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
            # cmd is python -m ipykernel_launcher, and then the kernel's own arguments
            if server is None:
                return await super().launch_kernel([*cmd[:2], kernel_app.__name__, *cmd[3:]], **kwargs)
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
            self.transport, self.ip = "ipc", str(sockets / os.urandom(4).hex())
            # what a person has IPython do when it starts is no part of an audit
            variables = {WORK: str(work), "IPYTHONDIR": str(work / "ipython")}
            own = {"env": dict(kwargs.get("env") or os.environ) | variables, "cwd": str(work)}
            return await super()._async_pre_start_kernel(**(kwargs | own))

    return Manager


@dataclass(frozen=True)
class Kernels:
    """The kernels of a run: what papermill starts each with, and how all are ended at once."""

    manager: type[AsyncKernelManager]
    stop: Callable[[], None] = lambda: None


def _prepare_ipython(work: Path) -> None:
    """The folder of IPython's own files, with the one that it would else copy there for everybody to read."""
    startup = work / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "README").touch(mode=0o600)


@contextlib.contextmanager
def warm(work: Path) -> Iterator[Kernels]:
    """The kernels of a run; they start warm while it lasts, where the system forks safely. There they end with it, however it ends."""
    _prepare_ipython(work)
    with _sockets(work) as sockets:
        server = Server() if sys.platform == "linux" else None
        try:
            yield Kernels(manager(work, sockets, server), server.stop) if server else Kernels(manager(work, sockets))
        finally:
            if server is not None:
                server.close()


@contextlib.contextmanager
def _sockets(work: Path) -> Iterator[Path]:
    """A private folder whose path is short enough for sockets: the working folder, or another. Raises AuditFailure where there is none."""
    if len(os.fsencode(work / ("0" * 8))) <= _LONGEST:
        yield work
        return
    place = next((place for place in _SHORT if place.is_dir() and os.access(place, os.W_OK | os.X_OK)), None)
    if place is None:
        raise AuditFailure("kernels", "no folder has a path that is short enough for their sockets", "name one with TMPDIR")
    with working_folder(place) as folder:
        yield folder
