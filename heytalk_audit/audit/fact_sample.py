"""What two people made of a random sample, beside the fact on what the sample was drawn of."""

from __future__ import annotations

from heytalk_audit.audit.fact_result import Cell, FactPart, FactResult
from heytalk_audit.audit.rule_result import RuleResult

#: By fact, the rule whose samples are of what it counts.
SAMPLED = {"sensitive": "SEN-04"}
_PART = FactPart(
    name="read",
    title="What two people made of a random sample of the texts",
    by=("sample",),
    counts=("drawn", "right", "wrong", "undecided"),
    within={"right": "drawn", "wrong": "drawn", "undecided": "drawn"},
)


def with_sample(result: FactResult, rule: RuleResult) -> FactResult:
    """A fact with what was made of the samples of its rule; as it is, where it was not evaluated or nobody has read them."""
    lines: list[dict[str, Cell]] = [
        {"sample": s.of, "drawn": s.drawn, "right": s.review.yes, "wrong": s.review.no, "undecided": s.review.undecided}
        for s in rule.samples
        if s.review is not None
    ]
    return result.with_part(_PART, lines) if lines and result.total is not None else result
