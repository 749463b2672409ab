"""`results.json`: the results of an audit as one typed document. Its JSON schema is published (docs/results.schema.json).

`FORMAT` changes with the shape of the document. Documents of earlier formats are read as well: `upgraded` brings them to this one.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.audit.pseudonym import is_key_of
from heytalk_audit.audit.rule_result import Count, DecisionStanding, Document, EntryStanding, RuleResult
from heytalk_audit.canonical import canonical
from heytalk_audit.vocabulary import Audience, Ground, Rating, Verdict

FORMAT: Literal[3] = 3


class Period(Document):
    """The audit's period: its first and its last day."""

    first: str = Field(alias="from")
    last: str = Field(alias="to")


class SnapshotDescription(Document):
    """The snapshot that was audited."""

    id: str
    sha256: str
    extracted_at: str | None
    producer: str | None
    source_system: str | None


class StatedNumber(Document):
    """A number as the policy states it."""

    value: int | float
    unit: str
    clause: str | None
    origin: str


class PolicyDescription(Document):
    """The policy that the snapshot was audited against."""

    name: str
    title: str
    version: str
    sha256: str
    text_sha256: str
    text_compared: bool
    periods: dict[str, StatedNumber]


class ToolDescription(Document):
    """What made the results."""

    name: str
    version: str
    code_sha256: str


class Suppression(Document):
    """What a report for readers outside leaves out."""

    below: int
    numbers: str
    rows: str
    names: str


class AuditDescription(Document):
    """What the audit was: everything that its results depend on, and nothing of the machine that it ran on."""

    id: str
    title: str
    partial: str | None = None
    as_of: str
    audit_tz: str
    period: Period
    snapshot: SnapshotDescription
    policy: PolicyDescription
    tool: ToolDescription
    key_check: str | None = Field(pattern="^[0-9a-f]{32}$")
    key_fingerprint: str | None = Field(default=None, exclude=True)  # of earlier formats, which have no `key_check`
    audience: Audience
    columns: dict[str, tuple[str, ...]]
    settings: dict[str, Any]
    settings_changed: dict[str, Any]
    suppression: Suppression | None = None

    def is_made_with(self, key: bytes) -> bool:
        """Whether this is the key of the audit's pseudonyms."""
        return is_key_of(key, self.key_check, self.key_fingerprint)

    def has_key_of(self, other: AuditDescription, key: bytes | None) -> bool | None:
        """Whether two audits have one key; null where that can't be known, as their formats differ and the key is not at hand."""
        if (self.key_check is None) == (other.key_check is None):
            return (self.key_check, self.key_fingerprint) == (other.key_check, other.key_fingerprint)
        return None if key is None else self.is_made_with(key) and other.is_made_with(key)


class AreaRating(Document):
    """A chapter of the audit, its worst verdict and its rating; without one, the best that the rules allow that were tested.

    `ground` is why it has that rating, `deciding` are the rules that decided it, the gravest first; null and empty in runs of old.
    """

    name: str
    title: str
    verdict: Verdict
    rating: Rating
    at_best: Rating | None = None
    ground: Ground | None = None
    deciding: tuple[str, ...] = ()


class RuleVerdict(Document):
    """A rule by its id, and its verdict; `primary` says that it tests the clause's very sentence, where others touch it."""

    id: str
    verdict: Verdict
    primary: bool = False


class ClauseAttestation(Document):
    """What was stated of a clause that no data can test, by whom, and until when it holds; all null where nobody stated anything."""

    state: str
    who: str | None
    role: str | None
    what: str | None
    date: str | None
    evidence: str | None
    evidence_sha256: str | None
    expires: str | None


class ClauseStanding(Document):
    """A clause of the policy and how it stands."""

    id: str
    section: str
    line: int
    kind: Literal["D", "A", "N"] = Field(alias="class")
    paraphrase: str
    anchor: str
    state: str
    rules: tuple[RuleVerdict, ...]
    not_run: tuple[str, ...]
    findings: tuple[str, ...]
    attestation: ClauseAttestation | None = None


class FindingStanding(Document):
    """An entry of the register of findings after an audit: what its owner states, and what the test says."""

    key: str
    rule: str
    owner: str | None
    due: str | None
    response: str | None
    text: str | None
    status: str
    state: str
    rows: int
    first_seen: str | None
    age_days: int | None
    days_overdue: int | None
    times: int


class PreviousAudit(Document):
    """The audit that this one follows up."""

    id: str
    as_of: str
    evidence_sha256: str


class ChangeCount(Document):
    """How many rows of a rule changed alike."""

    state: str
    cause: str | None
    before: str | None
    now: str | None
    rows: int


class RuleFollowUp(Document):
    """A rule in two audits: its verdicts then and now, what may have changed its rows, and what became of them."""

    before: Verdict | None
    now: Verdict | None
    candidates: tuple[str, ...]
    counts: tuple[ChangeCount, ...]


class Repeat(Document):
    """A finding that the previous audit had too: since when, in how many audits before, and how many rows then and now."""

    key: str
    rule: str
    reason: str
    rows: int
    before: int
    first_seen: str
    times: int


class RolledForward(Document):
    """Rows that the register covered in the previous audit, and what they are now."""

    rule: str
    entries: str
    now: str
    rows: int


class PastRule(Document):
    """A rule of an earlier audit: its verdict, its ledger in short, and its violations by reason."""

    verdict: Verdict
    in_scope: Count
    excluded: Count
    violation: Count
    review: Count
    unknown: Count
    exempt: Count
    reasons: dict[str, Count]


class PastAudit(Document):
    """An earlier audit in short."""

    id: str
    as_of: str
    rules: dict[str, PastRule]


class FollowUpDocument(Document):
    """The audit beside the previous one, and the chain of audits before it."""

    previous: PreviousAudit
    keys: Literal["same", "different"]
    rules: dict[str, RuleFollowUp]
    repeated: tuple[str, ...]
    repeats: tuple[Repeat, ...]
    rolled_forward: tuple[RolledForward, ...]
    history: tuple[PastAudit, ...]


class Results(Document):
    """The results of an audit."""

    format: Literal[3] = 3
    audit: AuditDescription
    rules: tuple[RuleResult, ...]
    areas: tuple[AreaRating, ...]
    clauses: tuple[ClauseStanding, ...]
    register_: tuple[EntryStanding, ...] = Field(alias="register")
    decisions: tuple[DecisionStanding, ...] = ()
    findings: tuple[FindingStanding, ...]
    follow_up: FollowUpDocument | None
    facts: tuple[FactResult, ...] = ()


def json_schema() -> bytes:
    """The JSON schema of `results.json`, as it is published."""
    schema = Results.model_json_schema(by_alias=True, mode="serialization")
    return canonical({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema)


def read_results(document: dict[str, Any]) -> Results:
    """Results of this format or an earlier one. Raises pydantic.ValidationError where they are none."""
    return Results.model_validate(upgraded(document))


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """A document of an earlier format as one of this: what the earlier one did not say is empty."""
    before = document.get("format", 1)
    if before not in (1, 2):
        return document
    rules = [_rule_of_format_1(rule) for rule in document["rules"]] if before == 1 else document["rules"]
    return document | {"format": FORMAT, "rules": rules, "audit": {"key_check": None} | document["audit"]}


def _rule_of_format_1(rule: dict[str, Any]) -> dict[str, Any]:
    over_time = rule["over_time"]
    if over_time is not None:
        over_time = {"words": over_time["said"], "points": over_time["points"]}
    samples = [sample if "drawn" in sample else sample | {"drawn": len(sample["records"])} for sample in rule["samples"]]
    named = {name: value for name, value in rule.items() if name != "assumption"}
    return named | {"over_time": over_time, "samples": samples}
