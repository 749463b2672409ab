"""The rest of a run's folder, once its pages are there: results, exceptions, inputs, and the statement over all of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from heytalk_audit import params
from heytalk_audit.audit import disclosure, fact_disclosure
from heytalk_audit.audit.document import Results
from heytalk_audit.audit.exceptions import write_no_exceptions
from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.canonical import canonical, yaml_text
from heytalk_audit.catalogue import rules_of
from heytalk_audit.evidence import folder, signature
from heytalk_audit.evidence.materials import materials, parameters_of
from heytalk_audit.evidence.statement import statement
from heytalk_audit.facts import FACTS
from heytalk_audit.params import GIVEN, Params, Role, paths, put
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.registers import decisions
from heytalk_audit.rules import RULES
from heytalk_audit.running.session import SUMMARY_FILE, fact_file, result_file
from heytalk_audit.snapshot import profile
from heytalk_audit.vocabulary import Audience

#: Where the folder is made, within the working folder.
STAGED = "run"
#: The folder of a kept policy.
KEPT_POLICY = "policy"
#: The kept register of decisions.
DECISIONS = "decisions.yaml"


def assemble(parameters: Params, base: Path, work: Path) -> None:
    """Finish the folder in `work`: everything but the pages and executed notebooks, which are there already."""
    staged = work / STAGED
    staged.mkdir(exist_ok=True)
    _write_results(parameters, base, work, staged)
    _write_exceptions(parameters, work, staged)
    _keep_inputs(parameters, base, staged)
    _write_statement(parameters, base, work, staged)


def _rules(parameters: Params) -> list[str]:
    return [rule for name in CHAPTERS if name in parameters.chapters for rule in rules_of(name, parameters.rules)]


def _read(work: Path, name: str) -> Any:
    return json.loads((work / name).read_text("utf-8"))


def _write_results(parameters: Params, base: Path, work: Path, staged: Path) -> None:
    limits = Limits.of(settings_of(load_policy(parameters.policy.name, base), parameters.settings))
    internal = [RuleResult.model_validate(_read(work, result_file(rule))) for rule in _rules(parameters)]
    rules = [disclosure.of_rule(result, parameters.report.audience, limits) for result in internal]
    facts = [FactResult.model_validate(_read(work, fact_file(fact))) for fact in FACTS if fact in parameters.facts]
    visible = [fact_disclosure.of_fact(fact, parameters.report.audience) for fact in facts]
    results = Results.model_validate(_read(work, SUMMARY_FILE) | {"rules": rules, "facts": visible})
    (staged / folder.RESULTS).write_bytes(canonical(results.plain()))


def _write_exceptions(parameters: Params, work: Path, staged: Path) -> None:
    """Every exception row inside, none outside: there each file is empty."""
    (staged / folder.EXCEPTIONS).mkdir(parents=True)
    inside = parameters.report.audience == Audience.INTERNAL
    if inside and (work / folder.CARRIED).exists():
        shutil.copyfile(work / folder.CARRIED, staged / folder.CARRIED)
    for rule in _rules(parameters):
        target = folder.exceptions_file(staged, rule)
        if inside:
            shutil.copyfile(folder.exceptions_file(work, rule), target)
        else:
            write_no_exceptions(target)


def _keep_inputs(parameters: Params, base: Path, staged: Path) -> None:
    """What a replay needs and may be shown: the parameters without paths, and the registers and policy that they name."""
    kept = staged / folder.PARAMETERS
    kept.parent.mkdir(parents=True)
    document = parameters.model_dump(mode="json", exclude=params.unrecorded(parameters))
    document["delivery"]["purge_key_env"] = GIVEN if parameters.delivery.purge_key_env else None
    for path in paths(parameters):
        if path.role not in (Role.SIGNING_KEY, Role.POLICY):
            put(document, path.key, _kept(path, parameters.report.audience, base, kept.parent))
    document["policy"]["name"] = _kept_policy(parameters, base, kept.parent)
    kept.write_text(yaml_text(document), "utf-8")


def _kept(path: params.PathParameter, audience: str, base: Path, inputs: Path) -> Any:
    """What the kept parameters have in place of a path: a register inside is copied, of all else it only says that there was one."""
    if path.role is Role.SNAPSHOT:
        return "snapshot"
    if path.role is Role.LABELS:
        return [GIVEN] if path.values else []
    if not path.values:
        return None
    # a register names records, people and caps: it stays inside
    if path.role is not Role.REGISTER or audience != Audience.INTERNAL:
        return GIVEN
    name = f"{path.key[-1]}.yaml"
    shutil.copyfile(base / path.values[0], inputs / name)
    if name == DECISIONS:
        _keep_digests(base / path.values[0], inputs)
    return name


def _keep_digests(register: Path, inputs: Path) -> None:
    """The digests of what decisions name as evidence: the documents themselves stay where they are."""
    digests = decisions.evidence_digests(decisions.read_decisions(register, RULES))
    if digests:
        (inputs / decisions.DIGESTS).write_bytes(canonical(digests))


def _kept_policy(parameters: Params, base: Path, inputs: Path) -> str:
    """The name of a shipped policy; another's files are copied."""
    if not (base / parameters.policy.name).exists():
        return parameters.policy.name
    first, *others = load_policy(parameters.policy.name, base).files
    (inputs / KEPT_POLICY).mkdir()
    for file, name in ((first, "policy.yaml"), *((other, other.name) for other in others)):
        shutil.copyfile(file, inputs / KEPT_POLICY / name)
    return KEPT_POLICY


def _write_statement(parameters: Params, base: Path, work: Path, staged: Path) -> None:
    """The statement over the finished folder, and a detached signature over it where a key is configured.

    Paths are left out of it: what they led to is named by its digest.
    """
    policy = load_policy(parameters.policy.name, base)
    key = signature.load_key(base / parameters.signing.key, params.passphrase(parameters.signing)) if parameters.signing.key else None
    used = materials(parameters, base, policy, _read(work, profile.FILE))
    signing_key = signature.public_of(key).fingerprint if key else None
    content = canonical(statement(staged, parameters_of(parameters, policy), used, signing_key))
    (staged / folder.STATEMENT).write_bytes(content)
    if key:
        (staged / folder.SIGNATURE).write_bytes(signature.sign(content, key))
