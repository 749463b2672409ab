"""The run's own evidence: an in-toto Statement with SLSA provenance, over every file that the run wrote and everything that went in.

It says what, never where or when: no host, no path, no clock. So the same inputs give the same statement.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit import __version__
from heytalk_audit.canonical import canonical, digest
from heytalk_audit.evidence.folder import SIGNATURE, STATEMENT

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD = "urn:heytalk-audit:run:v1"


def described(name: str, content: bytes | str) -> dict[str, Any]:
    """A file or material by its name and digest; text is a digest already."""
    value = content.removeprefix("sha256:") if isinstance(content, str) else digest(content)
    return {"name": name, "digest": {"sha256": value}}


def subjects(folder: Path) -> list[dict[str, Any]]:
    """Every file of a run's folder but the statement and its signature, by name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    named = [(p.relative_to(folder).as_posix(), p) for p in files]
    return [described(name, p.read_bytes()) for name, p in named if name not in (STATEMENT, SIGNATURE)]


def statement(folder: Path, parameters: dict[str, Any], used: list[dict[str, Any]]) -> dict[str, Any]:
    """The statement over a finished run's folder; `parameters` as given, without paths. It carries a digest of its own."""
    said = {
        "_type": STATEMENT_TYPE,
        "subject": subjects(folder),
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": parameters,
                "internalParameters": {},
                "resolvedDependencies": used,
            },
            "runDetails": {"builder": {"id": "urn:heytalk-audit", "version": {"heytalk-audit": __version__}}},
        },
    }
    said["predicate"]["runDetails"]["metadata"] = {"invocationId": own_digest(said)}
    return said


def own_digest(said: dict[str, Any]) -> str:
    """What tells a statement that was altered from one whose files were: the digest of all of it but this."""
    details = {k: v for k, v in said["predicate"]["runDetails"].items() if k != "metadata"}
    bare = said | {"predicate": said["predicate"] | {"runDetails": details}}
    return "sha256:" + digest(canonical(bare))


def read_statement(content: bytes) -> dict[str, Any]:
    """A statement from its bytes, if they are as this tool wrote them. Raises ValueError."""
    said = json.loads(content.decode("utf-8"))
    try:
        kinds = (said["_type"], said["predicateType"], said["predicate"]["buildDefinition"]["buildType"])
        intact = said["predicate"]["runDetails"]["metadata"]["invocationId"] == own_digest(said)
        named = {s["name"]: s["digest"]["sha256"] for s in said["subject"]}
    except (KeyError, TypeError) as error:
        raise ValueError("is no statement over a run") from error
    if kinds != (STATEMENT_TYPE, PREDICATE, BUILD):
        raise ValueError("is no statement over a run")
    if not intact or canonical(said) != content or len(named) != len(said["subject"]):
        raise ValueError("was altered")
    return said


def materials_of(said: dict[str, Any]) -> dict[str, str]:
    """What a run depended on: name to digest."""
    used = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {m["name"]: m["digest"]["sha256"] for m in used}


@dataclass(frozen=True)
class Change:
    """Something that a run depends on and that is not as it was: a material, or a parameter by its dotted name."""

    name: str
    what: str


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
