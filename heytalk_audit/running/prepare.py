"""Before any notebook begins: refuse what can't be used, and profile the snapshot."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from heytalk_audit import params
from heytalk_audit.audit import sampling
from heytalk_audit.audit.acceptance import refuse_unknown_segments
from heytalk_audit.audit.audit import Audit
from heytalk_audit.canonical import yaml_text
from heytalk_audit.catalogue import rules_of
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.evidence import signature
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.follow_up import counterfactual, earlier
from heytalk_audit.follow_up.standings import refuse_unknown_reasons
from heytalk_audit.params import Params
from heytalk_audit.policy import Policy, load_policy
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.text import load_text
from heytalk_audit.registers import accepted, attestations, decisions, findings
from heytalk_audit.rules import RULES
from heytalk_audit.running.registers import registers_read
from heytalk_audit.running.session import PARAMETERS_FILE, PREVIOUS_SNAPSHOT
from heytalk_audit.running.share import read_share
from heytalk_audit.snapshot import delivery, profile
from heytalk_audit.snapshot.delivery import Delivery
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.elsewhere import refuse_rewritten
from heytalk_audit.snapshot.engines import check_url
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.snapshot.spark_session import check_reachable
from heytalk_audit.snapshot.unchanged import identities, refuse_changed

#: The file in the working folder that says what the descriptor was.
DESCRIPTOR_FILE = "descriptor.json"


def prepare(parameters: Params, base: Path, work: Path, progress: Progress, console: Console) -> None:
    """Leave in `work` what every kernel reads: the parameters with absolute paths, and the snapshot's profile. Raises InputError.

    The one connection that is needed for that has all of the audit's memory, and is closed before any kernel begins.
    """
    policy = load_policy(parameters.policy.name, base)
    _check_parameters(parameters, base, policy, console)
    _note_descriptor(base / parameters.snapshot / delivery.DESCRIPTOR, work)
    delivered = delivery.read_delivery(base / parameters.snapshot)
    refuse_rewritten(parameters.engine.url, delivered)
    today = Clock(delivered.as_of, settings_of(policy, parameters.settings)["audit_tz"]).today
    registers_read(parameters, base, today)
    if parameters.attestations:
        attestations.read_attestations(base / parameters.attestations, policy, today)
    snapshots = [base / path for path in (parameters.snapshot, parameters.previous_snapshot) if path]
    with contextlib.closing(Duck(read_share(work), [*snapshots, work])) as duck:
        refuse_rewritten(parameters.engine.url, delivered, _profile(delivered, work, duck, progress))
        _check_registers(parameters, base, work, policy, duck)
        if parameters.previous and parameters.previous_snapshot:
            run = earlier.read_run(base / parameters.previous)
            counterfactual.open_old(base / parameters.previous_snapshot, run, work / PREVIOUS_SNAPSHOT, duck)
    (work / PARAMETERS_FILE).write_text(yaml_text(params.absolute(parameters, base)), "utf-8")


def _note_descriptor(descriptor: Path, work: Path) -> None:
    """Leave what the descriptor is before it is read, as the profile does of tables."""
    seen = {descriptor.name: {"identities": identities([descriptor] if descriptor.is_file() else [])}}
    (work / DESCRIPTOR_FILE).write_text(json.dumps(seen), "utf-8")


def refuse_changed_snapshots(parameters: Params, base: Path, work: Path) -> None:
    """Raise InputError where a file that the run has read, of its snapshot or the previous one, is no longer what it was then."""
    profiles = (profile.FILE, profile.UNKNOWN_FILE, DESCRIPTOR_FILE)
    refuse_changed([work / name for name in profiles], base / parameters.snapshot)
    if parameters.previous_snapshot:
        refuse_changed([work / PREVIOUS_SNAPSHOT / name for name in profiles], base / parameters.previous_snapshot)


def _check_parameters(parameters: Params, base: Path, policy: Policy, console: Console) -> None:
    """What can be refused before the snapshot is read."""
    settings_of(policy, parameters.settings)
    _check_rules(parameters)
    if parameters.policy.text:
        load_text(base / parameters.policy.text)
    sampling.read_labels(base / name for name in parameters.labels)
    if parameters.accepted:
        accepted.read_accepted(base / parameters.accepted, RULES)
    if parameters.decisions:
        decisions.read_decisions(base / parameters.decisions, RULES)
    if parameters.findings:
        findings.read_findings(base / parameters.findings, RULES)
    if parameters.previous:
        earlier.previous_run(base / parameters.previous)
    elif parameters.previous_snapshot:
        raise InputError("parameters previous_snapshot", "stands without previous", "name the run that was made from it")
    if len(params.engagement_key(parameters.report.key_env)) < params.STRONG_KEY:
        console.print(f"warning: the key in {parameters.report.key_env} is shorter than {params.STRONG_KEY} bytes")
    if parameters.signing.key:
        signature.load_key(base / parameters.signing.key, params.passphrase(parameters.signing))
    check_url(parameters.engine.url)
    check_reachable(parameters.engine.url)


def _check_rules(parameters: Params) -> None:
    for rule in parameters.rules:
        if rule not in RULES:
            raise InputError(f"rules {str(rule)[:40]}", "unknown rule", nearest(str(rule), RULES))
    chosen = [rule for chapter in parameters.chapters for rule in rules_of(chapter, parameters.rules)]
    outside = [rule for rule in parameters.rules if rule not in chosen]
    if outside:
        raise InputError(f"rules {outside[0]}", "belongs to none of the chapters", "add its chapter, or leave it out")
    if not chosen:
        raise InputError("chapters", "hold no rule", f"choose of {', '.join(CHAPTERS)}")


def _profile(delivered: Delivery, work: Path, duck: Duck, progress: Progress) -> dict[str, Any]:
    task = progress.add_task("Checking the snapshot", total=len(delivered.parts))
    profiled = profile.take(delivered, work, duck, lambda table: progress.update(task, advance=1, description=f"Checking {table}"))
    progress.update(task, completed=len(delivered.parts), description="Checked the snapshot")
    (work / profile.FILE).write_text(json.dumps(profiled), "utf-8")
    return profiled


def _check_registers(parameters: Params, base: Path, work: Path, policy: Policy, duck: Duck) -> None:
    """Refuse entries that name a segment or a reason that their rule does not have: that takes the snapshot's columns, and reads no row."""
    entries = accepted.read_accepted(base / parameters.accepted, RULES) if parameters.accepted else []
    registered = findings.read_findings(base / parameters.findings, RULES) if parameters.findings else []
    if registered or any(entry.scope.segment for entry in entries):
        snapshot = open_snapshot(base / parameters.snapshot, duck, work)
        audit = Audit(snapshot, policy, settings_of(policy, parameters.settings))
        refuse_unknown_segments(base / (parameters.accepted or ""), entries, audit, RULES)
        refuse_unknown_reasons(base / (parameters.findings or ""), registered, audit)
