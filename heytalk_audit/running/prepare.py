"""Before any notebook begins: refuse what can't be used, and profile the snapshot."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import Progress

from heytalk_audit import params
from heytalk_audit.audit import sampling
from heytalk_audit.audit.acceptance import refuse_unknown_segments
from heytalk_audit.audit.audit import Audit
from heytalk_audit.catalogue import rules_of
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.evidence import signature
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.follow_up import counterfactual, earlier
from heytalk_audit.follow_up.standings import refuse_unknown_reasons
from heytalk_audit.params import Params
from heytalk_audit.policy import Policy, load
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.text import load_text
from heytalk_audit.registers import accepted, attestations, findings
from heytalk_audit.rules import RULES
from heytalk_audit.running.session import PARAMETERS_FILE, PREVIOUS_SNAPSHOT
from heytalk_audit.snapshot import delivery, profile
from heytalk_audit.snapshot.delivery import Delivery
from heytalk_audit.snapshot.engines import check_url, connect
from heytalk_audit.snapshot.open import open_snapshot

#: Below this many bytes a key is weak.
STRONG_KEY = 32


def prepare(given: Params, base: Path, work: Path, progress: Progress, console: Console) -> None:
    """Leave in `work` what every kernel reads: the parameters with absolute paths, and the snapshot's profile. Raises InputError."""
    policy = load(given.policy.name, base)
    _check_parameters(given, base, policy, console)
    delivered = delivery.read(base / given.snapshot)
    if given.attestations:
        today = Clock(delivered.as_of, settings_of(policy, given.settings)["audit_tz"]).today
        attestations.read_attestations(base / given.attestations, policy, today)
    _profile(delivered, work, progress)
    _check_registers(given, base, work, policy)
    if given.previous and given.previous_snapshot:
        run = earlier.read_run(base / given.previous)
        counterfactual.open_old(base / given.previous_snapshot, run, work / PREVIOUS_SNAPSHOT)
    (work / PARAMETERS_FILE).write_text(yaml.safe_dump(params.absolute(given, base), allow_unicode=True), "utf-8")


def _check_parameters(given: Params, base: Path, policy: Policy, console: Console) -> None:
    """What can be refused before the snapshot is read."""
    settings_of(policy, given.settings)
    _check_rules(given)
    if given.policy.text:
        load_text(base / given.policy.text)
    sampling.read_labels(base / name for name in given.labels)
    if given.accepted:
        accepted.read_accepted(base / given.accepted, RULES)
    if given.findings:
        findings.read_findings(base / given.findings, RULES)
    if given.previous:
        earlier.previous_run(base / given.previous)
    elif given.previous_snapshot:
        raise InputError("parameters previous_snapshot", "stands without previous", "name the run that was made from it")
    if len(params.engagement_key(given.report.key_env)) < STRONG_KEY:
        console.print(f"warning: the key in {given.report.key_env} is shorter than {STRONG_KEY} bytes")
    if given.signing.key:
        signature.load_key(base / given.signing.key, params.passphrase(given.signing))
    check_url(given.engine.url)
    if given.engine.url == "duckdb":
        connect(given.engine.url, given.engine.options)


def _check_rules(given: Params) -> None:
    for rule in given.rules:
        if rule not in RULES:
            raise InputError(f"rules {str(rule)[:40]}", "unknown rule", nearest(str(rule), RULES))
    chosen = [rule for chapter in given.chapters for rule in rules_of(chapter, given.rules)]
    outside = [rule for rule in given.rules if rule not in chosen]
    if outside:
        raise InputError(f"rules {outside[0]}", "belongs to none of the chapters", "add its chapter, or leave it out")
    if not chosen:
        raise InputError("chapters", "hold no rule", f"choose of {', '.join(CHAPTERS)}")


def _profile(delivered: Delivery, work: Path, progress: Progress) -> None:
    task = progress.add_task("Checking the snapshot", total=len(delivered.parts))
    profiled = profile.take(delivered, work, lambda table: progress.update(task, advance=1, description=f"Checking {table}"))
    progress.update(task, completed=len(delivered.parts), description="Checked the snapshot")
    (work / profile.FILE).write_text(json.dumps(profiled), "utf-8")


def _check_registers(given: Params, base: Path, work: Path, policy: Policy) -> None:
    """Refuse entries that name a segment or a reason that their rule does not have: that takes the snapshot's columns, and reads no row."""
    entries = accepted.read_accepted(base / given.accepted, RULES) if given.accepted else []
    registered = findings.read_findings(base / given.findings, RULES) if given.findings else []
    if registered or any(entry.scope.segment for entry in entries):
        snapshot = open_snapshot(base / given.snapshot, connect("duckdb"), work)
        audit = Audit(snapshot, policy, settings_of(policy, given.settings))
        refuse_unknown_segments(base / (given.accepted or ""), entries, audit, RULES)
        refuse_unknown_reasons(base / (given.findings or ""), registered, audit)
