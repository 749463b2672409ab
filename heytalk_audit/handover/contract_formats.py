"""The contract in the formats that people and programs read."""

from __future__ import annotations

from heytalk_audit.canonical import canonical
from heytalk_audit.contract import needs, schemas, sql
from heytalk_audit.errors import InputError
from heytalk_audit.handover import contract_pages

#: The database whose SQL is printed where none is named.
DIALECT = "postgres"


def printed(format: str, dialect: str | None = None, totals: bool = False) -> str:
    """The contract as `html`, `md`, `sql` or `json-schema`. Raises InputError where an option of SQL is given to another."""
    if format != "sql" and (dialect or totals):
        option = "--totals" if totals else "--dialect"
        raise InputError(option, f"is for SQL, not for {format}", "add --format sql")
    if format == "sql":
        chosen = sql.known_dialect(dialect or DIALECT)
        return _totals(chosen) if totals else sql.statements(chosen, needs.stops_without())
    if format == "json-schema":
        return canonical(schemas.snapshot_schema()).decode()
    return contract_pages.as_html() if format == "html" else contract_pages.as_markdown()


def _totals(dialect: str) -> str:
    return (
        "-- The source's own totals. Run it in the source, over what the contract calls by these names (views, or the export's SELECTs),\n"
        "-- without tables and columns that are not delivered; save the result as CSV for heytalk-audit seal DIR --totals FILE\n"
        + sql.totals(dialect)
    )
