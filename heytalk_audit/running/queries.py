"""The queries of an audit as readable text: which rules share what, and what each rule asks by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.faults import NotEvaluated
from heytalk_audit.audit.queries import RuleQueries, queries_of
from heytalk_audit.errors import printable
from heytalk_audit.rules import RULES


def show_queries(rules: Iterable[str], audit: Audit, console: Console) -> None:
    """Print the queries of these rules, compiled and not run; first what several of them share."""
    queries: dict[str, RuleQueries] = {}
    for rule in rules:
        try:
            queries[rule] = queries_of(RULES[rule], audit)
        except NotEvaluated:
            # why is said with the plan
            continue
    lines = [*_shared(queries), *(line for rule, compiled in queries.items() for line in _own(rule, compiled))]
    for line in lines:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _shared(queries: Mapping[str, RuleQueries]) -> list[str]:
    """What rules share: each named table with the rules that read it, and its SQL; apart where two rules mean another by one name."""
    users: dict[tuple[str, str], list[str]] = {}
    for rule, compiled in queries.items():
        for table in compiled.shared.items():
            users.setdefault(table, []).append(rule)
    lines = ["", f"Shared: {len(users)} tables, each computed once"]
    for (name, sql), rules in users.items():
        lines += ["", f"{name}, read by {', '.join(rules)}", *_indented(sql)]
    return lines


def _own(rule: str, compiled: RuleQueries) -> list[str]:
    lines = ["", f"{rule}, of {', '.join(compiled.shared) or 'nothing shared'}"]
    for name, sql in compiled.own.items():
        lines += [f"  {name}:", *_indented(sql)]
    return lines


def _indented(sql: str) -> list[str]:
    return [f"    {line}" for line in sql.splitlines()]
