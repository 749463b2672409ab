"""The audit at hand beside the previous one, before its folder is made: it is compared as a recorded run would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heytalk_audit.evidence.folder import CARRIED
from heytalk_audit.evidence.materials import materials, parameters_of
from heytalk_audit.follow_up import standings
from heytalk_audit.follow_up.compare import Compared, Sides, compare_rule, resolved_earlier, same_key
from heytalk_audit.follow_up.counterfactual import Lab, open_old
from heytalk_audit.follow_up.earlier import Row, Run, numbered
from heytalk_audit.follow_up.history import Followed, history, marks, write
from heytalk_audit.running.session import PREVIOUS_SNAPSHOT, Session
from heytalk_audit.vocabulary import Outcome


@dataclass(frozen=True)
class FollowUp:
    """What results.json says of the previous run (null without one), how the register of findings stands, and what the next run needs.

    `carried` are rows for the next run; null where there is nothing to carry.
    """

    document: dict[str, Any] | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    carried: list[dict[str, Any]] | None = None

    def write(self, work: Path) -> None:
        """Leave what the next run needs in the working folder, where there is anything."""
        if self.carried is not None:
            write(self.carried, work / CARRIED)


def follow_up(session: Session, results: list[dict[str, Any]]) -> FollowUp:
    """The follow-up of the audit at hand, of which these are the results for internal use."""
    covered = {r["id"]: session.covered(r["id"]) for r in results}
    as_of, today = session.described["as_of"], session.audit.clock.today
    audits = history(session.previous) if session.previous else []
    findings = standings.standings(session.findings, results, audits, as_of, today)
    if session.previous is None:
        rows = [row for rule, covering in covered.items() for row in marks(rule, covering, as_of)]
        return FollowUp(None, findings, rows or None)
    followed = _followed(session, session.previous, results, covered)
    return FollowUp(followed.document(), findings, followed.carried())


def _followed(session: Session, old: Run, results: list[dict[str, Any]], covered: dict[str, dict[Row, str]]) -> Followed:
    new = as_run(session, results)
    lab = _lab(session, old) if same_key(old, new) else None
    rules = dict.fromkeys([*new.rules, *old.rules])
    compared = tuple(_rule(rule, old, new, session, covered.get(rule, {}), lab) for rule in rules)
    return Followed(old, results, compared, covered, session.described["as_of"], new.audit["key_fingerprint"])


def as_run(session: Session, results: list[dict[str, Any]]) -> Run:
    """The audit at hand as a run: what it was asked, what it depends on, what it found."""
    audit, given = session.audit, session.params
    build = {
        "externalParameters": parameters_of(given, audit.policy),
        "resolvedDependencies": materials(given, session.base, audit.policy, audit.snapshot.profile),
    }
    return Run(session.work, "", {"predicate": {"buildDefinition": build}}, {"audit": session.described, "rules": results})


def _lab(session: Session, old: Run) -> Lab:
    snapshot, audit = None, session.audit
    if session.params.previous_snapshot:
        snapshot = open_old(session.base / session.params.previous_snapshot, old, session.work / PREVIOUS_SNAPSHOT)
    return Lab(old, audit.policy, session.params.settings, session.key, snapshot, audit.snapshot)


def _rule(rule: str, old: Run, new: Run, session: Session, covered: dict[Row, str], lab: Lab | None) -> Compared:
    if lab is None:
        verdicts = (old.verdict(rule), new.verdict(rule))
        return Compared(rule, verdicts, ())
    before = old.open_rows(rule) if old.tests(rule) else None
    now = _open_rows(session, rule) if new.tests(rule) else None
    sides = Sides(before, now, old.accepted(rule), covered, resolved_earlier(old, rule))
    return compare_rule(rule, old, new, sides, lab)


def _open_rows(session: Session, rule: str) -> dict[Row, str]:
    rows = session.rows(rule)
    numbered_rows = numbered([r["record"] for r in rows], [r["outcome"] for r in rows])
    return {row: outcome for row, outcome in numbered_rows if Outcome(outcome).is_open}
