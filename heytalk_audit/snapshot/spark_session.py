"""Opens a Spark session: what it is set to, and what a person reads where there is none to be had."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import warnings
from typing import Any

from heytalk_audit.errors import InputError, printable

#: Seconds that a master or a Connect server may take to accept a connection.
PATIENCE = 5
_PORTS = {"sc": 15002}
_ADDRESS = re.compile(r"(?P<host>\[[^]]+\]|[^:/,;]+)(?::(?P<port>\d{1,5}))?")
#: What results depend on, in every session; and what a driver of our own is set to besides.
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
}
_DRIVER = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # nobody looks at what ran: of a thousand queries Spark would keep each plan, and in an audit these fill the driver's memory
    "spark.sql.ui.retainedExecutions": "1",
    "spark.ui.retainedJobs": "1",
    "spark.ui.retainedStages": "1",
    "spark.sql.maxPlanStringLength": "10000",
    # Spark gives a task 16 pages by default; a rule's query may have more operators in one task than that, and each takes a page
    "spark.buffer.pageSize": "4m",
}


def open_session(url: str, options: dict[str, Any]) -> Any:
    """The session behind an address: local[2], spark://host:port or sc://host:port. Raises InputError, within seconds."""
    # of pandas nothing is used there: what comes and goes is Arrow
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise InputError(f"engine {address_without_secrets(url)}", "pyspark is not installed", "make setup EXTRAS=spark") from error
    check_reachable(url)
    scheme = url.partition("://")[0]
    # pyspark logs each failed query with its message, which may quote values
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    builder = SparkSession.builder.appName("heytalk-audit")
    builder = builder.remote(url) if scheme == "sc" else builder.master(url)
    for key, value in ((_DRIVER if scheme != "sc" else {}) | options | _SESSION).items():
        builder = builder.config(str(key), str(value))
    session = _get(builder, url)
    if scheme != "sc":
        _settle(session, url, options)
    return session


def _get(builder: Any, url: str) -> Any:
    try:
        with warnings.catch_warnings():
            # Connect warns of a setting that only the server's own start can change
            warnings.filterwarnings("error", "Failed to set")
            return builder.getOrCreate()
    except UserWarning as error:
        setting = str(error).removeprefix("Failed to set ").split()[0]
        raise InputError("engine.options", f"{setting} can't be set over Connect", "set it where the server is started") from error
    except Exception as error:
        raise InputError(f"engine {address_without_secrets(url)}", f"Spark does not start ({_cause(error)})", _remedy(error)) from error


def _cause(error: Exception) -> str:
    """The first line of an error, as those of Java have hundreds."""
    return f"{type(error).__name__}: {printable((str(error).splitlines() or [''])[0])[:200]}"


def _remedy(error: Exception) -> str:
    if "JAVA_GATEWAY" in str(error):
        return "install Java 17 or newer"
    return "make setup EXTRAS=spark" if isinstance(error, ImportError) else "see docs/scale.md"


def _settle(session: Any, url: str, options: dict[str, Any]) -> None:
    context = session.sparkContext
    if context.master != url:
        raise InputError(f"engine {url}", f"this process already runs Spark on {context.master}", "use a process of its own")
    context.setLogLevel("ERROR")
    if python := options.get("spark.pyspark.python"):
        context.pythonExec = str(python)
    elif url.startswith("local") and "PYSPARK_PYTHON" not in os.environ:
        # or else the first python3 of the path would run detectors, which need this environment's packages
        context.pythonExec = sys.executable


def check_reachable(url: str) -> None:
    """Refuse an address at which nothing listens, with an InputError: Spark itself would try for a minute, and Connect for ten."""
    scheme, is_remote, rest = url.partition("://")
    if not is_remote:
        return
    # what follows a slash or semicolon are parameters of Connect
    places = [_ADDRESS.fullmatch(place) for place in re.split("[/;]", rest)[0].split(",")]
    addresses = [(place["host"].strip("[]"), int(place["port"] or _PORTS.get(scheme, 0))) for place in places if place]
    if len(addresses) < len(places) or not all(0 < port < 65536 for _, port in addresses):
        raise InputError(f"engine {address_without_secrets(url)}", "names no host and port", f"write {scheme}://host:port")
    if not any(_listens(*address) for address in addresses):
        raise InputError(f"engine {address_without_secrets(url)}", "nothing listens there", "start the cluster, or mend the address")


def address_without_secrets(url: str) -> str:
    """An address without what follows host and port: a token may be in it."""
    return "://".join(re.split("[/;]", part)[0] for part in url.split("://", 1))


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=PATIENCE):
            return True
    except OSError:
        return False
