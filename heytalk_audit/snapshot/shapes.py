"""What values look like that the contract does not allow: how many there are, and their commonest shape, letters and digits masked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from heytalk_audit.contract import Column
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.snapshot.csv_form import form_of_csv
from heytalk_audit.snapshot.delivery import DeliveredPart
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.quoting import literal, name
from heytalk_audit.snapshot.values import holds_any, parsed, readable

#: Characters of a shape.
LONGEST = 40


@dataclass(frozen=True)
class Shape:
    """How many rows hold such a value, and the commonest shape of it: `a` for a letter, `9` for a digit; null where there is none."""

    rows: int
    text: str | None


def of_wrong_type(duck: Duck, part: DeliveredPart, source: str, column: Column) -> Shape | None:
    """The values of a column that are not of its type; null where the file can't be read a second time."""
    value = name(column.name)
    if part.format == "csv":
        return _commonest(duck, source, value, f"({holds_any(value, column)}) AND ({parsed(column, value)}) IS NULL")
    return _commonest(duck, source, value, f"({readable(column, value)}) IS NULL" if _is_number(part, column) else "true")


def of_unknown_words(duck: Duck, source: str, column: Column) -> Shape | None:
    """The values of a column that are none of its enum."""
    words = ", ".join(literal(word) for word in ("", *column.values))
    return _commonest(duck, source, name(column.name), f"CAST({name(column.name)} AS VARCHAR) NOT IN ({words})")


def _is_number(part: DeliveredPart, column: Column) -> bool:
    """Whether the column is stored as numbers, as it should be: then what is wrong are values that are none."""
    stored = str(part.types.get(column.name))
    return column.kind == "number" and stored.startswith(("float", "double", "decimal", "int", "uint"))


def _commonest(duck: Duck, source: str, value: str, condition: str) -> Shape | None:
    counted = f"SELECT {_masked(value)} AS shape, count(*) AS n FROM {source} WHERE {value} IS NOT NULL AND {condition} GROUP BY ALL"
    try:
        row = duck.backend.con.execute(f"SELECT sum(n) OVER (), shape FROM ({counted}) ORDER BY n DESC, shape LIMIT 1").fetchone()
    except duckdb.Error as error:
        refuse_failure(error)
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
