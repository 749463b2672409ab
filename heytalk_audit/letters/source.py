"""Where a letter's numbers come from: an audit that is opened now, or a finished run. Both give facts and rules as the letter's audience
may see them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from heytalk_audit.audit import disclosure, fact_disclosure
from heytalk_audit.audit.document import AuditDescription, Results
from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.running.session import Session
from heytalk_audit.vocabulary import Audience


class AnswerSource(Protocol):
    """What answers: unscoped facts and rules, as a run for the same audience has them."""

    @property
    def described(self) -> AuditDescription:
        """What was audited."""

    def fact(self, id: str) -> FactResult | None:
        """A fact; null where the source has none of this name."""

    def rule(self, id: str) -> RuleResult | None:
        """A rule's result; null where the source has none of this id."""


@dataclass(frozen=True)
class OpenAudit:
    """An audit that is opened now: its snapshot is at hand."""

    session: Session

    @property
    def described(self) -> AuditDescription:
        """See `AnswerSource`."""
        return self.session.described

    def fact(self, id: str) -> FactResult | None:
        """See `AnswerSource`."""
        return self.session.shown_fact(self.session.fact(id)) if id in self.session.params.facts else None

    def rule(self, id: str) -> RuleResult | None:
        """See `AnswerSource`."""
        return self.session.shown(self.session.evaluate(id)) if id in self.session.rules else None


class FinishedRun:
    """A finished run that verifies. Its numbers are shown as they are, or with what the letter's audience may not see hidden."""

    def __init__(self, folder: Path, audience: str):
        self._folder, self._audience = folder, audience

    @cached_property
    def _results(self) -> Results:
        where = f"run {self._folder.name}"
        faults = verify_pack(self._folder).faults
        if faults:
            raise InputError(where, f"is not as it was written ({faults[0]})", "name a run that verifies")
        results = results_in(self._folder, where)
        before = results.audit.audience
        if before not in (Audience.INTERNAL, self._audience):
            raise InputError(
                where, f"is for the audience {before}, which sees less", f"name a run for {self._audience} or for internal use"
            )
        return results

    @property
    def described(self) -> AuditDescription:
        """See `AnswerSource`."""
        return self._results.audit

    def fact(self, id: str) -> FactResult | None:
        """See `AnswerSource`."""
        result = next((fact for fact in self._results.facts if fact.id == id), None)
        hides = self.described.audience != self._audience
        return fact_disclosure.of_fact(result, self._audience) if result and hides else result

    def rule(self, id: str) -> RuleResult | None:
        """See `AnswerSource`."""
        result = next((rule for rule in self._results.rules if rule.id == id), None)
        hides = self.described.audience != self._audience
        return disclosure.of_rule(result, self._audience, self._limits) if result and hides else result

    @cached_property
    def _limits(self) -> Limits:
        return Limits.of(self.described.settings)
