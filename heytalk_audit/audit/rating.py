"""How an area is rated: from the verdicts and rates of its rules alone, by thresholds that every report prints.

Less data, more excuses, more test accounts or fewer rules never raise a rating: a rule that was not tested counts against its area.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.document import AreaRating
from heytalk_audit.audit.faults import EMPTY
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy.chapters import CHAPTERS, ReportChapter
from heytalk_audit.vocabulary import Ground, Outcome, Rating, Severity, Verdict

#: The first whose criterion holds gives the rating.
CRITERIA = {
    Rating.NO_RATING: "a critical rule was not tested, or more than a third of the area's critical and high rules were not tested or found "
    "no row in their scope; the best rating that the tested rules allow is shown beside it",
    Rating.VERY_LIMITED: "a critical rule fails, or has its violations accepted, at a rate of 1 % or more, or on limited evidence",
    Rating.LIMITED: "another critical rule fails, or has its violations accepted; a high rule fails, or has its violations accepted, at a "
    "rate of 0.1 % or more, repeatedly, or on limited evidence; a high rule was not tested; more than half of the tested critical and high "
    "rules are left for review; or the control totals of the evidence do not pass",
    Rating.REASONABLE: "any other critical or high rule does not pass",
    Rating.HIGH: "none of these",
}
#: Rates of violations from which a failing rule weighs heavily: a critical one, a high one.
CRITICAL_RATE, HIGH_RATE = 0.01, 0.001
#: The rule without which the evidence of an audit is limited.
CONTROL_TOTALS = "DQ-01"
_BROKEN = (Verdict.FAIL, Verdict.ACCEPTED)


@dataclass(frozen=True)
class Grounds:
    """A rating, why it is that, and the rules that decided it, the gravest first."""

    rating: Rating
    ground: Ground
    rules: tuple[str, ...] = ()


def areas(results: Sequence[RuleResult], catalogue: Mapping[str, Rule], repeated: Collection[str] = ()) -> list[AreaRating]:
    """Each chapter that these results are of, with its verdict and rating, and what decided the rating.

    `catalogue` are all rules: those of a chapter that were not chosen count as not tested. `repeated`: ids of rules that failed last
    time too.
    """
    by_chapter = {chapter: [r for r in results if r.family in chapter.families] for chapter in CHAPTERS.values()}
    rated = []
    for chapter, of_chapter in by_chapter.items():
        chosen = {r.id for r in of_chapter}
        missing = [rule for rule in catalogue.values() if rule.family in chapter.families and rule.id not in chosen]
        if of_chapter:
            grounds = rating_with_grounds(of_chapter, missing, repeated)
            tested = rating_of_tested(of_chapter, repeated) if grounds.rating == Rating.NO_RATING else None
            rated.append(_area(chapter, verdict_of(of_chapter), grounds, tested))
    return rated


def _area(chapter: ReportChapter, verdict: Verdict, grounds: Grounds, tested: Grounds | None) -> AreaRating:
    return AreaRating(
        name=chapter.name,
        title=chapter.title,
        verdict=verdict,
        rating=grounds.rating,
        at_best=tested.rating if tested else None,
        ground=grounds.ground,
        deciding=grounds.rules,
    )


def rating(results: Sequence[RuleResult], missing: Iterable[Rule] = (), repeated: Collection[str] = ()) -> Rating:
    """The rating of an area: the first of `CRITERIA` that holds. `missing` are its rules that were not chosen; `repeated` as of `areas`."""
    return rating_with_grounds(results, missing, repeated).rating


def rating_with_grounds(results: Sequence[RuleResult], missing: Iterable[Rule] = (), repeated: Collection[str] = ()) -> Grounds:
    """The rating of an area, why it is that, and the rules that decided it, the gravest first; arguments as of `rating`.

    A rate counts every violation, also those that the register of accepted exceptions covers.
    """
    weighty = [r for r in results if _weighs(r)]
    left_out = [rule for rule in missing if rule.severity.is_weighty and rule.basis != "law"]
    untested = [r for r in weighty if is_untested(r)]
    empty = [r for r in weighty if r.verdict == Verdict.NO_POPULATION and not is_untested(r)]
    without: list[RuleResult | Rule] = [*untested, *left_out]
    critical = [one.id for one in without if one.severity == Severity.CRITICAL]
    if critical:
        return Grounds(Rating.NO_RATING, Ground.CRITICAL_NOT_TESTED, tuple(critical))
    if 3 * (len(without) + len(empty)) > len(weighty) + len(left_out):
        return Grounds(Rating.NO_RATING, Ground.TOO_FEW_TESTED, tuple(one.id for one in [*without, *empty]))
    tested = rating_of_tested(results, repeated)
    if without and (tested is None or tested.rating in (Rating.REASONABLE, Rating.HIGH)):
        return Grounds(Rating.LIMITED, Ground.HIGH_NOT_TESTED, tuple(one.id for one in without))
    return tested or Grounds(Rating.HIGH, Ground.NOTHING_FOUND)


def rating_of_tested(results: Sequence[RuleResult], repeated: Collection[str] = ()) -> Grounds | None:
    """What the rules that were tested make of an area, whatever the others are; null where none was."""
    weighty = [r for r in results if _weighs(r)]
    broken = sorted((r for r in weighty if r.verdict in _BROKEN), key=gravity)
    tested = [r for r in weighty if not is_untested(r) and r.verdict != Verdict.NO_POPULATION]
    critical = [r for r in broken if r.severity == Severity.CRITICAL]
    grave = [r for r in critical if _rate(r) >= CRITICAL_RATE or r.limited_by]
    if grave:
        return Grounds(Rating.VERY_LIMITED, Ground.CRITICAL_OFTEN, _ids(grave))
    heavy = [r for r in broken if _rate(r) >= HIGH_RATE or r.limited_by or r.repeated or r.id in repeated]
    if critical or heavy:
        return Grounds(Rating.LIMITED, Ground.CRITICAL_FAILS if critical else Ground.HIGH_OFTEN, _ids(critical or heavy))
    if any(r.id == CONTROL_TOTALS and r.verdict != Verdict.PASS for r in results):
        return Grounds(Rating.LIMITED, Ground.CONTROL_TOTALS, (CONTROL_TOTALS,))
    left_open = [r for r in tested if r.verdict == Verdict.REVIEW]
    if 2 * len(left_open) > len(tested):
        return Grounds(Rating.LIMITED, Ground.MOSTLY_OPEN, _ids(left_open))
    if not tested:
        return None
    if broken or left_open:
        return Grounds(Rating.REASONABLE, Ground.HIGH_FAILS if broken else Ground.SOME_OPEN, _ids(broken or left_open))
    return Grounds(Rating.HIGH, Ground.NOTHING_FOUND)


def _ids(results: Iterable[RuleResult]) -> tuple[str, ...]:
    return tuple(r.id for r in results)


def gravity(result: RuleResult) -> tuple[int, int, int, str]:
    """What findings are sorted by, the gravest first: their rating, then the people and the rows."""
    severity = result.finding_severity or result.severity
    return (severity.rank, -(result.subjects.violation or 0), -(result.ledger.violation or 0), result.id)


def is_untested(result: RuleResult) -> bool:
    """Whether nothing can be concluded from a rule: it did not run, its evidence is limited, or there was nothing to test."""
    if result.verdict == Verdict.REVIEW:
        return bool(result.limited_by)
    if result.verdict == Verdict.PASS:
        return bool(Limits.usual().exceeded({name: result.ledger[name] or 0 for name in ("in_scope", *Outcome)}))
    if result.verdict == Verdict.NO_POPULATION:
        return bool(result.ledger.in_scope) or any(code.startswith(f"{EMPTY}:") for code in result.blocked_by)
    return not result.verdict.is_tested


def verdict_of(results: Sequence[RuleResult]) -> Verdict:
    """The worst verdict of an area."""
    return Verdict.first_of(r.verdict for r in results) or Verdict.NO_POPULATION


def _weighs(result: RuleResult) -> bool:
    return result.severity.is_weighty and result.basis != "law"


def _rate(result: RuleResult) -> float:
    """The share of the tested rows that break the promise: violations, and rows that people decided to be a breach."""
    tested, breaches = result.ledger.tested, result.decided.breach if result.decided else 0
    return (result.rate or 0) + (breaches / tested if breaches and tested else 0)
