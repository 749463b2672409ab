"""Before an audit: what will not be evaluated, and why? Reads no personal value but to count it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from heytalk_audit import params
from heytalk_audit.audit.acceptance import refuse_unknown_segments
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import lacking
from heytalk_audit.audit.hashed_log import with_compared_ids
from heytalk_audit.catalogue import rules_of
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import printable
from heytalk_audit.follow_up import earlier
from heytalk_audit.follow_up.standings import refuse_unknown_reasons
from heytalk_audit.params import Params
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.text import drift, load_text
from heytalk_audit.registers import accepted, findings
from heytalk_audit.rules import RULES
from heytalk_audit.running.queries import show_queries
from heytalk_audit.snapshot.budget import budget_of
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.open import open_snapshot


def show_plan(path: Path, overrides: list[str], console: Console, queries: bool = False) -> None:
    """Print what an audit with these parameters would evaluate; with `queries` also what it would ask of the engine."""
    parameters, base = params.read_params(path, overrides), path.resolve().parent
    policy = load_policy(parameters.policy.name, base)
    settings = settings_of(policy, parameters.settings)
    chosen = [rule for chapter in parameters.chapters for rule in rules_of(chapter, parameters.rules)]
    compared = drift(load_text(base / parameters.policy.text), policy.clauses.values()) if parameters.policy.text else None
    with working_folder() as work, contextlib.closing(Duck(_all(parameters, base, work))) as duck:
        snapshot = open_snapshot(base / parameters.snapshot, duck, work)
        snapshot = with_compared_ids(snapshot, params.purge_key(parameters.delivery.purge_key_env))
        audit = Audit(snapshot, policy, settings, compared)
        head = f"{printable(parameters.audit.title)}: {len(chosen)} rules, as of {audit.clock.as_of}Z, days in {audit.clock.zone}"
        console.print(head, markup=False)
        _registers(parameters, base, audit, console)
        _tables(audit, console)
        _lacks({rule: lacking(RULES[rule], audit) for rule in chosen}, console)
        if queries:
            show_queries(chosen, audit, console)


def _all(parameters: Params, base: Path, work: Path) -> dict[str, Any]:
    """All that the audit may use: the plan has one connection."""
    options = parameters.engine.duckdb(base)
    return budget_of(options, Path(options.get("temp_directory") or work)).share(1)


def _registers(parameters: Params, base: Path, audit: Audit, console: Console) -> None:
    """What people state that the audit would read, checked."""
    if parameters.accepted:
        entries = accepted.read_accepted(base / parameters.accepted, RULES)
        refuse_unknown_segments(base / parameters.accepted, entries, audit, RULES)
        console.print(f"the register of accepted exceptions has {len(entries)} entries")
    if parameters.findings:
        registered = findings.read_findings(base / parameters.findings, RULES)
        refuse_unknown_reasons(base / parameters.findings, registered, audit)
        console.print(f"the register of findings has {len(registered)} entries")
    if parameters.previous:
        run = earlier.previous_run(base / parameters.previous)
        console.print(f"follows up {printable(run.audit.id)}, as of {run.audit.as_of}", markup=False)


def _tables(audit: Audit, console: Console) -> None:
    table = Table("Table", "Rows", "Gate", box=None, pad_edge=False)
    for name, profiled in audit.snapshot.profile.items():
        table.add_row(name, f"{profiled['rows']:,}", Text(printable(audit.blocked.get(name, "holds"))))
    console.print(table)


def _lacks(lacks: dict[str, str], console: Console) -> None:
    missing = {rule: why for rule, why in lacks.items() if why}
    console.print(f"{len(lacks) - len(missing)} rules can be evaluated, {len(missing)} can not")
    for rule, why in missing.items():
        console.print(f"  {rule} NOT_EVALUATED: {printable(why)}", markup=False, soft_wrap=True)
