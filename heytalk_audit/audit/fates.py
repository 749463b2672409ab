"""What became of rows that an earlier audit had open, and this one has not: mended, gone, or no longer what the rule is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.decisions import NO_BREACH, Decisions
from heytalk_audit.audit.evaluate import Evaluation
from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.snapshot import gate
from heytalk_audit.vocabulary import Outcome

MENDED, GONE, LEFT, NOT_DELIVERED = "mended", "gone", "left", "not delivered"
#: What a file of fates has: a record, by pseudonym, and what became of it.
FATES = pa.schema([("record", pa.string()), ("fate", pa.string())])


def fates_of(evaluation: Evaluation, audit: Audit, pads: ir.Table, decisions: Decisions, before: Collection[str]) -> pa.Table:
    """Of the records that an earlier audit had open (`before`, by pseudonym) those that are not open now, and what became of each."""
    if evaluation.tested is None or not before:
        return FATES.empty_table()
    engine = audit.snapshot.engine
    earlier = engine.put("open_before", pa.table({"record": pa.array(sorted(set(before)), pa.string())}))
    open_now, closed = _open_now(evaluation, pads, decisions)
    flags = {
        "is_open": earlier.record.isin(open_now.record) if open_now is not None else ibis.literal(False),
        "closed": earlier.record.isin(closed.record) if closed is not None else ibis.literal(False),
        "tested": earlier.record.isin(with_pseudonyms(evaluation.tested, pads).record),
        "there": _among(earlier, _records(evaluation.tables, audit), pads),
        "purged": _among(earlier, _purged(audit), pads),
    }
    rows = earlier.mutate(**flags)
    complete = all(_is_complete(table, audit) for table in evaluation.tables[:1])
    people = evaluation.tables[:1] == ("users",)
    gone = rows.purged if people else ibis.literal(True)
    fate = ibis.cases(
        (rows.closed | rows.tested, MENDED),
        (rows.there, LEFT),
        (ibis.literal(complete) & gone, GONE),
        else_=NOT_DELIVERED,
    )
    settled = rows.filter(~rows.is_open | rows.closed).select("record", fate=fate)
    return engine.query(engine.sql(settled.order_by("record"))).cast(FATES)


def _open_now(evaluation: Evaluation, pads: ir.Table, decisions: Decisions) -> tuple[ir.Table | None, ir.Table | None]:
    """The records of the rows that are open now, and of those that a decision closed as no breach."""
    if evaluation.classified is None:
        return None, None
    rows = decisions.marked(with_pseudonyms(evaluation.classified, pads))
    return rows.filter(rows.outcome.isin([str(o) for o in Outcome if o.is_open])), rows.filter(sure(rows.decided == NO_BREACH))


def _among(earlier: ir.Table, records: ir.Table | None, pads: ir.Table) -> ir.BooleanValue:
    return ibis.literal(False) if records is None else earlier.record.isin(with_pseudonyms(records, pads).record)


def _records(tables: Iterable[str], audit: Audit) -> ir.Table | None:
    """The records of every row of these tables that was delivered."""
    delivered = audit.snapshot.tables
    named = [
        delivered[name].select(record=f"{name}:" + delivered[name][contract.load()[name].key].cast("string"))
        for name in tables
        if name in delivered and contract.load()[name].key in delivered[name].columns
    ]
    return ibis.union(*named) if len(named) > 1 else named[0] if named else None


def _purged(audit: Audit) -> ir.Table | None:
    """The records of the people who stand in the purge log."""
    log = audit.snapshot.tables.get("purge_log")
    if log is None or not {"user_id", "table_name"} <= set(log.columns):
        return None
    return log.filter(log.table_name == "users").select(record="users:" + log.user_id)


def _is_complete(table: str, audit: Audit) -> bool:
    """Whether a table holds whatever the source holds, so that a row that is not there is gone."""
    stated = audit.snapshot.delivery.resource(table)
    if gate.is_filtered(stated):
        return False
    start, created = gate.moment(stated.get("window_start")), gate.first_created(audit.snapshot.profile)
    return stated.get("complete") is True or (start is not None and (created is None or start <= created))
