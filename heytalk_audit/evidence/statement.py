"""The run's own evidence: an in-toto Statement with SLSA provenance, over every file that the run wrote and everything that went in.

It says what, never where or when: no host, no path, no clock. So the same inputs give the same statement.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit import __version__
from heytalk_audit.canonical import canonical, digest, file_sha256
from heytalk_audit.evidence.folder import SIGNATURE, STATEMENT

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
#: It changes with the shape of the statement; one without is of format 1. Readers of in-toto pass over keys that they do not know.
FORMAT = 2
BUILD = "urn:heytalk-audit:run:v1"


def described(name: str, content: bytes | str) -> dict[str, Any]:
    """A file or material by its name and digest; text is a digest already."""
    value = content.removeprefix("sha256:") if isinstance(content, str) else digest(content)
    return {"name": name, "digest": {"sha256": value}}


def subjects(folder: Path) -> list[dict[str, Any]]:
    """Every file of a run's folder but the statement and its signature, by name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    named = [(p.relative_to(folder).as_posix(), p) for p in files]
    return [described(name, file_sha256(p)) for name, p in named if name not in (STATEMENT, SIGNATURE)]


def statement(folder: Path, parameters: dict[str, Any], used: list[dict[str, Any]]) -> dict[str, Any]:
    """The statement over a finished run's folder: its files, its `parameters` without paths, and the materials that it `used`."""
    details: dict[str, Any] = {"builder": {"id": "urn:heytalk-audit", "version": {"heytalk-audit": __version__}}}
    document = {
        "_type": STATEMENT_TYPE,
        "format": FORMAT,
        "subject": subjects(folder),
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": parameters,
                "internalParameters": {},
                "resolvedDependencies": used,
            },
            "runDetails": details,
        },
    }
    details["metadata"] = {"invocationId": own_digest(document)}
    return document


def own_digest(document: dict[str, Any]) -> str:
    """The digest of a statement without its metadata, which carry this digest: it shows that the statement itself was altered."""
    details = {k: v for k, v in document["predicate"]["runDetails"].items() if k != "metadata"}
    bare = document | {"predicate": document["predicate"] | {"runDetails": details}}
    return "sha256:" + digest(canonical(bare))


def read_statement(content: bytes) -> dict[str, Any]:
    """A statement from its bytes, if they are as this tool wrote them. Raises ValueError."""
    document: dict[str, Any] = json.loads(content.decode("utf-8"))
    try:
        kinds = (document["_type"], document["predicateType"], document["predicate"]["buildDefinition"]["buildType"])
        intact = document["predicate"]["runDetails"]["metadata"]["invocationId"] == own_digest(document)
        named = {s["name"]: s["digest"]["sha256"] for s in document["subject"]}
    except (KeyError, TypeError) as error:
        raise ValueError("is no statement over a run") from error
    if kinds != (STATEMENT_TYPE, PREDICATE, BUILD):
        raise ValueError("is no statement over a run")
    if not intact or canonical(document) != content or len(named) != len(document["subject"]):
        raise ValueError("was altered")
    return document


def materials_of(document: dict[str, Any]) -> dict[str, str]:
    """The materials that a run's statement names: name to digest."""
    used = document["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {m["name"]: m["digest"]["sha256"] for m in used}


@dataclass(frozen=True)
class MaterialChange:
    """Something that a run depends on and that is not as it was: a material, or a parameter by its dotted name."""

    name: str
    what: str


def material_changes(old: dict[str, Any], new: dict[str, Any]) -> list[MaterialChange]:
    """What differs between the statements of two runs: parameters first, then materials, by name."""
    was, now = (_flat(document["predicate"]["buildDefinition"]["externalParameters"]) for document in (old, new))
    differences = [
        MaterialChange(f"parameters: {name}", f"{_shown(was, name)} before, {_shown(now, name)} now")
        for name in sorted(was | now)
        if _shown(was, name) != _shown(now, name)
    ]
    before, after = materials_of(old), materials_of(new)
    for name in sorted(before | after):
        if before.get(name) != after.get(name):
            differences.append(MaterialChange(name, "is new" if name not in before else "is gone" if name not in after else "changed"))
    return differences


def _shown(values: dict[str, Any], name: str) -> str:
    return json.dumps(values[name], sort_keys=True, default=str) if name in values else "not set"


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in _flat(inner, f"{path}.{name}" if path else str(name)).items()}
    return {path: value}
