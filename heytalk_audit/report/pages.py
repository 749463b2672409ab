"""The parts of the report that speak of the audit as a whole: cover, page 1, evidence, clauses, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.disclosure import statement_in_words as left_out_for
from heytalk_audit.detect.columns import Column
from heytalk_audit.policy.chapters import CHAPTERS, PAGE_OF
from heytalk_audit.report import charts, words
from heytalk_audit.report.html import Fragment, badge, bullets, definitions, join, paragraph, percent, show, table, tag
from heytalk_audit.report.policy_pages import drawn, said, tally
from heytalk_audit.report.sections import left_out, results_matrix, rule_section

__all__ = [
    "columns",
    "cover",
    "detections",
    "evidence_reliability",
    "left_out",
    "limits",
    "opinion",
    "results_matrix",
    "rule_section",
    "verdict_summary",
]

_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def cover(audit: dict[str, Any], chapter: str | None = None) -> Fragment:
    """What was audited, when, against what, by which tool."""
    policy, snapshot, tool = audit["policy"], audit["snapshot"], audit["tool"]
    text = "compared with its clauses" if policy["text_compared"] else "not at hand; known by its digest"
    facts = [
        ("Audit", audit["id"]),
        ("Period", f"{audit['period']['from']} to {audit['period']['to']}"),
        ("State as of", f"{audit['as_of']} (days counted in {audit['audit_tz']})"),
        ("Policy", f"{policy['title']}, version {policy['version']}; digest {policy['sha256'][:16]}"),
        ("Published text", f"{text}; SHA-256 {policy['text_sha256'][:16]}"),
        ("Snapshot", f"{snapshot['id']}; digest {snapshot['sha256'][:16]}"),
        ("Delivered by", f"{_producer(audit)}, from {snapshot['source_system'] or 'not stated'}"),
        ("Tool", f"{tool['name']} {tool['version']}; code {tool['code_sha256'][:16]}"),
        ("Engagement key", f"fingerprint {audit['key_fingerprint']}"),
        ("For", left_out_for(audit["audience"]) or "internal use; contains pseudonyms"),
        ("Changed settings", ", ".join(f"{k}: {v}" for k, v in audit["settings_changed"].items()) or "none"),
    ]
    title = f"{audit['title']}: {chapter}" if chapter else audit["title"]
    return join(tag("h1", title), paragraph(words.SUBTITLE, cls="sub"), definitions(facts))


def _producer(audit: dict[str, Any]) -> str:
    return "not named here" if audit["audience"] == "public" else audit["snapshot"]["producer"] or "not stated"


def verdict_summary(
    results: list[dict[str, Any]], clauses: list[dict[str, Any]], document: Iterable[dict[str, str]], rated: list[dict[str, str]]
) -> Fragment:
    """Page 1: a verdict and rating per area, key findings, what was not evaluated, what a person must decide, how the policy stands.

    `rated` are the areas with their ratings, which follow from all numbers, also from those that this report hides.
    """
    areas = {c.title: [r for r in results if r["family"] in c.families] for c in CHAPTERS.values()}
    areas = {name: found for name, found in areas.items() if found}
    return join(
        tag("h2", "Conclusion by area", id="conclusion"),
        _areas(areas, {a["title"]: a["rating"] for a in rated}),
        paragraph(
            "Based on the procedures described and the evidence provided. This is no certificate of conformity with any law, and gives no "
            "assurance on systems, backups, copies at vendors and times that the snapshot does not cover.",
            cls="note",
        ),
        tag("h2", "Key findings", id="key-findings"),
        _key_findings(results),
        tag("h2", "The policy", id="policy"),
        _policy(clauses, document),
        tag("h2", "What was not evaluated", id="not-evaluated"),
        _not_evaluated(results),
        tag("h2", "What a person must decide", id="review"),
        _open(results),
        tag("h2", "How an area is rated", id="ratings"),
        bullets(join(tag("strong", name), ": ", rule, ".") for name, rule in words.RATINGS),
        paragraph("The first that holds gives the rating; no one can override it.", cls="note"),
    )


def _areas(areas: dict[str, list[dict[str, Any]]], ratings: dict[str, str]) -> Fragment:
    lines, series = [], {}
    for name, found in areas.items():
        rating = ratings[name]
        kinds = {
            "fail": ("FAIL", "ERROR"),
            "open": ("REVIEW", "ACCEPTED"),
            "pass": ("PASS",),
            "not tested": ("NOT_EVALUATED", "NO_POPULATION"),
        }
        series[name] = {kind: sum(r["verdict"] in verdicts for r in found) for kind, verdicts in kinds.items()}
        mark = tag("span", rating, cls=f"badge {rating.lower().replace(' ', '-')}")
        lines.append([name, badge(words.verdict_of(found)), mark, len(found), *series[name].values()])
    heads = ["Area", "Verdict", "Rating", "Rules", "Fail", "Open", "Pass", "Not tested"]
    said = "; ".join(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()) for name, kinds in series.items())
    return join(table(heads, lines, "Verdict and rating by area"), charts.bars(series, f"Rules by verdict. {said}."))


def _key_findings(results: list[dict[str, Any]]) -> Fragment:
    failed = [r for r in results if r["verdict"] == "FAIL"]
    failed.sort(
        key=lambda r: (
            _RANK[r["finding_severity"] or r["severity"]],
            -(r["subjects"]["violation"] or 0),
            -(r["ledger"]["violation"] or 0),
            r["id"],
        )
    )
    if not failed:
        return paragraph("No exceptions noted in the population tested.")
    return join(tag("ol", *[tag("li", _finding(r)) for r in failed[:5]]), _further(failed[5:]))


def _further(failed: list[dict[str, Any]]) -> Fragment:
    """The other findings, area by area, the gravest first."""
    areas = {c.title: [r for r in failed if r["family"] in c.families] for c in CHAPTERS.values()}
    lines = []
    for name, found in areas.items():
        by = {s: [_link(r) for r in found if (r["finding_severity"] or r["severity"]) == s] for s in _RANK}
        if found:
            lines.append([name, *[_listed(links) for links in by.values()]])
    if not lines:
        return Fragment("")
    heads = ["Area", *[s.capitalize() for s in _RANK]]
    return table(heads, lines, f"Further findings ({len(failed)}), by area and rating", roomy=heads[1:])


def _listed(links: list[Fragment]) -> Fragment | None:
    return join(links[0], *[join(", ", link) for link in links[1:]]) if links else None


def _policy(clauses: list[dict[str, Any]], document: Iterable[dict[str, str]]) -> Fragment:
    """How the clauses stand, and how many findings there are on the document: each in a sentence, with its page."""
    states = [said(drawn(tally(clauses, kind))) for kind in ("D", "A")]
    found = Counter(f["severity"] for f in document)
    return bullets(
        [
            join(
                f"Of the {sum(c['class'] == 'D' for c in clauses)} clauses that data can test: {states[0]}. ",
                _to("clauses", "tested", "Clause by clause"),
            ),
            join(
                f"Of the {sum(c['class'] == 'A' for c in clauses)} that need attestation: {states[1]}. ",
                _to("clauses", "attested", "Who attests what"),
            ),
            join(
                f"Findings on the document itself: {said({s: found[s] for s in _RANK})}. ",
                _to("document", "findings", "Finding by finding"),
            ),
        ]
    )


def _to(page: str, part: str, text: str) -> Fragment:
    return tag("a", text, href=f"{page}.html#{part}")


def _finding(result: dict[str, Any]) -> Fragment:
    return join(
        tag("strong", _link(result), f" {result['title']}"),
        f" (rated {result['finding_severity']}). ",
        words.condition(result),
        tag("em", " The violations rest on an assumption of this audit.") if result["assumption"] else Fragment(""),
        tag("em", " It failed in the previous audit too.") if result.get("repeated") else Fragment(""),
    )


def _link(result: dict[str, Any]) -> Fragment:
    return tag("a", result["id"], href=f"{PAGE_OF[result['family']]}#{result['id']}", cls="nowrap")


def _not_evaluated(results: list[dict[str, Any]]) -> Fragment:
    missing = [r for r in results if r["verdict"] in ("NOT_EVALUATED", "ERROR", "NO_POPULATION")]
    if not missing:
        return paragraph("Every rule was evaluated.")
    lines = [[join(_link(r), f" {r['title']}"), badge(r["verdict"]), r["reason"]] for r in missing]
    return join(
        paragraph("These promises were not tested. Nothing in this report says that they are kept."),
        table(["Rule", "Verdict", "Why, and what is needed"], lines, "Rules without a result"),
    )


def _open(results: list[dict[str, Any]]) -> Fragment:
    found = [r for r in results if r["verdict"] == "REVIEW"]
    if not found:
        return paragraph("Nothing.")
    lines = [[join(_link(r), f" {r['title']}"), shown(r["ledger"]["review"]), shown(r["ledger"]["unknown"]), r["reason"]] for r in found]
    heads = ["Rule", "Rows to decide", "Unknown", "Note"]
    return join(
        paragraph("No open violation under the reading most favourable to the company; each section says which reading or fact decides."),
        table(heads, lines, f"Rules left for review ({len(found)})", numeric=heads[1:3], roomy=["Rule", "Note"]),
    )


def evidence_reliability(
    tables: list[dict[str, Any]], results: list[dict[str, Any]], all_results: list[dict[str, Any]] | None = None
) -> Fragment:
    """What was delivered beside what was said of it, and whether it can be relied on."""
    lines = []
    for t in tables:
        window = f"{_day(t['window_start'])} to {_day(t['window_end'])}" + (", filtered" if t["filtered"] else "")
        compare = [_compare(t, k) for k in ("rows", "distinct_users", "control_sum")]
        lines.append([t["name"], *compare, f"{_day(t['min_ts'])} to {_day(t['max_ts'])}", window, t["blocked"] or "none"])
    heads = ["Table", "Rows", "People", "Control sum", "Times found", "Window stated", "Blocked by a gate"]
    verdict, why = _conclusion(results)
    return join(
        tag("h2", "How far the evidence can be relied on", id="reliability"),
        paragraph(tag("strong", verdict), f": {why}", cls="lead"),
        table(heads, lines, "Control totals: counted, as described, as counted in the source", tools=True),
        paragraph("Counted / described / source. A dash: not stated. Manual adjustments by this tool: none.", cls="note"),
    )


def _compare(table: dict[str, Any], key: str) -> Fragment:
    if table[key] is None and table["declared"][key] is None:
        return show(None)
    return join(show(table[key]), " / ", show(table["declared"][key]), " / ", show(table["source"][key]))


def _day(instant: Any) -> str:
    return str(instant)[:10] if instant else "\u2013"


def _conclusion(results: list[dict[str, Any]]) -> tuple[str, str]:
    by_id = {r["id"]: r["verdict"] for r in results}
    gates = [by_id.get("DQ-01"), by_id.get("DQ-02")]
    if {"FAIL", "ERROR", "ACCEPTED"} & set(gates):  # what is accepted is no more reliable
        return (
            "Not sufficiently reliable",
            "a table is not what its description says, or breaks the contract; rules that read it were not evaluated.",
        )
    if gates == ["PASS", "PASS"]:
        return "Sufficiently reliable", "totals agree with the files and with the source's own count, and every table keeps the contract."
    return "Undetermined", "the files are what their description says, but completeness was not shown by totals of the source."


def columns(delivered: dict[str, list[str]], previous: dict[str, list[str]] | None) -> Fragment:
    """Columns that came and went since the previous audit, whether or not the contract knows them."""
    title = tag("h3", "Columns since the previous audit", id="columns")
    if previous is None:
        return join(title, paragraph("No previous audit was named, so that no column can be said to be new or gone.", cls="note"))
    now, before = ({f"{table}.{c}" for table, names in found.items() for c in names} for found in (delivered, previous))
    lines = [[name, "new"] for name in sorted(now - before)] + [[name, "gone"] for name in sorted(before - now)]
    if not lines:
        return join(title, paragraph("The same columns were delivered as for the previous audit."))
    return join(title, table(["Column", "Since then"], lines, "Columns that came and went"))


def detections(places: list[dict[str, Any]], columns: list[Column], audience: str = "internal") -> Fragment:
    """What detectors read and found: special categories, and values, place by place. Candidates, in three bands of confidence.

    For readers outside only what was read is said: what was found stands in the sections of the rules.
    """
    found = [(p, f) for p in places for f in p["findings"]]
    own = [(p, f) for p, f in found if f["what"] == "category"]
    series: dict[str, dict[str, int]] = {}
    for _, f in own:
        kinds = series.setdefault(f["finding"], {"of oneself": 0, "mentioned": 0})
        kinds["of oneself"] += f["self"]
        kinds["mentioned"] += f["texts"] - f["self"]
    said = "; ".join(f"{name}: " + ", ".join(f"{n:,} {kind}" for kind, n in kinds.items()) for name, kinds in series.items())
    chart = charts.bars(dict(sorted(series.items())), f"Texts with a candidate, by category. {said}.")
    if audience == "internal":
        listed = [
            chart,
            _findings("Special categories", own, "self", "Of oneself"),
            _findings("Values", [(p, f) for p, f in found if f["what"] == "value"], None, None),
            _findings("Requests for one's rights", [(p, f) for p, f in found if f["what"] == "request"], None, None),
        ]
    else:
        listed = [paragraph("What they found is told in this version by the sections of the rules alone.")]
    return join(
        tag("h2", "What detectors read and found", id="detectors"),
        paragraph(
            "Detectors of our own read every text that was delivered, in English, Chinese, Turkish, Arabic and Spanish. They err in both "
            "directions: what they find is a candidate, and only what people read supports a rate (see SEN-04 and RGT-08). No text "
            "or value is kept."
        ),
        table(["Place", "Texts read"], [[p["place"], shown(p["texts"])] for p in places], "Texts that were read", numeric=["Texts read"]),
        paragraph("profile_attributes.value has the fields made for sensitive values too; SEN-04 leaves these out.", cls="note"),
        *listed,
        *_columns(columns, audience),
    )


def _columns(columns: list[Column], audience: str) -> list[Fragment]:
    """Columns by what they hold: hits beside those that luck gives."""
    every = [c for column in columns for c in (column, *column.paths)]
    lines = [
        [
            column.name,
            share.kind.replace("_", " "),
            column.cells,
            share.rows,
            share.hits,
            round(share.by_luck, 1),
            f"{percent(share.low)} to {percent(share.high)}",
            "yes" if share.flagged else "no more than luck",
        ]
        for column in every
        for share in column.shares
    ]
    note = (
        f"{len(every)} columns of text were sampled, keys that the system writes left out. A checksum passes by luck, as one number in ten "
        "passes a card's: a column holds a kind only where its hits exceed luck."
    )
    heads = ["Column", "Kind", "Cells", "Of that form", "Hits", "By luck", "Share of the form (95 %)", "Holds it"]
    parts = [tag("h3", "Columns by what they hold"), paragraph(note)]
    if audience != "internal":
        heads, lines = [heads[0], heads[1], heads[-1]], [[line[0], line[1], line[-1]] for line in lines if line[-1] == "yes"]
    return [*parts, table(heads, lines, "Columns whose cells have the form of a kind", tools=True, numeric=heads[2:7])]


def _findings(title: str, found: list[tuple[dict, dict]], own: str | None, head: str | None) -> Fragment:
    if not found:
        return paragraph(f"{title}: no candidates in the texts read.")
    columns = [c for c in ("texts", own, "high", "medium", "low") if c]
    lines = []
    for p, f in found:
        share = percent(f["texts"] / p["texts"]) if p["texts"] else None
        lines.append([p["place"], f["finding"].replace("_", " "), *[f[c] for c in columns], share])
    heads = ["Place", "Finding", "Texts", *([head] if head else []), "High", "Medium", "Low", "Of the texts"]
    return table(heads, lines, f"{title} found in texts, by place and confidence", tools=True, numeric=heads[2:])


def limits(audit: dict[str, Any]) -> Fragment:
    """What the audit does not show, the words it uses, and how it was made."""
    return join(
        tag("h2", "Limits of this report", id="limits"),
        bullets(words.LIMITS),
        tag("h2", "Words used", id="words"),
        tag("h3", "Outcome of a row"),
        definitions(words.OUTCOMES.items()),
        tag("h3", "Verdict of a rule"),
        definitions((badge(v), text) for v, text in words.VERDICTS.items()),
        tag("h2", "Method", id="method"),
        paragraph(
            "The whole population was tested, never a sample. A period begins on the local day of its trigger, which is not counted; it "
            "ends on the same day number so many months later, or on the last day of that month, and that whole day still belongs to it. "
            f"Days are counted in {audit['audit_tz']}. Nothing here depends on the day on which the report was made."
        ),
        paragraph("Sign-off: preparer ", tag("span", "", cls="line"), " reviewer ", tag("span", "", cls="line")),
    )


def opinion(audit: dict[str, Any], ratings: dict[str, str], overrides: dict[str, dict[str, str]], signed: list[dict[str, Any]]) -> Fragment:
    """The cover page that two signatures make: the opinion on each area, who signed, and over which evidence."""
    lines = []
    for area, computed in ratings.items():
        said = overrides.get(area)
        lines.append([CHAPTERS[area].title, said["rating"] if said else computed, computed, said["reason"] if said else None])
    concluded = [
        paragraph(
            f"Based on the procedures described and the evidence provided, area {title} is rated {rating} against the policy "
            f"({audit['policy']['title']}, version {audit['policy']['version']})."
        )
        for title, rating, _, _ in lines
    ]
    unsaid = [o for s in signed for o in s["overrides"] if o not in overrides.values()]
    return join(
        tag("h1", f"{audit['title']}: opinion"),
        paragraph(f"Audit {audit['id']}, state as of {audit['as_of']}.", cls="sub"),
        *concluded,
        paragraph(
            "This is not a certification of compliance with law and gives no assurance on systems, backups, vendor copies and periods "
            "not covered by the snapshot.",
            cls="note",
        ),
        table(["Area", "Rating", "As computed", "Reason for another rating"], lines, "Rating by area"),
        bullets(f"Not applied, as only one signer states it: {CHAPTERS[o['area']].title} {o['rating']} ({o['reason']})" for o in unsaid),
        tag("h2", "How an area is rated", id="ratings"),
        bullets(join(tag("strong", name), ": ", rule, ".") for name, rule in words.RATINGS),
        tag("h2", "Signed by", id="signed"),
        table(
            ["Role", "Name", "Date", "Recomputed", "Note", "Key"],
            [[s["role"], s["name"], s["date"], s["replayed"], s["note"], s["public_key"]] for s in signed],
            "Sign-offs",
        ),
        paragraph(f"Both signed the evidence with SHA-256 {signed[0]['evidence_sha256']}."),
    )
