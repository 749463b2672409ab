"""Every fact over the demo of 300 users beside a second reading of its definition: totals and rows."""

from __future__ import annotations

import pytest
from facts_reading import FactsReading

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.fact_evaluate import evaluate_fact
from heytalk_audit.demo import write_demo
from heytalk_audit.facts import FACTS
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

pytestmark = pytest.mark.xdist_group("facts")


@pytest.fixture(scope="module")
def folder(shared):
    return shared("demo-300", lambda place: write_demo(place, users=300))


@pytest.fixture(scope="module")
def audit(folder):
    policy = load_policy()
    return Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}))


@pytest.fixture(scope="module")
def reading(folder):
    return FactsReading(folder)


@pytest.mark.parametrize("id", list(FACTS))
def test_a_second_reading_counts_the_same(id, audit, reading):
    result = evaluate_fact(FACTS[id], audit, raises=True).result
    total, parts = getattr(reading, id)()
    assert result.total == total and total > 0
    lines = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    for name, wanted in parts.items():
        own = [line for line in lines if line.get("part", "") == name]
        missing = [line for line in wanted if not any(line.items() <= other.items() for other in own)]
        assert not missing, (id, name, missing[:3], own[:3])
        assert len(own) == len(wanted), (id, name, len(own), len(wanted))


def test_the_reading_covers_every_fact():
    assert all(hasattr(FactsReading, id) for id in FACTS)
