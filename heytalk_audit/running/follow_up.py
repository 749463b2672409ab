"""The audit at hand beside the previous one, before its folder is made: it is compared as a recorded run would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from heytalk_audit.audit.document import FindingStanding, FollowUpDocument
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.evidence.folder import CARRIED
from heytalk_audit.evidence.materials import materials, parameters_of
from heytalk_audit.follow_up import standings
from heytalk_audit.follow_up.compare import OpenRowsOfTwoRuns, compare_rule, compare_verdicts, resolved_earlier, same_key
from heytalk_audit.follow_up.counterfactual import Lab, open_old
from heytalk_audit.follow_up.earlier import CarriedRow, Row, Run, open_rows
from heytalk_audit.follow_up.history import Followed, audits_before, marks, write_carried
from heytalk_audit.running.session import PREVIOUS_SNAPSHOT, Session
from heytalk_audit.snapshot.engines import connect


@dataclass(frozen=True)
class FollowUp:
    """What results.json says of the previous run (null without one), how the register of findings stands, and what the next run needs.

    `carried` are rows for the next run; null where there is nothing to carry.
    """

    document: FollowUpDocument | None = None
    findings: list[FindingStanding] = field(default_factory=list)
    carried: list[CarriedRow] | None = None

    def write(self, work: Path) -> None:
        """Leave what the next run needs in the working folder, where there is anything."""
        if self.carried is not None:
            write_carried(self.carried, work / CARRIED)


def follow_up(session: Session, results: list[RuleResult]) -> FollowUp:
    """The follow-up of the audit at hand, of which these are the results for internal use."""
    covered = {result.id: session.covered(result.id) for result in results}
    as_of, today = session.described.as_of, session.audit.clock.today
    audits = audits_before(session.previous) if session.previous else []
    findings = standings.standings(session.findings, results, audits, as_of, today)
    if session.previous is None:
        rows = [row for rule, covering in covered.items() for row in marks(rule, covering, as_of)]
        return FollowUp(None, findings, rows or None)
    followed = _followed(session, session.previous, results, covered)
    return FollowUp(followed.document(), findings, followed.carried())


def _followed(session: Session, old: Run, results: list[RuleResult], covered: dict[str, dict[Row, str]]) -> Followed:
    new = as_run(session, results)
    rules = list(dict.fromkeys([*new.rules, *old.rules]))
    if same_key(old, new):
        lab = _lab(session, old)
        compared = [compare_rule(rule, old, new, _sides(rule, old, new, session, covered.get(rule, {})), lab) for rule in rules]
    else:
        compared = [compare_verdicts(rule, old, new) for rule in rules]
    return Followed(old, results, tuple(compared), covered, new.audit.as_of, new.audit.key_fingerprint)


def as_run(session: Session, results: list[RuleResult]) -> Run:
    """The audit at hand as a run: its parameters, what it depends on, and its results. It has no evidence yet."""
    audit, params = session.audit, session.params
    build = {
        "externalParameters": parameters_of(params, audit.policy),
        "resolvedDependencies": materials(params, session.base, audit.policy, audit.snapshot.profile),
    }
    statement = {"predicate": {"buildDefinition": build}}
    return Run(session.work, "", statement, session.described, {result.id: result for result in results})


def _lab(session: Session, old: Run) -> Lab:
    snapshot, audit = None, session.audit
    if session.params.previous_snapshot:
        engine = connect("duckdb", session.duckdb_options)
        snapshot = open_old(session.base / session.params.previous_snapshot, old, session.work / PREVIOUS_SNAPSHOT, engine)
    return Lab(old, audit.policy, session.params.settings, session.key, snapshot, audit.snapshot)


def _sides(rule: str, old: Run, new: Run, session: Session, covered: dict[Row, str]) -> OpenRowsOfTwoRuns:
    """What the recorded run and the audit at hand say of a rule's rows."""
    before = old.open_rows(rule) if old.tests(rule) else None
    now = _open_rows(session, rule) if new.tests(rule) else None
    return OpenRowsOfTwoRuns(before, now, old.accepted(rule), covered, resolved_earlier(old, rule))


def _open_rows(session: Session, rule: str) -> dict[Row, str]:
    rows = session.rows(rule)
    return open_rows([row["record"] for row in rows], [row["outcome"] for row in rows])
