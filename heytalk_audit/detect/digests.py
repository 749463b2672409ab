"""The dictionary attack on unsalted digests: they are compared with the digests of identifiers at hand.

Identifiers are hashed in twelve variants: as they are, trimmed, in small letters or as digits only, each by MD5, SHA-1 and SHA-256. Where
the kind of a value is certain, `heytalk_audit.expressions.digests` has the forms of that kind. A match is exact.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.detect.excerpts import as_array
from heytalk_audit.expressions.digests import ALGORITHMS
from heytalk_audit.snapshot.locked import locked

BLANKS = "\t\n\v\f\r \u00a0\u3000"
BATCH = 1 << 16  # rows that one thread takes at a time
#: The SQL of each form, and of whether it differs from the forms before it, so that nothing is hashed twice.
FORMS = {
    "raw": ("clear", "true"),
    "trimmed": ("trimmed", "trimmed <> clear"),
    "lowered": ("lowered", "lowered <> trimmed"),
    "digits": ("digits", "digits <> '' AND digits <> lowered"),
}


def digest_forms(clear: Iterable[str | None] | pa.Array, algorithms: Iterable[str] = ALGORITHMS, threads: int | None = None) -> pa.Table:
    """The digests of identifiers in clear text.

    Returns
    -------
    Table of clear_row, form (raw, trimmed, lowered, digits), algorithm, digest (hex, small letters). A form that equals one before
    it is left out. The table holds no identifier.
    """
    with _connect(threads) as engine:
        _write(engine, clear)
        return engine.sql(_forms(algorithms)).to_arrow_table()


def match_digests(
    clear: Iterable[str | None] | pa.Array, digests: Iterable[str | None] | pa.Array, threads: int | None = None
) -> pd.DataFrame:
    """Which digests are those of which identifiers.

    Returns
    -------
    DataFrame of digest_row, clear_row, form, algorithm, by digest_row. Rows count the two inputs from 0.
    """
    with _connect(threads) as engine:
        engine.register("digests", _column("digest", digests))
        engine.execute(
            "CREATE TEMP TABLE wanted AS SELECT row AS digest_row, lower(trim(digest)) AS digest FROM digests WHERE digest IS NOT NULL"
        )
        lengths = {length for (length,) in engine.execute("SELECT DISTINCT strlen(digest) FROM wanted").fetchall()}
        algorithms = [name for name, length in ALGORITHMS.items() if length in lengths]
        if not algorithms:
            return pd.DataFrame({"digest_row": [], "clear_row": [], "form": [], "algorithm": []})
        _write(engine, clear)
        return engine.execute(
            f"""SELECT digest_row, clear_row, form, algorithm FROM ({_forms(algorithms)}) JOIN wanted USING (digest)
            ORDER BY digest_row, clear_row, form, algorithm"""
        ).df()


def _write(engine: duckdb.DuckDBPyConnection, clear: Iterable[str | None] | pa.Array) -> None:
    """Write the table of identifiers in their forms."""
    table = _column("clear", clear)
    table = table.append_column("trimmed", pc.utf8_trim(table["clear"], BLANKS))
    engine.register("identifiers", table)
    engine.execute(
        """CREATE TEMP TABLE written AS
        SELECT row, clear, trimmed, lower(trimmed) AS lowered, regexp_replace(trimmed, '[^0-9]+', '', 'g') AS digits
        FROM identifiers WHERE clear IS NOT NULL"""
    )


def _forms(algorithms: Iterable[str]) -> str:
    """The SQL of every digest of every form."""
    forms, names = _enum(FORMS), _enum(ALGORITHMS)
    return " UNION ALL ".join(
        f"SELECT row AS clear_row, '{form}'::{forms} AS form, '{name}'::{names} AS algorithm, {name}({value}) AS digest "
        f"FROM written WHERE {differs}"
        for name in algorithms
        for form, (value, differs) in FORMS.items()
    )


def _enum(names: Iterable[str]) -> str:
    return "ENUM (" + ", ".join(f"'{name}'" for name in names) + ")"


def _connect(threads: int | None) -> duckdb.DuckDBPyConnection:
    return locked((), {"threads": int(threads)} if threads else None, begin=lambda connection: connection)


def _column(name: str, values: Iterable[str | None] | pa.Array) -> pa.Table:
    array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else as_array(values)
    table = pa.table({"row": np.arange(len(array)), name: array})
    return pa.Table.from_batches(table.to_batches(max_chunksize=BATCH), table.schema)
