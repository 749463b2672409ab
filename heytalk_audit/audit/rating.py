"""How an area is rated: from the verdicts and rates of its rules alone, by thresholds that every report prints."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from heytalk_audit.policy.chapters import CHAPTERS

#: The first that holds gives the rating.
RATINGS = (
    ("No rating", "more than a third of the area's critical and high rules were not evaluated"),
    ("Very limited", "a critical rule fails at a rate of 1 % or more, or the evidence for a critical rule is unreliable"),
    ("Limited", "another critical rule fails, a high one fails at 0.1 % or more or repeatedly, or a critical or high rule crashed"),
    ("Reasonable", "any other critical or high rule has a verdict other than pass"),
    ("High", "none of these"),
)
#: Verdicts, the worst first.
WORST_FIRST = ("FAIL", "ERROR", "REVIEW", "NOT_EVALUATED", "NO_POPULATION", "ACCEPTED", "PASS")


def areas(results: list[dict[str, Any]], repeated: Collection[str] = ()) -> list[dict[str, str]]:
    """Each chapter that these results are of, with its verdict and rating. `repeated`: ids of rules that failed last time too."""
    found = {c: [r for r in results if r["family"] in c.families] for c in CHAPTERS.values()}
    return [
        {"name": chapter.name, "title": chapter.title, "verdict": verdict_of(rules), "rating": rating(rules, repeated)}
        for chapter, rules in found.items()
        if rules
    ]


def rating(results: list[dict[str, Any]], repeated: Collection[str] = ()) -> str:
    """The rating of an area: the first of `RATINGS` that holds. `repeated`: ids of rules that failed last time too,
    beside those of which the results say so.

    A rate counts every violation, also those that the register of accepted exceptions covers.
    """
    weighty = [r for r in results if r["severity"] in ("critical", "high")]
    missing = [r for r in weighty if r["verdict"] == "NOT_EVALUATED"]
    if 3 * len(missing) > len(weighty):
        return "No rating"
    failed = [r for r in weighty if r["verdict"] == "FAIL"]
    critical = [r for r in failed if r["severity"] == "critical"]
    if any(_rate(r) >= 0.01 for r in critical) or any(_unreliable(r) for r in weighty):
        return "Very limited"
    if (
        critical
        or any(_rate(r) >= 0.001 or r.get("repeated") or r["id"] in repeated for r in failed)
        or any(r["verdict"] == "ERROR" for r in weighty)
    ):
        return "Limited"
    return "Reasonable" if any(r["verdict"] != "PASS" for r in weighty) else "High"


def verdict_of(results: list[dict[str, Any]]) -> str:
    """The worst verdict of an area."""
    found = {r["verdict"] for r in results}
    return next((v for v in WORST_FIRST if v in found), "NO_POPULATION")


def _rate(result: dict[str, Any]) -> float:
    return result["rate"] or 0


def _unreliable(result: dict[str, Any]) -> bool:
    return result["severity"] == "critical" and result["verdict"] == "NOT_EVALUATED" and "failed a gate" in str(result["reason"])
