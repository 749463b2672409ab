"""The page that follows up: what became of the previous audit's findings, what came anew and why, and who answers for what is open."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from heytalk_audit.follow_up import compare, history
from heytalk_audit.policy.chapters import PAGE_OF
from heytalk_audit.report import charts, words
from heytalk_audit.report.html import Fragment, badge, bullets, code, definitions, join, paragraph, table, tag
from heytalk_audit.report.policy_pages import said

CAUSES = {
    "rule": "the rule or the tool: today's rule finds otherwise on the same data",
    "policy": "another number or name in the policy's data",
    "parameters": "another setting in the audit's parameters",
    "data": "other data, or the time that passed",
    "exceptions": "another coverage by the register of accepted exceptions; the row's outcome is the same",
    "tested": "the rule was evaluated in one of the two audits only",
}
#: Verdicts as the trend draws them together.
DRAWN = {
    "fail": ("FAIL", "ERROR"),
    "open": ("REVIEW", "ACCEPTED"),
    "pass": ("PASS",),
    "not tested": ("NOT_EVALUATED", "NO_POPULATION"),
}
SHOWN = 12


def nothing() -> Fragment:
    """Where there is nothing to follow up; no page shows it."""
    return paragraph("No previous audit was named, and no register of findings: nothing is followed up.", cls="note")


def page(
    told: dict[str, Any] | None,
    standings: list[dict[str, Any]],
    missing: list[str],
    results: list[dict[str, Any]],
    audit: dict[str, Any],
) -> Fragment:
    """The whole page. `told` is the follow-up as results.json has it, null without a previous audit; `missing` are keys without entry."""
    before = f"; previous audit {told['previous']['id']}, as of {told['previous']['as_of']}" if told else ""
    head = f"{audit['title']}; state as of {audit['as_of']}{before}"
    parts = [tag("h1", "Follow-up"), paragraph(words.SUBTITLE, cls="sub"), paragraph(head, cls="note")]
    if told:
        parts += [_since(told), _rules(told), _repeats(told), _rolled(told)]
    parts += [_register(standings, missing)]
    return join(*parts, _trend(told, results, audit) if told else Fragment(""))


def _since(told: dict[str, Any]) -> Fragment:
    title = tag("h2", "Rows since the previous audit", id="since")
    if told["keys"] != "same":
        text = "The previous audit used another engagement key: its rows cannot be told apart from today's, and only counts are compared."
        return join(title, paragraph(text, cls="callout mild"))
    totals = {state: sum(counted.values()) for state, counted in history.totals(told["rules"]).items()}
    by_cause: Counter[tuple[str, str]] = Counter()
    for state, counted in history.totals(told["rules"]).items():
        for cause, n in counted.items():
            by_cause[state, cause] += n
    causes = sorted({cause for _, cause in by_cause if cause != "none"}, key=_rank)
    lines = [[s.capitalize(), means, totals[s], *[by_cause[s, c] or None for c in causes]] for s, means in compare.STATES.items()]
    meant = [(c.capitalize(), CAUSES.get(c, "these could not be told apart: the earlier snapshot is not at hand")) for c in causes]
    return join(
        title,
        paragraph(
            "Every row that was open (violation, review, unknown, exempt) in one of the two audits, told apart by its pseudonym. Causes "
            "are computed in this order: the rule, the policy, the parameters, the data; a row's cause is the last of these steps that "
            "brought it to where it is. Without the earlier snapshot the data comes before the policy and the parameters."
        ),
        table(["State", "Which means", "Rows", *[c.capitalize() for c in causes]], lines, "Rows by state and cause", numeric=causes),
        definitions(meant),
    )


def _rank(cause: str) -> tuple[int, str]:
    order = list(CAUSES)
    return (order.index(cause) if cause in order else len(order), cause)


def _link(rule: str, tested: bool = True) -> Any:
    return tag("a", rule, href=f"{PAGE_OF[rule.partition('-')[0]]}#{rule}", cls="nowrap") if tested else rule


def _rules(told: dict[str, Any]) -> Fragment:
    title = tag("h2", "Rule by rule", id="rules")
    moved, series = [], {}
    shown = [s for s, counted in history.totals(told["rules"]).items() if counted]  # no empty columns
    for rule, found in told["rules"].items():
        counts = Counter[str]()
        why = Counter[str]()
        for line in found["counts"]:
            counts[line["state"]] += line["rows"]
            if line["cause"]:
                why[line["cause"]] += line["rows"]
        if any(counts[s] for s in compare.STATES if s != "persisting"):
            series[rule] = dict(counts)
        if counts or found["before"] != found["now"]:
            verdicts = [badge(found[k]) if found[k] else "left out" for k in ("before", "now")]
            causes = said({c: why[c] for c in sorted(why, key=_rank)}) if why else None
            moved.append([_link(rule, found["now"] is not None), *verdicts, *[counts[s] or None for s in shown], causes])
    if not moved:
        return join(title, paragraph("No rule had an open row, then or now, and no verdict is another."))
    top = dict(sorted(series.items(), key=lambda s: (-sum(n for k, n in s[1].items() if k != "persisting"), s[0]))[:SHOWN])
    alt = "; ".join(f"{rule}: {said(kinds)}" for rule, kinds in top.items())
    heads = ["Rule", "Then", "Now", *[s.capitalize() for s in shown], "Causes"]
    return join(
        title,
        charts.bars(top, f"Rows by state, for the rules in which most has changed. {alt}."),
        table(heads, moved, "Rows by rule and state", tools=True, numeric=heads[3:-1]),
    )


def _repeats(told: dict[str, Any]) -> Fragment:
    lines = [[_link(r["rule"]), code(r["reason"]), r["before"], r["rows"], r["first_seen"][:10], r["times"] + 1] for r in told["repeats"]]
    return join(
        tag("h2", "Repeat findings", id="repeats"),
        paragraph(
            "A finding is a rule and the reason of its violations, whatever rows they are: it repeats where the previous audit had it too. "
            "A rule that failed then and fails now is rated one level up."
        ),
        table(["Rule", "Reason", "Violations then", "Now", "First seen", "Audits that had it"], lines, "Repeat findings", tools=True),
    )


def _rolled(told: dict[str, Any]) -> Fragment:
    title = tag("h2", "Accepted exceptions rolled forward", id="rolled-forward")
    if not told["rolled_forward"]:
        return join(title, paragraph("The previous audit had no row that an accepted exception covered, or its rows cannot be told apart."))
    lines = [[_link(r["rule"]), r["entries"], r["now"].capitalize(), history.ROLLED[r["now"]], r["rows"]] for r in told["rolled_forward"]]
    text = "Rows that the register covered in the previous audit, each found again by its pseudonym, and what they are now."
    return join(title, paragraph(text), table(["Rule", "Entries then", "Now", "Which means", "Rows"], lines, "Accepted rows, then and now"))


def _register(standings: list[dict[str, Any]], missing: list[str]) -> Fragment:
    title = tag("h2", "Findings and who answers for them", id="findings")
    note = paragraph("An entry is closed by a test alone: what its owner states closes nothing.", cls="note")
    unsaid = f"Findings of this audit without an entry: {', '.join(missing)}." if missing else "Every finding of this audit has an entry."
    if not standings:
        return join(title, paragraph("This audit has no register of findings, or one without entries. ", unsaid), note)
    states = Counter(s["state"] for s in standings)
    lines = [
        [
            join(_link(s["rule"], s["state"] != "NOT_TESTED"), " ", code(s["key"].partition(":")[2])),
            tag("strong", _name(s["state"])) if s["state"] in standings.UNSOUND else _name(s["state"]),
            s["status"],
            s["rows"],
            s["first_seen"][:10] if s["first_seen"] else None,
            s["age_days"],
            s["due"],
            s["days_overdue"],
            s["owner"],
            join(s["response"] or "none", ". ", s["text"] or ""),
        ]
        for s in standings
    ]
    heads = ["Finding", "State", "Stated", "Violations", "First seen", "Days", "Due", "Days overdue", "Owner", "Management's response"]
    unsound = [s["key"] for s in standings if s["state"] == "STILL_FAILING"]
    wrong = [paragraph(f"Stated to be closed, and still failing: {', '.join(unsound)}.", cls="callout")] if unsound else []
    return join(
        title,
        *wrong,
        definitions((f"{_name(state)} ({states[state]})", means) for state, means in standings.STATES.items() if states[state]),
        table(heads, lines, "Findings, entry by entry", tools=True, roomy=["Management's response"], numeric=["Days", "Days overdue"]),
        paragraph(unsaid),
        note,
    )


def _name(state: str) -> str:
    return state.replace("_", " ").capitalize()


def _trend(told: dict[str, Any], results: list[dict[str, Any]], audit: dict[str, Any]) -> Fragment:
    """Every audit of the chain: verdicts, and the violations of the rules that failed in one of them."""
    runs = [*told["history"], history.entry(audit, results)]
    series = {f"{h['id']} ({h['as_of'][:10]})": _verdicts(h) for h in runs}
    verdicts = "; ".join(f"{name}: {said(kinds)}" for name, kinds in series.items())
    rules = sorted({r for h in runs for r, found in h["rules"].items() if found["violation"]})
    values = {r: [h["rules"].get(r, {}).get("violation") if _tested(h, r) else None for h in runs] for r in rules}
    most = sorted(rules, key=lambda r: (-max(v or 0 for v in values[r]), r))[:SHOWN]
    days = [h["as_of"][:10] for h in runs]
    alt = "; ".join(f"{r}: " + ", ".join("not tested" if v is None else f"{v:,}" for v in values[r]) for r in most)
    lines = [[_link(r, r in {found["id"] for found in results}), *values[r]] for r in rules]
    return join(
        tag("h2", "All audits so far", id="trend"),
        bullets(f"{h['id']}, as of {dt.datetime.fromisoformat(h['as_of']).date()}: {len(h['rules'])} rules" for h in runs),
        charts.bars(series, f"Rules by verdict, audit by audit. {verdicts}."),
        charts.trend({r: values[r] for r in most}, days, f"Violations, audit by audit ({', '.join(days)}), of the rules with most. {alt}."),
        table(["Rule", *[f"{h['id']} ({h['as_of'][:10]})" for h in runs]], lines, "Violations by rule and audit", tools=True),
        paragraph("A dash: not tested. Rates and numbers of an audit are those of its own day and scope.", cls="note"),
    )


def _tested(run: dict[str, Any], rule: str) -> bool:
    return rule in run["rules"] and run["rules"][rule]["verdict"] not in ("NOT_EVALUATED", "ERROR")


def _verdicts(run: dict[str, Any]) -> dict[str, int]:
    found = Counter(r["verdict"] for r in run["rules"].values())
    return {kind: sum(found[v] for v in verdicts) for kind, verdicts in DRAWN.items()}
