"""The parameters and the materials of a run, each by name: for its evidence, and for telling why two runs differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heytalk_audit.canonical import PACKAGE, canonical, package_files
from heytalk_audit.catalogue import rules_of
from heytalk_audit.evidence.folder import RESULTS, STATEMENT, payload
from heytalk_audit.evidence.statement import described
from heytalk_audit.facts import FACTS
from heytalk_audit.params import GIVEN, Params, Role, paths, unrecorded
from heytalk_audit.policy import Policy
from heytalk_audit.policy.chapters import CHAPTERS, NUMBERS, SUMMARY
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.delivery import DESCRIPTOR

NOTEBOOKS = PACKAGE.parent / "notebooks"
LOCK = PACKAGE.parent / "requirements.lock"


def parameters_of(params: Params, policy: Policy) -> dict[str, Any]:
    """The parameters as the statement has them: without paths and keys, without who signs, and of the engine its kind alone."""
    left_out: dict[str, Any] = {path.key[0]: True for path in paths(params) if path.key[0] != "policy"} | unrecorded(params)
    document = params.model_dump(mode="json", exclude=left_out | {"policy": {"name", "text"}})
    document["delivery"]["purge_key_env"] = GIVEN if params.delivery.purge_key_env else None
    kind = "duckdb" if params.engine.url == "duckdb" else "spark"
    return document | {"policy": {"name": policy.name, "version": policy.version}, "engine": kind}


def materials(params: Params, base: Path, policy: Policy, profile: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that a run depends on, by name and digest, in order of names. `profile` has each table's counts and digest."""
    used = [described(f"snapshot/{table}", counted["hash"]) for table, counted in profile.items()]
    used.append(described(f"snapshot/{DESCRIPTOR}", (base / params.snapshot / DESCRIPTOR).read_bytes()))
    used += _of_policy(policy) + _of_catalogue(params)
    used += [described(name, path.read_bytes()) for name, path in _files(params, base)]
    used += [described(f"code/{name}", content) for name, content in package_files()]
    used += [described("environment/requirements.lock", LOCK.read_bytes())] if LOCK.exists() else []
    return sorted(used, key=lambda material: str(material["name"]))


def _of_policy(policy: Policy) -> list[dict[str, Any]]:
    # the files, and each number by its name too: where one changed, it is named, and not its file alone
    numbers = {f"policy/periods.{n.name}": n for n in policy.periods.values()}
    numbers |= {f"policy/settings.{n.name}": n for n in policy.settings.values()}
    by_name = [described(name, canonical([n.value, n.unit, n.clause, n.origin])) for name, n in numbers.items()]
    return [described(f"policy/{p.name}", p.read_bytes()) for p in policy.files] + by_name


def _of_catalogue(params: Params) -> list[dict[str, Any]]:
    """The rules, the facts and the notebooks that are run."""
    chapters = [CHAPTERS[name] for name in CHAPTERS if name in params.chapters]
    notebooks = [NOTEBOOKS / f"{c.notebook}.ipynb" for c in (*([NUMBERS] if params.facts else []), *chapters, SUMMARY)]
    rules = [RULES[id] for chapter in chapters for id in rules_of(chapter.name, params.rules)]
    used = [described(f"rule/{rule.id}", rule.source.encode()) for rule in rules]
    used += [described(f"fact/{fact.id}", fact.source.encode()) for fact in FACTS.values() if fact.id in params.facts]
    return used + [described(f"notebook/{path.name}", path.read_bytes()) for path in notebooks]


def _files(params: Params, base: Path) -> list[tuple[str, Path]]:
    """Files that the parameters name, beside the snapshot, the policy's data and the key that signs."""
    files: list[tuple[str, Path]] = []
    for path in paths(params):
        name = "/".join(path.key)
        for number, value in enumerate(path.values, 1):
            match path.role:
                case Role.REGISTER | Role.POLICY_TEXT:
                    files.append((name, base / value))
                case Role.LABELS:
                    files.append((f"{name}/{number}", base / value))
                case Role.EARLIER_RUN:
                    run = payload(base / value)
                    files += [(f"{name}/{STATEMENT}", run / STATEMENT), (f"{name}/{RESULTS}", run / RESULTS)]
                case Role.EARLIER_SNAPSHOT:
                    files.append((f"previous/snapshot/{DESCRIPTOR}", base / value / DESCRIPTOR))
    return files
