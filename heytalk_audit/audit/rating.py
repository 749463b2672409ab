"""How an area is rated: from the verdicts and rates of its rules alone, by thresholds that every report prints."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from heytalk_audit.audit.document import AreaRating
from heytalk_audit.audit.faults import GATE
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.vocabulary import Rating, Severity, Verdict

#: The first whose criterion holds gives the rating.
CRITERIA = {
    Rating.NO_RATING: "more than a third of the area's critical and high rules were not evaluated",
    Rating.VERY_LIMITED: "a critical rule fails at a rate of 1 % or more, or the evidence for a critical rule is unreliable",
    Rating.LIMITED: "another critical rule fails, a high one fails at 0.1 % or more or repeatedly, or a critical or high rule crashed",
    Rating.REASONABLE: "any other critical or high rule has a verdict other than pass",
    Rating.HIGH: "none of these",
}
#: Rates of violations from which a failing rule weighs heavily: a critical one, a high one.
CRITICAL_RATE, HIGH_RATE = 0.01, 0.001


def areas(results: Sequence[RuleResult], repeated: Collection[str] = ()) -> list[AreaRating]:
    """Each chapter that these results are of, with its verdict and rating. `repeated`: ids of rules that failed last time too."""
    by_chapter = {chapter: [r for r in results if r.family in chapter.families] for chapter in CHAPTERS.values()}
    return [
        AreaRating(name=chapter.name, title=chapter.title, verdict=verdict_of(rules), rating=rating(rules, repeated))
        for chapter, rules in by_chapter.items()
        if rules
    ]


def rating(results: Sequence[RuleResult], repeated: Collection[str] = ()) -> Rating:
    """The rating of an area: the first of `CRITERIA` that holds. `repeated`: ids of rules that failed last time too,
    beside those of which the results say so.

    A rate counts every violation, also those that the register of accepted exceptions covers.
    """
    weighty = [r for r in results if r.severity.is_weighty]
    missing = [r for r in weighty if r.verdict == Verdict.NOT_EVALUATED]
    if 3 * len(missing) > len(weighty):
        return Rating.NO_RATING
    failed = [r for r in weighty if r.verdict == Verdict.FAIL]
    critical = [r for r in failed if r.severity == Severity.CRITICAL]
    if any(_rate(r) >= CRITICAL_RATE for r in critical) or any(_unreliable(r) for r in weighty):
        return Rating.VERY_LIMITED
    frequent = any(_rate(r) >= HIGH_RATE or r.repeated or r.id in repeated for r in failed)
    if critical or frequent or any(r.verdict == Verdict.ERROR for r in weighty):
        return Rating.LIMITED
    return Rating.REASONABLE if any(r.verdict != Verdict.PASS for r in weighty) else Rating.HIGH


def verdict_of(results: Sequence[RuleResult]) -> Verdict:
    """The worst verdict of an area."""
    return Verdict.first_of(r.verdict for r in results) or Verdict.NO_POPULATION


def _rate(result: RuleResult) -> float:
    return result.rate or 0


def _unreliable(result: RuleResult) -> bool:
    """Whether the evidence for a critical rule failed a gate."""
    gated = any(code.startswith(f"{GATE}:") for code in result.blocked_by)
    return result.severity == Severity.CRITICAL and result.verdict == Verdict.NOT_EVALUATED and gated
