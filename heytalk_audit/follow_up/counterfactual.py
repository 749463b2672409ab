"""What a rule would have found had only some things changed between two runs: the steps of the waterfall, evaluated.

With the old snapshot: today's rule on it with the old numbers, then with today's policy, then with today's parameters; what remains is
the data. Without it, but with today's: the old numbers on today's snapshot, then today's policy; what lies before is the rule or the data.
A step that cannot be evaluated is left out, and its cause is told together with the next: never guessed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.audit.pseudonym import fingerprint, pseudonym
from heytalk_audit.canonical import code_digest, digest
from heytalk_audit.errors import InputError
from heytalk_audit.follow_up.causes import DATA, PARAMETERS, POLICY, RULE
from heytalk_audit.follow_up.code import reads_declared
from heytalk_audit.follow_up.earlier import Row, Run, numbered
from heytalk_audit.policy import Number, Policy, load
from heytalk_audit.policy import declared as declarations
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import delivery
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import Snapshot, open_snapshot
from heytalk_audit.vocabulary import Outcome

#: A step of the waterfall: the causes that lie between the one before and this one, and the open rows that it has.
Step = tuple[tuple[str, ...], dict[Row, str]]
#: Tables of the audit's own that only the run itself could make.
_NOT_AGAIN = "policy_clauses"


@dataclass(frozen=True)
class Lab:
    """What counterfactuals are evaluated with: snapshots where they are at hand, today's policy, the settings given, the key."""

    old: Run
    policy: Policy
    given: dict[str, Any]
    key: bytes
    old_snapshot: Snapshot | None = None
    new_snapshot: Snapshot | None = None

    @cached_property
    def old_policy(self) -> Policy | None:
        """Today's policy with the old run's periods; null where the old run does not say them."""
        recorded = self.old.audit["policy"].get("periods")
        if recorded is None:
            return None
        periods = {name: Number(name, n["value"], n["unit"], n["clause"], n["origin"]) for name, n in recorded.items()}
        return replace(self.policy, periods=self.policy.periods | periods, declared=self._old_declared or self.policy.declared)

    @cached_property
    def _old_declared(self) -> Any:
        kept = self.old.folder / "inputs" / "policy" / "declared.yaml"
        if kept.is_file() and digest(kept.read_bytes()) == self.old.materials.get("policy/declared.yaml"):
            return declarations.build(yaml.safe_load(kept.read_text("utf-8")))
        return None

    def knows_old_policy(self, rule: str) -> bool:
        """Whether all of the old policy that a rule reads is known."""
        if self.old_policy is None:
            return False
        now = {p.name: digest(p.read_bytes()) for p in self.policy.files}.get("declared.yaml")
        same = now == self.old.materials.get("policy/declared.yaml")
        return same or self._old_declared is not None or not reads_declared(rule)

    @cached_property
    def _settings(self) -> dict[str, dict[str, Any]]:
        found = {PARAMETERS: settings_of(self.policy, self.given)}
        for name, given in ((RULE, self.old.audit["settings"]), (POLICY, self.old.given)):
            try:
                found[name] = settings_of(self.policy, {k: v for k, v in given.items() if k in self.policy.settings})
            except InputError:  # an old setting that this version refuses
                continue
        return found

    def rows(self, rule: str, after: str, snapshot: Snapshot) -> dict[Row, str] | None:
        """The open rows of today's rule on a snapshot, with everything up to `after` as it is today; null where that can't be told."""
        policy = self.old_policy if after == RULE else self.policy
        if (after == RULE and not self.knows_old_policy(rule)) or after not in self._settings or _NOT_AGAIN in RULES[rule].tables:
            return None
        found = evaluate(RULES[rule], Audit(snapshot, policy, self._settings[after]))
        if not found.verdict.is_tested:
            return None
        records = [pseudonym(self.key, record) for record in found.rows.record]
        return {row: outcome for row, outcome in numbered(records, found.rows.outcome) if Outcome(outcome).is_open}

    def steps(self, rule: str, candidates: tuple[str, ...], before: dict[Row, str], now: dict[Row, str]) -> list[Step]:
        """The waterfall from the old rows to today's."""
        if len(candidates) < 2 or rule not in RULES:
            return _merge([(None, before), *[((c,), None) for c in candidates[:-1]], (candidates[-1:], now)])
        if self.old_snapshot is not None:
            return self._upon_old(rule, candidates, before, now)
        if self.new_snapshot is not None and {POLICY, PARAMETERS} & set(candidates):
            return self._upon_new(rule, candidates, before, now)
        return _merge([(None, before), *[((c,), None) for c in candidates[:-1]], (candidates[-1:], now)])

    def _upon_old(self, rule: str, candidates: tuple[str, ...], before: dict[Row, str], now: dict[Row, str]) -> list[Step]:
        found: list[tuple[tuple[str, ...] | None, dict[Row, str] | None]] = [(None, before)]
        for cause in candidates[:-1]:
            found.append(((cause,), self.rows(rule, cause, self.old_snapshot)))
        return _merge([*found, (candidates[-1:], now)])

    def _upon_new(self, rule: str, candidates: tuple[str, ...], before: dict[Row, str], now: dict[Row, str]) -> list[Step]:
        first = tuple(c for c in candidates if c in (RULE, DATA))
        found: list[tuple[tuple[str, ...] | None, dict[Row, str] | None]] = [(None, before)]
        if first:
            found.append((first, self.rows(rule, RULE, self.new_snapshot)))
        if {POLICY, PARAMETERS} <= set(candidates):
            found.append(((POLICY,), self.rows(rule, POLICY, self.new_snapshot)))
        last = (PARAMETERS,) if PARAMETERS in candidates else (POLICY,)
        return _merge([*found, (last, now)])


def _merge(steps: list[tuple[tuple[str, ...] | None, dict[Row, str] | None]]) -> list[Step]:
    """Steps without those that could not be evaluated: their causes go into the next."""
    merged: list[Step] = []
    waiting: tuple[str, ...] = ()
    for causes, rows in steps:
        waiting += causes or ()
        if rows is not None:
            merged.append((waiting, rows))
            waiting = ()
    return merged


def cause_of(steps: list[Step], row: Row) -> str:
    """The last step that brought a row to where it is; several causes that could not be told apart are named together."""
    for (_, earlier), (causes, later) in zip(reversed(steps[:-1]), reversed(steps[1:]), strict=True):
        if earlier.get(row) != later.get(row):
            return " or ".join(causes) or "not known"
    return "not known"


def open_old(folder: Path, old: Run, work: Path) -> Snapshot:
    """The snapshot of an old run, if it is that one. Raises InputError."""
    where = f"previous snapshot {folder.name}"
    work.mkdir(exist_ok=True)
    found = open_snapshot(folder, connect("duckdb"), work)
    tables = {f"snapshot/{name}": taken["hash"].removeprefix("sha256:") for name, taken in found.profile.items()}
    described = digest((folder / delivery.DESCRIPTOR).read_bytes())
    said = {name: value for name, value in old.materials.items() if name.startswith("snapshot/")}
    if said != tables | {"snapshot/datapackage.json": described}:
        raise InputError(where, "is not the one that the earlier run was made from", "name its own snapshot, or leave it out")
    return found


def laboratory(stack: ExitStack, old: Run, new: Run, snapshots: dict[str, Path | None], key: Callable[[], bytes]) -> Lab | None:
    """A lab for two recorded runs, where a snapshot is at hand. Raises InputError where it, the key or the code is another."""
    if not any(snapshots.values()):
        return None
    if new.audit["tool"]["code_sha256"] != code_digest():
        raise InputError("diff", "the later run was made by another version of this tool", "leave the snapshots out, or use that version")
    value = key()
    if fingerprint(value) != new.audit["key_fingerprint"]:
        raise InputError("engagement key", "is not that of the runs", "export the engagement key of these runs")
    kept = new.folder / "inputs" / "policy" / "policy.yaml"
    policy = load(str(kept)) if kept.is_file() else load(new.audit["policy"]["name"])
    opened = {}
    for name, run in (("old", old), ("new", new)):
        if snapshots[name]:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heytalk-audit-")))
            opened[f"{name}_snapshot"] = open_old(snapshots[name], run, work)
    return Lab(old, policy, new.given, value, **opened)
