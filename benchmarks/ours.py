"""What the benchmarks ask of the audit itself: the one place that changes when its functions do."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from heytalk_audit.audit import evaluate as evaluating
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import Evaluation, evaluate
from heytalk_audit.audit.exceptions import exception_rows, write_exceptions
from heytalk_audit.audit.present import Present
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

KEY = bytes(32)


def opened(snapshot: Path, work: Path, options: dict[str, Any] | None = None) -> Audit:
    """The snapshot, opened with the policy's own settings; its profile is kept in `work`."""
    policy = load_policy()
    work.mkdir(parents=True, exist_ok=True)
    return Audit(open_snapshot(snapshot, connect("duckdb", options or {}), work), policy, settings_of(policy, {}))


def warm(audit: Audit) -> None:
    """Compute what rules share and nothing of a rule itself, so that the first rule does not pay for all."""
    _ = audit.tables, audit.blocked, audit.people


def classified_sql(rule: Rule, audit: Audit, dry: bool = False) -> str:
    """The rule's query: the rows of its population that do not pass, with what decided them. `dry` reads no texts for it."""
    built = evaluating._build(rule, audit, audit.view(), Present(audit.snapshot.tables), dry=dry)
    return audit.snapshot.engine.sql(built.classified)


def evaluate_and_write(rule: Rule, audit: Audit, file: Path) -> Evaluation:
    """The rule's whole evaluation, exceptions file included, as `run` has it."""
    evaluation = evaluate(rule, audit, raises=True)
    write_exceptions(exception_rows(evaluation, KEY), file)
    return evaluation


def outcomes(evaluation: Evaluation) -> tuple[int, Counter[str]]:
    """The size of the population, and how many rows have each outcome but pass."""
    counts = Counter({str(k): n for k, n in evaluation.ledger.items() if str(k) not in ("in_scope", "pass") and n})
    return evaluation.ledger["in_scope"], counts


def reasons(evaluation: Evaluation) -> Counter[tuple[str, str]]:
    """How many rows have each outcome and reason; for a test alone, as it reads rows."""
    return Counter(zip(map(str, evaluation.rows.outcome), evaluation.rows.reason, strict=True))


def seconds_of(rule: Rule, audit: Audit, file: Path) -> tuple[float, float, str, int]:
    """Seconds by the clock and of the processor of a whole evaluation, its verdict, and its rows that do not pass."""
    begun, used = time.perf_counter(), time.process_time()
    evaluation = evaluate_and_write(rule, audit, file)
    taken = time.perf_counter() - begun, time.process_time() - used
    return *taken, str(evaluation.verdict), sum(outcomes(evaluation)[1].values())
