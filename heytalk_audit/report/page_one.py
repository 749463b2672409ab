"""Page 1: what was audited, how each area stands and why, what changed, the gravest findings, what was not tested, what rests on whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heytalk_audit.audit.document import AreaRating, AuditDescription, FollowUpDocument
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.report import words
from heytalk_audit.report.grounds import reason_of_rating
from heytalk_audit.report.html import Fragment, join, paragraph, table, tag
from heytalk_audit.report.links import to_rule
from heytalk_audit.vocabulary import Rating, Verdict

_BECAUSE = "Because (records that break the promise, of those tested)"
#: How many of the things that an audit lacked page 1 names.
MOST_LACKS = 4
_NOT_TESTED = (Verdict.NOT_EVALUATED, Verdict.ERROR, Verdict.NO_POPULATION)


def opening(audit: AuditDescription, results: Sequence[RuleResult]) -> Fragment:
    """The title, and in three sentences what was audited, for which period, against which version of the policy."""
    snapshot, policy, period = audit.snapshot, audit.policy, audit.period
    evaluated = sum(result.verdict.is_tested for result in results)
    source = f" from {snapshot.source_system}" if snapshot.source_system else ""
    sentences = (
        f"We tested the data of snapshot {snapshot.id}, delivered by {words.producer(audit)}{source}, as it stood at {audit.as_of}.",
        f"The audit covers the period from {period.first} to {period.last}, with days counted in {audit.audit_tz}.",
        f"It compares {len(audit.columns)} tables with {policy.title}, version {policy.version}, by {len(results)} rules, of which "
        f"{evaluated} could be evaluated.",
    )
    title = f"{audit.partial}. {audit.title}" if audit.partial else audit.title
    return join(tag("h1", title), paragraph(words.SUBTITLE, cls="sub"), paragraph(" ".join(sentences), cls="lead"))


def conclusion(results: Sequence[RuleResult], rated: Sequence[AreaRating]) -> Fragment:
    """How many areas have which rating, and each area with its rating and its one reason."""
    by_id = {result.id: result for result in results}
    lines = [_area(area, by_id, [r for r in results if r.family in CHAPTERS[area.name].families]) for area in rated]
    counted = Counter(area.rating for area in rated)
    stated = [f"{counted[rating]} {'is' if counted[rating] == 1 else 'are'} rated {rating}" for rating in Rating if counted[rating]]
    return join(
        tag("h2", "Conclusion by area", id="conclusion"),
        paragraph(f"Of {len(rated)} areas {' and '.join(stated)}. ", _to("How an area is rated", "ratings")),
        table(
            ["Area", "Rating", _BECAUSE, *(group.capitalize() for group in words.VERDICT_GROUPS)],
            lines,
            "Rating of each area",
            roomy=[_BECAUSE],
        ),
    )


def _area(area: AreaRating, results: Mapping[str, RuleResult], own: Sequence[RuleResult]) -> list[Any]:
    mark = tag("span", area.rating, cls=f"badge {area.rating.lower().replace(' ', '-')}")
    mark = join(mark, tag("small", f" at best {area.at_best}")) if area.at_best else mark
    counts = [sum(r.verdict in verdicts for r in own) for verdicts in words.VERDICT_GROUPS.values()]
    return [area.title, mark, reason_of_rating(area, results), *counts]


def changes(followed: FollowUpDocument | None, is_inside: bool) -> Fragment:
    """What is new, mended and repeated since the previous audit."""
    title = tag("h2", "Changes since the last audit", id="changes")
    if followed is None:
        reason = "No previous audit was named in the parameters." if is_inside else "Not shown to readers outside the company."
        return join(title, paragraph(reason))
    before = f"Compared with {followed.previous.id}, as of {followed.previous.as_of[:10]}"
    failing = [rule for rule, two in followed.rules.items() if two.now == Verdict.FAIL and two.before not in (Verdict.FAIL, None)]
    passing = [rule for rule, two in followed.rules.items() if two.before == Verdict.FAIL and two.now == Verdict.PASS]
    sentences = [_rules("fails now and did not then", "fail now and did not then", failing)]
    sentences.append(_rules("failed then and passes now", "failed then and pass now", passing))
    repeated = f"{len(followed.repeats):,} findings are repeated." if len(followed.repeats) != 1 else "One finding is repeated."
    return join(title, paragraph(f"{before}: ", _rows_changed(followed), *sentences, repeated, " ", _follow_up()))


def _rows_changed(followed: FollowUpDocument) -> str:
    """How many rows are new, persist, are settled or only left, in a sentence."""
    if followed.keys != "same":
        return "the engagement keys differ, so rows cannot be matched. "
    rows: Counter[str] = Counter()
    for rule in followed.rules.values():
        for line in rule.counts:
            rows[line.state] += line.rows
    named = [("new", "new"), ("persisting", "still open"), ("mended", "mended"), ("gone", "gone from the data"), ("left", "out of scope")]
    return ", ".join(f"{rows[state]:,} rows {label}" for state, label in named) + ". "


def _rules(one: str, several: str, rules: Sequence[str]) -> Fragment:
    if not rules:
        return Fragment("")
    listed = words.with_commas([to_rule(rule, nowrap=True) for rule in rules[:MOST_LACKS]])
    further = f" and {len(rules) - MOST_LACKS} more" if len(rules) > MOST_LACKS else ""
    return join(f"{len(rules)} {'rule ' + one if len(rules) == 1 else 'rules ' + several} (", listed, f"{further}). ")


def not_tested(results: Sequence[RuleResult]) -> Fragment:
    """How many rules could not be tested, and what would be needed: what most of them lack first."""
    title = tag("h2", "What could not be tested", id="untested")
    missing = untested_by_reason(results)
    if not missing:
        return join(title, paragraph("Every rule was evaluated."))
    lacks = [join(f"{reason} (", words.with_commas([to_rule(id, nowrap=True) for id in ids]), ")") for reason, ids in missing[:MOST_LACKS]]
    rest = sum(len(ids) for _, ids in missing[MOST_LACKS:])
    number = sum(len(ids) for _, ids in missing)
    verb = "has" if number == 1 else "have"
    counted = f"{number} of {len(results)} rules {verb} no result, and nothing here says that what they test is kept: "
    further = f"; and {rest} more. " if rest else ". "
    return join(title, paragraph(counted, join(*[part for lack in lacks for part in ("; ", lack)][1:]), further, _table()))


def untested_by_reason(results: Sequence[RuleResult]) -> list[tuple[str, list[str]]]:
    """The rules without a result, together by the reason that they share, the commonest reason first."""
    missing = [result for result in results if result.verdict in _NOT_TESTED]
    reasons = Counter(str(result.reason) for result in missing)
    return [(reason, [r.id for r in missing if str(r.reason) == reason]) for reason, _ in reasons.most_common()]


def resting(results: Iterable[RuleResult]) -> Fragment:
    """What rests on holds, accepted exceptions, decisions and assumptions: how many rows of how many rules."""
    sums = {
        "excused by holds in the data": _sum(results, lambda r: r.ledger.exempt),
        "violations covered by accepted exceptions": _sum(results, lambda r: r.accepted),
        "rows for review closed by decisions": _sum(results, lambda r: r.decided.breach + r.decided.no_breach if _is_decided(r) else 0),
        "violations that rest on an assumption of this audit": _sum(results, lambda r: r.assumed),
        "rows left out as test accounts": _sum(results, lambda r: r.ledger.excluded),
    }
    lines = [f"{rows:,} {what} ({rules} {'rule' if rules == 1 else 'rules'})" for what, (rows, rules) in sums.items() if rows]
    title = tag("h2", "What rests on excuses, decisions and assumptions", id="resting")
    return join(title, paragraph("; ".join(lines) + "." if lines else "Nothing."))


def _is_decided(result: RuleResult) -> bool:
    return result.decided is not None and None not in (result.decided.breach, result.decided.no_breach)


def _sum(results: Iterable[RuleResult], count: Any) -> tuple[int, int]:
    counts = [count(result) or 0 for result in results]
    return sum(counts), sum(n > 0 for n in counts)


def _to(text: str, part: str) -> Fragment:
    return tag("span", tag("a", text, href=f"#{part}"), ".", cls="on-screen")


def _table() -> Fragment:
    return _to("What was not evaluated", "not-evaluated")


def _follow_up() -> Fragment:
    return join("Row by row: ", tag("a", "Follow-up", href="follow-up.html"), ".")
