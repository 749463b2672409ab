"""A rule's result as reports and `results.json` have it: typed, made of aggregates and pseudonyms alone.

A count is null where it is hidden from the report's audience; `suppressed` then names it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from heytalk_audit.vocabulary import Limit, Outcome, Severity, Verdict

Count = int | None


class Document(BaseModel):
    """A part of the results: nothing in it changes, and it holds nothing that its model does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def plain(self) -> dict[str, Any]:
        """The document as it is written."""
        return self.model_dump(mode="json", by_alias=True)


class Ledger(Document):
    """The population, counted: `in_scope` is the sum of all outcomes."""

    in_scope: Count
    passed: Count = Field(alias="pass")
    violation: Count
    review: Count
    unknown: Count
    exempt: Count
    excluded: Count

    def __getitem__(self, outcome: str) -> Count:
        """The rows of an outcome."""
        count: Count = getattr(self, "passed" if outcome == Outcome.PASS else str(outcome))
        return count

    @property
    def tested(self) -> Count:
        """The rows in scope without those of test accounts."""
        return None if self.in_scope is None or self.excluded is None else self.in_scope - self.excluded


class OutcomeCounts(Document):
    """Something counted by open outcome."""

    violation: Count
    review: Count
    unknown: Count
    exempt: Count

    def __getitem__(self, outcome: str) -> Count:
        count: Count = getattr(self, str(outcome))
        return count


class Subjects(OutcomeCounts):
    """The people whom open rows are about; those with a violation or a review by law region and age band."""

    by_region: dict[str, Count]
    by_age: dict[str, Count]


class ReasonCount(Document):
    """The rows of one outcome and reason, and the people whom they are about; what the reason says, what to do next about it, and the names
    of the assumed numbers that the rows rest on."""

    outcome: Outcome
    reason: str | None
    rows: Count
    people: Count
    says: str = ""
    next: str | None = None
    assumptions: tuple[str, ...] = ()


class DueDays(Document):
    """The first and the last day on which violations fell due."""

    first: str
    last: str


class BreakdownRow(OutcomeCounts):
    """The open rows that have one value of a breakdown."""

    value: str


class Figure(Document):
    """A number beside the ledger."""

    label: str
    value: int | float | str | None


class SampleReview(Document):
    """What two reviewers made of a sample, and the exact interval of the share that they found right."""

    yes: Count
    no: Count
    undecided: Count
    agreement: float | None
    kappa: float | None
    low: float | None
    high: float | None
    stated: str


class SampleResult(Document):
    """What was drawn for people to read, and what they made of it; null where nobody has labelled it."""

    of: str
    frame_size: Count
    drawn: Count
    records: tuple[str, ...]
    review: SampleReview | None


class NumberRead(Document):
    """A number of the policy, or a setting, that the rule read."""

    name: str
    value: Any
    unit: str
    clause: str | None
    origin: str
    means: str


class MethodStep(Document):
    """A condition of the rule in words: the outcome and reason of a row where it holds, and none before it."""

    outcome: Outcome
    reason: str | None
    when: str


class ClauseCited(Document):
    """A clause of the policy that the rule tests."""

    id: str
    section: str
    line: int
    anchor: str
    paraphrase: str


class Point(Document):
    """Rows of one month in one panel of a drawing over time, and the people beside them."""

    panel: str
    month: str
    passed: int = Field(alias="pass")
    violation: int
    review: int
    unknown: int
    exempt: int
    people: int

    def __getitem__(self, name: str) -> int:
        count: int = getattr(self, "passed" if name == Outcome.PASS else str(name))
        return count


class OverTimeResult(Document):
    """What is drawn month by month; `words` are for what is counted."""

    words: dict[str, str]
    points: tuple[Point, ...]


class EntryStanding(Document):
    """An entry of the register of accepted exceptions: how it stands, the violations that it is for, and those that it covers."""

    id: str
    rule: str
    scope: dict[str, Any]
    legal_ground: str
    reason: str
    owner: str
    approver: str
    start: str
    expiry: str
    cap: Count
    register_date: str | None
    state: str
    matched: Count
    covered: Count


class DecisionStanding(Document):
    """An entry of the register of decisions: how it stands, the rows for review that it is on, and those that it closes."""

    id: str
    rule: str
    scope: dict[str, Any]
    decision: str | None
    ground: str
    decided_by: str
    confirmed_by: str
    decided_on: str
    evidence: str | None
    evidence_sha256: str | None
    max_rows: Count
    state: str
    matched: Count
    closed: Count


class DecidedRows(Document):
    """The rows for review by what people decided of them."""

    breach: Count
    no_breach: Count
    open: Count


class FaultPlace(Document):
    """A rule's own fault: the exception's type, and where it arose. Never its message, which may quote data."""

    type: str
    file: str
    line: int


class FrameworkId(Document):
    """An id of a framework that a rule bears on: `framework` is its short name, `name` its own, `title` what the id is about."""

    framework: str
    name: str
    id: str
    title: str


class RuleResult(Document):
    """Everything that a report says of one rule.

    The `assumptions` are what its rows rest on that is not the policy's nor the law's; so many violations as `assumed` says rest on one.
    """

    id: str
    title: str
    family: str
    severity: Severity
    basis: Literal["policy", "law", "evidence"]
    verdict: Verdict
    reason: str | None
    blocked_by: tuple[str, ...] = ()
    limited_by: tuple[Limit, ...] = ()
    fault: FaultPlace | None = None
    ledger: Ledger
    accepted: Count
    decided: DecidedRows | None = None
    decisions: tuple[DecisionStanding, ...] = ()
    entries: tuple[EntryStanding, ...]
    subjects: Subjects
    reasons: tuple[ReasonCount, ...]
    ageing: dict[str, int]
    due: DueDays | None = None
    breakdowns: dict[str, tuple[BreakdownRow, ...]]
    over_time: OverTimeResult | None
    figures: tuple[Figure, ...]
    samples: tuple[SampleResult, ...]
    numbers: tuple[NumberRead, ...]
    clauses: tuple[ClauseCited, ...]
    tables: tuple[str, ...]
    promise: str
    method: str
    steps: tuple[MethodStep, ...] = ()
    law: tuple[str, ...]
    dpv: tuple[str, ...]
    frameworks: tuple[FrameworkId, ...] = ()
    limits: str
    effect: str
    recommendation: str
    rate: float | None
    finding_severity: Severity | None
    repeated: bool
    assumptions: tuple[str, ...]
    assumed: Count = None
    source: str
    sql: str
    suppressed: tuple[str, ...] = ()

    def with_(self, **changed: Any) -> RuleResult:
        """The result with some parts changed."""
        return self.model_copy(update=changed)
