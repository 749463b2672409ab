"""Why an area has its rating, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heytalk_audit.audit.document import AreaRating
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report import words
from heytalk_audit.report.html import Fragment, join, show
from heytalk_audit.report.links import to_rule
from heytalk_audit.vocabulary import Ground

#: The sentence of a ground; `{finding}` is the finding that decides, `{rules}` are the deciding rules, `{others}` says how many more.
_SENTENCES = {
    Ground.CRITICAL_NOT_TESTED: "Critical rules could not be tested: {rules}",
    Ground.TOO_FEW_TESTED: "{count} of its critical and high rules were not tested, or had nothing in their scope: {rules}",
    Ground.CRITICAL_OFTEN: "{finding}{others}",
    Ground.CRITICAL_FAILS: "{finding}{others}",
    Ground.HIGH_OFTEN: "{finding}{others}",
    Ground.CONTROL_TOTALS: "The totals of the delivered tables are not confirmed by totals of the source: {rules}",
    Ground.HIGH_NOT_TESTED: "High rules could not be tested: {rules}",
    Ground.MOSTLY_OPEN: "More than half of the tested rules left rows for review: {rules}",
    Ground.HIGH_FAILS: "{finding}{others}",
    Ground.SOME_OPEN: "Rows are left for review: {rules}",
    Ground.NOTHING_FOUND: "No exceptions noted by its critical and high rules",
}
_OTHERS = {
    Ground.CRITICAL_OFTEN: "critical rule",
    Ground.CRITICAL_FAILS: "critical rule",
    Ground.HIGH_OFTEN: "high rule",
    Ground.HIGH_FAILS: "high rule",
}
#: So many rules are named.
_MOST = 4


def reason_of_rating(area: AreaRating, results: Mapping[str, RuleResult]) -> Fragment:
    """The reason of an area's rating, in a sentence; a dash where a run of old does not state it."""
    if area.ground is None:
        return Fragment("\u2013")
    before, placeholder, after = _SENTENCES[area.ground].partition("{finding}")
    if placeholder:
        return join(_finding(area.deciding[0], results), _others(area), ".")
    before, placeholder, after = _SENTENCES[area.ground].replace("{count}", str(len(area.deciding))).partition("{rules}")
    return join(before, _rules(area.deciding) if placeholder else Fragment(""), Fragment(after), ".")


def _finding(rule: str, results: Mapping[str, RuleResult]) -> Fragment:
    """The finding that decides: its title, and how many of the records tested break the promise."""
    result = results.get(rule)
    if result is None:
        return to_rule(rule, nowrap=True)
    return join(f"{result.title} (", to_rule(rule, nowrap=True), f"): {words.share_broken(result)}")


def _others(area: AreaRating) -> Fragment:
    """How many other rules weigh as much."""
    others = len(area.deciding) - 1
    if not others or area.ground is None:
        return Fragment("")
    return show(f"; {others} more {_OTHERS[area.ground]}{'' if others == 1 else 's'}")


def _rules(rules: Sequence[str]) -> Fragment:
    further = f" and {len(rules) - _MOST} more" if len(rules) > _MOST else ""
    return join(words.with_commas([to_rule(rule, nowrap=True) for rule in rules[:_MOST]]), show(further) if further else Fragment(""))
