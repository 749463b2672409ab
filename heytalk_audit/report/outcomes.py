"""What a rule's section says of its rows: the ledger, and every way in which its open rows are split, drawn or sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.rule_result import BreakdownRow, NumberRead, Point, ReasonCount, RuleResult, SampleResult
from heytalk_audit.report import charts, words
from heytalk_audit.report.html import Fragment, code, definitions, join, on_paper, on_screen, paragraph, percent, table, tag
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Audience, Outcome

#: A setting that is a list is written out in a note where it has at most so many entries.
MOST_ENTRIES = 8


def of_population(result: RuleResult, audience: str) -> list[Fragment]:
    """What came of a rule's population: in words, and where anything was in scope by numbers."""
    parts = [paragraph(words.condition(result)), *_notes(result)]
    if result.ledger.in_scope == 0:
        return parts
    if result.suppressed:
        parts.append(paragraph(f"Suppressed in this version: {_hidden_in_words(result.suppressed)}.", cls="note"))
    parts += _reasons(result, audience)
    # on paper the sentences above say it
    parts.append(on_screen(_ledger(result), *_people(result), *_ageing(result), *_over_time(result), *_breakdowns(result)))
    return parts + _samples(result.samples)


def _breakdowns(result: RuleResult) -> list[Fragment]:
    drawn = {"month"} if result.over_time else set()
    named = {name: values for name, values in result.breakdowns.items() if name not in drawn}
    parts = [part for name, values in named.items() for part in _breakdown(result, name, values)]
    return [*parts, definitions((figure.label, figure.value) for figure in result.figures)] if result.figures else parts


def all_assumed(result: RuleResult) -> bool:
    """Whether no violation would stand without the audit's assumptions."""
    return bool(result.assumed) and result.assumed == result.ledger.violation


def _notes(result: RuleResult) -> list[Fragment]:
    """On which assumption the violations rest, and what the verdict does not say itself."""
    parts = []
    if names := _assumed_by_violations(result):
        read = [n for n in result.numbers if n.name in names]
        named = "; ".join(f"{n.means or n.name}: {_value_of(n)}, setting {n.name}" for n in read)
        how_many = "All" if all_assumed(result) else "Some" if result.assumed is None else f"{result.assumed:,}"
        text = f"{how_many} of its {shown(result.ledger.violation)} violations rest on an assumption of this audit, not on the policy"
        parts.append(on_screen(paragraph(f"{text} ({named}).", cls="callout mild")))
        parts.append(
            on_paper(paragraph(f"{text} ({'settings' if len(read) > 1 else 'setting'} {', '.join(n.name for n in read)}).", cls="note"))
        )
    if result.reason and result.ledger.in_scope:
        parts.append(paragraph(f"Note: {result.reason}.", cls="callout mild"))
    return parts


def _assumed_by_violations(result: RuleResult) -> set[str]:
    """The assumptions that violations rest on; an earlier format names those of all rows together."""
    by_reason = {name for line in result.reasons if line.outcome == Outcome.VIOLATION for name in line.assumptions}
    return by_reason or (set(result.assumptions) if result.assumed != 0 else set())


def _value_of(number: NumberRead) -> str:
    """A number with its unit; of a long list how many it has, as the numbers that the rule reads show it whole."""
    if isinstance(number.value, list | dict) and len(number.value) > MOST_ENTRIES:
        return f"{len(number.value)} entries"
    return f"{words.value(number.value)} {number.unit}".strip()


def _hidden_in_words(names: Sequence[str]) -> str:
    """What is hidden, as words: its names as `results.json` has them, without dots and underscores."""
    return ", ".join(name.replace(".", " ").replace("_", " ").replace("subjects", "people") for name in names)


def _ledger(result: RuleResult) -> Fragment:
    lines = [[outcome.capitalize(), shown(result.ledger[outcome]), words.OUTCOMES[outcome]] for outcome in Outcome]
    lines.append(["In scope", shown(result.ledger.in_scope), "the sum of the above"])
    return table(["Outcome", "Rows", "Meaning"], lines, f"Ledger of {result.id}", numeric=["Rows"])


def _reasons(result: RuleResult, audience: str) -> list[Fragment]:
    if not result.reasons:
        return []
    lines = [[in_words(r), r.outcome, r.next, shown(r.rows), shown(r.people)] for r in result.reasons]
    heads = ["Reason", "Outcome", "What to do next", "Rows", "People"]
    if audience != Audience.INTERNAL:
        heads, lines = heads[:4], [line[:4] for line in lines]
    return [table(heads, lines, f"Reasons of {result.id}", numeric=heads[3:], roomy=["Reason", "What to do next"])]


def in_words(reason: ReasonCount) -> Fragment:
    """What a reason says, and small beside it its code."""
    return join(reason.says, " ", tag("small", code(reason.reason))) if reason.says else code(reason.reason)


def _people(result: RuleResult) -> list[Fragment]:
    """People with a violation or review, by law region and by age."""
    splits = [("Law region", result.subjects.by_region), ("Age", result.subjects.by_age)]
    return [
        table(
            [name, "People"],
            [[value, shown(n)] for value, n in people.items()],
            f"People with a violation or review of {result.id}, by {name.lower()}",
            numeric=["People"],
        )
        for name, people in splits
        if people
    ]


def _ageing(result: RuleResult) -> list[Fragment]:
    if not result.ageing:
        return []
    lines = [[f"{label} days", n] for label, n in result.ageing.items()]
    listed = table(["Past the due day by", "Violations"], lines, f"Ageing of {result.id}")
    return [tag("h4", "How long overdue"), listed]


def _over_time(result: RuleResult) -> list[Fragment]:
    if result.over_time is None:
        return []
    points, named, title = result.over_time.points, result.over_time.words, tag("h4", "Over time")
    if not points:
        return [title, paragraph("Not shown in this version: a number in it is small.")] if result.suppressed else []
    kinds = {"pass": named["pass"], "review": "for review", "unknown": "unknown", "violation": named["violation"]}
    kinds = {kind: label for kind, label in kinds.items() if any(point[kind] for point in points)}
    lines = [[point.panel, point.month, *(point[kind] for kind in (*kinds, "people"))] for point in points]
    heads = ["Channel", "Month", *(kind.capitalize() for kind in kinds), named["people"]]
    return [
        title,
        charts.months(points, kinds, (named["rows"], named["people"]), _drawing_in_words(result.id, points, kinds)),
        table(heads, lines, f"{result.id} month by month", tools=True, numeric=heads[2:]),
        paragraph(f"Test accounts are left out. {named['people']}: {named['who']}.", cls="note"),
    ]


def _drawing_in_words(rule: str, points: Sequence[Point], kinds: Mapping[str, str]) -> str:
    """The drawing over time as words: per panel, its sums and how the people beside it went from first to last."""
    parts = []
    for panel in dict.fromkeys(point.panel for point in points):
        own = [point for point in points if point.panel == panel]
        sums = ", ".join(f"{sum(point[kind] for point in own):,} {label}" for kind, label in kinds.items())
        parts.append(f"{panel}: {sums}; people from {own[0].people:,} in {own[0].month} to {own[-1].people:,} in {own[-1].month}")
    return f"{rule} month by month. " + ". ".join(parts) + ". The table below has every number."


def _breakdown(result: RuleResult, name: str, values: Sequence[BreakdownRow]) -> list[Fragment]:
    if not values:
        return []
    title = name.replace("_", " ")
    heads = [title.capitalize(), *[outcome.capitalize() for outcome in OPEN_OUTCOMES]]
    lines = [[v.value, *[shown(v[outcome]) for outcome in OPEN_OUTCOMES]] for v in values]
    return [
        tag("h4", f"By {title}"),
        table(heads, lines, f"{result.id} by {title}", tools=True, numeric=heads[1:]),
    ]


def _samples(samples: Sequence[SampleResult]) -> list[Fragment]:
    """What people made of the samples that they read: the only ground for a rate."""
    if not samples:
        return []
    heads = ["Sample of", "Rows", "Drawn", "Yes", "No", "Open", "Agreement", "Kappa", "Share of yes"]
    return [
        tag("h4", "What two people made of a random sample"),
        table(heads, map(_sample, samples), "Random samples, as read by two people", numeric=["Agreement", "Kappa"]),
        paragraph(
            "Yes: both readers say that the text is what this rule looks for. The interval is exact (Clopper-Pearson, 95 %).", cls="note"
        ),
    ]


def _sample(sample: SampleResult) -> list[Any]:
    review = sample.review
    if review is None:
        return [sample.of, sample.frame_size, sample.drawn, *[None] * 5, "not read by two people yet"]
    agreement = None if review.agreement is None else percent(review.agreement)
    kappa = None if review.kappa is None else f"{review.kappa:.2f}"
    counts = [review.yes, review.no, review.undecided]
    return [sample.of, sample.frame_size, sample.drawn, *counts, agreement, kappa, review.stated]
