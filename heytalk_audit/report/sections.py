"""A page per rule: criteria, condition, effect, recommendation, and what the test does not show."""

from __future__ import annotations

from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.report import charts, words
from heytalk_audit.report.html import Fragment, badge, bullets, code, definitions, join, paragraph, percent, show, table, tag
from heytalk_audit.report.registered import covered

SHOWN = 500
_ORDER = {"violation": 0, "review": 1, "unknown": 2, "exempt": 3, "excluded": 4}


def left_out(rule: str) -> Fragment:
    """Where the parameters leave a rule out."""
    return join(tag("h2", rule, id=rule), paragraph("Left out by this audit's parameters: it was not tested."))


def rule_section(result: dict[str, Any], rows: list[dict[str, Any]] | None = None, audience: str = "internal") -> Fragment:
    """All that the report says of one rule. `rows` are its exceptions (record, subject, outcome, reason, due_on, days_over)."""
    return join(
        tag("h2", f"{result['id']}  {result['title']}", id=result["id"]),
        paragraph(badge(result["verdict"]), " ", _rating(result), cls="lead"),
        *_promise(result),
        tag("h3", "How it was checked"),
        paragraph(result["method"] or "As the promise says."),
        tag("h3", "What was found"),
        *_found(result, audience),
        *_exceptions(result, rows or [], audience),
        tag("h3", "Accepted exceptions"),
        *covered(result, audience),
        *_meaning(result),
        tag("h3", "What this does not show"),
        paragraph(result["limits"] or "See the limits in the summary."),
        _engineer(result),
    )


def _rating(result: dict[str, Any]) -> Fragment:
    basis = {"policy": "measured against the policy", "law": "measured against the law", "evidence": "on the evidence itself"}
    text = f"Rule severity {result['severity']}"
    if result["finding_severity"]:
        text += f", finding rated {result['finding_severity']}"
    return show(f"{text}; {basis[result['basis']]}.")


def _promise(result: dict[str, Any]) -> list[Fragment]:
    cited = [
        join(
            tag("strong", c["id"]),
            f" (section {c['section']}, line {c['line']}): {c['paraphrase']}. ",
            tag("small", f"\u201c{c['anchor']}\u201d"),
        )
        for c in result["clauses"]
    ]
    parts = [tag("h3", "The promise"), paragraph(result["promise"]), bullets(cited)]
    if result["numbers"]:
        parts.append(_numbers(result))
    if result["law"]:
        parts.append(paragraph("Law, to be confirmed by counsel: " + "; ".join(result["law"]) + ".", cls="note"))
    return parts


def _numbers(result: dict[str, Any]) -> Fragment:
    lines = []
    for n in result["numbers"]:
        what = n.get("means") or f"setting {n['name']}"
        lines.append([n["name"], f"{_plain(n['value'])} {n['unit']}".strip(), what, n["clause"], n["origin"]])
    return table(["Number", "Value", "Meaning", "Clause", "Given by"], lines, f"Numbers that {result['id']} reads")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
    return "not set" if value is None else str(value)


def _found(result: dict[str, Any], audience: str) -> list[Fragment]:
    ledger, subjects = result["ledger"], result["subjects"]
    parts = [paragraph(words.condition(result))]
    if result["assumption"]:
        named = "; ".join(f"{n['means']}: {n['value']} {n['unit']}" for n in result["numbers"] if n["name"] in result["assumptions"])
        parts.append(
            paragraph(f"These violations rest on an assumption of this audit, not on a number of the policy ({named}).", cls="callout mild")
        )
    if result["reason"] and ledger["in_scope"]:
        parts.append(paragraph(f"Note: {result['reason']}.", cls="callout mild"))
    if ledger["in_scope"] == 0:
        return parts
    if result.get("suppressed"):
        parts.append(paragraph(f"Suppressed in this version: {_said_hidden(result['suppressed'])}.", cls="note"))
    outcomes = ("pass", "violation", "review", "unknown", "exempt", "excluded")
    lines = [[o.capitalize(), shown(ledger[o]), words.OUTCOMES[o]] for o in outcomes]
    lines.append(["In scope", shown(ledger["in_scope"]), "the sum of the above"])
    parts.append(table(["Outcome", "Rows", "Meaning"], lines, f"Ledger of {result['id']}", numeric=["Rows"]))
    if result["reasons"]:
        lines = [[code(r["reason"]), r["outcome"], shown(r["rows"]), shown(r["people"])] for r in result["reasons"]]
        heads = ["Reason", "Outcome", "Rows", "People"]
        if audience != "internal":
            heads, lines = heads[:3], [line[:3] for line in lines]
        parts.append(table(heads, lines, f"Reasons of {result['id']}", numeric=heads[2:]))
    parts += _people(result, subjects)
    if result["ageing"]:
        parts += [tag("h4", "How long overdue"), charts.ageing(result)]
        lines = [[f"{label} days", n] for label, n in result["ageing"].items()]
        parts.append(table(["Past the due day by", "Violations"], lines, f"Ageing of {result['id']}"))
    if result["over_time"]:
        parts += _over_time(result)
    told = {"month"} if result["over_time"] else set()
    parts += [p for name, values in result["breakdowns"].items() if name not in told for p in _breakdown(result, name, values, audience)]
    if result["figures"]:
        parts.append(definitions((f["label"], f["value"]) for f in result["figures"]))
    return parts + _judged(result["samples"])


def _judged(samples: list[dict[str, Any]]) -> list[Fragment]:
    """What people made of the samples that they read: the only ground for a rate."""
    if not samples:
        return []
    lines = []
    for s in samples:
        found, drawn = s["review"], s.get("drawn", len(s["records"]))
        if found is None:
            lines.append([s["of"], s["frame_size"], drawn, *[None] * 5, "not read by two people yet"])
            continue
        agreed = None if found["agreement"] is None else percent(found["agreement"])
        kappa = None if found["kappa"] is None else f"{found['kappa']:.2f}"
        lines.append([s["of"], s["frame_size"], drawn, found["yes"], found["no"], found["undecided"], agreed, kappa, found["stated"]])
    heads = ["Sample of", "Rows", "Drawn", "Yes", "No", "Open", "Agreement", "Kappa", "Share of yes"]
    return [
        tag("h4", "What two people made of a random sample"),
        table(heads, lines, "Random samples, as read by two people", numeric=["Agreement", "Kappa"]),
        paragraph("Yes: both say that the text is what this rule looks for. The interval is exact (Clopper-Pearson).", cls="note"),
    ]


def _said_hidden(names: list[str]) -> str:
    """What is hidden, as words: its names as `results.json` has them, without dots and underscores."""
    return ", ".join(name.replace(".", " ").replace("_", " ").replace("subjects", "people") for name in names)


def _people(result: dict[str, Any], subjects: dict[str, Any]) -> list[Fragment]:
    affected = [("Law region", subjects["by_region"]), ("Age", subjects["by_age"])]
    return [
        table(
            [name, "People"],
            [[value, shown(n)] for value, n in found.items()],
            f"People with a violation or review of {result['id']}, by {name.lower()}",
            numeric=["People"],
        )
        for name, found in affected
        if found
    ]


def _over_time(result: dict[str, Any]) -> list[Fragment]:
    points, said = result["over_time"]["points"], result["over_time"]["said"]
    kinds = {"pass": said["pass"], "review": "for a person to decide", "unknown": "unknown", "violation": said["violation"]}
    kinds = {kind: label for kind, label in kinds.items() if any(p[kind] for p in points)}
    parts = [tag("h4", "Over time")]
    if not points:
        return [*parts, paragraph("Not shown in this version: a number in it is small.")] if result.get("suppressed") else []
    lines = [[point["panel"], point["month"], *(point[kind] for kind in (*kinds, "people"))] for point in points]
    parts.append(charts.months(points, kinds, (said["rows"], said["people"]), _said(result, points, kinds)))
    heads = ["Channel", "Month", *(kind.capitalize() for kind in kinds), said["people"]]
    parts.append(table(heads, lines, f"{result['id']} month by month", tools=True, numeric=heads[2:]))
    return [*parts, paragraph(f"Test accounts are left out. {said['people']}: {said['who']}.", cls="note")]


def _said(result: dict[str, Any], points: list[dict[str, Any]], kinds: dict[str, str]) -> str:
    """The drawing as words: per panel, its sums and how the people beside it went from first to last."""
    parts = []
    for panel in dict.fromkeys(p["panel"] for p in points):
        own = [p for p in points if p["panel"] == panel]
        sums = ", ".join(f"{sum(p[kind] for p in own):,} {label}" for kind, label in kinds.items())
        parts.append(
            f"{panel}: {sums}; people from {own[0]['people']:,} in {own[0]['month']} to {own[-1]['people']:,} in {own[-1]['month']}"
        )
    return f"{result['id']} month by month. " + ". ".join(parts) + ". The table below has every number."


def _breakdown(result: dict[str, Any], name: str, values: list[dict[str, Any]], audience: str) -> list[Fragment]:
    if not values:
        return []
    title = name.replace("_", " ")
    columns = ["violation", "review", "unknown", "exempt"]
    lines = [[v["value"], *[shown(v[c]) for c in columns]] for v in values]
    parts = [tag("h4", f"By {title}")]
    if audience == "internal" and 1 < len(values) <= 40 and any(sum(v[c] for c in columns) > 1 for v in values):
        series = {v["value"]: {c: v[c] for c in columns} for v in values[:20]}
        said = "; ".join(f"{v['value']}: " + ", ".join(f"{v[c]:,} {c}" for c in columns if v[c]) for v in values[:20])
        parts.append(charts.bars(series, f"{result['id']} by {title}. {said}."))
    heads = [title.capitalize(), *[c.capitalize() for c in columns]]
    parts.append(table(heads, lines, f"{result['id']} by {title}", tools=True, numeric=heads[1:]))
    return parts


def _exceptions(result: dict[str, Any], rows: list[dict[str, Any]], audience: str) -> list[Fragment]:
    if audience != "internal":
        return [tag("h3", "Exception rows"), paragraph("Withheld in this version: the report for internal use lists them by pseudonym.")]
    told = [r for r in rows if r["outcome"] != "excluded"]
    if not told:
        return []
    parts = [tag("h3", "Exception rows")]
    told.sort(key=lambda r: (_ORDER[r["outcome"]], -(r["days_over"] or 0), r["record"]))
    note = f"All {len(told):,} rows" if len(told) <= SHOWN else f"The first {SHOWN:,} of {len(told):,} rows, violations first"
    parts.append(paragraph(f"{note}, by pseudonym; every row is in exceptions/{result['id']}.parquet.", cls="note"))
    heads = ["Record", "Person", "Outcome", "Reason", "Due on", "Days over"]
    lines = [[code(r["record"]), code(r["subject"]), r["outcome"], code(r["reason"]), r["due_on"], r["days_over"]] for r in told[:SHOWN]]
    if result["accepted"]:
        heads.append("Accepted by")
        lines = [[*line, row.get("accepted")] for line, row in zip(lines, told, strict=False)]
    parts.append(table(heads, lines, f"Exception rows of {result['id']}", tools=True, numeric=["Days over"]))
    return parts


def _meaning(result: dict[str, Any]) -> list[Fragment]:
    if result["ledger"]["violation"] == 0 and result["ledger"]["review"] == 0:
        return []
    return [
        tag("h3", "What it means"),
        paragraph(result["effect"] or "To be stated."),
        tag("h3", "Recommendation"),
        paragraph(result["recommendation"] or "To be stated."),
        tag("h3", "Cause"),
        paragraph("Not yet known. Management's view: ", tag("span", "", cls="line")),
    ]


def _engineer(result: dict[str, Any]) -> Fragment:
    tables = paragraph("Reads: " + ", ".join(result["tables"]) + ".")
    parts = [tag("summary", "Rule source and SQL"), tables, tag("h4", "Rule"), tag("pre", tag("code", result["source"]))]
    if result["sql"]:
        parts += [tag("h4", "SQL of the exception rows"), tag("pre", tag("code", result["sql"]))]
    return tag("details", *parts)


def results_matrix(results: list[dict[str, Any]], pages: dict[str, str] | None = None) -> Fragment:
    """Rule by rule: population, outcomes, rate, verdict. `pages` maps a family to the page that its sections stand on."""
    heads = [
        "Rule",
        "Verdict",
        "In scope",
        "Tested",
        "Violation",
        "Review",
        "Unknown",
        "Exempt",
        "Excluded",
        "Accepted",
        "Rate",
        "Severity",
        "Finding",
        "Basis",
    ]
    lines = []
    for r in results:
        ledger = r["ledger"]
        tested = words.tested_rows(ledger)
        link = tag("a", r["id"], href=f"{(pages or {}).get(r['family'], '')}#{r['id']}")
        numbers = [
            ledger["in_scope"],
            tested,
            *(ledger[o] for o in ("violation", "review", "unknown", "exempt", "excluded")),
            r["accepted"],
        ]
        numbers = [shown(n) for n in numbers]
        rate = f"{percent(r['rate'])} of {tested:,}" if r["rate"] is not None else None
        lines.append([join(link, " ", r["title"]), badge(r["verdict"]), *numbers, rate, r["severity"], r["finding_severity"], r["basis"]])
    return table(heads, lines, "Results by rule", tools=True, numeric=heads[2:11], roomy=["Rule"])
