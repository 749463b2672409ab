"""What changed between two runs, row by row and why, for the console and as JSON.

Rows are told apart by their pseudonyms, so that two runs with different keys are compared by their counts alone.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from heytalk_audit.errors import printable
from heytalk_audit.evidence.statement import material_changes
from heytalk_audit.follow_up.causes import candidates
from heytalk_audit.follow_up.compare import (
    STATES,
    Compared,
    RowChange,
    compare_rule,
    compare_verdicts,
    ledger_of,
    same_key,
    sides_of,
    verdicts_of,
)
from heytalk_audit.follow_up.counterfactual import laboratory
from heytalk_audit.follow_up.earlier import Run, verified_run
from heytalk_audit.params import engagement_key
from heytalk_audit.policy.chapters import CHAPTERS

COLUMNS = ("Rule", "Verdict", "Rows", "State", "From", "To", "Cause")


@dataclass(frozen=True)
class Difference:
    """Two runs compared; `recorded` says that the later one followed up the earlier, and that what it recorded is what is shown."""

    old: Run
    new: Run
    rules: tuple[Compared, ...]
    recorded: bool = False

    @property
    def same_key(self) -> bool:
        """Whether rows can be told apart."""
        return same_key(self.old, self.new)

    @cached_property
    def changed(self) -> bool:
        """Whether anything is not as it was: a row, a verdict or a count."""
        moved = any(c.verdicts[0] != c.verdicts[1] or any(r.state != "persisting" for r in c.rows) for c in self.rules)
        return moved or any(ledger_of(self.old, c.rule) != ledger_of(self.new, c.rule) for c in self.rules)

    @cached_property
    def totals(self) -> dict[str, dict[str, int]]:
        """Rows by state and cause, of the states that there are; "none" stands for no cause."""
        by_state: dict[str, Counter[str]] = {state: Counter() for state in STATES}
        for compared in self.rules:
            for count in compared.counts:
                by_state[count.state][count.cause or "none"] += count.rows
        return {state: dict(sorted(by_cause.items())) for state, by_cause in by_state.items() if by_cause}


def diff(old: Path, new: Path, old_snapshot: Path | None = None, new_snapshot: Path | None = None) -> Difference:
    """Compare two runs, or bags of them. Raises InputError."""
    first, second = verified_run(old, f"diff {old.name}"), verified_run(new, f"diff {new.name}")
    rules = list(dict.fromkeys([*first.rules, *second.rules]))
    if not same_key(first, second):
        return Difference(first, second, tuple(compare_verdicts(rule, first, second) for rule in rules))
    snapshots = (old_snapshot, new_snapshot)
    if second.materials.get("previous/evidence.json") == first.evidence and not any(snapshots):
        return Difference(first, second, tuple(_recorded(rule, first, second) for rule in rules), recorded=True)
    with ExitStack() as stack:
        lab = laboratory(stack, first, second, snapshots, lambda: _key_of(second))
        compared = tuple(compare_rule(rule, first, second, sides_of(rule, first, second), lab) for rule in rules)
    return Difference(first, second, compared)


def _key_of(run: Run) -> bytes:
    """The engagement key, from the environment variable that the run's parameters name."""
    report = run.parameters.get("report") or {}
    return engagement_key(report.get("key_env", "HEYTALK_AUDIT_KEY"))


def _recorded(rule: str, old: Run, new: Run) -> Compared:
    """A rule as the later run itself has recorded it: it followed up the earlier one."""
    rows = tuple(
        RowChange(carried.row, carried.state, carried.before, carried.now, carried.cause)
        for carried in new.carried.get(rule, [])
        if carried.state in STATES
    )
    why = candidates(rule, old, new) if old.tests(rule) and new.tests(rule) else ()
    return Compared(rule, verdicts_of(rule, old, new), why, rows)


# as JSON ---------------------------------------------------------------------------------------------


def document(difference: Difference) -> dict[str, Any]:
    """The difference as plain data."""
    old, new = difference.old, difference.new
    return {
        "old": _audit_and_evidence(old),
        "new": _audit_and_evidence(new),
        "keys": "same" if difference.same_key else "different: counts only",
        "causes": "as the later run recorded them" if difference.recorded else "computed from the two runs",
        "depends_on": [f"{c.name}: {c.what}" for c in material_changes(old.statement, new.statement)],
        "changed": difference.changed,
        "totals": difference.totals,
        "rules": [_rule(difference, compared) for compared in difference.rules],
    }


def _audit_and_evidence(run: Run) -> dict[str, Any]:
    audit = run.audit
    return {"id": audit.id, "as_of": audit.as_of, "key_fingerprint": audit.key_fingerprint, "evidence_sha256": run.evidence}


def _rule(difference: Difference, compared: Compared) -> dict[str, Any]:
    rows = [{"record": c.row[0], "state": c.state, "before": c.before, "now": c.now, "cause": c.cause} for c in compared.rows]
    before, now = _ledgers(difference, compared)
    return {
        "id": compared.rule,
        "verdict": {"before": compared.verdicts[0], "now": compared.verdicts[1]},
        "ledger": {"before": before, "now": now},
        "candidates": list(compared.candidates),
        "counts": [count.plain() for count in compared.counts],
        "rows": [row for row in rows if row["state"] != "persisting"],
    }


def _ledgers(difference: Difference, compared: Compared) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the two runs counted, as plain data; null where a run did not test the rule."""
    before, now = ledger_of(difference.old, compared.rule), ledger_of(difference.new, compared.rule)
    return before.plain() if before else None, now.plain() if now else None


# on the console --------------------------------------------------------------------------------------


def print_difference(difference: Difference, console: Console) -> None:
    """A table per area, the totals, and what the two runs depended on that differs."""
    old, new = difference.old, difference.new
    console.print(f"{old.audit.id} ({old.audit.as_of}) to {new.audit.id} ({new.audit.as_of})", markup=False)
    if not difference.same_key:
        console.print("The two runs used different keys: rows cannot be told apart, only counts are compared.")
    for chapter in CHAPTERS.values():
        rules = [c for c in difference.rules if c.rule.split("-")[0] in chapter.families]
        lines = [line for c in rules for line in (_lines(c) if difference.same_key else _lines_of_counts(difference, c))]
        if lines:
            console.print(_table(chapter.title, lines))
    for state, by_cause in difference.totals.items():
        console.print(
            f"{state}: " + ", ".join(f"{cause} {n:,}" if cause != "none" else f"{n:,}" for cause, n in by_cause.items()), markup=False
        )
    for change in material_changes(old.statement, new.statement):
        console.print(f"since {change.name}: {change.what}", markup=False, soft_wrap=True)
    console.print("something changed" if difference.changed else "nothing changed")


def _table(title: str, lines: list[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name == "Rows" else "left", no_wrap=name != "Verdict")
    for line in lines:
        table.add_row(*[printable(value) for value in line])
    return table


def _verdict(compared: Compared) -> str:
    was, now = (verdict or "left out" for verdict in compared.verdicts)
    return was if was == now else f"{was} -> {now}"


def _lines(compared: Compared) -> list[tuple[str, ...]]:
    """A line per count of rows that did not stay as they were; one for a verdict that changed without any."""
    rule, verdict = compared.rule, _verdict(compared)
    moved = [count for count in compared.counts if count.state != "persisting"]
    if not moved:
        return _line_of_verdict(compared, "0")
    return [(rule, verdict, f"{c.rows:,}", c.state, c.before or "-", c.now or "-", c.cause or "-") for c in moved]


def _lines_of_counts(difference: Difference, compared: Compared) -> list[tuple[str, ...]]:
    """A line per number of the ledger that is another; one for a verdict that changed without any."""
    before, now = (ledger or {} for ledger in _ledgers(difference, compared))
    names = sorted(name for name in before or now if before.get(name) != now.get(name))
    rule, verdict = compared.rule, _verdict(compared)
    lines: list[tuple[str, ...]] = [
        (rule, verdict, "", name, f"{before.get(name, '-')}", f"{now.get(name, '-')}", "not told") for name in names
    ]
    return lines or _line_of_verdict(compared, "")


def _line_of_verdict(compared: Compared, rows: str) -> list[tuple[str, ...]]:
    if compared.verdicts[0] == compared.verdicts[1]:
        return []
    return [(compared.rule, _verdict(compared), rows, "", "", "", "")]
