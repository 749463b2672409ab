"""The audit at hand beside the previous one, before its folder is made: it is compared as a recorded run would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heytalk_audit.audit.document import FindingStanding, FollowUpDocument
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.disk.working import working_folder
from heytalk_audit.evidence.folder import CARRIED
from heytalk_audit.evidence.materials import materials, parameters_of
from heytalk_audit.follow_up import standings
from heytalk_audit.follow_up.compare import Comparison, compare_runs, compare_verdicts, same_key
from heytalk_audit.follow_up.counterfactual import Lab, open_old
from heytalk_audit.follow_up.earlier import RuleRows, Run
from heytalk_audit.follow_up.history import Followed, audits_before, marks, write_carried
from heytalk_audit.running.session import PREVIOUS_SNAPSHOT, Session
from heytalk_audit.snapshot.engines import connect


@dataclass(frozen=True)
class FollowUp:
    """What results.json says of the previous run (null without one), and how the register of findings stands."""

    document: FollowUpDocument | None = None
    findings: list[FindingStanding] = field(default_factory=list)


def follow_up(session: Session, results: list[RuleResult]) -> FollowUp:
    """The follow-up of the audit at hand, of which these are the results for internal use.

    What the next run needs of single rows is left in the working folder, where there is anything.
    """
    covered = {result.id: file for result in results if (file := session.covered_rows(result.id)) is not None}
    as_of, today = session.described.as_of, session.audit.clock.today
    audits = audits_before(session.previous) if session.previous else []
    findings = standings.standings(session.findings, results, audits, as_of, today)
    if session.previous is not None:
        return FollowUp(_followed(session, session.previous, results, covered), findings)
    if covered:
        write_carried(session.reader, marks(covered, as_of), session.work / CARRIED)
    return FollowUp(None, findings)


def _followed(session: Session, old: Run, results: list[RuleResult], covered: Mapping[str, Path]) -> FollowUpDocument:
    """What results.json says of the previous run; the rows for the next one are written."""
    new = as_run(session, results)
    with working_folder(session.work) as folder:
        comparison = _compared(session, old, new, folder)
        followed = Followed(old, results, comparison, covered, new.audit.as_of, bool(same_key(old, new, session.key)))
        write_carried(session.reader, followed.carried(), session.work / CARRIED)
        return followed.document()


def _compared(session: Session, old: Run, new: Run, folder: Path) -> Comparison:
    rules = list(dict.fromkeys([*new.rules, *old.rules]))
    if not same_key(old, new, session.key):
        return compare_verdicts(rules, old, new, session.reader)
    now = (
        RuleRows(rule, session.rows_of(rule), fates=session.fates_of(rule)) if new.finds(rule) else RuleRows(rule, None) for rule in rules
    )
    return compare_runs(old, new, now, _lab(session, old, folder), session.reader, folder)


def as_run(session: Session, results: list[RuleResult]) -> Run:
    """The audit at hand as a run: its parameters, what it depends on, and its results. It has no evidence yet."""
    audit, params = session.audit, session.params
    build = {
        "externalParameters": parameters_of(params, audit.policy),
        "resolvedDependencies": materials(params, session.base, audit.policy, audit.snapshot.profile),
    }
    statement = {"predicate": {"buildDefinition": build}}
    return Run(session.work, "", statement, session.described, {result.id: result for result in results})


def _lab(session: Session, old: Run, folder: Path) -> Lab:
    snapshot, audit = None, session.audit
    if session.params.previous_snapshot:
        engine = connect("duckdb", session.duckdb_options)
        snapshot = open_old(session.base / session.params.previous_snapshot, old, session.work / PREVIOUS_SNAPSHOT, engine)
    return Lab(old, audit.policy, session.params.settings, session.key, folder / "lab", snapshot, audit.snapshot)
