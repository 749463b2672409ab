"""Evaluations as results: what the report, results.json and the exceptions files say. Only aggregates and pseudonyms leave here."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit import __version__, contract
from heytalk_audit.audit import disclosure
from heytalk_audit.audit.check import OUTCOMES, SEVERITIES, Rule
from heytalk_audit.audit.evaluate import Audit, Evaluation, pseudonym
from heytalk_audit.audit.sampling import judge, refuse_strangers, stated
from heytalk_audit.canonical import canonical, code_digest
from heytalk_audit.detect.chance import interval
from heytalk_audit.policy import Number
from heytalk_audit.policy.view import audit_period
from heytalk_audit.snapshot.gate import columns_of
from heytalk_audit.snapshot.profile import iso

__all__ = ["canonical", "describe", "exceptions", "summarise", "write_exceptions"]

OPEN = ("violation", "review", "unknown", "exempt")
AGEING = ((7, "0-7"), (30, "8-30"), (90, "31-90"), (365, "91-365"), (10**9, ">365"))
#: Critical rules of these families are never rated down: children, secrets, disclosure.
NEVER_LOWER = ("MIN", "SEC", "SHA")
#: Breakdowns that are the audit's own words, not the data's.
OWN_WORDS = (
    "table_name",
    "column_name",
    "month",
    "delay_after_withdrawal",
    "source",
    "clause_id",
    "place",
    "finding",
    "confidence",
    "kept_as",
)
#: Breakdowns whose values have an order of their own.
IN_ORDER = ("month", "delay_after_withdrawal")
EXCEPTIONS = pa.schema(
    [
        ("record", pa.string()),
        ("subject", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("due_on", pa.date32()),
        ("days_over", pa.int32()),
    ]
)


def exceptions(evaluation: Evaluation, key: bytes, accepted: Sequence[str | None] | None = None) -> pa.Table:
    """Every row of the population whose outcome is not pass, as pseudonyms, ordered by record.

    `accepted` names per row what the register covers it by: a column more, which the report shows and the exceptions file has not.
    """
    rows = evaluation.rows
    columns = {
        "record": [pseudonym(key, r) for r in rows.record],
        "subject": [pseudonym(key, None if s is None else f"users:{s}") for s in rows.subject],
        **{c: [None if pd.isna(v) else v for v in rows[c]] for c in ("outcome", "reason", "due_on", "days_over")},
    }
    table = pa.table(columns, schema=EXCEPTIONS)
    if accepted is not None:
        table = table.append_column("accepted", pa.array(accepted, pa.string()))
    return table.sort_by([(name, "ascending") for name in table.column_names])


def summarise(
    evaluation: Evaluation,
    audit: Audit,
    key: bytes,
    labels: pd.DataFrame | None = None,
    entries: Sequence[dict[str, Any]] = (),
    accepted: int = 0,
    repeated: bool = False,
) -> dict[str, Any]:
    """A rule's result as plain data: everything the report says of it. `labels` are the reviewers' (see `review.read_labels`).

    `entries` are those of the register of accepted exceptions for this rule, and `accepted` says how many of its rows they cover.
    `repeated` says that it fails, and failed in the previous audit.
    """
    rule, rows, ledger = evaluation.rule, evaluation.rows, evaluation.ledger
    promise, method = rule.text
    words = audit.policy.rules.get(rule.id, {})
    tested = ledger["in_scope"] - ledger["excluded"]
    numbers = list(evaluation.view.read.values()) if evaluation.view else []
    return {
        "id": rule.id,
        "title": words.get("title", promise),
        "family": rule.family,
        "severity": rule.severity,
        "basis": "evidence" if rule.family == "DQ" else rule.basis,
        "verdict": evaluation.verdict,
        "reason": evaluation.reason,
        "ledger": ledger,
        "accepted": accepted,
        "entries": list(entries),
        "subjects": _subjects(rows),
        "reasons": _reasons(rows),
        "ageing": _ageing(rows),
        "breakdowns": {name: _breakdown(rule, rows, name) for name in evaluation.by if len(rows)},
        "over_time": _over_time(evaluation),
        "figures": [{"label": label, "value": value} for label, value in evaluation.figures.items()],
        "samples": _samples(evaluation, key, labels),
        "numbers": [_number(n) for n in numbers],
        "clauses": [_clause(audit, c) for c in rule.clauses],
        "tables": list(rule.tables),
        "promise": promise,
        "method": " ".join(method.split()),
        "law": _list(words.get("law")),
        "dpv": _list(words.get("dpv")),
        "limits": words.get("limits", ""),
        "effect": words.get("effect", ""),
        "recommendation": words.get("recommendation", ""),
        "rate": ledger["violation"] / tested if tested else None,
        "finding_severity": rate_finding(rule, ledger, repeated),
        "repeated": repeated,
        "assumption": bool(evaluation.assumptions),
        "assumptions": list(evaluation.assumptions),
        "source": rule.source,
        "sql": evaluation.sql,
    }


def _samples(evaluation: Evaluation, key: bytes, labels: pd.DataFrame | None) -> list[dict[str, Any]]:
    """What was drawn for people to read, and what they made of it; null where nobody has labelled it."""
    of_rule = None if labels is None else labels[labels["rule"] == evaluation.rule.id]
    samples = [(s, [pseudonym(key, record) for record in s.records]) for s in evaluation.samples]
    if of_rule is not None:
        refuse_strangers([record for _, drawn in samples for record in drawn], of_rule)
    return [
        {"of": s.of, "frame_size": s.frame_size, "records": drawn, "review": _review(drawn, of_rule) if of_rule is not None else None}
        for s, drawn in samples
    ]


def _review(drawn: list[str], labels: pd.DataFrame) -> dict[str, Any] | None:
    found = judge(drawn, labels)
    if found.decided == 0:
        return None
    low, high = interval(found.yes, found.decided)
    return {
        "yes": found.yes,
        "no": found.no,
        "undecided": found.undecided,
        "agreement": found.agreement,
        "kappa": found.kappa,
        "low": low,
        "high": high,
        "stated": stated(found.yes, found.decided),
    }


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _people(rows: pd.DataFrame) -> int:
    return int(rows.subject.nunique())


def _subjects(rows: pd.DataFrame) -> dict[str, Any]:
    found = rows[rows.outcome.isin(["violation", "review"]) & rows.subject.notna()].drop_duplicates("subject")
    regions = found.region.fillna("not known").value_counts()
    ages = found.age.value_counts()
    return {outcome: _people(rows[rows.outcome == outcome]) for outcome in OPEN} | {
        "by_region": {str(k): int(v) for k, v in sorted(regions.items())},
        "by_age": {str(k): int(v) for k, v in sorted(ages.items())},
    }


def _reasons(rows: pd.DataFrame) -> list[dict[str, Any]]:
    groups = rows.groupby(["outcome", "reason"], dropna=False, sort=False)
    found = [{"outcome": outcome, "reason": reason, "rows": len(group), "people": _people(group)} for (outcome, reason), group in groups]
    return sorted(found, key=lambda r: (OUTCOMES.index(r["outcome"]), -r["rows"], str(r["reason"])))


def _ageing(rows: pd.DataFrame) -> dict[str, int]:
    days = rows.days_over[(rows.outcome == "violation") & rows.due_on.notna()].dropna()
    if days.empty:
        return {}
    buckets = dict.fromkeys((label for _, label in AGEING), 0)
    for over in days:
        buckets[next(label for limit, label in AGEING if over <= limit)] += 1
    return buckets


def _breakdown(rule: Rule, rows: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    """Rows by the values of a column; none where these may not be shown."""
    if not is_shown(rule, name):
        return []
    values = said_values(rule, rows, name)
    counts = pd.crosstab(values, rows.outcome)
    found = [{"value": str(value)} | {o: int(counts.at[value, o]) if o in counts else 0 for o in OPEN} for value in counts.index]
    found = [f for f in found if any(f[o] for o in OPEN)]
    if name in IN_ORDER:
        return sorted(found, key=lambda f: f["value"])
    return sorted(found, key=lambda f: (-f["violation"], -f["review"], f["value"]))


def said_values(rule: Rule, rows: pd.DataFrame, name: str) -> pd.Series:
    """What each row's value of a breakdown is called: itself where it may be shown, otherwise "(not shown)"."""
    if not is_shown(rule, name):
        return pd.Series("(not shown)", index=rows.index)
    values, column = rows[f"by_{name}"].fillna("(none)").astype(str), _contract_column(rule, name)
    values = values.where(values.str.strip() != "", "(blank)")
    if column is not None and column.shown_values:
        values = values.where(values.isin(column.shown_values), "(other)")
    return values


def is_shown(rule: Rule, name: str) -> bool:
    """Whether a report may show the values of a breakdown."""
    column = _contract_column(rule, name)
    return name in OWN_WORDS or (column is not None and column.reportable)


def _contract_column(rule: Rule, name: str) -> contract.Column | None:
    """The contract's column of this name, of the first of a rule's tables that has one."""
    tables = (contract.load().get(t) for t in rule.tables)
    return next((table[name] for table in tables if table and name in table), None)


def _over_time(evaluation: Evaluation) -> dict[str, Any] | None:
    """Per panel and month: how many rows passed, how many did not and how, and the people beside them."""
    asked, rows = evaluation.over_time, evaluation.rows
    if asked is None:
        return None
    points: dict[tuple[str, str], dict[str, int]] = {}
    for panel, month, n in asked["population"]:
        points.setdefault((panel, month), dict.fromkeys(("pass", *OPEN, "people"), 0))["pass"] += n
    for panel, month, n in asked["beside"]:
        points.setdefault((panel, month), dict.fromkeys(("pass", *OPEN, "people"), 0))["people"] += n
    tested = rows[rows.outcome.isin(OPEN)]
    for (panel, month, outcome), n in tested.groupby([f"by_{asked['panel']}", f"by_{asked['month']}", "outcome"]).size().items():
        points[panel, month][outcome] += int(n)
        points[panel, month]["pass"] -= int(n)
    found = [{"panel": panel, "month": month, **counts} for (panel, month), counts in sorted(points.items())]
    return {"said": asked["said"], "points": found}


def _number(number: Number) -> dict[str, Any]:
    return {
        "name": number.name,
        "value": json.loads(json.dumps(number.value, default=str)),
        "unit": number.unit,
        "clause": number.clause,
        "origin": number.origin,
        "means": number.means,
    }


def _clause(audit: Audit, id: str) -> dict[str, Any]:
    clause = audit.policy.clauses[id]
    return {
        "id": clause.id,
        "section": clause.section,
        "line": clause.line,
        "anchor": clause.anchor,
        "paraphrase": clause.paraphrase,
    }


def rate_finding(rule: Rule, ledger: dict[str, int], repeated: bool = False) -> str | None:
    """The rule's severity moved by rate and count: one down when rare, one up when frequent or repeated; null without violations."""
    count, tested = ledger["violation"], ledger["in_scope"] - ledger["excluded"]
    if not count:
        return None
    level, rate = SEVERITIES.index(rule.severity), count / tested
    if rate > 0.05 or repeated:
        level -= 1
    elif count < 5 and rate < 0.001 and not (rule.severity == "critical" and rule.family in NEVER_LOWER):
        level += 1
    return SEVERITIES[min(max(level, 0), len(SEVERITIES) - 1)]


# the audit as a whole -------------------------------------------------------------------------------


def describe(audit: Audit, id: str, title: str, audience: str, key: bytes) -> dict[str, Any]:
    """What the audit was: everything that its results depend on, and nothing of the machine it ran on."""
    start, end = audit_period(audit.clock, audit.settings["period_from"], audit.settings["period_to"])
    delivery = audit.snapshot.delivery
    said = delivery.descriptor
    differing = {k: v for k, v in audit.settings.items() if v != _default(audit, k)}
    left_out = disclosure.statement(audience)
    return {
        "id": id,
        "title": title,
        "as_of": iso(audit.clock.as_of),
        "audit_tz": audit.clock.zone,
        "period": {"from": start.isoformat(), "to": (end - dt.timedelta(days=1)).isoformat()},
        "snapshot": {
            "id": audit.snapshot.id,
            "sha256": snapshot_digest(audit),
            "extracted_at": said.get("extracted_at"),
            "producer": said.get("producer") if audience != "public" else None,
            "source_system": said.get("source_system"),
        },
        "policy": {
            "name": audit.policy.name,
            "title": audit.policy.title,
            "version": audit.policy.version,
            "sha256": audit.policy.sha256,
            "text_sha256": audit.policy.text_sha256,
            "text_compared": audit.drift is not None,
            "periods": {n.name: {k: getattr(n, k) for k in ("value", "unit", "clause", "origin")} for n in audit.policy.periods.values()},
        },
        "tool": {"name": "heytalk-audit", "version": __version__, "code_sha256": code_digest()},
        "key_fingerprint": fingerprint(key),
        "audience": audience,
        "columns": columns_of(audit.snapshot.profile),
        "settings": json.loads(json.dumps(audit.settings, default=str)),
        "settings_changed": json.loads(json.dumps(differing, default=str)),
    } | ({"suppression": left_out} if left_out else {})


def _default(audit: Audit, name: str) -> Any:
    return audit.policy.settings[name].value


def snapshot_digest(audit: Audit) -> str:
    """SHA-256 over the sorted lines "hash  table" of what was delivered."""
    lines = sorted(f"{found['hash']}  {name}\n" for name, found in audit.snapshot.profile.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def fingerprint(key: bytes) -> str:
    """What tells two keys apart and gives neither away."""
    return str(pseudonym(key, "heytalk-audit:key-fingerprint"))


def write_exceptions(table: pa.Table, path: Path) -> None:
    """An exceptions file; the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.select(EXCEPTIONS.names)
    pq.write_table(table, path, compression="zstd", write_statistics=False, store_schema=False, row_group_size=1_000_000)


def delivered_tables(audit: Audit) -> list[dict[str, Any]]:
    """Per delivered table: what was counted, what the descriptor says and what the source counted."""
    keys = ("rows", "distinct_users", "min_ts", "max_ts", "control_sum")
    delivery = audit.snapshot.delivery
    tables = []
    for name, found in audit.snapshot.profile.items():
        said = delivery.resource(name)
        tables.append(
            {
                "name": name,
                **{k: found[k] for k in keys},
                "declared": {k: said.get(k) for k in keys},
                "source": {k: delivery.source_totals(name).get(k) for k in keys},
                "window_start": said.get("window_start"),
                "window_end": said.get("window_end"),
                "filtered": bool(str(said.get("filter") or "").strip()),
                "blocked": audit.blocked.get(name),
            }
        )
    return tables
