"""What a rule would have found had only some things changed between two runs: the steps of the waterfall, evaluated.

With the old snapshot: today's rule on it with the old numbers, then with today's policy, then with today's parameters; what remains is
the data. Without it, but with today's: the old numbers on today's snapshot, then today's policy; what lies before is the rule or the data.
A step that cannot be evaluated is left out, and its cause is named together with the next: never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import Evaluation, evaluate
from heytalk_audit.audit.exceptions import write_exceptions
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.canonical import code_digest, digest, file_sha256, read_yaml
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import INPUTS
from heytalk_audit.follow_up.causes import DATA, PARAMETERS, POLICY, RULE
from heytalk_audit.follow_up.changes import Step
from heytalk_audit.follow_up.code import reads_declared
from heytalk_audit.follow_up.earlier import Run
from heytalk_audit.policy import Number, Policy, load_policy
from heytalk_audit.policy import declared as declarations
from heytalk_audit.policy.declared import Declared
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import delivery
from heytalk_audit.snapshot.engines import Engine, connect
from heytalk_audit.snapshot.open import Snapshot, open_snapshot

#: A step of the waterfall before it is evaluated, or where it cannot be: its file is null.
Tried = tuple[tuple[str, ...], Path | None]
#: Tables of the audit's own that only the run itself could make.
_NOT_AGAIN = "policy_clauses"


@dataclass(frozen=True)
class Lab:
    """What counterfactuals are evaluated with: snapshots where they are at hand, today's policy and settings, the key.

    `settings` are those that today's parameters state; exceptions files of steps are written to the folder `work`.
    """

    old: Run
    policy: Policy
    settings: dict[str, Any]
    key: bytes
    work: Path
    old_snapshot: Snapshot | None = None
    new_snapshot: Snapshot | None = None

    @cached_property
    def old_policy(self) -> Policy:
        """Today's policy with the old run's periods, and with its declared names where these are kept."""
        recorded = self.old.audit.policy.periods
        periods = {name: Number(name, n.value, n.unit, n.clause, n.origin) for name, n in recorded.items()}
        return replace(self.policy, periods=self.policy.periods | periods, declared=self._old_declared or self.policy.declared)

    @cached_property
    def _old_declared(self) -> Declared | None:
        kept = self.old.folder / INPUTS / "policy" / "declared.yaml"
        if not kept.is_file() or file_sha256(kept) != self.old.materials.get("policy/declared.yaml"):
            return None
        where = f"run {self.old.folder.name}: {kept.name}"
        try:
            return declarations.build(read_yaml(kept, where))
        except (OSError, LookupError, TypeError, AttributeError, ValueError, yaml.YAMLError, RecursionError) as error:
            raise InputError(where, "is not as this version reads it", "name a run that this version wrote") from error

    def has_old_policy(self, rule: str) -> bool:
        """Whether all of the old policy that a rule reads is at hand."""
        now = {p.name: digest(p.read_bytes()) for p in self.policy.files}.get("declared.yaml")
        same = now == self.old.materials.get("policy/declared.yaml")
        return same or self._old_declared is not None or not reads_declared(rule)

    @cached_property
    def _settings(self) -> dict[str, dict[str, Any]]:
        """The settings after each step of the waterfall at which they can be had."""
        after = {PARAMETERS: settings_of(self.policy, self.settings)}
        for name, stated in ((RULE, self.old.audit.settings), (POLICY, self.old.parameter_settings)):
            try:
                after[name] = settings_of(self.policy, {k: v for k, v in stated.items() if k in self.policy.settings})
            except InputError:  # an old setting that this version refuses
                continue
        return after

    def rows(self, rule: str, after: str, snapshot: Snapshot) -> Path | None:
        """The exceptions file of today's rule on a snapshot, with everything up to `after` as it is today; null where there is none."""
        policy = self.old_policy if after == RULE else self.policy
        if (after == RULE and not self.has_old_policy(rule)) or after not in self._settings or _NOT_AGAIN in RULES[rule].tables:
            return None
        evaluation = evaluate(RULES[rule], Audit(snapshot, policy, self._settings[after]))
        return self._written(evaluation, after, snapshot) if evaluation.verdict.is_tested else None

    def _written(self, evaluation: Evaluation, after: str, snapshot: Snapshot) -> Path:
        """The exceptions file of an evaluation."""
        file = self.work / f"{evaluation.rule.id}-{after}.parquet"
        write_exceptions(evaluation, snapshot.engine, key_pads(self.key, snapshot.engine), file)
        return file


def waterfall(rule: str, candidates: tuple[str, ...], before: Path, now: Path, lab: Lab | None) -> list[Step]:
    """The steps from the old exceptions file to today's, as far as a lab can evaluate them; without one all causes are one step."""
    between: list[Tried] = [((cause,), None) for cause in candidates[:-1]]
    last = candidates[-1:]
    if lab is not None and can_be_told_apart(rule, candidates):
        if lab.old_snapshot is not None:
            between = _upon_old(rule, candidates, lab, lab.old_snapshot)
        elif lab.new_snapshot is not None and {POLICY, PARAMETERS} & set(candidates):
            between = _upon_new(rule, candidates, lab, lab.new_snapshot)
            last = (PARAMETERS,) if PARAMETERS in candidates else (POLICY,)
    return _merge([((), before), *between, (last, now)])


def can_be_told_apart(rule: str, candidates: tuple[str, ...]) -> bool:
    """Whether evaluating steps says more of a rule's rows than the candidates do."""
    return len(candidates) > 1 and rule in RULES


def _upon_old(rule: str, candidates: tuple[str, ...], lab: Lab, snapshot: Snapshot) -> list[Tried]:
    """Today's rule, then today's policy, then today's parameters on the old snapshot."""
    return [((cause,), lab.rows(rule, cause, snapshot)) for cause in candidates[:-1]]


def _upon_new(rule: str, candidates: tuple[str, ...], lab: Lab, snapshot: Snapshot) -> list[Tried]:
    """The old numbers on today's snapshot, then today's policy: what lies before is the rule or the data."""
    between: list[Tried] = []
    first = tuple(c for c in candidates if c in (RULE, DATA))
    if first:
        between.append((first, lab.rows(rule, RULE, snapshot)))
    if {POLICY, PARAMETERS} <= set(candidates):
        between.append(((POLICY,), lab.rows(rule, POLICY, snapshot)))
    return between


def _merge(steps: list[Tried]) -> list[Step]:
    """Steps without those that could not be evaluated: their causes go into the next."""
    merged: list[Step] = []
    waiting: tuple[str, ...] = ()
    for causes, file in steps:
        waiting += causes
        if file is not None:
            merged.append((waiting, file))
            waiting = ()
    return merged


# opening a lab ---------------------------------------------------------------------------------------


def open_old(folder: Path, old: Run, work: Path, engine: Engine | None = None) -> Snapshot:
    """The snapshot of an old run, if it is that one; opened on an engine of its own unless one is given. Raises InputError."""
    work.mkdir(exist_ok=True)
    snapshot = open_snapshot(folder, engine or connect("duckdb"), work)
    tables = {f"snapshot/{name}": counted["hash"].removeprefix("sha256:") for name, counted in snapshot.profile.items()}
    descriptor = digest((folder / delivery.DESCRIPTOR).read_bytes())
    recorded = {name: value for name, value in old.materials.items() if name.startswith("snapshot/")}
    if recorded != tables | {f"snapshot/{delivery.DESCRIPTOR}": descriptor}:
        where = f"previous snapshot {folder.name}"
        raise InputError(where, "is not the one that the earlier run was made from", "name its own snapshot, or leave it out")
    return snapshot


def laboratory(work: Path, old: Run, new: Run, snapshots: tuple[Path | None, Path | None], key: Callable[[], bytes]) -> Lab | None:
    """A lab for two recorded runs, where the snapshot of one of them is at hand. What is derived on the way lies in a folder.

    Raises InputError where a snapshot, the key or the code is another than the run's.
    """
    if not any(snapshots):
        return None
    if new.audit.tool.code_sha256 != code_digest():
        raise InputError("diff", "the later run was made by another version of this tool", "leave the snapshots out, or use that version")
    value = key()
    if not new.audit.is_made_with(value):
        raise InputError("engagement key", "is not that of the runs", "export the engagement key of these runs")
    kept = new.folder / INPUTS / "policy" / "policy.yaml"
    policy = load_policy(str(kept)) if kept.is_file() else load_policy(new.audit.policy.name)
    of_old, of_new = (
        None if folder is None else open_old(folder, run, work / name)
        for folder, run, name in zip(snapshots, (old, new), ("old", "new"), strict=True)
    )
    return Lab(old, policy, new.parameter_settings, value, work / "lab", of_old, of_new)
