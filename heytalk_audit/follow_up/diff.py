"""What changed between two runs, row by row and why, for the console and as JSON.

Rows are told apart by their pseudonyms, so that two runs with different keys are compared by their counts alone. So are two of which one
is of an earlier format, which tells keys apart in another way, unless their key is at hand.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from heytalk_audit.canonical import Streamed
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import printable
from heytalk_audit.evidence.opened import opened_pack
from heytalk_audit.evidence.row_files import opened_reader
from heytalk_audit.evidence.statement import material_changes
from heytalk_audit.follow_up.changes import STATES, Changes, recorded_changes
from heytalk_audit.follow_up.compare import (
    Compared,
    Comparison,
    candidates_of,
    compare_runs,
    compare_verdicts,
    counted,
    ledger_in,
    same_key,
    verdicts_of,
)
from heytalk_audit.follow_up.counterfactual import laboratory
from heytalk_audit.follow_up.earlier import RuleRows, Run, verified_run
from heytalk_audit.params import KEY_ENV, engagement_key
from heytalk_audit.policy.chapters import CHAPTERS

COLUMNS = ("Rule", "Verdict", "Rows", "State", "From", "To", "Cause")


@dataclass(frozen=True)
class Difference:
    """Two runs compared; `recorded` says that the later one followed up the earlier, and that what it recorded is what is shown.

    `have_one_key` is null where that can't be known, see `same_key`.
    """

    old: Run
    new: Run
    comparison: Comparison
    recorded: bool
    have_one_key: bool | None
    key_env: str = KEY_ENV

    @property
    def rules(self) -> tuple[Compared, ...]:
        """The rules of both runs."""
        return self.comparison.rules

    @property
    def changes(self) -> Changes:
        """Their rows."""
        return self.comparison.changes

    @property
    def same_key(self) -> bool:
        """Whether rows can be told apart."""
        return self.have_one_key is True

    @property
    def keys(self) -> str:
        """What is known of their keys."""
        return {True: "same", False: "different: counts only", None: "not known without the key: counts only"}[self.have_one_key]

    @cached_property
    def changed(self) -> bool:
        """Whether anything is not as it was: a row, a verdict or a count."""
        moved = any(c.verdicts[0] != c.verdicts[1] or any(n.state != "persisting" for n in c.counts) for c in self.rules)
        return moved or any(_counts(self.old, c.rule) != _counts(self.new, c.rule) for c in self.rules)

    @cached_property
    def totals(self) -> dict[str, dict[str, int]]:
        """Rows by state and cause, of the states that there are; "none" stands for no cause."""
        by_state: dict[str, Counter[str]] = {state: Counter() for state in STATES}
        for compared in self.rules:
            for count in compared.counts:
                by_state[count.state][count.cause or "none"] += count.rows
        return {state: dict(sorted(by_cause.items())) for state, by_cause in by_state.items() if by_cause}


@contextmanager
def diff(
    old: Path, new: Path, old_snapshot: Path | None = None, new_snapshot: Path | None = None, key_env: str = KEY_ENV
) -> Iterator[Difference]:
    """Compare two runs, or bags or zips of them. The rows that changed can be read as long as the context lasts. Raises InputError.

    `key_env` names the environment variable of the engagement key, which is needed where a snapshot is named.
    """
    with ExitStack() as stack:
        first, second = (verified_run(stack.enter_context(opened_pack(pack)), f"diff {pack.name}", pack) for pack in (old, new))
        snapshots = (old_snapshot, new_snapshot)
        have_one_key = same_key(first, second, None)
        if have_one_key is None:
            have_one_key = same_key(first, second, _key_at_hand(key_env))
        if not have_one_key:
            yield Difference(
                first,
                second,
                compare_verdicts(_rules(first, second), first, second, stack.enter_context(opened_reader())),
                False,
                have_one_key,
                key_env,
            )
            return
        recorded = second.materials.get("previous/evidence.json") == first.evidence and not any(snapshots)
        yield Difference(first, second, _comparison(stack, first, second, snapshots, recorded, key_env), recorded, have_one_key, key_env)


def _rules(old: Run, new: Run) -> list[str]:
    return list(dict.fromkeys([*old.rules, *new.rules]))


def _comparison(
    stack: ExitStack, old: Run, new: Run, snapshots: tuple[Path | None, Path | None], recorded: bool, key_env: str
) -> Comparison:
    """The rules of both runs, which have one key; `recorded`: as the later run itself has recorded them."""
    rules, folder = _rules(old, new), stack.enter_context(working_folder())
    reader = stack.enter_context(opened_reader(old.folder, new.folder, folder))
    if recorded:
        compared = [Compared(rule, verdicts_of(rule, old, new), candidates_of(rule, old, new)) for rule in rules]
        return counted(compared, recorded_changes(reader, new.carried))
    lab = laboratory(folder, old, new, snapshots, lambda: engagement_key(key_env))
    now = (new.rows_of(rule) if new.finds(rule) else RuleRows(rule, None) for rule in rules)
    return compare_runs(old, new, now, lab, reader, folder)


def _key_at_hand(variable: str) -> bytes | None:
    """The engagement key, if that environment variable has it."""
    return engagement_key(variable) if os.environb.get(variable.encode()) else None


# as JSON ---------------------------------------------------------------------------------------------


def document(difference: Difference) -> dict[str, Any]:
    """The difference as plain data; rows are read as they are written."""
    old, new = difference.old, difference.new
    return {
        "old": _audit_and_evidence(old),
        "new": _audit_and_evidence(new),
        "keys": difference.keys,
        "causes": "as the later run recorded them" if difference.recorded else "computed from the two runs",
        "depends_on": [f"{c.name}: {c.what}" for c in material_changes(old.statement, new.statement)],
        "changed": difference.changed,
        "totals": difference.totals,
        "rules": [_rule(difference, compared) for compared in difference.rules],
    }


def _audit_and_evidence(run: Run) -> dict[str, Any]:
    audit = run.audit
    return {"id": audit.id, "as_of": audit.as_of, "key_check": audit.key_check, "evidence_sha256": run.evidence}


def _rule(difference: Difference, compared: Compared) -> dict[str, Any]:
    moved = any(count.state != "persisting" for count in compared.counts)
    before, now = _ledgers(difference, compared)
    return {
        "id": compared.rule,
        "verdict": {"before": compared.verdicts[0], "now": compared.verdicts[1]},
        "ledger": {"before": before, "now": now},
        "candidates": list(compared.candidates),
        "counts": [count.plain() for count in compared.counts],
        "rows": Streamed(partial(difference.changes.moved, compared.rule)) if moved else [],
    }


def _ledgers(difference: Difference, compared: Compared) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the two runs counted, as plain data; null where a run did not test the rule."""
    before, now = (_counts(run, compared.rule) for run in (difference.old, difference.new))
    return before, now


def _counts(run: Run, rule: str) -> dict[str, Any] | None:
    """What a run counted of a rule, and beside the ledger what was decided of its rows for review."""
    ledger, decided = ledger_in(run, rule), run.rules[rule].decided if rule in run.rules else None
    if ledger is None:
        return None
    return ledger.plain() | ({f"decided_{name}": n for name, n in decided.plain().items() if name != "open"} if decided else {})


# on the console --------------------------------------------------------------------------------------


def print_difference(difference: Difference, console: Console) -> None:
    """A table per area, the totals, and what the two runs depended on that differs."""
    old, new = difference.old, difference.new
    console.print(printable(f"{old.audit.id} ({old.audit.as_of}) to {new.audit.id} ({new.audit.as_of})"), markup=False)
    if difference.have_one_key is None:
        console.print(f"Whether the two runs used one key is not known without it (export {difference.key_env}): only counts are compared.")
    elif not difference.same_key:
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
        console.print(printable(f"since {change.name}: {change.what}"), markup=False, soft_wrap=True)
    console.print("something changed" if difference.changed else "nothing changed")


def _table(title: str, lines: list[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name == "Rows" else "left", no_wrap=name != "Verdict")
    for line in lines:
        table.add_row(*[Text(printable(value)) for value in line])
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
