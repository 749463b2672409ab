"""What rules become as SQL: nothing in it that an engine gets wrong without a word, and all of it asked of the engine at the start."""

from __future__ import annotations

import re

import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import outline
from heytalk_audit.audit.queries import queries_of
from heytalk_audit.errors import InputError
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import duck, locked
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.snapshot.traps import QUERY

#: Functions of compiled queries that hold no trap: counting, folding, choosing, windows, and what SQL itself calls a function.
PLAIN = {
    "ALL", "AND", "ANTI", "ANY_VALUE", "AS", "AVG", "BOOL_AND", "BOOL_OR", "BY", "CONTAINS", "COUNT", "DATE", "DECIMAL", "DISTINCT",
    "ELSE", "END", "EXCLUDE", "EXISTS", "FILTER", "FROM", "GREATEST", "IN", "JOIN", "LEAD", "LEAST", "LIST_CONTAINS",
    "MAKE_TIMESTAMP", "MAX", "MIN", "NOT", "ON", "OR", "OVER", "ROUND", "ROW_NUMBER", "SELECT", "SEMI", "STARTS_WITH", "SUFFIX",
    "SUM", "THEN", "TIMESTAMP", "UNION", "UNNEST", "VALUES", "VARCHAR", "WHEN", "WHERE",
}  # fmt: skip
#: The rule that needs a published text, which no snapshot brings.
WITHOUT_QUERY = {"DQ-07"}


@pytest.fixture(scope="module")
def audit(tmp_path_factory) -> Audit:
    folder = tmp_path_factory.mktemp("empty")
    policy = load_policy()
    settings = settings_of(policy, {"audit_tz": "Asia/Shanghai", "acceptance_tracking_start": "2024-01-01", "holidays": ["2025-01-01"]})
    return Audit(open_snapshot(worlds.deliver(folder / "snapshot", {}), connect(), folder), policy, settings)


@pytest.fixture(scope="module")
def sql_of_rules(audit) -> dict[str, str]:
    """Every query of every rule: its shared tables, its rows, its figures, and what is drawn of it."""
    queries, engine = {}, audit.snapshot.engine
    for id, rule in sorted(RULES.items()):
        if id in WITHOUT_QUERY:
            continue
        parts = queries_of(rule, audit)
        queries |= {f"{id} {name}": sql for name, sql in (parts.shared | parts.own).items()}
        check = outline(rule, audit)
        queries |= {f"{id} {name}": engine.sql(value.name("figure").as_table()) for name, value in check.figures.items()}
        if check.over_time is not None:
            queries |= {f"{id} {t.op().schema}": engine.sql(t) for t in (check.over_time.population, check.over_time.beside)}
    return queries


def test_no_query_has_intervals_of_two_units(sql_of_rules):
    units = {name: {unit for _, unit in re.findall(r"INTERVAL\s+('[^']*'|\S+)\s+(\w+)", sql)} for name, sql in sql_of_rules.items()}
    assert {name: of for name, of in units.items() if of - {"SECOND"}} == {}
    assert sum(bool(of) for of in units.values()) > 10
    assert not any(re.search(r"\b(TO_(YEARS|MONTHS|DAYS|HOURS|SECONDS)|DATE_ADD|DATE_SUB)\(", sql) for sql in sql_of_rules.values())


def functions(sql: str) -> set[str]:
    without_texts = re.sub(r"'(?:[^']|'')*'", "''", sql)
    return set(re.findall(r"\b([A-Z][A-Z_0-9]*)\s*\(", without_texts))


def test_every_function_of_a_query_is_asked_at_the_start(sql_of_rules):
    used = set().union(*(functions(sql) for sql in sql_of_rules.values()))
    assert used - PLAIN - functions(QUERY) == set()
    assert {"MAKE_DATE", "TIMEZONE", "TRANSLATE", "SHA1", "REGEXP_MATCHES"} <= used & functions(QUERY)


def test_a_name_means_one_table_to_all_rules(audit):
    needed: dict[str, dict[str, list[str]]] = {}
    for id, rule in RULES.items():
        for name, sql in queries_of(rule, audit).shared.items() if id not in WITHOUT_QUERY else ():
            needed.setdefault(name, {}).setdefault(sql, []).append(id)
    assert {name: list(by_sql) for name, by_sql in needed.items() if len(by_sql) > 1} == {}
    several = {name for name, by_sql in needed.items() for ids in by_sql.values() if len(ids) > 1}
    assert {"consent_states", "refusals", "permission_codes", "permission_states", "valid_holds", "entitlements"} <= several
    for name in ("permission_codes", "event_types"):
        # names are normalised in these tables alone, never row by row
        assert all("TRANSLATE" in sql for sql in needed[name])


@pytest.mark.parametrize(
    ("option", "trap"), [({"default_collation": "nocase"}, "the order of texts"), ({"integer_division": "true"}, "month ends")]
)
def test_an_engine_that_computes_otherwise_is_refused(option, trap, monkeypatch):
    for name, value in option.items():
        monkeypatch.setitem(locked.GUARDED, name, value)
    with pytest.raises(InputError, match=trap):
        assert connect().backend


def test_what_decides_on_results_is_no_option():
    with pytest.raises(InputError, match="default_collation can't be set"):
        connect("duckdb", {"default_collation": "nocase"})


def test_an_answer_that_is_null_is_wrong(monkeypatch):
    monkeypatch.setattr(duck, "QUERY", "SELECT " + ", ".join(["NULL"] * len(duck.TRAPS)))
    with pytest.raises(InputError, match="digests"):
        assert connect().backend
