"""From classified rows to the ledger: outcomes are counted, and each row has its days over, its person's region and age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Check
from heytalk_audit.audit.classify import labelled_rows
from heytalk_audit.audit.faults import NotAddingUp
from heytalk_audit.policy.view import View
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.snapshot.frames import frame
from heytalk_audit.vocabulary import Outcome

#: What the report counts people by, and its types.
PERSON = {"region": "string", "birth_date": "date"}
#: Columns of the rows that do not pass; breakdowns stand beside them, each as `by_<name>`.
COLUMNS = ("record", "subject", "outcome", "reason", "due_on", "days_over", "region", "age")
NOT_KNOWN = "not known"
#: An age band: the first whose limit, in years, lies above the age.
AGE_BANDS = ((13, "under 13"), (16, "13 to 15"), (18, "16 to 17"), (25, "18 to 24"), (65, "25 to 64"), (200, "65 and over"))


def count_rows(check: Check, classified: ir.Table, audit: Audit, view: View) -> tuple[dict[str, int], pd.DataFrame, str]:
    """The ledger, the rows that do not pass, and the SQL that made them. Raises NotAddingUp."""
    engine = audit.snapshot.engine
    population = check.rows if check.population is None else check.population
    total = int(engine.rows(population.agg(n=population.count())).n[0])
    kept, kept_sql, kept_rows = engine.keep("classified", classified)
    labelled = labelled_rows(check, kept, view)
    rows_sql, types = engine.sql(labelled), ibis.schema(dict(labelled.schema()) | PERSON)
    rows = frame(engine.query(_with_people(rows_sql, audit.people)).cast(types.to_pyarrow()))
    rows = rows.astype(object).where(rows.notna(), None)
    if len(rows) != kept_rows or kept_rows > total:
        raise NotAddingUp("the population does not add up: a join repeats rows")
    rows["days_over"] = _days_over(rows.due_on, rows.pop("until"), audit.clock.today)
    rows["age"] = _ages(rows.pop("birth_date"), audit.clock.today)
    return _ledger(rows, total), rows, f"CREATE TABLE classified AS\n{kept_sql};\n\n{rows_sql}"


def empty() -> tuple[dict[str, int], pd.DataFrame]:
    """The ledger and the rows of a rule that was not evaluated."""
    return dict.fromkeys(("in_scope", *map(str, Outcome)), 0), pd.DataFrame(columns=list(COLUMNS))


def _ledger(rows: pd.DataFrame, total: int) -> dict[str, int]:
    outcomes = rows.outcome.value_counts()
    ledger = {"in_scope": total} | {str(outcome): int(outcomes.get(outcome, 0)) for outcome in Outcome}
    ledger[Outcome.PASS] += total - len(rows)
    if total != sum(ledger[outcome] for outcome in Outcome):
        raise NotAddingUp("the ledger does not add up")
    return ledger


def _with_people(rows_sql: str, people: str) -> str:
    """Each row with its person's law region and birth date, for counts by region and age."""
    columns = "exception_rows.*, persons.law_region AS region, persons.birth_date"
    return f"SELECT {columns} FROM ({rows_sql}) AS exception_rows LEFT JOIN {people} AS persons ON exception_rows.subject = persons.user_id"


def _days_over(due: pd.Series, until: pd.Series, today: dt.date) -> pd.Series:
    late = [None if pd.isna(d) else ((today if pd.isna(u) else u) - d).days for d, u in zip(due, until, strict=True)]
    return pd.Series([n if n is not None and n > 0 else None for n in late], index=due.index, dtype="Int32")


def _ages(births: pd.Series, today: dt.date) -> pd.Series:
    def band(birth: dt.date | None) -> str:
        if birth is None or pd.isna(birth) or birth > today:
            return NOT_KNOWN
        years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
        return next((label for limit, label in AGE_BANDS if years < limit), NOT_KNOWN)

    return births.map(band, na_action=None).astype("object")


def figures(values: Mapping[str, ir.Scalar], engine: Engine) -> dict[str, Any]:
    """The figures beside the ledger by label; those of one table are computed together."""
    together: dict[Any, dict[str, ir.Scalar]] = {}
    for i, value in enumerate(values.values()):
        together.setdefault(value.op().relations, {})[f"figure_{i}"] = value
    computed: dict[str, Any] = {}
    for relations, of_one in together.items():
        one = next(iter(relations)).to_expr() if len(relations) == 1 else None
        tables = [one.agg(**of_one)] if one is not None else [value.name(name).as_table() for name, value in of_one.items()]
        for table in tables:
            computed |= {str(name): _plain(value) for name, value in engine.rows(table).iloc[0].items()}
    return {label: computed[f"figure_{i}"] for i, label in enumerate(values)}


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value
