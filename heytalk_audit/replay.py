"""Replay an evidence pack: recompute it from its snapshot, compare byte for byte, and say since which material it differs."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from heytalk_audit.errors import InputError
from heytalk_audit.evidence import NAME, materials_of, read_statement
from heytalk_audit.notebook import engagement_key
from heytalk_audit.pack import Fault, payload, verify_pack
from heytalk_audit.results import fingerprint

INPUTS = "inputs"
PARAMETERS = f"{INPUTS}/parameters.yaml"


@dataclass(frozen=True)
class Change:
    """Something that a run depends on and that is not as it was: a material, or a parameter by its dotted name."""

    name: str
    what: str


@dataclass(frozen=True)
class Replayed:
    """What came of a replay: faults of the pack itself, what it depends on that changed, and the files that differ."""

    faults: tuple[Fault, ...]
    changes: tuple[Change, ...]
    files: tuple[Fault, ...]

    @property
    def identical(self) -> bool:
        """Whether every byte is as it was."""
        return not (self.faults or self.files)


def replay(folder: Path, given: dict[str, Any], overrides: list[str], console: Console) -> Replayed:
    """Run the pack's audit again. `given` are paths of what a pack does not carry: snapshot, and where the run had them, previous,
    previous_snapshot, labels and the policy's text. Raises InputError.
    """
    from heytalk_audit.run import run

    verified = verify_pack(folder)
    if verified.faults:
        return Replayed(verified.faults, (), ())
    recorded = payload(folder)
    document = _parameters(recorded, given)
    _same_key(recorded, document)
    with tempfile.TemporaryDirectory(prefix="heytalk-replay-") as work:
        again = Path(work) / "run"
        asked = Path(work) / "parameters.yaml"
        asked.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
        run(asked, overrides, again, console=console)
        old, new = (read_statement((place / NAME).read_bytes()) for place in (recorded, again))
        return Replayed((), tuple(changes(old, new)), tuple(_differing(old, new)))


def _parameters(recorded: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The pack's parameters, with its own inputs where it carries them and with paths for the rest."""
    try:
        document = yaml.safe_load((recorded / PARAMETERS).read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"replay {recorded.name}", f"has no {PARAMETERS}", "replay a pack that this version wrote") from error
    document["snapshot"] = str(Path(given["snapshot"]).resolve())
    for name in ("accepted", "attestations", "findings"):
        if document.get(name) in (None, "given"):  # a run for readers outside carries no register
            _beside(document, name, given)
        else:
            document[name] = str((recorded / INPUTS / document[name]).resolve())
    policy = document.get("policy", {})
    if (recorded / INPUTS / str(policy.get("name"))).exists():
        policy["name"] = str((recorded / INPUTS / policy["name"]).resolve())
    _beside(document, "previous", given)
    _beside(document, "previous_snapshot", given)
    _beside(document, "labels", given)
    _beside(policy, "text", given)
    return document


def _beside(document: dict[str, Any], name: str, given: dict[str, Any]) -> None:
    """What is kept apart from a pack must be given again, and nothing that it never had."""
    had, has, option = bool(document.get(name)), bool(given.get(name)), name.replace("_", "-")
    if had and not has:
        raise InputError(f"replay: {name}", "was given to the run, and is kept apart from it", f"give it again with --{option}")
    if has and not had:
        raise InputError(f"replay: --{option}", "was not given to the run", "leave it out")
    if has:
        value = given[name]
        document[name] = [str(Path(v).resolve()) for v in value] if isinstance(value, list) else str(Path(value).resolve())


def _same_key(recorded: Path, document: dict[str, Any]) -> None:
    variable = document.get("report", {}).get("key_env", "HEYTALK_AUDIT_KEY")
    was = json.loads((recorded / "results.json").read_bytes())["audit"]["key_fingerprint"]
    if fingerprint(engagement_key(variable)) != was:
        raise InputError(f"report.key_env {variable}", "holds another key than the run's", "export the engagement key of that run")


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What two runs depended on that is not the same: parameters first, then materials, by name."""
    was, now = (_flat(said["predicate"]["buildDefinition"]["externalParameters"]) for said in (old, new))
    found = [
        Change(f"parameters: {name}", f"{_said(was, name)} before, {_said(now, name)} now")
        for name in sorted(was | now)
        if _said(was, name) != _said(now, name)
    ]
    before, after = materials_of(old), materials_of(new)
    for name in sorted(before | after):
        if before.get(name) != after.get(name):
            found.append(Change(name, "is new" if name not in before else "is gone" if name not in after else "changed"))
    return found


def _said(values: dict[str, Any], name: str) -> str:
    return json.dumps(values[name], sort_keys=True, default=str) if name in values else "not set"


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in _flat(inner, f"{path}.{name}" if path else str(name)).items()}
    return {path: value}


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[Fault]:
    before, after = ({s["name"]: s["digest"]["sha256"] for s in said["subject"]} for said in (old, new))
    found = []
    for name in sorted(before | after):
        if before.get(name) != after.get(name):
            found.append(Fault(name, "is new" if name not in before else "is gone" if name not in after else "differs"))
    return found
