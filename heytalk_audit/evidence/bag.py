"""The files of a BagIt bag beside its payload: the declaration and the manifests. They can be computed from the payload alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heytalk_audit.canonical import digest
from heytalk_audit.errors import printable
from heytalk_audit.evidence.folder import PAYLOAD, SIGNATURE, STATEMENT

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST = "manifest-sha256.txt"


def bag_tags(statement: dict[str, Any], files: dict[str, Path]) -> dict[str, bytes]:
    """The files that a bag of this run has beside its payload: name to content. `files` are those of the bag, by name."""
    sizes = _sizes(files)
    payload = {s["name"]: s["digest"]["sha256"] for s in statement["subject"]} | _statement_digests(files)
    parameters = statement["predicate"]["buildDefinition"]["externalParameters"]
    info = f"Bag-Software-Agent: heytalk-audit\nExternal-Identifier: {printable(parameters['audit']['id'])}\n"
    info += f"Payload-Oxum: {sum(sizes)}.{len(sizes)}\n"
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": info.encode(),
        MANIFEST: _manifest({f"{PAYLOAD}/{name}": sha256 for name, sha256 in payload.items()}),
    }
    return tags | {"tagmanifest-sha256.txt": _manifest({name: digest(content) for name, content in tags.items()})}


def _manifest(digests: dict[str, str]) -> bytes:
    escaped = {name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D"): sha256 for name, sha256 in digests.items()}
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(escaped.items())).encode()


def _statement_digests(files: dict[str, Path]) -> dict[str, str]:
    """The digests of the statement and its signature: a statement cannot list itself among its subjects."""
    names = [name for name in (STATEMENT, SIGNATURE) if f"{PAYLOAD}/{name}" in files]
    return {name: digest(files[f"{PAYLOAD}/{name}"].read_bytes()) for name in names}


def _sizes(files: dict[str, Path]) -> list[int]:
    return [path.stat().st_size for name, path in files.items() if name.startswith(f"{PAYLOAD}/")]
