"""How far the evidence can be relied on: what was delivered beside what was stated of it, and which columns came and went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heytalk_audit.audit.delivered import DeliveredTable
from heytalk_audit.audit.disclosure import WORD
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.report.html import Fragment, join, paragraph, show, table, tag
from heytalk_audit.vocabulary import Verdict


def evidence_reliability(tables: Sequence[DeliveredTable], results: Sequence[RuleResult]) -> Fragment:
    """What was delivered beside what was stated of it, and whether it can be relied on. `results` are those of the evidence chapter."""
    heads = ["Table", "Rows", "People", "Control sum", "Times found", "Window stated", "Blocked by a gate"]
    conclusion, why = _conclusion(results)
    return join(
        tag("h2", "How far the evidence can be relied on", id="reliability"),
        paragraph(tag("strong", conclusion), f": {why}", cls="lead"),
        table(heads, map(_line, tables), "Control totals: counted, as described, as counted in the source", tools=True),
        paragraph("Counted / described / source. A dash: not stated. Manual adjustments by this tool: none.", cls="note"),
    )


def _line(delivered: DeliveredTable) -> list[Any]:
    window = f"{_day(delivered.window_start)} to {_day(delivered.window_end)}" + (", filtered" if delivered.filtered else "")
    times = f"{_day(delivered.counted.min_ts)} to {_day(delivered.counted.max_ts)}"
    totals = [_compared(delivered, name) for name in ("rows", "distinct_users", "control_sum")]
    return [delivered.name, *totals, times, window, delivered.blocked or "none"]


def _compared(delivered: DeliveredTable, name: str) -> Fragment:
    """One total: counted, as described, as counted in the source. Where totals are hidden, the rows' place says so."""
    counted, declared, source = (getattr(totals, name) for totals in (delivered.counted, delivered.declared, delivered.source))
    if delivered.suppressed and name == "rows":
        counted = WORD
    if counted is None and declared is None:
        return show(None)
    return join(show(counted), " / ", show(declared), " / ", show(source))


def _day(instant: Any) -> str:
    return str(instant)[:10] if instant else "\u2013"


def _conclusion(results: Sequence[RuleResult]) -> tuple[str, str]:
    """How reliable the evidence is, and why: the verdicts of the two rules that are gates say it."""
    by_id = {result.id: result.verdict for result in results}
    gates = [by_id.get("DQ-01"), by_id.get("DQ-02")]
    # that somebody answers for a failed gate does not make the evidence reliable
    if any(verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.ACCEPTED) for verdict in gates):
        return (
            "Not sufficiently reliable",
            "a table is not what its description says, or breaks the contract; rules that read it were not evaluated.",
        )
    if gates == [Verdict.PASS, Verdict.PASS]:
        return "Sufficiently reliable", "totals agree with the files and with the source's own count, and every table keeps the contract."
    return "Undetermined", "the files are what their description says, but completeness was not shown by totals of the source."


def column_changes(delivered: Mapping[str, Sequence[str]], previous: Mapping[str, Sequence[str]] | None) -> Fragment:
    """Columns that came and went since the previous audit, whether or not the contract knows them; both by table."""
    title = tag("h3", "Columns since the previous audit", id="columns")
    if previous is None:
        return join(title, paragraph("No previous audit was named, so that no column can be said to be new or gone.", cls="note"))
    now, before = ({f"{table}.{c}" for table, names in tables.items() for c in names} for tables in (delivered, previous))
    lines = [[name, "new"] for name in sorted(now - before)] + [[name, "gone"] for name in sorted(before - now)]
    if not lines:
        return join(title, paragraph("The same columns were delivered as for the previous audit."))
    return join(title, table(["Column", "Since then"], lines, "Columns that came and went"))
