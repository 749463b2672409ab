"""The run's own evidence: an in-toto Statement with SLSA provenance, over every file that the run wrote and everything that went in.

It says what, never where or when: no host, no path, no clock. So the same inputs give the same statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from heytalk_audit import __version__
from heytalk_audit.check import Rule
from heytalk_audit.policy import Policy

NAME = "evidence.json"
SIGNATURE = "evidence.sig"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD = "urn:heytalk-audit:run:v1"
_HOME = Path(__file__).resolve().parent
LOCK = _HOME.parent / "requirements.lock"


def digest(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def _described(name: str, content: bytes | str) -> dict[str, Any]:
    value = content.removeprefix("sha256:") if isinstance(content, str) else digest(content)
    return {"name": name, "digest": {"sha256": value}}


def subjects(folder: Path) -> list[dict[str, Any]]:
    """Every file of a run's folder but the statement and its signature, by name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    named = [(p.relative_to(folder).as_posix(), p) for p in files]
    return [_described(name, p.read_bytes()) for name, p in named if name not in (NAME, SIGNATURE)]


def materials(profile: dict[str, Any], descriptor: bytes, policy: Policy, rules: Iterable[Rule], notebooks: Iterable[Path]) -> list[dict]:
    """Everything that a run depends on, by name: what of it changed tells why two runs differ."""
    found = [_described(f"snapshot/{table}", taken["hash"]) for table, taken in profile.items()]
    found.append(_described("snapshot/datapackage.json", descriptor))
    found += [_described(f"policy/{p.name}", p.read_bytes()) for p in policy.files]
    found += [_described(f"rule/{r.id}", r.source.encode()) for r in rules]
    found += [_described(f"notebook/{p.name}", p.read_bytes()) for p in notebooks]
    found += [_described(f"code/{name}", content) for name, content in package_files()]
    if LOCK.exists():
        found.append(_described("environment/requirements.lock", LOCK.read_bytes()))
    return sorted(found, key=lambda m: m["name"])


def package_files() -> list[tuple[str, bytes]]:
    """The package's own files: name and content."""
    files = [p for p in _HOME.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return sorted((p.relative_to(_HOME).as_posix(), p.read_bytes()) for p in files)


def code_digest() -> str:
    """SHA-256 over the sorted lines "digest  file" of the package's own files."""
    return digest("".join(f"{digest(content)}  {name}\n" for name, content in package_files()).encode())


def statement(folder: Path, parameters: dict[str, Any], used: list[dict[str, Any]]) -> dict[str, Any]:
    """The statement over a finished run's folder; `parameters` as given, without paths."""
    return {
        "_type": STATEMENT,
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
