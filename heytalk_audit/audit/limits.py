"""How much of a population may be undecided, excused or left out before a rule's PASS no longer says anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heytalk_audit.policy import load_policy
from heytalk_audit.vocabulary import Limit, Outcome

#: So many rows of test accounts are few, whatever their share.
FEW_EXCLUDED = 5


@dataclass(frozen=True)
class Limits:
    """The shares above which rows that were not decided, or were excused or left out, keep a rule from a PASS."""

    unknown: float
    exempt: float
    excluded: float

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Limits:
        """The limits that an audit's settings give."""
        return cls(settings["unknown_limit"], settings["exempt_limit"], settings["test_share"])

    @classmethod
    def usual(cls) -> Limits:
        """The limits by default."""
        return cls.of({name: setting.value for name, setting in load_policy().settings.items()})

    def exceeded(self, ledger: Mapping[str, int]) -> dict[Limit, str]:
        """The limits that a ledger exceeds, each with a sentence."""
        in_scope, excluded = ledger["in_scope"], ledger[Outcome.EXCLUDED]
        tested = in_scope - excluded
        sentences = {
            Limit.UNKNOWN: (
                ledger[Outcome.UNKNOWN] > self.unknown * tested,
                f"unknown rows are above the limit of {100 * self.unknown:g} %",
            ),
            Limit.EXEMPT: (
                ledger[Outcome.EXEMPT] > self.exempt * tested,
                f"rows excused by holds are above the limit of {100 * self.exempt:g} %",
            ),
            Limit.EXCLUDED: (
                excluded > self.excluded * in_scope and excluded > FEW_EXCLUDED,
                f"rows of test accounts are above the limit of {100 * self.excluded:g} %",
            ),
        }
        return {limit: sentence for limit, (holds, sentence) in sentences.items() if holds}


@dataclass(frozen=True)
class Decided:
    """Rows for review that people have decided: how many are a breach, how many are none."""

    breach: int = 0
    no_breach: int = 0

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.breach + self.no_breach
