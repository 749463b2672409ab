"""What values look like that the contract does not allow: how many there are, and their commonest shape, letters and digits masked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from heytalk_audit.contract import Column
from heytalk_audit.snapshot.csv_form import form_of_csv
from heytalk_audit.snapshot.delivery import DeliveredPart
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.quoting import literal, name

#: Characters of a shape.
LONGEST = 40
_ZONE = r"(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_TYPES = {"timestamp": "TIMESTAMPTZ", "date": "DATE", "boolean": "BOOLEAN", "integer": "BIGINT", "number": "DECIMAL(18, 2)"}


@dataclass(frozen=True)
class Shape:
    """How many rows hold such a value, and the commonest shape of it: `a` for a letter, `9` for a digit; null where there is none."""

    rows: int
    text: str | None


def of_wrong_type(duck: Duck, part: DeliveredPart, source: str, column: Column) -> Shape | None:
    """The values of a column that are not of its type; null where the file can't be read a second time."""
    value = name(column.name)
    if part.format == "parquet":
        finite = f"NOT isfinite(TRY_CAST({value} AS DOUBLE))" if _is_number(part, column) else "true"
        return _commonest(duck, source, value, finite)
    return _commonest(duck, source, value, f"({_read(column)}) IS NULL")


def of_unknown_words(duck: Duck, source: str, column: Column) -> Shape | None:
    """The values of a column that are none of its enum."""
    words = ", ".join(literal(word) for word in ("", *column.values))
    return _commonest(duck, source, name(column.name), f"CAST({name(column.name)} AS VARCHAR) NOT IN ({words})")


def _is_number(part: DeliveredPart, column: Column) -> bool:
    """Whether the column is stored as numbers, as it should be: then what is wrong are values that are none."""
    stored = str(part.types.get(column.name))
    return column.kind == "number" and stored.startswith(("float", "double", "decimal", "int", "uint"))


def _read(column: Column) -> str:
    """A text as the column's type, null where it is none."""
    text = name(column.name)
    if column.kind == "array":
        return f"CASE WHEN {text} LIKE '[%]' THEN true END"
    read = f"TRY_CAST({text} AS {_TYPES.get(column.kind, 'VARCHAR')})"
    return f"CASE WHEN regexp_matches({text}, '{_ZONE}') THEN {read} END" if column.kind == "timestamp" else read


def _commonest(duck: Duck, source: str, value: str, condition: str) -> Shape | None:
    counted = f"SELECT {_masked(value)} AS shape, count(*) AS n FROM {source} WHERE {value} IS NOT NULL AND {condition} GROUP BY ALL"
    try:
        row = duck.backend.con.execute(f"SELECT sum(n) OVER (), shape FROM ({counted}) ORDER BY n DESC, shape LIMIT 1").fetchone()
    except duckdb.Error:
        return None
    return Shape(int(row[0]), str(row[1])) if row else Shape(0, None)


def _masked(value: str) -> str:
    """The SQL of a value's shape: what is neither letter, digit nor plain punctuation becomes a question mark."""
    text = f"left(CAST({value} AS VARCHAR), {LONGEST})"
    for pattern, mask in ((r"[\p{L}\p{M}]", "a"), (r"\p{N}", "9"), (r"[^\x20-\x7e]", "?")):
        text = f"regexp_replace({text}, {literal(pattern)}, {literal(mask)}, 'g')"
    return text


def source(part: DeliveredPart, work: Path) -> str:
    """The delivered files as they are, in SQL of DuckDB; CSV in UTF-16 is written to the folder `work` as UTF-8. Raises CsvFault."""
    if part.format == "csv":
        return form_of_csv(part.path, [c.name for c in part.table.columns], work).source
    files = ", ".join(literal(file) for file in part.files)
    return f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
