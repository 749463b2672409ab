"""A process that has imported the project; each command of a test is a fork of it: a process of its own, without seconds of imports.

It reads requests, one JSON document a line, runs each as `heytalk-audit` does, and answers with the exit status of its process.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

#: How long a command may take, in seconds.
TIMEOUT = 900


class Server:
    """The other side: starts the process, and asks it for commands. It ends with this one, as its input ends."""

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()

    def run(self, arguments: list[str], env: Mapping[str, str], cwd: Path | None, out: Path, err: Path) -> int:
        """The exit status of a command whose output goes into these two files."""
        request = {"argv": arguments, "env": dict(env), "cwd": str(cwd or Path.cwd()), "streams": [str(out), str(err)]}
        assert self._process.stdin and self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())


def imported() -> None:
    """Import the whole project, as far as a fork of this process may need it."""
    import heytalk_audit

    for name in ("heytalk_audit.running.run", "ibis.backends.duckdb", "pyarrow.parquet"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(heytalk_audit.__path__, "heytalk_audit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()


def _serve() -> None:
    imported()
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become_command(request)
        print(_ended(pid), flush=True)


def _ended(pid: int) -> int:
    """The exit status of a process, which is killed if it takes too long; of one that a signal ended, its number below zero."""
    end, pause = time.monotonic() + TIMEOUT, 0.002
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(pid, 9)
        time.sleep(pause := min(pause * 1.2, 0.05))
    return os.waitstatus_to_exitcode(ended[1])


def _become_command(request: dict[str, Any]) -> NoReturn:
    """Run the command, and end as a process of Python does, but for taking itself apart: of a fork that takes longer than all else."""
    streams = [os.open(os.devnull, os.O_RDONLY)]
    streams += [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for path in request["streams"]]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.argv = ["heytalk-audit", *request["argv"]]
    from heytalk_audit.cli import main

    status = 0
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        _serve()
