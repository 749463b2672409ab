"""What the output holds that may be a value of the snapshot: kept in an engine, as a report may name a million rows by pseudonym."""

from __future__ import annotations

import glob
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from heytalk_audit.release.forms import Form, names_in, shapes_in, sql_form
from heytalk_audit.release.own import Own
from heytalk_audit.release.pieces import Pieces, notes_of
from heytalk_audit.snapshot.quoting import literal
from heytalk_audit.snapshot.quoting import name as quoted

#: How many are held before they go to the engine.
_BATCH = 50_000
_SCHEMA = pa.schema([("form", pa.string()), ("value", pa.string()), ("file", pa.string())])
#: How tables are read whose rows are as many as those of the snapshot.
_READERS = {
    ".parquet": "read_parquet({}, union_by_name = true, filename = true)",
    ".csv": "read_csv({}, union_by_name = true, filename = true, all_varchar = true, header = true, quote = '\"')",
}
_PSEUDONYM = "regexp_full_match(value, '[0-9a-f]{16}')"
#: The table that holds them.
TABLE = "candidates"


class Candidates:
    """The candidates of files, in a table of the engine: form, value and the file that has it, each once."""

    def __init__(self, con: duckdb.DuckDBPyConnection, own: Own):
        self._con, self._own = con, own
        self._held: set[tuple[str, str, str]] = set()
        con.execute(f"CREATE OR REPLACE TABLE {TABLE} (form VARCHAR, value VARCHAR, file VARCHAR)")
        con.execute("CREATE OR REPLACE TABLE pseudonyms (value VARCHAR)")

    def add(self, folder: Path, files: Iterable[Path]) -> None:
        """Look through files of a folder. Tables of one folder are looked through together."""
        pieces, tables = Pieces(), defaultdict(list)
        for file in files:
            if file.suffix in _READERS:
                tables[file.parent, file.suffix].append(file)
            else:
                self._look(pieces.of_file(file), file.relative_to(folder).as_posix())
        for (_, suffix), several in tables.items():
            for file in several:
                self._look((file.stem, *(notes_of(file) if suffix == ".parquet" else ())), file.relative_to(folder).as_posix())
            self._add_tables(several, _READERS[suffix].format(_file_list(several)), folder, pieces)
        self._flush()

    def _look(self, pieces: Iterable[str], name: str) -> None:
        for piece in pieces:
            self._held.update((form, value, name) for form, value in shapes_in(piece) if (form, value) not in self._own.shapes)
            self._held.update((Form.NAME, value, name) for value in names_in(piece, self._own.words))
            if len(self._held) >= _BATCH:
                self._flush()

    def _add_tables(self, files: list[Path], source: str, folder: Path, pieces: Pieces) -> None:
        """The texts of tables of any length: pseudonyms, of which alone there are many, stay in the engine."""
        names = "CASE filename " + " ".join(f"WHEN {literal(f)} THEN {literal(f.relative_to(folder).as_posix())}" for f in files) + " END"
        for column, kind, *_ in self._con.execute(f"DESCRIBE FROM {source}").fetchall():
            if column == "filename" or kind not in ("VARCHAR", "VARCHAR[]"):
                continue
            self._look([column], files[0].relative_to(folder).as_posix())
            value = f"{'' if kind == 'VARCHAR' else 'unnest'}({quoted(column)})"
            self._con.execute(f"CREATE OR REPLACE TABLE texts AS SELECT DISTINCT {value} AS value, {names} AS file FROM {source}")
            self._con.execute(f"INSERT INTO {TABLE} SELECT '{Form.IDENTIFIER}', value, file FROM texts WHERE {_PSEUDONYM}")
            self._con.execute(f"INSERT INTO pseudonyms SELECT DISTINCT value FROM texts WHERE {_PSEUDONYM}")
            others = self._con.cursor().sql(f"SELECT value, file FROM texts WHERE NOT {_PSEUDONYM}").to_arrow_reader(_BATCH)
            for batch in others:
                for text, name in zip(*(batch.column(n).to_pylist() for n in (0, 1)), strict=True):
                    self._look(pieces.of_text(text), name)

    def finish(self) -> None:
        """Bring all to their forms, each once. Pseudonyms look as devices do: they are looked for among identifiers, not in texts."""
        self._con.execute(f"DELETE FROM {TABLE} WHERE form = '{Form.DEVICE}' AND value IN (FROM pseudonyms)")
        cases = " ".join(f"WHEN '{form}' THEN {sql_form(form, 'value')}" for form in Form)
        self._con.execute(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT DISTINCT form, CASE form {cases} END AS value, file FROM {TABLE}")

    def forms(self) -> set[Form]:
        """The forms of which there are any."""
        return {Form(row[0]) for row in self._con.execute(f"SELECT DISTINCT form FROM {TABLE}").fetchall()}

    def _flush(self) -> None:
        batch = pa.Table.from_pylist([dict(zip(_SCHEMA.names, row, strict=True)) for row in self._held], schema=_SCHEMA)
        self._con.register("batch", batch)
        self._con.execute(f"INSERT INTO {TABLE} FROM batch")
        self._con.unregister("batch")
        self._held.clear()


def _file_list(files: Iterable[Path]) -> str:
    """Files as an SQL list; what stands for any character in a pattern may stand in a folder's name."""
    return f"[{', '.join(literal(glob.escape(str(file))) for file in files)}]"
