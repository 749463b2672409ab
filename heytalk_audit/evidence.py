"""The run's own evidence: an in-toto Statement with SLSA provenance, over every file that the run wrote and everything that went in.

It says what, never where or when: no host, no path, no clock. So the same inputs give the same statement.
"""

from __future__ import annotations

import hashlib
import json
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
    # each number by its name too, so that a changed one is named, and not the file alone
    numbers = {f"policy/periods.{n.name}": n for n in policy.periods.values()} | {
        f"policy/settings.{n.name}": n for n in policy.settings.values()
    }
    found += [_described(name, canonical([n.value, n.unit, n.clause, n.origin])) for name, n in numbers.items()]
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


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, UTF-8, one newline at the end."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False, default=str) + "\n").encode("utf-8")


def statement(folder: Path, parameters: dict[str, Any], used: list[dict[str, Any]]) -> dict[str, Any]:
    """The statement over a finished run's folder; `parameters` as given, without paths. It carries a digest of its own."""
    said = {
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
    if kinds != (STATEMENT, PREDICATE, BUILD):
        raise ValueError("is no statement over a run")
    if not intact or canonical(said) != content or len(named) != len(said["subject"]):
        raise ValueError("was altered")
    return said


def materials_of(said: dict[str, Any]) -> dict[str, str]:
    """What a run depended on: name to digest."""
    used = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {m["name"]: m["digest"]["sha256"] for m in used}
