"""Evaluate a rule: its check is built, its rows are classified on the engine and counted there, and the ledger is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit import ledger, verdict, wrong_values
from heytalk_audit.audit.arguments import arguments_of, left_out, missing_columns_named, refuse_gated
from heytalk_audit.audit.assumed import assumptions
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.breakdown import shown_value
from heytalk_audit.audit.check import Check, OverTime, Rule
from heytalk_audit.audit.classify import classify, labelled_rows, shown_breakdowns, tested_records
from heytalk_audit.audit.columns_read import columns_behind, roots, verdict_roots
from heytalk_audit.audit.counts import RowCounts, count
from heytalk_audit.audit.faults import EMPTY, Block, Fault, NotEvaluated, absent, fault_of
from heytalk_audit.audit.holds import Hold
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.people import newest_rows
from heytalk_audit.audit.present import Present
from heytalk_audit.audit.sampling import Sample, draw
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.errors import printable
from heytalk_audit.policy.view import View
from heytalk_audit.snapshot import gate
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.vocabulary import Limit, Outcome, Verdict

#: Tables of the engine that hold the rows of the rule that is evaluated: those that do not pass, and the same with all that is counted.
CANDIDATES, CLASSIFIED = "candidates", "classified"


@dataclass(frozen=True)
class MonthlyCounts:
    """What a rule has drawn month by month, counted: the population, and people beside it, each as panel, month and number."""

    drawn: OverTime
    population: list[tuple[str, str, int]]
    beside: list[tuple[str, str, int]]


@dataclass(frozen=True)
class Evaluation:
    """What came of a rule: its verdict and why, its ledger, and its rows that do not pass, counted.

    `classified` are these rows on the engine, until the next rule is evaluated: see `classify.labelled_rows`; null where there are none.
    Record and subject are raw there, and leave the engine as pseudonyms alone. `tables` are those that the rule needs, the audited one
    first. `blocked_by` are codes of what kept the rule from being evaluated, or from having a population; `fault` is its own fault, if it
    crashed. `gaps` and `notes` are sentences on what the rule did not see: only the former limit its verdict. `tested` are the records of
    the population, test accounts apart, as an expression.
    """

    rule: Rule
    verdict: Verdict
    reason: str | None
    ledger: dict[str, int]
    counts: RowCounts = field(default_factory=RowCounts)
    classified: ir.Table | None = field(default=None, repr=False)
    tables: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    over_time: MonthlyCounts | None = None
    view: View | None = None
    assumptions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sql: str = ""
    samples: tuple[Sample, ...] = ()
    blocked_by: tuple[str, ...] = ()
    limited_by: tuple[Limit, ...] = ()
    gaps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tested: ir.Table | None = field(default=None, repr=False)
    fault: Fault | None = None


@dataclass(frozen=True)
class AllRows:
    """Every row of a rule's population with its outcome, those that pass among them, on the engine until the next rule is evaluated.

    `classified` is as an `Evaluation` has it; `has_people` says whether rows name the person whom each is about. `missing` says why the
    rule could not be evaluated, where it could not.
    """

    classified: ir.Table | None = None
    has_people: bool = False
    missing: str | None = None


@dataclass(frozen=True)
class Built:
    """A rule's check on a snapshot, as expressions, and the record that names each of its rows.

    `candidates` are its rows that do not pass; `needs` the tables that it needs, `reads` all that it reads, and `absent` those that it
    can do without, and has to.
    """

    check: Check
    record: ir.StringValue
    candidates: ir.Table
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    absent: tuple[str, ...] = ()


def evaluate(rule: Rule, audit: Audit, keep_pass: bool = False, raises: bool = False) -> Evaluation:
    """Evaluate one rule. What it lacks makes it NOT_EVALUATED, what crashes makes it ERROR; with `raises` a crash is raised instead."""
    view, present = audit.view(audit.shared.table), Present(audit.snapshot.tables)
    try:
        built = _build(rule, audit, view, present, keep_pass=keep_pass)
        refuse_gated(rule, audit, built.reads)
        return _run(rule, built, audit, view, present)
    except NotEvaluated as error:
        codes = tuple(dict.fromkeys(block.code for block in error.blocks))
        return _without(rule, Verdict.NOT_EVALUATED, str(error), view, blocked_by=codes)
    except Exception as error:
        # the machine's failure is no fault of the rule: no verdict depends on the space that is left
        refuse_failure(error)
        if raises:
            raise
        # an engine's message may quote values: its kind and place are enough to find it, and leak nothing
        fault = fault_of(error, rule)
        return _without(rule, Verdict.ERROR, fault.sentence, view, fault=fault)


def all_rows(rule: Rule, audit: Audit) -> AllRows:
    """The outcome of every row of a rule's population; nothing is counted. The outcomes are those of `evaluate`."""
    view, present = audit.view(audit.shared.table), Present(audit.snapshot.tables)
    try:
        built = _build(rule, audit, view, present, keep_pass=True)
        refuse_gated(rule, audit, built.reads)
        audit.shared.compute(view.shared)
        return AllRows(_keep_classified(rule, built, audit, view)[0], built.check.has_people)
    except NotEvaluated as error:
        return AllRows(missing=printable(str(error)))
    except Exception as error:
        refuse_failure(error)
        return AllRows(missing=fault_of(error, rule).sentence)


def lacking(rule: Rule, audit: Audit) -> str:
    """What a rule would lack of the snapshot, without evaluating it; empty where nothing."""
    return "; ".join(dict.fromkeys(block.sentence for block in blocks_of(rule, audit)))


def blocks_of(rule: Rule, audit: Audit) -> tuple[Block, ...]:
    """What keeps a rule from being evaluated on the snapshot, without evaluating it: the first of it that shows, empty where nothing."""
    try:
        built = _build(rule, audit, audit.view(), Present(audit.snapshot.tables), dry=True)
        refuse_gated(rule, audit, built.reads)
        return ()
    except NotEvaluated as error:
        return error.blocks


def columns_read(rule: Rule, audit: Audit) -> set[str]:
    """The snapshot's columns, as `table.column`, that a rule's outcomes and breakdowns are computed from. Raises NotEvaluated."""
    view = audit.view()
    check = _build(rule, audit, view, Present(audit.snapshot.tables), dry=True).check
    snapshot, first = audit.snapshot.tables, rule.tables[0]
    read = columns_behind(roots(check), {table.op(): name for name, table in snapshot.items()}, view.kept)
    by = {(first, name) for name in check.by if first in snapshot and name in snapshot[first].columns}
    return {f"{table}.{name}" for table, name in read | by}


def columns_of_verdict(rule: Rule, audit: Audit) -> set[str]:
    """The snapshot's columns, as `table.column`, that a rule's verdict needs: breakdowns are left out, and what makes a hold valid, the
    record, the person and the test accounts are among them. Raises NotEvaluated."""
    view = audit.view()
    built = _build(rule, audit, view, Present(audit.snapshot.tables), dry=True)
    needed = verdict_roots(built.check, built.record, _testers(rule, built.check, audit, view), view)
    read = columns_behind(needed, {table.op(): name for name, table in audit.snapshot.tables.items()}, view.kept)
    return {f"{table}.{name}" for table, name in read}


def outline(rule: Rule, audit: Audit) -> Check | None:
    """The check that a rule makes of this snapshot, without evaluating it; null where something stands in its way."""
    try:
        return _build(rule, audit, audit.view(), Present(audit.snapshot.tables), dry=True).check
    except Exception:
        # what stands in its way is said where the rule is evaluated
        return None


def dry(rule: Rule, audit: Audit, view: View, kept: Callable[[ir.Table], ir.Table]) -> dict[str, ir.Table]:
    """A rule's tables as expressions, without evaluating it; `kept` is the first as it will be once it is kept. Raises NotEvaluated."""
    built = _build(rule, audit, view, Present(audit.snapshot.tables), dry=True)
    refuse_gated(rule, audit, built.reads)
    return {CANDIDATES: built.candidates, CLASSIFIED: _labelled(rule, built.check, kept(built.candidates), audit, view)}


def _build(rule: Rule, audit: Audit, view: View, present: Present, dry: bool = False, keep_pass: bool = False) -> Built:
    """The rule's check and the rows that do not pass, as expressions: whatever they read is missing here, if it is missing at all."""
    arguments = arguments_of(rule, audit, view, present, dry)
    with missing_columns_named(rule, audit, view, present):
        check = _without_wrong_values(rule, rule.build(**arguments), audit, view)
        record = _record(rule, check, audit)
        testers = _testers(rule, check, audit, view)
        candidates = classify(check, record, testers, shown_breakdowns(rule, check), keep_pass)
        if isinstance(check.exempt, Hold):
            # what a hold reads is missing here, too
            _labelled(rule, check, candidates, audit, view)
    needs = _needs(rule, check)
    return Built(check, record, candidates, needs, tuple(dict.fromkeys((*needs, *present.read))), left_out(rule, audit))


def _without_wrong_values(rule: Rule, check: Check, audit: Audit, view: View) -> Check:
    """The check with rows that hold a wrong value as unknown. Raises NotEvaluated where there are too many. The delivery's own rules look
    at wrong values."""
    if not audit.wrong or rule.family in verdict.GATES:
        return check
    snapshot, made_of = audit.snapshot.tables, dict(view.kept)
    if "users" in audit.tables:
        # which of several rows of a person counts is no matter of what a rule asks of the row
        users, newest = audit.tables["users"].op(), newest_rows(audit.tables["users"]).op()
        made_of |= {newest: users} | {table: users for table, source in made_of.items() if source == newest}
    read = columns_behind(roots(check), {table.op(): name for name, table in snapshot.items()}, made_of) & audit.wrong.keys()
    read = {column for column in read if column[1] not in check.finds_missing}
    wrong_values.refuse_too_many(audit.wrong, read, audit.settings["unknown_limit"])
    return wrong_values.marked(check, snapshot, audit.snapshot.marked, read, view.kept)


def _testers(rule: Rule, check: Check, audit: Audit, view: View) -> ir.Table | None:
    """The test accounts that are left out of a rule's population; the rules on the delivery leave out nobody."""
    return audit.testers(view) if check.has_people and rule.family not in verdict.GATES else None


def _labelled(rule: Rule, check: Check, candidates: ir.Table, audit: Audit, view: View) -> ir.Table:
    return labelled_rows(rule, check, candidates, audit.people(view), view)


def _needs(rule: Rule, check: Check) -> tuple[str, ...]:
    """The tables that a rule needs, the audited one first; a rule about people needs the test accounts among the users."""
    people = ("users",) if check.has_people and "users" not in rule.tables else ()
    return (*rule.tables[:1], *people, *rule.tables[1:])


def _record(rule: Rule, check: Check, audit: Audit) -> ir.StringValue:
    if check.record is not None:
        return check.record
    table = rule.tables[0]
    key = gate.KEYS.get(table) or contract.load()[table].key
    if key not in check.rows.columns:
        raise absent([f"{table}.{key}"])
    if table in contract.load() and "user_id" in contract.load()[table] and "user_id" not in audit.tables[table].columns:
        raise absent([f"{table}.user_id"])
    return f"{table}:" + check.rows[key].cast("string")


def _run(rule: Rule, built: Built, audit: Audit, view: View, present: Present) -> Evaluation:
    check, engine = built.check, audit.snapshot.engine
    audit.shared.compute(view.shared)
    in_scope, figures = ledger.population_and_figures(check, engine.rows)
    classified, labelled, sql = _keep_classified(rule, built, audit, view)
    counts = count(engine, CLASSIFIED, shown_breakdowns(rule, check), check.over_time) if classified is not None else RowCounts()
    counted = ledger.ledger_of(counts, in_scope)
    gaps = verdict.coverage_gaps(rule, built.reads, [*built.absent, *verdict.unseen(rule, present, audit)], audit, view)
    judged = verdict.judge(counted, gaps, Limits.of(audit.settings))
    notes = verdict.notes(rule, audit)
    return Evaluation(
        rule,
        verdict.demoted(rule, judged.verdict, audit),
        verdict.sentence(judged, notes),
        counted,
        counts,
        classified,
        built.needs,
        check.breakdowns,
        figures,
        _monthly(rule, check, audit),
        view,
        assumptions(check, counts, view, labelled),
        printable_sql(sql),
        _samples(rule, built, classified, audit, view) if rule.judged else (),
        limited_by=judged.limited_by,
        gaps=tuple(gaps),
        notes=tuple(notes),
        tested=tested_records(check, built.record, _testers(rule, check, audit, view)),
        blocked_by=_empty(check, audit, view) if judged.verdict == Verdict.NO_POPULATION else (),
    )


def _empty(check: Check, audit: Audit, view: View) -> tuple[str, ...]:
    """Codes of the tables that a check's population is taken from, and that have no row, although their source does not say so."""
    population = ledger.before_joins(check.population if check.population is not None else check.rows)
    delivered, snapshot = {table.op(): name for name, table in audit.snapshot.tables.items()}, audit.snapshot
    read = {delivered[table] for table in view.tables_within(population) if table in delivered}
    empty = [name for name in sorted(read) if not snapshot.profile[name]["rows"] and snapshot.delivery.source_totals(name).get("rows") != 0]
    return tuple(f"{EMPTY}:{name}" for name in empty)


def _keep_classified(rule: Rule, built: Built, audit: Audit, view: View) -> tuple[ir.Table | None, ir.Table | None, str]:
    """The rows that do not pass with all that is counted of them, kept on the engine, and as an expression; null where there are none. And
    their SQL.

    First only those rows are kept: what is joined to them then, holds and people, is joined to few.
    """
    engine = audit.snapshot.engine
    kept, sql, rows = engine.keep(CANDIDATES, built.candidates)
    statements, labelled = {CANDIDATES: sql}, None
    if rows:
        labelled = _labelled(rule, built.check, kept, audit, view)
        audit.shared.compute(view.shared)
        kept, statements[CLASSIFIED], _ = engine.keep(CLASSIFIED, labelled)
    statements = audit.shared.sql(view.shared) | statements
    return kept if rows else None, labelled, ";\n\n".join(f"CREATE TABLE {name} AS\n{query}" for name, query in statements.items())


def _samples(rule: Rule, built: Built, classified: ir.Table | None, audit: Audit, view: View) -> tuple[Sample, ...]:
    """What people read: of the rows for review, which tells how often these are right, and of all rows tested, which gives a rate."""
    size, seed, engine = view.setting("sample_size"), view.setting("sample_seed"), audit.snapshot.engine
    testers = _testers(rule, built.check, audit, view)
    every = tested_records(built.check, built.record, testers)
    candidates = every.limit(0) if classified is None else classified.filter(classified.outcome == Outcome.REVIEW)
    return draw("candidates", candidates, size, seed, engine), draw("all rows tested", every, size, seed, engine)


def _monthly(rule: Rule, check: Check, audit: Audit) -> MonthlyCounts | None:
    drawn = check.over_time
    if drawn is None:
        return None
    population, beside = (_by_month(rule, drawn, table, audit.snapshot.engine) for table in (drawn.population, drawn.beside))
    return MonthlyCounts(drawn, population, beside)


def _by_month(rule: Rule, drawn: OverTime, table: ir.Table, engine: Engine) -> list[tuple[str, str, int]]:
    """Counts by panel and month, each named as the breakdown of the rows that do not pass names it."""
    named = table.select(panel=shown_value(rule, drawn.panel, table.panel), month=table.month.fill_null("(none)"), n=table.n)
    rows = engine.rows(named).itertuples(index=False, name=None)
    return [(str(panel), str(month), int(n)) for panel, month, n in rows]


def _without(rule: Rule, stands: Verdict, reason: str, view: View, **why: Any) -> Evaluation:
    return Evaluation(rule, stands, printable(reason), ledger.empty(), tables=rule.tables_with_people, view=view, **why)


def printable_sql(text: str) -> str:
    """SQL as text: line breaks kept, other control characters shown as spaces."""
    return "\n".join(printable(line) for line in str(text).splitlines())
