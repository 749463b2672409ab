"""A Spark cluster on this machine: a master, two workers and a Connect server, all of them stopped at the end.

    python benchmarks/cluster.py                                  prints the addresses and waits for Ctrl-C
    python benchmarks/cluster.py -- COMMAND {spark} {connect}     runs a command, with the addresses in their places

It needs `pyspark[connect]` in the Python that runs it, and Java 17 or newer. What the parts log lies in a temporary folder that is
removed at the end; where a part does not start, the end of its log is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = "127.0.0.1"
#: Seconds that a part may take to start.
PATIENCE = 90
#: Two cores and half a gigabyte for the executors of each of two applications; an application takes a core of either worker.
CORES, MEMORY = 2, "1500m"
#: Memory of a master and of a worker; the Connect server is a driver, which plans every query and holds what is fetched.
DAEMONS, DRIVER = "640m", "2g"
#: What starts fastest: executors have little to do. Drivers plan for minutes, which pays for Java's second compiler.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
DRIVER_JAVA = "-XX:+UseSerialGC"
#: For every application: small data, so few partitions, and no more than half of the cluster.
SETTINGS = {
    "spark.cores.max": "2",
    "spark.executor.cores": "1",
    "spark.executor.memory": "700m",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.adaptive.enabled": "false",
    # a session sets this itself, except over Connect
    "spark.buffer.pageSize": "4m",
    "spark.driver.extraJavaOptions": DRIVER_JAVA,
    "spark.executor.extraJavaOptions": JAVA,
    "spark.driver.host": HERE,
    "spark.driver.bindAddress": HERE,
}


@dataclass(frozen=True)
class Cluster:
    """The addresses of a cluster that runs: of its master, and of its Connect server."""

    spark: str
    connect: str


class NotStarted(Exception):
    """A part of the cluster that did not start, with the end of its log."""


@contextmanager
def cluster(folder: Path, python_path: str = "") -> Iterator[Cluster]:
    """A cluster that runs until the block ends; `folder` takes its logs and scratch files, `python_path` is its workers' PYTHONPATH."""
    with ExitStack() as parts:
        master, web, connect = _free_ports(3)
        start = _Starter(folder, parts, python_path)
        start("master", "org.apache.spark.deploy.master.Master", "--host", HERE, "--port", str(master), "--webui-port", str(web))
        start.wait("master", lambda: _listens(master))
        url = f"spark://{HERE}:{master}"
        for worker in ("worker-1", "worker-2"):
            sizes = ("--cores", str(CORES), "--memory", MEMORY, "--webui-port", "0", "--work-dir", str(folder / worker))
            start(worker, "org.apache.spark.deploy.worker.Worker", "--host", HERE, *sizes, url)
        start.wait("worker-2", lambda: _workers(web) == 2)
        settings = SETTINGS | {"spark.connect.grpc.binding.port": str(connect), "spark.ui.enabled": "false"}
        flags = [flag for key, value in settings.items() for flag in ("--conf", f"{key}={value}")]
        server = "org.apache.spark.sql.connect.service.SparkConnectServer"
        submit = ("org.apache.spark.deploy.SparkSubmit", "--master", url, "--class", server, *flags, "spark-internal")
        start("connect", *submit, memory=DRIVER)
        start.wait("connect", lambda: _listens(connect))
        yield Cluster(url, f"sc://{HERE}:{connect}")


class _Starter:
    """Starts the parts, each with a log of its own, and has them stopped when the stack of `parts` is closed."""

    def __init__(self, folder: Path, parts: ExitStack, python_path: str):
        import pyspark

        self.folder, self.parts, self.home = folder, parts, Path(pyspark.__file__).parent
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        # a variable MASTER is taken for an address by Spark Connect
        self.environment = {k: v for k, v in os.environ.items() if k not in ("MASTER", "PYTHONPATH", "SPARK_CONF_DIR")} | {
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_DIRS": str(folder / "scratch"),
            "SPARK_LOCAL_IP": HERE,
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": python_path,
        }

    def __call__(self, part: str, *command: str, memory: str = DAEMONS) -> None:
        with (self.folder / f"{part}.log").open("wb") as log:
            # a session of its own: a part's children, executors and Python workers, are stopped with it
            process = subprocess.Popen(
                [str(self.home / "bin" / "spark-class"), *command],
                cwd=self.folder,
                # also what the Connect server gets, whatever its options say
                env=self.environment | {"SPARK_DAEMON_MEMORY": memory},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running[part] = process
        self.parts.callback(_stop, process)

    def wait(self, part: str, is_up: Callable[[], bool]) -> None:
        """Until a part is up. Raises NotStarted."""
        end = time.monotonic() + PATIENCE
        while not is_up():
            if time.monotonic() > end or self.running[part].poll() is not None:
                log = (self.folder / f"{part}.log").read_text("utf-8", "replace")
                raise NotStarted(f"{part} did not start:\n{log[-3000:]}")
            time.sleep(0.2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sign, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _free_ports(number: int) -> list[int]:
    """So many ports that nobody listens on: held together until all are known, as one that is let go may be given out again."""
    with ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(number)]
        for listener in listeners:
            listener.bind((HERE, 0))
        return [int(listener.getsockname()[1]) for listener in listeners]


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HERE, port)) == 0


def _workers(web: int) -> int:
    try:
        # straight to this machine, whatever proxy is set
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{HERE}:{web}/json/", timeout=5) as answer:
            return int(json.load(answer)["aliveworkers"])
    except OSError:
        return 0


def main() -> int:
    """Start a cluster; run the command or wait."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="*", help="run this and stop; {spark} and {connect} become the addresses")
    words = parser.parse_args().command
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        sys.exit("no Java runtime: install Java 17 or newer")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="heytalk-cluster-") as folder:
        try:
            with cluster(Path(folder)) as up:
                return _run(words, up)
        except NotStarted as error:
            sys.exit(str(error))


def _run(words: list[str], up: Cluster) -> int:
    print(f"spark    {up.spark}\nconnect  {up.connect}", flush=True)
    if words:
        environment: dict[str, Any] = {k: v for k, v in os.environ.items() if k != "MASTER"} | {"PYSPARK_PYTHON": sys.executable}
        return subprocess.call([word.format(spark=up.spark, connect=up.connect) for word in words], env=environment)
    with suppress(KeyboardInterrupt):
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
