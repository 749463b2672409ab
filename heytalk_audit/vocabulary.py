"""The words of an audit, each spelled once: outcomes of rows, verdicts of rules, severities, ratings, audiences, kinds of values.

Each enumeration is in order: `rank` is a member's place in it. For JSON, Arrow and pandas a member is its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, Self, get_args


class Ordered(StrEnum):
    """A closed list of words whose order means something: the members stand in that order."""

    @property
    def rank(self) -> int:
        """The member's place in the order, from 0."""
        return list(type(self)).index(self)

    @classmethod
    def first_of(cls, words: Iterable[str]) -> Self | None:
        """The first member, in order, that is among these words; null where none is."""
        there = set(words)
        return next((member for member in cls if member in there), None)


class Outcome(Ordered):
    """What came of one row of a rule's population, in the order in which reports list them."""

    PASS = "pass"
    VIOLATION = "violation"
    REVIEW = "review"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"
    EXCLUDED = "excluded"

    @property
    def is_open(self) -> bool:
        """Whether reports list the row as not settled: any outcome but pass and excluded."""
        return self not in (Outcome.PASS, Outcome.EXCLUDED)


class Verdict(Ordered):
    """What came of a rule, the worst first."""

    FAIL = "FAIL"
    ERROR = "ERROR"
    REVIEW = "REVIEW"
    NOT_EVALUATED = "NOT_EVALUATED"
    NO_POPULATION = "NO_POPULATION"
    ACCEPTED = "ACCEPTED"
    PASS = "PASS"

    @property
    def is_open(self) -> bool:
        """Whether the audit could not settle the rule: the exit status is 3 then, unless the verdict is let through."""
        return self in (Verdict.REVIEW, Verdict.NOT_EVALUATED, Verdict.NO_POPULATION, Verdict.ERROR)

    @property
    def is_tested(self) -> bool:
        """Whether the rule was evaluated: only then does its ledger say anything of rows."""
        return self not in (Verdict.NOT_EVALUATED, Verdict.ERROR)


class Limit(Ordered):
    """What limits the evidence of a rule that was evaluated, whatever its verdict."""

    UNKNOWN = "unknown_limit"
    EXEMPT = "exempt_limit"
    EXCLUDED = "excluded_limit"
    COVERAGE = "coverage"


class Severity(Ordered):
    """How grave a broken rule is, the gravest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def is_weighty(self) -> bool:
        """Whether rules of this severity decide the rating of their area."""
        return self in (Severity.CRITICAL, Severity.HIGH)

    def moved(self, steps: int) -> Severity:
        """The severity so many steps lower (higher, where negative), within the scale."""
        scale = list(Severity)
        return scale[min(max(self.rank + steps, 0), len(scale) - 1)]


class Rating(Ordered):
    """How an area of the audit is rated: the first whose criterion holds (see `audit.rating`)."""

    NO_RATING = "No rating"
    VERY_LIMITED = "Very limited"
    LIMITED = "Limited"
    REASONABLE = "Reasonable"
    HIGH = "High"


class Ground(StrEnum):
    """Why an area has its rating."""

    CRITICAL_NOT_TESTED = "critical_not_tested"
    TOO_FEW_TESTED = "too_few_tested"
    CRITICAL_OFTEN = "critical_often"
    CRITICAL_FAILS = "critical_fails"
    HIGH_OFTEN = "high_often"
    CONTROL_TOTALS = "control_totals"
    HIGH_NOT_TESTED = "high_not_tested"
    MOSTLY_OPEN = "mostly_open"
    HIGH_FAILS = "high_fails"
    SOME_OPEN = "some_open"
    NOTHING_FOUND = "nothing_found"


class Audience(Ordered):
    """For whom a report is, the innermost first: the further out, the less it shows."""

    INTERNAL = "internal"
    REGULATOR = "regulator"
    PUBLIC = "public"


#: The outcomes of rows that are open, in order: they are what exception rows, breakdowns and follow-up are about.
OPEN_OUTCOMES = tuple(outcome for outcome in Outcome if outcome.is_open)

#: Kinds of values that the detectors find in texts. Of two findings at one place the more confident is kept, then the first of these.
ValueKind = Literal[
    "email",
    "iban",
    "cn_id",
    "card",
    "tr_id",
    "es_id",
    "secret",
    "url",
    "ad_id",
    "digest",
    "mac",
    "ip",
    "gps",
    "imei",
    "us_ssn",
    "bank_account",
    "password",
    "phone",
]
KINDS: tuple[str, ...] = get_args(ValueKind)
