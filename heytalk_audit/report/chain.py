"""All audits of a chain side by side: verdicts, and the violations of the rules that failed in one of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

from heytalk_audit.audit.document import AuditDescription, PastAudit
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.follow_up import history
from heytalk_audit.report import charts, links, words
from heytalk_audit.report.html import Fragment, bullets, join, paragraph, table, tag

#: How many rules are drawn.
MOST_RULES = 12


def all_audits(earlier: Sequence[PastAudit], audit: AuditDescription, results: Sequence[RuleResult]) -> Fragment:
    """Every audit of the chain, the oldest first; `audit` and `results` are those of the audit at hand."""
    audits = [*earlier, history.entry(audit, results)]
    by_rule = _violations(audits)
    tested_now = {result.id for result in results}
    lines = [[links.to_rule(rule, nowrap=True) if rule in tested_now else rule, *numbers] for rule, numbers in by_rule.items()]
    return join(
        tag("h2", "All audits so far", id="trend"),
        bullets(f"{a.id}, as of {dt.datetime.fromisoformat(a.as_of).date()}: {len(a.rules)} rules" for a in audits),
        _verdicts_drawn(audits),
        _violations_drawn(audits, by_rule),
        table(["Rule", *map(_name, audits)], lines, "Violations by rule and audit", tools=True),
        paragraph("A dash: not tested. Rates and numbers of an audit are those of its own day and scope.", cls="note"),
    )


def _name(audit: PastAudit) -> str:
    return f"{audit.id} ({audit.as_of[:10]})"


def _violations(audits: Sequence[PastAudit]) -> dict[str, list[int | None]]:
    """Violations audit by audit (null: not tested) of every rule that had one, by its id."""
    rules = sorted({id for audit in audits for id, rule in audit.rules.items() if rule.violation})
    return {rule: [_violations_in(audit, rule) for audit in audits] for rule in rules}


def _violations_in(audit: PastAudit, rule: str) -> int | None:
    past = audit.rules.get(rule)
    return past.violation if past is not None and past.verdict.is_tested else None


def _verdicts_drawn(audits: Sequence[PastAudit]) -> Fragment:
    series = {}
    for audit in audits:
        verdicts = Counter(rule.verdict for rule in audit.rules.values())
        series[_name(audit)] = {kind: sum(verdicts[v] for v in group) for kind, group in words.VERDICT_GROUPS.items()}
    alt = "; ".join(f"{name}: {words.counts(kinds)}" for name, kinds in series.items())
    return charts.bars(series, f"Rules by verdict, audit by audit. {alt}.")


def _violations_drawn(audits: Sequence[PastAudit], by_rule: Mapping[str, Sequence[int | None]]) -> Fragment:
    first = sorted(by_rule, key=lambda rule: (-max(n or 0 for n in by_rule[rule]), rule))[:MOST_RULES]
    days = [audit.as_of[:10] for audit in audits]
    alt = "; ".join(f"{rule}: " + ", ".join("not tested" if n is None else f"{n:,}" for n in by_rule[rule]) for rule in first)
    return charts.trend(
        {rule: by_rule[rule] for rule in first}, days, f"Violations, audit by audit ({', '.join(days)}), of the rules with most. {alt}."
    )
