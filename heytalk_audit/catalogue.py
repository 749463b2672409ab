"""The catalogue of rules: which each chapter has, and how the command line and RULES.md describe them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.audit.fact import Fact
from heytalk_audit.audit.needs import empty_audit, needs_of
from heytalk_audit.canonical import canonical
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.facts import FACTS
from heytalk_audit.policy import Policy, load_policy
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.policy.method import LEFT_OUT, method_of
from heytalk_audit.rules import RULES

#: What holds for every rule, as lines of RULES.md.
COMMON = (
    "Each rule has the rows that it tests, and conditions in their order: the first that applies to a row decides its outcome,",
    "and a row to which none applies passes. A violation breaks the promise even under the reading most favourable to the company.",
    "A row for review breaks it only under a stricter reading, or not certainly: the reviewer decides. Where a value that a condition",
    "needs is missing or breaks the data contract, the row is unknown. A period of months begins on the local day of the event and",
    "ends with the day of the same number, or with the last day of the month if there is none. Numbers are those of the policy and",
    "the default settings.",
)


#: What holds for every fact, as lines of FACTS.md.
COMMON_OF_FACTS = (
    "A fact says what the data holds, and judges nothing. Its total counts distinct people, unless it says what else it counts. Test",
    "accounts are left out, and counted beside. Each thing that a part of its table counts falls into one row of that part. A fact that",
    "lacks a table or a column, or whose table failed a gate, is not evaluated: it says what is missing, and shows no number. Readers",
    "outside see no number from 1 to 4, and none that would give one away; totals are never hidden. The parameter `facts` chooses facts.",
)


def rules_of(chapter: str, chosen: Collection[str] = ()) -> list[str]:
    """Ids of a chapter's rules, in order; `chosen` limits them, where it names any."""
    families = CHAPTERS[chapter].families
    return sorted(id for id, rule in RULES.items() if rule.family in families and (not chosen or id in chosen))


def show_catalogue(console: Console) -> None:
    """Every rule in a line."""
    words = load_policy().rules
    table = Table("Rule", "Severity", "Basis", "Looks for", box=None, pad_edge=False)
    for id, rule in sorted(RULES.items()):
        table.add_row(id, rule.severity, rule.basis, words.get(id, {}).get("title", rule.promise))
    console.print(table)


def show_rule(id: str, console: Console, sql: bool = False, debug: bool = False) -> None:
    """One rule: promise, method, reasons, clauses, law and tables; with `sql` its source, and the SQL it becomes on empty tables.

    Raises InputError for an unknown rule; with `debug`, what a rule raises that crashes.
    """
    id = id.upper()
    if id not in RULES:
        raise InputError(f"rule {id[:40]}", "is unknown", nearest(id, RULES))
    rule, policy = RULES[id], load_policy()
    words = policy.rules.get(id, {})
    parts = [
        [f"{id}  {words.get('title', '')}", f"Severity {rule.severity}, basis {rule.basis}", "", rule.promise],
        ["How it is tested", "", *_method(rule, policy)],
        ["Reasons", "", *_reasons(rule, policy)],
        [
            "Clauses",
            "",
            *(f"{c.id} (section {c.section}, line {c.line}): {c.paraphrase}" for c in map(policy.clauses.get, rule.clauses) if c),
        ],
        [f"Law (to be confirmed by counsel): {'; '.join(words.get('law', []))}", f"Reads: {', '.join(rule.tables_with_people)}"],
        ["What it does not show", "", words.get("limits", "See the limits of the report.")],
    ]
    if sql:
        parts += [[rule.source.rstrip()], ["SQL of the exception rows:", "", empty_sql(id, debug)]]
    console.print("\n\n".join("\n".join(part) for part in parts), markup=False, soft_wrap=True)


def _reasons(rule: Rule, policy: Policy) -> list[str]:
    """What each reason of a rule says, and what a person does next, once each."""
    codes = dict.fromkeys(step.reason for step in method_of(rule.id, policy).steps if step.reason)
    reasons = {code: policy.reasons[code] for code in codes if code in policy.reasons}
    return [f"{code}: {reason.says}{f' Next: {reason.next}' if reason.next else ''}" for code, reason in reasons.items()] or ["None."]


def markdown() -> str:
    """RULES.md: every rule of every chapter, with its promise, method, clauses, law and tables, and all settings."""
    policy = load_policy()
    parts = ["# Rules", "", "Made by `make rules` from the rules and the policy's data; a test fails when it is stale.", "", *COMMON, ""]
    for chapter in CHAPTERS.values():
        rules = [RULES[id] for id in rules_of(chapter.name)]
        parts += [f"## {chapter.title}", "", "| Rule | Severity | Basis | Promise |", "|---|---|---|---|"]
        parts += [f"| [{r.id}](#{r.id.lower()}) | {r.severity} | {r.basis} | {r.promise} |" for r in rules] + [""]
        for rule in rules:
            parts += _section(rule, policy)
    return "\n".join([*parts, *_settings(policy)])


def facts_markdown() -> str:
    """FACTS.md: every fact, with its definition, what it reads and what it does not show."""
    head = ["# Facts", "", "Made by `make rules` from the facts; a test fails when it is stale.", "", *COMMON_OF_FACTS, ""]
    rows = [f"| [{fact.id}](#{fact.title.lower().replace(' ', '-')}) | {fact.title} | {_reads(fact)} |" for fact in FACTS.values()]
    parts = [*head, "| Fact | Title | Reads |", "|---|---|---|", *rows, ""]
    for fact in FACTS.values():
        limits = [f"* {sentence}" for sentence in fact.limits]
        parts += [f"## {fact.title}", "", f"`{fact.id}`. {fact.definition}", "", "What it does not show:", "", *limits, ""]
    return "\n".join(parts)


def _reads(fact: Fact) -> str:
    return ", ".join(fact.tables) + (", and other delivered tables or registers" if "present" in fact.arguments else "")


def _settings(policy: Policy) -> list[str]:
    """The table of settings, in the order of the policy's data."""
    head = [
        "## Settings",
        "",
        "A run's parameters may change them; the report names those that a verdict rests on.",
        "",
    ]
    rows = []
    for setting in policy.settings.values():
        value = json.dumps(setting.value, ensure_ascii=False, default=str) if setting.value is not None else "none"
        shown = f"{len(setting.value)} words" if len(value) > 90 else f"`{value} {setting.unit}`".replace(" `", "`")
        rows.append(f"| {setting.name} | {setting.means} | {shown} | {setting.origin} | {setting.clause or ''} |")
    return [*head, "| Setting | What it is | Default | Origin | Clause |", "|---|---|---|---|---|", *rows, ""]


def _section(rule: Rule, policy: Policy) -> list[str]:
    words = policy.rules.get(rule.id, {})
    clauses = [policy.clauses[c] for c in rule.clauses]
    cited = [f"* {c.id}, section {c.section}, line {c.line}: {c.paraphrase}" for c in clauses]
    law, tables = "; ".join(words.get("law", [])), ", ".join(rule.tables_with_people)
    heading = [f"### {rule.id}", "", f"{words.get('title', '')}. **{rule.promise}**", "", *_method(rule, policy), ""]
    frameworks = "; ".join(f"{policy.frameworks[key].name} {', '.join(ids)}" for key, ids in words.get("frameworks", {}).items())
    confirm = f"To be confirmed by counsel: law: {law}; frameworks: {frameworks or 'none stated'}. Reads: {tables}."
    return [*heading, *cited, "", confirm, "", words.get("limits", ""), ""]


def _method(rule: Rule, policy: Policy) -> list[str]:
    """How a rule tests, as lines of Markdown: the rows tested, the conditions in order, and what excuses a row."""
    method = method_of(rule.id, policy)
    tested = " ".join([method.tested, *([LEFT_OUT] if rule.leaves_out_tests else [])])
    steps = [
        f"{n}. {step.outcome.capitalize()}{f' (`{step.reason}`)' if step.reason else ''}: {step.when}"
        for n, step in enumerate(method.steps, 1)
    ]
    return [tested, "", *steps, *(["", f"Exempt: {method.exempt}"] if method.exempt else [])]


def empty_sql(id: str, debug: bool = False) -> str:
    """The SQL of a rule over empty tables of the contract: it names no data."""
    with empty_audit() as audit:
        return evaluate(RULES[id], audit, raises=debug).sql


def needs_document() -> bytes:
    """What every rule needs of the contract, as the contract keeps it. It takes a minute: each rule is built a dozen times."""
    with empty_audit() as audit:
        return canonical({id: asdict(needs_of(rule, audit)) for id, rule in RULES.items()})
