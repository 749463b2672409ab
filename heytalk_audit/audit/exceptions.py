"""Exception rows: every row of a population whose outcome is not pass, by pseudonym, as a table and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.audit.evaluate import Evaluation
from heytalk_audit.audit.pseudonym import pseudonym

#: The columns of an exceptions file.
EXCEPTIONS = pa.schema(
    [
        ("record", pa.string()),
        ("subject", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("due_on", pa.date32()),
        ("days_over", pa.int32()),
    ]
)


def exception_rows(evaluation: Evaluation, key: bytes, accepted: Sequence[str | None] | None = None) -> pa.Table:
    """Every row of the population whose outcome is not pass, as pseudonyms, ordered by record.

    `accepted` names per row what the register covers it by: a column more, which the report shows and the exceptions file has not.
    """
    rows = evaluation.rows
    columns = {
        "record": [pseudonym(key, r) for r in rows.record],
        "subject": [pseudonym(key, None if s is None else f"users:{s}") for s in rows.subject],
        **{c: [None if pd.isna(v) else v for v in rows[c]] for c in ("outcome", "reason", "due_on", "days_over")},
    }
    table = pa.table(columns, schema=EXCEPTIONS)
    if accepted is not None:
        table = table.append_column("accepted", pa.array(accepted, pa.string()))
    return table.sort_by([(name, "ascending") for name in table.column_names])


def write_exceptions(table: pa.Table, path: Path) -> None:
    """An exceptions file; the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.select(EXCEPTIONS.names)
    pq.write_table(table, path, compression="zstd", write_statistics=False, store_schema=False, row_group_size=1_000_000)
