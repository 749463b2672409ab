"""What the notebooks call: open an audit from its parameters, evaluate a chapter, show a part of the report.

Within `run`, a private working folder (named by an environment variable, so that no notebook carries a path) holds what chapters share.
Opened on its own, in JupyterLab, a notebook does without: it evaluates what it shows.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from heytalk_audit import accepted, attestations, chain, clauses, findings, follow_up, previous, ratings
from heytalk_audit import params as parameters
from heytalk_audit import results as model
from heytalk_audit.audit import DETECTIONS, Audit, Evaluation, evaluate
from heytalk_audit.chapters import PAGE_OF
from heytalk_audit.chapters import rules_of as _rules_of
from heytalk_audit.detected import summary
from heytalk_audit.engine import connect
from heytalk_audit.errors import InputError
from heytalk_audit.gates import columns_of
from heytalk_audit.policy import load
from heytalk_audit.policy.text import drift, load_text
from heytalk_audit.previous import columns_before
from heytalk_audit.report import followed, pages, policy_pages, registered, suppress
from heytalk_audit.report.html import Fragment
from heytalk_audit.review import read_labels
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import open_snapshot

WORK = "HEYTALK_AUDIT_WORK"
#: Verdicts of rules that were not evaluated.
WITHOUT = ("NOT_EVALUATED", "ERROR")
#: The demo's key is fixed and published: it protects nobody.
DEMO_KEY = "heytalk-audit-demo-key-which-is-published"


def rules_of(chapter: str, wanted: list[str] | None = None) -> list[str]:
    """Ids of a chapter's rules, in order; `wanted` limits them."""
    return _rules_of(chapter, RULES, wanted or ())


class Session:
    """An audit opened from a parameters file: what every notebook begins with."""

    def __init__(self, params: str | Path, overrides: list[str] | None = None):
        path = Path(params)
        self.params = parameters.read(path, overrides)
        self.base = path.resolve().parent
        self.work = Path(os.environ[WORK]) if WORK in os.environ else Path(tempfile.mkdtemp(prefix="heytalk-audit-"))

    @cached_property
    def audit(self) -> Audit:
        """The snapshot, the policy and the settings, opened."""
        policy = load(self.params.policy.name, self.base)
        settings = parameters.settings_of(policy, self.params.settings)
        changed = None
        if self.params.policy.text:
            changed = drift(read_text(self.base / self.params.policy.text), list(policy.clauses.values()))
        engine = connect(self.params.engine.url, self.params.engine.options)
        before = columns_before(self.base / self.params.previous) if self.params.previous else None
        return Audit(open_snapshot(self.base / self.params.snapshot, engine, self.work), policy, settings, changed, before)

    @cached_property
    def key(self) -> bytes:
        """The engagement key."""
        return engagement_key(self.params.report.key_env, self.audit.snapshot.id if WORK not in os.environ else "")

    @cached_property
    def labels(self) -> pd.DataFrame | None:
        """The reviewers' labels, if the parameters name any."""
        return read_labels(self.base / path for path in self.params.labels) if self.params.labels else None

    @cached_property
    def attested(self) -> list[attestations.Attestation]:
        """The attestations, if the parameters name a file of them."""
        asked = self.params.attestations
        return attestations.read(self.base / asked, self.audit.policy, self.audit.clock.today) if asked else []

    @cached_property
    def entries(self) -> list[accepted.Entry]:
        """The entries of the register of accepted exceptions, if the parameters name one."""
        return accepted.read(self.base / self.params.accepted) if self.params.accepted else []

    @cached_property
    def previous(self) -> previous.Run | None:
        """The earlier run, if the parameters name one."""
        return previous.read(self.base / self.params.previous) if self.params.previous else None

    @cached_property
    def findings(self) -> list[findings.Finding]:
        """The register of findings, if the parameters name one."""
        return findings.read(self.base / self.params.findings) if self.params.findings else []

    @cached_property
    def described(self) -> dict[str, Any]:
        """What the audit is, for covers and results.json."""
        asked = self.params.audit
        return model.describe(self.audit, asked.id, asked.title, self.params.report.audience, self.key)

    def evaluate(self, rule: str) -> dict[str, Any]:
        """A rule's result; its exceptions are written beside it. A result that this run already has is read."""
        kept = self.work / "results" / f"{rule}.json"
        if kept.exists():
            return json.loads(kept.read_text("utf-8"))
        evaluation: Evaluation = evaluate(RULES[rule], self.audit)
        coverage = accepted.cover(evaluation, self.entries, self.key, self.audit.clock.today)
        evaluation = accepted.accept(evaluation, coverage, self.audit.settings["unknown_limit"])
        repeated = follow_up.repeated(rule, evaluation.verdict, self.previous)
        result = model.summarise(evaluation, self.audit, self.key, self.labels, coverage.entries, coverage.rows, repeated)
        rows = model.exceptions(evaluation, self.key, coverage.by_row)
        model.write_exceptions(rows, self.work / "exceptions" / f"{rule}.parquet")
        self._keep("accepted", rule, rows["accepted"].to_pylist() if coverage.rows else [])
        self._keep("results", rule, result)
        return result

    @property
    def audience(self) -> str:
        """For whom the report is."""
        return self.params.report.audience

    def shown(self, result: dict[str, Any]) -> dict[str, Any]:
        """A result as this report's audience may see it."""
        return suppress.of_rule(result, self.audience, self.audit.settings["unknown_limit"])

    def _keep(self, what: str, rule: str, value: Any) -> None:
        kept = self.work / what / f"{rule}.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(model.canonical(value))

    def covered(self, rule: str) -> dict[previous.Row, str]:
        """The rows of an evaluated rule that the register covers, and by which entries."""
        rows = self.rows(rule)
        told = [(row["outcome"], row.get("accepted")) for row in rows]
        return {row: by for row, (_, by) in previous.numbered([r["record"] for r in rows], told) if by}

    def rows(self, rule: str) -> list[dict[str, Any]]:
        """The exception rows of an evaluated rule; `accepted` names the entries that cover one, where the register covers any."""
        import pyarrow.parquet as pq

        rows = pq.read_table(self.work / "exceptions" / f"{rule}.parquet").to_pylist()
        marks = json.loads((self.work / "accepted" / f"{rule}.json").read_text("utf-8"))
        return [row | {"accepted": mark} for row, mark in zip(rows, marks, strict=True)] if marks else rows

    @cached_property
    def register(self) -> list[dict[str, Any]]:
        """How each entry of the register stands: the rules of this audit that it names are evaluated, if they are not yet."""
        named = {entry.rule for entry in self.entries}
        chosen = [rule for chapter in self.params.chapters for rule in rules_of(chapter, self.params.rules)]
        found = [self.evaluate(rule) for rule in chosen if rule in named]
        stands = accepted.register(self.entries, found, self.audit.clock.today) if named else []
        return suppress.of_register(stands, self.audience)

    def results(self, chapters: list[str] | None = None) -> list[dict[str, Any]]:
        """The results of these chapters (default: all of the parameters), in order."""
        wanted = chapters or self.params.chapters
        return [self.evaluate(rule) for chapter in wanted for rule in rules_of(chapter, self.params.rules)]


class Chapter:
    """One chapter of the report, evaluated in one call."""

    def __init__(self, name: str, params: str | Path):
        self.name, self.session = name, Session(params)
        self.results = {r["id"]: self.session.shown(r) for r in self.session.results([name])}

    def cover(self) -> Fragment:
        """What was audited, when, against what."""
        return pages.cover(self.session.described)

    def matrix(self) -> Fragment:
        """Every rule of the chapter with its ledger and verdict."""
        return pages.results_matrix(list(self.results.values()))

    def section(self, rule: str) -> Fragment:
        """All that the report says of one rule; nothing where the parameters leave it out."""
        if rule not in self.results:
            return pages.left_out(rule)
        rows = self.session.rows(rule) if self.session.audience == "internal" else []
        return pages.rule_section(self.results[rule], rows, self.session.audience)

    def reliability(self) -> Fragment:
        """What was delivered beside what was said of it, and how far it can be relied on."""
        tables = suppress.of_tables(evidence_of(self.session.audit), self.session.audience)
        return pages.evidence_reliability(tables, list(self.results.values()))

    def detections(self) -> Fragment:
        """What detectors read and found, place by place; nothing where no rule of this audit asked for it."""
        if not any(DETECTIONS in r["tables"] and r["verdict"] not in WITHOUT for r in self.results.values()):
            return pages.left_out("Detectors")
        audit = self.session.audit
        places = summary(audit.detections, audit.snapshot.tables, audit.snapshot.engine)
        return pages.detections(suppress.of_places(places, self.session.audience), audit.examined, self.session.audience)

    def columns(self) -> Fragment:
        """Columns that came and went since the previous audit."""
        audit = self.session.audit
        return pages.columns(columns_of(audit.snapshot.profile), audit.previous)

    def register(self) -> Fragment:
        """The register of accepted exceptions: how each entry stands, and what it covers."""
        return registered.register(self.session.register, self.session.audience)


class Summary:
    """Page 1 and what closes the report: reads results, and evaluates nothing that a chapter has."""

    def __init__(self, params: str | Path):
        self.session = Session(params)
        found = self.session.results()
        # ratings are those of the internal report: by the numbers as they are
        self.areas = ratings.areas(found)
        self.results = [self.session.shown(r) for r in found]
        stands = clauses.results(self.session.audit, self.results, RULES, self.session.attested)
        self.clauses = suppress.of_clauses(stands, self.session.audience)
        (self.session.work / "audit.json").write_bytes(model.canonical(self.session.described))
        (self.session.work / "clauses.json").write_bytes(model.canonical(self.clauses))
        (self.session.work / "register.json").write_bytes(model.canonical(self.session.register))
        # follow-up speaks of single rows and small numbers: it stays inside
        inside = self.session.audience == "internal"
        self.told = chain.follow_up(self.session, found) if inside else None
        self.findings = chain.standings(self.session, found) if inside else []
        (self.session.work / "follow_up.json").write_bytes(model.canonical(self.told))
        (self.session.work / "findings.json").write_bytes(model.canonical(self.findings))
        (self.session.work / "areas.json").write_bytes(model.canonical(self.areas))

    def cover(self) -> Fragment:
        """What was audited, when, against what."""
        return pages.cover(self.session.described)

    def verdicts(self) -> Fragment:
        """Page 1: a verdict and rating per chapter, key findings, what was not evaluated."""
        return pages.verdict_summary(self.results, self.clauses, self.session.audit.policy.findings, self.areas)

    def register(self) -> Fragment:
        """How many accepted exceptions there are, and how many entries of their register are themselves findings."""
        return registered.counted(self.session.register, "evidence" in self.session.params.chapters)

    def matrix(self) -> Fragment:
        """Every rule of the audit with its ledger and verdict."""
        return pages.results_matrix(self.results, PAGE_OF)

    def clause_coverage(self) -> Fragment:
        """A page of its own: every clause, and how it stands."""
        return policy_pages.clause_coverage(self.clauses, self.results, self.session.described)

    def document_findings(self) -> Fragment:
        """A page of its own: findings on the policy document, and the rules that touch the same clauses."""
        return policy_pages.document_findings(self.session.audit.policy.findings, self.clauses, self.session.described)

    def follow_up(self) -> Fragment:
        """A page of its own: what became of the previous audit's findings, and who answers for those of this one."""
        if self.told is None and not (self.session.params.findings and self.session.audience == "internal"):
            return followed.nothing()
        missing = findings.unregistered(self.session.findings, self.results)
        return followed.page(self.told, self.findings, missing, self.results, self.session.described)

    def limits(self) -> Fragment:
        """What the audit does not show, and the words it uses."""
        return pages.limits(self.session.described)


def engagement_key(variable: str, snapshot_id: str = "") -> bytes:
    """The key in the environment; the demo's own where a notebook is opened on a demo snapshot."""
    value = os.environb.get(variable.encode(), b"")
    if not value and snapshot_id.startswith("demo-"):
        return DEMO_KEY.encode()
    if not value:
        raise InputError(f"report.key_env {variable}", "the environment variable is empty or not set", f"export {variable}=...")
    return value


def read_text(path: Path) -> Any:
    """The published text of the policy."""
    try:
        return load_text(path)
    except (OSError, ValueError) as error:
        raise InputError(f"policy.text {path.name}", "cannot be read as UTF-8 text", "name the published text, or null") from error


def evidence_of(audit: Audit) -> list[dict[str, Any]]:
    """Per delivered table: what was counted, what the descriptor says and what the source counted."""
    keys = ("rows", "distinct_users", "min_ts", "max_ts", "control_sum")
    delivery = audit.snapshot.delivery
    tables = []
    for name, found in audit.snapshot.profile.items():
        said = delivery.resource(name)
        tables.append(
            {
                "name": name,
                **{k: found[k] for k in keys},
                "declared": {k: said.get(k) for k in keys},
                "source": {k: delivery.source_totals(name).get(k) for k in keys},
                "window_start": said.get("window_start"),
                "window_end": said.get("window_end"),
                "filtered": bool(str(said.get("filter") or "").strip()),
                "blocked": audit.blocked.get(name),
            }
        )
    return tables
