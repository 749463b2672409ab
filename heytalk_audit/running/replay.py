"""Replay an evidence pack: recompute it from its snapshot, compare byte for byte, and say since which material it differs.

What a pack says is data. Where to compute, what to read beside the pack, and which keys to use, the person who replays says: an engine, a
path or the name of a key in the pack is passed over, and a line says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from heytalk_audit import params as parameters
from heytalk_audit.audit.document import FORMAT, Results
from heytalk_audit.canonical import read_yaml, yaml_text
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence.folder import INPUTS, PARAMETERS, STATEMENT, payload, results_of
from heytalk_audit.evidence.inventory import PackFault
from heytalk_audit.evidence.opened import opened_pack
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.statement import MaterialChange, material_changes, read_statement
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.params import GIVEN, Params, PathParameter, PolicyParams, Role, engagement_key, paths, put
from heytalk_audit.policy import shipped_policies
from heytalk_audit.registers.decisions import DIGESTS
from heytalk_audit.running.assemble import KEPT_POLICY
from heytalk_audit.running.run import run
from heytalk_audit.running.same_outcome import outcome_differences

#: Paths of what a pack does not carry, by the parameter that named them in the run; null or empty for what the run did not have.
KeptApart = Mapping[str, Path | Sequence[Path] | None]


@dataclass(frozen=True)
class Replayed:
    """What came of a replay: faults of the pack itself; verdicts, ledgers and exception rows that differ; what it depends on that changed;
    the files that differ. Of a pack of an earlier format (`format`) the files are not compared: they can't be written any more.
    """

    faults: tuple[PackFault, ...]
    outcomes: tuple[PackFault, ...] = ()
    changes: tuple[MaterialChange, ...] = ()
    files: tuple[PackFault, ...] = ()
    format: int = FORMAT

    @property
    def identical(self) -> bool:
        """Whether everything that was compared is as it was: of a pack of this format, every byte."""
        return not (self.faults or self.outcomes or self.files)

    @property
    def lines(self) -> list[str]:
        """What there is to tell, in the order in which a reader wants to know it. Nothing in a pack steers a terminal."""
        return [printable(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        if self.faults:
            return [f"changed: {fault}" for fault in self.faults]
        lines = [f"differs: {fault}" for fault in self.outcomes] or ["verdicts, ledgers and exception rows are equal"]
        lines += [f"since {change.name}: {change.what}" for change in self.changes]
        if self.format != FORMAT:
            return [*lines, f"format {self.format} can't be written any more: verdicts, ledgers and exception rows were compared, no bytes"]
        return lines + [f"differs: {fault}" for fault in self.files]


def replay(pack: Path, kept_apart: KeptApart, overrides: list[str], console: Console) -> Replayed:
    """Run the audit of a pack (a run's folder, a bag or a zip of one) again. `kept_apart` names the snapshot, and where the run had them,
    previous, previous_snapshot, labels and the policy's text; of a run for readers outside the registers as well. Raises InputError.
    """
    with opened_pack(pack) as folder, working_folder() as work:
        faults = verify_pack(folder, beside_of=pack).faults
        if faults:
            return Replayed(faults)
        recorded, again = payload(folder), work / "run"
        file = prepared(recorded, work, kept_apart, overrides, console)
        run(file, overrides, again, console=console)
        return _compared(recorded, again)


def prepared(recorded: Path, work: Path, kept_apart: KeptApart, overrides: list[str], console: Console) -> Path:
    """The parameters file of a replay, in the folder `work`, with the pack's own inputs beside it. Raises InputError."""
    where = f"replay {recorded.name}"
    recorded_then = _recorded_parameters(recorded, where)
    document, passed_over = _document(recorded_then, recorded, work, kept_apart)
    if passed_over:
        console.print(f"note: the pack names {', '.join(passed_over)}: it is read without", markup=False, soft_wrap=True)
    file = work / "parameters.yaml"
    file.write_text(yaml_text(document), "utf-8")
    _refuse_other_keys(parameters.read_params(file, overrides), recorded_then, results_in(recorded, where))
    return file


def _recorded_parameters(recorded: Path, where: str) -> Params:
    todo = "replay a pack that this version wrote"
    try:
        document = read_yaml(recorded / PARAMETERS, f"{where}: {PARAMETERS}")
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(where, f"has no {PARAMETERS}, or none that can be read", todo) from error
    if not isinstance(document, dict):
        raise InputError(where, f"its {PARAMETERS} is no mapping", todo)
    return parameters.check(document, PARAMETERS)


def _document(recorded_then: Params, recorded: Path, work: Path, kept_apart: KeptApart) -> tuple[dict[str, Any], list[str]]:
    """The parameters of the replay, and what the pack names that is passed over."""
    document = recorded_then.model_dump(mode="json", exclude=parameters.OWN_MEANS)
    passed_over = parameters.own_means(recorded_then)
    document["delivery"] = {}
    inputs = work / INPUTS
    shutil.copytree(recorded / INPUTS, inputs, symlinks=True)
    if not (inputs / DIGESTS).exists():
        # what decisions name as evidence is known by its digest alone: no file is looked for
        (inputs / DIGESTS).write_text("{}\n", "utf-8")
    for path in paths(recorded_then):
        if not _is_named_as_kept(path, inputs):
            passed_over.append(".".join(path.key))
        if path.role is not Role.SIGNING_KEY:
            _put_path(document, path, inputs, kept_apart)
    return document, list(dict.fromkeys(passed_over))


def _is_named_as_kept(path: PathParameter, inputs: Path) -> bool:
    """Whether the pack has of a path what a run keeps of it, or nothing."""
    kept = {Role.SNAPSHOT: {"snapshot"}, Role.REGISTER: {GIVEN, f"{path.key[-1]}.yaml"}, Role.POLICY: set(shipped_policies())}
    kept[Role.POLICY] |= {KEPT_POLICY} if (inputs / KEPT_POLICY).is_dir() else set()
    return set(path.values) <= kept.get(path.role, {GIVEN})


def _put_path(document: dict[str, Any], path: PathParameter, inputs: Path, kept_apart: KeptApart) -> None:
    """Put what a path of the pack's parameters is in a replay: a file of the pack's own, or what the person who replays names."""
    named = _is_named_as_kept(path, inputs)
    if path.role is Role.SNAPSHOT:
        put(document, path.key, _resolved(kept_apart["snapshot"]))
    elif path.role is Role.POLICY:
        kept = str((inputs / KEPT_POLICY).resolve()) if path.values == (KEPT_POLICY,) else path.values[0]
        put(document, path.key, kept if named else PolicyParams().name)
    elif path.role is Role.REGISTER and path.values not in ((), (GIVEN,)):
        put(document, path.key, str((inputs / path.values[0]).resolve()) if named else None)
    else:  # a run for readers outside carries no register
        _put_kept_apart(document, path, kept_apart)


def _put_kept_apart(document: dict[str, Any], path: PathParameter, kept_apart: KeptApart) -> None:
    """What is kept apart from a pack must be named again, and nothing that it never had."""
    name = path.key[-1]
    in_run, in_replay, option = bool(path.values), bool(kept_apart.get(name)), name.replace("_", "-")
    if in_run and not in_replay:
        raise InputError(f"replay: {name}", "was given to the run, and is kept apart from it", f"give it again with --{option}")
    if in_replay and not in_run:
        raise InputError(f"replay: --{option}", "was not given to the run", "leave it out")
    if in_replay:
        put(document, path.key, _resolved(kept_apart[name]))


def _resolved(paths: Path | Sequence[Path] | None) -> str | list[str] | None:
    if paths is None or isinstance(paths, Path):
        return None if paths is None else str(paths.resolve())
    return [str(path.resolve()) for path in paths]


def _refuse_other_keys(replayed: Params, recorded_then: Params, results: Results) -> None:
    """Raise InputError where the keys of the person who replays are not those of the run."""
    variable = replayed.report.key_env
    if not results.audit.is_made_with(engagement_key(variable)):
        raise InputError(f"report.key_env {variable}", "holds another key than the run's", "export the engagement key of that run")
    if recorded_then.delivery.purge_key_env and not replayed.delivery.purge_key_env:
        todo = "name its variable with -p delivery.purge_key_env=NAME"
        raise InputError("replay: delivery.purge_key_env", "was given to the run, and is kept apart from it", todo)


def _compared(recorded: Path, again: Path) -> Replayed:
    """What two runs' folders have alike: first what they say of the data, then what they depend on, then their bytes."""
    old, new = (read_statement((place / STATEMENT).read_bytes()) for place in (recorded, again))
    format = int(results_of(recorded).get("format", 1))
    files = _differing(old, new) if format == FORMAT else []
    return Replayed((), tuple(outcome_differences(recorded, again)), tuple(material_changes(old, new)), tuple(files), format)


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[PackFault]:
    """The files over which two statements do not say the same digest."""
    before, after = ({s["name"]: s["digest"]["sha256"] for s in statement["subject"]} for statement in (old, new))
    return [
        PackFault(name, "is new" if name not in before else "is gone" if name not in after else "differs")
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    ]
