"""The population is counted before joins that only add columns: as many rows as after them, for every rule."""

from __future__ import annotations

import pyarrow as pa
import pytest

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import outline
from heytalk_audit.audit.ledger import before_joins
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot


def test_every_rule_has_as_many_rows_before_its_joins(demo):
    engine, policy = connect(), load_policy()
    audit = Audit(open_snapshot(demo, engine), policy, settings_of(policy, {}))
    checks = {rule.id: outline(rule, audit) for rule in RULES.values()}
    built = {id: check for id, check in checks.items() if check is not None}
    assert len(built) > 90
    counts = {id: [int(engine.rows(t.agg(n=t.count())).n[0]) for t in (c.rows, before_joins(c.rows))] for id, c in built.items()}
    assert {id: n for id, n in counts.items() if n[0] != n[1]} == {}
    lighter = [id for id, check in built.items() if not before_joins(check.rows).equals(check.rows)]
    assert len(lighter) > 40


@pytest.fixture
def tables():
    engine = connect()
    left = engine.put("l", pa.table({"k": ["a", "b", "c"], "n": [1, 2, 3]}))
    right = engine.put("r", pa.table({"k": ["a", "d"], "m": [1, 2]}))
    return engine, left, right


def count(engine, table) -> int:
    return int(engine.rows(table.agg(n=table.count())).n[0])


def test_joins_that_may_lose_or_repeat_rows_are_kept(tables):
    engine, left, right = tables
    for joined in (left.inner_join(right, "k"), left.outer_join(right, "k"), left.cross_join(right), left.semi_join(right, "k")):
        assert count(engine, before_joins(joined)) == count(engine, joined) != 3


def test_filters_on_joined_columns_are_kept(tables):
    engine, left, right = tables
    joined = left.left_join(right, "k")
    assert count(engine, before_joins(joined)) == 3
    assert count(engine, before_joins(joined.filter(joined.m == 1))) == 1


def test_rows_that_are_made_of_arrays_are_counted(tables):
    engine, *_ = tables
    lists = engine.put("lists", pa.table({"words": [["x", "y"], ["z"]]}))
    assert count(engine, before_joins(lists.select(word=lists.words.unnest()))) == 3


def test_a_join_to_one_row_adds_columns(tables):
    engine, left, right = tables
    joined = left.cross_join(right.agg(most=right.m.max()))
    assert before_joins(joined).equals(left)
    assert count(engine, joined) == 3
