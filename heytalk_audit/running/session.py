"""An audit opened from a parameters file: what every notebook and every command that reads a snapshot begins with.

Within `run`, chapters share a private working folder, whose path a kernel has in its own environment: no notebook carries a path. Opened
on its own, in JupyterLab, a session makes a folder for itself and evaluates what it is asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from heytalk_audit import params as parameters
from heytalk_audit.audit import acceptance, decisions, disclosure, fact_disclosure, fates
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.decisions import Decisions
from heytalk_audit.audit.describe import describe
from heytalk_audit.audit.document import AuditDescription
from heytalk_audit.audit.evaluate import Evaluation, evaluate
from heytalk_audit.audit.exceptions import write_exceptions, write_rows
from heytalk_audit.audit.fact_evaluate import evaluate_fact
from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.audit.fact_sample import SAMPLED, with_sample
from heytalk_audit.audit.hashed_log import with_compared_ids
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.results import summarise
from heytalk_audit.audit.rule_result import DecisionStanding, EntryStanding, RuleResult
from heytalk_audit.audit.sampling import read_labels
from heytalk_audit.canonical import canonical
from heytalk_audit.catalogue import rules_of
from heytalk_audit.disk.failures import failures_named
from heytalk_audit.disk.working import private_folder
from heytalk_audit.evidence.folder import exceptions_file
from heytalk_audit.evidence.row_files import RowReader
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.facts import FACTS
from heytalk_audit.follow_up import earlier, history
from heytalk_audit.follow_up.changes import open_records
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.text import drift, load_text
from heytalk_audit.registers import accepted, attestations, findings
from heytalk_audit.registers import decisions as registered
from heytalk_audit.rules import RULES
from heytalk_audit.running.registers import registers_read
from heytalk_audit.running.share import read_share
from heytalk_audit.snapshot.budget import budget_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

#: The environment variable of a kernel that holds the path of the run's working folder.
WORK = "HEYTALK_AUDIT_WORK"
#: Names in the working folder: the parameters with absolute paths, what the summary leaves for `results.json`, and what is derived from
#: the earlier run's snapshot.
PARAMETERS_FILE = "params.yaml"
SUMMARY_FILE = "summary.json"
PREVIOUS_SNAPSHOT = "previous"
#: Names in it of what evaluating a rule leaves: the tracebacks of faults lie apart from everything that goes into the run's folder.
TRACEBACKS = "tracebacks"


def result_file(rule: str) -> str:
    """The file of a rule's result in the working folder."""
    return f"results/{rule}.json"


def fact_file(fact: str) -> str:
    """The file of a fact in the working folder, as it is for internal use."""
    return f"facts/{fact}.json"


def accepted_file(rule: str) -> str:
    """The file in the working folder of a rule's exception rows, in the order of its exceptions file, with a column more: `accepted`."""
    return f"accepted/{rule}.parquet"


def fates_file(rule: str) -> str:
    """The file in the working folder that says what became of the rows that an earlier run had open."""
    return f"fates/{rule}.parquet"


class Session:
    """An audit opened from a parameters file; each part of it is opened or computed when it is first asked for."""

    def __init__(self, params: str | Path, overrides: str | Sequence[str] = ()):
        path = Path(params)
        self.params = parameters.read_params(path, [overrides] if isinstance(overrides, str) else list(overrides))
        self.base = path.resolve().parent
        self.is_part_of_run = WORK in os.environ

    @cached_property
    def work(self) -> Path:
        """The folder that keeps what is derived: the run's own, or one of this session, which goes with its process."""
        return Path(os.environ[WORK]) if self.is_part_of_run else private_folder(sys.modules[__name__])

    @cached_property
    def audit(self) -> Audit:
        """The snapshot, the policy and the settings, opened."""
        policy = load_policy(self.params.policy.name, self.base)
        settings = settings_of(policy, self.params.settings)
        text = self.params.policy.text
        compared = drift(load_text(self.base / text), policy.clauses.values()) if text else None
        url = self.params.engine.url
        engine = connect(url, self.duckdb_options if url == "duckdb" else self.params.engine.options, [self.work])
        columns = earlier.columns_before(self.base / self.params.previous) if self.params.previous else None
        key = parameters.purge_key(self.params.delivery.purge_key_env)
        snapshot = with_compared_ids(open_snapshot(self.base / self.params.snapshot, engine, self.work), key)
        today = Clock(snapshot.as_of, settings["audit_tz"]).today
        return Audit(snapshot, policy, settings, compared, columns, registers_read(self.params, self.base, today))

    @cached_property
    def duckdb_options(self) -> dict[str, Any]:
        """What each connection of this session to DuckDB may use."""
        if self.is_part_of_run:
            return read_share(self.work)
        options = self.params.engine.duckdb(self.base)
        # the earlier snapshot has a connection of its own
        return budget_of(options, Path(options.get("temp_directory") or self.work)).share(2 if self.params.previous_snapshot else 1)

    @cached_property
    def key(self) -> bytes:
        """The engagement key; the demo's own where a notebook is opened on a demo snapshot."""
        return parameters.engagement_key(self.params.report.key_env, "" if self.is_part_of_run else self.audit.snapshot.id)

    @cached_property
    def key_pads(self) -> ir.Table:
        """The engagement key on the engine, for the pseudonyms that are made there."""
        return key_pads(self.key, self.audit.snapshot.engine)

    @cached_property
    def labels(self) -> pd.DataFrame | None:
        """The reviewers' labels, if the parameters name any."""
        return read_labels(self.base / path for path in self.params.labels) if self.params.labels else None

    @cached_property
    def attestations(self) -> list[attestations.Attestation]:
        """The attestations, if the parameters name a file of them."""
        file = self.params.attestations
        return attestations.read_attestations(self.base / file, self.audit.policy, self.audit.clock.today) if file else []

    @cached_property
    def entries(self) -> list[accepted.Entry]:
        """The entries of the register of accepted exceptions, if the parameters name one."""
        return accepted.read_accepted(self.base / self.params.accepted, RULES) if self.params.accepted else []

    @cached_property
    def decisions(self) -> list[registered.Decision]:
        """The decisions on rows for review, if the parameters name a register of them."""
        return registered.read_decisions(self.base / self.params.decisions, RULES) if self.params.decisions else []

    @cached_property
    def previous(self) -> earlier.Run | None:
        """The earlier run, if the parameters name one."""
        return earlier.read_run(self.base / self.params.previous) if self.params.previous else None

    @cached_property
    def findings(self) -> list[findings.Finding]:
        """The register of findings, if the parameters name one."""
        return findings.read_findings(self.base / self.params.findings, RULES) if self.params.findings else []

    @cached_property
    def described(self) -> AuditDescription:
        """What the audit is, for covers and results.json."""
        audit = self.params.audit
        partial = f"Partial: {len(self.rules)} of {len(RULES)} rules" if len(self.rules) < len(RULES) else None
        return describe(self.audit, audit.id, audit.title, self.audience, self.key, partial)

    @property
    def audience(self) -> str:
        """For whom the report is."""
        return self.params.report.audience

    @property
    def rules(self) -> list[str]:
        """Ids of the rules of this audit, in order."""
        return [rule for chapter in self.params.chapters for rule in rules_of(chapter, self.params.rules)]

    def evaluate(self, rule: str) -> RuleResult:
        """A rule's result; its exceptions are written beside it. A result that this run already has is read."""
        kept = self.work / result_file(rule)
        if kept.exists():
            return RuleResult.model_validate_json(kept.read_bytes())
        with failures_named():
            return self._evaluated(rule)

    def _evaluated(self, rule: str) -> RuleResult:
        evaluation, engine = evaluate(RULES[rule], self.audit), self.audit.snapshot.engine
        bounds = decisions.DecisionBounds.of(self.audit)
        decided = decisions.decisions_of(evaluation, self.decisions, self.key_pads, engine, bounds, self.labels)
        coverage = acceptance.coverage_of(evaluation, self.entries, self.key_pads, engine, acceptance.Bounds.of(self.audit), decided)
        evaluation = acceptance.accept(evaluation, coverage, Limits.of(self.audit.settings), decided)
        repeated = history.is_repeated(rule, evaluation.verdict, self.previous)
        result = summarise(evaluation, self.audit, self.key_pads, self.labels, coverage.entries, coverage.rows, repeated, decided)
        files = exceptions_file(self.work, rule), self.work / accepted_file(rule)
        write_exceptions(evaluation, engine, self.key_pads, files[0], coverage.covering, files[1], decided)
        self._write_fates(rule, evaluation, decided)
        self.write(result_file(rule), result.plain())
        if evaluation.fault is not None:
            self.write_traceback(rule, evaluation.fault.traceback)
        return result

    def fact(self, id: str) -> FactResult:
        """A fact, as it is for internal use. One that this run already has is read."""
        kept = self.work / fact_file(id)
        if kept.exists():
            return FactResult.model_validate_json(kept.read_bytes())
        with failures_named():
            evaluated = evaluate_fact(FACTS[id], self.audit)
        result, sampled = evaluated.result, SAMPLED.get(id)
        if self.params.labels and sampled in self.rules:
            result = with_sample(result, self.evaluate(sampled))
        self.write(fact_file(id), result.plain())
        if evaluated.fault is not None:
            self.write_traceback(id, evaluated.fault.traceback)
        return result

    def shown_fact(self, result: FactResult) -> FactResult:
        """A fact as this report's audience may see it."""
        return fact_disclosure.of_fact(result, self.audience)

    def _write_fates(self, rule: str, evaluation: Evaluation, decided: Decisions) -> None:
        """Leave what became of the rows that the earlier run had open, where there is one with the same key."""
        old = self.previous
        if old is None or not old.audit.is_made_with(self.key) or not old.tests(rule):
            return
        before = open_records(self.reader, exceptions_file(old.folder, rule))
        table = fates.fates_of(evaluation, self.audit, self.key_pads, decided, before)
        file = self.work / fates_file(rule)
        write_rows(table.to_batches(), {file: fates.FATES})

    def write_traceback(self, rule: str, text: str) -> None:
        """Keep a rule's traceback for the developer who asks for it: it may quote data, and never goes into the run's folder."""
        folder = self.work / TRACEBACKS
        folder.mkdir(exist_ok=True)
        (folder / f"{rule}.txt").write_text(text, "utf-8")

    def shown(self, result: RuleResult) -> RuleResult:
        """A result as this report's audience may see it."""
        return disclosure.of_rule(result, self.audience, Limits.of(self.audit.settings))

    def write(self, name: str, value: Any) -> None:
        """Leave a document in the working folder."""
        file = self.work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(canonical(value))

    @cached_property
    def reader(self) -> RowReader:
        """What exception rows are read with; what exceeds its memory goes to the working folder."""
        # a folder of its own to spill: chapters are processes that share the working folder
        earlier = [self.previous.folder] if self.previous else []
        return RowReader(private_folder(self, str(self.work)), [self.work, *earlier])

    def covered_rows(self, rule: str) -> Path | None:
        """The exceptions file of an evaluated rule with a column more: which entries of the register cover a row.

        There is none where the register covers none.
        """
        file = self.work / accepted_file(rule)
        return file if file.exists() else None

    def rows_of(self, rule: str) -> Path:
        """The exceptions file of an evaluated rule: the one that says what the register covers, where it covers any row."""
        return self.covered_rows(rule) or exceptions_file(self.work, rule)

    def fates_of(self, rule: str) -> Path | None:
        """The file that says what became of the rows that the earlier run had open, where there is one."""
        file = self.work / fates_file(rule)
        return file if file.exists() else None

    @cached_property
    def register(self) -> list[EntryStanding]:
        """How each entry of the register stands: the rules of this audit that it names are evaluated, if they are not yet."""
        named = {entry.rule for entry in self.entries}
        results = [self.evaluate(rule) for rule in self.rules if rule in named]
        standings = acceptance.standings_of(self.entries, results, acceptance.Bounds.of(self.audit)) if named else []
        return disclosure.of_register(standings, self.audience)

    @cached_property
    def decided(self) -> list[DecisionStanding]:
        """How each decision stands, in the register's order; one whose rule is not part of this audit is left out."""
        named = {entry.rule for entry in self.decisions}
        results = [self.evaluate(rule) for rule in self.rules if rule in named]
        by_id = {entry.id: entry for result in results for entry in result.decisions}
        return disclosure.of_decisions([by_id[entry.id] for entry in self.decisions if entry.id in by_id], self.audience)

    def results(self, chapters: Sequence[str] = ()) -> list[RuleResult]:
        """The results of these chapters (default: all of the parameters), in order."""
        return [self.evaluate(rule) for chapter in chapters or self.params.chapters for rule in rules_of(chapter, self.params.rules)]
