"""Replay an evidence pack: recompute it from its snapshot, compare byte for byte, and say since which material it differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from heytalk_audit import params as parameters
from heytalk_audit.audit.pseudonym import fingerprint
from heytalk_audit.canonical import read_yaml, yaml_text
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import INPUTS, PARAMETERS, STATEMENT, payload
from heytalk_audit.evidence.statement import MaterialChange, material_changes, read_statement
from heytalk_audit.evidence.verify import PackFault, verify_pack
from heytalk_audit.follow_up.earlier import results_in
from heytalk_audit.params import PathParameter, Role, engagement_key, paths, put
from heytalk_audit.running.assemble import GIVEN
from heytalk_audit.running.run import run

#: Paths of what a pack does not carry, by the parameter that named them in the run; null or empty for what the run did not have.
KeptApart = Mapping[str, Path | Sequence[Path] | None]


@dataclass(frozen=True)
class Replayed:
    """What came of a replay: faults of the pack itself, what it depends on that changed, and the files that differ."""

    faults: tuple[PackFault, ...]
    changes: tuple[MaterialChange, ...]
    files: tuple[PackFault, ...]

    @property
    def identical(self) -> bool:
        """Whether every byte is as it was."""
        return not (self.faults or self.files)


def replay(folder: Path, kept_apart: KeptApart, overrides: list[str], console: Console) -> Replayed:
    """Run the pack's audit again. `kept_apart` names the snapshot, and where the run had them, previous, previous_snapshot, labels and the
    policy's text; of a run for readers outside the registers as well. Raises InputError.
    """
    verified = verify_pack(folder)
    if verified.faults:
        return Replayed(verified.faults, (), ())
    recorded = payload(folder)
    document = _parameters(recorded, kept_apart)
    _refuse_another_key(recorded, document)
    with working_folder() as work:
        again, file = work / "run", work / "parameters.yaml"
        file.write_text(yaml_text(document), "utf-8")
        run(file, overrides, again, console=console)
        old, new = (read_statement((place / STATEMENT).read_bytes()) for place in (recorded, again))
        return Replayed((), tuple(material_changes(old, new)), tuple(_differing(old, new)))


def _parameters(recorded: Path, kept_apart: KeptApart) -> dict[str, Any]:
    """The pack's parameters, with its own inputs where it carries them and with paths for the rest."""
    try:
        document: dict[str, Any] = read_yaml(recorded / PARAMETERS, f"replay {recorded.name}")
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"replay {recorded.name}", f"has no {PARAMETERS}", "replay a pack that this version wrote") from error
    inputs = recorded / INPUTS
    for path in paths(parameters.check(document, PARAMETERS)):
        if path.role is Role.SNAPSHOT:
            put(document, path.key, _resolved(kept_apart["snapshot"]))
        elif path.role is Role.POLICY:
            if (inputs / path.values[0]).exists():
                put(document, path.key, str((inputs / path.values[0]).resolve()))
        elif path.role is Role.REGISTER and path.values not in ((), (GIVEN,)):
            put(document, path.key, str((inputs / path.values[0]).resolve()))
        elif path.role is not Role.SIGNING_KEY:  # a run for readers outside carries no register
            _put_kept_apart(document, path, kept_apart)
    return document


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


def _refuse_another_key(recorded: Path, document: dict[str, Any]) -> None:
    variable = document.get("report", {}).get("key_env", "HEYTALK_AUDIT_KEY")
    audit = results_in(recorded, f"replay {recorded.name}").audit
    if fingerprint(engagement_key(variable)) != audit.key_fingerprint:
        raise InputError(f"report.key_env {variable}", "holds another key than the run's", "export the engagement key of that run")


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[PackFault]:
    """The files over which two statements do not say the same digest."""
    before, after = ({s["name"]: s["digest"]["sha256"] for s in statement["subject"]} for statement in (old, new))
    return [
        PackFault(name, "is new" if name not in before else "is gone" if name not in after else "differs")
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    ]
