"""The run's own evidence: an in-toto Statement with SLSA provenance, over every file that the run wrote and everything that went in.

It says what, never where or when: no host, no path, no clock. So the same inputs give the same statement. Where a signature is to be made
over it, it names the key: a signature that was taken away is missed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from heytalk_audit import __version__
from heytalk_audit.canonical import canonical, digest, file_sha256
from heytalk_audit.evidence.commit import commit_of_the_code
from heytalk_audit.evidence.folder import SIGNATURE, STATEMENT

#: The format of the statement; one of format 1 does not say so, names no signing key, and no commit.
FORMAT = 2
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
#: It changes with the shape of the statement; one without is of format 1. Readers of in-toto pass over keys that they do not know.
FORMAT = 2
BUILD = "urn:heytalk-audit:run:v1"
#: Who made the run, as SLSA wants it named; a reserved domain, as nothing is to be fetched there.
BUILDER = "https://heytalk-audit.invalid/builder/v1"
COMMIT = "commit"
SIGNING_KEY = "signingKey"


def described(name: str, content: bytes | str) -> dict[str, Any]:
    """A file or material by its name and digest; text is a digest already."""
    value = content.removeprefix("sha256:") if isinstance(content, str) else digest(content)
    return {"name": name, "digest": {"sha256": value}}


def subjects(folder: Path) -> list[dict[str, Any]]:
    """Every file of a run's folder but the statement and its signature, by name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    named = [(p.relative_to(folder).as_posix(), p) for p in files]
    return [described(name, file_sha256(p)) for name, p in named if name not in (STATEMENT, SIGNATURE)]


def statement(
    folder: Path, parameters: dict[str, Any], used: list[dict[str, Any]], signing_key: str | None = None, build: str = BUILD
) -> dict[str, Any]:
    """The statement over a finished run's folder: its files, its `parameters` without paths, and the materials that it `used`.

    `signing_key` is the fingerprint of the key that is going to sign it; null where nobody does. `build` says what the folder is: a run,
    unless it names another kind.
    """
    details: dict[str, Any] = {"builder": {"id": BUILDER, "version": {"heytalk-audit": __version__}}}
    document = {
        "_type": STATEMENT_TYPE,
        "format": FORMAT,
        "subject": subjects(folder),
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": build,
                "externalParameters": parameters,
                "internalParameters": {SIGNING_KEY: signing_key} if signing_key else {},
                "resolvedDependencies": sorted(used + _commit(), key=lambda material: str(material["name"])),
            },
            "runDetails": details,
        },
    }
    details["metadata"] = {"invocationId": own_digest(document)}
    return document


def _commit() -> list[dict[str, Any]]:
    """The commit that the code is, as a material, where that can be said."""
    commit = commit_of_the_code()
    return [{"name": COMMIT, "digest": {"gitCommit": commit}}] if commit else []


def own_digest(document: dict[str, Any]) -> str:
    """The digest of a statement without its metadata, which carry this digest: it shows that the statement itself was altered."""
    details = {k: v for k, v in document["predicate"]["runDetails"].items() if k != "metadata"}
    bare = document | {"predicate": document["predicate"] | {"runDetails": details}}
    return "sha256:" + digest(canonical(bare))


# reading one -----------------------------------------------------------------------------------------


class _Part(BaseModel):
    """A part of a statement that came from elsewhere; what else it holds is covered by its digest, and not read."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Digested(_Part):
    name: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    digest: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,128}$")]] = Field(min_length=1, max_length=1)


class _AuditNamed(_Part):
    id: str


class _Parameters(_Part):
    audit: _AuditNamed
    settings: dict[str, Any] | None = None
    report: dict[str, Any] | None = None


class _Internal(_Part):
    signingKey: str | None = None


class _Build(_Part):
    buildType: str
    externalParameters: _Parameters
    internalParameters: _Internal
    resolvedDependencies: list[_Digested]


class _Metadata(_Part):
    invocationId: str


class _Details(_Part):
    metadata: _Metadata


class _Predicate(_Part):
    buildDefinition: _Build
    runDetails: _Details


class _Statement(_Part):
    type_: str = Field(alias="_type")
    format: Annotated[int, Field(ge=1, le=FORMAT)] = 1
    predicateType: str
    subject: list[_Digested]
    predicate: _Predicate


def read_statement(content: bytes) -> dict[str, Any]:
    """A statement from its bytes, of this format or an earlier one, if they are as this tool wrote them. Raises ValueError, in one line."""
    try:
        document: dict[str, Any] = json.loads(content.decode("utf-8"))
        parts = _Statement.model_validate(document)
    except (ValueError, RecursionError) as error:
        later = isinstance(error, ValidationError) and error.errors()[0]["loc"] == ("format",)
        raise ValueError("is of a format that this version does not read" if later else "is no statement over a run") from error
    if (parts.type_, parts.predicateType, parts.predicate.buildDefinition.buildType) != (STATEMENT_TYPE, PREDICATE, BUILD):
        raise ValueError("is no statement over a run")
    names = [subject.name for subject in parts.subject]
    intact = parts.predicate.runDetails.metadata.invocationId == own_digest(document)
    if (
        not intact
        or canonical(document) != content
        or len(set(names)) != len(names)
        or not all("sha256" in s.digest for s in parts.subject)
    ):
        raise ValueError("was altered")
    return document


def signing_key_of(document: dict[str, Any]) -> str | None:
    """The fingerprint of the key that a statement says it is signed with; null where it names none."""
    fingerprint: str | None = document["predicate"]["buildDefinition"]["internalParameters"].get(SIGNING_KEY)
    return fingerprint


def materials_of(document: dict[str, Any]) -> dict[str, str]:
    """The materials that a run's statement names: name to digest."""
    used = document["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {m["name"]: next(iter(m["digest"].values())) for m in used}


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
