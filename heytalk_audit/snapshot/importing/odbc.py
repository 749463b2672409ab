"""Any other database as a source, by its ODBC driver; and which of both an address is of."""

from __future__ import annotations

import os
import re

import pyarrow as pa

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.selects import Select
from heytalk_audit.snapshot.importing.servers import SECONDS, STATES, PostgresSource, refuse_system
from heytalk_audit.snapshot.importing.sources import ROWS, Batches, Deadline, source_error

#: The longest text, in bytes, of a column that has no bound of its own, and the bytes of a batch.
_LONGEST, _BATCH = 65_536, 64 * 1024**2
#: A connection string by PostgreSQL's driver. It drops the zone of instants, makes 9999 of infinity, 0 of NaN, and today of a day that it
#: can't hold.
_POSTGRES = re.compile(r"driver\s*=\s*\{?[^;}]*(postgres|psqlodbc)", re.I)
#: What to call some refusals of drivers and their manager, by SQLSTATE or its class, beside those of PostgreSQL.
_STATES = STATES | {
    "42S02": "no such table",
    "42S22": "no such column",
    "01004": f"a text or bytes of more than {_LONGEST:,} bytes",
    "08": "the connection cannot be made",
    "28": "the connection cannot be made",
    "IM": "there is no such ODBC driver or data source on this machine",
}


class OdbcSource:
    """A database by its ODBC driver. ODBC can't be held to reading, so the role should be; and it hands out an instant without its zone,
    also where the column has one, which is noted."""

    def __init__(self, address: str, where: str, deadline: Deadline):
        try:
            import arrow_odbc
        except (ImportError, OSError) as error:
            # it needs the machine's driver manager
            raise InputError(where, "arrow-odbc or unixODBC is not installed", "make setup EXTRAS=odbc, and install unixodbc") from error
        self.notes = ["ODBC can't be held to reading: use a role that may only read these tables"]
        self._open, self._failure = arrow_odbc.read_arrow_batches_from_odbc, arrow_odbc.Error
        self._address, self._deadline = address, deadline

    def refuse(self, where: str, select: Select) -> None:
        """See `Source`."""
        refuse_system(where, select)

    def batches(self, where: str, select: Select) -> Batches:
        """See `Source`."""
        try:
            reader = self._read(select.text)
            self._note_instants(where, reader.schema)
            yield pa.RecordBatch.from_arrays([pa.array([], f.type) for f in reader.schema], names=reader.schema.names)
            for batch in reader:
                if self._deadline.is_over:
                    raise self._deadline.error(where)
                yield batch
        except (self._failure, pa.ArrowException, OSError) as error:
            raise source_error(where, select, error, _kind(str(error))) from error

    def _read(self, text: str) -> pa.RecordBatchReader:
        limits = {"max_text_size": _LONGEST, "max_binary_size": _LONGEST, "max_bytes_per_batch": _BATCH, "falliable_allocations": True}
        seconds = int(self._deadline.seconds) + 1
        return self._open(text, self._address, ROWS, query_timeout_sec=seconds, login_timeout_sec=SECONDS, **limits)

    def _note_instants(self, where: str, schema: pa.Schema) -> None:
        bare = [field.name for field in schema if pa.types.is_timestamp(field.type) and field.type.tz is None]
        if bare:
            what = f"ODBC hands out instants without their zone ({', '.join(bare)[:120]})"
            self.notes.append(f"{where}: {what}: where the column has one, say it in the SELECT, as zone: is taken for all")

    def close(self) -> None:
        """See `Source`: each SELECT has a connection of its own."""


def _kind(text: str) -> str:
    """What to call a refusal, by its state."""
    state = next(iter(re.findall(r"State: (\w{5})", text)), "")
    if "truncation" in text:
        state = "01004"
    if "open lib" in text:
        state = "IM"
    return _STATES.get(state, _STATES.get(state[:2], "ODBC's reason is in the database's log"))


def is_odbc(address: str) -> bool:
    """Whether an address is an ODBC connection string, and not PostgreSQL's."""
    return re.match(r"\s*(driver|dsn|filedsn)\s*=", address, re.I) is not None


def server_address(variable: str) -> str:
    """The address in an environment variable. Raises InputError, which quotes nothing of it."""
    address = os.environ.get(variable, "").strip()
    if not address:
        raise InputError(
            f"mapping source.dsn_env: {variable}", "the environment variable is not set", "put the address of the database there"
        )
    return address


def open_server(variable: str, deadline: Deadline, dialect: str | None = None) -> PostgresSource | OdbcSource:
    """The server whose address is in an environment variable; `dialect` is that of a database behind ODBC. Raises InputError."""
    address, where = server_address(variable), f"mapping source.dsn_env: {variable}"
    if not is_odbc(address):
        return PostgresSource(address, where, deadline)
    if dialect == "postgres" or _POSTGRES.search(address):
        todo = "give PostgreSQL's own address, postgresql://..., which changes none (make setup EXTRAS=postgres)"
        raise InputError(where, "is PostgreSQL behind ODBC, whose driver changes values in silence", todo)
    return OdbcSource(address, where, deadline)
