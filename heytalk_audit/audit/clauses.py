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

#: How a clause stands that rules test or touch, the worst first.
BROKEN, PARTLY, UNDECIDED, NOT_TESTED, KEPT = STANDINGS = ("BROKEN", "PARTLY", "UNDECIDED", "NOT_TESTED", "KEPT")
NO_COMMITMENT = "NO_COMMITMENT"
#: The class of clauses that promise nothing.
NONE = "N"
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
    """Per clause the rules that test it or touch it: those that the policy's data names, and those that cite it.

    A rule that measures against the law moves no clause, and one without a commitment has none to keep.
    """
    moving = {rule.id: rule for rule in rules.values() if rule.basis != "law"}
    cited: dict[str, set[str]] = {}
    for rule in moving.values():
        for clause in rule.clauses:
            cited.setdefault(clause, set()).add(rule.id)
    of_law = rules.keys() - moving.keys()
    return {
        c.id: sorted(set().union(*named(c, moving), cited.get(c.id, set())) - of_law) for c in policy.clauses.values() if c.kind != NONE
    }


def results(
    audit: Audit, of_rules: Sequence[RuleResult], rules: Mapping[str, Rule], attested: Iterable[Attestation] = ()
) -> list[ClauseStanding]:
    """Every clause in the policy's order: `state`, the rules of this run that test or touch it, those that did not run, its attestation.

    A clause is kept only if every rule that tests or touches it ran, and passed; where there is none, it stands as people attest it.
    """
    ran = {r.id: r for r in of_rules}
    tests, statements = tests_of(audit.policy, rules), attestation_standings(attested, audit.policy, audit.clock.today)
    listed: dict[str, list[str]] = {}
    for r in of_rules:
        for clause in r.clauses:
            listed.setdefault(clause.id, []).append(r.id)
    return [_standing(c, ran, tests.get(c.id, []), listed.get(c.id, []), statements.get(c.id)) for c in audit.policy.clauses.values()]


def _standing(
    clause: Clause, ran: Mapping[str, RuleResult], tests: Sequence[str], listed: Sequence[str], statement: dict[str, Any] | None
) -> ClauseStanding:
    shown = sorted({*tests, *listed} & ran.keys())
    return ClauseStanding.model_validate(
        {
            "id": clause.id,
            "section": clause.section,
            "line": clause.line,
            "class": clause.kind,
            "paraphrase": clause.paraphrase,
            "anchor": clause.anchor,
            "state": _state(clause, ran, tests, statement),
            "rules": [{"id": id, "verdict": ran[id].verdict, "primary": id in clause.primary} for id in shown],
            "not_run": [id for id in tests if id not in ran],
            "findings": findings_on(clause),
            "attestation": statement,
        }
    )


def _state(clause: Clause, ran: Mapping[str, RuleResult], tests: Sequence[str], statement: dict[str, Any] | None) -> str:
    if clause.kind == NONE:
        return NO_COMMITMENT
    if not tests:
        return str(statement["state"]) if statement else NOT_TESTED
    verdicts = {id: ran[id].verdict if id in ran else Verdict.NOT_EVALUATED for id in tests}
    broken = [id for id, verdict in verdicts.items() if verdict in (Verdict.FAIL, Verdict.ACCEPTED)]
    if broken:
        return BROKEN if set(broken) & set(clause.primary) else PARTLY
    if Verdict.REVIEW in verdicts.values():
        return UNDECIDED
    return KEPT if set(verdicts.values()) == {Verdict.PASS} else NOT_TESTED
