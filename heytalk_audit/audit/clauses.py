"""Every clause of the policy and how it stands: tested by which rules, attested by whom, or no commitment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.document import ClauseStanding
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy import Clause, Policy
from heytalk_audit.registers.attestations import Attestation, attestation_standings
from heytalk_audit.vocabulary import Verdict

#: What a clause is where only some of the rules that should test it ran, or none.
PARTLY_TESTED, NOT_TESTED = "PARTLY_TESTED", "NOT_TESTED"
#: How a clause that data can test stands, the worst first: as the worst of its rules, in the order of verdicts. A rule that did not run is
#: worse than one whose violations are answered for.
STANDINGS = tuple(
    state for verdict in Verdict for state in ((PARTLY_TESTED, NOT_TESTED, verdict) if verdict == Verdict.ACCEPTED else (verdict,))
)
NO_COMMITMENT = "NO_COMMITMENT"
#: The ids by which the policy's data names findings on the document.
ON_THE_DOCUMENT = "POL-"


def named(clause: Clause, rules: Iterable[str]) -> tuple[set[str], set[str]]:
    """The rules that the policy's data names for a clause: one by one, and by a shorthand (all, SEC-*, PRM-01..05) spelled out."""
    single: set[str] = set()
    spelled_out: set[str] = set()
    ids = set(rules)
    for word in clause.rules:
        row = re.fullmatch(r"([A-Z]+-)(\d+)\.\.(\d+)", word)
        if row:
            spelled_out |= {f"{row[1]}{n:02}" for n in range(int(row[2]), int(row[3]) + 1)}
        elif word == "all" or word.endswith("-*"):
            spelled_out |= {id for id in ids if word == "all" or id.startswith(word[:-1])}
        elif word != "-" and not word.startswith(ON_THE_DOCUMENT):
            single.add(word)
    return single, spelled_out


def findings_on(clause: Clause) -> list[str]:
    """The findings on the document that concern a clause."""
    return [word for word in clause.rules if word.startswith(ON_THE_DOCUMENT)]


def tests_of(policy: Policy, rules: Mapping[str, Rule]) -> dict[str, list[str]]:
    """Per clause that data can test, the rules that should: those that the policy's data names, and those that cite it."""
    cited: dict[str, set[str]] = {}
    for rule in rules.values():
        for clause in rule.clauses:
            cited.setdefault(clause, set()).add(rule.id)
    return {c.id: sorted(set().union(*named(c, rules), cited.get(c.id, set()))) for c in policy.clauses.values() if c.kind == "D"}


def results(
    audit: Audit, of_rules: Sequence[RuleResult], rules: Mapping[str, Rule], attested: Iterable[Attestation] = ()
) -> list[ClauseStanding]:
    """Every clause in the policy's order: `state`, the rules of this run that test it, those that should and did not, its attestation.

    A clause passes only if every rule that should test it ran, and passed. A rule that measures against the law moves no clause.
    """
    ran = {r.id: r for r in of_rules}
    tests, statements = tests_of(audit.policy, rules), attestation_standings(attested, audit.policy, audit.clock.today)
    cited: dict[str, list[str]] = {}
    for r in of_rules:
        for clause in r.clauses:
            cited.setdefault(clause.id, []).append(r.id)
    return [_standing(c, ran, tests.get(c.id, sorted(cited.get(c.id, []))), statements.get(c.id)) for c in audit.policy.clauses.values()]


def _standing(clause: Clause, ran: Mapping[str, RuleResult], tests: Sequence[str], statement: dict[str, Any] | None) -> ClauseStanding:
    state = statement["state"] if statement else _state(ran, tests) if clause.kind == "D" else NO_COMMITMENT
    return ClauseStanding.model_validate(
        {
            "id": clause.id,
            "section": clause.section,
            "line": clause.line,
            "class": clause.kind,
            "paraphrase": clause.paraphrase,
            "anchor": clause.anchor,
            "state": state,
            "rules": [{"id": id, "verdict": ran[id].verdict} for id in tests if id in ran],
            "not_run": [id for id in tests if id not in ran] if clause.kind == "D" else [],
            "findings": findings_on(clause),
            "attestation": statement,
        }
    )


def _state(ran: Mapping[str, RuleResult], tests: Sequence[str]) -> str:
    verdicts: set[str] = {ran[id].verdict for id in tests if id in ran and ran[id].basis != "law"}
    if not verdicts:
        return NOT_TESTED
    if any(id not in ran for id in tests):
        verdicts.add(PARTLY_TESTED)
    return next(state for state in STANDINGS if state in verdicts)
