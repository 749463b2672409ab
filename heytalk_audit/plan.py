"""Before an audit: does the snapshot keep the contract, and what will not be evaluated? Reads no personal value but to count it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from heytalk_audit import accepted, delivery, findings, notebook, params, previous
from heytalk_audit.audit import Audit, lacking
from heytalk_audit.engine import connect
from heytalk_audit.errors import printable
from heytalk_audit.policy import load
from heytalk_audit.policy.text import drift
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import open_snapshot


def check_folder(folder: Path, console: Console) -> int:
    """Validate a snapshot: 0 when it keeps the contract and its descriptor, 1 when it does not."""
    delivery.read(folder)
    with tempfile.TemporaryDirectory(prefix="heytalk-audit-") as work:
        policy = load()
        audit = Audit(open_snapshot(folder, connect(), Path(work)), policy, params.settings_of(policy, {}))
        _tables(audit, console)
        lacks = {rule.id: lacking(rule, audit) for rule in RULES.values()}
        _lacks(lacks, console)
        return 1 if audit.blocked else 0


def show_plan(path: Path, overrides: list[str], console: Console) -> None:
    """Print what an audit with these parameters would evaluate."""
    given = params.read(path, overrides)
    base = path.resolve().parent
    policy = load(given.policy.name, base)
    settings = params.settings_of(policy, given.settings)
    chosen = [r for chapter in given.chapters for r in notebook.rules_of(chapter, given.rules)]
    text = drift(notebook.read_text(base / given.policy.text), policy.clauses.values()) if given.policy.text else None
    entries = accepted.read(base / given.accepted) if given.accepted else []
    answered = findings.read(base / given.findings) if given.findings else []
    earlier = previous.previous(base / given.previous) if given.previous else None
    with tempfile.TemporaryDirectory(prefix="heytalk-audit-") as work:
        audit = Audit(open_snapshot(base / given.snapshot, connect(), Path(work)), policy, settings, text)
        console.print(f"{printable(given.audit.title)}: {len(chosen)} rules, as of {audit.clock.as_of}Z, days in {audit.clock.zone}")
        if entries:
            accepted.refuse_unknown_segments(base / given.accepted, entries, audit)
            console.print(f"the register of accepted exceptions has {len(entries)} entries")
        if answered:
            findings.refuse_unknown_reasons(base / given.findings, answered, audit)
            console.print(f"the register of findings has {len(answered)} entries")
        if earlier:
            console.print(f"follows up {printable(earlier.audit['id'])}, as of {earlier.audit['as_of']}", markup=False)
        _tables(audit, console)
        _lacks({r: lacking(RULES[r], audit) for r in chosen}, console)


def _tables(audit: Audit, console: Console) -> None:
    table = Table("Table", "Rows", "Gate", box=None, pad_edge=False)
    for name, found in audit.snapshot.profile.items():
        table.add_row(name, f"{found['rows']:,}", printable(audit.blocked.get(name, "holds")))
    console.print(table)


def _lacks(lacks: dict[str, str], console: Console) -> None:
    missing = {rule: why for rule, why in lacks.items() if why}
    console.print(f"{len(lacks) - len(missing)} rules can be evaluated, {len(missing)} can not")
    for rule, why in missing.items():
        console.print(f"  {rule} NOT_EVALUATED: {printable(why)}", markup=False, soft_wrap=True)
