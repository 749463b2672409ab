"""The catalogue of rules: which each chapter has, and how the command line and RULES.md describe them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.policy import Policy, load_policy
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.delivery import DESCRIPTOR
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot


def rules_of(chapter: str, chosen: Collection[str] = ()) -> list[str]:
    """Ids of a chapter's rules, in order; `chosen` limits them, where it names any."""
    families = CHAPTERS[chapter].families
    return sorted(id for id, rule in RULES.items() if rule.family in families and (not chosen or id in chosen))


def show_catalogue(console: Console) -> None:
    """Every rule in a line."""
    words = load_policy().rules
    table = Table("Rule", "Severity", "Basis", "Looks for", box=None, pad_edge=False)
    for id, rule in sorted(RULES.items()):
        table.add_row(id, rule.severity, rule.basis, words.get(id, {}).get("title", rule.text[0]))
    console.print(table)


def show_rule(id: str, console: Console, debug: bool = False) -> None:
    """One rule: promise, clauses, method, law, tables, source, and the SQL it becomes on empty tables.

    Raises InputError for an unknown rule; with `debug`, what a rule raises that crashes.
    """
    id = id.upper()
    if id not in RULES:
        raise InputError(f"rule {id[:40]}", "is unknown", nearest(id, RULES))
    rule, policy = RULES[id], load_policy()
    words = policy.rules.get(id, {})
    promise, method = rule.text
    lines = [f"{id}  {words.get('title', '')}", f"Severity {rule.severity}, basis {rule.basis}", "", promise, "", method, ""]
    lines += [f"{c.id} (section {c.section}, line {c.line}): {c.paraphrase}" for c in (policy.clauses[c] for c in rule.clauses)]
    lines += [f"Law (to be confirmed by counsel): {'; '.join(words.get('law', []))}", f"Reads: {', '.join(rule.tables_with_people)}"]
    lines += ["", rule.source, "SQL of the exception rows:", "", empty_sql(id, debug)]
    console.print("\n".join(lines), markup=False, soft_wrap=True)


def markdown() -> str:
    """RULES.md: every rule of every chapter, with its promise, method, clauses, law and tables."""
    policy = load_policy()
    parts = ["# Rules", "", "Made by `make rules` from the rules and the policy's data; a test fails when it is stale.", ""]
    for chapter in CHAPTERS.values():
        rules = [RULES[id] for id in rules_of(chapter.name)]
        parts += [f"## {chapter.title}", "", "| Rule | Severity | Basis | Promise |", "|---|---|---|---|"]
        parts += [f"| [{r.id}](#{r.id.lower()}) | {r.severity} | {r.basis} | {r.text[0]} |" for r in rules] + [""]
        for rule in rules:
            parts += _section(rule, policy)
    return "\n".join(parts)


def _section(rule: Rule, policy: Policy) -> list[str]:
    promise, method = rule.text
    words = policy.rules.get(rule.id, {})
    clauses = [policy.clauses[c] for c in rule.clauses]
    cited = [f"* {c.id}, section {c.section}, line {c.line}: {c.paraphrase}" for c in clauses]
    law, tables = "; ".join(words.get("law", [])), ", ".join(rule.tables_with_people)
    heading = [f"### {rule.id}", "", f"**{promise}** {' '.join(method.split())}", ""]
    return [*heading, *cited, "", f"Law, to be confirmed by counsel: {law}. Reads: {tables}.", "", words.get("limits", ""), ""]


def empty_sql(id: str, debug: bool = False) -> str:
    """The SQL of a rule over empty tables of the contract: it names no data."""
    with tempfile.TemporaryDirectory(prefix="heytalk-audit-") as name:
        folder = Path(name)
        for table in contract.load().values():
            schema = pa.schema([(c.name, contract.ARROW[c.kind]) for c in table.columns])
            pq.write_table(schema.empty_table(), folder / f"{table.name}.parquet")
        descriptor = {"snapshot_id": "empty", "as_of": "2025-03-31T12:00:00Z", "resources": []}
        (folder / DESCRIPTOR).write_text(json.dumps(descriptor), "utf-8")
        policy = load_policy()
        audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}), [])
        return evaluate(RULES[id], audit, raises=debug).sql
