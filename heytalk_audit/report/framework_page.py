"""The rules sorted by frameworks that compliance officers use: per framework each of its ids, and how the rules stand that bear on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.document import AuditDescription
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy import Framework
from heytalk_audit.policy.chapters import FRAMEWORKS
from heytalk_audit.report import links, words
from heytalk_audit.report.html import Fragment, badge, join, paragraph, table, tag

TO_CONFIRM = (
    "Which rule bears on which id is this audit's own reading, to be confirmed by counsel. It changes no verdict. The titles are our "
    "own words. A rule tests data alone: what a framework asks of documents, training or governance is not tested."
)


def by_framework(result: RuleResult) -> Fragment:
    """The ids that a rule bears on, by framework, each framework linked to its part of the page."""
    ids: dict[str, list[str]] = {}
    names = {entry.framework: entry.name for entry in result.frameworks}
    for entry in result.frameworks:
        ids.setdefault(entry.framework, []).append(entry.id)
    parts = [join(links.to_part(FRAMEWORKS.name, name, names[name]), f" {', '.join(own)}") for name, own in ids.items()]
    return join(*[part for one in parts for part in ("; ", one)][1:])


def frameworks_page(frameworks: Mapping[str, Framework], results: Sequence[RuleResult], audit: AuditDescription) -> Fragment:
    """A page of its own: every framework with its ids, also those that no rule of this audit bears on."""
    about = f"{audit.title}; state as of {audit.as_of}"
    head = join(tag("h1", FRAMEWORKS.title), paragraph(words.SUBTITLE, cls="sub"), paragraph(about, cls="note"), paragraph(TO_CONFIRM))
    return join(head, *(_framework(name, framework, results) for name, framework in frameworks.items()))


def _framework(name: str, framework: Framework, results: Sequence[RuleResult]) -> Fragment:
    bearing = {id: _bearing(results, name, id) for id in framework.ids}
    tested = sum(any(result.verdict.is_tested for result in own) for own in bearing.values())
    groups = list(words.VERDICT_GROUPS)
    heads = ["Id", "What it is about", *(group.capitalize() for group in groups), "Rules and their verdicts"]
    lines = [[tag("span", id, cls="nowrap"), framework.ids[id], *_counts(own), _verdicts(own)] for id, own in bearing.items()]
    return join(
        tag("h2", framework.name, id=name),
        paragraph(f"Edition: {framework.edition}. Rules tested something for {tested} of {len(bearing)} ids listed here."),
        table(heads, lines, f"Rules by id: {framework.name}", tools=True, roomy=["What it is about", heads[-1]], numeric=heads[2:-1]),
    )


def _bearing(results: Sequence[RuleResult], framework: str, id: str) -> list[RuleResult]:
    return [result for result in results if any((entry.framework, entry.id) == (framework, id) for entry in result.frameworks)]


def _counts(own: Sequence[RuleResult]) -> list[Any]:
    return [sum(result.verdict in verdicts for result in own) for verdicts in words.VERDICT_GROUPS.values()]


def _verdicts(own: Sequence[RuleResult]) -> Fragment | str:
    if not own:
        return "No rule of this audit bears on it."
    return join(*(join(tag("span", links.to_rule(r.id), " ", badge(r.verdict), cls="nowrap"), " ") for r in own))
