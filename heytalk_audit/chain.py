"""The follow-up of the audit at hand: it as a run that can be compared with the previous one, before its folder is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heytalk_audit import findings, inputs
from heytalk_audit.compare import Compared, Sides, compare_rule, resolved_earlier, same_key
from heytalk_audit.counterfactual import Lab, open_old
from heytalk_audit.follow_up import Followed, history, marks, write
from heytalk_audit.previous import CARRIED_FILE, OPEN, Row, Run, numbered

if TYPE_CHECKING:
    from heytalk_audit.notebook import Session

#: Where, in a run's working folder, what is derived from the previous snapshot is kept.
EARLIER = "previous"


def follow_up(session: Session, results: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What results.json says of the previous run, null without one; what is carried for the next run is written beside it."""
    covered = {r["id"]: session.covered(r["id"]) for r in results}
    file, as_of = session.work / CARRIED_FILE, session.described["as_of"]
    if session.previous is None:
        if any(covered.values()):
            write([row for rule, rows in covered.items() for row in marks(rule, rows, as_of)], file)
        return None
    old, new = session.previous, as_run(session, results)
    rules = list(dict.fromkeys([*new.rules, *old.rules]))
    lab = _lab(session) if same_key(old, new) else None
    compared = tuple(_rule(r, old, new, session, covered.get(r, {}), lab) for r in rules)
    found = Followed(old, results, compared, covered, as_of, new.audit["key_fingerprint"])
    write(found.carried(), file)
    return found.document()


def as_run(session: Session, results: list[dict[str, Any]]) -> Run:
    """The audit at hand as a run: what it was asked, what it depends on, what it found."""
    audit, given = session.audit, session.params
    build = {
        "externalParameters": inputs.asked(given, audit.policy),
        "resolvedDependencies": inputs.materials(given, session.base, audit.policy, audit.snapshot.profile),
    }
    return Run(session.work, "", {"predicate": {"buildDefinition": build}}, {"audit": session.described, "rules": results})


def _lab(session: Session) -> Lab:
    audit, earlier = session.audit, None
    if session.params.previous_snapshot:
        earlier = open_old(session.base / session.params.previous_snapshot, session.previous, session.work / EARLIER)
    return Lab(session.previous, audit.policy, session.params.settings, session.key, earlier, audit.snapshot)


def _rule(rule: str, old: Run, new: Run, session: Session, covered: dict[Row, str], lab: Lab | None) -> Compared:
    verdicts = tuple(run.rules[rule]["verdict"] if rule in run.rules else None for run in (old, new))
    if lab is None:
        return Compared(rule, verdicts, ())
    before = old.open_rows(rule) if old.tests(rule) else None
    now = _open_rows(session, rule) if new.tests(rule) else None
    sides = Sides(before, now, old.accepted(rule), covered, resolved_earlier(old, rule))
    return compare_rule(rule, old, new, sides, lab)


def _open_rows(session: Session, rule: str) -> dict[Row, str]:
    rows = session.rows(rule)
    return {row: o for row, o in numbered([r["record"] for r in rows], [r["outcome"] for r in rows]) if o in OPEN}


def standings(session: Session, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How each entry of the register of findings stands."""
    told = history(session.previous) if session.previous else []
    return findings.standings(session.findings, results, told, session.described["as_of"], session.audit.clock.today)
