"""The one place where a connection to DuckDB is opened: whatever SQL it is handed, it reaches the folders that it is for, and no other.

Before it is handed anything its configuration is locked: no file outside of those folders is read or written, no database is attached
from elsewhere, no extension is loaded or fetched, and no setting changes any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from heytalk_audit.snapshot.quoting import literal

Connected = TypeVar("Connected")
#: What no parameters change. What is spilled is encrypted, with the built-in library: the other one is an extension, and none is ever
#: fetched. Its keys live in memory alone. No variable of Python's is a table.
GUARDED = {
    "force_mbedtls_unsafe": "true",
    "temp_file_encryption": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
#: What may be chosen of it. All else decides on results, or on what leaves the machine.
OPTIONS = ("memory_limit", "threads", "temp_directory")


def locked(
    folders: Iterable[Path],
    options: Mapping[str, Any] | None = None,
    *,
    files: Iterable[Path] = (),
    database: Path | None = None,
    begin: Callable[[duckdb.DuckDBPyConnection], Connected],
) -> Connected:
    """A connection that reads and writes these folders and its folder to spill, and reads these files.

    `options` are of `OPTIONS`; `database` is a file that is only read. What `begin` does with the connection is done before the lock, and
    what it returns is returned. Raises duckdb.Error.
    """
    chosen = {key: value for key, value in (options or {}).items() if key in OPTIONS}
    connection = duckdb.connect(str(database or ":memory:"), read_only=database is not None, config={**chosen, **GUARDED})
    try:
        # for every cursor of this database
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET TimeZone = 'UTC'")
        begun = begin(connection)
        _lock(connection, [*folders, *filter(None, [chosen.get("temp_directory")])], files)
    except BaseException:
        connection.close()
        raise
    return begun


def _lock(connection: duckdb.DuckDBPyConnection, folders: Iterable[Path | str], files: Iterable[Path]) -> None:
    for setting, paths in (("allowed_directories", folders), ("allowed_paths", files)):
        connection.execute(f"SET {setting} = [{', '.join(literal(Path(path).absolute()) for path in paths)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
