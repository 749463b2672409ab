"""How an area is rated: from the verdicts and rates of its rules alone, by thresholds that every report prints.

Less data, more excuses, more test accounts or fewer rules never raise a rating: a rule that was not tested counts against its area.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.document import AreaRating
from heytalk_audit.audit.faults import EMPTY
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.vocabulary import Outcome, Rating, Severity, Verdict

#: The first whose criterion holds gives the rating.
CRITERIA = {
    Rating.NO_RATING: "a critical rule was not tested, or more than a third of the area's critical and high rules were not tested or found "
    "nothing in their scope; beside it stands the best that the tested rules allow",
    Rating.VERY_LIMITED: "a critical rule fails, or has its violations accepted, at a rate of 1 % or more, or on limited evidence",
    Rating.LIMITED: "another critical rule fails, or has its violations accepted; a high one does at 0.1 % or more, repeatedly, or on "
    "limited evidence; a high rule was not tested; more than half of those tested are left for review; or the control totals of the "
    "evidence do not pass",
    Rating.REASONABLE: "any other critical or high rule is not a pass",
    Rating.HIGH: "none of these",
}
#: Rates of violations from which a failing rule weighs heavily: a critical one, a high one.
CRITICAL_RATE, HIGH_RATE = 0.01, 0.001
#: The rule without which the evidence of an audit is limited.
CONTROL_TOTALS = "DQ-01"
_BROKEN = (Verdict.FAIL, Verdict.ACCEPTED)


def areas(results: Sequence[RuleResult], catalogue: Mapping[str, Rule], repeated: Collection[str] = ()) -> list[AreaRating]:
    """Each chapter that these results are of, with its verdict and rating.

    `catalogue` are all rules: those of a chapter that were not chosen count as not tested. `repeated`: ids of rules that failed last
    time too.
    """
    by_chapter = {chapter: [r for r in results if r.family in chapter.families] for chapter in CHAPTERS.values()}
    rated = []
    for chapter, of_chapter in by_chapter.items():
        missing = [rule for rule in catalogue.values() if rule.family in chapter.families and rule.id not in {r.id for r in of_chapter}]
        if of_chapter:
            best = rating(of_chapter, missing, repeated)
            at_best = rating_of_tested(of_chapter, repeated) if best == Rating.NO_RATING else None
            verdict = verdict_of(of_chapter)
            rated.append(AreaRating(name=chapter.name, title=chapter.title, verdict=verdict, rating=best, at_best=at_best))
    return rated


def rating(results: Sequence[RuleResult], missing: Iterable[Rule] = (), repeated: Collection[str] = ()) -> Rating:
    """The rating of an area: the first of `CRITERIA` that holds. `missing` are its rules that were not chosen; `repeated` as of `areas`.

    A rate counts every violation, also those that the register of accepted exceptions covers.
    """
    weighty = [r for r in results if _weighs(r)]
    left_out = [rule for rule in missing if rule.severity.is_weighty and rule.basis != "law"]
    untested = [r for r in weighty if is_untested(r)]
    empty = [r for r in weighty if r.verdict == Verdict.NO_POPULATION and not is_untested(r)]
    if Severity.CRITICAL in [*(r.severity for r in untested), *(rule.severity for rule in left_out)]:
        return Rating.NO_RATING
    if 3 * (len(untested) + len(left_out) + len(empty)) > len(weighty) + len(left_out):
        return Rating.NO_RATING
    tested = rating_of_tested(results, repeated) or Rating.HIGH
    return Rating.first_of([tested, Rating.LIMITED]) or tested if untested or left_out else tested


def rating_of_tested(results: Sequence[RuleResult], repeated: Collection[str] = ()) -> Rating | None:
    """What the rules that were tested make of an area, whatever the others are; null where none was."""
    weighty = [r for r in results if _weighs(r)]
    broken = [r for r in weighty if r.verdict in _BROKEN]
    tested = [r for r in weighty if not is_untested(r) and r.verdict != Verdict.NO_POPULATION]
    critical = [r for r in broken if r.severity == Severity.CRITICAL]
    if any(_rate(r) >= CRITICAL_RATE or r.limited_by for r in critical):
        return Rating.VERY_LIMITED
    heavy = any(_rate(r) >= HIGH_RATE or r.limited_by or r.repeated or r.id in repeated for r in broken)
    left_open = [r for r in tested if r.verdict == Verdict.REVIEW]
    totals = any(r.id == CONTROL_TOTALS and r.verdict != Verdict.PASS for r in results)
    if critical or heavy or totals or 2 * len(left_open) > len(tested):
        return Rating.LIMITED
    if not tested:
        return None
    return Rating.REASONABLE if left_open or broken else Rating.HIGH


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
