"""Evaluate a fact: its tally is built, counted on the engine without test accounts, and its small tables leave the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd

from heytalk_audit.audit import verdict, wrong_values
from heytalk_audit.audit.arguments import arguments_of, missing_columns_named, optional_absent, refuse_gated
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.breakdown import NONE, OTHER
from heytalk_audit.audit.columns_read import ColumnName, columns_behind
from heytalk_audit.audit.evaluate import printable_sql
from heytalk_audit.audit.fact import OF_PEOPLE, Fact, TablePart, Tally
from heytalk_audit.audit.fact_result import PART, Cell, FactPart, FactResult, columns_of_parts
from heytalk_audit.audit.faults import Fault, NotEvaluated, fault_of
from heytalk_audit.audit.people import AGE_BANDS
from heytalk_audit.audit.present import Present
from heytalk_audit.audit.results import number_read
from heytalk_audit.audit.rule_result import FaultPlace
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.errors import printable
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.snapshot.engines import Engine

#: A word that may stand in a report: of codes and names of tables, purposes, vendors. What is none is counted under `OTHER`.
_WORD = r"^[A-Za-z0-9_.:/()<>,+ -]{1,60}$"
#: So many rows of a part are listed at most, the first by its dimensions.
MOST_ROWS = 1_000
#: Registers that facts read beside the snapshot.
REGISTERS = {"processing": "register of processing", "incidents": "register of incidents"}


@dataclass(frozen=True)
class EvaluatedFact:
    """A fact's result for internal use, and its fault, if it crashed."""

    result: FactResult
    fault: Fault | None = None


@dataclass(frozen=True)
class _Counted:
    """A fact's tally as expressions: its total in one row, and the table of each part; and the tables that were read."""

    tally: Tally
    total: ir.Table
    tables: tuple[ir.Table, ...]
    reads: tuple[str, ...]


def evaluate_fact(fact: Fact, audit: Audit, raises: bool = False) -> EvaluatedFact:
    """Evaluate one fact. What it lacks stands in `blocked_by`, and a crash as its fault; with `raises` a crash is raised instead."""
    view, present = audit.view(audit.shared.table), Present(audit.snapshot.tables | _registers(audit))
    try:
        counted = _counted(fact, audit, view, present)
        return EvaluatedFact(_result(fact, counted, audit, view, present))
    except NotEvaluated as error:
        codes = tuple(dict.fromkeys(block.code for block in error.blocks))
        sentences = dict.fromkeys(f"Not evaluated: {printable(block.sentence)}." for block in error.blocks)
        return EvaluatedFact(_without(fact, tuple(sentences), blocked_by=codes))
    except Exception as error:
        refuse_failure(error)
        if raises:
            raise
        fault = fault_of(error, fact)
        place = FaultPlace(type=fault.type, file=fault.file, line=fault.line)
        sentence = f"Not evaluated: an error of the audit itself ({fault.sentence})."
        return EvaluatedFact(_without(fact, (sentence,), blocked_by=("error",), fault=place), fault)


def _registers(audit: Audit) -> dict[str, ir.Table]:
    return {name: audit.tables[name] for name in audit.registers}


def _counted(fact: Fact, audit: Audit, view: View, present: Present) -> _Counted:
    """All that the fact asks of the engine. Raises NotEvaluated."""
    arguments = arguments_of(fact, audit, view, present)
    with missing_columns_named(fact, audit, view, present):
        tally = fact.build(**arguments)
        with_people = any("user_id" in table.columns for table in (tally.of, *(part.rows for part in tally.parts)))
        testers = audit.testers(view) if with_people else None
        counted = _Counted(
            tally,
            _total_of(tally, testers),
            tuple(_table_of(part, testers) for part in tally.parts),
            tuple(dict.fromkeys((*fact.tables, *(["users"] if with_people else []), *present.read))),
        )
    refuse_gated(fact, audit, counted.reads)
    wrong_values.refuse_too_many(audit.wrong, _wrong_columns(counted, audit, view), audit.settings["unknown_limit"])
    return counted


def _total_of(tally: Tally, testers: ir.Table | None) -> ir.Table:
    """One row: the `total` without test accounts, and the `excluded`."""
    rows = tally.of
    has_people = "user_id" in rows.columns and testers is not None
    is_tester: ir.BooleanValue = ibis.literal(False)
    if has_people and testers is not None:
        rows = rows.left_join(testers, rows.user_id == testers.tester)
        is_tester = rows.tester.notnull()
    if tally.counts == OF_PEOPLE:
        person = _nobody_blank(rows.user_id)
        return rows.agg(total=person.nunique(where=~is_tester), excluded=person.nunique(where=is_tester))
    return rows.agg(total=rows.count(where=~is_tester), excluded=rows.count(where=is_tester))


def _table_of(part: TablePart, testers: ir.Table | None) -> ir.Table:
    """The table of a part: its dimensions, counts and what else it shows, in the order of the dimensions."""
    rows = part.rows
    if "user_id" in rows.columns and testers is not None:
        rows = rows.anti_join(testers, rows.user_id == testers.tester)
        rows = rows.mutate(user_id=_nobody_blank(rows.user_id))
    rows = rows.mutate(**{name: rows[name] if name in part.own else _shown(rows[name]) for name in part.by})
    return rows.group_by(list(part.by)).agg(**part.counts, **part.shows)


def _nobody_blank(person: ir.StringValue) -> ir.StringValue:
    return blank(person).ifelse(ibis.null("string"), person)


def _shown(value: ir.Value) -> ir.StringValue:
    """A dimension as a report may show it."""
    text = value.cast("string")
    return ibis.cases((text.isnull() | blank(text), NONE), (~sure(text.re_search(_WORD)), OTHER), else_=text)


def _wrong_columns(counted: _Counted, audit: Audit, view: View) -> set[ColumnName]:
    """The columns with wrong values among those that the fact is computed from."""
    if not audit.wrong:
        return set()
    tables = (counted.total, *counted.tables)
    nodes: list[ops.Node] = [part.op() for table in tables for part in (table, *(table[name] for name in table.columns))]
    return columns_behind(nodes, {table.op(): name for name, table in audit.tables.items()}, view.kept) & audit.wrong.keys()


def _result(fact: Fact, counted: _Counted, audit: Audit, view: View, present: Present) -> FactResult:
    engine = audit.snapshot.engine
    audit.shared.compute(view.shared)
    total = engine.rows(counted.total).iloc[0]
    fetched = [_fetched(part, table, engine) for part, table in zip(counted.tally.parts, counted.tables, strict=True)]
    parts = tuple(_part(part) for part in counted.tally.parts)
    columns = columns_of_parts(parts)
    statements = audit.shared.sql(view.shared) | {part.name or "counted": of_part.sql for part, of_part in zip(parts, fetched, strict=True)}
    return FactResult(
        **_words(fact),
        total=int(total["total"]),
        counts=counted.tally.counts,
        excluded=int(total["excluded"]),
        columns=columns,
        rows=tuple(row for part, of_part in zip(parts, fetched, strict=True) for row in _rows(part, of_part.lines, columns)),
        parts=parts,
        limits=tuple(_limits(fact, counted, [of_part.rows for of_part in fetched], audit, view, present)),
        blocked_by=(),
        numbers=tuple(number_read(number) for number in view.read.values()),
        tables=counted.reads,
        sql=printable_sql(";\n\n".join(f"CREATE TABLE {name} AS\n{sql}" for name, sql in statements.items())),
    )


def _words(fact: Fact) -> dict[str, Any]:
    return {"id": fact.id, "title": fact.title, "definition": fact.definition, "source": fact.source}


def _part(part: TablePart) -> FactPart:
    by, counts, shows = tuple(part.by), tuple(part.counts), tuple(part.shows)
    return FactPart(name=part.name, title=part.title, by=by, counts=counts, shows=shows, within=dict(part.within))


@dataclass(frozen=True)
class _Fetched:
    """The rows of a part that are listed, in their order, how many there are, and the SQL that counted them."""

    lines: list[dict[str, Any]]
    rows: int
    sql: str


def _fetched(part: TablePart, table: ir.Table, engine: Engine) -> _Fetched:
    # kept on the engine first: what is small is then ordered and cut without counting anew
    kept, sql, rows = engine.keep("counted", table)
    return _Fetched(_in_order(part, engine.rows(kept.order_by(list(part.by)).limit(MOST_ROWS))), rows, sql)


def _in_order(part: TablePart, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a part in the order of their dimensions."""
    places = {word: place for place, word in enumerate((*part.order, *(label for _, label in AGE_BANDS)))}
    lines: list[dict[str, Any]] = [{str(name): value for name, value in line.items()} for line in frame.to_dict("records")]
    return sorted(lines, key=lambda line: [(places.get(line[name], len(places)), str(line[name])) for name in part.by])


def _rows(part: FactPart, lines: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[tuple[Cell, ...]]:
    """The rows of a part in the columns of the whole table; those of other parts are null."""
    whole = set(part.counts)
    return [
        tuple(part.name if name == PART else _cell(line.get(name), name in whole) if name in part.columns else None for name in columns)
        for line in lines
    ]


def _cell(value: Any, counted: bool) -> Cell:
    """A value of the engine as a document has it."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return 0 if counted else None
    if isinstance(value, pd.Timestamp | dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if counted or number.is_integer() else round(number, 2)


def _limits(fact: Fact, counted: _Counted, sizes: Sequence[int], audit: Audit, view: View, present: Present) -> list[str]:
    """What the fact does not show: by its definition, and by this delivery."""
    unseen = [name for name in (*optional_absent(fact, audit), *present.missing) if name not in REGISTERS]
    gaps = verdict.coverage_gaps(fact, counted.reads, unseen, audit, view)
    wrong = sorted(".".join(column) for column in _wrong_columns(counted, audit, view))
    cut = [part.name or "the table" for part, size in zip(counted.tally.parts, sizes, strict=True) if size > MOST_ROWS]
    return [
        *fact.limits,
        *(f"The delivery limits it: {printable(gap)}." for gap in gaps),
        *(f"The parameters name no {REGISTERS[name]}." for name in present.missing if name in REGISTERS),
        *([f"Values that break the data contract are counted as not stated: {', '.join(wrong)}."] if wrong else []),
        *(f"Only the first {MOST_ROWS:,} rows of {name} are listed." for name in cut),
    ]


def _without(fact: Fact, sentences: Sequence[str], **why: Any) -> FactResult:
    """The result of a fact that was not evaluated: no number stands in it."""
    nothing: dict[str, Any] = {"total": None, "counts": OF_PEOPLE, "excluded": None, "columns": (), "rows": (), "parts": ()}
    return FactResult(**_words(fact), **nothing, limits=(*sentences, *fact.limits), tables=fact.tables, **why)
