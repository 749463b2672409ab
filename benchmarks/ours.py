"""What the benchmarks ask of the audit itself: the one place that changes when its functions do."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import Evaluation, dry, evaluate
from heytalk_audit.audit.exceptions import write_exceptions
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.queries import RuleQueries, queries_of
from heytalk_audit.audit.shared import SharedTables
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot import profile
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

KEY = bytes(32)


def opened(snapshot: Path, work: Path, options: dict[str, Any] | None = None) -> Audit:
    """The snapshot, opened with the policy's own settings. Its profile is kept in `work`, and nothing else of an audit."""
    policy = load_policy()
    work.mkdir(parents=True, exist_ok=True)
    private, kept = Path(tempfile.mkdtemp(prefix="audit-", dir=work)), work / profile.FILE
    if kept.exists():
        shutil.copy(kept, private)
    audit = Audit(open_snapshot(snapshot, connect("duckdb", options or {}), private), policy, settings_of(policy, {}))
    shutil.copy(private / profile.FILE, kept)
    return audit


def of_one_person(audit: Audit) -> Audit:
    """The same audit where each table that names people has the rows of one of them alone, the last in the order of ids."""
    snapshot = audit.snapshot
    users = snapshot.tables["users"]
    id = snapshot.engine.query(snapshot.engine.sql(users.agg(id=users.user_id.max()))).column("id")[0].as_py()
    tables = {
        name: snapshot.engine.keep(f"rows_of_one_in_{name}", table.filter(table.user_id == id))[0] if "user_id" in table.columns else table
        for name, table in snapshot.tables.items()
    }
    return replace(audit, snapshot=replace(snapshot, tables=tables))


def close(audit: Audit) -> None:
    """Remove what was kept for this audit alone."""
    if audit.snapshot.work is not None:
        shutil.rmtree(audit.snapshot.work)


def warm(audit: Audit) -> None:
    """Compute what an audit has before its first rule."""
    _ = audit.tables, audit.blocked


def queries(rule: Rule, audit: Audit) -> RuleQueries:
    """The rule's queries, as SQL by the table that each makes: what it shares with other rules, and its own. No row is read."""
    return queries_of(rule, audit)


def run_queries(queries: RuleQueries, connection: Any) -> None:
    """Run a rule's own queries as its evaluation does, each into a table."""
    for table, sql in queries.own.items():
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS {sql}")


def share(rule: Rule, audit: Audit) -> float:
    """Compute what a rule shares with others as if no rule had asked for it yet; the seconds of the processor that this takes."""
    # its files stay until the audit is closed: the engine's tables of these names are theirs from now on
    fresh = SharedTables(audit.snapshot.engine, Path(tempfile.mkdtemp(prefix="shared-", dir=audit.snapshot.work)))
    view = audit.view(fresh.table)
    dry(rule, audit, view, lambda rows: rows)
    used = time.process_time()
    fresh.compute(view.shared)
    return time.process_time() - used


def evaluate_and_write(rule: Rule, audit: Audit, file: Path) -> Evaluation:
    """The rule's whole evaluation, exceptions file included, as `run` has it."""
    engine = audit.snapshot.engine
    evaluation = evaluate(rule, audit, raises=True)
    write_exceptions(evaluation, engine, key_pads(KEY, engine), file)
    return evaluation


def outcomes(evaluation: Evaluation) -> tuple[int, Counter[str]]:
    """The size of the population, and how many rows have each outcome but pass."""
    counts = Counter({str(k): n for k, n in evaluation.ledger.items() if str(k) not in ("in_scope", "pass") and n})
    return evaluation.ledger["in_scope"], counts


def reasons(evaluation: Evaluation) -> dict[tuple[str, str | None], int]:
    """How many rows have each outcome and reason."""
    return {(str(line.outcome), line.reason): line.rows for line in evaluation.counts.reasons}


def seconds_of(rule: Rule, audit: Audit, file: Path) -> tuple[float, float, str, int]:
    """Seconds by the clock and of the processor of a whole evaluation, its verdict, and its rows that do not pass."""
    begun, used = time.perf_counter(), time.process_time()
    evaluation = evaluate_and_write(rule, audit, file)
    taken = time.perf_counter() - begun, time.process_time() - used
    return *taken, str(evaluation.verdict), sum(outcomes(evaluation)[1].values())
