"""What changed between two runs, row by row and why, for the console and as JSON.

Rows are told apart by their pseudonyms, so that two runs with different keys are compared by their counts alone.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from heytalk_audit.errors import printable
from heytalk_audit.evidence.statement import changes
from heytalk_audit.follow_up.causes import candidates
from heytalk_audit.follow_up.compare import STATES, Change, Compared, compare_rule, ledger, same_key, sides_of
from heytalk_audit.follow_up.counterfactual import laboratory
from heytalk_audit.follow_up.earlier import Run, load
from heytalk_audit.params import engagement_key
from heytalk_audit.policy.chapters import CHAPTERS


@dataclass(frozen=True)
class Difference:
    """Two runs compared."""

    old: Run
    new: Run
    rules: tuple[Compared, ...]
    recorded: bool = False

    @property
    def same_key(self) -> bool:
        """Whether rows can be told apart."""
        return same_key(self.old, self.new)

    @property
    def changed(self) -> bool:
        """Whether anything is not as it was: a row, a verdict or a count."""
        moved = any(c.verdicts[0] != c.verdicts[1] or any(r.state != "persisting" for r in c.rows) for c in self.rules)
        return moved or any(ledger(self.old, c.rule) != ledger(self.new, c.rule) for c in self.rules)


def diff(old: Path, new: Path, old_snapshot: Path | None = None, new_snapshot: Path | None = None) -> Difference:
    """Compare two runs, or bags of them. Raises InputError."""
    first, second = load(old, f"diff {old.name}"), load(new, f"diff {new.name}")
    rules = list(dict.fromkeys([*first.rules, *second.rules]))
    with ExitStack() as stack:
        if not same_key(first, second):
            pairs = [tuple(run.rules[r]["verdict"] if r in run.rules else None for run in (first, second)) for r in rules]
            return Difference(first, second, tuple(Compared(r, v, ()) for r, v in zip(rules, pairs, strict=True)))
        recorded = second.materials.get("previous/evidence.json") == first.evidence and not (old_snapshot or new_snapshot)
        variable = "HEYTALK_AUDIT_KEY"
        asked = second.said["predicate"]["buildDefinition"]["externalParameters"].get("report") or {}
        lab = laboratory(
            stack, first, second, {"old": old_snapshot, "new": new_snapshot}, lambda: engagement_key(asked.get("key_env", variable))
        )
        found = [
            _recorded(r, first, second) if recorded else compare_rule(r, first, second, sides_of(r, first, second), lab) for r in rules
        ]
    return Difference(first, second, tuple(found), recorded)


def _recorded(rule: str, old: Run, new: Run) -> Compared:
    """A rule as the later run itself has recorded it: it followed up the earlier one."""
    verdicts = (old.verdict(rule), new.verdict(rule))
    rows = [r for r in new.carried.get(rule, []) if r["state"] in STATES]
    found = [Change((r["record"], r["number"]), r["state"], r["before"], r["now"], r["cause"]) for r in rows]
    why = candidates(rule, old, new) if old.tests(rule) and new.tests(rule) else ()
    return Compared(rule, verdicts, why, tuple(found))


# saying it -------------------------------------------------------------------------------------------


def document(found: Difference) -> dict[str, Any]:
    """The difference as plain data."""
    return {
        "old": _named(found.old),
        "new": _named(found.new),
        "keys": "same" if found.same_key else "different: counts only",
        "causes": "as the later run recorded them" if found.recorded else "computed from the two runs",
        "depends_on": [f"{c.name}: {c.what}" for c in changes(found.old.said, found.new.said)],
        "changed": found.changed,
        "totals": totals(found.rules),
        "rules": [_rule(found, c) for c in found.rules],
    }


def _named(run: Run) -> dict[str, Any]:
    return {k: run.audit[k] for k in ("id", "as_of", "key_fingerprint")} | {"evidence_sha256": run.evidence}


def _rule(found: Difference, compared: Compared) -> dict[str, Any]:
    rows = [{"record": c.row[0], "state": c.state, "before": c.before, "now": c.now, "cause": c.cause} for c in compared.rows]
    return {
        "id": compared.rule,
        "verdict": {"before": compared.verdicts[0], "now": compared.verdicts[1]},
        "ledger": {"before": ledger(found.old, compared.rule), "now": ledger(found.new, compared.rule)},
        "candidates": list(compared.candidates),
        "counts": compared.counts,
        "rows": [r for r in rows if r["state"] != "persisting"],
    }


def totals(rules: tuple[Compared, ...]) -> dict[str, dict[str, int]]:
    """Rows by state and cause."""
    found: dict[str, Counter[str]] = {state: Counter() for state in STATES}
    for compared in rules:
        for line in compared.counts:
            found[line["state"]][line["cause"] or "none"] += line["rows"]
    return {state: dict(sorted(counted.items())) for state, counted in found.items() if counted}


def show(found: Difference, console: Console) -> None:
    """A table per area, the totals, and what the two runs depended on that differs."""
    console.print(
        f"{found.old.audit['id']} ({found.old.audit['as_of']}) to {found.new.audit['id']} ({found.new.audit['as_of']})", markup=False
    )
    if not found.same_key:
        console.print("The two runs used different keys: rows cannot be told apart, only counts are compared.")
    for chapter in CHAPTERS.values():
        rules = [c for c in found.rules if c.rule.split("-")[0] in chapter.families]
        lines = [line for c in rules for line in (_lines(c) if found.same_key else _counted(found, c))]
        if lines:
            table = Table(title=chapter.title, title_justify="left", box=None, pad_edge=False)
            for name in ("Rule", "Verdict", "Rows", "State", "From", "To", "Cause"):
                table.add_column(name, justify="right" if name == "Rows" else "left", no_wrap=name != "Verdict")
            for line in lines:
                table.add_row(*[printable(v) for v in line])
            console.print(table)
    for state, counted in totals(found.rules).items():
        said = ", ".join(f"{cause} {n:,}" if cause != "none" else f"{n:,}" for cause, n in counted.items())
        console.print(f"{state}: {said}", markup=False)
    for change in changes(found.old.said, found.new.said):
        console.print(f"since {change.name}: {change.what}", markup=False, soft_wrap=True)
    console.print("something changed" if found.changed else "nothing changed")


def _verdict(compared: Compared) -> str:
    was, now = (v or "left out" for v in compared.verdicts)
    return was if was == now else f"{was} -> {now}"


def _lines(compared: Compared) -> list[tuple[str, ...]]:
    said = [line for line in compared.counts if line["state"] != "persisting"]
    if not said and compared.verdicts[0] != compared.verdicts[1]:
        return [(compared.rule, _verdict(compared), "0", "", "", "", "")]
    verdict = _verdict(compared)
    return [(compared.rule, verdict, f"{c['rows']:,}", c["state"], c["before"] or "-", c["now"] or "-", c["cause"] or "-") for c in said]


def _counted(found: Difference, compared: Compared) -> list[tuple[str, ...]]:
    before, now = ledger(found.old, compared.rule) or {}, ledger(found.new, compared.rule) or {}
    names = [n for n in (before or now) if before.get(n) != now.get(n)]
    lines = [(compared.rule, _verdict(compared), "", n, f"{before.get(n, '-')}", f"{now.get(n, '-')}", "not told") for n in names]
    return lines or ([(compared.rule, _verdict(compared), "", "", "", "", "")] if compared.verdicts[0] != compared.verdicts[1] else [])
