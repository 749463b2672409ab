"""The page that follows up: what became of the previous audit's findings, what came anew and why, and who answers for what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heytalk_audit.audit.document import AuditDescription, FindingStanding, FollowUpDocument, RuleFollowUp
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.follow_up import changes, history, standings
from heytalk_audit.report import charts, links, words
from heytalk_audit.report.chain import all_audits
from heytalk_audit.report.html import Fragment, badge, code, definitions, join, on_paper, on_screen, paragraph, table, tag, words_of

CAUSES = {
    "rule": "the rule or the tool: today's rule gives another result on the same data",
    "policy": "another number or name in the policy's data",
    "parameters": "another setting in the audit's parameters",
    "data": "other data, or the time that passed",
    "exceptions": "another coverage by the register of accepted exceptions; the row's outcome is the same",
    "tested": "the rule was evaluated in one of the two audits only",
}
#: How many rules are drawn.
MOST_RULES = 12
#: Rows by state, and by state and cause: null for no cause.
ByCause = Mapping[str, Counter[str | None]]


def nothing() -> Fragment:
    """Where there is nothing to follow up; no page shows it."""
    return paragraph("Neither a previous audit nor a register of findings was named, so nothing is followed up.", cls="note")


def page(
    follow_up: FollowUpDocument | None,
    findings: Sequence[FindingStanding],
    missing: Sequence[str],
    results: Sequence[RuleResult],
    audit: AuditDescription,
) -> Fragment:
    """The whole page. `follow_up` is null without a previous audit; `findings` are the entries of the register of findings, and
    `missing` the keys of findings without an entry.
    """
    before = f"; previous audit {follow_up.previous.id}, as of {follow_up.previous.as_of}" if follow_up else ""
    head = f"{audit.title}; state as of {audit.as_of}{before}"
    parts = [tag("h1", "Follow-up"), paragraph(words.SUBTITLE, cls="sub"), paragraph(head, cls="note")]
    if follow_up:
        parts += [_since(follow_up), _rules(follow_up), _repeats(follow_up), _rolled_forward(follow_up)]
    parts.append(_register(findings, missing))
    return join(*parts, all_audits(follow_up.history, audit, results) if follow_up else Fragment(""))


def _rows_by_cause(rules: Iterable[RuleFollowUp]) -> ByCause:
    """Rows by state and cause over all of these rules."""
    rows: dict[str, Counter[str | None]] = {state: Counter() for state in changes.STATES}
    for rule in rules:
        for line in rule.counts:
            rows[line.state][line.cause] += line.rows
    return rows


def _since(follow_up: FollowUpDocument) -> Fragment:
    title = tag("h2", "Rows since the previous audit", id="since")
    if follow_up.keys != "same":
        text = "The previous audit used another engagement key: its rows cannot be matched with today's, and only counts are compared."
        return join(title, paragraph(text, cls="callout mild"))
    rows = _rows_by_cause(follow_up.rules.values())
    causes = sorted({cause for by_cause in rows.values() for cause in by_cause if cause}, key=_rank)
    lines = [
        [state.capitalize(), means, sum(rows[state].values()), *[rows[state][cause] or None for cause in causes]]
        for state, means in changes.STATES.items()
    ]
    meanings = [(c.capitalize(), CAUSES.get(c, "these could not be distinguished: the earlier snapshot is not available")) for c in causes]
    return join(
        title,
        paragraph(
            "Every row that was open (violation, review, unknown, exempt) in one of the two audits, matched by its pseudonym. Causes "
            "are computed in this order: the rule, the policy, the parameters, the data; a row's cause is the last of these steps that "
            "brought it to where it is. Without the earlier snapshot the data comes before the policy and the parameters."
        ),
        table(["State", "Which means", "Rows", *[c.capitalize() for c in causes]], lines, "Rows by state and cause", numeric=causes),
        definitions(meanings),
    )


def _rank(cause: str) -> tuple[int, str]:
    order = list(CAUSES)
    return (order.index(cause) if cause in order else len(order), cause)


def _rules(follow_up: FollowUpDocument) -> Fragment:
    title = tag("h2", "Rule by rule", id="rules")
    by_rule = {rule: _rows_by_cause([two]) for rule, two in follow_up.rules.items()}
    # no empty columns
    states = [state for state in changes.STATES if any(rows[state] for rows in by_rule.values())]
    lines = [_rule(rule, follow_up.rules[rule], rows, states) for rule, rows in by_rule.items() if _has_news(follow_up.rules[rule])]
    if not lines:
        return join(title, paragraph("No rule had an open row then or now, and no verdict changed."))
    heads = ["Rule", "Then", "Now", *[state.capitalize() for state in states], "Causes"]
    return join(
        title,
        _most_changed(by_rule),
        table(heads, lines, "Rows by rule and state", tools=True, numeric=heads[3:-1]),
    )


def _has_news(rule: RuleFollowUp) -> bool:
    """Whether a rule has or had an open row, or another verdict than before."""
    return bool(rule.counts) or rule.before != rule.now


def _rule(name: str, rule: RuleFollowUp, rows: ByCause, states: Sequence[str]) -> list[Any]:
    by_cause: Counter[str] = Counter()
    for counts in rows.values():
        by_cause.update({cause: n for cause, n in counts.items() if cause})
    verdicts = [badge(verdict) if verdict else "left out" for verdict in (rule.before, rule.now)]
    causes = words.counts({cause: by_cause[cause] for cause in sorted(by_cause, key=_rank)}) if by_cause else None
    link = links.to_rule(name, nowrap=True) if rule.now is not None else name
    return [link, *verdicts, *[sum(rows[state].values()) or None for state in states], causes]


def _most_changed(by_rule: Mapping[str, ByCause]) -> Fragment:
    """A drawing of the rules in which most rows are not as they were."""
    counts = {rule: {state: sum(c.values()) for state, c in rows.items() if c} for rule, rows in by_rule.items()}
    changed = {rule: sum(n for state, n in states.items() if state != "persisting") for rule, states in counts.items()}
    first = sorted((rule for rule in counts if changed[rule]), key=lambda rule: (-changed[rule], rule))[:MOST_RULES]
    series = {rule: counts[rule] for rule in first}
    alt = "; ".join(f"{rule}: {words.counts(states)}" for rule, states in series.items())
    return charts.bars(series, f"Rows by state, for the rules in which most has changed. {alt}.")


def _repeats(follow_up: FollowUpDocument) -> Fragment:
    lines = [
        [links.to_rule(r.rule, nowrap=True), code(r.reason), r.before, r.rows, r.first_seen[:10], r.times + 1] for r in follow_up.repeats
    ]
    by_rule = Counter(repeat.rule for repeat in follow_up.repeats)
    return join(
        tag("h2", "Repeat findings", id="repeats"),
        paragraph(
            "A finding is a rule and the reason of its violations, whatever rows they are: it repeats where the previous audit had it too. "
            "A rule that failed then and fails now is rated one level up."
        ),
        on_screen(
            table(["Rule", "Reason", "Violations then", "Now", "First seen", "Audits that had it"], lines, "Repeat findings", tools=True)
        ),
        on_paper(paragraph(f"Repeat findings by rule: {', '.join(f'{rule} ({n})' for rule, n in by_rule.items()) or 'none'}.")),
    )


def _rolled_forward(follow_up: FollowUpDocument) -> Fragment:
    title = tag("h2", "Accepted exceptions rolled forward", id="rolled-forward")
    if not follow_up.rolled_forward:
        return join(title, paragraph("The previous audit had no row that an accepted exception covered, or its rows cannot be matched."))
    lines = [
        [links.to_rule(r.rule, nowrap=True), r.entries, r.now.capitalize(), history.ROLLED[r.now], r.rows] for r in follow_up.rolled_forward
    ]
    text = "Rows that the register covered in the previous audit, each found again by its pseudonym, and what they are now."
    return join(title, paragraph(text), table(["Rule", "Entries then", "Now", "Which means", "Rows"], lines, "Accepted rows, then and now"))


def _register(findings: Sequence[FindingStanding], missing: Sequence[str]) -> Fragment:
    title = tag("h2", "Findings and who answers for them", id="findings")
    note = paragraph("An entry is closed by a test alone: what its owner states closes nothing.", cls="note")
    absent = f"Findings of this audit without an entry: {', '.join(missing)}." if missing else "Every finding of this audit has an entry."
    if not findings:
        return join(title, paragraph("This audit has no register of findings, or one without entries. ", absent), note)
    states = Counter(finding.state for finding in findings)
    unsound = [finding.key for finding in findings if finding.state == "STILL_FAILING"]
    wrong = [paragraph(f"Stated to be closed, and still failing: {', '.join(unsound)}.", cls="callout")] if unsound else []
    meanings = [(f"{words_of(state)} ({states[state]})", means) for state, means in standings.STATES.items() if states[state]]
    return join(
        title,
        *wrong,
        definitions(meanings),
        on_screen(_entries(findings, "Findings, entry by entry")),
        on_paper(*_entries_on_paper(findings)),
        paragraph(absent),
        note,
    )


def _entries_on_paper(findings: Sequence[FindingStanding]) -> list[Fragment]:
    """Entries that are wrong, or late: the rest is printed with each finding."""
    pressing = [finding for finding in findings if finding.state in standings.UNSOUND or finding.days_overdue]
    if not pressing:
        return [paragraph("No entry is overdue, and none is wrong. What each states is printed with its finding.")]
    return [_entries(pressing, "Entries that are overdue or wrong"), paragraph("What the others state is printed with each finding.")]


def _entries(findings: Sequence[FindingStanding], caption: str) -> Fragment:
    return table(
        ["Finding", "State", "Stated", "Violations", "First seen", "Days", "Due", "Days overdue", "Owner", "Management's response"],
        map(_finding, findings),
        caption,
        tools=True,
        roomy=["Management's response"],
        numeric=["Days", "Days overdue"],
    )


def _finding(finding: FindingStanding) -> list[Any]:
    rule = links.to_rule(finding.rule, nowrap=True) if finding.state != "NOT_TESTED" else finding.rule
    state = words_of(finding.state)
    return [
        join(rule, " ", code(finding.key.partition(":")[2])),
        tag("strong", state) if finding.state in standings.UNSOUND else state,
        finding.status,
        finding.rows,
        finding.first_seen[:10] if finding.first_seen else None,
        finding.age_days,
        finding.due,
        finding.days_overdue,
        finding.owner,
        join(finding.response or "none", ". ", finding.text or ""),
    ]
