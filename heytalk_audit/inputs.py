"""What a run was asked and what went into it, named: for its evidence, and for telling why two runs differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heytalk_audit import delivery, evidence, params
from heytalk_audit.chapters import CHAPTERS, SUMMARY, rules_of
from heytalk_audit.pack import payload
from heytalk_audit.policy import Policy
from heytalk_audit.previous import RESULTS
from heytalk_audit.rules import RULES

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
#: Parameters that are paths, or say who signs: what they lead to is among the materials.
PATHS = {"accepted": True, "attestations": True, "previous": True, "previous_snapshot": True, "findings": True, "signing": True}
#: Registers beside the parameters.
REGISTERS = ("attestations", "accepted", "findings")


def asked(given: params.Params, policy: Policy) -> dict[str, Any]:
    """The parameters as the statement has them: without paths."""
    left = {"snapshot": True, "labels": True, "policy": {"name", "text"}, **PATHS, **dict.fromkeys(params.unset(given), True)}
    said = given.model_dump(mode="json", exclude=left)
    return said | {"policy": {"name": policy.name, "version": policy.version}}


def materials(given: params.Params, base: Path, policy: Policy, profile: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that a run depends on, by name and digest."""
    chapters = [c for name, c in CHAPTERS.items() if name in given.chapters]
    rules = [RULES[r] for c in chapters for r in rules_of(c.name, RULES, given.rules)]
    descriptor = (base / given.snapshot / delivery.DESCRIPTOR).read_bytes()
    notebooks = [NOTEBOOKS / f"{c.notebook}.ipynb" for c in (*chapters, SUMMARY)]
    return evidence.materials(profile, descriptor, policy, rules, notebooks) + [
        {"name": name, "digest": {"sha256": evidence.digest(path.read_bytes())}} for name, path in _files(given, base)
    ]


def _files(given: params.Params, base: Path) -> list[tuple[str, Path]]:
    """Files that the parameters name, beside the snapshot and the policy."""
    files = [(f"labels/{n}", base / name) for n, name in enumerate(given.labels, 1)]
    if given.previous:
        home = payload(base / given.previous)
        files += [("previous/evidence.json", home / evidence.NAME), (f"previous/{RESULTS}", home / RESULTS)]
    if given.previous_snapshot:
        files.append(("previous/snapshot/datapackage.json", base / given.previous_snapshot / delivery.DESCRIPTOR))
    files += [(name, base / getattr(given, name)) for name in REGISTERS if getattr(given, name)]
    return files + ([("policy/text", base / given.policy.text)] if given.policy.text else [])
