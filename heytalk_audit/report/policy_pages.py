"""The pages that speak of the policy: every clause and how it stands, and what is wrong with the document itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from heytalk_audit.policy.chapters import PAGE_OF
from heytalk_audit.report import charts, words
from heytalk_audit.report.html import Fragment, badge, code, join, paragraph, show, table, tag

KINDS = {"D": "Data can test it", "A": "Needs attestation", "N": "No commitment"}
SEVERITIES = ("critical", "high", "medium", "low")
#: What the charts draw together.
DRAWN = {
    "fail": ("FAIL", "ERROR"),
    "open": ("REVIEW", "PARTLY_TESTED", "ACCEPTED"),
    "pass": ("PASS",),
    "not tested": ("NOT_EVALUATED", "NO_POPULATION", "NOT_TESTED"),
    "attested": ("ATTESTED",),
    "expired": ("EXPIRED",),
    "no attestation": ("OPEN",),
    "no commitment": ("NO_COMMITMENT",),
}


def tally(clauses: Iterable[dict[str, Any]], kind: str) -> dict[str, int]:
    """How many clauses of a class stand how, in the order of `words.CLAUSES`."""
    found = Counter(c["state"] for c in clauses if c["class"] == kind)
    return {state: found[state] for state in words.CLAUSES if found[state]}


def drawn(counts: dict[str, int]) -> dict[str, int]:
    """The same, as the charts draw them together."""
    return {name: sum(counts.get(s, 0) for s in states) for name, states in DRAWN.items()}


def said(counts: dict[str, int]) -> str:
    """Counts as words."""
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "none"


def linked(rules: Iterable[dict[str, Any]]) -> list[Fragment]:
    """Rules with their verdicts, each linked to its section."""
    links = [(r, tag("a", r["id"], href=f"{PAGE_OF[r['id'].split('-')[0]]}#{r['id']}")) for r in rules]
    return [join(tag("span", link, " ", badge(r["verdict"]), cls="nowrap"), " ") for r, link in links]


def _head(title: str, audit: dict[str, Any]) -> Fragment:
    about = f"{audit['title']}; state as of {audit['as_of']}; {audit['policy']['title']}, version {audit['policy']['version']}"
    return join(tag("h1", title), paragraph(words.SUBTITLE, cls="sub"), paragraph(about, cls="note"))


def clause_coverage(clauses: list[dict[str, Any]], results: list[dict[str, Any]], audit: dict[str, Any]) -> Fragment:
    """Every clause of the policy: tested by which rules with which verdict, attested, or no commitment."""
    counted = {kind: tally(clauses, kind) for kind in KINDS}
    sums = {kind: sum(counts.values()) for kind, counts in counted.items()}
    series = {f"{name} ({sums[kind]})": drawn(counted[kind]) for kind, name in KINDS.items()}
    alt = "; ".join(f"{name}: {said(kinds)}" for name, kinds in series.items())
    return join(
        _head("Clause coverage", audit),
        tag("h2", "How the clauses stand", id="standing"),
        paragraph(
            f"The policy has {len(clauses)} clauses: data can test {sums['D']} of them, {sums['A']} need attestation, and {sums['N']} "
            "promise nothing that could be kept or broken. A clause stands as the worst of its rules stands, and passes only if every "
            "rule that should test it ran and passed. Rules that pass are not the clause: the last column says what they do not show."
        ),
        charts.bars(series, f"Clauses by how they stand. {alt}."),
        _totals(counted),
        tag("h2", "Clauses that data can test", id="tested"),
        paragraph("Rules measured against the law (their ids end in L) are listed, and move no clause.", cls="note"),
        _tested([c for c in clauses if c["class"] == "D"], {r["id"]: r for r in results}),
        tag("h2", "Clauses that people attest", id="attested"),
        paragraph(
            "No data can test these. An attestation is what its author says, on the evidence named: it was not tested, and gives no "
            "verdict. Rules that touch the same matter are listed beside it, and do not stand for it."
        ),
        _attested([c for c in clauses if c["class"] == "A"]),
        tag("h2", "Clauses without a commitment", id="uncommitted"),
        _plain([c for c in clauses if c["class"] == "N"]),
    )


def _totals(counted: dict[str, dict[str, int]]) -> Fragment:
    lines = []
    for kind, counts in counted.items():
        lines += [[KINDS[kind], badge(state), words.CLAUSES[state], n] for state, n in counts.items()]
        lines.append([tag("strong", f"{KINDS[kind]}, all"), None, None, sum(counts.values())])
    lines.append([tag("strong", "All clauses"), None, None, sum(sum(c.values()) for c in counted.values())])
    return table(["Kind", "State", "Which means", "Clauses"], lines, "Clauses by kind and state")


def _where(clause: dict[str, Any]) -> list[Any]:
    place = tag("small", f"{clause['section']}, line {clause['line']}", cls="nowrap")
    return [join(tag("span", clause["id"], cls="nowrap"), tag("br"), place), clause["paraphrase"]]


def _tested(clauses: list[dict[str, Any]], results: dict[str, dict[str, Any]]) -> Fragment:
    lines = []
    for c in clauses:
        by = linked(c["rules"])
        if c["not_run"] or not by:
            by.append(show("Not tested in this run" + (f": {', '.join(c['not_run'])}." if c["not_run"] else ".")))
        limits = dict.fromkeys(_short(results[r["id"]]["limits"]) for r in c["rules"])
        lines.append([*_where(c), badge(c["state"]), join(*by), " ".join(limits)])
    heads = ["Clause", "What it promises", "State", "Tested by", "What the test does not show"]
    return table(heads, lines, "Clauses that data can test", tools=True, roomy=["What it promises", "Tested by", heads[-1]])


def _short(limits: str) -> str:
    """The first sentence."""
    return limits.split(". ")[0].rstrip(".") + "." if limits else ""


def _attested(clauses: list[dict[str, Any]]) -> Fragment:
    lines = []
    for c in clauses:
        a = c["attestation"]
        who = join(a["who"], tag("br"), tag("small", a["role"])) if a["who"] else None
        on = [tag("br"), tag("small", "Evidence: ", a["evidence"], ", SHA-256 ", code(a["evidence_sha256"][:16]))] if a["evidence"] else []
        days = join(tag("span", a["date"], cls="date"), tag("br"), tag("span", a["expires"], cls="date")) if a["date"] else None
        lines.append([*_where(c), badge(c["state"]), who, join(a["what"], *on), days, join(*linked(c["rules"])) if c["rules"] else None])
    heads = ["Clause", "What it promises", "State", "Who", "What is attested", "On, until", "Rules that touch it"]
    return table(heads, lines, "Clauses that people attest", tools=True, roomy=["What it promises", "What is attested"])


def _plain(clauses: list[dict[str, Any]]) -> Fragment:
    return table(["Clause", "What it says"], [_where(c) for c in clauses], "Clauses without a commitment")


def document_findings(findings: Iterable[dict[str, str]], clauses: list[dict[str, Any]], audit: dict[str, Any]) -> Fragment:
    """Findings on the policy document itself, by severity, with the rules that touch the same clauses."""
    findings = list(findings)
    by_severity = {s: [f for f in findings if f["severity"] == s] for s in SEVERITIES}
    counts = {s: len(found) for s, found in by_severity.items()}
    parts = [
        _head("The policy itself", audit),
        tag("h2", "Findings by severity", id="findings"),
        paragraph(
            f"{len(findings)} findings on the document. They need no data: the text is measured against its own other lines and against "
            "the law. References to law are to be confirmed by counsel. Where rules test the same clauses on data, their verdicts stand "
            "beside."
        ),
        charts.bars({s.capitalize(): {"findings": n} for s, n in counts.items()}, f"Findings on the policy by severity: {said(counts)}."),
    ]
    for severity, found in by_severity.items():
        if found:
            parts.append(tag("h2", f"{severity.capitalize()} ({len(found)})", id=f"severity-{severity}"))
            parts.append(_findings(severity, found, clauses))
    return join(*parts)


def _findings(severity: str, found: list[dict[str, str]], clauses: list[dict[str, Any]]) -> Fragment:
    lines = []
    for f in found:
        touched = [c for c in clauses if f["id"] in c["findings"]]
        rules = {r["id"]: r for c in touched for r in c["rules"]}
        what = join(tag("strong", f["title"]), ". ", f["text"])
        name = join(tag("span", f["id"], cls="nowrap"), tag("br"), tag("small", f"lines {f['lines']}"))
        about = tag("small", ", ".join(c["id"] for c in touched))
        tests = join(about, tag("br"), *linked(rules[id] for id in sorted(rules))) if touched else None
        lines.append([name, what, f.get("criteria", ""), tests])
    heads = ["Finding, lines", "What", "Criteria", "Clauses, and rules on them"]
    return table(heads, lines, f"Findings of {severity} severity", roomy=["What", "Criteria", heads[-1]])
