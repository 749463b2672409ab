"""The pages that speak of the policy: every clause and how it stands, and what is wrong with the document itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heytalk_audit.audit.clauses import BROKEN, KEPT, NO_COMMITMENT, NOT_TESTED, PARTLY, UNDECIDED
from heytalk_audit.audit.document import AuditDescription, ClauseStanding, RuleVerdict
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.policy import Reason
from heytalk_audit.registers.attestations import ATTESTED, EXPIRED, OPEN
from heytalk_audit.report import links, words
from heytalk_audit.report.html import Fragment, badge, code, join, on_paper, on_screen, paragraph, percent, show, table, tag, words_of
from heytalk_audit.vocabulary import Severity, Verdict

_BREAKS = (Verdict.FAIL, Verdict.ACCEPTED)
KINDS = {"D": "Data can test it", "A": "Needs attestation", "N": "No commitment"}
#: So many rules of a clause are named on paper; more are counted.
MOST_RULES = 4
#: States of clauses as a summary names them.
STATE_GROUPS: dict[str, tuple[str, ...]] = {
    "broken": (BROKEN,),
    "partly": (PARTLY,),
    "undecided": (UNDECIDED,),
    "kept": (KEPT,),
    "not tested": (NOT_TESTED,),
    "attested": (ATTESTED,),
    "expired": (EXPIRED,),
    "no attestation": (OPEN,),
    "no commitment": (NO_COMMITMENT,),
}


def tally(clauses: Iterable[ClauseStanding], kind: str) -> dict[str, int]:
    """How many clauses of a kind stand how, in the order of `words.CLAUSES`."""
    states = Counter(clause.state for clause in clauses if clause.kind == kind)
    return {state: states[state] for state in words.CLAUSES if states[state]}


def grouped(counts: Mapping[str, int]) -> dict[str, int]:
    """The same, by what a summary names together, zeros included."""
    return {name: sum(counts.get(s, 0) for s in states) for name, states in STATE_GROUPS.items()}


def clause_coverage(clauses: Sequence[ClauseStanding], results: Iterable[RuleResult], audit: AuditDescription) -> Fragment:
    """Every clause of the policy: tested by which rules with which verdict, attested, or no commitment."""
    return join(
        _head("Clause coverage", audit),
        tag("h2", "How the clauses stand", id="standing"),
        _standing(clauses),
        tag("h2", "Clauses that data can test", id="tested"),
        paragraph("Rules measured against the law (their ids end in L) are listed, and do not change how a clause stands.", cls="note"),
        _tested([c for c in clauses if c.kind == "D"], {result.id: result for result in results}),
        tag("h2", "Clauses that people attest", id="attested"),
        paragraph(
            "No data can show whether these clauses are kept. An attestation is its author's statement, on the evidence named: it "
            "was not tested, "
            "and gives no verdict. Where rules test or touch the same matter, their verdicts decide how the clause stands."
        ),
        _attested([c for c in clauses if c.kind == "A"]),
        tag("h2", "Clauses without a commitment", id="uncommitted"),
        _uncommitted([c for c in clauses if c.kind == "N"]),
    )


def _head(title: str, audit: AuditDescription) -> Fragment:
    about = f"{audit.title}; state as of {audit.as_of}; {audit.policy.title}, version {audit.policy.version}"
    return join(tag("h1", title), paragraph(words.SUBTITLE, cls="sub"), paragraph(about, cls="note"))


def _standing(clauses: Sequence[ClauseStanding]) -> Fragment:
    """How many clauses of each kind stand how: in words, and as a table."""
    counted = {kind: tally(clauses, kind) for kind in KINDS}
    sums = {kind: sum(counts.values()) for kind, counts in counted.items()}
    return join(
        paragraph(
            f"The policy has {len(clauses)} clauses: data can test {sums['D']} of them, {sums['A']} need attestation, and {sums['N']} "
            "promise nothing that could be kept or broken. A clause is broken where a rule that tests this very sentence fails, and partly "
            "so where one that touches it does. It is kept only if every such rule ran and passed. A clause may promise more than "
            "its rules test: what they do not show stands with each rule, and on the screen beside the clause."
        ),
        _totals(counted),
    )


def _totals(counted: Mapping[str, Mapping[str, int]]) -> Fragment:
    lines: list[list[Any]] = []
    for kind, counts in counted.items():
        lines += [[KINDS[kind], badge(state), words.CLAUSES[state], n] for state, n in counts.items()]
        lines.append([tag("strong", f"{KINDS[kind]}, all"), None, None, sum(counts.values())])
    lines.append([tag("strong", "All clauses"), None, None, sum(sum(c.values()) for c in counted.values())])
    return table(["Kind", "State", "Which means", "Clauses"], lines, "Clauses by kind and state")


def _tested(clauses: Sequence[ClauseStanding], results: Mapping[str, RuleResult]) -> Fragment:
    lines = []
    for clause in clauses:
        rules = _with_verdicts(clause.rules)
        if clause.not_run or not rules:
            rules.append(show("Not tested in this run" + (f": {', '.join(clause.not_run)}." if clause.not_run else ".")))
        limits = dict.fromkeys(_first_sentence(results[rule.id].limits) for rule in clause.rules)
        lines.append([*_clause(clause), _state(clause, results), join(*rules), " ".join(limits)])
    heads = ["Clause", "What it promises", "State", "Tested by", "What the test does not show"]
    return table(heads, lines, "Clauses that data can test", tools=True, roomy=["What it promises", "Tested by", heads[-1]])


def _state(clause: ClauseStanding, results: Mapping[str, RuleResult]) -> Fragment:
    """How a clause stands; where it is broken, or partly, in how many of how many rows of the rule that breaks it most."""
    how_often = [_how_often(results[r.id]) for r in clause.rules if r.verdict in _BREAKS and (r.primary or clause.state == PARTLY)]
    worst = max(how_often, default=None)
    if clause.state not in (BROKEN, PARTLY) or worst is None or worst[1] is None:
        return badge(clause.state)
    rate, violations, tested = worst
    share = f" ({percent(rate)})" if clause.state == BROKEN else ""
    return join(badge(clause.state), tag("br"), tag("small", f"in {violations:,} of {tested:,}{share}"))


def _how_often(result: RuleResult) -> tuple[float, int | None, int | None]:
    violations, tested = result.ledger.violation, result.ledger.tested
    is_shown = violations is not None and tested is not None
    return (result.rate or 0.0, violations, tested) if is_shown else (0.0, None, None)


def _with_verdicts(rules: Sequence[RuleVerdict]) -> list[Fragment]:
    """Rules with their verdicts, each linked to its section; on paper many are counted by verdict."""
    named = [join(tag("span", links.to_rule(rule.id), " ", badge(rule.verdict), cls="nowrap"), " ") for rule in rules]
    if len(rules) <= MOST_RULES:
        return named
    by_verdict = Counter(words_of(rule.verdict) for rule in rules)
    counted = "; ".join(f"{verdict} {n}" for verdict, n in by_verdict.most_common())
    return [on_screen(*named), on_paper(show(f"{len(rules)} rules: {counted}"))]


def _clause(clause: ClauseStanding) -> list[Any]:
    """A clause's first two cells: its id and place, and what it says."""
    place = tag("small", f"{clause.section}, line {clause.line}", cls="nowrap")
    return [join(tag("span", clause.id, cls="nowrap"), tag("br"), place), clause.paraphrase]


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".") + "." if text else ""


def _attested(clauses: Sequence[ClauseStanding]) -> Fragment:
    heads = ["Clause", "What it promises", "State", "Who", "What is attested", "On, until", "Rules that touch it"]
    lines = [[*_clause(clause), badge(clause.state), *_attestation(clause)] for clause in clauses]
    return table(heads, lines, "Clauses that people attest", tools=True, roomy=["What it promises", "What is attested"])


def _attestation(clause: ClauseStanding) -> list[Any]:
    """The cells of a clause that say who attests what, on which evidence, until when, and which rules touch it."""
    rules = join(*_with_verdicts(clause.rules)) if clause.rules else None
    a = clause.attestation
    if a is None:
        return [None, None, None, rules]
    who = join(a.who, tag("br"), tag("small", a.role)) if a.who else None
    on = [tag("br"), tag("small", "Evidence: ", a.evidence, ", SHA-256 ", code((a.evidence_sha256 or "")[:16]))] if a.evidence else []
    days = join(tag("span", a.date, cls="date"), tag("br"), tag("span", a.expires, cls="date")) if a.date else None
    return [who, join(a.what, *on), days, rules]


def _uncommitted(clauses: Sequence[ClauseStanding]) -> Fragment:
    return table(["Clause", "What it says"], [_clause(clause) for clause in clauses], "Clauses without a commitment")


def document_findings(findings: Iterable[Mapping[str, str]], clauses: Sequence[ClauseStanding], audit: AuditDescription) -> Fragment:
    """Findings on the policy document itself, by severity, with the rules that touch the same clauses."""
    findings = list(findings)
    by_severity = {severity: [f for f in findings if f["severity"] == severity] for severity in Severity}
    counts = {str(severity): len(listed) for severity, listed in by_severity.items()}
    parts = [
        _head("The policy itself", audit),
        tag("h2", "Findings by severity", id="findings"),
        paragraph(
            f"{len(findings)} findings on the document: {words.counts(counts)}. They need no "
            f"data: the text is measured against its own other lines and against "
            "the law. References to law are to be confirmed by counsel. Where rules test the same clauses on data, their verdicts stand "
            "beside."
        ),
    ]
    for severity, listed in by_severity.items():
        if listed:
            parts.append(tag("h2", f"{severity.capitalize()} ({len(listed)})", id=f"severity-{severity}"))
            parts.append(_of_severity(severity, listed, clauses))
    return join(*parts)


def _of_severity(severity: Severity, findings: Sequence[Mapping[str, str]], clauses: Sequence[ClauseStanding]) -> Fragment:
    lines = []
    for finding in findings:
        touched = [clause for clause in clauses if finding["id"] in clause.findings]
        rules = {rule.id: rule for clause in touched for rule in clause.rules}
        what = join(tag("strong", finding["title"]), ". ", finding["text"])
        name = join(tag("span", finding["id"], cls="nowrap"), tag("br"), tag("small", f"lines {finding['lines']}"))
        about = tag("small", ", ".join(clause.id for clause in touched))
        tests = join(about, tag("br"), *_with_verdicts([rules[id] for id in sorted(rules)])) if touched else None
        lines.append([name, what, finding.get("criteria", ""), tests])
    heads = ["Finding, lines", "What", "Criteria", "Clauses, and rules on them"]
    return table(heads, lines, f"Findings of {severity} severity", roomy=["What", "Criteria", heads[-1]])


def reasons_page(reasons: Mapping[str, Reason], audit: AuditDescription) -> Fragment:
    """What each reason's code says, and what to do next about a row that has it."""
    lines = [[code(name), reason.says, reason.next] for name, reason in sorted(reasons.items())]
    return join(
        _head("Reasons of rows", audit),
        tag("h2", "What each code says", id="reasons"),
        table(["Code", "What the row shows", "What to do next"], lines, f"{len(lines)} reasons", tools=True, roomy=["What the row shows"]),
    )
