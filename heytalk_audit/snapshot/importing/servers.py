"""PostgreSQL as a source, by ADBC, and what every database server is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.selects import Select
from heytalk_audit.snapshot.importing.sources import Batches, Deadline, source_error, typed_batch

#: Schemas in which databases describe themselves, their users and their files; tables of those begin with `pg_`, or such a word.
_SYSTEM = {"pg_catalog", "information_schema", "pg_toast", "mysql", "sys", "performance_schema", "master", "msdb", "system"}
_SYSTEM_TABLES = re.compile(r"(pg_|sys|dba_|v\$|sqlite_)", re.I)
#: Types whose values ADBC hands out as numbers of another meaning: cents, and numbers of rows of the catalogue.
_DISGUISED = {"money", "_money", "oid", "_oid", "regclass", "regproc", "regtype", "xid", "cid"}
#: What the role of an import should not be able to do.
_ROLE = """
SELECT rolsuper AS superuser, pg_has_role(current_user, 'pg_read_server_files', 'usage')
    OR pg_has_role(current_user, 'pg_execute_server_program', 'usage') AS reads_files
FROM pg_catalog.pg_roles WHERE rolname = current_user
"""
#: What to call some of PostgreSQL's refusals, by SQLSTATE or its class.
STATES = {
    "42703": "no such column",
    "42P01": "no such table",
    "42883": "no such function for these types",
    "42501": "no permission",
    "25006": "it would write",
    "22": "a value that it can't compute with",
    "42": "it can't be understood",
    "08": "the connection is gone",
}
#: For how long a server is waited for.
SECONDS = 30


class PostgresSource:
    """PostgreSQL, in one READ ONLY transaction, so that all tables show one instant."""

    def __init__(self, address: str, where: str, deadline: Deadline):
        try:
            import adbc_driver_postgresql.dbapi as driver
        except ImportError as error:
            raise InputError(where, "adbc-driver-postgresql is not installed", "make setup EXTRAS=postgres") from error
        self.notes: list[str] = []
        self._deadline = deadline
        self._failure: type[Exception] = driver.Error
        try:
            self._con = driver.connect(_patient(address), autocommit=True)
            for statement in (
                "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                "SET LOCAL TimeZone = 'UTC'",
                "SET LOCAL standard_conforming_strings = on",
                "SET LOCAL search_path TO " + self._search_path(),
            ):
                self._run(statement)
            ((role),) = self._rows(_ROLE)
        except driver.Error as error:
            raise InputError(where, "PostgreSQL cannot be connected to", "check the address, the role and its rights") from error
        if role["superuser"]:
            self.notes.append("the role is a superuser: use one that may only read these tables")
        elif role["reads_files"]:
            self.notes.append("the role may read files of the server or run programs there: use one that may only read these tables")

    def _search_path(self) -> str:
        """The schemas that the role looks in, the database's own functions before any other."""
        schemas = [row["s"] for row in self._rows("SELECT unnest(current_schemas(false)) AS s")]
        return ", ".join(["pg_catalog", *('"' + s.replace('"', '""') + '"' for s in schemas)])

    def _run(self, statement: str) -> None:
        with self._con.cursor() as cursor:
            cursor.execute(statement)

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        with self._con.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            cursor.execute(statement)
            rows: list[dict[str, Any]] = cursor.fetch_arrow_table().to_pylist()
            return rows

    def refuse(self, where: str, select: Select) -> None:
        """See `Source`. The plan says what a view would reach."""
        refuse_system(where, select)
        try:
            self._run("SAVEPOINT looked")
            plan = json.loads(next(iter(self._rows(f"EXPLAIN (FORMAT JSON) {select.text}\n")[0].values())))
            self._run("RELEASE SAVEPOINT looked")
        except self._failure as error:
            self._run("ROLLBACK TO SAVEPOINT looked")
            raise self._error(where, select, error) from error
        kinds = set(_node_types(plan))
        if kinds & {"Foreign Scan", "ModifyTable"}:
            raise InputError(where, "reads a table of another server, or writes", "read tables of this database")

    def batches(self, where: str, select: Select) -> Batches:
        """See `Source`."""
        try:
            self._run(f"SET LOCAL statement_timeout = {min(int(self._deadline.seconds * 1000) + 1, 2**31 - 1)}")
            self._run("SAVEPOINT reads")
            with self._con.cursor() as cursor:
                cursor.execute(f"{select.text}\n")
                reader = cursor.fetch_record_batch()
                kinds = {i: pa.opaque(f.type, n, "PostgreSQL") for i, f in enumerate(reader.schema) if (n := _type_name(f)) in _DISGUISED}
                yield pa.RecordBatch.from_arrays([pa.array([], f.type) for f in reader.schema], names=reader.schema.names)
                for batch in reader:
                    yield typed_batch(batch, kinds)
            self._run("RELEASE SAVEPOINT reads")
        except (self._failure, pa.ArrowException, OSError) as error:
            self._again()
            raise self._deadline.error(where) if self._deadline.is_over else self._error(where, select, error) from error

    def _again(self) -> None:
        """After an error, the transaction is that from before it."""
        try:
            self._run("ROLLBACK TO SAVEPOINT reads")
        except self._failure:
            return

    def _error(self, where: str, select: Select, error: Exception) -> InputError:
        state = str(getattr(error, "sqlstate", None) or "")
        if not state and re.search("invalid input|out of range|division by zero", str(error)):
            # while rows come, the driver tells no state
            state = "22"
        return source_error(where, select, error, STATES.get(state, STATES.get(state[:2], "PostgreSQL's reason is in its log")))

    def close(self) -> None:
        """See `Source`."""
        self._con.close()


def _patient(address: str) -> str:
    """The address, with an end to waiting for a server that does not answer; what it says itself holds."""
    if "connect_timeout" in address:
        return address
    if "://" not in address:
        return f"{address} connect_timeout={SECONDS}"
    return f"{address}{'&' if '?' in address else '?'}connect_timeout={SECONDS}"


def _type_name(column: pa.Field) -> str:
    return str((column.metadata or {}).get(b"POSTGRESQL:type", b"").decode())


def _node_types(plan: Any) -> Iterator[str]:
    """The kinds of steps of a plan."""
    if isinstance(plan, list):
        for part in plan:
            yield from _node_types(part)
    elif isinstance(plan, dict):
        yield str(plan.get("Node Type", ""))
        for part in plan.values():
            yield from _node_types(part)


def refuse_system(where: str, select: Select) -> None:
    """Raise InputError for tables that tell of the database itself: its users, its files, what others ask it."""
    for schema, table in select.tables:
        if schema.lower() in _SYSTEM or _SYSTEM_TABLES.match(table):
            raise InputError(where, "reads a table of the database's own administration", "read tables of the application")
