"""The installed distributions as a CycloneDX bill of materials, with the hashes that the lock file allows.

It describes the environment that exports; a property says whether its lock file is the one that the run was made under.
"""

from __future__ import annotations

import re
import uuid
import warnings
from email.message import Message
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import cast

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from heytalk_audit import __version__
from heytalk_audit.canonical import digest
from heytalk_audit.evidence.materials import LOCK
from heytalk_audit.exports.recorded import Recorded, line

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r";.*\bextra\b")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def write(run: Recorded, folder: Path) -> None:
    """One file."""
    locked = LOCK.read_bytes() if LOCK.exists() else b""
    wanted = run.materials.get("environment/requirements.lock")
    installed = components(locked.decode("utf-8"))
    names = [f"{c.name}=={c.version}" for c in installed.values()]
    bom = Bom(components=installed.values(), serial_number=uuid.UUID(run.id("environment", digest(locked), *names)))
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the model allows none, its annotation does not
    root = Component(name="heytalk-audit", version=__version__, type=ComponentType.APPLICATION, bom_ref="heytalk-audit")
    bom.metadata.component = root
    for name, component in ({"heytalk-audit": root} | installed).items():
        bom.register_dependency(component, [installed[n] for n in _requires(name) if n in installed])
    bom.metadata.properties.add(Property(name="heytalk-audit:evidence-sha256", value=run.evidence))
    same = "the run's" if wanted == digest(locked) else "another than the run's"
    bom.metadata.properties.add(Property(name="heytalk-audit:lock", value=same))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a graph without a root, where this package itself is not installed
        content = JsonV1Dot6(bom).output_as_string(indent=1) + "\n"
    (folder / "environment.cdx.json").write_bytes(content.encode())


def components(locked: str) -> dict[str, Component]:
    """Every installed distribution but this one, once, by name."""
    installed = {_plain(d.name): d for d in metadata.distributions() if d.name}
    installed.pop("heytalk-audit", None)
    hashes = _hashes(locked)
    return {name: _component(name, installed[name], hashes.get((name, installed[name].version), [])) for name in sorted(installed)}


def _requires(name: str) -> list[str]:
    """What a distribution always needs, by name; its extras are left aside."""
    try:
        requirements = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    names = [_NAME.match(text) for text in requirements if not _EXTRA.search(text)]
    return sorted({_plain(name[0]) for name in names if name})


def _component(name: str, installed: metadata.Distribution, hashes: list[str]) -> Component:
    purl = PackageURL("pypi", None, name, installed.version)
    references = []
    if hashes:
        allowed = [HashType(alg=HashAlgorithm.SHA_256, content=h) for h in hashes]
        comment = "one of the distributions that the lock file allows"
        url = XsUri(f"https://pypi.org/project/{name}/{installed.version}/")
        references = [ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=url, comment=comment, hashes=allowed)]
    return Component(
        name=name,
        version=installed.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=_licences(installed),
        external_references=references,
        properties=[Property(name="heytalk-audit:locked", value="yes" if hashes else "no")],
    )


def _licences(installed: metadata.Distribution) -> list[License]:
    """What the distribution says: an SPDX expression where it has one, else its classifiers or the first line of its licence."""
    # a message of the standard library's email package, which its annotation leaves open
    described = cast(Message, installed.metadata)
    factory = LicenseFactory()
    expression = described.get("License-Expression")
    if expression:
        return [factory.make_from_string(line(expression))]
    classifiers = [c.rpartition(" :: ")[2] for c in described.get_all("Classifier", []) if c.startswith("License ::")]
    named = [c for c in classifiers if c != "OSI Approved"]
    if named:
        return [factory.make_with_name(line(name)) for name in sorted(set(named))]
    first = next((line(part) for part in (described.get("License") or "").splitlines() if line(part)), "")
    return [factory.make_from_string(first)] if 0 < len(first) <= 80 and first != "UNKNOWN" else []


@cache
def _hashes(locked: str) -> dict[tuple[str, str], list[str]]:
    hashes: dict[tuple[str, str], list[str]] = {}
    current = None
    for text in locked.splitlines():
        pinned = _PINNED.match(text)
        if pinned:
            current = (_plain(pinned[1]), pinned[2])
            hashes[current] = []
        if current:
            hashes[current] += _HASH.findall(text)
    return hashes


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
