"""What of a delivery keeps a fact from a number, or limits it: a gate that failed, a cut window, wrong values, a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.fact_evaluate import evaluate_fact
from heytalk_audit.facts import FACTS
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

GIVEN = {"consents": [{"user_id": "u1", "purpose": "media", "event_at": "2025-01-01T00:00:00Z"}], "users": [{"user_id": "u1"}]}


def audit_of(folder, given=GIVEN, **stated) -> Audit:
    rows = worlds.tables_of([worlds.Case("", "", given, None, 0, alone=True)])
    policy = load_policy()
    return Audit(open_snapshot(worlds.deliver(folder, rows, **stated), connect()), policy, settings_of(policy, {}))


@pytest.mark.parametrize(("rows", "blocked"), [(1, ()), (2, ("gate:consents",))])
def test_a_table_whose_total_differs_blocks_what_reads_it(tmp_path, rows, blocked):
    audit = audit_of(tmp_path, resources=[{"name": "consents", "rows": rows}])
    result = evaluate_fact(FACTS["consent"], audit, raises=True).result
    assert result.blocked_by == blocked and result.total == (None if blocked else 1)
    assert bool(result.rows) == (not blocked)
    assert evaluate_fact(FACTS["inactivity"], audit, raises=True).result.blocked_by == ()


def test_a_cut_window_is_a_limit(tmp_path):
    whole = evaluate_fact(FACTS["consent"], audit_of(tmp_path / "whole"), raises=True).result
    window = {"name": "consents", "window_start": "2025-02-01T00:00:00Z", "filter": "event_at > 2025-02-01"}
    cut = evaluate_fact(FACTS["consent"], audit_of(tmp_path / "cut", resources=[window]), raises=True).result
    limits = [sentence for sentence in cut.limits if sentence not in whole.limits]
    assert limits and all("consents" in sentence and sentence.endswith(".") for sentence in limits) and cut.total == whole.total


@pytest.mark.parametrize(("wrong", "is_blocked"), [(2, True), (1, False)])
def test_few_wrong_values_are_counted_as_not_stated_and_many_block(tmp_path, wrong, is_blocked):
    people = [{"user_id": f"u{i}", "last_contact_at": "2025-01-01T00:00:00Z"} for i in range(150)]
    odd = [{"user_id": f"x{i}", "status": "gone"} for i in range(wrong)]
    result = evaluate_fact(FACTS["people"], audit_of(tmp_path, {"users": people + odd}), raises=True).result
    assert result.blocked_by == (("wrong_value:users.status",) if is_blocked else ())
    if not is_blocked:
        assert result.total == 151 and any("users.status" in sentence for sentence in result.limits)
        assert ("unclear", "(none)", "(none)", "not known", 1) in result.rows


def test_a_crash_is_a_fault_with_its_place_and_no_number(tmp_path):
    def crashing(users, policy):
        raise KeyError("u1")

    evaluated = evaluate_fact(replace(FACTS["people"], build=crashing), audit_of(tmp_path))
    assert evaluated.result.total is None and evaluated.result.blocked_by == ("error",)
    assert evaluated.result.fault.type == "KeyError" and evaluated.result.fault.file == "test_fact_gates.py"
    assert "u1" not in evaluated.result.model_copy(update={"source": ""}).model_dump_json()
    assert "KeyError" in evaluated.fault.traceback
